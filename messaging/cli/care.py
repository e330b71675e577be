"""``messaging health`` and ``messaging repair``: how a stack is, and what an engine does not bring back."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from messaging import cluster, health
from messaging.cli import losses, states
from messaging.cli.clusters import find
from messaging.cli.projects import ProjectError
from messaging.listing import some
from messaging.naming import BROKER, CONTROLLER, SCHEMA_REGISTRY
from messaging.protocol import NodeError
from messaging.report import preview
from messaging.schema_registry import RegistryError, SchemaRegistry
from state_folder import URL_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    import docker

    from messaging.cli.losses import Harm
    from messaging.cli.projects import Project
    from messaging.cli.stacks import StackOnHost
    from messaging.cli.states import StackState, State, StateObject
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
_IN_KAFKA = ("kafka:index/", "pulumi-python:dynamic/messaging:Subject")
"""How the types begin of what Kafka and the Schema Registry hold."""


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
    anything besides, nothing is done. Where a volume took the only copy of something with it, or an earlier
    loss is not mended yet, nothing is done without consent. With it, Kafka goes on without what is lost, the
    state is told of that, too, and ``pulumi up`` makes it again. If it is interrupted, another one goes on.

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
    losses.refuse_elsewhere(on_host, project, stack, state.declared)
    found = on_host.states()
    asleep = [name for name, status in found.items() if status in _ASLEEP]
    there = {(item.kind, item.name) for item in on_host.items()}
    gone = [one for one in state.objects if (one.kind, one.name) not in there]
    unmade = losses.unmade(state, there)
    volumes = [one.name for one in gone if one.kind == "volume"]
    harm = losses.assess(on_host, state, volumes, unmade=unmade)
    # What was lost before is no reason not to bring back the rest.
    if not accept_loss and (harm.loss or (harm.left and not gone and not asleep)):
        raise ProjectError(f"nothing was repaired: {losses.told(harm, stack)}")
    agreed = accept_loss and bool(harm or unmade or harm.waiting)
    refresh = ["refresh", "--yes", *_targets(one.urn for one in gone), "--stack", stack]
    if gone or agreed:
        tell("comparing what is deployed with this checkout: pulumi preview")
        _refuse_undeployed(_preview(place), shlex.join(refresh), stack, remade=unmade if agreed else None)
    registries = [one.name for one in state.objects if _keeps_schemas(one)]
    done = [f"start {name} ({found[name]})" for name in asleep]
    done += [f"make the {one.kind} {one.name} again" for one in gone]
    done += [f"make the {kind} {name} again" for kind, name in unmade] if agreed else []
    done += [f"wait for leaders of {harm.waiting} partitions"] if accept_loss and harm.waiting else []
    done += _given_up(harm, registries) if accept_loss and harm else []
    if dry_run:
        return done
    # A node may not get healthy before one that is gone is back: both may be needed for a quorum.
    patient = not (unmade and agreed) and not any(_is_node(one) for one in gone)
    up = ["up", "--yes", "--skip-preview", "--stack", stack]
    with losses.given_up(on_host, harm, tell) if accept_loss and done else nullcontext():
        on_host.wake(asleep, tell, wait=patient)
        if gone:
            tell(f"telling the state of {', '.join(one.name for one in gone)}")
            _pulumi(place, refresh, shown=False)
        if gone or (agreed and (unmade or harm.left.unled or harm.waiting)):
            tell("making it again: pulumi up")
            _pulumi(place, up, shown=True)
    if not patient:
        on_host.wait_for(asleep)
    if accept_loss and done and not harm.sure:
        # Nobody could tell before what an earlier loss has left.
        was, harm = harm, losses.Harm(loss=harm.loss, left=losses.assess(on_host, state, ()).left)
        done += _given_up(harm, registries) if harm and not was else []
    if accept_loss and harm:
        on_host.restart(registries if harm.is_of_schemas else [], tell)
        if state.declared.urns:
            tell("telling the state what is lost")
            told = ["refresh", "--yes", *_targets(state.declared.urns), "--stack", stack]
            _pulumi(place, told, shown=False)
        tell("making it again: pulumi up")
        _pulumi(place, up, shown=True)
    return done


def _given_up(harm: Harm, registries: Sequence[str]) -> list[str]:
    restarted = registries if harm.is_of_schemas else []
    return [
        *(f"restart {name}, which answers from memory" for name in restarted),
        f"bring back without what is lost: {harm.things}",
    ]


def _targets(urns: Iterable[str]) -> list[str]:
    return [part for urn in urns for part in ("--target", urn)]


def _refuse_undeployed(
    planned: Preview, refresh: str, stack: str, *, remade: Collection[tuple[str, str]] | None
) -> None:
    """Refuses to deploy, under the name of a repair, what somebody has changed in the checkout.

    Args:
        planned: what an ``up`` would do.
        refresh: tells the state what is gone.
        stack: which one.
        remade: of what is made again the state may have been told already: topics and subjects, and what is
            named here of nodes. New ones show in what else must be updated for them. None for nothing.

    Raises:
        ProjectError: there is such a change.
    """
    found = [
        f"{step.operation} {step.name}"
        for step in planned.steps
        if _deploys(step) and not (remade is not None and _is_remade(step, {name for _, name in remade}))
    ]
    if found:
        raise ProjectError(
            "nothing was repaired: this checkout is not what is deployed, and a repair would deploy it, too: "
            f"{some(found)}. Check out what is deployed and repair again, or do both: "
            f"`pulumi {refresh}`, then `pulumi up --stack {stack}`. What is only stopped, "
            f"`messaging start --stack {stack}` starts"
        )


def _is_remade(step: Step, names: Collection[str]) -> bool:
    return step.operation == preview.CREATE and (
        step.type.startswith(_IN_KAFKA) or str(step.new.get("name")) in names
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
