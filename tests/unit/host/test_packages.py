"""What is installed on a machine and what is only asked for."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from host import packages
from host.errors import HostError

if TYPE_CHECKING:
    from pathlib import Path

ABSENT = packages.Need(package="no-such-thing", command="no-such-command-at-all", why="a test")
PRESENT = packages.Need(package="dash", command="sh", why="a test")


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for apt-get that notes its arguments."""
    notes = tmp_path / "notes"
    script = tmp_path / "apt-get"
    script.write_text(
        f'#!/bin/sh\necho "$@" >> {notes}\n'
        'case "$*" in *broken*) echo "E: no such package"; exit 100;; esac\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return notes


def test_only_what_is_missing_is_installed(apt: Path) -> None:
    packages.install([PRESENT, ABSENT])

    assert apt.read_text().splitlines()[-1].split()[-1] == "no-such-thing"
    assert "dash" not in apt.read_text()


def test_a_machine_that_has_everything_is_left_alone(apt: Path) -> None:
    packages.install([PRESENT])

    assert not apt.exists()


@pytest.mark.parametrize(
    ("offered", "installed"),
    [
        ("openjdk-17-jre-headless", ["docker.io", "openjdk-17-jre-headless"]),
        ("docker-cli", ["docker.io", "docker-cli", "default-jre-headless"]),
        ("", ["docker.io", "default-jre-headless"]),
    ],
    ids=["Debian 12", "Debian 13", "none"],
)
def test_a_release_gets_the_packages_that_it_has(
    apt: Path, monkeypatch: pytest.MonkeyPatch, offered: str, installed: list[str]
) -> None:
    known = apt.with_name("apt-cache")
    known.write_text(
        f'#!/bin/sh\nfor word; do :; done\n[ "$word" != "{offered}" ] || echo "Package: $word"\n'
    )
    known.chmod(0o755)
    monkeypatch.setattr(packages, "_met", lambda need: need.command not in {"dockerd", "docker", "java"})

    packages.install([*packages.PLATFORM, *packages.IMAGES])

    update, install = apt.read_text().splitlines()
    assert update == "-qq update"
    assert install.split()[4:] == installed


def test_a_package_without_commands_counts_by_its_file(apt: Path, tmp_path: Path) -> None:
    (tmp_path / "key.gpg").touch()
    there = packages.Need(package="keyring", file=str(tmp_path / "key.gpg"), why="a test")
    absent = packages.Need(package="other-keyring", file=str(tmp_path / "none.gpg"), why="a test")

    packages.install([there, absent])

    assert apt.read_text().splitlines()[-1].split()[-1] == "other-keyring"


def test_apt_failing_shows_its_own_words(apt: Path) -> None:
    broken = packages.Need(package="broken", command="no-such-command-at-all", why="a test")

    with pytest.raises(HostError, match=r"code 100:\nE: no such package"):
        packages.install([broken])


@pytest.mark.usefixtures("apt")
def test_someone_who_is_not_root_gets_the_command_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(HostError, match=r"not root(.|\n)*apt-get install no-such-thing"):
        packages.install([ABSENT])


def test_a_machine_with_its_own_docker_host_is_not_touched(
    apt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")

    with pytest.raises(HostError, match="DOCKER_HOST is set"):
        packages.install([ABSENT])

    assert not apt.exists()


def test_the_module_runs_without_the_virtual_environment(tmp_path: Path) -> None:
    """It prepares the machine on which the virtual environment is then made."""
    done = subprocess.run(
        [
            "/usr/bin/env",
            "-i",
            "PATH=/usr/bin:/bin",
            "python3",
            "-I",
            "-c",
            "import runpy, sys; sys.path.insert(0, '.'); runpy.run_module('host.__main__')",
        ],
        cwd=packages.__file__.rsplit("/host/", 1)[0],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
