"""A large stack whose run of the embedded engine was killed: the CLI refuses it, then goes on with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from launcher.engines import find_cli
from tests.e2e import harness
from tests.parity.engines import QUIET

if TYPE_CHECKING:
    from pathlib import Path

LAUNCHER = str(harness.BIN / "pulumi")
BEFORE, AFTER = 70, 110
"""Resources of 10 kB each: more than what is written whole at each save."""
PROGRAM = """\
import pulumi
from things import Thing

for number in range(pulumi.Config().require_int("count")):
    Thing(f"thing-{number}", number)
"""
THINGS = '''\
"""Resources that are a file each."""

import pathlib

from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

MADE = pathlib.Path(__file__).parent / "made"


class Files(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        (MADE / str(props["number"])).touch()
        return CreateResult(str(props["number"]), {**props})

    def diff(self, _id, olds, news):
        return DiffResult(changes=olds["number"] != news["number"])

    def delete(self, id_, _props):
        (MADE / id_).unlink()


class Thing(Resource):
    def __init__(self, name, number):
        super().__init__(Files(), name, {"number": number, "text": "t" * 10_000})
'''


class Project:
    """The program in a folder with a state folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.made = root / "made"
        self.made.mkdir()
        self.state = root / ".pulumi" / "stacks" / "many" / "dev.json"
        (root / "Pulumi.yaml").write_text("name: many\nruntime: python\n")
        (root / "__main__.py").write_text(PROGRAM)
        (root / "things.py").write_text(THINGS)

    def cli(self, *arguments: str, code: int = 0) -> str:
        """Runs the Pulumi CLI by itself."""
        return self._run(str(find_cli(os.environ["PATH"])), arguments, code, {})

    def launched(self, *arguments: str) -> str:
        """Has the launcher run the CLI."""
        return self._run(LAUNCHER, arguments, 0, {"MESSAGING_ENGINE": "cli"})

    def embedded(self, *arguments: str, code: int = 0, variables: dict[str, str] | None = None) -> str:
        """Has the launcher run the embedded engine."""
        return self._run(LAUNCHER, arguments, code, {"MESSAGING_ENGINE": "embedded", **(variables or {})})

    def _run(self, program: str, arguments: tuple[str, ...], code: int, variables: dict[str, str]) -> str:
        done = subprocess.run(
            [program, *arguments, "--stack", "dev", "--non-interactive"],
            cwd=self.root,
            env={
                **os.environ,
                "PATH": f"{harness.BIN}:{os.environ['PATH']}",
                "PULUMI_BACKEND_URL": self.root.as_uri(),
                "PULUMI_HOME": str(self.root / "home"),
                "PULUMI_CONFIG_PASSPHRASE": "",
                **QUIET,
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def recorded(self) -> int:
        """Resources in the checkpoint, which is all that the CLI sees."""
        return len(json.loads(self.state.read_text())["checkpoint"]["latest"]["resources"])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A stack of many resources, and a run that was killed while it made more."""
    made = Project(tmp_path)
    made.embedded("stack", "init")
    made.embedded("config", "set", "count", str(BEFORE))
    made.embedded("up", "--yes", "--skip-preview")
    made.embedded("config", "set", "count", str(AFTER))
    killed = {"MESSAGING_ENGINE_KILL_AT": "create.after:20"}
    made.embedded("up", "--yes", "--skip-preview", code=-signal.SIGKILL, variables=killed)
    assert made.state.with_name("dev.json.journal").exists()
    return made


def test_the_cli_refuses_it_and_then_goes_on_with_all_that_was_done(project: Project) -> None:
    behind = project.recorded()

    refused = project.cli("up", "--yes", "--skip-preview", code=1)
    assert "is currently locked by 1 lock(s)" in refused
    assert project.recorded() == behind

    told = project.launched("cancel", "--yes")
    assert "what an interrupted run of the embedded engine recorded of the stack dev is in its state" in told
    assert project.recorded() > behind
    assert not project.state.with_name("dev.json.journal").exists()

    project.cli("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
    project.cli("up", "--yes", "--skip-preview")
    project.cli("preview", "--expect-no-changes")
    project.embedded("preview", "--expect-no-changes")
    assert len(list(project.made.iterdir())) == AFTER
    project.cli("destroy", "--yes", "--skip-preview")
    assert list(project.made.iterdir()) == []


def test_cancelled_by_the_embedded_engine_the_cli_sees_it_too(project: Project) -> None:
    behind = project.recorded()

    told = project.embedded("cancel", "--yes")

    assert "recorded of the stack dev is in its state now" in told
    assert project.recorded() > behind
    seen = json.loads(project.cli("stack", "export"))
    assert len(seen["deployment"]["resources"]) == project.recorded()
