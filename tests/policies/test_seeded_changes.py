"""Bad changes to the committed production stack, one at a time: each is stopped at preview, and says by what.

The program is the real one with one edit; the engine is the embedded one, started by the launcher, which
passes the policy pack. Those changes that only the state can tell are compared with a state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.policies.deployed import deploy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.policies.conftest import Checkout

PROTECTED = "engine: protected"
"""What the engine says when a protected resource would be replaced or deleted."""
IDENTITY = "ClusterIdentity"
PROGRAM = "program"
"""The program's own settings."""


@dataclass(frozen=True)
class Seed:
    """One bad change."""

    change: str
    """What somebody did."""
    stopped_by: str
    """A policy of the pack, or who else."""
    says: tuple[str, ...]
    """Where and why, in the message."""
    anchor: str
    """A text of the program; it stands in exactly one place."""
    becomes: str
    deployed: bool = False
    """Whether the stack has a state, for what only a comparison can show."""

    def __str__(self) -> str:
        return self.change


# The places where a setting can be weakened, then what a container must be, then what data must survive.
SEEDS = (
    Seed(
        "min ISR 1 in the environment's defaults",
        PROGRAM,
        ("messaging:cluster.minInsyncReplicas is 1", "counts as written, and is lost with it"),
        "min_insync_replicas=2,",
        "min_insync_replicas=1,",
    ),
    Seed(
        "min ISR 1 in the stack's file",
        PROGRAM,
        ("Pulumi.prod.yaml", "messaging:cluster.minInsyncReplicas is 1", "minInsyncReplicas: 2"),
        "messaging:environment: prod",
        "messaging:environment: prod\n  messaging:cluster: {minInsyncReplicas: 1}",
    ),
    Seed(
        "min ISR 1 in every topic",
        "topic-min-isr",
        ("topic sensor-data.dlq.poison", "min.insync.replicas 1", "at least 2"),
        '"min.insync.replicas": str(min_insync_replicas)',
        '"min.insync.replicas": "1"',
    ),
    Seed(
        "no min ISR in topics",
        "topic-min-isr",
        ("no min.insync.replicas of its own",),
        '        "min.insync.replicas": str(min_insync_replicas),\n',
        "",
    ),
    Seed(
        "min ISR 1 in the brokers' defaults",
        "broker-min-isr",
        ("node kafka-1", "min.insync.replicas 1", "at least 2"),
        '"min.insync.replicas": min_insync,',
        '"min.insync.replicas": "1",',
    ),
    Seed(
        "min ISR 1 among the cluster's settings",
        PROGRAM,
        ("messaging:cluster.settings.min.insync.replicas cannot be set here",),
        "messaging:environment: prod",
        'messaging:environment: prod\n  messaging:cluster: {settings: {min.insync.replicas: "1"}}',
    ),
    Seed(
        "min ISR 1 in what brokers are told while they run",
        "broker-min-isr",
        ("All brokers are told min.insync.replicas 1 while they run", "at least 2"),
        '"min.insync.replicas": str(level.min_insync_replicas),',
        '"min.insync.replicas": "1",',
    ),
    Seed(
        "min ISR 1 of the transaction log",
        "internal-topics",
        ("node kafka-1", "transaction.state.log.min.isr 1"),
        '"transaction.state.log.min.isr": min_insync,',
        '"transaction.state.log.min.isr": "1",',
    ),
    Seed(
        "min ISR 1 of share groups",
        "internal-topics",
        ("share.coordinator.state.topic.min.isr 1",),
        '"share.coordinator.state.topic.min.isr": min_insync,',
        '"share.coordinator.state.topic.min.isr": "1",',
    ),
    Seed(
        "offsets with one replica",
        "internal-topics",
        ("offsets.topic.replication.factor 1", "at least 3"),
        '"offsets.topic.replication.factor": replication,',
        '"offsets.topic.replication.factor": "1",',
    ),
    Seed(
        "transactions with two replicas",
        "internal-topics",
        ("transaction.state.log.replication.factor 2", "at least 3"),
        '"transaction.state.log.replication.factor": replication,',
        '"transaction.state.log.replication.factor": "2",',
    ),
    Seed(
        "schemas with one replica",
        "internal-topics",
        ("Schema Registry", "KAFKASTORE_TOPIC_REPLICATION_FACTOR 1"),
        '"SCHEMA_REGISTRY_KAFKASTORE_TOPIC_REPLICATION_FACTOR": str(',
        '"SCHEMA_REGISTRY_KAFKASTORE_TOPIC_REPLICATION_FACTOR": "1" or str(',
    ),
    Seed(
        "replication factor 2 in the stack's file",
        PROGRAM,
        ("messaging:cluster.minInsyncReplicas is 2 of 2 copies",),
        "messaging:environment: prod",
        "messaging:environment: prod\n  messaging:cluster: {replicationFactor: 2}",
    ),
    Seed(
        "replication factor 2 of the topics",
        "topic-replication",
        ("topic sensor-data", "replication factor 2", "at least 3"),
        "replication_factor=topic.replication_factor,\n                config",
        "replication_factor=2,\n                config",
    ),
    Seed(
        "brokers that replicate twice by default",
        "broker-replication",
        ("default.replication.factor 2", "at least 3"),
        '"default.replication.factor": replication,',
        '"default.replication.factor": "2",',
    ),
    Seed(
        "more replicas than brokers",
        "replication-fits-brokers",
        ("replication factor 4", "at most 3"),
        "replication_factor=topic.replication_factor,\n                config",
        "replication_factor=4,\n                config",
    ),
    Seed(
        "unclean elections on the brokers",
        "unclean-election-off",
        ("node kafka-1", "unclean.leader.election.enable true"),
        '"unclean.leader.election.enable": "false",\n        # These',
        '"unclean.leader.election.enable": "true",\n        # These',
    ),
    Seed(
        "unclean elections in what brokers are told while they run",
        "unclean-election-off",
        ("What all brokers are told while they run has unclean.leader.election.enable true",),
        '"unclean.leader.election.enable": "false",\n    }',
        '"unclean.leader.election.enable": "true",\n    }',
    ),
    Seed(
        "unclean elections of the topics",
        "unclean-election-off",
        ("topic metrics", "unclean.leader.election.enable true"),
        '        "cleanup.policy": "delete",\n',
        '        "cleanup.policy": "delete",\n        "unclean.leader.election.enable": "true",\n',
    ),
    Seed(
        "topics that come into being by themselves",
        "auto-creation-off",
        ("node kafka-1", "auto.create.topics.enable true"),
        '"auto.create.topics.enable": "false",',
        '"auto.create.topics.enable": "true",',
    ),
    Seed(
        "topics that come into being by themselves, by an argument of the start command",
        "auto-creation-off",
        ("node kafka-1", "auto.create.topics.enable true"),
        '"KAFKA_JMX_HOSTNAME=localhost",',
        '"KAFKA_JMX_HOSTNAME=localhost", "KAFKA_AUTO_CREATE_TOPICS_ENABLE=true",',
    ),
    Seed(
        "a second spelling of a setting",
        "node-settings-plain",
        ("node kafka-1 is given KAFKA_min_insync_replicas; capitals",),
        '        "CLUSTER_ID": topology.cluster_id,\n',
        '        "CLUSTER_ID": topology.cluster_id,\n        "KAFKA_min_insync_replicas": "1",\n',
    ),
    Seed(
        "dead letters of which the newest alone is kept",
        "dead-letter-retention",
        ("sensor-data.dlq", "cleanup.policy compact", "only delete is allowed"),
        "    dead = shared | {",
        '    dead = shared | {"cleanup.policy": "compact"} | {',
    ),
    Seed(
        "messages kept for an hour",
        "topic-retention",
        ("topic sensor-data", "retention.ms 3600000", "24 hours"),
        'own["retention.ms"] = str(size.retention_ms)',
        'own["retention.ms"] = "3600000"',
    ),
    Seed(
        "dead letters kept for a day",
        "dead-letter-retention",
        ("sensor-data.dlq", "86400000 ms"),
        '"retention.ms": str(size.dead_letter_retention_ms)',
        '"retention.ms": "86400000"',
    ),
    Seed(
        "a class of dead letters without a queue",
        "stream-dead-letters",
        ("stream audit-logs has no topic audit-logs.dlq.poison",),
        "for error_class in DeadLetterClass)",
        "for error_class in list(DeadLetterClass)[:-1])",
    ),
    Seed(
        "names that collide in metrics",
        "topic-names-differ",
        ("sensor-data.dlq and sensor-data_dlq collide",),
        "        topics = [\n            kafka.Topic(",
        '        kafka.Topic(f"{name}-copy", name=f"{name}_dlq", partitions=1, replication_factor=3,\n'
        "            opts=pulumi.ResourceOptions(parent=self))\n"
        "        topics = [\n            kafka.Topic(",
    ),
    Seed(
        "an image by latest, in the pins",
        PROGRAM,
        ("kafka", "fixed tag or digest"),
        "kafka: confluentinc/cp-kafka:8.1.2",
        "kafka: confluentinc/cp-kafka:latest",
    ),
    Seed(
        "images without a tag",
        "image-pinned",
        ("container kafka-1", "fixed tag other than latest"),
        '"image": blueprint.image,',
        '"image": blueprint.image.partition(":")[0],',
    ),
    Seed(
        "brokers that are killed at once",
        "grace-period",
        ("node kafka-1", "does not set destroyGraceSeconds", "at least 60 s"),
        '    "destroy_grace_seconds": GRACE_SECONDS,\n',
        "",
    ),
    Seed(
        "ten seconds of grace",
        "grace-period",
        ("destroyGraceSeconds 10",),
        "GRACE_SECONDS = 60",
        "GRACE_SECONDS = 10",
    ),
    Seed(
        "brokers that are stopped by SIGKILL",
        "grace-period",
        ("node kafka-1 is stopped by SIGKILL", "only SIGTERM"),
        '    "destroy_grace_seconds": GRACE_SECONDS,\n',
        '    "destroy_grace_seconds": GRACE_SECONDS,\n    "stop_signal": "SIGKILL",\n',
    ),
    Seed(
        "no limit of swap",
        "memory-limit",
        ("container kafka-1 does not set memorySwap",),
        '        "memory_swap": blueprint.memory_mib,\n',
        "",
    ),
    Seed(
        "as much swap as one likes",
        "memory-limit",
        ("container kafka-1 has memorySwap -1",),
        '"memory_swap": blueprint.memory_mib,',
        '"memory_swap": -1,',
    ),
    Seed(
        "containers that stay down",
        "restart-policy",
        ("container kafka-1 has restart no",),
        '"restart": "unless-stopped",',
        '"restart": "no",',
    ),
    Seed(
        "health checks switched off",
        "health-check",
        ("container kafka-1 has its health check switched off",),
        '"tests": list(health.test),',
        '"tests": ["NONE"],',
    ),
    Seed(
        "privileged containers",
        "no-privileged-container",
        ("container kafka-1 is privileged",),
        '"hostname": blueprint.name,',
        '"hostname": blueprint.name, "privileged": True,',
    ),
    Seed(
        "added capabilities",
        "no-privileged-container",
        ("capabilities SYS_ADMIN",),
        '"hostname": blueprint.name,',
        '"hostname": blueprint.name, "capabilities": {"adds": ["SYS_ADMIN"]},',
    ),
    Seed(
        "the host's network",
        "no-host-namespace",
        ("container kafka-1 has networkMode host",),
        '"networks_advanced": [{"name": blueprint.network}],',
        '"network_mode": "host",',
    ),
    Seed(
        "the host's processes",
        "no-host-namespace",
        ("container kafka-1 has pidMode host",),
        '"hostname": blueprint.name,',
        '"hostname": blueprint.name, "pid_mode": "host",',
    ),
    Seed(
        "Docker's socket in a container",
        "no-docker-socket",
        ("container kafka-1 mounts /var/run/docker.sock",),
        '"volumes": _volumes(blueprint),',
        '"volumes": [*_volumes(blueprint), '
        '{"host_path": "/var/run/docker.sock", "container_path": "/var/run/docker.sock"}],',
    ),
    Seed(
        "plaintext on every address",
        "ports-on-loopback",
        ("container kafka-1 publishes its port 19092 as 0.0.0.0:9092",),
        "messaging:environment: prod",
        "messaging:environment: prod\n"
        "  messaging:listeners: {advertisedHost: k.example.org, bindAddress: 0.0.0.0}",
    ),
    Seed(
        "a password in the environment",
        "no-secret-in-sight",
        ("the variable KAFKA_SSL_KEYSTORE_PASSWORD is named like a secret",),
        '"log.dirs": DATA_FOLDER,',
        '"log.dirs": DATA_FOLDER, "ssl.keystore.password": "changeit",',
    ),
    Seed(
        "a login in an address",
        "no-secret-in-sight",
        ("holds a password in an address",),
        '"log.dirs": DATA_FOLDER,',
        '"log.dirs": DATA_FOLDER, "proxy": "http://me:letmein@proxy",',
    ),
    Seed(
        "a token in a label",
        "no-secret-in-sight",
        ("the label api-token is named like a secret",),
        "labels = owner.labels(blueprint.role)",
        'labels = owner.labels(blueprint.role) | {"api-token": "0b5cur3"}',
    ),
    Seed(
        "volumes without protection",
        "data-protected",
        ("volume kafka-1-data is not protected",),
        'protect=args.protect_data, ignore_changes=["labels"]',
        'protect=False, ignore_changes=["labels"]',
    ),
    Seed(
        "an environment without protection",
        "data-protected",
        ("topic sensor-data is not protected",),
        "        protect_data=True,\n",
        "        protect_data=False,\n",
    ),
    Seed(
        "a network without protection",
        "data-protected",
        ("network iot-platform-prod is not protected",),
        "protect=args.protect_network",
        "protect=False",
    ),
    Seed(
        "data without its volume",
        "data-on-volume",
        ("node kafka-1 keeps its data in /var/lib/kafka/data, where no volume is mounted",),
        '"volumes": _volumes(blueprint),',
        '"volumes": [],',
    ),
    Seed(
        "data in another folder",
        "data-on-volume",
        ("node kafka-1 keeps its data in /tmp/kafka-logs, where no volume is mounted",),
        '"log.dirs": DATA_FOLDER,',
        '"log.dirs": "/tmp/kafka-logs",',
    ),
    Seed(
        "data on a volume without a name",
        "data-on-volume",
        ("node kafka-1 keeps its data in /var/lib/kafka/data on a volume without a name",),
        '"volume_name": blueprint.data_volume, ',
        "",
    ),
    Seed(
        "data in memory",
        "data-on-volume",
        ("on the volume kafka-1-data, which is memory (tmpfs)",),
        "            # A volume is replaced by deleting it first",
        '            driver_opts={"type": "tmpfs", "device": "tmpfs"},\n'
        "            # A volume is replaced by deleting it first",
    ),
    Seed(
        "one volume for all nodes",
        "data-on-volume",
        ("node kafka-2 keeps its data", "on the volume kafka-1-data, which kafka-lb mounts, too"),
        '"volume_name": blueprint.data_volume,',
        '"volume_name": "kafka-1-data",',
    ),
    Seed(
        "data without its volume, on a running stack",
        IDENTITY,
        (
            "kafka-1 keeps /var/lib/kafka/data on kafka-1-data, and would have it on no named volume",
            "kafka-3 keeps /var/lib/kafka/data on kafka-3-data",
        ),
        '"volumes": _volumes(blueprint),',
        '"volumes": [],',
        deployed=True,
    ),
    Seed(
        "data in another folder, on a running stack",
        IDENTITY,
        ("kafka-1 keeps /var/lib/kafka/data on kafka-1-data, and would have it on nothing",),
        '"log.dirs": DATA_FOLDER,',
        '"log.dirs": "/tmp/kafka-logs",',
        deployed=True,
    ),
    Seed(
        "a node's property from another resource",
        "nodes-of-plain-values",
        ("node kafka-1 takes domainname from",),
        "**arguments(blueprint, owner),",
        "**arguments(blueprint, owner), domainname=depends_on[-1].urn,",
    ),
    Seed(
        "nodes that wait for no other",
        "nodes-one-by-one",
        ("nodes kafka-1 and kafka-2 wait for neither of each other",),
        "previous=previous[-1] if previous else None,",
        "previous=None,",
    ),
    Seed(
        "half as many partitions",
        IDENTITY,
        ("sensor-data has 6 partitions and would have 3", "Put 6 back"),
        "partitions=size.partitions,\n",
        "partitions=size.partitions // 2,\n",
        deployed=True,
    ),
    Seed(
        "a replica less, on a running stack",
        IDENTITY,
        ("sensor-data has 3 replicas and would have 2", "less safe"),
        '"replicationFactor": topic.replication_factor}',
        '"replicationFactor": topic.replication_factor - 1}',
        deployed=True,
    ),
    Seed(
        "an older Kafka, on a running stack",
        IDENTITY,
        ("brokers run Kafka 4.1 and would run 4.0", "Put the image of 4.1 back"),
        "kafka: confluentinc/cp-kafka:8.1.2",
        "kafka: confluentinc/cp-kafka:8.0.1",
        deployed=True,
    ),
    Seed(
        "a topic less",
        PROTECTED,
        ("the program no longer has these protected resources", "sensor-data.dlq.poison-topic"),
        "for topic in args.topics\n        ]",
        "for topic in args.topics\n            if not topic.name.endswith('poison')\n        ]",
        deployed=True,
    ),
    Seed(
        "a stream under another name",
        PROGRAM,
        ("notifications-value", "holds versions of a subject that no stream has"),
        "  notifications:\n    owner:",
        "  messages:\n    owner:",
        deployed=True,
    ),
    Seed(
        "topics with other names",
        PROTECTED,
        ("it must be replaced, and it is protected", "pulumi state unprotect"),
        "                name=topic.name,\n",
        '                name=f"{topic.name}-v2",\n',
        deployed=True,
    ),
    Seed(
        "volumes with other names",
        IDENTITY,
        ("kafka-1 keeps /var/lib/kafka/data on kafka-1-data, and would have it on kafka-1-messages",),
        "data_volume=data_volume(node.name)",
        'data_volume=f"{node.name}-messages"',
        deployed=True,
    ),
    Seed(
        "another network driver",
        PROTECTED,
        ("it must be replaced, and it is protected", "docker-network"),
        'driver="bridge",',
        'driver="macvlan",',
        deployed=True,
    ),
    Seed(
        "a schema less, with its messages still there",
        PROTECTED,
        ("the program no longer has these protected resources", "sensor-data-value-subject"),
        "for subject in args.subjects:",
        "for subject in ():",
        deployed=True,
    ),
    Seed(
        "controllers at another port",
        IDENTITY,
        ("the controllers are 1@kafka-1:9093, 2@kafka-2:9093, 3@kafka-3:9093", "would become"),
        "CONTROLLER_PORT = 9093",
        "CONTROLLER_PORT = 9193",
        deployed=True,
    ),
    Seed(
        "another cluster under the same stack",
        IDENTITY,
        ("its volumes would not fit another one",),
        "messaging:environment: prod",
        "messaging:environment: prod\n  messaging:instance: blue",
        deployed=True,
    ),
)


@pytest.fixture(scope="session")
def production(
    pristine: Callable[[str], Checkout], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[bool], Checkout]:
    """The committed production stack, deployed or not; made once."""
    made: dict[bool, Checkout] = {}

    def make(is_deployed: bool) -> Checkout:
        if is_deployed not in made:
            made[is_deployed] = pristine("prod").copy(tmp_path_factory.mktemp("production"))
            if is_deployed:
                deploy(made[is_deployed])
        return made[is_deployed]

    return make


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_a_bad_change_is_stopped_at_preview(
    seed: Seed, production: Callable[[bool], Checkout], tmp_path: Path
) -> None:
    checkout = production(seed.deployed).copy(tmp_path)
    checkout.edit(seed.anchor, seed.becomes)

    preview = checkout.preview()

    assert preview.code == 1, preview.text
    if seed.stopped_by in (PROTECTED, IDENTITY, PROGRAM):
        told = preview.errors
    else:
        assert seed.stopped_by in preview.mandatory(), preview.text
        told = preview.messages(seed.stopped_by)
    for words in seed.says:
        assert words in told, told
    assert "Traceback" not in preview.text


def test_there_are_bad_changes_enough() -> None:
    assert len(SEEDS) >= 30
    assert len({(seed.anchor, seed.becomes) for seed in SEEDS if not seed.deployed}) >= 30
