"""Copies of the project whose changes are previewed by the real engine, where no Docker engine answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PROGRAM = ("components", "images", "messaging", "policies", "schemas")
"""Folders that the program and its guardrails consist of."""
NOWHERE = "unix:///nowhere/docker.sock"


@dataclass(frozen=True)
class Preview:
    """What a preview said."""

    code: int
    text: str
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def violations(self) -> list[tuple[str, str, str]]:
        """Policy, level and message of each violation."""
        found = [event["policyEvent"] for event in self.events if "policyEvent" in event]
        return [(one["policyName"], one["enforcementLevel"], one["message"]) for one in found]

    @property
    def errors(self) -> str:
        """Every error that the engine, the program or a provider reported."""
        found = [event["diagnosticEvent"] for event in self.events if "diagnosticEvent" in event]
        return "\n".join(one["message"] for one in found if one["severity"] == "error")

    def mandatory(self) -> set[str]:
        """The mandatory policies that are violated."""
        return {policy for policy, level, _ in self.violations if level == "mandatory"}

    def messages(self, policy: str) -> str:
        """All that one policy said."""
        return "\n".join(message for name, _, message in self.violations if name == policy)


@dataclass(frozen=True)
class Checkout:
    """A copy of the project."""

    root: Path
    stack: str

    def copy(self, folder: Path) -> Checkout:
        """The same in another folder, with the state that it has by now."""
        root = folder / self.stack
        shutil.copytree(self.root, root, symlinks=True)
        return Checkout(root, self.stack)

    def pulumi(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`pulumi ARGUMENTS --stack STACK` in the copy, as the launcher runs it."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PULUMI_", "MESSAGING_"))
        }
        own = {
            "PULUMI_HOME": str(self.root / ".home"),
            "PULUMI_CONFIG_PASSPHRASE": "" if self.stack == "dev" else "of these tests",
            "MESSAGING_ENGINE": "embedded",
            "DOCKER_HOST": NOWHERE,
            "COLUMNS": "200",
        }
        return subprocess.run(
            [str(BIN / "pulumi"), *arguments, "--stack", self.stack],
            cwd=self.root,
            env=kept | own | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def preview(self, *arguments: str, **environment: str) -> Preview:
        """A preview as streaming JSON."""
        streaming = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
        done = self.pulumi("preview", "--json", *arguments, **(streaming | environment))
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return Preview(done.returncode, done.stdout + done.stderr, [json.loads(line) for line in lines])

    def edit(self, anchor: str, replacement: str) -> Path:
        """Replaces a text that stands in exactly one of the program's files, and returns that file."""
        files = [*self.root.glob("*.py"), *self.root.glob("Pulumi.*.yaml"), *self.root.glob("messaging/*.py")]
        files += [
            file
            for folder in ("components", "images", "schemas")
            for file in (self.root / folder).rglob("*")
            if file.suffix in {".py", ".yaml", ".avsc"}
        ]
        found = [file for file in files if anchor in file.read_text()]
        assert len(found) == 1, f"{anchor!r} stands in {[str(file) for file in found]}"
        text = found[0].read_text()
        assert text.count(anchor) == 1, f"{anchor!r} stands {text.count(anchor)} times in {found[0]}"
        found[0].write_text(text.replace(anchor, replacement))
        return found[0]


def fresh(stack: str, folder: Path) -> Checkout:
    """A copy of the project as a clone would give it, with a new stack."""
    root = folder / "project"
    root.mkdir()
    for file in [*ROOT.glob("*.py"), ROOT / "Pulumi.yaml", ROOT / f"Pulumi.{stack}.yaml"]:
        shutil.copy(file, root)
    for name in PROGRAM:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / ".venv").symlink_to(BIN.parent)
    made = Checkout(root, stack)
    init = made.pulumi("stack", "select", "--create")
    assert init.returncode == 0, init.stderr
    return made


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Checkout]:
    """Makes the copy of the project that a stack's other copies are taken of."""
    made: dict[str, Checkout] = {}

    def make(stack: str) -> Checkout:
        if stack not in made:
            made[stack] = fresh(stack, tmp_path_factory.mktemp(stack))
        return made[stack]

    return make


@pytest.fixture
def checkout(pristine: Callable[[str], Checkout], tmp_path: Path) -> Callable[[str], Checkout]:
    """Makes a copy of the project that a test may change."""
    return lambda stack: pristine(stack).copy(tmp_path)
