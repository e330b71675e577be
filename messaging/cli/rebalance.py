"""``messaging rebalance``: moves replicas so that brokers are evenly filled, or empty before they go.

Topics of Kafka and the Schema Registry get as many copies as the rest: they get theirs once, when they are
made. All others whose names begin with ``_`` get them only if it is asked for: they may be large.

A dry run unless told otherwise. The moves are slowed down, so that clients do not notice, and go in small
groups. Kafka itself carries on with what has begun: a run that was killed is gone on with by the next one,
which plans from what it finds and takes away the brakes that the last one left.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from messaging import cluster, observe, placement
from messaging.availability import is_internal
from messaging.cli.projects import ProjectError
from messaging.protocol import NodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from messaging.availability import Partition
    from messaging.cli.clusters import KafkaNodes
    from messaging.cluster import Broker
    from messaging.placement import Key, Move

AT_A_TIME = 20
PAUSE_SECONDS = 0.5
NEXT_WORD_SECONDS = 5.0
STUCK_SECONDS = 600.0
AGREEMENT_SECONDS = 30.0
_RATES = ("leader.replication.throttled.rate", "follower.replication.throttled.rate")
_LISTS = ("leader.replication.throttled.replicas", "follower.replication.throttled.replicas")


def plan(
    nodes: KafkaNodes,
    without: Sequence[str],
    copies: int | None = None,
    ended: Mapping[Key, tuple[int, ...]] | None = None,
) -> list[Move]:
    """The moves that are needed once those that are under way have ended.

    Args:
        nodes: the cluster's.
        without: names of brokers that are to hold nothing.
        copies: how many a partition of an internal topic is to have; None for as many as the brokers give a
            new topic, as far as there are brokers, and only for what the platform cannot do without.
        ended: the brokers of partitions whose moves ended just now; not every broker need have heard of it.

    Raises:
        ProjectError: it cannot be done as asked.
    """
    unknown = sorted(set(without) - set(nodes.brokers))
    if unknown:
        raise ProjectError(
            f"no broker is called {', '.join(unknown)}. There are {', '.join(sorted(nodes.brokers))}"
        )
    partitions, brokers = _agreed(nodes, ended or {})
    emptied = {nodes.brokers[name] for name in without}
    left = len({broker.id for broker in brokers} - emptied)
    if copies is not None and copies > left:
        raise ProjectError(f"{copies} copies need as many brokers, and there are {left} to hold them")
    wanted, grows = (
        (_usual_copies(nodes), placement.is_platforms_own) if copies is None else (copies, is_internal)
    )
    try:
        return placement.plan(partitions, brokers, without=emptied, copies=wanted, grows=grows)
    except placement.PlacementError as error:
        raise ProjectError(str(error)) from None


def _usual_copies(nodes: KafkaNodes) -> int:
    """What every broker gives a new topic at least: while they roll, they need not agree."""
    found = []
    for name, address in nodes.addresses.items():
        broker = str(nodes.brokers[name])
        values = cluster.configuration(address, cluster.BROKER, [broker], keys=[cluster.COPIES])
        found.append(int(values[broker][cluster.COPIES]))
    return min(found)


def _agreed(
    nodes: KafkaNodes, ended: Mapping[Key, tuple[int, ...]]
) -> tuple[Sequence[Partition], Sequence[Broker]]:
    """Partitions and brokers, as all brokers see them."""
    end = time.monotonic() + AGREEMENT_SECONDS
    while True:
        targets = {**ended, **cluster.moving(nodes.anyone())}
        views = []
        for address in nodes.addresses.values():
            with suppress(NodeError):
                views.append(cluster.look(address))
        absent = sorted(set(nodes.brokers.values()).difference(*(view.broker_ids for view in views)))
        if absent:
            listed = ", ".join(str(broker) for broker in absent)
            raise ProjectError(f"the brokers {listed} are down: `messaging repair` first, then rebalance")
        partitions = placement.settled(views, targets) if len(views) == len(nodes.addresses) else None
        if partitions is not None:
            return partitions, views[0].brokers
        if time.monotonic() > end:
            raise ProjectError(
                f"the brokers have not agreed for {AGREEMENT_SECONDS:.0f} s on which of them has which "
                f"partitions, and {len(views)} of {len(nodes.addresses)} answer: `messaging health` says "
                "more. Nothing was moved"
            )
        time.sleep(PAUSE_SECONDS)


def execute(
    nodes: KafkaNodes,
    without: Sequence[str],
    copies: int | None = None,
    *,
    bytes_a_second: int,
    tell: Callable[[str], None],
) -> int:
    """Carries the plan out, what an earlier run has begun first; how many partitions were moved.

    Raises:
        ProjectError: it cannot be done as asked, or nothing moved for a long time.
    """
    begun = cluster.moving(nodes.anyone())
    try:
        if begun:
            tell(f"{len(begun)} partitions are being moved already: waiting for them")
            # What the last run has braked goes on at the rate that this one was given.
            _set_rates(nodes, str(bytes_a_second))
            _wait(nodes, begun, tell)
        moves = plan(nodes, without, copies, begun)
        _brake(nodes, moves, bytes_a_second)
        for line in _more_copies(moves):
            tell(line)
        for first in range(0, len(moves), AT_A_TIME):
            group = moves[first : first + AT_A_TIME]
            tell(f"moving {first + 1} to {first + len(group)} of {len(moves)}")
            wanted = {(move.topic, move.number): move.after for move in group}
            cluster.move(nodes.anyone(), wanted)
            _wait(nodes, wanted, tell)
    except KeyboardInterrupt:
        raise ProjectError(
            "interrupted: Kafka goes on with what has begun. The same command goes on from there, and takes "
            "the brakes away at its end"
        ) from None
    _release(nodes)
    return len(moves)


def _brake(nodes: KafkaNodes, moves: Sequence[Move], bytes_a_second: int) -> None:
    """Slows down the copying of what moves, and of nothing else."""
    if any(move.joining for move in moves):
        _set_rates(nodes, str(bytes_a_second))
    topics: dict[str, tuple[list[str], list[str]]] = {}
    for move in moves:
        leaders, followers = topics.setdefault(move.topic, ([], []))
        if move.joining:
            leaders += [f"{move.number}:{broker}" for broker in move.before]
            followers += [f"{move.number}:{broker}" for broker in move.joining]
    cluster.configure(
        nodes.anyone(),
        cluster.TOPIC,
        {
            topic: dict(zip(_LISTS, (",".join(one) for one in lists), strict=True))
            for topic, lists in topics.items()
            if all(lists)
        },
    )


def _release(nodes: KafkaNodes) -> None:
    """Takes the brakes away, those of an earlier run, too."""
    address = nodes.anyone()
    topics = {one.topic for one in cluster.look(address).partitions}
    found = cluster.configuration(address, cluster.TOPIC, topics, keys=list(_LISTS), dynamic=True)
    released: dict[str, dict[str, str | None]] = {
        name: dict.fromkeys(values) for name, values in found.items()
    }
    cluster.configure(address, cluster.TOPIC, released)
    _set_rates(nodes, None)


def _set_rates(nodes: KafkaNodes, rate: str | None) -> None:
    """Of all brokers, each asked itself: it takes its own settings from nobody else."""
    for node in nodes.nodes:
        if node.address:
            cluster.configure(node.address, cluster.BROKER, {str(node.id): dict.fromkeys(_RATES, rate)})


def _wait(nodes: KafkaNodes, wanted: Mapping[Key, Sequence[int]], tell: Callable[[str], None]) -> None:
    """Until none of the partitions is being moved any more; as long as one ends or bytes are copied."""
    since = said = time.monotonic()
    left, behind = len(wanted), math.inf
    while True:
        try:
            under_way = set(cluster.moving(nodes.anyone())) & set(wanted)
        except NodeError:
            # A broker may be replaced meanwhile; the controllers remember.
            under_way = set(wanted)
        if not under_way:
            return
        now = time.monotonic()
        if len(under_way) < left:
            left, since = len(under_way), now
        if now - said > NEXT_WORD_SECONDS:
            said = now
            to_copy = _bytes_behind(nodes)
            if to_copy < behind:
                behind, since = to_copy, now
            tell(f"{len(under_way)} of these are still being copied; {behind / 1e6:.1f} MB to copy")
        if now - since > STUCK_SECONDS:
            names = ", ".join(f"{topic}-{number}" for topic, number in sorted(under_way)[:5])
            raise ProjectError(
                f"nothing was copied for {STUCK_SECONDS:.0f} s: {names}. A higher --throttle lets more "
                "through; the same command goes on from here"
            )
        time.sleep(PAUSE_SECONDS)


def _bytes_behind(nodes: KafkaNodes) -> float:
    try:
        view = cluster.look(nodes.anyone())
    except NodeError:
        return math.inf
    return observe.bytes_behind({node.id: node.address for node in nodes.nodes if node.address}, [view])


def lines(moves: Sequence[Move]) -> list[str]:
    """A plan for people; last, what there is more of afterwards."""
    listed = [f"{move.name}: {_listed(move.before)} -> {_listed(move.after)}" for move in moves]
    return listed + _more_copies(moves)


def _more_copies(moves: Sequence[Move]) -> list[str]:
    """How many copies are made beside those that there are; nothing if copies only move."""
    added = Counter[str]()
    for move in moves:
        added[move.topic] += len(move.after) - len(move.before)
    told = ", ".join(f"{count} of {topic}" for topic, count in sorted(added.items()) if count)
    return [f"copies added: {added.total()} ({told})"] if told else []


def _listed(brokers: Sequence[int]) -> str:
    return ",".join(str(broker) for broker in brokers)
