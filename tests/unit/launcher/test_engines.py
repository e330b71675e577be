"""Which engine the launcher picks. That the engines then work is for the e2e and parity tiers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from launcher import engines

ROOT = Path(__file__).resolve().parents[3]


def executable(folder: Path, content: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "pulumi"
    file.write_text(content)
    file.chmod(0o755)
    return file


@pytest.fixture
def cli(tmp_path: Path) -> Path:
    return executable(tmp_path / "cli", "#!/bin/sh\necho v3.259.0\n")


@pytest.fixture
def launcher(tmp_path: Path) -> Path:
    return executable(tmp_path / "venv", "#!/usr/bin/python3\nfrom launcher.main import main\nmain()\n")


def test_without_a_cli_on_path_the_embedded_engine_runs(launcher: Path) -> None:
    assert engines.pick({"PATH": str(launcher.parent)}).cli is None


def test_a_cli_behind_the_launcher_on_path_is_preferred(launcher: Path, cli: Path) -> None:
    assert engines.pick({"PATH": f"{launcher.parent}:{cli.parent}"}).cli == cli


def test_embedded_wins_over_a_cli_when_asked_for(cli: Path) -> None:
    picked = engines.pick({"PATH": str(cli.parent), engines.CHOICE: "embedded"})

    assert picked.cli is None
    assert "embedded engine" in picked.announcement()


def test_an_empty_choice_is_none(cli: Path) -> None:
    assert engines.pick({"PATH": str(cli.parent), engines.CHOICE: ""}).cli == cli


def test_a_cli_that_may_be_run_but_not_read_is_a_cli(cli: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(type(cli), "open", refuse)

    assert engines.find_cli(str(cli.parent)) == cli


@pytest.mark.parametrize("content", ["", "#!/nowhere/interpreter\n"], ids=["empty", "no interpreter"])
def test_a_cli_that_cannot_be_run_is_named_with_the_way_out(tmp_path: Path, content: str) -> None:
    broken = executable(tmp_path / "cli", content)

    done = subprocess.run(
        [sys.executable, "-c", "from launcher.main import main; main()", "version"],
        cwd=tmp_path,
        env={"PATH": str(broken.parent), "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert f"error: the Pulumi CLI at {broken} cannot be run: " in done.stderr
    assert "MESSAGING_ENGINE=embedded" in done.stderr
    assert "Traceback" not in done.stderr


def test_asking_for_a_cli_that_is_not_there_says_what_to_do(launcher: Path) -> None:
    with pytest.raises(engines.NoEngineError, match=r"no Pulumi CLI is on PATH.*MESSAGING_ENGINE=auto"):
        engines.pick({"PATH": str(launcher.parent), engines.CHOICE: "cli"})


def test_an_unknown_choice_names_the_allowed_ones() -> None:
    with pytest.raises(engines.NoEngineError, match=r"'terraform'; allowed are auto, cli and embedded"):
        engines.pick({"PATH": "", engines.CHOICE: "terraform"})


def test_two_launchers_never_call_each_other_for_ever(cli: Path) -> None:
    with pytest.raises(engines.NoEngineError, match="another launcher"):
        engines.pick({"PATH": str(cli.parent), engines.GUARD: "1"})


def test_a_file_that_cannot_be_run_is_no_cli(tmp_path: Path) -> None:
    (tmp_path / "pulumi").write_text("notes about pulumi")

    assert engines.find_cli(str(tmp_path)) is None
