"""The embedded engine's command line, driven in this process on projects with dynamic resources alone."""

from __future__ import annotations

import json
import os
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.cli.main import main
from engine.workspace import passphrase

if TYPE_CHECKING:
    from collections.abc import Callable

THINGS = '''
"""Dynamic resources that echo their inputs; `seen.txt` is what a read finds."""

import pathlib

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult


class Echo(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        return CreateResult(props["name"], {**props})

    def diff(self, _id, olds, news):
        return DiffResult(changes=olds.get("value") != news.get("value"))

    def update(self, _id, _olds, news):
        return UpdateResult({**news})

    def read(self, id_, props):
        seen = pathlib.Path("seen.txt")
        if not seen.exists():
            return ReadResult(id_, props)
        found = seen.read_text().strip()
        return ReadResult(id_, {**props, "value": found}) if found else ReadResult("", {})


class Thing(Resource):
    def __init__(self, name, opts=None, **props):
        super().__init__(Echo(), name, {"name": name, "value": None, **props}, opts)
'''


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Project:
    """One project's folder."""

    root: Path
    name: str
    capture: pytest.CaptureFixture[str]

    def write(self, program: str) -> None:
        (self.root / "__main__.py").write_text(
            "import pulumi\nfrom things import Thing\n" + textwrap.dedent(program)
        )

    def run(self, *arguments: str, code: int = 0) -> Ran:
        """Runs one command in the project's folder and checks how it ends."""
        before = Path.cwd()
        os.chdir(self.root)
        try:
            ended = main(["--non-interactive", *arguments])
        finally:
            os.chdir(before)
        out, err = self.capture.readouterr()
        assert ended == code, f"{arguments} ended with {ended}:\n{out}{err}"
        return Ran(ended, out, err)

    def up(self, program: str, *flags: str, code: int = 0) -> Ran:
        self.write(program)
        return self.run("up", "--yes", "--skip-preview", *flags, code=code)

    @property
    def state(self) -> Path:
        return self.root.parent / ".pulumi" / "stacks" / self.name / "dev.json"

    def urns(self) -> list[str]:
        deployment = self.run("stack", "export").json()["deployment"]
        return [one["urn"] for one in deployment.get("resources", ())]

    def urn(self, name: str) -> str:
        (found,) = [urn for urn in self.urns() if urn.endswith(f"::{name}")]
        return found


@pytest.fixture
def new_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Project]:
    """Makes projects with a stack `dev` in one backend."""
    for name in list(os.environ):
        if name.startswith("PULUMI_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PULUMI_BACKEND_URL", tmp_path.as_uri())
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")
    monkeypatch.setattr(passphrase, "ROUNDS", 1000)  # the real number is the passphrase tests' affair

    def make(name: str) -> Project:
        root = tmp_path / name
        root.mkdir()
        (root / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
        (root / "things.py").write_text(THINGS)
        project = Project(root, name, capsys)
        project.run("stack", "init", "dev")
        return project

    return make


@pytest.fixture
def project(new_project: Callable[[str], Project]) -> Project:
    """A project with a stack that has no resources yet."""
    return new_project("tiny")
