"""Where each guardrail ends: what it skips, what it cannot know, what its settings allow."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_policy.policy import _NotApplicableError
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from tests.policies.judging import (
    ABOUT,
    BROKER,
    CONTAINER,
    GOOD,
    NETWORK,
    RESOURCE_RULES,
    SENSOR_DATA,
    SETTINGS,
    STREAM,
    SUBJECT,
    TOPIC,
    VOLUME,
    config,
    env,
    judged,
    without,
)


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
