"""How a build treats files and commands: modes, other file systems, interruptions, what a machine refuses."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from images import build, certificates, cli, site_file, steps
from images.catalogue import name_all
from images.display import Display
from images.errors import ImageError

if TYPE_CHECKING:
    from pathlib import Path

    from images.catalogue import Named

HAPROXY, KAFKA = (name_all({})[role] for role in ("haproxy", "kafka"))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def collect(folder: Path, named: Named = HAPROXY) -> Path:
    """Collects what an image is built from, as a build does."""
    work = folder / "work"
    work.mkdir()
    trust = certificates.Trust(pem=folder / "pem", java=folder / "java")
    build._prepare(named, work, trust, steps.Log(folder / "log"), Display(cli.progress))
    return work


@pytest.mark.parametrize("mask", [0o077, 0o027, 0o002])
def test_what_enters_an_image_has_the_same_modes_whatever_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mask: int
) -> None:
    checkout = tmp_path / "checkout"
    monkeypatch.setattr("images.catalogue.PROJECT", checkout)
    docker = checkout / "images" / "haproxy" / "docker"
    docker.mkdir(parents=True)
    (checkout / "images" / "haproxy" / "Dockerfile").write_text("FROM scratch\n")
    (docker / "docker-entrypoint.sh").write_text("#!/bin/sh\n")
    (docker / "plain").write_text("text")
    docker.chmod(0o777 & ~mask)
    (docker / "docker-entrypoint.sh").chmod(0o777 & ~mask)
    (docker / "plain").chmod(0o666 & ~mask)

    work = collect(tmp_path)

    assert mode(work / "docker") == 0o755
    assert mode(work / "docker" / "docker-entrypoint.sh") == 0o755
    assert mode(work / "docker" / "plain") == 0o644


def test_commands_of_a_build_make_files_that_everyone_can_read(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        steps.Log(tmp_path / "log").run(["touch", tmp_path / "made"])
    finally:
        os.umask(before)

    assert mode(tmp_path / "made") == 0o644


def use_maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Kept downloads of the broker; returns one of them."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "a.jar").write_text("jar")
    (kept / "a.jar").chmod(0o644)
    monkeypatch.setattr("images.downloads.artifacts", lambda *_, **__: kept)
    return kept / "a.jar"


def test_downloads_on_another_file_system_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_maven(tmp_path, monkeypatch)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)

    assert (collect(tmp_path, KAFKA) / "maven" / "a.jar").read_text() == "jar"


def test_a_kept_download_keeps_its_mode_when_an_image_needs_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = use_maven(tmp_path, monkeypatch)
    kept.chmod(0o600)

    work = collect(tmp_path, KAFKA)

    assert mode(work / "maven" / "a.jar") == 0o644
    assert mode(kept) == 0o600


@pytest.fixture
def fresh_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_stopped", threading.Event())


@pytest.mark.usefixtures("fresh_stop")
def test_stopping_ends_commands_with_their_children_and_starts_no_others(tmp_path: Path) -> None:
    log = steps.Log(tmp_path / "log")
    refused: list[str] = []

    def work() -> None:
        try:
            log.run(["bash", "-c", f"sleep 300 & echo $! >{tmp_path}/child; wait"])
        except ImageError as error:
            refused.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 20
    child = tmp_path / "child"
    while not (child.exists() and child.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    steps.stop()
    thread.join(20)

    assert len(refused) == 1
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", child.read_text().strip()], capture_output=True, text=True, check=False
    ).stdout
    assert not state.strip() or state.startswith("Z")
    with pytest.raises(ImageError, match="interrupted"):
        log.run(["true"])


WAITING = """\
import time
from images import cli
def wait():
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("tidied up", flush=True)
cli.app = wait
cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_from_outside_tidies_up(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITING], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as command:
        assert command.stdout is not None
        command.stdout.readline()
        command.send_signal(number)
        said, _ = command.communicate(timeout=20)

    assert said == "tidied up\n"


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["images", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_what_the_machine_refuses_is_one_line_with_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/checkout/build/images/lock")

    monkeypatch.setattr(site_file, "read", refuse)

    assert run(monkeypatch, "source") == 1
    said = capsys.readouterr().err
    assert said.startswith("/checkout/build/images/lock: Permission denied")
    assert said.count("\n") == 1


def test_a_full_disk_is_told_in_one_line_by_the_image_that_met_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "LOGS", tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")] * 3)

    monkeypatch.setattr(build, "_prepare", refuse)
    trust = certificates.Trust(pem=tmp_path, java=tmp_path)

    with pytest.raises(ImageError) as told:
        build._build_one(HAPROXY, {}, trust, Display(cli.progress))

    said = str(told.value)
    assert said.startswith("The image haproxy was not built: b: [Errno 28] No space left on device")
    assert said.endswith("(and 2 more)")
