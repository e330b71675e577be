"""A run as JSON: the CLI's keys, and no secret."""

from __future__ import annotations

import io
import json
import os
from typing import Any

import pytest

from engine.display.documents import EventLines, PreviewDocument
from engine.display.masking import Masker
from engine.events import (
    Diagnostic,
    Event,
    Operation,
    Output,
    PolicyPacksLoad,
    PolicyRemediation,
    PolicySummary,
    PolicyViolation,
    StepEvent,
    Summary,
)
from engine.resource import Resource
from engine.values import UNKNOWN, Secret

URN = "urn:pulumi:dev::shop::docker:index/container:Container::kafka-1"
PROVIDER = "urn:pulumi:dev::shop::pulumi:providers:docker::default::0a1b"
CONFIG = {"shop:environment": "dev", "shop:token": "[secret]"}


def resource(image: str) -> Resource:
    return Resource(
        URN,
        "docker:index/container:Container",
        id="abc",
        provider=PROVIDER,
        inputs={"image": image, "envs": ["A=1", Secret("PASSWORD=hunter2!")], "host": UNKNOWN},
        outputs={"password": Secret({"user": "admin-user"})},
    )


def replacement(phase: Any = "plan") -> StepEvent:
    return StepEvent(
        phase=phase,
        operation=Operation.REPLACE,
        urn=URN,
        type="docker:index/container:Container",
        old=resource("a:1"),
        new=resource("a:2"),
        provider=PROVIDER,
        changed=("image",),
        replacing=("image",),
        detail={"image": ("update-replace", "a:1", "a:2")},
        planned=phase == "plan",
    )


def document(*events: Event) -> Any:
    out = io.StringIO()
    display = PreviewDocument(Masker(), CONFIG, out)
    display.begin("Previewing update (dev):")
    for event in events:
        display.sink(event)
    display.end()
    return json.loads(out.getvalue())


def lines(*events: Event, masker: Masker | None = None) -> list[Any]:
    out = io.StringIO()
    display = EventLines(masker or Masker(), CONFIG, out)
    display.begin("Updating (dev):")
    for event in events:
        display.sink(event)
    display.end()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_preview_is_one_document_with_the_clis_keys() -> None:
    said = document(
        replacement(), Summary(changes={Operation.REPLACE: 1, Operation.SAME: 2}, seconds=1.5, planned=True)
    )

    assert said["config"] == CONFIG
    assert said["duration"] == 1_500_000_000, "nanoseconds"
    assert said["changeSummary"] == {"replace": 1, "same": 2}
    (step,) = said["steps"]
    assert set(step) == {
        "op",
        "urn",
        "provider",
        "oldState",
        "newState",
        "diffReasons",
        "replaceReasons",
        "detailedDiff",
    }
    assert (step["op"], step["urn"], step["provider"]) == ("replace", URN, PROVIDER)
    assert (step["diffReasons"], step["replaceReasons"]) == (["image"], ["image"])
    assert step["detailedDiff"] == {"image": {"kind": "update-replace", "inputDiff": True}}
    assert step["oldState"]["inputs"]["image"] == "a:1"
    assert step["newState"]["inputs"] == {"image": "a:2", "envs": ["A=1", "[secret]"], "host": "[unknown]"}


def test_what_the_program_and_the_engine_say_is_among_the_diagnostics() -> None:
    said = document(
        Output("hello"),
        Diagnostic(severity="warning", message="careful", urn=URN),
        Diagnostic(severity="info", message="waiting", ephemeral=True),
        Diagnostic(severity="debug", message="inner"),
    )

    assert said["diagnostics"] == [
        {"message": "hello", "severity": "info"},
        {"urn": URN, "message": "careful", "severity": "warning"},
    ]


def test_a_preview_that_broke_off_still_is_a_document() -> None:
    assert document() == {"config": CONFIG, "steps": []}


def test_events_are_numbered_lines_with_the_clis_keys() -> None:
    said = lines(
        replacement("begin"),
        replacement("done"),
        Diagnostic(severity="error", message="no", urn=URN),
        Output("hello"),
        Summary(changes={Operation.REPLACE: 1}, seconds=2.7, failed=True),
    )

    assert [line["sequence"] for line in said] == list(range(len(said)))
    assert all(isinstance(line["timestamp"], int) for line in said)
    kinds = [next(key for key in line if key.endswith("Event")) for line in said]
    assert kinds == [
        "preludeEvent",
        "resourcePreEvent",
        "resOutputsEvent",
        "diagnosticEvent",
        "stdoutEvent",
        "summaryEvent",
        "cancelEvent",
    ]
    assert said[0]["preludeEvent"] == {"config": CONFIG}
    metadata = said[1]["resourcePreEvent"]["metadata"]
    assert (metadata["op"], metadata["keys"], metadata["diffs"]) == ("replace", ["image"], ["image"])
    assert metadata["detailedDiff"] == {"image": {"diffKind": "update-replace", "inputDiff": True}}
    assert metadata["new"]["id"] == "abc"
    assert said[3]["diagnosticEvent"] == {"urn": URN, "message": "no", "color": "never", "severity": "error"}
    assert said[5]["summaryEvent"]["resourceChanges"] == {"replace": 1}
    assert said[5]["summaryEvent"]["result"] == "failed"


def test_a_planned_step_is_both_announced_and_done() -> None:
    planned = [key for line in lines(replacement()) for key in line if key.startswith("res")]

    assert planned == ["resourcePreEvent", "resOutputsEvent"]


def test_a_failed_step_says_that_it_failed() -> None:
    assert "resOpFailedEvent" in lines(replacement("failed"))[1]


def test_no_document_holds_a_secret() -> None:
    events = (
        replacement(),
        Output("PASSWORD=hunter2! admin-user configured"),
        Diagnostic(severity="error", message=json.dumps({"env": "PASSWORD=hunter2!"})),
    )

    whole = json.dumps(document(*events)) + json.dumps(lines(*events, masker=Masker(["configured"])))

    assert "hunter2" not in whole
    assert "admin-user" not in whole
    assert "[secret] [secret] [secret]" in whole


@pytest.mark.parametrize("kind", [PreviewDocument, EventLines])
def test_a_reader_that_leaves_does_not_stop_the_run(kind: Any) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        display = kind(Masker(), CONFIG, out)
        display.begin("Updating (dev):")
        display.sink(replacement())
        display.end()


def test_what_policies_say_has_the_clis_keys() -> None:
    pack = {"urn": URN, "pack": "rules", "version": "1.0.0"}
    written = lines(
        PolicyPacksLoad(),
        PolicyViolation(**pack, policy="pinned", level="mandatory", message="Pin.\nlatest", severity="high"),
        PolicyRemediation(**pack, policy="shrink", before={"k": Secret("hunter2!")}, after={"k": 1}),
        PolicySummary(**pack, passed=("a",), failed=("pinned",)),
        PolicySummary(**{**pack, "urn": ""}, passed=(), failed=()),
        Summary(changes={}, seconds=1, failed=True, planned=True, policy_packs={"rules|local|p": "1.0.0"}),
    )
    named = {"policyPackName": "rules", "policyPackVersion": "1.0.0", "policyPackVersionTag": "1.0.0"}
    bodies = [{key: line[key] for key in line if key.endswith("Event")} for line in written]
    assert bodies[1:-1] == [
        {"policyLoadEvent": {}},
        {
            "policyEvent": {
                "resourceUrn": URN,
                "message": "Pin.\nlatest\n",
                "color": "never",
                "policyName": "pinned",
                "enforcementLevel": "mandatory",
                "severity": "high",
                **named,
            }
        },
        {
            "policyRemediationEvent": {
                "resourceUrn": URN,
                "color": "never",
                "policyName": "shrink",
                "before": {"k": "[secret]"},
                "after": {"k": 1},
                **named,
            }
        },
        {"policyAnalyzeSummaryEvent": {"resourceUrn": URN, "passed": ["a"], "failed": ["pinned"], **named}},
        {"policyAnalyzeStackSummaryEvent": {"passed": [], "failed": [], **named}},
        {
            "summaryEvent": {
                "maybeCorrupt": False,
                "durationSeconds": 1,
                "resourceChanges": {},
                "PolicyPacks": {"rules|local|p": "1.0.0"},
                "isPreview": True,
                "result": "failed",
            }
        },
    ]
