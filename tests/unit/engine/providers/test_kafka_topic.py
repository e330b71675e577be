"""A topic whose new configuration Kafka has taken and does not show. What a broker does shows it for real."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from confluent_kafka.admin import ConfigSource

from engine.providers.base import Call, ProviderError, Unfinished
from engine.providers.kafka.cluster import Refused
from engine.providers.kafka.topic import Topic
from engine.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.values import Values

HAD: Values = {"name": "orders", "partitions": 1, "replicationFactor": 1, "config": {"retention.ms": "5"}}
CALL = Call(threading.Event(), lambda _: None, seconds=0.01)


def answered(value: object) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future


class Kafka:
    """A cluster with one topic, and its administration; what it was told, by key."""

    timeout = 1.0

    def __init__(self, shown: dict[str, str]) -> None:
        self.admin = self
        self.shown = shown
        self.told: list[dict[str, str | None]] = []

    @contextmanager
    def saying(self, _what: str) -> Iterator[None]:
        yield

    def incremental_alter_configs(self, resources: list[Any], **_: object) -> dict[Any, Future[Any]]:
        (resource,) = resources
        self.told.append({change.name: change.value for change in resource.incremental_configs})
        return {resource: answered(None)}

    def describe_configs(self, resources: list[Any], **_: object) -> dict[Any, Future[Any]]:
        source = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        entries = {key: SimpleNamespace(value=value, source=source) for key, value in self.shown.items()}
        return {resources[0]: answered(entries)}


def topic(kafka: Kafka) -> Topic:
    return Topic(cast("Any", kafka))


def test_what_kafka_was_told_is_kept_although_it_does_not_show_it() -> None:
    kafka = Kafka(shown={"retention.ms": "5"})
    news = HAD | {"config": {"retention.ms": "1", "retention.bytes": "9"}, "partitions": 2}

    with pytest.raises(Unfinished, match="topic orders does not show its new configuration") as said:
        topic(kafka).update("orders", HAD, news, CALL)

    assert said.value.outputs == news | {"partitions": 1}


def test_taking_it_back_afterwards_changes_the_topic_in_place() -> None:
    kafka = Kafka(shown={"retention.ms": "5"})
    with pytest.raises(Unfinished) as said:
        topic(kafka).update("orders", HAD, HAD | {"config": {"retention.ms": "1", "x": "9"}}, CALL)
    left = said.value.outputs

    changes = topic(kafka).diff(left, HAD, ())
    done = topic(kafka).update("orders", left, HAD, CALL)

    assert {(change.top, change.replace) for change in changes} == {("config", False)}
    assert kafka.told[-1] == {"retention.ms": "5", "x": None}
    assert done == HAD


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("0.50", "0.5"),
        ("1", "1.0"),
        ("compact, delete", "compact,delete"),
        ("zstd", "zstd"),
        ("True", "true"),
        (" FALSE", "false"),
        ("", ""),
    ],
)
def test_what_kafka_spells_in_its_way_is_shown(given: str, shown: str) -> None:
    news = HAD | {"config": {"key": given}}

    assert topic(Kafka(shown={"key": shown})).update("orders", HAD, news, CALL) == news


def test_a_switch_is_not_the_other_one() -> None:
    news = HAD | {"config": {"key": "True"}}

    with pytest.raises(Unfinished):
        topic(Kafka(shown={"key": "false"})).update("orders", HAD, news, CALL)


@pytest.mark.parametrize(
    ("given", "shown"), [("0.50", "0.5"), ("compact, delete", "compact,delete"), ("True", "true")]
)
def test_what_the_program_spells_in_its_way_reads_as_it_wrote_it(given: str, shown: str) -> None:
    kafka = LateKafka()
    kafka.topics.add("orders")
    kafka.shown = {"key": shown, "retention.ms": "5"}
    known = HAD | {"config": {"key": given, "retention.ms": "4"}}

    read = topic(kafka).read("orders", known)

    assert read == HAD | {"config": {"key": given, "retention.ms": "5"}}


@pytest.mark.parametrize("shown", [{"key": "5"}, {"key": "compact"}, {}, {"key": "0.5", "retention.ms": "5"}])
def test_another_value_is_not_what_was_asked_for(shown: dict[str, str]) -> None:
    with pytest.raises(Unfinished):
        topic(Kafka(shown)).update("orders", HAD, HAD | {"config": {"key": "0.50"}}, CALL)


class LateKafka(Kafka):
    """A cluster whose brokers do not list yet what was created."""

    servers = "localhost:9092"

    def __init__(self, *, twice: bool = False) -> None:
        super().__init__(shown={})
        self.topics: set[str] = set()
        self.twice = twice
        """Whether each request reaches it two times, and only the second one's answer comes back."""

    def list_topics(self, **_: object) -> SimpleNamespace:
        return SimpleNamespace(topics={})

    def create_topics(self, requests: list[Any], **_: object) -> dict[str, Future[Any]]:
        return {request.topic: self._created(request.topic) for request in requests}

    def delete_topics(self, names: list[str], **_: object) -> dict[str, Future[Any]]:
        self.topics -= set(names)
        return {name: answered(None) for name in names}

    def describe_topics(self, names: Any, **_: object) -> dict[str, Future[Any]]:
        there = answered(SimpleNamespace(partitions=[SimpleNamespace(leader=1, replicas=[1])]))
        gone: Future[Any] = Future()
        gone.set_exception(Refused("unknown", "UNKNOWN_TOPIC_OR_PART"))
        return {name: there if name in self.topics else gone for name in names.topic_names}

    def _created(self, name: str) -> Future[Any]:
        future: Future[Any] = Future()
        if name in self.topics or self.twice:
            future.set_exception(Refused("exists", "TOPIC_ALREADY_EXISTS"))
        else:
            future.set_result(None)
        self.topics.add(name)
        return future


@pytest.mark.parametrize("twice", [False, True], ids=["once", "handed over twice"])
def test_a_second_resource_for_a_topic_of_the_same_run_is_refused_although_no_broker_lists_it_yet(
    twice: bool,
) -> None:
    provider = topic(LateKafka(twice=twice))

    assert provider.create(HAD, CALL)[0] == "orders"
    with pytest.raises(ProviderError, match="topic orders exists already"):
        provider.create(HAD, CALL)


def test_a_topic_that_was_deleted_is_created_again() -> None:
    kafka = LateKafka()
    provider = topic(kafka)
    provider.create(HAD, CALL)
    provider.delete("orders", HAD, CALL)
    kafka.twice = True

    assert provider.create(HAD, CALL)[0] == "orders"


class Told(LateKafka):
    """A cluster with one topic that an earlier run may have created.

    Attributes:
        messages: How many it holds.
    """

    def __init__(self, messages: int) -> None:
        super().__init__()
        self.topics.add("orders")
        self.shown = {"retention.ms": "5"}
        self.messages = messages

    def list_topics(self, **_: object) -> SimpleNamespace:
        return SimpleNamespace(topics=dict.fromkeys(self.topics))

    def list_offsets(self, asked: Any, **_: object) -> dict[Any, Future[Any]]:
        return {one: answered(SimpleNamespace(offset=self.messages)) for one in asked}


def test_an_empty_topic_of_a_run_that_died_is_adopted() -> None:
    orphaned = Call(threading.Event(), lambda _: None, seconds=0.01, orphans=frozenset({"step-1"}))

    assert topic(Told(messages=0)).create(HAD, orphaned) == ("orders", HAD)


def test_a_topic_with_messages_is_not_adopted_whoever_created_it() -> None:
    orphaned = Call(threading.Event(), lambda _: None, seconds=0.01, orphans=frozenset({"step-1"}))

    with pytest.raises(ProviderError, match="topic orders exists already"):
        topic(Told(messages=1)).create(HAD, orphaned)


def faults(olds: Values, **changes: object) -> list[str]:
    return [failure.property for failure in topic(Kafka({})).check(olds, HAD | changes)]


def test_another_replication_factor_of_a_topic_that_stays_is_refused() -> None:
    assert faults(HAD, replicationFactor=2) == ["replicationFactor"]
    assert faults(HAD, replicationFactor=2, partitions=2) == ["replicationFactor"]


@pytest.mark.parametrize(
    "changes", [{"name": "other"}, {"name": UNKNOWN}, {"partitions": 1}], ids=["renamed", "perhaps", "shrunk"]
)
def test_a_topic_that_is_made_anew_may_have_another_replication_factor(changes: Values) -> None:
    assert faults(HAD | {"partitions": 2}, replicationFactor=2, **({"partitions": 2} | changes)) == []


def test_a_new_topic_may_have_any_replication_factor() -> None:
    assert faults({}, replicationFactor=3) == []
