"""A copy of the project with its own instance, ports and state, driven as a person drives it.

Every run is a real process of the `pulumi` or `messaging` command. The harness decides where the copy
lies, which ports are free and that nothing of it is left; what must then be true is the tests' affair.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PUBLISHED = (
    8080,
    8081,
    8404,
    9092,
    9093,
    9094,
    9095,
    9096,
    9097,
    9101,
    9102,
    9103,
    9104,
    9105,
    9201,
    9202,
    9203,
)
"""The ports that a stack may publish, before the offset."""
HIGHEST_OFFSET = 50_000
"""What `messaging:portOffset` allows; the kernel also chooses ports above."""
COPIED = ("components", "images", "messaging", "schemas")


def needs(*commands: str, root: bool = False) -> pytest.MarkDecorator:
    """Skips a test on a machine that lacks a command, or for a user who is not root."""
    absent = [command for command in commands if shutil.which(command) is None]
    if root and os.geteuid() != 0:
        return pytest.mark.skipif(True, reason="takes root")
    return pytest.mark.skipif(bool(absent), reason=f"not installed here: {', '.join(absent)}")


@dataclass(frozen=True)
class Run:
    """What a finished command left behind."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything that a person saw, for assertions and for their failure messages."""
        return f"$ {' '.join(self.arguments)}\n{self.out}{self.err}"

    def json(self) -> Any:
        """The standard output as JSON."""
        return json.loads(self.out)


@dataclass
class Workspace:
    """One copy of the project, ready for `pulumi up --stack dev`."""

    root: Path
    instance: str
    offset: int
    stack: str = "dev"
    environment: dict[str, str] = field(default_factory=dict)

    def port(self, published: int) -> int:
        """The host port of this copy for a port of the design."""
        return published + self.offset

    def name(self, container: str) -> str:
        """The name in Docker of this copy's container, network or volume."""
        return f"{self.instance}-{container}"

    def command(
        self,
        *arguments: str,
        check: bool = True,
        timeout: float = 240,
        environment: dict[str, str] | None = None,
        text: str | None = None,
    ) -> Run:
        """Runs a command of the virtual environment in the copy, with `text` on its standard input."""
        started = self.start(*arguments, environment=environment, piped=text is not None)
        try:
            out, err = started.communicate(text, timeout=timeout)
        except subprocess.TimeoutExpired:
            started.kill()
            out, err = started.communicate()
            raise AssertionError(f"{arguments} took longer than {timeout:.0f} s:\n{out}{err}") from None
        run = Run(arguments, started.returncode, out, err)
        if check:
            assert run.code == 0, run.text
        return run

    def start(
        self, *arguments: str, environment: dict[str, str] | None = None, piped: bool = False
    ) -> subprocess.Popen[str]:
        """Starts a command and leaves it running; the caller waits for it."""
        return subprocess.Popen(
            [str(BIN / arguments[0]), *arguments[1:]],
            cwd=self.root,
            env=self.variables() | (environment or {}),
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def pulumi(self, *arguments: str, **options: Any) -> Run:
        """`pulumi ARGUMENTS --stack dev`, without asking."""
        return self.command("pulumi", *arguments, "--stack", self.stack, **options)

    def up(self, *arguments: str, **options: Any) -> Run:
        """`pulumi up`, as `make up` runs it."""
        return self.pulumi("up", "--yes", *arguments, **options)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        return dict(self.pulumi("stack", "output", "--json").json())

    def configure(self, key: str, value: str) -> None:
        """`pulumi config set messaging:KEY VALUE`, the key a path like `cluster.heap`."""
        self.pulumi("config", "set", "--path", f"messaging:{key}", value)

    def operations(self) -> list[tuple[str, str]]:
        """What a preview would do: operation and resource name, the untouched left out."""
        steps = self.pulumi("preview", "--json").json()["steps"]
        return [(step["op"], step["urn"].rsplit("::", 1)[-1]) for step in steps if step["op"] != "same"]

    def variables(self) -> dict[str, str]:
        """The environment of a command: the machine's own, less whatever names another Pulumi."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PULUMI_", "MESSAGING_"))
        }
        return (
            kept
            | {"PULUMI_HOME": str(self.root / ".home"), "MESSAGING_ENGINE": "embedded", "COLUMNS": "200"}
            | self.environment
        )

    def container(self, name: str) -> Any:
        """The container of this copy as Docker's client knows it."""
        return client().containers.get(self.name(name))

    def execute(self, name: str, *command: str) -> str:
        """`docker exec` in one of this copy's containers."""
        done = self.container(name).exec_run(list(command), demux=False)
        text = done.output.decode(errors="replace")
        assert done.exit_code == 0, f"{command} in {name}: {text}"
        return str(text)

    def remains(self) -> list[str]:
        """Every container, network and volume that carries this copy's instance in its name."""
        engine = client()
        things: list[Any] = [
            *engine.containers.list(all=True, filters={"name": f"^/{self.instance}-"}),
            *engine.networks.list(filters={"name": f"^{self.instance}-"}),
            *engine.volumes.list(filters={"name": f"^{self.instance}-"}),
        ]
        return [str(thing.name) for thing in things]

    def remove(self) -> None:
        """Takes away whatever is left of this copy in Docker, by its names alone."""
        engine = client()
        for container in engine.containers.list(all=True, filters={"name": f"^/{self.instance}-"}):
            container.remove(force=True, v=True)
        for network in engine.networks.list(filters={"name": f"^{self.instance}-"}):
            network.remove()
        for volume in engine.volumes.list(filters={"name": f"^{self.instance}-"}):
            volume.remove(force=True)


@functools.cache
def client() -> docker.DockerClient:
    """The Docker engine that the tests use."""
    return docker.from_env(timeout=120)


def run_once(image: str, command: list[str], **options: Any) -> str:
    """Runs a command in a container of its own, which is then gone with its volumes; what it printed."""
    container = client().containers.run(image, command, detach=True, **options)
    try:
        code = container.wait()["StatusCode"]
        printed: str = container.logs().decode(errors="replace")
    finally:
        container.remove(force=True, v=True)
    assert code == 0, f"{command} in {image}: code {code}: {printed}"
    return printed


def new_workspace(
    folder: Path, instance: str, *, stack: str = "dev", environment: dict[str, str] | None = None
) -> Workspace:
    """A fresh copy of the project, as a clone would give it, with a stack of its own."""
    root = folder / "project"
    root.mkdir()
    for name in (
        "__main__.py",
        "cluster_settings.py",
        "levels.py",
        "settings.py",
        "Pulumi.yaml",
        f"Pulumi.{stack}.yaml",
        ".site.yaml",
    ):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, root / name)
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / ".venv").symlink_to(BIN.parent)
    workspace = Workspace(
        root=root, instance=instance, offset=free_offset(), stack=stack, environment=environment or {}
    )
    workspace.pulumi("stack", "select", "--create")
    workspace.configure("instance", instance)
    workspace.configure("portOffset", str(workspace.offset))
    return workspace


def free_offset() -> int:
    """An offset at which every published port is free.

    All ports stay below those that the kernel gives to outgoing connections: one of these could otherwise
    have a port when the container that publishes it starts. Each worker of a run has a range of its own,
    since two could find the same ports free before either uses them.
    """
    highest = min(HIGHEST_OFFSET, _first_outgoing_port() - 1 - max(PUBLISHED))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    place = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = (highest - 1000) // workers
    lowest = 1000 + place * share
    while True:
        # Not from `random`: runs side by side with the same seed would choose the same.
        offset = lowest + secrets.randbelow(share - (max(PUBLISHED) - min(PUBLISHED)))
        if all(is_free(port + offset) for port in PUBLISHED):
            return offset


def _first_outgoing_port() -> int:
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def is_free(port: int) -> bool:
    """Whether nothing listens on that port of the loopback address."""
    if port > 65535:
        return False
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_for(condition: Callable[[], object], what: str, seconds: float = 60, *, pause: float = 0.2) -> None:
    """Waits until the condition is true, looking every `pause` seconds; an error inside counts as not yet.

    Raises:
        AssertionError: it did not become true in time; names what was waited for and the last error.
    """
    deadline = time.monotonic() + seconds
    last: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except Exception as error:  # noqa: BLE001 - whatever is not ready yet may fail in any way
            last = error
        time.sleep(pause)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s; last error: {last!r}")
