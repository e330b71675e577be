"""A cluster at a glance: its brokers and what each carries, and the numbers that say whether it is well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from messaging.console.cluster import KafkaCluster
from messaging.console.model import ConfigEntry, Metadata
from messaging.console.parts import Deadline, attempt


@dataclass(frozen=True, kw_only=True)
class BrokerRow:
    """One broker.

    Attributes:
        roles: What it does (``broker``, ``controller``), as far as it says so.
        version: Its Kafka version where the broker tells it, else None.
        leaders: Partitions that it leads.
        replicas: Replicas that it holds.
        out_of_sync: Those of its replicas that are not in sync.
    """

    id: int
    host: str
    port: int
    rack: str | None
    roles: tuple[str, ...]
    version: str | None
    leaders: int
    replicas: int
    out_of_sync: int


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a cluster consists of, and how many of its partitions are unwell."""

    cluster_id: str | None
    brokers: tuple[BrokerRow, ...]
    absent: tuple[int, ...]
    topics: int
    partitions: int
    under_replicated: int
    offline: int

    @property
    def healthy(self) -> bool:
        """True if all replicas are in sync and all brokers that hold one are there."""
        return not (self.under_replicated or self.offline or self.absent)


def summarize(metadata: Metadata, configs: Mapping[int, Sequence[ConfigEntry]]) -> Summary:
    """The cluster that `metadata` shows; `configs` has the configuration of those brokers that gave it."""
    partitions = [one for topic in metadata.topics.values() for one in topic.partitions]
    known = {broker.id for broker in metadata.brokers}
    return Summary(
        cluster_id=metadata.cluster_id,
        brokers=tuple(
            BrokerRow(
                id=broker.id,
                host=broker.host,
                port=broker.port,
                rack=broker.rack,
                roles=_roles(configs.get(broker.id, ()), named=metadata.controller == broker.id),
                version=_value(configs.get(broker.id, ()), "inter.broker.protocol.version"),
                leaders=sum(one.leader == broker.id for one in partitions),
                replicas=sum(broker.id in one.replicas for one in partitions),
                out_of_sync=sum(broker.id in one.replicas and broker.id not in one.isr for one in partitions),
            )
            for broker in metadata.brokers
        ),
        absent=tuple(sorted({replica for one in partitions for replica in one.replicas} - known)),
        topics=len(metadata.topics),
        partitions=len(partitions),
        under_replicated=sum(one.under_replicated for one in partitions),
        offline=sum(one.leader is None for one in partitions),
    )


def overview(cluster: KafkaCluster, deadline: Deadline) -> Summary:
    """The cluster with the roles of its brokers."""
    metadata = cluster.metadata(deadline)
    # What the brokers say of themselves is worth having, and not worth an empty page.
    configs, _ = attempt(lambda: cluster.broker_configs((one.id for one in metadata.brokers), deadline))
    return summarize(metadata, configs or {})


def _roles(entries: Sequence[ConfigEntry], *, named: bool) -> tuple[str, ...]:
    """The roles of a broker: as configured under KRaft, else metadata name the one controller."""
    roles = _value(entries, "process.roles")
    if roles:
        return tuple(sorted(role.strip() for role in roles.split(",")))
    return ("broker", "controller") if named and entries else ("broker",)


def _value(entries: Sequence[ConfigEntry], name: str) -> str | None:
    return next((entry.value for entry in entries if entry.name == name), None)
