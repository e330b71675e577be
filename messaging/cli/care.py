"""``messaging health`` and ``messaging repair``: how a stack is, and what an engine does not bring back."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from messaging import cluster, health
from messaging.cli import states
from messaging.cli.clusters import find
from messaging.cli.projects import ProjectError
from messaging.declared import lost
from messaging.naming import BROKER, CONTROLLER, SCHEMA_REGISTRY
from messaging.protocol import NodeError
from messaging.report import preview
from messaging.schema_registry import RegistryError, SchemaRegistry
from state_folder import URL_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import docker

    from messaging.cli.projects import Project
    from messaging.cli.stacks import StackOnHost
    from messaging.cli.states import StackState, State, StateObject
    from messaging.declared import Loss
    from messaging.health import Report
    from messaging.report.preview import Preview, Step

EXIT_CODES = {health.Status.HEALTHY: 0, health.Status.DEGRADED: 3, health.Status.CRITICAL: 4}
"""What ``messaging health`` ends with."""

_ASLEEP = frozenset({"exited", "created", "dead", "paused"})
_NODES = frozenset({BROKER, CONTROLLER})
_STAND_BY = frozenset(
    f"pulumi-python:dynamic/messaging:{name}"
    for name in ("BrokerGate", "BrokerGuard", "ClusterReady", "ContainerHealthy")
)
"""Types of what only waits for a container or guards it: alone, their changes deploy nothing."""
_SHOWN = 5
"""So many changes that are not deployed, topics or subjects are named; the others are counted."""


def report(client: docker.APIClient, project: Project, stack: str, tell: Callable[[str], None]) -> Report:
    """How the Kafka cluster of a stack is.

    Args:
        client: the host's Docker engine.
        project: the checkout.
        stack: which one.
        tell: gets a line if a node that is gone cannot be missed, for nobody knows of it.

    Raises:
        ProjectError: there is no cluster on this Docker host.
    """
    state = _known(project, stack, tell)
    nodes = find(client, project.owner(stack), stack, broker=not any(_is_node(one) for one in state.objects))
    present = {node.name for node in nodes.nodes}
    missing = [one.name for one in state.objects if _is_node(one) and one.name not in present]
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
        declared=state.declared,
        schemas=_schemas(state, tell),
    )


def _schemas(state: State, tell: Callable[[str], None]) -> health.Schemas | None:
    """What the Schema Registry says; None if the stack registers nothing, or nobody here can ask."""
    declared = state.declared
    if not declared.registry:
        return None
    if declared.registry_user:
        tell(f"a subject that is gone would not be missed: {declared.registry} asks for a password")
        return None
    keepers = tuple(one.name for one in state.objects if _keeps_schemas(one))
    try:
        with closing(SchemaRegistry(declared.registry, attempts=2)) as registry:
            return health.Schemas(subjects=registry.subjects(), keepers=keepers)
    except RegistryError as error:
        return health.Schemas(silence=str(error), keepers=keepers)


def _is_node(one: StateObject) -> bool:
    return one.kind == "container" and one.role in _NODES


def _keeps_schemas(one: StateObject) -> bool:
    return one.kind == "container" and one.role == SCHEMA_REGISTRY


def _known(project: Project, stack: str, tell: Callable[[str], None]) -> State:
    """What the state holds; nothing where it cannot be read from here.

    While a run is under way that is what it began with: enough to notice that a node is missing.
    """
    try:
        state = states.find(project, stack, os.environ).saved()
        why = "" if state.there else _no_state(stack, state.file)
    except ProjectError as error:
        state = states.State(file=project.folder, there=False)
        why = str(error)
    if why:
        tell(f"a node, topic or subject that is gone would not be missed: {why}")
    return state


def _no_state(stack: str, file: Path) -> str:
    return f"the stack {stack} has no state here, there is no {file}"


def repair(
    on_host: StackOnHost,
    project: Project,
    stack: str,
    *,
    dry_run: bool,
    accept_loss: bool,
    tell: Callable[[str], None],
) -> list[str]:
    """Brings back what was stopped or removed by hand; what it did, or would do.

    A stopped container is started. For one that is gone, the state is told so by a refresh of just that
    container, with its volume if that is gone, too, and ``pulumi up`` makes it anew: where it would deploy
    anything besides, nothing is done. Where a volume took the only copy of something with it, nothing is
    done without consent; with it, the state is told of that, too, and ``pulumi up`` makes it again.

    Raises:
        ProjectError: the state is not there or cannot be read, Pulumi failed, the checkout is not what is
            deployed, or data is lost and nobody has agreed to that.
        UnhealthyError: a container was started and did not become healthy.
    """
    place = states.find(project, stack, os.environ)
    state = place.whole()
    if not state.there:
        raise ProjectError(
            f"nothing was repaired: {_no_state(stack, state.file)}, so nobody knows what is missing. Bring "
            f"it back, or name its folder with {URL_VARIABLE}. What is only stopped, "
            f"`messaging start --stack {stack}` starts"
        )
    found = on_host.states()
    asleep = [name for name, status in found.items() if status in _ASLEEP]
    there = {(item.kind, item.name) for item in on_host.items()}
    gone = [one for one in state.objects if (one.kind, one.name) not in there]
    loss = _loss(on_host, state, [one.name for one in gone if one.kind == "volume"])
    if loss and not accept_loss:
        raise ProjectError(f"nothing was repaired: {_told(loss)}. {_ways_out(loss, stack)}")
    refresh = ["refresh", "--yes", *_targets(one.urn for one in gone), "--stack", stack]
    if gone:
        tell("comparing what is deployed with this checkout: pulumi preview")
        _refuse_undeployed(_preview(place), shlex.join(refresh), stack)
    done = [f"start {name} ({found[name]})" for name in asleep]
    done += [f"make the {one.kind} {one.name} again" for one in gone]
    registries = [one.name for one in state.objects if _keeps_schemas(one)] if loss.subjects else []
    done += [f"restart {name}, which answers from memory" for name in registries]
    done += [f"make again, without what was in it: {_told_things(loss)}"] if loss else []
    if dry_run:
        return done
    # A node may not get healthy before one that is gone is back: both may be needed for a quorum.
    patient = not any(_is_node(one) for one in gone)
    on_host.wake(asleep, tell, wait=patient)
    up = ["up", "--yes", "--skip-preview", "--stack", stack]
    if gone:
        tell(f"telling the state of {', '.join(one.name for one in gone)}")
        _pulumi(place, refresh, shown=False)
        tell("making it again: pulumi up")
        _pulumi(place, up, shown=True)
    if not patient:
        on_host.wait_for(asleep)
    if loss:
        on_host.restart(registries, tell)
        tell("telling the state what is lost")
        _pulumi(place, ["refresh", "--yes", *_targets(state.declared.urns), "--stack", stack], shown=False)
        tell("making it again: pulumi up")
        _pulumi(place, up, shown=True)
    return done


def _targets(urns: Iterable[str]) -> list[str]:
    return [part for urn in urns for part in ("--target", urn)]


def _loss(on_host: StackOnHost, state: State, volumes: Sequence[str]) -> Loss:
    """What had its only copy on volumes that are gone."""
    view = on_host.view() if volumes else None
    keeps_schemas = any(_keeps_schemas(one) for one in state.objects)
    return lost(state.declared, volumes, view, keeps_schemas=keeps_schemas)


def _told(loss: Loss) -> str:
    what = "all that Kafka knew" if loss.everything else "the only copy"
    return f"with {' and '.join(loss.volumes)} went {what}: {_told_things(loss)}"


def _told_things(loss: Loss) -> str:
    named = (("topics", loss.topics), ("subjects", loss.subjects))
    things = [f"{len(names)} {what} ({_some(names)})" for what, names in named if names]
    return " and ".join(things) or "what nobody has declared"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def _ways_out(loss: Loss, stack: str) -> str:
    it = "the volume" if len(loss.volumes) == 1 else "the volumes"
    return (
        f"Put {it} back from a backup and repair again. Or let the data go: "
        f"`messaging repair --accept-loss --stack {stack}` makes the topics again, empty, and registers the "
        "subjects anew"
    )


def _refuse_undeployed(planned: Preview, refresh: str, stack: str) -> None:
    """Refuses to deploy, under the name of a repair, what somebody has changed in the checkout.

    Raises:
        ProjectError: there is such a change.
    """
    found = [f"{step.operation} {step.name}" for step in planned.steps if _deploys(step)]
    if found:
        raise ProjectError(
            "nothing was repaired: this checkout is not what is deployed, and a repair would deploy it, too: "
            f"{_some(found)}. Check out what is deployed and repair again, or do both: "
            f"`pulumi {refresh}`, then `pulumi up --stack {stack}`. What is only stopped, "
            f"`messaging start --stack {stack}` starts"
        )


def _deploys(step: Step) -> bool:
    """Whether a step of a preview that refreshed nothing comes from the checkout.

    An update to what was there before does not: its provider has looked at what runs, and found it gone or
    changed by hand.
    """
    if step.operation in {preview.SAME, preview.REFRESH} or step.type in _STAND_BY:
        return False
    return step.operation != preview.UPDATE or step.old != step.new


def _preview(place: StackState) -> Preview:
    done = subprocess.run(
        [_engine(), "preview", "--json", "--stack", place.stack],
        cwd=place.project.folder,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=_environment(place) | {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"},
    )
    try:
        found = preview.read(done.stdout.splitlines(), "what `pulumi preview` printed")
    except preview.EventsError:
        if not done.returncode:
            raise
        raise _failed("preview", done.returncode, done.stderr) from None
    if done.returncode:
        raise _failed(
            "preview", done.returncode, "\n".join(error.text for error in found.errors) or done.stderr
        )
    return found


def _environment(place: StackState) -> dict[str, str]:
    """With the folder that was read here: from the project's, a relative address leads elsewhere."""
    return {**place.environment, URL_VARIABLE: place.folder.as_uri()}


def _engine() -> str:
    beside = Path(sys.executable).with_name("pulumi")
    return str(beside) if beside.exists() else "pulumi"


def _failed(command: str, code: int, said: str) -> ProjectError:
    return ProjectError(f"`pulumi {command}` ended with code {code}" + (f":\n{said}" if said else ""))


def _pulumi(place: StackState, arguments: Sequence[str], *, shown: bool) -> None:
    # Progress goes where messages go, so that standard output stays what the command itself prints.
    done = subprocess.run(
        [_engine(), *arguments],
        cwd=place.project.folder,
        env=_environment(place),
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise _failed(arguments[0], done.returncode, "" if shown else done.stdout)


def lines(found: Report) -> Iterable[str]:
    """The report for people."""
    for node in found.nodes:
        role = "" if node["broker"] is None else f", broker {node['broker']}"
        leads = found.leader is not None and node["broker"] == found.leader
        leader = ", leader of the controllers" if leads else ""
        state = node["container"] or "container unknown"
        yield f"{node['name']}: {state}{role}{leader}"
    yield f"{found.partitions} partitions, {len(found.under_replicated)} with replicas out of sync"
    yield from (f"{problem.status.name.lower()}: {problem.text}" for problem in found.problems)
    if not found.problems:
        yield "healthy"
