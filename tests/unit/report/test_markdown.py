"""The comment: its verdict, its tables, and that no text of a resource can break it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from markdown_it import MarkdownIt

from messaging.report import changes, markdown, values
from messaging.report.case import Case, Caution
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


def comment(one: Preview, **fields: Any) -> str:
    case = Case(
        preview=one, changes=changes.changes(one.steps), compared="Compared with the state.", **fields
    )
    return markdown.comment("prod", case)


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
        (preview(packs=()), "❌ judged by no policy"),
        (
            preview(
                Step(
                    operation="update",
                    urn=URN,
                    type=changes.PREFLIGHT,
                    old={"dockerHost": ""},
                    new={"dockerHost": "tcp://other:2375"},
                )
            ),
            "⚠️ 1 resource would be looked for elsewhere",
        ),
    ],
)
def test_the_verdict_is_the_gravest_thing(one: Preview, verdict: str) -> None:
    assert f"## Preview of `prod`: {verdict}\n" in comment(one)


def test_that_no_pack_ran_is_said_and_is_no_passing() -> None:
    text = comment(preview(packs=()))
    assert "### Policies: not judged\n\n**No policy pack ran.**" in text
    assert "no violation" not in text


def test_what_is_not_known_is_no_tick() -> None:
    unknown = Caution(short="a secret changes", text="The secret p is another one.")
    text = comment(preview(), cautions=[unknown])
    assert "## Preview of `prod`: ⚠️ a secret changes\n" in text
    assert "- ⚠️ The secret p is another one." in text
    assert "Nothing would change" not in comment(preview(), is_compared=False, cautions=[unknown])


def test_what_the_bases_policies_forbid_blocks() -> None:
    text = comment(preview(), by_base=[WEAK])
    assert "❌ blocked by 1 policy violation" in text
    assert "### Policies of the base: 1 mandatory" in text
    assert text.count("| mandatory | `topic-min-isr` | metrics-topic | metrics has 1; at least 2. |") == 1


def test_what_a_check_refuses_stands_first() -> None:
    refusal = Message(severity="error", text="a node keeps its roles", urn="a::kafka-identity")
    text = comment(preview(update(old={"a": 1}, new={"a": 2})), refusals=[refusal])
    assert "❌ refused: 1 error" in text
    assert text.index("kafka-identity: a node keeps its roles") < text.index("| dynamic | 1 |")


def test_what_was_let_through_or_could_not_be_asked_is_told() -> None:
    accepted = "accepted by messaging:overrides: metrics partitions 2 -> 1, because Ada said so"
    unasked = "the Docker engine at tcp://h:2375 does not answer"
    text = comment(
        preview(
            messages=(
                Message(severity="info", text=unasked),
                Message(severity="info", text=unasked),
                Message(severity="debug", text="chatter"),
                Message(severity="warning", text=accepted, urn=URN),
            )
        )
    )
    (_, said) = text.split("### What the preview says")
    assert said.index(accepted) < said.index(unasked)
    assert said.count(unasked) == 1
    assert "chatter" not in text


def test_what_only_checks_is_listed_folded() -> None:
    gate = Step(
        operation="update",
        urn=f"{URN}2",
        type="pulumi-python:dynamic/messaging:BrokerGate",
        old={"timeoutSeconds": 1},
        new={"timeoutSeconds": 2},
    )
    text = comment(preview(gate))
    assert "✅ no change" in text
    assert "| check | BrokerGate `metrics-topic2` | `timeoutSeconds`: `1` → `2` |" in text


def test_environments_and_labels_differ_by_name() -> None:
    old = {"envs": ["A=1", "B=2"], "labels": [{"label": "l", "value": "x"}], "command": ["run", "a"]}
    new = {"envs": ["B=3", "C=4"], "labels": [{"label": "l", "value": "y"}], "command": ["run", "b"]}
    assert list(values.differences(old, new)) == [
        ("command[1]", "a", "b"),
        ("envs.A", "1", None),
        ("envs.B", "2", "3"),
        ("envs.C", None, "4"),
        ("labels.l", "x", "y"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            {"ports": [{"internal": 1, "ip": "a"}, {"internal": 2, "ip": "a"}]},
            {"ports": [{"internal": 2, "ip": "b"}, {"internal": 1, "ip": "a"}]},
            [("ports (order)", ["1", "2"], ["2", "1"]), ("ports.2.ip", "a", "b")],
        ),
        ({"command": ["a", "b"]}, {"command": ["b"]}, [("command", ["a"], None)]),
        (
            {"schema": '{"fields":[{"name":"id","type":"string"}]}'},
            {"schema": '{"fields":[{"name":"id","type":"string"},{"name":"at","type":"long"}]}'},
            [("schema.fields.at", None, {"name": "at", "type": "long"})],
        ),
    ],
)
def test_lists_and_documents_differ_where_they_differ(old: Any, new: Any, expected: Any) -> None:
    assert list(values.differences(old, new)) == expected


def test_long_values_are_cut_around_what_differs() -> None:
    long = "x" * 100
    before, after = values.pair(f"{long}a{long}", f"{long}b{long}").split(" → ")
    assert before != after
    assert "…xxxxx" in before
    assert "xa" in before
    assert "xb" in after


def test_no_text_is_markup() -> None:
    bad = "v` @everyone <details><summary> ![x](http://evil/x.png) | *b* #1"
    hidden = "a\u202eb"
    text = comment(
        preview(
            update(old={"a": "x"}, new={"a": bad}),
            violations=(Violation(policy="p", level="advisory", message=f"head\n{bad}{hidden}", urn="a::b"),),
            messages=(Message(severity="error", text=f"```\n{bad}"),),
        )
    )
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    prose = re.sub(r"(?s)<code.*?</code>", "", shown)
    assert "<img" not in shown
    assert "<em>" not in shown
    assert prose.count("<summary>") == text.count("</summary>")
    assert not re.search(r"@\w", prose)
    assert "\u202e" not in text


def test_text_of_a_resource_cannot_break_a_table() -> None:
    text = comment(preview(update(old={"name": "a"}, new={"name": "b|c\nd" + "e" * 100})))
    (row,) = [line for line in text.splitlines() if "metrics-topic" in line]
    assert "b\\|c d" in row
    assert "e…`" in row


def test_a_report_of_whatever_length_fits_and_keeps_the_gravest() -> None:
    long = "<@|`" * 500
    steps = [
        Step(
            operation=operation,
            urn=f"{URN}{n}",
            type=type_,
            old={f"k{k}{long}": long for k in range(9)},
            new={f"k{k}{long}": f"{long}2" for k in range(9)},
        )
        for n in range(70)
        for operation, type_ in (("update", changes.TOPIC), ("update", changes.SUBJECT), ("delete", "x:y:Z"))
    ]
    many = [Violation(policy=long, level="mandatory", message=long, urn=f"a::{n}") for n in range(300)]
    said = [
        Message(severity=severity, text=f"{n}{long}", urn=f"messaging:Subject::{n}{long}" if n % 2 else "")
        for n in range(300)
        for severity in ("error", "info", "warning")
    ]
    text = comment(
        preview(*steps, violations=(*many, *[REMARK] * 300), messages=tuple(said), packs=(long,) * 50),
        by_base=many,
        cautions=[Caution(short="s", text=long)] * 300,
    )
    assert len(text) < 60_000
    assert "| destroy |" in text
    assert "more errors" in text
    assert markdown.marker("prod") == text.splitlines()[0]


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
    assert "no violation" not in markdown.drift_report("prod", preview(failed=True, packs=()), [])
    still = markdown.drift_report("prod", preview(), [])
    assert "## Drift of `prod`: ✅ no drift" in still
    assert "Everything was found as the state knows it." in still
