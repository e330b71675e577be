"""What a Kafka node is told: properties as environment, heap and JMX as start arguments. Pure.

Only what Kafka cannot change while it runs or would not take again when it starts, or what counts when a
cluster is formed, is set here; the settings of topics are the topics' own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.topology import CLIENT_PORT, CONTROLLER_PORT, EXTERNAL_PORT, INTERNAL_PORT
from messaging.broker_settings import is_dynamic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster_settings import Java
    from components.topology import Node, Topology
    from levels import Level

DATA_FOLDER = "/var/lib/kafka/data"
START_COMMAND = "/etc/confluent/docker/run"

_LISTENERS = {
    "CONTROLLER": CONTROLLER_PORT,
    "INTERNAL": INTERNAL_PORT,
    "CLIENT": CLIENT_PORT,
    "EXTERNAL": EXTERNAL_PORT,
}
_MIB = 1024 * 1024

_NOTICE_FAILURES = {
    # A broker that died is noticed after so long; one that pauses longer is taken for dead. One that is
    # stopped goes when the heartbeats of all others know of the new leaders: often, that is sooner, and of
    # the last two that are stopped each is let go before the other, a second later, is no voter any more.
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "200",
    # If it was the active controller, too, another one is elected first, which then gives every broker a new
    # session: these come before those 4 s.
    "controller.quorum.fetch.timeout.ms": "1500",
    "controller.quorum.election.timeout.ms": "500",
    "controller.quorum.election.backoff.max.ms": "500",
}


def environment(
    node: Node, topology: Topology, level: Level, added: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The container's environment, sorted by name; of what the stack adds, what takes a roll.

    ``KAFKA_A_B`` becomes the broker property ``a.b``; the images agree on that (and disagree on single
    letters between underscores, so no such name may be used). Values are as properties files spell them.
    """
    replication = str(level.replication_factor)
    min_insync = str(level.min_insync_replicas)
    internal_partitions = str(level.internal_topic_partitions)
    properties = {
        "node.id": str(node.id),
        "process.roles": ",".join(node.roles),
        "controller.quorum.voters": ",".join(topology.voters),
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join(
            f"{name}://0.0.0.0:{port}"
            for name, port in _LISTENERS.items()
            if (node.is_controller if name == "CONTROLLER" else node.is_broker)
        ),
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in _LISTENERS),
        "log.dirs": DATA_FOLDER,
        "log.cleaner.dedupe.buffer.size": str(level.cleaner_buffer_mib * _MIB),
        "auto.create.topics.enable": "false",
        "unclean.leader.election.enable": "false",
        # These three count when the cluster is formed: the first controller takes them from its own settings.
        "min.insync.replicas": min_insync,
        "default.replication.factor": replication,
        "num.partitions": "1",
        "offsets.topic.replication.factor": replication,
        "offsets.topic.num.partitions": internal_partitions,
        "transaction.state.log.replication.factor": replication,
        "transaction.state.log.min.isr": min_insync,
        "transaction.state.log.num.partitions": internal_partitions,
        "share.coordinator.state.topic.replication.factor": replication,
        "share.coordinator.state.topic.min.isr": min_insync,
        "share.coordinator.state.topic.num.partitions": internal_partitions,
        "group.initial.rebalance.delay.ms": str(level.rebalance_delay_ms),
    }
    if node.is_broker:
        properties |= _of_a_broker(node) | _threads(level)
    if len(topology.nodes) > 1:
        properties |= _NOTICE_FAILURES
    if level.cpus:
        properties["num.recovery.threads.per.data.dir"] = str(max(2, level.cpus))
    properties |= {name: as_property(value) for name, value in (added or {}).items() if not is_dynamic(name)}
    variables = {f"KAFKA_{name.replace('.', '_').upper()}": value for name, value in properties.items()}
    variables |= {
        "CLUSTER_ID": topology.cluster_id,
        # One of the public images traces every state change of every partition unless told otherwise. Even
        # one line for each keeps a broker that has just started busy when it becomes leader.
        "KAFKA_LOG4J_LOGGERS": "kafka.controller=INFO,state.change.logger=WARN",
    }
    return dict(sorted(variables.items()))


def as_property(value: str) -> str:
    r"""A value as a properties file spells it: all images write their environment there as it is.

    There, ``\`` begins an escape, and at the end of a line it makes the next line part of this one.
    """
    return value.replace("\\", "\\\\")


def _of_a_broker(node: Node) -> dict[str, str]:
    advertised = {
        "INTERNAL": f"{node.name}:{INTERNAL_PORT}",
        "CLIENT": f"{node.name}:{CLIENT_PORT}",
        "EXTERNAL": node.external_address,
    }
    properties = {
        "inter.broker.listener.name": "INTERNAL",
        "advertised.listeners": ",".join(f"{name}://{address}" for name, address in advertised.items()),
    }
    return properties | ({"broker.rack": node.rack} if node.rack else {})


def _threads(level: Level) -> dict[str, str]:
    """As many threads as the processors of the limit can feed, never fewer than Kafka would start."""
    if not level.cpus:
        return {}
    return {
        "num.network.threads": str(max(3, level.cpus + 1)),
        "num.io.threads": str(max(8, 4 * level.cpus)),
        "num.replica.fetchers": str(min(4, max(1, level.cpus // 2))),
    }


def dynamic(level: Level, added: Mapping[str, str] | None = None) -> dict[str, str]:
    """What all brokers are told while they run, sorted by name."""
    settings = {
        "log.segment.bytes": str(level.segment_mib * _MIB),
        # What was set for all brokers counts more than their environment, and Kafka sets the first of these
        # by itself when a cluster is formed. So both are set here, and what is changed by hand is seen.
        "min.insync.replicas": str(level.min_insync_replicas),
        "unclean.leader.election.enable": "false",
    }
    settings |= {name: value for name, value in (added or {}).items() if is_dynamic(name)}
    return dict(sorted(settings.items()))


def start_command(node: Node, java: Java, level: Level) -> tuple[str, ...]:
    """The container's command: the images' start script with ``NAME=VALUE`` arguments.

    What is given here reaches the broker alone. In the container's environment, every tool that ``docker
    exec`` starts would take the broker's heap and try to open the broker's JMX port.
    """
    # A public image holds an empty list of advertised addresses, which a controller must not have.
    without = () if node.is_broker else ("env", "--unset=KAFKA_ADVERTISED_LISTENERS")
    return (
        *without,
        START_COMMAND,
        f"KAFKA_HEAP_OPTS=-Xms{java.heap_mib}m -Xmx{java.heap_mib}m",
        f"KAFKA_JVM_PERFORMANCE_OPTS={level.jvm_options}",
        f"KAFKA_JMX_PORT={node.jmx_port}",
        "KAFKA_JMX_HOSTNAME=localhost",
        # Without it, the start script of one of the public images writes logs of garbage
        # collections that nobody removes.
        "EXTRA_ARGS=-name kafkaServer",
    )
