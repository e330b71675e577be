"""Which settings of Kafka change while it runs, which by a roll, and which not at all."""

from __future__ import annotations

import pytest

from messaging.broker_settings import BOUNDS, DYNAMIC, RULE, fault, is_dynamic, refusal, same, unknown
from messaging.kafka_settings import SETTINGS


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
        "heap.opts", "jmx.port", "log4j.loggers", "tools.log4j.loglevel", "jvm.performance.opts", "data.dirs",
        "advertised.host", "advertised.port", "delegation.token.secret.key",
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


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_setting_of_kafka_is_known_and_can_be_told_to_a_broker(name: str) -> None:
    assert RULE.fullmatch(name)
    assert unknown(name, ()) is None


def test_what_changes_while_kafka_runs_and_what_is_bounded_are_settings_of_kafka() -> None:
    assert {*DYNAMIC, *BOUNDS} <= SETTINGS.keys()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("log.retenton.ms", "Did you mean log.retention.ms?"),
        ("offset.retention.minutes", "Did you mean offsets.retention.minutes?"),
        ("num.io.thread", "Did you mean num.io.threads?"),
        ("zz.top", "is no setting of Kafka 4.1 to 4.3"),
    ],
)
def test_a_name_that_kafka_does_not_have_is_told_with_the_one_that_is_meant(name: str, meant: str) -> None:
    assert meant in (unknown(name, (name,)) or "")


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("rlmm.config.remote.log.metadata.topic.num.partitions", ()),
        ("rsm.config.storage.root", ()),
        ("config.providers.file.class", ()),
        ("confluent.metrics.enable", ()),
        ("tiers.storage.root", ("remote.log.storage.manager.class.name",)),
        ("reporter.address", ("metric.reporters",)),
        ("client.quota.callback.limit", ("client.quota.callback.class",)),
        ("kafka.csv.metrics.dir", ("kafka.metrics.reporters",)),
        ("metrics.context.site", ()),
    ],
)
def test_a_plugins_own_settings_are_taken(name: str, beside: tuple[str, ...]) -> None:
    assert unknown(name, (name, *beside)) is None


@pytest.mark.parametrize("name", ["metrics.jmx.include", "metrics.jmx.exclude"])
def test_what_the_reporter_reads_that_every_broker_has_is_taken_without_naming_its_class(name: str) -> None:
    assert unknown(name, (name,)) is None
    assert fault(name, r"kafka\.server:type=Fetch.*", durable=True) is None
    assert not is_dynamic(name)


def test_a_plugin_excuses_no_slip_of_the_pen() -> None:
    assert "log.retention.ms" in (unknown("log.retenton.ms", ("metric.reporters",)) or "")


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("queued.max.requests", "1", "0"),
        ("num.io.threads", "8", "0"),
        ("num.replica.fetchers", "1", "0"),
        ("log.cleaner.threads", "1", "0"),
        ("log.retention.ms", "-1", "abc"),
        ("log.retention.ms", "1", "0"),
        ("log.segment.bytes", "1048576", "1048575"),
        ("message.max.bytes", "1048576", "1048575"),
        ("message.max.bytes", "2147483647", "2147483648"),
        ("socket.request.max.bytes", "104857600", "1048576"),
        ("max.connections", "100", "99"),
        ("max.connections.per.ip", "100", "1"),
        ("max.connections.per.ip.overrides", "10.0.0.1:100, host:200", "10.0.0.1:99"),
        ("max.connections.per.ip.overrides", "::1:100", "100"),
        ("max.connection.creation.rate", "100", "0"),
        ("connections.max.idle.ms", "-1", "9999"),
        ("group.max.session.timeout.ms", "45000", "44999"),
        ("group.min.session.timeout.ms", "45000", "45001"),
        ("replica.lag.time.max.ms", "10000", "1"),
        ("log.roll.ms", "60000", "59999"),
        ("log.message.timestamp.before.max.ms", "60000", "0"),
        ("log.cleaner.enable", "TRUE", "false"),
        ("log.preallocate", "False", "no"),
        ("log.cleaner.min.cleanable.ratio", "1.0", "1.1"),
        ("log.cleaner.io.max.bytes.per.second", "1.0E7", "much"),
        ("compression.gzip.level", "9", "0"),
        ("compression.type", "zstd", "rar"),
        ("log.cleanup.policy", "compact, delete", "compact,remove"),
        ("group.consumer.migration.policy", "DISABLED", "never"),
        ("offsets.topic.segment.bytes", "1048576", "1"),
    ],
)
def test_a_value_with_which_no_platform_works_is_refused(name: str, right: str, wrong: str) -> None:
    assert fault(name, right, durable=False) is None
    assert fault(name, wrong, durable=False)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("offsets.retention.minutes", "10080", "10079"),
        ("producer.id.expiration.ms", "3600000", "1"),
    ],
)
def test_what_would_lose_messages_is_refused_where_none_may_be_lost(
    name: str, right: str, wrong: str
) -> None:
    assert fault(name, right, durable=True) is None
    assert fault(name, wrong, durable=True) == (
        f"is {wrong}: {BOUNDS[name].why}. At least {right} here",
        right,
    )
    assert fault(name, wrong, durable=False) is None
