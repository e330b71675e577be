"""The kafka provider on one small broker with an authorizer: topics, rules, credentials, quotas.

Each resource is created, read back without a difference, changed, missed when somebody else removes it, and
removed. What an engine makes of that is tested once, with a program.
"""

from __future__ import annotations

import json
import re
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from pulumi.runtime.proto import provider_pb2

from tests.e2e.harness import ROOT, wait_for
from tests.e2e.providers.conftest import Driver, Made, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

    from engine.values import Values
    from tests.e2e.harness import Workspace

SOME = provider_pb2.DiffResponse.DIFF_SOME
NONE = provider_pb2.DiffResponse.DIFF_NONE
PASSWORD = "correct horse battery"
TOPIC: Values = {
    "name": "orders",
    "partitions": 1,
    "replicationFactor": 1,
    "config": {"retention.ms": "1000"},
}
ACL: Values = {
    "aclPrincipal": "User:reader",
    "aclHost": "*",
    "aclOperation": "Read",
    "aclPermissionType": "Allow",
    "aclResourceType": "Topic",
    "aclResourceName": "orders",
}
CREDENTIAL: Values = {"username": "reader", "scramMechanism": "SCRAM-SHA-256", "password": PASSWORD}
QUOTA: Values = {
    "entityType": "user",
    "entityName": "reader",
    "config": {"consumer_byte_rate": "1000000", "producer_byte_rate": "1e6"},
}
CYCLES: list[tuple[str, Values, str]] = [
    ("Topic", TOPIC | {"name": "cycle"}, "cycle"),
    ("Acl", ACL, "User:reader|*|Read|Allow|Topic|orders|Literal"),
    (
        "Acl",
        ACL
        | {
            "aclResourceType": "Cluster",
            "aclResourceName": "kafka-cluster",
            "aclOperation": "IdempotentWrite",
        },
        "User:reader|*|IdempotentWrite|Allow|Cluster|kafka-cluster|Literal",
    ),
    (
        "Acl",
        ACL
        | {
            "aclResourceType": "TransactionalID",
            "aclResourceName": "tx-",
            "aclOperation": "All",
            "resourcePatternTypeFilter": "Prefixed",
        },
        "User:reader|*|All|Allow|TransactionalID|tx-|Prefixed",
    ),
    ("UserScramCredential", CREDENTIAL | {"username": "cycle"}, "cycle|SCRAM-SHA-256"),
    (
        "UserScramCredential",
        {
            "username": "cycle",
            "scramMechanism": "SCRAM-SHA-512",
            "passwordWo": PASSWORD,
            "passwordWoVersion": "1",
        },
        "cycle|SCRAM-SHA-512",
    ),
    ("Quota", QUOTA | {"entityName": "cycle"}, "cycle|user"),
    ("Quota", {"entityType": "client-id", "config": {"request_percentage": "12.5"}}, "|client-id"),
    (
        "Quota",
        {"entityType": "ip", "entityName": "127.0.0.9", "config": {"connection_creation_rate": "100"}},
        "127.0.0.9|ip",
    ),
]
"""Of each kind what an engine may ask for, and the id that it gets."""
PROGRAM = """\
import pulumi
import pulumi_kafka as kafka

config = pulumi.Config()
provider = kafka.Provider(
    "cluster", bootstrap_servers=[config.require("servers")], tls_enabled=False
)
opts = pulumi.ResourceOptions(provider=provider)
kafka.Topic("topic", name="program", partitions=1, replication_factor=1, opts=opts)
kafka.UserScramCredential(
    "credential",
    username="program",
    scram_mechanism="SCRAM-SHA-512",
    password=config.require_secret("password"),
    opts=opts,
)
kafka.Acl(
    "acl",
    acl_principal="User:program",
    acl_host="*",
    acl_operation="Write",
    acl_permission_type="Allow",
    acl_resource_type="Topic",
    acl_resource_name="program",
    resource_pattern_type_filter="Prefixed",
    opts=opts,
)
kafka.Quota(
    "quota",
    entity_type="user",
    entity_name="program",
    config={"producer_byte_rate": config.get("rate") or "1024"},
    opts=opts,
)
"""


@dataclass(frozen=True)
class Broker:
    """One broker that lets anonymous clients do everything and everybody else what a rule allows."""

    servers: str
    scram_servers: str
    container: Any

    def tool(self, *command: str) -> str:
        """What one of Kafka's own tools prints, asked inside the container."""
        done = self.container.exec_run(
            [f"kafka-{command[0]}", "--bootstrap-server", "localhost:9092", *command[1:]]
        )
        text = str(done.output.decode())
        assert done.exit_code == 0, text
        return text

    def admits(self, password: str) -> bool:
        """Whether the user `reader` gets in with this password."""
        client = AdminClient(
            {
                "bootstrap.servers": self.scram_servers,
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "SCRAM-SHA-256",
                "sasl.username": "reader",
                "sasl.password": password,
                "log_level": 0,
            }
        )
        try:
            client.list_topics(timeout=3)
        except KafkaException:
            return False
        return True


@pytest.fixture(scope="module")
def broker(engine: docker.DockerClient) -> Iterator[Broker]:
    """A broker of the project's own image."""
    image = yaml.safe_load((ROOT / ".site.yaml").read_text())["images"]["kafka"]
    plain, scram = _free_ports(2)
    listeners = {"CONTROLLER": 9093, "PLAIN": 9092, "HOST": 19092, "SCRAM": 19093}
    environment = {
        "CLUSTER_ID": "MkU3OEVBNTcwNTJENDM2Qk",
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAIN",
        "KAFKA_LISTENERS": ",".join(f"{name}://0.0.0.0:{port}" for name, port in listeners.items()),
        "KAFKA_ADVERTISED_LISTENERS": (
            f"PLAIN://localhost:9092,HOST://localhost:{plain},SCRAM://localhost:{scram}"
        ),
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": (
            "CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,HOST:PLAINTEXT,SCRAM:SASL_PLAINTEXT"
        ),
        "KAFKA_LISTENER_NAME_SCRAM_SASL_ENABLED_MECHANISMS": "SCRAM-SHA-256",
        "KAFKA_LISTENER_NAME_SCRAM_SCRAM___SHA___256_SASL_JAAS_CONFIG": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "KAFKA_AUTHORIZER_CLASS_NAME": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "KAFKA_SUPER_USERS": "User:ANONYMOUS",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    }
    container = engine.containers.run(
        image,
        ["/etc/confluent/docker/run", "KAFKA_HEAP_OPTS=-Xmx256m"],
        name=f"ptest-broker-{uuid.uuid4().hex[:8]}",
        environment=environment,
        ports={"19092/tcp": ("127.0.0.1", plain), "19093/tcp": ("127.0.0.1", scram)},
        mem_limit="700m",
        detach=True,
    )
    try:
        client = AdminClient({"bootstrap.servers": f"localhost:{plain}", "log_level": 0})
        wait_for(lambda: client.list_topics(timeout=1).brokers, "an answer of the broker")
        yield Broker(f"localhost:{plain}", f"localhost:{scram}", container)
    finally:
        container.remove(force=True, v=True)


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module")
def kafka(broker: Broker) -> Iterator[Driver]:
    """The provider, configured for the broker."""
    driver = Driver(
        "kafka", {"bootstrapServers": json.dumps([broker.servers]), "tlsEnabled": "false", "timeout": 20}
    )
    yield driver
    assert driver.close() == ("", "")


@pytest.mark.parametrize(("kind", "inputs", "identifier"), CYCLES)
def test_what_is_created_reads_back_the_same_and_goes_away(
    kafka: Driver, kind: str, inputs: Values, identifier: str
) -> None:
    made = kafka.create(kind, inputs)
    assert made.id == identifier
    assert kafka.diff(made, inputs).changes == NONE

    seen = kafka.read(made)
    assert seen is not None
    assert seen.outputs == made.outputs
    assert kafka.diff(seen, inputs).changes == NONE

    kafka.delete(made)
    assert kafka.read(made) is None
    kafka.delete(made)  # one that is gone is no fault


def test_a_topic_takes_new_settings_and_partitions_and_keeps_what_others_set(
    kafka: Driver, broker: Broker
) -> None:
    made = kafka.create("Topic", TOPIC)
    broker.tool("configs", "--alter", "--topic", "orders", "--add-config", "segment.ms=60000")
    grown = TOPIC | {"partitions": 3, "config": {"retention.ms": "2000", "cleanup.policy": "compact"}}
    assert not kafka.diff(made, grown).replaces

    made = kafka.update(made, grown)

    described = broker.tool("topics", "--describe", "--topic", "orders")
    assert "PartitionCount: 3" in described
    for setting in ("retention.ms=2000", "cleanup.policy=compact", "segment.ms=60000"):
        assert setting in described
    shrunk = kafka.diff(made, grown | {"partitions": 1})
    assert list(shrunk.replaces) == ["partitions"]
    kafka.delete(made)


def test_settings_of_a_topic_may_be_spelled_otherwise_than_the_broker_does(kafka: Driver) -> None:
    made = kafka.create("Topic", TOPIC)
    spelled = TOPIC | {
        "config": {
            "preallocate": "True",
            "min.cleanable.dirty.ratio": "0.250",
            "cleanup.policy": "compact, delete",
        }
    }
    seen = kafka.read(kafka.update(made, spelled))
    assert seen is not None
    assert seen.outputs["config"] == spelled["config"]
    assert kafka.diff(seen, spelled).changes == NONE
    kafka.delete(seen)


def test_a_setting_of_a_topic_without_a_value_is_one(kafka: Driver) -> None:
    made = kafka.create("Topic", TOPIC)
    kept = TOPIC | {"config": TOPIC["config"] | {"cleanup.policy": ""}}
    assert list(kafka.diff(made, kept).diffs) == ["config"]
    seen = kafka.read(kafka.update(made, kept))
    assert seen is not None
    assert seen.outputs["config"]["cleanup.policy"] == ""
    assert list(kafka.diff(seen, TOPIC).diffs) == ["config"]
    kafka.delete(seen)


def test_of_two_resources_that_make_one_topic_at_the_same_moment_one_is_refused(kafka: Driver) -> None:
    twin = TOPIC | {"name": "twin"}
    with ThreadPoolExecutor(2) as both:
        outcomes = [
            future.exception(60) or future.result()
            for future in [both.submit(kafka.create, "Topic", twin) for _ in range(2)]
        ]

    (made,) = [outcome for outcome in outcomes if isinstance(outcome, Made)]
    (refused,) = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert "topic twin exists already" in str(refused)
    kafka.delete(made)


def test_a_rule_is_what_kafka_s_own_tool_shows(kafka: Driver, broker: Broker) -> None:
    made = kafka.create("Acl", ACL | {"aclResourceName": "shown-", "resourcePatternTypeFilter": "Prefixed"})
    listed = broker.tool("acls", "--list", "--topic", "shown-", "--resource-pattern-type", "prefixed")
    assert "principal=User:reader, host=*, operation=READ, permissionType=ALLOW" in listed
    changed = kafka.diff(made, made.inputs | {"aclOperation": "Write"})
    assert list(changed.replaces) == ["aclOperation"]
    assert changed.deleteBeforeReplace
    kafka.delete(made)


def test_a_credential_admits_its_user_with_the_password_of_the_last_change(
    kafka: Driver, broker: Broker
) -> None:
    made = kafka.create("UserScramCredential", CREDENTIAL)
    assert broker.admits(PASSWORD)
    assert not broker.admits("something else")

    changed = CREDENTIAL | {"password": "another one", "scramIterations": 8192}
    difference = kafka.diff(made, changed)
    assert sorted(difference.diffs) == ["password", "scramIterations"]
    assert not difference.replaces
    made = kafka.update(made, changed)

    assert broker.admits("another one")
    assert not broker.admits(PASSWORD)
    kafka.delete(made)
    assert not broker.admits("another one")


def test_a_write_only_password_is_kept_nowhere_and_changes_with_its_version(kafka: Driver) -> None:
    inputs: Values = {
        "username": "wo",
        "scramMechanism": "SCRAM-SHA-256",
        "passwordWo": PASSWORD,
        "passwordWoVersion": "1",
    }
    made = kafka.create("UserScramCredential", inputs)
    assert PASSWORD not in json.dumps(made.outputs)
    assert kafka.diff(made, inputs | {"passwordWo": "another one"}).changes == NONE
    assert list(kafka.diff(made, inputs | {"passwordWoVersion": "2"}).diffs) == ["passwordWoVersion"]
    kafka.delete(made)


def test_a_quota_leaves_the_limits_that_others_set(kafka: Driver, broker: Broker) -> None:
    entity = ("--entity-type", "users", "--entity-name", "reader")
    broker.tool("configs", "--alter", *entity, "--add-config", "request_percentage=50")
    made = kafka.create("Quota", QUOTA)
    assert "consumer_byte_rate=1000000" in broker.tool("configs", "--describe", *entity)
    seen = kafka.read(made)
    assert seen is not None
    assert seen.outputs == made.outputs
    assert (
        kafka.diff(
            made, QUOTA | {"config": {"consumer_byte_rate": "1e6", "producer_byte_rate": "1000000"}}
        ).changes
        == NONE
    )

    changed = kafka.diff(made, QUOTA | {"config": {"consumer_byte_rate": "1"}})
    assert list(changed.replaces) == ["config"]
    assert changed.deleteBeforeReplace
    kafka.delete(made)
    left = broker.tool("configs", "--describe", *entity)
    assert "request_percentage=50" in left
    assert "byte_rate" not in left


def test_a_provider_that_logs_in_may_do_what_the_rules_of_its_user_say(
    kafka: Driver, broker: Broker, start_provider: Callable[..., Driver]
) -> None:
    login = {"saslUsername": "keeper", "saslPassword": PASSWORD, "saslMechanism": "scram-sha256"}
    credential = kafka.create("UserScramCredential", CREDENTIAL | {"username": "keeper"})
    rule = ACL | {
        "aclPrincipal": "User:keeper",
        "aclResourceType": "Cluster",
        "aclResourceName": "kafka-cluster",
        "aclOperation": "AlterConfigs",
    }
    keeper = start_provider(
        "kafka",
        {"bootstrapServers": json.dumps([broker.scram_servers]), "tlsEnabled": "false", "timeout": 10}
        | login,
    )
    with pytest.raises(Refused, match=r"cannot change the quota of user reader: .*[Aa]uthoriz"):
        keeper.create("Quota", QUOTA)

    rules = [
        kafka.create("Acl", rule | {"aclOperation": name}) for name in ("AlterConfigs", "DescribeConfigs")
    ]
    keeper.delete(keeper.create("Quota", QUOTA))

    for made in (*rules, credential):
        kafka.delete(made)


@pytest.mark.parametrize(
    ("kind", "inputs", "said"),
    [
        ("Acl", ACL | {"aclPrincipal": "reader"}, "write its type too, such as User:reader"),
        ("Acl", ACL | {"aclOperation": "read"}, "must be one of All, Read, Write"),
        ("Acl", ACL | {"resourcePatternTypeFilter": "Any"}, "must be one of Literal, Prefixed, not 'Any'"),
        ("Acl", ACL | {"aclResourceType": "Cluster"}, "is always kafka-cluster"),
        ("UserScramCredential", {**CREDENTIAL, "password": None}, "neither was given"),
        ("UserScramCredential", CREDENTIAL | {"passwordWo": "x"}, "both were given"),
        ("UserScramCredential", CREDENTIAL | {"scramIterations": 1000}, "at least 4096 and at most 16384"),
        ("UserScramCredential", CREDENTIAL | {"scramMechanism": "PLAIN"}, "SCRAM-SHA-256, SCRAM-SHA-512"),
        ("Quota", QUOTA | {"config": {"speed": "1"}}, "'speed' is no quota of a user"),
        ("Quota", QUOTA | {"config": {"consumer_byte_rate": "fast"}}, "must be a positive number"),
        ("Quota", QUOTA | {"config": {}}, "needs at least one of consumer_byte_rate"),
        ("Quota", QUOTA | {"entityType": "ip"}, "is no quota of a ip: use connection_creation_rate"),
    ],
)  # fmt: skip
def test_bad_input_is_named_before_anything_is_changed(
    kafka: Driver, kind: str, inputs: Values, said: str
) -> None:
    with pytest.raises(Refused, match=re.escape(said)) as refused:
        kafka.check(kind, {name: value for name, value in inputs.items() if value is not None})
    assert PASSWORD not in str(refused.value)


def test_a_cluster_that_does_not_answer_is_named_by_every_resource(start_provider: Any) -> None:
    (port,) = _free_ports(1)
    driver = start_provider(
        "kafka", {"bootstrapServers": json.dumps([f"localhost:{port}"]), "tlsEnabled": "false", "timeout": 1}
    )
    for kind, inputs in (("Acl", ACL), ("UserScramCredential", CREDENTIAL), ("Quota", QUOTA)):
        with pytest.raises(Refused, match=r"no Kafka broker answers|cannot change the quota of user reader"):
            driver.create(kind, inputs)


def test_a_program_s_security_objects_live_through_the_engine(workspace: Workspace, broker: Broker) -> None:
    (workspace.root / "__main__.py").write_text(PROGRAM)
    workspace.configure("servers", broker.servers)
    workspace.pulumi("config", "set", "--secret", "password", text=PASSWORD)
    runs = [workspace.up("--skip-preview")]
    assert "User:program" in broker.tool("acls", "--list")

    runs += [
        workspace.pulumi(command, *flags, "--expect-no-changes")
        for command, *flags in (("preview",), ("refresh", "--yes"))
    ]
    workspace.configure("rate", "2048")
    assert [step for step in workspace.operations() if step[1] == "quota"] == [("replace", "quota")]
    runs.append(workspace.up("--skip-preview"))
    assert "producer_byte_rate=2048" in broker.tool(
        "configs", "--describe", "--entity-type", "users", "--entity-name", "program"
    )

    for text in (*(run.text for run in runs), *map(_text, (workspace.root / ".pulumi").rglob("*.json*"))):
        assert PASSWORD not in text
    workspace.pulumi("destroy", "--yes", "--skip-preview")
    assert "User:program" not in broker.tool("acls", "--list")


def _text(file: Path) -> str:
    return file.read_text()
