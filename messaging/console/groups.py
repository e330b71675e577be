"""Consumer groups and how far behind they are.

Lag is the high watermark minus the committed offset, and never negative. Reading is the cluster's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from messaging.console.cluster import KafkaCluster
from messaging.console.model import Group, Place, Watermarks
from messaging.console.parts import Deadline, NotFoundError, ReadError, attempt

MAX_GROUPS = 200


@dataclass(frozen=True, kw_only=True)
class PartitionLag:
    """Where a group stands in one partition.

    Attributes:
        committed: The offset it reads next, None if it has committed none.
        offsets: The partition's watermarks, None if they could not be read (or the topic is gone).
        client_id: The member that has the partition now, None if nobody has.
    """

    topic: str
    partition: int
    committed: int | None
    offsets: Watermarks | None
    client_id: str | None = None

    @property
    def lag(self) -> int | None:
        """Records that are still to be read, None if that is not known."""
        if self.committed is None or self.offsets is None:
            return None
        return max(0, self.offsets.high - self.committed)

    @property
    def lost(self) -> int:
        """Records that retention removed before the group read them."""
        if self.committed is None or self.offsets is None:
            return 0
        return max(0, self.offsets.low - self.committed)


@dataclass(frozen=True, kw_only=True)
class GroupLag:
    """A group and where it stands; `lag` sums what is known, None if nothing is."""

    group: Group
    partitions: tuple[PartitionLag, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that it has committed offsets or members in."""
        return tuple(sorted({one.topic for one in self.partitions}))

    @property
    def lag(self) -> int | None:
        """Records that are still to be read in all its partitions."""
        known = [one.lag for one in self.partitions if one.lag is not None]
        return sum(known) if known else None

    @property
    def lost(self) -> int:
        """Records that retention removed before the group read them."""
        return sum(one.lost for one in self.partitions)


@dataclass(frozen=True, kw_only=True)
class GroupList:
    """The groups, by id; `more` were left out for their number, `problems` says what could not be read."""

    rows: tuple[GroupLag, ...]
    more: int
    problems: tuple[str, ...]


def standing(group: Group, committed: Mapping[Place, int], marks: Mapping[Place, Watermarks]) -> GroupLag:
    """`group` with one entry for each partition that it committed or was assigned."""
    holders = {place: member.client_id for member in group.members for place in member.assigned}
    return GroupLag(
        group=group,
        partitions=tuple(
            PartitionLag(
                topic=place[0],
                partition=place[1],
                committed=committed.get(place),
                offsets=marks.get(place),
                client_id=holders.get(place),
            )
            for place in sorted({*committed, *holders})
        ),
    )


def list_groups(cluster: KafkaCluster, deadline: Deadline, *, most: int = MAX_GROUPS) -> GroupList:
    """The first `most` groups with their lag."""
    listing = cluster.groups(deadline)
    chosen = [group.id for group in listing.groups[:most]]
    rows, problems = _standings(cluster, chosen, deadline)
    return GroupList(
        rows=rows,
        more=len(listing.groups) - len(chosen),
        problems=tuple(sorted({*listing.problems, *problems})),
    )


def detail(cluster: KafkaCluster, group: str, deadline: Deadline) -> GroupLag:
    """One group with its members and its lag in each partition.

    Raises:
        NotFoundError: Kafka knows no such group.
        ReadError: Kafka did not answer.
    """
    rows, problems = _standings(cluster, [group], deadline)
    if not rows:
        raise ReadError("; ".join(problems) or "Kafka did not describe the group")
    if rows[0].group.state == "dead" and not rows[0].partitions:
        raise NotFoundError(f"the cluster has no consumer group {group!r}")
    if problems and not rows[0].partitions:
        raise ReadError("; ".join(problems))
    return rows[0]


def consumers_of(groups: GroupList, topic: str) -> tuple[GroupLag, ...]:
    """The groups that read `topic`."""
    return tuple(row for row in groups.rows if topic in row.topics)


def _standings(
    cluster: KafkaCluster, groups: list[str], deadline: Deadline
) -> tuple[tuple[GroupLag, ...], tuple[str, ...]]:
    described = cluster.describe(groups, deadline)
    known = [group.id for group in described.groups]
    offsets, no_offsets = attempt(lambda: cluster.committed(known, deadline))
    committed = offsets or {}
    leaders = {place for topic in cluster.metadata(deadline).topics.values() for place in topic.places}
    wanted = {place for places in committed.values() for place in places}
    wanted |= {place for group in described.groups for member in group.members for place in member.assigned}
    read, no_marks = attempt(lambda: cluster.watermarks(sorted(wanted & leaders), deadline))
    marks = read or {}
    rows = tuple(standing(group, committed.get(group.id, {}), marks) for group in described.groups)
    return rows, (*described.problems, *(problem for problem in (no_offsets, no_marks) if problem))
