"""Whether a node can be stopped without anyone noticing: decided from what the cluster says of itself. Pure.

The two rules are those by which careful operators roll a cluster. No partition may fall below the number of
in-sync replicas that producers with ``acks=all`` need, and enough controllers must have everything that the
leader has. Each rule counts what would be left, so the node itself may be in any state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging.quorum import NO_LEADER
from messaging.readiness import CAUGHT_UP_WITHIN_MS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from messaging.quorum import Quorum

NO_BROKER = -1


def is_internal(topic: str) -> bool:
    """Whether Kafka or a service made it for itself: no topic of the program begins so."""
    return topic.startswith("_")


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Partition:
    """A partition and where it is."""

    topic: str
    number: int
    leader: int
    """:data:`NO_BROKER` if nobody leads it."""
    replicas: tuple[int, ...]
    """Ids of brokers, the preferred leader first."""
    in_sync: tuple[int, ...]
    min_in_sync: int
    """What the topic asks for, if need be more than it has: Kafka then wants all that it has."""

    @property
    def name(self) -> str:
        """As Kafka's logs write it."""
        return f"{self.topic}-{self.number}"

    @property
    def missing(self) -> tuple[int, ...]:
        """The brokers that have a replica which is not in sync."""
        return tuple(replica for replica in self.replicas if replica not in self.in_sync)

    @property
    def is_under_min(self) -> bool:
        """Whether producers with ``acks=all`` are refused."""
        return len(self.in_sync) < min(self.min_in_sync, len(self.replicas))

    @property
    def can_lose_one(self) -> bool:
        """Whether it has more replicas than it needs. If not, none can ever be stopped unnoticed."""
        return len(self.replicas) > self.min_in_sync


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Obstacle:
    """A partition that a broker's stop would take below its minimum."""

    partition: str
    reason: str

    def __str__(self) -> str:
        return f"{self.partition} {self.reason}"


def obstacles(partitions: Iterable[Partition], broker: int) -> list[Obstacle]:
    """Why a broker may not be stopped now, one for each partition in danger; empty if it may.

    A partition that has no replica to spare is left out: it would block for ever (:func:`interrupted`).
    """
    found = []
    for partition in partitions:
        if broker not in partition.replicas or not partition.can_lose_one:
            continue
        count, least = len(partition.in_sync), partition.min_in_sync
        listed = ", ".join(str(replica) for replica in sorted(partition.in_sync)) or "none"
        state = f"{count} of {len(partition.replicas)} replicas in sync (brokers {listed}), needs {least}"
        if count < least:
            # Even if the broker's own replica is behind: it may be the first one that catches up.
            found.append(Obstacle(partition=partition.name, reason=f"is below its minimum: {state}"))
        elif count == least and broker in partition.in_sync:
            found.append(Obstacle(partition=partition.name, reason=f"is at its minimum: {state}"))
    return sorted(found)


def interrupted(partitions: Iterable[Partition], broker: int) -> list[str]:
    """Partitions that do not serve ``acks=all`` while the broker is stopped, whatever anybody does."""
    return sorted(
        partition.name
        for partition in partitions
        if broker in partition.replicas and not partition.can_lose_one
    )


def quorum_obstacle(quorum: Quorum, voter: int, *, within_ms: int = CAUGHT_UP_WITHIN_MS) -> str | None:
    """Why a controller may not be stopped now; None if it may.

    Args:
        quorum: the controllers now.
        voter: the one to be stopped; any other node may be stopped as far as this rule goes.
        within_ms: how far a controller may be behind and still count as caught up.
    """
    ids = [one.id for one in quorum.voters]
    if voter not in ids or len(ids) == 1:
        return None
    if quorum.leader_id == NO_LEADER:
        return "the controllers have no leader"
    latest = max(one.caught_up_ms for one in quorum.voters)
    caught_up = [one.id for one in quorum.voters if one.id != voter and latest - one.caught_up_ms < within_ms]
    needed = (len(ids) + 2) // 2 if len(ids) > 2 else 1  # noqa: PLR2004 - two are the special case
    if len(caught_up) >= needed:
        return None
    others = ", ".join(str(one) for one in ids if one != voter and one not in caught_up)
    return (
        f"of the other controllers {len(caught_up)} are caught up and {needed} must be: {others} "
        f"{'is' if len(ids) - 1 - len(caught_up) == 1 else 'are'} behind"
    )
