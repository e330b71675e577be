"""Classes of changes, and steps between two plans where there is no state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from messaging.report import changes
from messaging.report.changes import Kind
from messaging.report.preview import CONTAINER, Message, Preview, Step

PREFIX = "urn:pulumi:prod::messaging::"
NODE = f"{PREFIX}messaging:index:KafkaCluster$messaging:index:KafkaNode${CONTAINER}::kafka-1-container"
UI = f"{PREFIX}messaging:index:KafkaUI${CONTAINER}::kafka-ui-container"
GATE = "pulumi-python:dynamic/messaging:BrokerGate"
SETTINGS = changes.CLUSTER_SETTINGS


def step(operation: str, type_: str, urn: str = "", **fields: Any) -> Step:
    return Step(operation=operation, urn=urn or f"{PREFIX}{type_}::it", type=type_, **fields)


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (step("create", changes.TOPIC), Kind.NEW),
        (step("update", changes.TOPIC), Kind.DYNAMIC),
        (step("replace", changes.TOPIC), Kind.DESTROY),
        (step("delete", changes.TOPIC), Kind.DESTROY),
        (step("replace", changes.VOLUME), Kind.DESTROY),
        (step("replace", changes.NETWORK), Kind.DESTROY),
        (step("delete", changes.SUBJECT), Kind.DESTROY),
        (step("update", changes.SUBJECT), Kind.DYNAMIC),
        (step("update", SETTINGS), Kind.DYNAMIC),
        (step("replace", CONTAINER, NODE), Kind.ROLLING),
        (step("update", CONTAINER, NODE), Kind.DYNAMIC),
        (step("replace", CONTAINER, UI), Kind.REPLACE),
        (step("delete", CONTAINER, UI), Kind.DESTROY),
        (step("update", GATE), Kind.CHECK),
        (step("create", "pulumi:providers:kafka"), Kind.CHECK),
        (step("delete", "messaging:index:EventStream"), Kind.CHECK),
        (step("update", changes.LOAD_BALANCER_CONFIG), Kind.DYNAMIC),
        (step("update", changes.KAFKA), Kind.DYNAMIC),
        (step("update", changes.DOCKER, old={"version": "1"}, new={"version": "2"}), Kind.CHECK),
    ],
    ids=lambda value: f"{value.operation} {value.type}" if isinstance(value, Step) else value.value,
)
def test_a_change_has_the_class_of_what_it_does_to_users(one: Step, kind: Kind) -> None:
    assert changes.classify(one) is kind


@pytest.mark.parametrize("operation", ["update", "replace"])
@pytest.mark.parametrize(
    ("type_", "before", "after", "moves"),
    [
        (changes.DOCKER, {"host": changes.STAND_IN}, {"host": "tcp://other:2375"}, True),
        (changes.DOCKER, {"host": "tcp://one:2375"}, {"host": "tcp://other:2375"}, True),
        (changes.DOCKER, {"host": "tcp://one:2375"}, {"host": changes.STAND_IN}, False),
        (changes.PREFLIGHT, {"dockerHost": "tcp://one:2375"}, {"dockerHost": ""}, True),
        (changes.PREFLIGHT, {"freeDiskMib": 1}, {"freeDiskMib": 2}, False),
    ],
)
def test_another_docker_engine_is_another_platform(
    operation: str, type_: str, before: Any, after: Any, *, moves: bool
) -> None:
    one = step(operation, type_, old=before, new=after)
    assert (changes.classify(one) is Kind.ELSEWHERE) is moves


def test_what_stands_in_for_a_docker_engine_is_what_the_script_says() -> None:
    script = (Path(__file__).parents[3] / ".ci" / "preview").read_text()
    assert f"DOCKER_HOST=${{PREVIEW_DOCKER_HOST:-{changes.STAND_IN}}}" in script


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({"retention.ms": "2000"}, {"retention.ms": "1000"}, Kind.SHORTEN),
        ({"retention.ms": "-1"}, {"retention.ms": "1000"}, Kind.SHORTEN),
        ({"retention.ms": "1000"}, {"retention.ms": "-1"}, Kind.DYNAMIC),
        ({"retention.ms": "1000"}, {"retention.ms": "2000"}, Kind.DYNAMIC),
        ({"retention.ms": "1000"}, {"retention.ms": ["unknown"]}, Kind.SHORTEN),
        ({"retention.ms": "2592000000"}, {}, Kind.SHORTEN),
        ({}, {"retention.bytes": "1"}, Kind.SHORTEN),
        ({"retention.bytes": "1"}, {"retention.bytes": "-1"}, Kind.DYNAMIC),
        ({"cleanup.policy": "delete"}, {"cleanup.policy": "compact"}, Kind.SHORTEN),
        ({"cleanup.policy": "compact"}, {"cleanup.policy": "compact,delete"}, Kind.SHORTEN),
        ({"cleanup.policy": "compact,delete"}, {"cleanup.policy": "delete,compact"}, Kind.DYNAMIC),
        (
            {"cleanup.policy": "compact", "retention.ms": "2"},
            {"cleanup.policy": "compact", "retention.ms": "1"},
            Kind.DYNAMIC,
        ),
    ],
)
def test_a_topic_that_keeps_less_is_no_harmless_change(
    before: dict[str, Any], after: dict[str, Any], kind: Kind
) -> None:
    one = step("update", changes.TOPIC, old={"config": before}, new={"config": after})
    assert changes.classify(one) is kind


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({}, {"log.retention.bytes": "1"}, Kind.SHORTEN),
        ({"log.retention.bytes": "1"}, {}, Kind.DYNAMIC),
        ({"log.retention.ms": "2"}, {"log.retention.ms": "1"}, Kind.SHORTEN),
        ({}, {"log.cleanup.policy": "compact"}, Kind.SHORTEN),
        ({}, {"message.max.bytes": "1"}, Kind.DYNAMIC),
    ],
)
def test_brokers_that_keep_less_of_each_topic_are_no_harmless_change(
    before: dict[str, Any], after: dict[str, Any], kind: Kind
) -> None:
    one = step("update", SETTINGS, old={"settings": before}, new={"settings": after})
    assert changes.classify(one) is kind


def test_the_gravest_changes_come_first_and_what_stays_is_left_out() -> None:
    steps = [
        step("same", changes.TOPIC),
        step("refresh", changes.TOPIC),
        step("create", changes.TOPIC),
        step("update", GATE),
        step("replace", CONTAINER, NODE),
        step("delete", changes.TOPIC),
    ]
    assert [one.kind for one in changes.changes(steps)] == [Kind.DESTROY, Kind.ROLLING, Kind.NEW, Kind.CHECK]


def plan(**inputs: dict[str, Any]) -> Preview:
    """A preview of creations; names begin with their type's word."""
    types = {
        "node": CONTAINER,
        "topic": changes.TOPIC,
        "volume": changes.VOLUME,
        "subject": changes.SUBJECT,
    }
    steps = tuple(
        step("create", types[name], NODE if name == "node" else "", new=values)
        for name, values in inputs.items()
    )
    return Preview(steps=steps, violations=(), messages=(), packs=(), failed=False)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"node": {"image": "a"}}, {"node": {"image": "b"}}, [("replace", Kind.ROLLING)]),
        ({"node": {"memory": 1}}, {"node": {"memory": 2}}, [("update", Kind.DYNAMIC)]),
        ({"topic": {"partitions": 6}}, {"topic": {"partitions": 12}}, [("update", Kind.DYNAMIC)]),
        ({"topic": {"partitions": 6}}, {"topic": {"partitions": 3}}, [("replace", Kind.DESTROY)]),
        ({"topic": {"name": "a"}}, {"topic": {"name": "b"}}, [("replace", Kind.DESTROY)]),
        ({"topic": {"config": {"a": "1"}}}, {"topic": {"config": {"a": "2"}}}, [("update", Kind.DYNAMIC)]),
        ({"topic": {}}, {}, [("delete", Kind.DESTROY)]),
        ({}, {"topic": {}}, [("create", Kind.NEW)]),
        ({"volume": {"driver": "a"}}, {"volume": {"driver": "b"}}, [("replace", Kind.DESTROY)]),
        ({"subject": {"schema": "a"}}, {"subject": {"schema": "b"}}, [("update", Kind.DYNAMIC)]),
        ({"topic": {"name": "a"}}, {"topic": {"name": "a"}}, []),
    ],
)
def test_two_plans_are_compared_resource_by_resource(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, Kind]]
) -> None:
    found = changes.changes(changes.between(plan(**before), plan(**after)))
    assert [(one.step.operation, one.kind) for one in found] == expected


def test_what_only_the_brokers_hold_is_classed_by_what_was_said_of_it() -> None:
    told = "shorter retention: log.retention.ms (9 -> 5) while the brokers run"
    steps = [step("update", SETTINGS), step("update", changes.TOPIC)]

    found = changes.changes(steps, [Message(severity="info", text=f"{told}\n")])

    assert [(change.kind, change.step.type, change.told) for change in found] == [
        (Kind.SHORTEN, SETTINGS, told),
        (Kind.DYNAMIC, changes.TOPIC, ""),
    ]
