"""Each guardrail by itself: what passes, what violates it in which words, what it cannot know, what it skips.

The values are what the providers' checks make of a resource's inputs: numbers are floats, secrets are bare.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from guardrails import pack
from guardrails.exceptions import Exceptions, Granted
from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.policy import _NotApplicableError
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError, unknown_checking_proxy

TODAY = date(2026, 11, 25)
RULES = {rule.name: rule for rule in pack.RULES}
CONTAINER, VOLUME, NETWORK = (
    "docker:index/container:Container",
    "docker:index/volume:Volume",
    "docker:index/network:Network",
)
TOPIC, STREAM = "kafka:index/topic:Topic", "messaging:index:EventStream"
SUBJECT = "pulumi-python:dynamic/messaging:Subject"
SETTINGS = "pulumi-python:dynamic/messaging:ClusterSettings"

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what the rule is about
BROKER: dict[str, Any] = {
    "name": "kafka-1",
    "image": "example/kafka:4.1.2",
    "envs": [
        "KAFKA_NODE_ID=1",
        "KAFKA_PROCESS_ROLES=broker,controller",
        "KAFKA_MIN_INSYNC_REPLICAS=2",
        "KAFKA_DEFAULT_REPLICATION_FACTOR=3",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=3",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR=3",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR=2",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR=3",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR=2",
        "KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE=false",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE=false",
        "KAFKA_LOG_DIRS=/var/lib/kafka/data",
        "KAFKA_LISTENERS=CONTROLLER://0.0.0.0:9093,EXTERNAL://0.0.0.0:19092",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=CONTROLLER:PLAINTEXT,EXTERNAL:SASL_SSL",
        "KAFKA_SSL_KEYSTORE_LOCATION=/etc/kafka/secrets/keystore.p12",
        "KAFKA_SASL_ENABLED_MECHANISMS=SCRAM-SHA-512",
    ],
    "labels": [{"label": "com.iotplatform.messaging.role", "value": "broker"}],
    "command": ["/etc/confluent/docker/run", "KAFKA_HEAP_OPTS=-Xmx2048m", "KAFKA_JMX_PORT=9101"],
    "ports": [
        {"internal": 19092.0, "external": 9092.0, "ip": EVERYWHERE},
        {"internal": 9101.0, "external": 9101.0, "ip": "127.0.0.1"},
    ],
    "volumes": [{"volumeName": "kafka-1-data", "containerPath": "/var/lib/kafka/data"}],
    "healthcheck": {"tests": ["CMD", "ask", "localhost"]},
    "memory": 3072.0,
    "memorySwap": 3072.0,
    "restart": "unless-stopped",
    "destroyGraceSeconds": 60.0,
    "stopTimeout": 60.0,
}
REGISTRY: dict[str, Any] = {
    "name": "schema-registry",
    "image": "example/registry@sha256:" + "0" * 64,
    "envs": [
        "SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS=PLAINTEXT://kafka-1:9092",
        "SCHEMA_REGISTRY_KAFKASTORE_TOPIC_REPLICATION_FACTOR=3",
        "SCHEMA_REGISTRY_LISTENERS=https://0.0.0.0:8081",
    ],
    "ports": [{"internal": 8081.0, "external": 8081.0}],
}
SENSOR_DATA: dict[str, Any] = {
    "name": "sensor-data",
    "partitions": 6.0,
    "replicationFactor": 3.0,
    "config": {"min.insync.replicas": "2", "retention.ms": "2592000000", "cleanup.policy": "delete"},
}
ABOUT = {"owner": "telemetry", "purpose": "Measurements."}


def env(name: str, value: str | None) -> dict[str, Any]:
    """The broker with another value of a variable; without it for None."""
    kept = [entry for entry in BROKER["envs"] if entry.partition("=")[0] != name]
    return {**BROKER, "envs": [*kept, *([] if value is None else [f"{name}={value}"])]}


def config(key: str, value: str | None) -> dict[str, Any]:
    """The topic with another value of a setting; without it for None."""
    kept = {name: given for name, given in SENSOR_DATA["config"].items() if name != key}
    return {**SENSOR_DATA, "config": kept if value is None else {**kept, key: value}}


def without(props: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in props.items() if key not in keys}


def options(protect: bool = True) -> PolicyResourceOptions:
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [], None)


def thresholds(rule: str, given: dict[str, Any] | None) -> dict[str, Any]:
    """The rule's settings with their defaults, numbers as floats, as the SDK gives them."""
    defaults = {key: schema["default"] for key, schema in RULES[rule].settings.items()}
    merged = {**defaults, **(given or {})}
    return {key: float(value) if isinstance(value, int) else value for key, value in merged.items()}


def policy(rule: str, exceptions: Exceptions | None = None) -> Any:
    return RULES[rule].policy(exceptions or Exceptions(today=TODAY))


def judged(
    rule: str,
    kind: str,
    props: dict[str, Any],
    *,
    protect: bool = True,
    given: dict[str, Any] | None = None,
    exceptions: Exceptions | None = None,
    parents: str = "t",
) -> list[str]:
    """What a resource rule says."""
    args = ResourceValidationArgs(
        kind,
        unknown_checking_proxy(copy.deepcopy(props)),
        f"urn:pulumi:prod::messaging::{parents}::it",
        "it",
        options(protect),
        None,
        thresholds(rule, given),
    )
    said: list[str] = []
    policy(rule, exceptions).validate(args, said.append)
    return said


GOOD = {CONTAINER: BROKER, TOPIC: SENSOR_DATA, STREAM: ABOUT, VOLUME: {"name": "v"}, NETWORK: {"name": "n"}}
GOOD[SETTINGS] = {"settings": {"log.retention.ms": "1000"}}
GOOD[SUBJECT] = {"subject": "sensor-data-value"}

BAD: list[tuple[str, str, dict[str, Any], str]] = [
    (
        "broker-min-isr",
        SETTINGS,
        {"settings": {"min.insync.replicas": "1"}},
        "All brokers are told min.insync.replicas 1 while they run; at least 2",
    ),
    (
        "unclean-election-off",
        SETTINGS,
        {"settings": {"unclean.leader.election.enable": "true"}},
        "has unclean.leader.election.enable true",
    ),
    (
        "topic-min-isr",
        TOPIC,
        config("min.insync.replicas", "1"),
        "sensor-data has min.insync.replicas 1; at least 2",
    ),
    (
        "topic-min-isr",
        TOPIC,
        config("min.insync.replicas", None),
        "no min.insync.replicas of its own; at least 2",
    ),
    ("topic-min-isr", TOPIC, without(SENSOR_DATA, "config"), "no min.insync.replicas of its own"),
    ("topic-min-isr", TOPIC, config("min.insync.replicas", "two"), "min.insync.replicas two"),
    (
        "broker-min-isr",
        CONTAINER,
        env("KAFKA_MIN_INSYNC_REPLICAS", "1"),
        "kafka-1 has min.insync.replicas 1; at least 2",
    ),
    (
        "broker-min-isr",
        CONTAINER,
        env("KAFKA_MIN_INSYNC_REPLICAS", None),
        "kafka-1 does not set min.insync.replicas",
    ),
    (
        "topic-replication",
        TOPIC,
        {**SENSOR_DATA, "replicationFactor": 2.0},
        "replication factor 2 at min.insync.replicas 2; at least 3",
    ),
    (
        "broker-replication",
        CONTAINER,
        env("KAFKA_DEFAULT_REPLICATION_FACTOR", "2"),
        "default.replication.factor 2; at least 3",
    ),
    (
        "unclean-election-off",
        CONTAINER,
        env("KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE", "true"),
        "kafka-1 has unclean.leader.election.enable true; only false",
    ),
    (
        "unclean-election-off",
        CONTAINER,
        env("KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE", None),
        "left open; only false",
    ),
    (
        "unclean-election-off",
        TOPIC,
        config("unclean.leader.election.enable", "true"),
        "topic sensor-data has unclean",
    ),
    (
        "auto-creation-off",
        CONTAINER,
        env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "true"),
        "auto.create.topics.enable true",
    ),
    (
        "node-settings-plain",
        CONTAINER,
        env("KAFKA_ZZ_TOP", "1\nauto.create.topics.enable=true"),
        "kafka-1 has a single backslash or a line break in KAFKA_ZZ_TOP; backslashes that are",
    ),
    (
        "auto-creation-off",
        CONTAINER,
        env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", None),
        "left open, which is true",
    ),
    (
        "internal-topics",
        CONTAINER,
        env("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1"),
        "offsets.topic.replication.factor 1; at least 3",
    ),
    (
        "internal-topics",
        CONTAINER,
        env("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1"),
        "transaction.state.log.min.isr 1; at least 2",
    ),
    (
        "internal-topics",
        CONTAINER,
        {**REGISTRY, "envs": REGISTRY["envs"][:1]},
        "schema-registry has SCHEMA_REGISTRY_KAFKASTORE_TOPIC_REPLICATION_FACTOR not set; at least 3",
    ),
    ("topic-retention", TOPIC, config("retention.ms", "1000"), "retention.ms 1000; at least 24 hours"),
    ("topic-retention", TOPIC, config("retention.ms", None), "no retention.ms of its own"),
    ("topic-retention", TOPIC, config("retention.bytes", "1"), "retention.bytes 1; only -1 is allowed"),
    (
        "topic-retention",
        CONTAINER,
        env("KAFKA_LOG_RETENTION_BYTES", "1"),
        "kafka-1 has log.retention.bytes 1, and topics",
    ),
    (
        "topic-retention",
        SETTINGS,
        {"settings": {"log.retention.bytes": "1"}},
        "told while they run has log.retention.bytes 1",
    ),
    (
        "image-pinned",
        CONTAINER,
        {**BROKER, "image": "example/kafka:latest"},
        "kafka-1 runs example/kafka:latest",
    ),
    ("image-pinned", CONTAINER, {**BROKER, "image": "host:5000/kafka"}, "runs host:5000/kafka"),
    ("image-digest", CONTAINER, BROKER, "example/kafka:4.1.2, whose tag may be moved"),
    (
        "grace-period",
        CONTAINER,
        {**BROKER, "destroyGraceSeconds": 30.0},
        "destroyGraceSeconds 30; at least 60 s",
    ),
    (
        "grace-period",
        CONTAINER,
        without(BROKER, "destroyGraceSeconds"),
        "does not set destroyGraceSeconds, so it is killed",
    ),
    ("grace-period", CONTAINER, {**BROKER, "stopTimeout": 10.0}, "stopTimeout 10; at least 60 s"),
    ("memory-limit", CONTAINER, without(BROKER, "memory"), "does not set memory; a limit"),
    ("memory-limit", CONTAINER, {**BROKER, "memorySwap": -1.0}, "memorySwap -1"),
    (
        "restart-policy",
        CONTAINER,
        {**BROKER, "restart": "on-failure"},
        "restart on-failure; unless-stopped or always",
    ),
    ("restart-policy", CONTAINER, without(BROKER, "restart"), "restart no;"),
    ("health-check", CONTAINER, without(BROKER, "healthcheck"), "kafka-1 has no health check"),
    ("health-check", CONTAINER, {**BROKER, "healthcheck": {"tests": ["NONE"]}}, "switched off"),
    ("no-privileged-container", CONTAINER, {**BROKER, "privileged": True}, "kafka-1 is privileged"),
    (
        "no-privileged-container",
        CONTAINER,
        {**BROKER, "capabilities": {"adds": ["NET_ADMIN"]}},
        "capabilities NET_ADMIN",
    ),
    (
        "no-privileged-container",
        CONTAINER,
        {**BROKER, "capabilities": [{"adds": ["ALL"]}]},
        "capabilities ALL",
    ),
    ("no-host-namespace", CONTAINER, {**BROKER, "networkMode": "host"}, "kafka-1 has networkMode host"),
    ("no-host-namespace", CONTAINER, {**BROKER, "ipcMode": "host"}, "ipcMode host"),
    (
        "no-docker-socket",
        CONTAINER,
        {**BROKER, "volumes": [{"hostPath": "/run/docker.sock"}]},
        "mounts /run/docker.sock",
    ),
    (
        "no-docker-socket",
        CONTAINER,
        {**BROKER, "mounts": [{"source": "/var/run", "type": "bind"}]},
        "mounts /var/run",
    ),
    (
        "ports-on-loopback",
        CONTAINER,
        {**BROKER, "ports": [{"internal": 9101.0, "external": 9101.0, "ip": EVERYWHERE}]},
        "port 9101 as 0.0.0.0:9101; only 127.0.0.1",
    ),
    (
        "ports-on-loopback",
        CONTAINER,
        {**env("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "EXTERNAL:PLAINTEXT")},
        "port 19092 as 0.0.0.0:9092",
    ),
    (
        "ports-on-loopback",
        CONTAINER,
        {"name": "ui", "ports": [{"internal": 8080.0, "external": 8080.0}]},
        "ui publishes its port 8080 as 0.0.0.0:8080",
    ),
    ("ports-on-loopback", CONTAINER, {**BROKER, "publishAllPorts": True}, "publishes all ports"),
    (
        "external-tls",
        CONTAINER,
        env("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "EXTERNAL:PLAINTEXT"),
        "speaks PLAINTEXT on its EXTERNAL listener",
    ),
    (
        "no-secret-in-sight",
        CONTAINER,
        env("KAFKA_SSL_KEY_PASSWORD", "x"),
        "the variable KAFKA_SSL_KEY_PASSWORD is named like a secret",
    ),
    (
        "no-secret-in-sight",
        CONTAINER,
        env("KAFKA_JAAS", 'ScramLoginModule required password="x";'),
        "KAFKA_JAAS holds the value of password",
    ),
    (
        "no-secret-in-sight",
        CONTAINER,
        env("PROXY", "http://a:b@host"),
        "PROXY holds a password in an address",
    ),
    (
        "no-secret-in-sight",
        CONTAINER,
        env("PEM", "-----BEGIN RSA PRIVATE KEY-----"),
        "PEM holds a private key",
    ),
    (
        "no-secret-in-sight",
        CONTAINER,
        {**BROKER, "command": ["run", "TOKEN=abc"]},
        "the argument TOKEN is named like",
    ),
    (
        "no-secret-in-sight",
        CONTAINER,
        {**BROKER, "command": ["http://a:b@host"]},
        "word 1 holds a password in an address",
    ),
    (
        "no-secret-in-sight",
        VOLUME,
        {"name": "v", "labels": [{"label": "db-password", "value": "x"}]},
        "The volume v: the label db-password",
    ),
    ("stream-owner", STREAM, {"owner": "telemetry", "purpose": " "}, "states no purpose"),
    ("stream-owner", STREAM, {}, "states no owner and no purpose"),
]


@pytest.mark.parametrize(
    ("rule", "kind", "props", "says"), BAD, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_violation_says_who_has_what_and_what_is_allowed(
    rule: str, kind: str, props: dict[str, Any], says: str
) -> None:
    said = judged(rule, kind, props)

    assert any(says in message for message in said), said
    assert all(message.endswith(RULES[rule].fix) for message in said)


RESOURCE_RULES = [rule for rule in pack.RULES if not isinstance(policy(rule.name), StackValidationPolicy)]


@pytest.mark.parametrize("rule", RESOURCE_RULES, ids=lambda rule: rule.name)
def test_what_is_as_it_must_be_passes(rule: Any) -> None:
    for kind in rule.types:
        props = {**BROKER, "image": REGISTRY["image"]} if rule.name == "image-digest" else GOOD[kind]
        assert judged(rule.name, kind, props) == []


@pytest.mark.parametrize("rule", RESOURCE_RULES, ids=lambda rule: rule.name)
def test_a_resource_of_another_type_is_not_its_affair(rule: Any) -> None:
    with pytest.raises(_NotApplicableError):
        judged(rule.name, "pulumi:pulumi:Stack", {})


NODE_RULES = [
    "node-settings-plain",
    "broker-min-isr",
    "broker-replication",
    "unclean-election-off",
    "auto-creation-off",
    "internal-topics",
]


@pytest.mark.parametrize("rule", [*NODE_RULES, "grace-period", "external-tls", "topic-retention"])
def test_a_container_that_is_no_kafka_node_is_not_its_affair(rule: str) -> None:
    with pytest.raises(_NotApplicableError):
        judged(rule, CONTAINER, {"name": "kafka-ui", "envs": ["A=1"]})


def test_a_compacted_topic_has_no_retention() -> None:
    with pytest.raises(_NotApplicableError):
        judged("topic-retention", TOPIC, config("cleanup.policy", "compact"))


def test_a_node_is_one_by_its_label_even_if_it_sets_nothing() -> None:
    assert judged("broker-min-isr", CONTAINER, without(BROKER, "envs"))


UNKNOWN = {
    CONTAINER: dict.fromkeys([*BROKER, "capabilities", "privileged", "networkMode"], UNKNOWN_STRING_VALUE),
    TOPIC: dict.fromkeys(SENSOR_DATA, UNKNOWN_STRING_VALUE),
    STREAM: dict.fromkeys(ABOUT, UNKNOWN_STRING_VALUE),
    VOLUME: dict.fromkeys(["labels", "driverOpts"], UNKNOWN_STRING_VALUE),
    NETWORK: {"labels": UNKNOWN_STRING_VALUE},
    SETTINGS: {"settings": UNKNOWN_STRING_VALUE},
}


@pytest.mark.parametrize(
    "rule", [rule for rule in RESOURCE_RULES if rule.name != "data-protected"], ids=lambda rule: rule.name
)
def test_what_preview_cannot_know_is_left_to_the_update(rule: Any) -> None:
    for kind in rule.types:
        with pytest.raises(UnknownValueError):
            judged(rule.name, kind, UNKNOWN[kind])


@pytest.mark.parametrize("kind", [TOPIC, VOLUME, NETWORK, SUBJECT])
def test_what_holds_data_is_protected_whatever_else_is_unknown(kind: str) -> None:
    (said,) = judged("data-protected", kind, GOOD[kind], protect=False)
    assert "is not protected; protect=True is the only value allowed" in said
    assert judged("data-protected", kind, GOOD[kind], protect=True) == []


def test_a_volume_that_holds_nothing_but_configuration_needs_no_protection() -> None:
    with pytest.raises(_NotApplicableError):
        judged(
            "data-protected",
            VOLUME,
            {"name": "v"},
            protect=False,
            parents=f"messaging:index:LoadBalancer${VOLUME}",
        )


@pytest.mark.parametrize(
    ("rule", "given", "props", "count"),
    [
        ("topic-min-isr", {"minimum": 1}, config("min.insync.replicas", "1"), 0),
        ("topic-min-isr", {"minimum": 3}, SENSOR_DATA, 1),
        ("topic-replication", {"spare": 2}, SENSOR_DATA, 1),
        ("topic-retention", {"hours": 2000}, SENSOR_DATA, 1),
    ],
)
def test_thresholds_come_from_the_configuration(
    rule: str, given: dict[str, Any], props: dict[str, Any], count: int
) -> None:
    assert len(judged(rule, TOPIC, props, given=given)) == count


def test_a_listener_that_is_secured_elsewhere_can_be_named() -> None:
    ui = {"name": "ui", "ports": [{"internal": 8080.0, "external": 8080.0, "ip": "10.0.0.1"}]}
    assert judged("ports-on-loopback", CONTAINER, ui, given={"secured": ["ui:8080"]}) == []
    assert judged("ports-on-loopback", CONTAINER, ui, given={"secured": ["ui:80", "kafka-ui:8080"]})


@pytest.mark.parametrize("value", ["file:/run/secrets/key", "${file:/etc/kafka/secrets.properties:key}", ""])
def test_where_a_secret_is_to_be_read_is_no_secret(value: str) -> None:
    assert judged("no-secret-in-sight", CONTAINER, env("KAFKA_SSL_KEY_PASSWORD", value)) == []


# --- the stack ---


@dataclass
class Stack:
    """Resources of a stack, small."""

    resources: list[PolicyResource] = field(default_factory=list)

    def add(
        self, kind: str, name: str, props: dict[str, Any], *after: PolicyResource, **sources: PolicyResource
    ) -> PolicyResource:
        made = PolicyResource(
            kind,
            unknown_checking_proxy(copy.deepcopy(props)),
            f"urn:pulumi:prod::messaging::{kind}::{name}",
            name,
            options(),
            None,
            None,
            [*after, *sources.values()],
            {key: [source] for key, source in sources.items()},
        )
        self.resources.append(made)
        return made

    def brokers(self, count: int) -> list[PolicyResource]:
        made: list[PolicyResource] = []
        for number in range(1, count + 1):
            gate = self.add("t", f"gate-{number}", {}, *made[-1:])
            volume = f"kafka-{number}-data"
            self.add(VOLUME, volume, {"name": volume})
            mounted = [{"volumeName": volume, "containerPath": "/var/lib/kafka/data"}]
            broker = {**BROKER, "name": f"kafka-{number}", "volumes": mounted}
            made.append(self.add(CONTAINER, f"kafka-{number}", broker, gate))
        return made

    def stream(self, name: str, *, retention: str = "1000", letters: str = "2000", missing: str = "") -> None:
        self.add(STREAM, name, ABOUT)
        for suffix in ("", ".dlq", ".dlq.validation_error", ".dlq.processing_error", ".dlq.poison"):
            if suffix != missing or not missing:
                kept = letters if suffix else retention
                topic = {
                    "name": f"{name}{suffix}",
                    "replicationFactor": 3.0,
                    "config": {"retention.ms": kept},
                }
                self.add(TOPIC, f"{name}{suffix}-topic", topic)

    def judged(self, rule: str) -> list[str]:
        said: list[str] = []
        args = StackValidationArgs(self.resources, thresholds(rule, None))
        policy(rule).validate(args, lambda message, urn=None: said.append(f"{message} @{urn}"))
        return said


STACK_RULES = [rule for rule in pack.RULES if rule not in RESOURCE_RULES]


@pytest.fixture
def whole() -> Stack:
    stack = Stack()
    stack.brokers(3)
    stack.stream("sensor-data")
    stack.stream("metrics")
    return stack


@pytest.mark.parametrize("rule", STACK_RULES, ids=lambda rule: rule.name)
def test_a_stack_that_is_as_it_must_be_passes(rule: Any, whole: Stack) -> None:
    assert whole.judged(rule.name) == []


@pytest.mark.parametrize("rule", STACK_RULES, ids=lambda rule: rule.name)
def test_a_stack_without_such_things_is_not_its_affair(rule: Any) -> None:
    with pytest.raises(_NotApplicableError):
        Stack().judged(rule.name)


@pytest.mark.parametrize(
    "rule", [rule for rule in STACK_RULES if rule.name != "nodes-of-plain-values"], ids=lambda rule: rule.name
)
def test_a_stack_with_values_that_preview_cannot_know_is_judged_in_the_update(
    rule: Any, whole: Stack
) -> None:
    whole.add(CONTAINER, "kafka-9", {"envs": UNKNOWN_STRING_VALUE})
    whole.add(TOPIC, "t", {"name": UNKNOWN_STRING_VALUE, "replicationFactor": UNKNOWN_STRING_VALUE})
    with pytest.raises(UnknownValueError):
        whole.judged(rule.name)


def test_replicas_that_no_broker_can_hold(whole: Stack) -> None:
    whole.add(TOPIC, "big-topic", {**SENSOR_DATA, "name": "big", "replicationFactor": 4.0})
    (said,) = whole.judged("replication-fits-brokers")
    assert said.startswith(
        "The topic big has replication factor 4; at most 3 is allowed, the number of brokers."
    )
    assert said.endswith("::big-topic")


def test_a_default_of_more_replicas_than_brokers() -> None:
    stack = Stack()
    stack.brokers(1)
    (said,) = stack.judged("replication-fits-brokers")
    assert "The node kafka-1 has default.replication.factor 3; at most 1 is allowed" in said


def test_a_stream_without_one_of_its_queues(whole: Stack) -> None:
    whole.stream("logs", missing=".dlq.poison")
    (said,) = whole.judged("stream-dead-letters")
    assert "The stream logs has no topic logs.dlq.poison; a stream must have its own topic and .dlq," in said


def test_dead_letters_that_are_gone_before_their_stream(whole: Stack) -> None:
    whole.stream("logs", retention="5000", letters="4000")
    said = whole.judged("dead-letter-retention")
    assert len(said) == 4
    assert (
        "The dead letters logs.dlq are kept for 4000 ms; at least the 5000 ms of logs are allowed." in said[0]
    )
    forever = Stack()
    forever.stream("logs", retention="5000", letters="-1")
    assert forever.judged("dead-letter-retention") == []


def test_names_that_become_one(whole: Stack) -> None:
    whole.add(TOPIC, "x", {"name": "sensor-data_dlq", "config": {}})
    (said,) = whole.judged("topic-names-differ")
    assert said.startswith("The topics sensor-data.dlq and sensor-data_dlq collide;")


def test_nodes_that_wait_for_neither_of_each_other() -> None:
    stack = Stack()
    first, _second = stack.brokers(2)
    stack.add(CONTAINER, "kafka-3", {**BROKER, "name": "kafka-3"}, first)
    (said,) = stack.judged("nodes-one-by-one")
    assert "The nodes kafka-2 and kafka-3 wait for neither of each other" in said


def test_a_node_that_is_built_from_another() -> None:
    stack = Stack()
    (first,) = stack.brokers(1)
    stack.add(CONTAINER, "kafka-2", {**BROKER, "name": "kafka-2"}, hosts=first)
    (said,) = stack.judged("nodes-of-plain-values")
    assert said.startswith(
        "The node kafka-2 takes hosts from kafka-1, so replacing that one deletes this one first"
    )


# --- exceptions ---


@pytest.fixture
def granted(monkeypatch: pytest.MonkeyPatch) -> Exceptions:
    monkeypatch.setattr("pulumi.get_stack", lambda: "prod")
    one = {
        "policy": "topic-min-isr",
        "stack": "prod",
        "resource": "it",
        "reason": "It is rebuilt every night.",
        "approved_by": "Ada",
    }
    return Exceptions(
        today=TODAY,
        granted=(
            Granted(**one, until=date(2026, 12, 1)),
            Granted(**{**one, "policy": "topic-retention"}, until=date(2026, 11, 24)),
            Granted(**{**one, "stack": "staging", "policy": "topic-replication"}, until=date(2026, 12, 1)),
        ),
    )


def test_an_exception_lets_one_resource_pass_one_rule_on_one_stack_until_its_day(granted: Exceptions) -> None:
    weak = config("min.insync.replicas", "1") | {"replicationFactor": 1.0}
    assert judged("topic-min-isr", TOPIC, weak, exceptions=granted) == []
    assert judged("topic-replication", TOPIC, weak, exceptions=granted)
    assert judged("topic-retention", TOPIC, config("retention.ms", "1"), exceptions=granted)


def test_exceptions_are_told_in_every_preview(granted: Exceptions) -> None:
    (told,) = [one for one in pack.policies(granted) if one.name == pack.EXCEPTION_RULE]
    said: list[str] = []
    told.validate(StackValidationArgs([]), said.append)
    assert said == [
        "it is excepted from topic-min-isr until 2026-12-01: It is rebuilt every night. (approved by Ada).",
        (
            "The exception of it from topic-retention ran out on 2026-11-24; take it out of "
            "policies/exceptions.json."
        ),
    ]
