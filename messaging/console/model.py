"""What a Kafka cluster is made of, as plain frozen values: brokers, topics, partitions, offsets, groups.

`cluster` fills them from a running cluster, tests fill them by hand; everything else of the console reads
only these.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# A topic and the id of one of its partitions.
Place = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Broker:
    """A broker that is registered now, with the address that it advertises to this client."""

    id: int
    host: str
    port: int
    rack: str | None = None


@dataclass(frozen=True, kw_only=True)
class Partition:
    """Where a partition lies: broker ids, the preferred leader first; `leader` is None without one."""

    id: int
    leader: int | None
    replicas: tuple[int, ...]
    isr: tuple[int, ...]

    @property
    def under_replicated(self) -> bool:
        """True while a replica is not in sync."""
        return len(self.isr) < len(self.replicas)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic and its partitions in the order of their ids."""

    name: str
    partitions: tuple[Partition, ...]

    @property
    def internal(self) -> bool:
        """True for what Kafka and the registry keep for themselves: such names start with ``_``."""
        return self.name.startswith("_")

    @property
    def replication(self) -> int:
        """The lowest number of replicas of its partitions."""
        return min((len(partition.replicas) for partition in self.partitions), default=0)

    @property
    def under_replicated(self) -> int:
        """Number of partitions with a replica out of sync."""
        return sum(partition.under_replicated for partition in self.partitions)

    @property
    def offline(self) -> int:
        """Number of partitions without a leader."""
        return sum(partition.leader is None for partition in self.partitions)

    @property
    def places(self) -> tuple[Place, ...]:
        """Each partition that has a leader, so that its offsets can be asked for."""
        return tuple(
            (self.name, partition.id) for partition in self.partitions if partition.leader is not None
        )


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """The cluster as it sees itself; `controller` is what it tells clients (under KRaft: any one broker)."""

    cluster_id: str | None
    controller: int | None
    brokers: tuple[Broker, ...]
    topics: Mapping[str, Topic]


@dataclass(frozen=True, kw_only=True)
class ConfigEntry:
    """One configuration value in force; `value` is None where the broker keeps it secret."""

    name: str
    value: str | None
    source: str
    default: bool
    read_only: bool


@dataclass(frozen=True, kw_only=True)
class Watermarks:
    """First offset that is still there, and the offset that the next record will get."""

    low: int
    high: int

    @property
    def count(self) -> int:
        """Records between the two; an upper estimate where compaction or transactions leave gaps."""
        return max(0, self.high - self.low)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member of a consumer group and the partitions that it was given."""

    id: str
    client_id: str
    host: str
    assigned: tuple[Place, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """A consumer group; `coordinator` is a broker id."""

    id: str
    state: str
    assignor: str = ""
    coordinator: int | None = None
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Groups:
    """The groups that answered; `problems` has a sentence for each broker or group that did not."""

    groups: tuple[Group, ...]
    problems: tuple[str, ...] = ()
