"""How operations, values and differences read."""

from __future__ import annotations

from typing import Any

import pytest

from engine.display import rendering
from engine.display.masking import Masker
from engine.events import Operation, StepEvent, Summary
from engine.resource import Resource
from engine.values import UNKNOWN, Output, ResourceReference, Secret

URN = "urn:pulumi:dev::shop::messaging:index:KafkaNode$docker:index/container:Container::kafka-1"


def step(operation: Operation, phase: Any = "plan", **fields: Any) -> StepEvent:
    fields.setdefault("planned", phase == "plan")
    return StepEvent(
        phase=phase, operation=operation, urn=URN, type="docker:index/container:Container", **fields
    )


def resource(**inputs: Any) -> Resource:
    return Resource(URN, "docker:index/container:Container", inputs=inputs)


def difference(old: Resource | None, new: Resource | None, **fields: Any) -> list[str]:
    operation = Operation.UPDATE if old and new else Operation.CREATE if new else Operation.DELETE
    masker = fields.pop("masker", Masker())
    return list(rendering.difference(step(operation, old=old, new=new, **fields), masker))[1:]


@pytest.mark.parametrize(
    ("type_", "short"),
    [
        ("docker:index/container:Container", "docker:Container"),
        ("kafka:index/topic:Topic", "kafka:Topic"),
        ("aws:s3/bucket:Bucket", "aws:s3:Bucket"),
        ("messaging:index:KafkaCluster", "messaging:KafkaCluster"),
        ("pulumi:pulumi:Stack", "pulumi:pulumi:Stack"),
        ("pulumi:providers:docker", "pulumi:providers:docker"),
    ],
)
def test_types_are_shown_as_people_know_them(type_: str, short: str) -> None:
    assert rendering.short_type(f"urn:pulumi:dev::shop::{type_}::x") == short


@pytest.mark.parametrize(
    ("name", "path"), [("a.b", '["a.b"]'), ('say "x"', r'["say \"x\""]'), ("m", "m.inner"), ("m", "m[0]")]
)
def test_a_property_is_shown_once_however_its_path_is_written(name: str, path: str) -> None:
    old, new = resource(**{name: "1"}), resource(**{name: "2"})

    shown = difference(old, new, detail={path: ("update", "1", "2")})

    assert shown == [f'     ~ {name}: "1" => "2"']


@pytest.mark.parametrize("operation", list(Operation))
def test_every_operation_can_be_shown_in_every_phase(operation: Operation) -> None:
    for phase in ("plan", "begin", "done", "failed"):
        event = step(operation, phase)
        line = rendering.line(event)
        assert "docker:Container kafka-1" in line
        assert line.startswith(f" {rendering.SYMBOLS[operation]}")


def test_a_line_says_what_happens_to_which_resource_and_how_long_it_took() -> None:
    changed = step(Operation.UPDATE, "done", seconds=75.4, changed=("envs", "command"))

    assert rendering.line(changed) == " ~  docker:Container kafka-1 updated (1m15s) [diff: ~command,~envs]"
    assert rendering.line(step(Operation.CREATE, "begin")) == " +  docker:Container kafka-1 creating"
    assert rendering.line(step(Operation.DELETE)) == " -  docker:Container kafka-1 delete"
    assert rendering.line(step(Operation.CREATE, "failed", seconds=3)).endswith("creating failed (3s)")


def test_a_difference_names_what_is_added_removed_and_changed_and_nothing_else() -> None:
    lines = difference(
        resource(image="a:1", gone=True, same=[1], nested={"a": 1}),
        resource(image="a:2", same=[1], nested={"a": 1, "b": UNKNOWN}, added="x"),
        replacing=("image",),
    )

    assert lines == [
        '     + added: "x"',
        "     - gone: true",
        '     ~ image: "a:1" => "a:2" (forces replacement)',
        '     ~ nested: {"a": 1} => {"a": 1, "b": "[unknown]"}',
    ]


def test_creations_and_deletions_show_all_inputs() -> None:
    assert difference(None, resource(name="x")) == ['     + name: "x"']
    assert difference(resource(name="x"), None) == ['     - name: "x"']


def test_a_changed_secret_is_shown_as_changed_and_not_as_what_it_is() -> None:
    lines = difference(resource(password=Secret("old-one")), resource(password=Secret("new-one")))

    assert lines == ['     ~ password: "[secret]" => "[secret]"']


def test_a_value_cut_short_does_not_show_half_a_secret() -> None:
    secret = "s3cr3t" * 50
    text = "x" * 300 + secret

    (line,) = difference(None, resource(script=text), masker=Masker([secret]))

    assert "s3cr3t" not in line
    assert "[secret]" in line


def test_drift_among_the_outputs_is_shown_where_the_inputs_agree() -> None:
    detail = {"stopTimeout": ("update", 60, 10), "labels[0].value": ("add", None, "x")}

    lines = difference(resource(image="a"), resource(image="a"), detail=detail)

    assert lines == ['     + labels[0].value: "x"', "     ~ stopTimeout: 60 => 10"]


def test_values_are_shown_with_secrets_hidden_and_the_unknown_named() -> None:
    value = {
        "secret": Secret({"a": 1}),
        "list": [Output("x", secret=True), Output(UNKNOWN)],
        "reference": ResourceReference("urn:pulumi:a", "id-1"),
        "component": ResourceReference("urn:pulumi:b"),
    }

    assert rendering.plainly(value) == {
        "secret": "[secret]",
        "list": ["[secret]", "[unknown]"],
        "reference": "id-1",
        "component": "urn:pulumi:b",
    }
    assert rendering.plainly(value, show_secrets=True)["secret"] == {"a": 1}


def test_outputs_stand_below_each_other_in_order() -> None:
    assert rendering.outputs({"url": "localhost:9092", "a": Secret("x"), "ports": [1]}) == [
        "Outputs:",
        "    a    : [secret]",
        "    ports: [\n        1\n    ]",
        '    url  : "localhost:9092"',
    ]
    assert rendering.outputs({}) == []


def test_the_summary_counts_what_people_count() -> None:
    changes = {Operation.CREATE: 2, Operation.SAME: 5, Operation.CREATE_REPLACEMENT: 1, Operation.REPLACE: 1}

    assert rendering.summary(Summary(changes=changes, seconds=61)) == [
        "Resources:",
        "    + 2 created",
        "    +- 1 replaced",
        "    3 changes. 5 unchanged",
        "",
        "Duration: 1m1s",
    ]
    assert rendering.summary(Summary(changes={Operation.DELETE: 1}, seconds=1, planned=True)) == [
        "Resources:",
        "    - 1 to delete",
        "    1 change",
    ]
    assert rendering.summary(Summary(changes={}, seconds=0, planned=True))[1] == "    0 unchanged"
