"""The Makefile as a newcomer uses it, in a clone of what is committed, which stays as git knows it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import requests

from tests.e2e import harness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.harness import Run, Workspace

pytestmark = [pytest.mark.timeout(600), pytest.mark.whole_machine, harness.needs("git", "make")]


@dataclass
class Clone:
    """A clone of the project with an instance and ports of its own, committed."""

    workspace: Workspace

    def make(self, *words: str, check: bool = True, environment: dict[str, str] | None = None) -> Run:
        """`make WORDS` in the clone."""
        command = shutil.which("make")
        assert command is not None
        return self.workspace.command(command, *words, check=check, timeout=400, environment=environment)

    def differences(self) -> str:
        """What `git status` has to say."""
        return self.git("status", "--porcelain")

    def git(self, *words: str) -> str:
        """A git command in the clone; its output."""
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        return subprocess.run(
            ["git", *identity, *words],
            cwd=self.workspace.root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    root = tmp_path / "messaging"
    done = subprocess.run(["git", "clone", "--quiet", harness.ROOT, root], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this is no git checkout: {done.stderr.decode().strip()}")
    # Making a virtual environment again would only repeat what made the one that runs this test.
    (root / ".venv").symlink_to(harness.BIN.parent)
    (root / ".git" / "info" / "exclude").write_text("/.venv\n")
    for file in root.glob("*.*"):
        os.utime(file, (0, 0))
    if (harness.ROOT / ".site.yaml").exists():
        shutil.copy(harness.ROOT / ".site.yaml", root)
    workspace = harness.Workspace(
        root=root,
        instance=f"tmake{uuid.uuid4().hex[:6]}",
        offset=harness.free_offset(),
        environment={"PULUMI_HOME": str(tmp_path / "home")},
    )
    made = Clone(workspace)
    with (root / "Pulumi.dev.yaml").open("a") as config:
        config.write(f"  messaging:instance: {workspace.instance}\n")
        config.write(f"  messaging:portOffset: {workspace.offset}\n")
    made.git("commit", "--quiet", "--all", "--message", "An instance of its own")
    try:
        yield made
    finally:
        workspace.remove()


def test_a_platform_is_made_lost_reclaimed_and_made_again(clone: Clone) -> None:
    workspace = clone.workspace
    registry = f"http://localhost:{workspace.port(8081)}"

    up = clone.make("up")
    assert registry in up.out
    assert requests.get(f"{registry}/subjects", timeout=10).json()
    assert "unchanged" in clone.make("preview").out
    assert clone.differences() == ""

    shutil.rmtree(workspace.root / ".pulumi")
    refused = clone.make("up", check=False)
    assert refused.code != 0
    assert workspace.name("kafka-dev-data") in refused.text
    way_out = re.search(r"`make (reclaim STACK=dev[^`]*)`", refused.text)
    assert way_out is not None, refused.text

    clone.make("reclaim", "STACK=dev")
    assert workspace.remains() == [workspace.name("kafka-dev-data")], "data stays unless it is asked for"
    clone.make(*way_out[1].split())
    assert workspace.remains() == []

    clone.make("up")
    assert requests.get(f"{registry}/subjects", timeout=10).json()
    clone.make("destroy")
    assert workspace.remains() == []
    assert clone.differences() == ""


def test_make_up_uses_a_pulumi_cli_where_there_is_one(clone: Clone, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    cli = tmp_path / "cli" / "pulumi"
    cli.parent.mkdir()
    cli.write_text(f'#!/bin/sh\necho "$@" "in $PULUMI_BACKEND_URL" >> {notes}\n')
    cli.chmod(0o755)

    up = clone.make(
        "up", environment={"PATH": f"{cli.parent}:{os.environ['PATH']}", "MESSAGING_ENGINE": "auto"}
    )

    state = clone.workspace.root.as_uri()
    assert notes.read_text().splitlines() == [
        f"stack select --create dev in {state}",
        f"up --yes --stack dev in {state}",
    ]
    assert f"pulumi: using the Pulumi CLI at {cli}" in up.err
    assert clone.differences() == ""


def test_make_says_what_it_can_do(clone: Clone) -> None:
    told = clone.make("help").out

    for target in ("up", "preview", "destroy", "reclaim", "test", "test-long", "check", "images"):
        assert f"make {target} " in told
