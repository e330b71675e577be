"""The command line as people meet it: real processes, one message for a mistake, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MESSAGING = Path(sys.executable).parent / "messaging"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: messaging\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  messaging:environment: dev\n")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    nowhere = {"DOCKER_HOST": "tcp://127.0.0.1:9", "PULUMI_HOME": str(folder), "NO_COLOR": "1"}
    return subprocess.run(
        [str(MESSAGING), *arguments],
        cwd=folder,
        env=os.environ | nowhere,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["stop", "start", "reclaim"])
def test_without_docker_each_command_says_so_and_ends_with_1(project: Path, command: str) -> None:
    done = run(project, command, "--stack", "dev")

    assert done.returncode == 1
    assert done.stderr == (
        "error: the Docker engine at tcp://127.0.0.1:9 does not answer: Connection refused. Start it, or set "
        "DOCKER_HOST to where it is\n"
    )


@pytest.mark.parametrize("command", ["stop", "start", "reclaim"])
def test_an_unknown_stack_is_refused_with_the_known_ones(project: Path, command: str) -> None:
    done = run(project, command, "--stack", "staging")

    assert done.returncode == 1
    assert "there is no stack staging" in done.stderr
    assert "Known: dev" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_the_commands(project: Path) -> None:
    done = run(project, "--help")

    assert done.returncode == 0
    for command in ("start", "stop", "reclaim"):
        assert command in done.stdout
