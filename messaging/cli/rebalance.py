"""``messaging rebalance``: moves replicas so that brokers are evenly filled, or empty before they go.

A dry run unless told otherwise. The moves are slowed down, so that clients do not notice, and go in small
groups. Kafka itself carries on with what has begun: a run that was killed is gone on with by the next one,
which plans from what it finds and takes away the brakes that the last one left.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from messaging import cluster, placement
from messaging.cli.projects import ProjectError
from messaging.protocol import NodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from messaging.cli.clusters import KafkaNodes
    from messaging.placement import Move
    from messaging.protocol import Address

AT_A_TIME = 20
PAUSE_SECONDS = 0.5
NEXT_WORD_SECONDS = 5.0
STUCK_SECONDS = 600.0
_RATES = ("leader.replication.throttled.rate", "follower.replication.throttled.rate")
_LISTS = ("leader.replication.throttled.replicas", "follower.replication.throttled.replicas")


def plan(nodes: KafkaNodes, without: Sequence[str]) -> list[Move]:
    """The moves that are needed now, whatever is under way already.

    Args:
        nodes: the cluster's.
        without: names of brokers that are to hold nothing.

    Raises:
        ProjectError: it cannot be done as asked.
    """
    unknown = sorted(set(without) - set(nodes.brokers))
    if unknown:
        raise ProjectError(
            f"no broker is called {', '.join(unknown)}. There are {', '.join(sorted(nodes.brokers))}"
        )
    view = cluster.look(nodes.anyone())
    absent = sorted(set(nodes.brokers.values()) - view.broker_ids)
    if absent:
        listed = ", ".join(str(broker) for broker in absent)
        raise ProjectError(f"the brokers {listed} are down: `messaging repair` first, then rebalance")
    try:
        return placement.plan(
            view.partitions, view.brokers, without={nodes.brokers[name] for name in without}
        )
    except placement.PlacementError as error:
        raise ProjectError(str(error)) from None


def execute(
    nodes: KafkaNodes, without: Sequence[str], *, bytes_a_second: int, tell: Callable[[str], None]
) -> int:
    """Carries the plan out, what an earlier run has begun first; how many partitions were moved.

    Raises:
        ProjectError: it cannot be done as asked, or nothing moved for a long time.
    """
    address = nodes.anyone()
    begun = cluster.moving(address)
    if begun:
        tell(f"{len(begun)} partitions are being moved already: waiting for them")
        _wait(nodes, begun, tell)
    moves = plan(nodes, without)
    try:
        _brake(nodes, moves, bytes_a_second)
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
    rates: dict[str, str | None] = dict.fromkeys(_RATES, str(bytes_a_second))
    address = nodes.anyone()
    if any(move.joining for move in moves):
        cluster.configure(address, cluster.BROKER, {str(broker): rates for broker in nodes.brokers.values()})
    topics: dict[str, tuple[list[str], list[str]]] = {}
    for move in moves:
        leaders, followers = topics.setdefault(move.topic, ([], []))
        if move.joining:
            leaders += [f"{move.number}:{broker}" for broker in move.before]
            followers += [f"{move.number}:{broker}" for broker in move.joining]
    cluster.configure(
        address,
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
    for kind, names, keys in (
        (cluster.TOPIC, topics, _LISTS),
        (cluster.BROKER, {str(broker) for broker in nodes.brokers.values()}, _RATES),
    ):
        found = {}
        for name in names:
            # A broker's own settings are asked of itself.
            asked = address if kind == cluster.TOPIC else _address_of(nodes, int(name))
            values = cluster.configuration(asked, kind, [name], keys=list(keys), dynamic=True).get(name, {})
            found[name] = {key: None for key in keys if key in values}
        cluster.configure(address, kind, {name: keys_ for name, keys_ in found.items() if keys_})


def _address_of(nodes: KafkaNodes, broker: int) -> Address:
    return next(node.address for node in nodes.nodes if node.id == broker and node.address)


def _wait(
    nodes: KafkaNodes, wanted: Mapping[tuple[str, int], Sequence[int]], tell: Callable[[str], None]
) -> None:
    """Until none of the partitions is being moved any more."""
    since = said = time.monotonic()
    left = len(wanted)
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
        if now - since > STUCK_SECONDS:
            names = ", ".join(f"{topic}-{number}" for topic, number in sorted(under_way)[:5])
            raise ProjectError(
                f"nothing was finished for {STUCK_SECONDS:.0f} s: {names}. A higher --throttle lets more "
                "through; the same command goes on from here"
            )
        if now - said > NEXT_WORD_SECONDS:
            tell(f"{len(under_way)} of these are still being copied")
            said = now
        time.sleep(PAUSE_SECONDS)


def lines(moves: Sequence[Move]) -> list[str]:
    """A plan for people."""
    return [f"{move.name}: {_listed(move.before)} -> {_listed(move.after)}" for move in moves]


def _listed(brokers: Sequence[int]) -> str:
    return ",".join(str(broker) for broker in brokers)
