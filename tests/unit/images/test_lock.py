"""What downloads are checked against: the console's part of the lock, and Maven's list of checksums."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from images import certificates, downloads
from images.catalogue import PROJECT
from images.daemon import Present
from images.errors import ImageError
from images.lock import part_of_lock
from images.prune import superfluous
from images.steps import Log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = """\
flask==3.1.3 \\
    --hash=sha256:aa
    # via iot-platform-messaging (pyproject.toml)
jinja2==3.1.6 \\
    --hash=sha256:bb
    # via flask
MarkupSafe==3.0.3 \\
    --hash=sha256:cc
    # via
    #   jinja2
    #   werkzeug
pulumi==3.272.0 \\
    --hash=sha256:dd
    # via iot-platform-messaging (pyproject.toml)
"""


def test_a_part_of_the_lock_holds_what_its_packages_need_and_no_more() -> None:
    part = part_of_lock(LOCK, ["Flask"])

    assert "flask==3.1.3" in part
    assert "jinja2==3.1.6" in part
    assert "MarkupSafe==3.0.3" in part
    assert "pulumi" not in part
    assert "via" not in part


def test_a_package_that_the_lock_lacks_is_named_with_the_way_to_add_it() -> None:
    with pytest.raises(ImageError, match=r"no django: add them to pyproject\.toml"):
        part_of_lock(LOCK, ["django"])


def test_the_committed_lock_of_the_console_is_a_part_of_the_projects() -> None:
    whole = (PROJECT / "requirements.lock").read_text()
    names = (PROJECT / "images" / "console" / "requirements.in").read_text().split()

    assert (PROJECT / "images" / "console" / "requirements.lock").read_text() == part_of_lock(whole, names)


def test_a_list_of_checksums_is_what_sha256sum_reads(tmp_path: Path) -> None:
    folder = tmp_path / "jars"
    folder.mkdir()
    (folder / "a.jar").write_bytes(b"a")

    downloads.write_list(tmp_path / downloads.LIST, folder)

    done = subprocess.run(["sha256sum", "-c", tmp_path / downloads.LIST], cwd=folder, check=False)
    assert done.returncode == 0


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for mvn that brings one altered and one unexpected artifact."""
    script = tmp_path / "bin" / "mvn"
    script.parent.mkdir()
    script.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        "target = next(a.partition('=')[2] for a in sys.argv if a.startswith('-DoutputDirectory='))\n"
        "pathlib.Path(target).mkdir(parents=True)\n"
        "pathlib.Path(target, 'a.jar').write_text('other')\n"
        "pathlib.Path(target, 'b.jar').write_text('new')\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    return tmp_path


@pytest.fixture
def trust() -> Iterator[certificates.Trust]:
    with certificates.bundle({}) as trust:
        yield trust


def test_artifacts_that_differ_from_the_list_are_refused_by_name(
    maven: Path, trust: certificates.Trust
) -> None:
    folder = maven / "kafka"
    folder.mkdir()
    (folder / downloads.LIST).write_text(f"{'0' * 64}  a.jar\n{'1' * 64}  c.jar\n")

    with pytest.raises(ImageError) as refused:
        downloads.artifacts(
            folder,
            version="1",
            cache=maven / "cache",
            repository=maven / "repository",
            trust=trust,
            log=Log(maven / "log"),
        )

    said = str(refused.value)
    assert "missing: c.jar" in said
    assert "not in the list: b.jar" in said
    assert "altered: a.jar" in said
    assert "python -m images lock" in said


def test_a_command_that_is_not_installed_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ImageError, match=r"`mvn` is not installed.*apt-get install maven"):
        Log(tmp_path / "log").run(["mvn"])


def test_a_command_that_fails_shows_the_end_of_its_output(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"(?s)failed with code 3.*the reason"):
        Log(tmp_path / "log").run(["bash", "-c", "echo the reason; exit 3"])


def test_only_images_that_are_neither_current_nor_used_are_pruned() -> None:
    images = [Present(id=f"sha256:{one}", reference=f"iot-platform/{one}:1", size="1MB") for one in "abc"]

    gone = superfluous(images, current={"iot-platform/a:1"}, used={"sha256:b"})

    assert [image.reference for image in gone] == ["iot-platform/c:1"]
