"""A small project that both engines run on one state: what each would do, what each did, and nothing left.

Every run is a real process of `.venv/bin/pulumi`; `MESSAGING_ENGINE` says which engine it hands over to. What
must then be equal is the tests' affair.
"""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import docker.errors
import yaml
from confluent_kafka.admin import AdminClient

from launcher import engines
from tests.e2e import harness
from tests.e2e.harness import Run

if TYPE_CHECKING:
    from tests.parity.scenarios import Bundle

Engine = Literal["cli", "embedded"]
ENGINES: tuple[Engine, Engine] = ("cli", "embedded")
ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
STACK = "test"
PATIENCE = 400
"""Seconds that a command may take before it counts as hanging."""
NEEDED = (
    "pulumi-language-python",
    "pulumi-language-python-exec",
    "pulumi-resource-pulumi-python",
    "pulumi-resource-docker",
    "pulumi-resource-kafka",
)
"""What a CLI needs on PATH besides itself, when it may download nothing."""
QUIET = {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"}
"""What keeps a CLI from asking the network."""
PROJECT = """\
name: parity
runtime:
  name: python
  options:
    virtualenv: {venv}
config:
  parity:defaulted:
    type: string
    default: as written
"""


def other(engine: Engine) -> Engine:
    """The engine that is not this one."""
    return "embedded" if engine == "cli" else "cli"


def missing() -> str:
    """Why this machine cannot compare the engines; empty if it can."""
    path = os.environ.get("PATH", os.defpath)
    if engines.find_cli(path) is None:
        return "no Pulumi CLI is on PATH (docs/parity.md)"
    folders = [Path(folder or ".") for folder in path.split(os.pathsep)]
    absent = [name for name in NEEDED if not any(os.access(folder / name, os.X_OK) for folder in folders)]
    return f"not on PATH: {', '.join(absent)} (docs/parity.md)" if absent else ""


@functools.cache
def cli_version() -> tuple[int, int]:
    """The CLI's major and minor version."""
    cli = engines.find_cli(os.environ["PATH"])
    assert cli is not None
    quiet = os.environ | QUIET
    said = subprocess.run([cli, "version"], capture_output=True, text=True, check=True, env=quiet).stdout
    major, minor, *_ = said.strip().removeprefix("v").split(".")
    return int(major), int(minor)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a preview said it would do, the untouched left out.

    Attributes:
        code: the preview's exit code.
        steps: operation, resource and what forces a replacement, in the order of their names.
    """

    code: int
    steps: list[tuple[str, str, tuple[str, ...]]]

    def of(self, scenario: str) -> Plan:
        """The part of one scenario."""
        mine = [step for step in self.steps if step[1].rpartition("::")[2].startswith(f"{scenario}.")]
        return Plan(code=self.code, steps=mine)

    def without_reasons(self) -> Plan:
        """This plan with no word on why something is replaced."""
        return Plan(code=self.code, steps=[(op, urn, ()) for op, urn, _ in self.steps])

    def like(self, other: Plan) -> Plan:
        """This plan, less the reasons that the other does not give: some are told by one engine alone."""
        told = {(op, urn) for op, urn, reasons in other.steps if reasons}
        return Plan(
            code=self.code,
            steps=[(op, urn, reasons if (op, urn) in told else ()) for op, urn, reasons in self.steps],
        )

    def document(self) -> dict[str, Any]:
        """The plan as golden files hold it."""
        return {"code": self.code, "steps": [[op, urn, list(reasons)] for op, urn, reasons in self.steps]}


@dataclass(kw_only=True)
class Place:
    """One project with one stack."""

    root: Path
    instance: str
    config: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def lay(self, bundle: Bundle) -> None:
        """Writes the project with a bundle's program."""
        (self.root / "Pulumi.yaml").write_text(PROJECT.format(venv=BIN.parent))
        (self.root / "__main__.py").write_text(bundle.main)

    def begin(self, engine: Engine) -> None:
        """Creates the stack."""
        self.run(engine, "stack", "init", STACK)

    def prepare(self, engine: Engine, bundle: Bundle) -> None:
        """Writes the project with a bundle's program, and creates its stack at the first stage."""
        self.lay(bundle)
        self.begin(engine)
        self.at(engine, bundle, 1)

    def at(self, engine: Engine, bundle: Bundle, stage: int) -> None:
        """Brings the configuration to a stage of a bundle."""
        file = self.root / f"Pulumi.{STACK}.yaml"
        text = file.read_text()
        if "parity:stage:" in text:  # the engines' own layout stays
            file.write_text(re.sub(r"parity:stage:.*", f'parity:stage: "{stage}"', text))
        else:
            given = {"stage": str(stage), "instance": self.instance, **self.config}
            config = {f"parity:{key}": value for key, value in given.items()}
            file.write_text(yaml.safe_dump({**yaml.safe_load(text), "config": config}))
        for arguments in bundle.config(stage):
            self.run(engine, "config", "set", *arguments, "--stack", STACK)

    def run(
        self,
        engine: Engine,
        *arguments: str,
        codes: tuple[int, ...] = (0,),
        environment: dict[str, str] | None = None,
    ) -> Run:
        """Runs `pulumi ARGUMENTS`, which has to end with one of the codes."""
        started = self.start(engine, *arguments, environment=environment)
        try:
            out, err = started.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            end(started)
            out, err = started.communicate()
            raise AssertionError(f"{engine}: {arguments} took too long:\n{out}{err}") from None
        run = Run((f"({engine})", "pulumi", *arguments), started.returncode, out, err)
        assert run.code in codes, f"exit code {run.code}, expected {codes}\n{run.text}"
        return run

    def start(
        self, engine: Engine, *arguments: str, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Starts `pulumi ARGUMENTS` in a session of its own."""
        return subprocess.Popen(
            [str(BIN / "pulumi"), *arguments, "--non-interactive"],
            cwd=self.root,
            env=self.variables(engine) | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def variables(self, engine: Engine) -> dict[str, str]:
        """The environment of a command: the machine's own, less whatever names another Pulumi."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PULUMI_", "MESSAGING_"))
        }
        return kept | {
            "MESSAGING_ENGINE": engine,
            "PULUMI_HOME": str(self.root / ".home"),
            "PULUMI_BACKEND_URL": self.root.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "parity",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            **QUIET,
            **self.environment,
        }

    def plan(self, engine: Engine, *flags: str) -> Plan:
        """What `up` would do."""
        return self._steps(engine, "preview", *flags)

    def drift(self, engine: Engine) -> Plan:
        """What `refresh` would take into the state."""
        return self._steps(engine, "refresh", "--preview-only", "--expect-no-changes")

    def _steps(self, engine: Engine, *arguments: str) -> Plan:
        started = self.start(engine, *arguments, "--json", "--stack", STACK)
        out, err = started.communicate(timeout=PATIENCE)
        try:
            document = json.loads(out)
        except ValueError:
            shown = f"({engine}) {arguments}, exit code {started.returncode}:\n{out}{err}"
            raise AssertionError(f"no JSON from {shown}") from None
        return Plan(code=started.returncode, steps=steps(document, detailed=arguments[0] == "refresh"))

    def up(self, engine: Engine, *arguments: str, code: int = 0) -> Run:
        """`pulumi up` without asking and without a preview of its own."""
        return self.run(engine, "up", "--yes", "--skip-preview", "--stack", STACK, *arguments, codes=(code,))

    def exported(self, engine: Engine) -> dict[str, Any]:
        """The state, as this engine shows it."""
        return dict(self.run(engine, "stack", "export", "--stack", STACK).json()["deployment"])

    def checkpoint(self) -> Path:
        """The file that both engines keep the state in."""
        return self.root / ".pulumi" / "stacks" / "parity" / f"{STACK}.json"

    def _latest(self) -> list[dict[str, Any]]:
        file = self.checkpoint()
        found = json.loads(file.read_text())["checkpoint"].get("latest") if file.exists() else None
        return (found or {}).get("resources") or []

    def destroy(self, engine: Engine) -> None:
        """`pulumi destroy`, after which nothing is left."""
        self.run(engine, "destroy", "--yes", "--skip-preview", "--stack", STACK)

    def remains(self) -> list[str]:
        """Containers, networks and volumes that carry this run's name."""
        return harness.Workspace(root=self.root, instance=self.instance, offset=0).remains()

    def remove_unknown(self) -> None:
        """Removes containers, networks, volumes and topics of this run that the state does not know."""
        known = {resource.get("id") for resource in self._latest()}
        engine = harness.client()
        found = engine.containers.list(all=True, filters={"name": f"^/{self.instance}-"})
        for container in [one for one in found if one.id not in known]:
            container.remove(force=True, v=True)
        for network in engine.networks.list(filters={"name": f"^{self.instance}-"}):
            if network.id not in known:
                network.remove()
        for volume in engine.volumes.list(filters={"name": f"^{self.instance}-"}):
            if volume.id not in known:
                volume.remove()
        if address := self.config.get("broker"):
            admin = AdminClient({"bootstrap.servers": address})
            topics = {name for name in admin.list_topics(timeout=10).topics if name.startswith(self.instance)}
            if unknown := sorted(topics - known):
                for done in admin.delete_topics(unknown).values():
                    done.result(30)

    def remove(self) -> None:
        """Takes away what is left in Docker: by name, and what was named by an engine by its id."""
        engine = harness.client()
        for resource in self._latest():
            kind = resource["type"].rpartition(":")[2]
            finder: Any = {"Network": engine.networks, "Volume": engine.volumes}.get(kind)
            if finder and not str(resource["outputs"].get("name", "")).startswith(self.instance):
                with suppress(docker.errors.NotFound):
                    finder.get(resource["id"]).remove()
        harness.Workspace(root=self.root, instance=self.instance, offset=0).remove()


def steps(document: dict[str, Any], *, detailed: bool = False) -> list[tuple[str, str, tuple[str, ...]]]:
    """The steps of a preview's document that do something.

    Args:
        document: what the engine wrote.
        detailed: whether to tell every property that differs, not only those that force a replacement.
    """
    key = "detailedDiff" if detailed else "replaceReasons"
    found = [
        (str(step["op"]), str(step["urn"]), tuple(sorted(step.get(key) or ())))
        for step in document.get("steps") or ()
        if step["op"] not in {"same", "refresh"}  # a refresh that finds a difference is an update or a delete
    ]
    return sorted(found)


def end(process: subprocess.Popen[str]) -> None:
    """Kills a command and everything that it started, as a power cut would."""
    for pid in _session(process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _session(leader: int) -> list[int]:
    """The processes of a session, its leader first."""
    found = [leader]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            found.append(int(stat.parent.name))
    return list(dict.fromkeys(found))
