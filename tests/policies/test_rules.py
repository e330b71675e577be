"""Each guardrail by itself: what passes, and what violates it in which words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import (
    BROKER,
    CONTAINER,
    EVERYWHERE,
    GOOD,
    REGISTRY,
    RESOURCE_RULES,
    RULES,
    SENSOR_DATA,
    SETTINGS,
    STREAM,
    TOPIC,
    VOLUME,
    config,
    env,
    judged,
    without,
)

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


@pytest.mark.parametrize("rule", RESOURCE_RULES, ids=lambda rule: rule.name)
def test_what_is_as_it_must_be_passes(rule: Any) -> None:
    for kind in rule.types:
        props = {**BROKER, "image": REGISTRY["image"]} if rule.name == "image-digest" else GOOD[kind]
        assert judged(rule.name, kind, props) == []
