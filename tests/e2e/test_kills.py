"""The engine killed at named points of real work on a real Docker engine: the next `up` always converges.

The points lie before and after each save of the state and each answer of a provider (`engine/faults.py`).
"""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest
import yaml

from engine.checkpoint import decode_document
from engine.passphrase import Passphrase
from engine.snapshot import verify
from tests.e2e import harness

if TYPE_CHECKING:
    from tests.e2e.harness import Run, Workspace

PROGRAM = """\
import pulumi
import pulumi_docker as docker

config = pulumi.Config()
name = config.require("instance")
version = config.get("version") or "1"
memory = int(version) * 16

network = docker.Network("network", name=f"{name}-network")
volume = docker.Volume("volume", name=f"{name}-volume")
before = [network, volume]
for number in (1, 2):
    before = [
        docker.Container(
            f"container-{number}",
            name=f"{name}-container-{number}",
            image=config.require("image"),
            command=["sleep", "3600"],
            envs=[f"VERSION={version}"] if number == 1 else ["VERSION=0"],
            memory=memory,
            memory_swap=memory,
            destroy_grace_seconds=1,
            networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=f"{name}-network")],
            volumes=[docker.ContainerVolumeArgs(volume_name=f"{name}-volume", container_path="/data")],
            opts=pulumi.ResourceOptions(depends_on=before),
        )
    ]
pulumi.export("version", version)
"""
CREATING = [f"{point}:{hit}" for point in ("save.before", "save.after") for hit in (1, 2, 3, 5)] + [
    f"{point}:{hit}" for point in ("create.before", "create.after") for hit in (1, 2, 3, 4)
]
CHANGING = [
    "save.before:1", "save.after:1", "save.before:3", "save.after:3", "save.after:4",
    "update.before:1", "update.after:1", "delete.before:1", "delete.after:1",
    "create.before:1", "create.after:1",
]  # fmt: skip
DESTROYING = ["save.before:2", "save.after:2", "delete.before:1", "delete.after:1", "delete.after:3"]


@pytest.fixture
def small(workspace: Workspace) -> Workspace:
    """A copy with a program of one network, one volume and two containers."""
    image = yaml.safe_load((workspace.root / ".site.yaml").read_text())["images"]["kafka"]
    (workspace.root / "__main__.py").write_text(PROGRAM)
    workspace.configure("image", image)
    return workspace


def killed(small: Workspace, point: str, *command: str) -> Run:
    """A run that the engine's own fault point kills without warning."""
    run = small.pulumi(*command, "--yes", check=False, environment={"MESSAGING_ENGINE_KILL_AT": point})
    assert run.code == -signal.SIGKILL, f"{point} was not reached: {run.text}"
    assert_whole(small)
    small.pulumi("cancel", "--yes")
    return run


def assert_whole(small: Workspace) -> None:
    """The state loads, and everything that a resource names stands before it."""
    exported = small.pulumi("stack", "export").json()["deployment"]
    verify(decode_document(exported, lambda salt: Passphrase("", salt), where="the export"))


def assert_converged(small: Workspace, version: str) -> None:
    """What the program says is there, once, and a preview has nothing to add."""
    assert sorted(small.remains()) == sorted(
        small.name(thing) for thing in ("network", "volume", "container-1", "container-2")
    )
    assert f"VERSION={version}" in small.container("container-1").attrs["Config"]["Env"]
    assert small.container("container-2").attrs["HostConfig"]["Memory"] == int(version) * 16 * 2**20
    assert small.outputs()["version"] == version
    small.pulumi("preview", "--expect-no-changes")


@pytest.mark.parametrize("point", CREATING)
def test_a_creation_that_died_is_finished_by_the_next_up(small: Workspace, point: str) -> None:
    killed(small, point, "up", "--skip-preview")

    small.up("--skip-preview")

    assert_converged(small, "1")


@pytest.mark.parametrize("point", CHANGING)
def test_a_change_that_died_is_finished_by_the_next_up(small: Workspace, point: str) -> None:
    small.up("--skip-preview")
    small.configure("version", "2")
    killed(small, point, "up", "--skip-preview")

    small.up("--skip-preview")

    assert_converged(small, "2")


@pytest.mark.parametrize("point", DESTROYING)
def test_a_removal_that_died_is_finished_by_the_next_destroy(small: Workspace, point: str) -> None:
    small.up("--skip-preview")
    killed(small, point, "destroy", "--skip-preview")

    small.pulumi("destroy", "--yes", "--skip-preview")

    assert small.remains() == []


def test_an_interrupt_finishes_what_is_under_way_and_leaves_nothing_pending(small: Workspace) -> None:
    run = small.start("pulumi", "up", "--yes", "--skip-preview", "--stack", "dev")
    harness.wait_for(small.remains, "the first resource")
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=120)

    assert run.returncode in {0, 1}, out + err
    exported = json.loads(small.pulumi("stack", "export").out)["deployment"]
    assert not exported.get("pending_operations")
    small.up("--skip-preview")
    assert_converged(small, "1")
