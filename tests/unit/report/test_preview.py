"""A preview's events, as both engines write them, become steps, violations and messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from messaging.report import preview

TOPIC = "urn:pulumi:prod::messaging::messaging:index:EventStream$kafka:index/topic:Topic::metrics-topic"
SUMMARY = {"summaryEvent": {"result": "succeeded", "PolicyPacks": {"guardrails|local|policies": "1.0.0"}}}


def step(operation: str, old: Any = None, new: Any = None, **fields: Any) -> dict[str, Any]:
    sides = {
        side: {"inputs": inputs} if inputs is not None else None
        for side, inputs in (("old", old), ("new", new))
    }
    metadata = {"op": operation, "urn": TOPIC, "type": "kafka:index/topic:Topic", **sides, **fields}
    return {"resourcePreEvent": {"metadata": metadata}}


def read(*events: dict[str, Any]) -> preview.Preview:
    lines = ["pulumi: no Pulumi CLI is used", *(json.dumps({"sequence": 1, **event}) for event in events), ""]
    return preview.read(lines, "events.jsonl")


def test_a_step_has_its_inputs_on_both_sides_and_what_differs() -> None:
    changed = step(
        "update",
        {"name": "m", "__defaults": [], "l": [{"label": "a", "__defaults": []}]},
        {"name": "m"},
        detailedDiff={"config.a": {}},
        diffs=["config"],
    )
    (found,) = read(changed, SUMMARY).steps
    assert (found.operation, found.name, found.old, found.new) == (
        "update",
        "metrics-topic",
        {"name": "m", "l": [{"label": "a"}]},
        {"name": "m"},
    )
    assert found.changed == ("config", "config.a")


def test_a_replacement_is_one_step_and_a_deletion_has_no_new_side() -> None:
    parts = [
        step("delete-replaced", {}, {}),
        step("replace", {"a": 1}, {"a": 2}),
        step("create-replacement", {}, {}),
    ]
    assert [one.operation for one in read(*parts, SUMMARY).steps] == ["replace"]
    (gone,) = read(step("delete", {"a": 1}, {"a": 1}), SUMMARY).steps
    assert (gone.old, gone.new) == ({"a": 1}, {})


def test_what_a_refresh_found_is_drift_if_it_differs() -> None:
    same, other = step("refresh", {"a": 1}, {"a": 1}), step("refresh", {"a": 1}, {"a": 2}, diffs=["a"])
    assert read(same, SUMMARY).drift == ()
    assert [one.gone for one in read(other, SUMMARY).drift] == [False]
    assert [one.gone for one in read(step("refresh", {"a": 1}), SUMMARY).drift] == [True]
    assert not read(other, SUMMARY).has_state


def test_an_address_that_docker_dealt_out_anew_is_no_drift_but_a_network_less_is() -> None:
    def container(*found: tuple[str, str]) -> preview.Preview:
        sides = [
            {
                "inputs": {},
                "outputs": {"networkDatas": [{"networkName": n, "ipAddress": ip} for n, ip in side]},
            }
            for side in ([("messaging", "172.18.0.2")], found)
        ]
        event = step("refresh", diffs=["networkDatas"], detailedDiff={"networkDatas[0].ipAddress": {}})
        kind = "docker:index/container:Container"
        event["resourcePreEvent"]["metadata"] |= {"old": sides[0], "new": sides[1], "type": kind}
        return read(event, SUMMARY)

    assert container(("messaging", "172.18.0.3")).drift == ()
    assert [one.changed[0] for one in container().drift] == ["networkDatas"]


def test_violations_and_messages_lose_the_marks_of_colours() -> None:
    told = {
        "policyEvent": {
            "resourceUrn": TOPIC,
            "message": "<{%fg 13%}>Headline.\nmetrics has 1<{%reset%}>\n",
            "policyName": "topic-min-isr",
            "enforcementLevel": "mandatory",
        }
    }
    error = {"diagnosticEvent": {"severity": "error", "message": "<{%reset%}>no\n", "urn": TOPIC}}
    progress = {"diagnosticEvent": {"severity": "info", "message": "waiting", "ephemeral": True}}
    info = {"diagnosticEvent": {"severity": "info#err", "message": "a line"}}
    found = read(told, error, progress, info, SUMMARY)
    assert found.violations == (
        preview.Violation(
            policy="topic-min-isr", level="mandatory", message="Headline.\nmetrics has 1", urn=TOPIC
        ),
    )
    assert [(one.severity, one.text) for one in found.messages] == [("error", "no"), ("info", "a line")]
    assert found.failed
    assert found.packs == ("guardrails 1.0.0",)


def test_a_preview_fails_by_its_result_an_error_or_a_mandatory_violation() -> None:
    assert not read(SUMMARY).failed
    assert read({"summaryEvent": {"result": "failed"}}).failed
    assert read({"diagnosticEvent": {"severity": "error", "message": "no"}}, SUMMARY).failed


def test_a_plan_is_whole_unless_an_error_cut_it_off() -> None:
    told = {"policyEvent": {"policyName": "p", "enforcementLevel": "mandatory", "message": "no"}}
    failed = {"summaryEvent": {"result": "failed"}}
    assert read(SUMMARY).whole
    assert read(told, failed).whole
    assert not read(failed).whole
    assert not read(told, {"diagnosticEvent": {"severity": "error", "message": "no"}}, failed).whole


@pytest.mark.parametrize(
    "event",
    [
        {"policyEvent": {"policyName": "p", "enforcementLevel": "[secret]", "message": "no"}},
        {"policyEvent": {"policyName": "p", "enforcementLevel": "grave", "message": "no"}},
        {"diagnosticEvent": {"severity": "[secret]", "message": "no"}},
        {"summaryEvent": {"result": "[secret]"}},
        {"summaryEvent": {"result": "perhaps"}},
        step("[secret]"),
        step("create", new={}, urn="urn:pulumi:prod::messaging::[secret]::metrics-topic"),
        step("create", new={}, type="[secret]:index/topic:Topic"),
        step("create", new={"ne[secret]rkMode": "bridge"}),
        {"resourcePreEvent": {}},
        {"resourcePreEvent": {"metadata": None}},
        {"policyEvent": {"policyName": "p"}},
    ],
)
def test_a_word_that_decides_and_is_not_known_ends_the_reading(event: dict[str, Any]) -> None:
    with pytest.raises(preview.EventsError, match=r"line 2, is no event that this report knows"):
        read(event, SUMMARY)


def test_a_hidden_word_is_told_with_the_way_out() -> None:
    hidden = {"policyEvent": {"policyName": "p", "enforcementLevel": "[secret]", "message": "no"}}
    with pytest.raises(preview.EventsError, match="Choose another secret"):
        read(hidden, SUMMARY)


def test_a_hidden_value_is_a_value() -> None:
    (found,) = read(step("create", new={"password": "[secret]"}), SUMMARY).steps
    assert found.new == {"password": "[secret]"}


@pytest.mark.parametrize("operation", ["refresh", "update"])
def test_where_inputs_say_nothing_what_was_found_is_compared(operation: str) -> None:
    event = step(operation, {"settings": {"a": "1"}}, {"settings": {"a": "1"}}, diffs=["settings"])
    metadata = event["resourcePreEvent"]["metadata"]
    metadata["old"]["outputs"] = {"settings": {"a": "2" if operation == "update" else "1"}}
    metadata["new"]["outputs"] = {"settings": {"a": "2"}}
    (found,) = read(event, SUMMARY).steps
    assert (found.old, found.new) == (
        ({"settings": {"a": "2"}}, {"settings": {"a": "1"}})
        if operation == "update"
        else ({"settings": {"a": "1"}}, {"settings": {"a": "2"}})
    )


@pytest.mark.parametrize("lines", [[], ["not json"], ["{}"]])
def test_what_is_no_whole_preview_is_refused_with_the_command_that_writes_one(lines: list[str]) -> None:
    with pytest.raises(preview.EventsError, match="its summary is missing") as refused:
        preview.read(lines, "events.jsonl")
    assert "PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json" in str(refused.value)


def test_a_line_that_is_no_json_is_named() -> None:
    with pytest.raises(preview.EventsError, match=r"events\.jsonl, line 2, is not JSON: '\{oops'"):
        preview.read(["x", "{oops"], "events.jsonl")
