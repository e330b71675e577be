"""The policy pack on both engines: the same verdicts in the same words, and the same report."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from launcher.engines import find_cli
from tests.e2e.harness import free_offset
from tests.policies.conftest import BIN, fresh

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policies.conftest import Preview

pytestmark = [
    pytest.mark.parity,
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_cli(os.environ.get("PATH", "")) is None, reason="no Pulumi CLI is on PATH"),
]

DOCKER = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
END_OF_PROGRAM = "an unhandled error occurred: program exited with non-zero exit code: 1"
"""What the CLI adds to a program's own refusal."""


def report(preview: Preview, folder: Path) -> list[str]:
    """The report of a preview, without what one engine alone adds."""
    (folder / "events.jsonl").write_text(preview.text)
    done = subprocess.run(
        [str(BIN / "messaging"), "preview-report", "events.jsonl", "--stack", "prod"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    shown, _, _ = done.stdout.partition("### What the preview says")  # what could be asked differs
    return shown.replace(f"```text\n{END_OF_PROGRAM}\n```", "").split()


def test_both_engines_say_the_same_of_a_bad_change(tmp_path: Path) -> None:
    checkout = fresh("prod", tmp_path)
    names = (
        f"messaging:environment: prod\n  messaging:instance: parity\n  messaging:portOffset: {free_offset()}"
    )
    checkout.edit("messaging:environment: prod", names)
    checkout.edit('"restart": "unless-stopped",', '"restart": "no",')
    checkout.edit('"min.insync.replicas": min_insync,', '"min.insync.replicas": "1",')

    ours = checkout.preview()
    theirs = checkout.preview(MESSAGING_ENGINE="cli", DOCKER_HOST=DOCKER)

    assert (ours.code, theirs.code) == (1, 1)
    assert ours.mandatory() == theirs.mandatory() == {"restart-policy", "broker-min-isr"}
    assert len(ours.violations) == len(theirs.violations)
    assert report(ours, tmp_path) == report(theirs, tmp_path)
