"""``messaging health`` and ``messaging repair``: how a stack is, and what an engine does not bring back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from messaging import cluster, health
from messaging.cli.clusters import find
from messaging.cli.projects import ProjectError
from messaging.naming import BROKER, CONTROLLER
from messaging.protocol import NodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import docker

    from messaging.cli.projects import Project, StateObject
    from messaging.cli.stacks import StackOnHost
    from messaging.health import Report

EXIT_CODES = {health.Status.HEALTHY: 0, health.Status.DEGRADED: 3, health.Status.CRITICAL: 4}
"""What ``messaging health`` ends with."""

_ASLEEP = frozenset({"exited", "created", "dead", "paused"})


def report(client: docker.APIClient, project: Project, stack: str) -> Report:
    """How the Kafka cluster of a stack is.

    Raises:
        ProjectError: there is no cluster on this Docker host.
    """
    nodes = find(client, project.owner(stack), stack)
    known = _known(project, stack)
    present = {node.name for node in nodes.nodes}
    missing = [
        one.name
        for one in known
        if one.kind == "container" and one.role in {BROKER, CONTROLLER} and one.name not in present
    ]
    features: list[cluster.Features] = []
    moving: Mapping[tuple[str, int], object] = {}
    for address in nodes.addresses.values():
        try:
            features.append(cluster.features(address))
            moving = cluster.moving(address)
        except NodeError:
            continue
    return health.judge(
        nodes.facts(missing),
        nodes.brokers,
        features=features,
        moving=[f"{topic}-{number}" for topic, number in sorted(moving)],
    )


def _known(project: Project, stack: str) -> list[StateObject]:
    """What the state holds; nothing where it cannot be read from here."""
    try:
        return project.objects(stack, os.environ)
    except ProjectError:
        return []


def repair(
    on_host: StackOnHost, project: Project, stack: str, *, dry_run: bool, tell: Callable[[str], None]
) -> list[str]:
    """Brings back what was stopped or removed by hand; what it did, or would do.

    A stopped container is started. For one that is gone, the state is told so by a refresh of just that
    container, with its volume if that is gone, too, and ``pulumi up`` makes it anew.

    Raises:
        ProjectError: the state cannot be read, or Pulumi failed.
        UnhealthyError: a container was started and did not become healthy.
    """
    known = project.objects(stack, os.environ)
    states = on_host.states()
    asleep = sorted(name for name, state in states.items() if state in _ASLEEP)
    there = {(item.kind, item.name) for item in on_host.items()}
    gone = [one for one in known if (one.kind, one.name) not in there]
    done = [f"start {name} ({states[name]})" for name in asleep]
    done += [f"make the {one.kind} {one.name} again" for one in gone]
    if dry_run:
        return done
    for name in asleep:
        on_host.wake(name, tell)
    if gone:
        urns = [part for one in gone for part in ("--target", one.urn)]
        tell(f"telling the state of {', '.join(one.name for one in gone)}")
        _pulumi(project.folder, ["refresh", "--yes", *urns, "--stack", stack], shown=False)
        tell("making it again: pulumi up")
        _pulumi(project.folder, ["up", "--yes", "--skip-preview", "--stack", stack], shown=True)
    return done


def _pulumi(folder: Path, arguments: Sequence[str], *, shown: bool) -> None:
    beside = Path(sys.executable).with_name("pulumi")
    command = [str(beside) if beside.exists() else "pulumi", *arguments]
    # Progress goes where messages go, so that standard output stays what the command itself prints.
    done = subprocess.run(
        command,
        cwd=folder,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        said = "" if shown else f":\n{done.stdout}"
        raise ProjectError(f"`pulumi {arguments[0]}` ended with code {done.returncode}{said}")


def lines(found: Report) -> Iterable[str]:
    """The report for people."""
    for node in found.nodes:
        role = "" if node["broker"] is None else f", broker {node['broker']}"
        leader = ", leader of the controllers" if node["broker"] == found.leader else ""
        state = node["container"] or "container unknown"
        yield f"{node['name']}: {state}{role}{leader}"
    yield f"{found.partitions} partitions, {len(found.under_replicated)} with replicas out of sync"
    yield from (f"{problem.status.name.lower()}: {problem.text}" for problem in found.problems)
    if not found.problems:
        yield "healthy"
