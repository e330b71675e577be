"""The comment: its verdict, its tables, and that no text of a resource can break it."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.report import changes, markdown
from messaging.report.preview import Message, Preview, Step, Violation

URN = f"urn:pulumi:prod::messaging::messaging:index:EventStream${changes.TOPIC}::metrics-topic"
CATALOGUE = "urn:pulumi:prod::messaging::pulumi-python:dynamic/messaging:CatalogueCheck::streams"
WEAK = Violation(
    policy="topic-min-isr", level="mandatory", message="Enough replicas.\nmetrics has 1; at least 2.", urn=URN
)
REMARK = Violation(
    policy="external-tls", level="advisory", message="Clients speak TLS.\nkafka-1 does not.", urn=URN
)


def update(**fields: Any) -> Step:
    return Step(operation="update", urn=URN, type=changes.TOPIC, **fields)


def preview(*steps: Step, **fields: Any) -> Preview:
    given: dict[str, Any] = {
        "violations": (),
        "messages": (),
        "packs": ("guardrails 1.0.0",),
        "failed": False,
    }
    return Preview(steps=steps, **{**given, **fields})


def comment(one: Preview) -> str:
    return markdown.comment("prod", one, changes.changes(one.steps), "Compared with the state.")


def test_a_comment_says_what_changes_how_and_compared_with_what() -> None:
    old = {"config": {"retention.ms": "1000", "min.insync.replicas": "2"}}
    new = {"config": {"retention.ms": "2000", "min.insync.replicas": "2"}}
    text = comment(preview(update(old=old, new=new)))

    assert text.splitlines()[:4] == [
        "<!-- messaging preview-report prod -->",
        "## Preview of `prod`: ✅ 1 change",
        "",
        "Compared with the state.",
    ]
    assert "| dynamic | 1 | takes effect while everything runs |" in text
    assert "| dynamic | Topic `metrics-topic` | `config.retention.ms`: `1000` → `2000` |" in text
    assert "### Policies: no violation\n\nRan: guardrails 1.0.0." in text
    assert "### Schemas: unchanged" in text


def test_violations_stand_with_resource_and_words_the_mandatory_ones_open() -> None:
    text = comment(preview(violations=(REMARK, WEAK), failed=True))

    assert "## Preview of `prod`: ❌ blocked by 1 policy violation" in text
    assert "### Policies: 1 mandatory, 1 remark" in text
    assert "| mandatory | `topic-min-isr` | metrics-topic | metrics has 1; at least 2. |" in text
    assert (
        text.index("topic-min-isr")
        < text.index("<details><summary>1 remark</summary>")
        < text.index("external-tls")
    )


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (preview(), "✅ no change"),
        (preview(failed=True), "❌ failed"),
        (preview(Step(operation="delete", urn=URN, type=changes.TOPIC)), "⚠️ 1 resource would go"),
        (
            preview(
                Step(
                    operation="update", urn=URN, type=changes.TOPIC, new={"config": {"retention.bytes": "1"}}
                )
            ),
            "⚠️ 1 change would delete messages",
        ),
        (preview(violations=(REMARK,)), "✅ no change"),
    ],
)
def test_the_verdict_is_the_gravest_thing(one: Preview, verdict: str) -> None:
    assert f"## Preview of `prod`: {verdict}\n" in comment(one)


def test_that_no_pack_ran_is_said() -> None:
    assert "**No policy pack ran.**" in comment(preview(packs=()))


def test_environments_and_labels_differ_by_name() -> None:
    old = {"envs": ["A=1", "B=2"], "labels": [{"label": "l", "value": "x"}], "command": ["run", "a"]}
    new = {"envs": ["B=3", "C=4"], "labels": [{"label": "l", "value": "y"}], "command": ["run", "b"]}
    assert list(markdown.differences(old, new)) == [
        ("command", ["run", "a"], ["run", "b"]),
        ("envs.A", "1", None),
        ("envs.B", "2", "3"),
        ("envs.C", None, "4"),
        ("labels.l", "x", "y"),
    ]


def test_text_of_a_resource_cannot_break_a_table() -> None:
    text = comment(preview(update(old={"name": "a"}, new={"name": "b|c\nd" + "e" * 100})))
    (row,) = [line for line in text.splitlines() if "metrics-topic" in line]
    assert "b\\|c d" in row
    assert "e…`" in row


def test_what_is_left_out_is_counted() -> None:
    many = [Step(operation="create", urn=f"{URN}{n}", type=changes.TOPIC) for n in range(100)]
    text = comment(preview(*many))
    assert "| and 40 more |  |  |" in text
    assert len(text) < 65_536


def test_schemas_have_a_verdict_each() -> None:
    subject = Step(
        operation="update",
        urn=URN,
        type=changes.SUBJECT,
        old={"subject": "metrics-value", "schema": "a"},
        new={"subject": "metrics-value", "schema": "b", "compatibility": "BACKWARD"},
    )
    assert "| `metrics-value` | BACKWARD | passed the check of this preview |" in comment(preview(subject))

    refused = Message(severity="error", text="metrics-value: not BACKWARD compatible", urn=CATALOGUE)
    text = comment(preview(subject, messages=(refused,), failed=True))
    assert "### Schemas: refused" in text
    assert "| `metrics-value` | BACKWARD | refused |" in text
    assert "- metrics-value: not BACKWARD compatible" in text


def test_what_failed_stands_with_its_resource() -> None:
    text = comment(
        preview(messages=(Message(severity="error", text="it is protected", urn=URN),), failed=True)
    )
    assert "### What failed\n\n```text\nmetrics-topic: it is protected\n```" in text


def test_drift_says_what_was_found_and_what_an_update_would_do() -> None:
    found = Step(
        operation="refresh",
        urn=URN,
        type=changes.TOPIC,
        old={"partitions": 6},
        new={"partitions": 7},
        changed=("partitions",),
    )
    gone = Step(operation="refresh", urn=f"{URN}2", type=changes.TOPIC, gone=True)
    mend = Step(operation="create", urn=f"{URN}2", type=changes.TOPIC)
    one = preview(found, gone, mend)
    text = markdown.drift_report("prod", one, changes.changes(one.steps))

    assert "## Drift of `prod`: ⚠️ drifted" in text
    assert "| Topic `metrics-topic` | `partitions`: `6` → `7` |" in text
    assert "| Topic `metrics-topic2` | it is gone |" in text
    assert "### What an update would do about it" in text
    still = markdown.drift_report("prod", preview(), [])
    assert "## Drift of `prod`: ✅ no drift" in still
    assert "Everything was found as the state knows it." in still
