"""A stack for fault tests: a network, a volume and a container on real Docker, deployed in about two seconds.

The program registers its resources by their type tokens, since the SDK's classes take longer to import than
all else in such a run. What a fault does to it is the tests' affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from docker.errors import NotFound

from engine.state.checkpoint import decode
from engine.state.integrity import verify
from engine.state.statefile import StateFile
from engine.workspace.passphrase import Passphrase
from tests.e2e import harness

if TYPE_CHECKING:
    from pathlib import Path

    from engine.resource import Deployment
    from tests.e2e.harness import Run, Workspace

PROGRAM = """\
import pulumi

config = pulumi.Config()
name = config.require("instance")


def register(kind, logical, props, *after):
    token = f"docker:index/{kind}:{kind[0].upper()}{kind[1:]}"
    opts = pulumi.ResourceOptions(depends_on=after, version="5.1.0")
    return pulumi.CustomResource(token, logical, props, opts)


box = pulumi.ComponentResource("messaging:test:Ballast", "ballast")
box.register_outputs({"text": "x" * config.require_int("ballast")})
network = register("network", "network", {"name": f"{name}-network"})
volume = register("volume", "volume", {"name": f"{name}-volume"})
memory = 16 * config.require_int("memory")
register(
    "container",
    "container",
    {
        "name": f"{name}-container",
        "image": config.require("image"),
        "command": ["sleep", "3600"],
        "envs": [f"VERSION={config.require('version')}"],
        "memory": memory,
        "memorySwap": memory,
        "stopSignal": "SIGKILL",
        "networksAdvanced": [{"name": f"{name}-network"}],
        "volumes": [{"volumeName": f"{name}-volume", "containerPath": "/data"}],
    },
    network,
    volume,
)
pulumi.export("version", config.require("version"))
"""
MIB = 2**20


@dataclass
class SmallStack:
    """The stack, what it should look like, and how it really looks."""

    workspace: Workspace
    version: str = "1"
    memory: int = 1
    ballast: int = 0

    @classmethod
    def new(cls, workspace: Workspace) -> SmallStack:
        """The stack in a copy of the project that has deployed nothing yet."""
        image = yaml.safe_load((workspace.root / ".site.yaml").read_text())["images"]["kafka"]
        (workspace.root / "__main__.py").write_text(PROGRAM)
        workspace.configure("image", image)
        made = cls(workspace)
        made.set(version="1", memory=1)
        return made

    def set(
        self, *, version: str | None = None, memory: int | None = None, ballast: int | None = None
    ) -> None:
        """What the next `up` is to bring about: a version takes a new container, memory does not.

        Ballast is text in the state, that many characters of it: a large state is saved in another way.
        """
        file = self.workspace.root / "Pulumi.dev.yaml"
        document = yaml.safe_load(file.read_text())
        self.version, self.memory = version or self.version, memory or self.memory
        self.ballast = self.ballast if ballast is None else ballast
        document["config"] |= {
            "messaging:version": f"v{self.version}",
            "messaging:memory": self.memory,
            "messaging:ballast": self.ballast,
        }
        file.write_text(yaml.safe_dump(document))

    def run(self, command: str, **options: Any) -> Run:
        """Runs `pulumi COMMAND` without a preview and without asking."""
        return self.workspace.pulumi(command, "--yes", "--skip-preview", **options)

    @property
    def state_file(self) -> Path:
        """The checkpoint."""
        return self.workspace.root / ".pulumi" / "stacks" / "messaging" / "dev.json"

    def assert_whole(self) -> Deployment:
        """The state loads, and everything that a resource names stands before it."""
        deployment = decode(
            StateFile(self.state_file).read(), lambda salt: Passphrase("", salt), where=str(self.state_file)
        )
        verify(deployment)
        return deployment

    def free(self) -> None:
        """Frees the stack of a run that was killed."""
        self.workspace.pulumi("cancel", "--yes")

    def assert_converged(self) -> None:
        """What the program says is there, once, and the state says the same and has nothing open."""
        workspace = self.workspace
        wanted = sorted(workspace.name(thing) for thing in ("container", "network", "volume"))
        assert sorted(workspace.remains()) == wanted
        found = workspace.container("container").attrs
        assert f"VERSION=v{self.version}" in found["Config"]["Env"]
        assert found["HostConfig"]["Memory"] == self.memory * 16 * MIB
        assert found["State"]["Running"]
        state = self.assert_whole()
        assert state.pending == []
        ids = {
            resource.type.rpartition(":")[2]: resource.id for resource in state.resources if resource.custom
        }
        assert ids["Container"] == found["Id"]
        assert not any(one.delete or one.pending_replacement for one in state.resources)

    def assert_gone(self) -> None:
        """Nothing is left, in Docker and in the state."""
        assert self.workspace.remains() == []
        assert self.assert_whole().resources == []

    def exists(self) -> bool:
        """Whether Docker has the container."""
        try:
            harness.client().containers.get(self.workspace.name("container"))
        except NotFound:
            return False
        return True
