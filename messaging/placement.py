"""Which brokers each partition should be on: even, spread over racks, with as few moves as possible. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from messaging.availability import is_internal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from messaging.availability import Partition
    from messaging.cluster import Broker, View

Key = tuple[str, int]
"""A partition's topic and number."""

_PLATFORMS_OWN = frozenset(
    """
    __consumer_offsets __transaction_state __share_group_state __remote_log_metadata
    _schemas _schemas-snapshots _schemas-events
    """.split()  # noqa: SIM905 - a table reads better than quoted lines
)
"""What Kafka and the Schema Registry's images make for themselves."""


def is_platforms_own(topic: str) -> bool:
    """Whether the platform cannot do without it; others may make topics that begin with ``_``, too."""
    return topic in _PLATFORMS_OWN


class PlacementError(Exception):
    """The partitions cannot be placed as asked; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Move:
    """A partition that goes to other brokers, or gets another preferred leader."""

    topic: str
    number: int
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def name(self) -> str:
        """As Kafka's logs write it."""
        return f"{self.topic}-{self.number}"

    @property
    def joining(self) -> tuple[int, ...]:
        """The brokers that have to copy it."""
        return tuple(broker for broker in self.after if broker not in self.before)


def plan(
    partitions: Sequence[Partition],
    brokers: Sequence[Broker],
    *,
    without: Collection[int] = (),
    copies: int = 0,
    grows: Callable[[str], bool] = is_internal,
) -> list[Move]:
    """The moves that are needed.

    Args:
        partitions: all partitions as they are.
        brokers: all brokers that serve.
        without: brokers that are to hold nothing.
        copies: how many replicas a partition of a topic that grows is to have, as far as there are brokers;
            it keeps what it has above that.
        grows: which topics that are, by their names.

    Raises:
        PlacementError: there are fewer brokers left than some partition has replicas, or a broker that has
            some does not serve: what it has is not moved away for that.
    """
    strangers = sorted(
        {broker for one in partitions for broker in one.replicas} - {one.id for one in brokers}
    )
    if strangers:
        listed = ", ".join(str(broker) for broker in strangers)
        raise PlacementError(f"the brokers {listed} hold replicas and do not serve: `messaging repair` first")
    placing = _Placing([broker for broker in brokers if broker.id not in without])
    before = {(one.topic, one.number): one.replicas for one in sorted(partitions)}
    short = [f"{topic}-{number}" for (topic, number), found in before.items() if len(found) > placing.count]
    if short:
        raise PlacementError(
            f"{len(short)} partitions have more replicas than the {placing.count} brokers that would be "
            f"left, {short[0]} among them"
        )
    after = placing.place(before, {key: copies if grows(key[0]) else 0 for key in before})
    return [
        Move(topic=topic, number=number, before=before[topic, number], after=replicas)
        for (topic, number), replicas in after.items()
        if replicas != before[topic, number]
    ]


def settled(views: Sequence[View], targets: Mapping[Key, tuple[int, ...]]) -> list[Partition] | None:
    """The partitions as they are once nothing is being moved any more, or nothing if that cannot be said yet.

    While a partition is being moved it is on its old brokers and on its new ones, and a broker that hears
    late of its end still says so: planned from that, it would get more replicas than it ever had.

    Args:
        views: the cluster as each of its brokers sees it.
        targets: the brokers that partitions will be on which are being moved, or were just now.
    """
    seen = [
        [replace(one, replicas=targets.get((one.topic, one.number), one.replicas)) for one in view.partitions]
        for view in views
    ]
    said = [{(one.topic, one.number): one.replicas for one in partitions} for partitions in seen]
    return seen[0] if all(one == said[0] for one in said) else None


def loads(replicas: Iterable[Sequence[int]]) -> Counter[int]:
    """How many replicas each broker has."""
    return Counter(broker for one in replicas for broker in one)


class _Placing:
    def __init__(self, brokers: Sequence[Broker]) -> None:
        self._racks = {broker.id: broker.rack or f"broker {broker.id}" for broker in brokers}
        self.count = len(brokers)

    def place(
        self, before: Mapping[Key, tuple[int, ...]], copies: Mapping[Key, int]
    ) -> dict[Key, tuple[int, ...]]:
        after = {key: list(replicas) for key, replicas in before.items()}
        load = Counter(dict.fromkeys(self._racks, 0)) + loads(after.values())
        load.update(dict.fromkeys(self._racks, 0))
        for key, replicas in after.items():
            self._replace_lost(replicas, load)
            self._add(replicas, load, copies[key])
        for replicas in after.values():
            self._spread(replicas, load)
        self._even_out(after, load)
        leaders = Counter(replicas[0] for replicas in after.values() if replicas)
        # What one partition gives may let an earlier one give, too: until nothing is two apart any more.
        while sum(self._lead(replicas, leaders) for replicas in after.values()):
            pass
        return {key: tuple(replicas) for key, replicas in after.items()}

    def _replace_lost(self, replicas: list[int], load: Counter[int]) -> None:
        for place, broker in enumerate(replicas):
            if broker not in self._racks:
                chosen = self._best(replicas, place, load)
                replicas[place] = chosen
                load[chosen] += 1

    def _add(self, replicas: list[int], load: Counter[int], copies: int) -> None:
        while len(replicas) < min(copies, self.count):
            chosen = self._best(replicas, len(replicas), load)
            replicas.append(chosen)
            load[chosen] += 1

    def _spread(self, replicas: list[int], load: Counter[int]) -> None:
        """Moves replicas from racks that have several to racks that have none; the preferred leader stays."""
        while True:
            held = Counter(self._racks[broker] for broker in replicas)
            doubled = [broker for broker in replicas[1:] if held[self._racks[broker]] > 1]
            free = [broker for broker, rack in self._racks.items() if rack not in held]
            if not doubled or not free:
                return
            giver = max(doubled, key=lambda broker: (load[broker], broker))
            taker = min(free, key=lambda broker: (load[broker], broker))
            replicas[replicas.index(giver)] = taker
            load[giver] -= 1
            load[taker] += 1

    def _best(self, replicas: Sequence[int], place: int, load: Counter[int]) -> int:
        """Who takes a replica's place: the broker whose rack has none yet, then the one with the least."""
        others = [broker for other, broker in enumerate(replicas) if other != place]
        taken = {self._racks[broker] for broker in others if broker in self._racks}
        free = [broker for broker in self._racks if broker not in replicas]
        return min(free, key=lambda broker: (self._racks[broker] in taken, load[broker], broker))

    def _even_out(self, after: Mapping[Key, list[int]], load: Counter[int]) -> None:
        """Moves replicas from the fullest broker to the emptiest while they are two apart."""
        while True:
            giving_order = sorted(self._racks, key=lambda broker: (-load[broker], broker))
            if not any(self._give(giver, after, load) for giver in giving_order):
                return

    def _give(self, giver: int, after: Mapping[Key, list[int]], load: Counter[int]) -> bool:
        for taker in sorted(self._racks, key=lambda broker: (load[broker], broker)):
            if load[giver] - load[taker] < 2:  # noqa: PLR2004 - one apart is even
                return False
            for replicas in after.values():
                if giver in replicas and taker not in replicas and self._keeps_racks(replicas, giver, taker):
                    replicas[replicas.index(giver)] = taker
                    load[giver] -= 1
                    load[taker] += 1
                    return True
        return False

    def _keeps_racks(self, replicas: Sequence[int], giver: int, taker: int) -> bool:
        others = {self._racks[broker] for broker in replicas if broker != giver}
        return self._racks[taker] not in others or self._racks[giver] in others

    def _lead(self, replicas: list[int], leaders: Counter[int]) -> bool:
        """Prefers another of a partition's brokers as leader if that one leads two less; whether it did."""
        first = replicas[0]
        other = min(replicas, key=lambda broker: (leaders[broker], replicas.index(broker)))
        if leaders[first] - leaders[other] < 2:  # noqa: PLR2004 - one apart is even
            return False
        replicas.remove(other)
        replicas.insert(0, other)
        leaders[first] -= 1
        leaders[other] += 1
        return True
