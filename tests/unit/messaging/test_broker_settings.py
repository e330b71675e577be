"""Which settings of Kafka change while it runs, which by a roll, and which not at all."""

from __future__ import annotations

import pytest

from messaging.broker_settings import DYNAMIC, RULE, is_dynamic, refusal, same


@pytest.mark.parametrize("name", sorted(DYNAMIC))
def test_what_is_dynamic_may_be_set(name: str) -> None:
    assert RULE.fullmatch(name)
    assert refusal(name) is None
    assert is_dynamic(name)


@pytest.mark.parametrize(
    "name", ["queued.max.requests", "socket.send.buffer.bytes", "replica.lag.time.max.ms", "num.io.threads"]
)
def test_anything_else_takes_a_roll(name: str) -> None:
    assert refusal(name) is None
    assert not is_dynamic(name)


@pytest.mark.parametrize(
    "name",
    [
        "node.id", "listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs",
        "min.insync.replicas", "unclean.leader.election.enable", "auto.create.topics.enable",
        "offsets.topic.replication.factor", "transaction.state.log.min.isr", "broker.rack",
        "ssl.keystore.location", "sasl.jaas.config", "authorizer.class.name", "super.users",
        "log.retention.minutes", "log.retention.hours", "log.roll.hours", "log.roll.jitter.hours",
        "leader.replication.throttled.rate", "listener.name.internal.ssl.key.password",
    ],
)  # fmt: skip
def test_what_the_program_decides_is_refused_with_the_reason(name: str) -> None:
    assert refusal(name)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("10000000", "1.0E7"), ("1", "1.0"), ("0.50", "0.5"), (" 1000", "1000"),
        ("compact, delete", "compact,delete"), ("TRUE", "true"), ("zstd", "zstd"),
    ],
)  # fmt: skip
def test_what_kafka_spells_in_its_way_is_the_same(given: str, shown: str) -> None:
    assert same(given, shown)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("9223372036854775807", "9223372036854775806"), ("-1", "1"), ("compact,delete", "compact"),
        ("compact,delete", "delete,compact"), ("1", "true"), ("zstd", "gzip"), ("", "0"),
    ],
)  # fmt: skip
def test_another_value_is_not_the_same(one: str, other: str) -> None:
    assert not same(one, other)
