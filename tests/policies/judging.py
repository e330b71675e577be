"""What a broker, a topic and a stack must be to pass every guardrail, and what is said of them otherwise.

The values are what the providers' checks make of a resource's inputs: numbers are floats, secrets are bare.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from guardrails import pack
from guardrails.exceptions import Exceptions
from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import unknown_checking_proxy

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

RESOURCE_RULES = [rule for rule in pack.RULES if not isinstance(policy(rule.name), StackValidationPolicy)]


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
