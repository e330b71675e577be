"""Each guardrail that judges the stack as a whole: what passes, and what violates it in which words."""

from __future__ import annotations

from typing import Any

import pytest
from guardrails import pack
from pulumi_policy.policy import _NotApplicableError
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from tests.policies.judging import BROKER, CONTAINER, RESOURCE_RULES, SENSOR_DATA, TOPIC, Stack

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
