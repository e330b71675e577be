"""What the launcher begins before the engine has loaded, and what it leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import os
parent = os.getppid()
print("parent", parent, open(f"/proc/{parent}/cmdline").read().split("\\0"))
"""


def launched(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command of the launcher, with the embedded engine, in a project's folder."""
    done = subprocess.run(
        [sys.executable, "-c", "from launcher.main import main; main()", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "MESSAGING_ENGINE": "embedded",
            "PULUMI_BACKEND_URL": folder.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "hush",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks what has loaded all that")
@pytest.mark.parametrize("command", [("preview",), ("up", "--yes")])
def test_the_program_is_forked_from_a_process_that_ends_with_the_command(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    launched(tmp_path, "stack", "init", "dev")

    lines = launched(tmp_path, *command, "--stack", "dev").stdout.splitlines()

    told = [line.split() for line in lines if "parent" in line]
    assert told
    assert all("'engine.process.forkserver'," in words for words in told), told
    servers = {words[words.index("parent") + 1] for words in told}
    assert len(servers) == 1, "the preview's and the update's come from one"
    assert not Path("/proc", *servers).exists()


@pytest.mark.parametrize("arguments", [("up", "--help"), ("stack", "ls"), ("config",)])
def test_a_command_that_runs_nothing_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    from engine.process import forks
    from launcher import main

    monkeypatch.setattr(forks, "start", lambda _: pytest.fail("a server was started"))
    monkeypatch.chdir(tmp_path)

    main._load_ahead(arguments, tmp_path)
