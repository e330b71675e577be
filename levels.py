"""The environments: what each decides for its platforms, unless a stack says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """What an environment decides, unless the stack says otherwise."""

    suffix: str
    """Behind the name of every container."""
    brokers: int
    controllers: int
    """Members of the quorum: the first brokers, or nodes of their own."""
    replication_factor: int
    min_insync_replicas: int
    internal_topic_partitions: int
    """Of the topics in which Kafka keeps offsets, transactions and share groups."""
    rebalance_delay_ms: int
    """How long a new consumer group waits for more members before it gets its partitions."""
    segment_mib: int
    """A log's segment, the smallest piece that retention removes."""
    cleaner_buffer_mib: int
    """Heap that the compaction of logs takes."""
    open_files: int
    """A broker's limit: it keeps every segment of every partition open. At most the Docker engine's own."""
    heap: str
    memory: str
    cpus: int
    """A broker's limit, from which its numbers of threads follow; 0 for none, and Kafka's own numbers."""
    jvm_options: str
    """Of a broker's JVM beside its heap, in full: one public image never applies Kafka's own choice."""
    racks: bool
    """Whether each broker is told a rack of its own, over which replicas are spread."""
    registries: int
    load_balancer: bool
    """Whether one stands before the brokers and the Schema Registries."""
    free_disk: str
    protect_data: bool
    """Whether volumes and topics refuse to be deleted."""
    durable: bool
    """Whether settings are refused with which one broker's failure stops writers or loses messages."""


_G1 = (
    "-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 "
    "-XX:G1HeapRegionSize=16M -XX:+ExplicitGCInvokesConcurrent -XX:+ParallelRefProcEnabled"
)

_SOON_READY = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
"""The quick compiler alone: ready sooner, slower under full load; see docs/performance.md."""

LEVELS: Mapping[str, Level] = {
    "dev": Level(
        suffix="-dev",
        brokers=1,
        controllers=1,
        replication_factor=1,
        min_insync_replicas=1,
        internal_topic_partitions=1,
        rebalance_delay_ms=0,
        segment_mib=64,
        cleaner_buffer_mib=16,
        open_files=16_384,
        heap="512m",
        memory="1g",
        cpus=0,
        jvm_options=_SOON_READY,
        racks=False,
        registries=1,
        load_balancer=False,
        free_disk="2g",
        protect_data=False,
        durable=False,
    ),
    "prod": Level(
        suffix="",
        brokers=3,
        controllers=3,
        replication_factor=3,
        min_insync_replicas=2,
        internal_topic_partitions=12,
        rebalance_delay_ms=3000,
        segment_mib=1024,
        cleaner_buffer_mib=128,
        open_files=16_384,
        heap="2g",
        memory="3g",
        cpus=2,
        jvm_options=_G1,
        racks=True,
        registries=2,
        load_balancer=True,
        free_disk="10g",
        protect_data=True,
        durable=True,
    ),
}
"""The environments by name."""
