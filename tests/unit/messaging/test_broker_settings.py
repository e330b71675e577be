"""Which settings of Kafka change while it runs, which by a roll, and which not at all."""

from __future__ import annotations

import pytest

from messaging.broker_settings import DYNAMIC, RULE, is_dynamic, refusal, steps


@pytest.mark.parametrize("name", sorted(DYNAMIC))
def test_what_is_dynamic_may_be_set(name: str) -> None:
    assert RULE.fullmatch(name)
    assert refusal(name) is None
    assert is_dynamic(name)


@pytest.mark.parametrize(
    "name", ["queued.max.requests", "socket.send.buffer.bytes", "replica.lag.time.max.ms"]
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
        "leader.replication.throttled.rate", "listener.name.internal.ssl.key.password",
    ],
)  # fmt: skip
def test_what_the_program_decides_is_refused_with_the_reason(name: str) -> None:
    assert refusal(name)


@pytest.mark.parametrize(
    ("name", "current", "wanted", "expected"),
    [
        ("num.io.threads", 8, 8, [8]),
        ("num.io.threads", 8, 4, [4]),
        ("num.io.threads", 8, 1, [4, 2, 1]),
        ("num.io.threads", 3, 20, [6, 12, 20]),
        ("num.network.threads", 7, 2, [4, 2]),
        ("log.cleaner.threads", 1, 5, [2, 4, 5]),
        ("num.replica.fetchers", 1, 2, [2]),
        ("log.retention.ms", 1, 1000, [1000]),
    ],
)
def test_pools_of_threads_change_by_no_more_than_half_or_double_at_a_time(
    name: str, current: int, wanted: int, expected: list[int]
) -> None:
    assert steps(name, current, wanted) == expected
