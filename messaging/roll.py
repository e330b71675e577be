"""Whether a node may be stopped now so that its container can be replaced: decided from live facts. Pure.

Looking is done in :mod:`messaging.observe`; how long to wait for a verdict that lets through is decided by
:class:`Patience`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging import availability
from messaging.cluster import View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from messaging.protocol import Address
    from messaging.quorum import Quorum

SHOWN = 8
"""So many partitions are named; the others are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A node as the program wants it."""

    id: int
    name: str
    broker: bool
    """Whether it keeps topics, and answers clients."""
    voter: bool
    """Whether it is a member of the quorum."""
    wanted: str
    """Hash of everything that its container is to be built from."""
    cpus: float = 0
    """Its limit of processors, which can be changed behind the label's back; 0 for none."""

    def is_built(self, container: Container) -> bool:
        """Whether the container is as wanted, so that nothing replaces it."""
        return container.built_from == self.wanted and container.cpus == self.cpus


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """A node's container as Docker knows it."""

    state: str
    """Docker's word; :data:`MISSING` if there is none."""
    built_from: str
    """What its label says; empty if it has none."""
    cpus: float = 0
    """Its limit of processors as it is now; 0 for none."""
    advertised: Address | None = None
    """Where it tells clients outside the Docker network to find it; None for a node that is no broker."""
    inside: Address | None = None
    """Where it listens on this machine's Docker network, by number; None if it is on none."""

    @property
    def runs(self) -> bool:
        """Whether a process runs in it, for all that Docker knows."""
        return self.state in {"running", "paused"}


MISSING = "missing"
"""The state of a container that does not exist."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """What is known of one node at one moment."""

    container: Container | None
    """None if Docker does not say."""
    view: View | str
    """The cluster, asked at the node's own listener, or why there is no answer."""
    quorum: Quorum | str
    """The same of the quorum."""
    address: Address | None = None
    """Where it answered."""

    @property
    def answers(self) -> bool:
        """Whether its listener does."""
        return isinstance(self.view, View)

    @property
    def runs(self) -> bool:
        """Whether there is a process that a stop would end."""
        return self.container.runs if self.container else self.answers


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether to go on, and what to say."""

    passes: bool
    reasons: tuple[str, ...] = ()
    """Why not, or what the person should know."""
    hopeless: bool = False
    """Whether nothing that is under way can change it: a person must act."""
    advice: str = ""
    """What to do where it does not pass by itself."""
    progress: tuple[int, ...] = ()
    """Numbers that get smaller while the cluster recovers."""


def decide(target: Node, nodes: Sequence[Node], facts: Mapping[str, Fact], *, behind: int = 0) -> Verdict:
    """Whether the target may be stopped now.

    Args:
        target: the node whose container is to be replaced.
        nodes: all nodes of the cluster.
        facts: by the node's name.
        behind: bytes that replicas out of sync have still to fetch, as far as anybody knows.
    """
    own = facts[target.name]
    voters = [node for node in nodes if node.voter]
    running = sum(facts[node.name].runs for node in voters)
    if own.container and own.container.runs and target.is_built(own.container):
        return Verdict(passes=True)
    serves = any(fact.answers for fact in facts.values())
    # Brokers go on serving without controllers, but once stopped they could not come back.
    if not serves and 2 * running <= len(voters):
        said = f"{running} of {len(voters)} controllers run, so there is no cluster that could be disturbed"
        return Verdict(passes=True, reasons=(said,) if running else ())
    if own.container and own.container.state == MISSING and own.answers:
        said = (
            f"this Docker engine knows no container {target.name}, but {own.address} answers for the "
            "cluster, which runs on another engine: DOCKER_HOST or messaging:docker.host must name that one"
        )
        return Verdict(passes=False, reasons=(said,), hopeless=True, progress=(1, 0, 0, 0, 0))
    # Silence alone is no proof: it may be starting while Docker does not say.
    if own.container and not own.container.runs:
        said = f"{target.name} is {own.container.state}: its replacement is its repair"
        return Verdict(passes=True, reasons=(said,))
    return _safe(target, nodes, facts, behind)


def _safe(target: Node, nodes: Sequence[Node], facts: Mapping[str, Fact], behind: int) -> Verdict:
    others = [node for node in nodes if node != target]
    # Of controllers that Docker says nothing of, the quorum tells.
    down = [
        node for node in others if not facts[node.name].runs and (node.broker or facts[node.name].container)
    ]
    not_back = [node for node in down if _is_as_wanted(node, facts[node.name])]
    # They start, recover their logs, or are broken.
    silent = [
        node for node in others if node.broker and facts[node.name].runs and not facts[node.name].answers
    ]
    reasons = [_down(node, facts[node.name]) for node in not_back]
    reasons += [f"{node.name} runs but is not ready: {facts[node.name].view}" for node in silent]
    views = [(node, fact.view) for node in nodes if isinstance((fact := facts[node.name]).view, View)]
    unknown = _not_let_in(others, facts, views)
    reasons += unknown
    in_danger: dict[str, availability.Obstacle] = {}
    for _, view in views:
        for obstacle in availability.obstacles(view.partitions, target.id):
            in_danger.setdefault(obstacle.partition, obstacle)
    quorums = _quorum_obstacles(target, facts)
    reasons += quorums
    reasons += [str(obstacle) for obstacle in list(in_danger.values())[:SHOWN]]
    if len(in_danger) > SHOWN:
        reasons.append(f"so are {len(in_danger) - SHOWN} partitions more")
    if not views:
        reasons.append("no node says how the partitions are")
    progress = (len(silent) + len(not_back), len(unknown), len(quorums), len(in_danger), behind)
    if not reasons:
        return Verdict(passes=True, reasons=tuple(_interrupted(target, views)), progress=progress)
    return Verdict(
        passes=False,
        reasons=tuple(reasons),
        hopeless=any(_stays_down(facts[node.name]) for node in down) and not silent,
        advice=_advice(down, facts),
        progress=progress,
    )


def _is_as_wanted(node: Node, fact: Fact) -> bool:
    return fact.container is None or node.is_built(fact.container)


def _stays_down(fact: Fact) -> bool:
    return fact.container is not None and fact.container.state in {MISSING, "exited", "created", "dead"}


def _down(node: Node, fact: Fact) -> str:
    state = fact.container.state if fact.container else f"silent: {fact.view}"
    return f"{node.name} is {state}"


def _not_let_in(
    others: Sequence[Node], facts: Mapping[str, Fact], views: Sequence[tuple[Node, View]]
) -> list[str]:
    """Nodes that answer themselves, but that another does not know as a broker yet."""
    found = []
    for node in others:
        if not node.broker or not facts[node.name].answers:
            continue
        blind = [one.name for one, view in views if node.id not in view.broker_ids]
        if blind:
            found.append(f"{node.name} is not let in as a broker yet, says {', '.join(blind)}")
    return found


def _quorum_obstacles(target: Node, facts: Mapping[str, Fact]) -> list[str]:
    if not target.voter:
        return []
    told = [fact.quorum for fact in facts.values()]
    found = {
        obstacle
        for quorum in told
        if not isinstance(quorum, str)
        and (obstacle := availability.quorum_obstacle(quorum, target.id)) is not None
    }
    if all(isinstance(quorum, str) for quorum in told):
        found.add("no node says how the controllers are")
    return sorted(found)


def _interrupted(target: Node, views: Sequence[tuple[Node, View]]) -> list[str]:
    names = sorted(
        {name for _, view in views for name in availability.interrupted(view.partitions, target.id)}
    )
    if not names:
        return []
    listed = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    return [
        f"{len(names)} partitions have no replica to spare and rest while {target.name} is replaced: {listed}"
    ]


def _advice(down: Sequence[Node], facts: Mapping[str, Fact]) -> str:
    if not down:
        return ""
    waiting = [node for node in down if not _is_as_wanted(node, facts[node.name])]
    if waiting:
        name = waiting[0].name
        return (
            f"{name} is down and waits for its own replacement. If that is its cure, let it go first: "
            f"`pulumi config set messaging:rollFirst {name}`, then `pulumi up`"
        )
    names = ", ".join(node.name for node in down)
    return (
        f"{names}: `messaging repair` brings back what was stopped or removed; `docker logs {down[0].name}` "
        "says why it ended"
    )


class Patience:
    """Waits as long as anything gets better, and not much longer than it makes sense."""

    def __init__(self, *, seconds: float, hopeless_seconds: float, now: float) -> None:
        """Begins to wait.

        Args:
            seconds: how long nothing may get better.
            hopeless_seconds: the same where a person must act.
            now: the time.
        """
        self._seconds = seconds
        self._hopeless_seconds = min(hopeless_seconds, seconds)
        self._best: list[int] = []
        self._since = now

    def is_over(self, verdict: Verdict, now: float) -> bool:
        """Whether it makes no sense to wait any longer."""
        better = not self._best or any(
            one < best for one, best in zip(verdict.progress, self._best, strict=True)
        )
        if better:
            self._since = now
            self._best = [
                min(one, best)
                for one, best in zip(verdict.progress, self._best or verdict.progress, strict=True)
            ]
        return now - self._since > (self._hopeless_seconds if verdict.hopeless else self._seconds)
