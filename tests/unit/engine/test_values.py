"""Property values: there and back over the wire, and what is asked of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from engine import values
from engine.errors import Unsupported
from engine.values import UNKNOWN, Output, ResourceReference, Secret

URN = "urn:pulumi:dev::shop::kafka:index/topic:Topic::orders"
OTHER = "urn:pulumi:dev::shop::kafka:index/topic:Topic::returns"

text = st.text(st.characters(exclude_categories=["Cs"]))
keys = text.filter(lambda key: key != values.SIGNATURE)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: not number.is_integer()
)
plain = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
references = st.builds(
    ResourceReference, st.just(URN), st.sampled_from(["", "an-id", UNKNOWN]), st.sampled_from(["", "5.1.0"])
)
outputs = st.builds(
    Output,
    st.just(UNKNOWN) | plain,
    st.booleans(),
    st.frozensets(st.sampled_from([URN, OTHER])),
)
anything = st.recursive(
    plain | st.just(UNKNOWN) | references | outputs,
    lambda inner: (
        st.builds(Secret, inner) | st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(keys, anything, max_size=5))
def test_every_value_comes_back_from_the_wire_as_it_was(given_values: dict[str, Any]) -> None:
    assert values.from_struct(values.to_struct(given_values)) == given_values


@given(anything)
def test_a_flat_value_has_no_outputs_and_keeps_what_is_secret_and_unknown(value: Any) -> None:
    flat = values.flatten(value)

    assert "Output(" not in repr(flat)
    assert values.contains_unknown(flat) == values.contains_unknown(value)


@given(anything)
def test_a_revealed_value_holds_no_secret(value: Any) -> None:
    assert not values.contains_secret(values.reveal(value))


def test_the_wire_form_is_the_protocols() -> None:
    struct = ParseDict(
        {
            "secret": {values.SIGNATURE: values.SECRET, "value": "hunter2"},
            "unknown": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
            "unknownList": "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
            "output": {values.SIGNATURE: values.OUTPUT, "value": 3, "secret": True, "dependencies": [URN]},
            "later": {values.SIGNATURE: values.OUTPUT, "dependencies": [URN]},
            "reference": {values.SIGNATURE: values.REFERENCE, "urn": URN, "id": "orders"},
            "whole": 7.0,
            "half": 7.5,
        },
        Struct(),
    )

    assert values.from_struct(struct) == {
        "secret": Secret("hunter2"),
        "unknown": UNKNOWN,
        "unknownList": UNKNOWN,
        "output": Output(3, secret=True, dependencies=frozenset({URN})),
        "later": Output(UNKNOWN, dependencies=frozenset({URN})),
        "reference": ResourceReference(URN, "orders"),
        "whole": 7,
        "half": 7.5,
    }
    assert isinstance(values.from_struct(struct)["whole"], int)


def test_a_receiver_that_knows_no_secrets_outputs_or_references_gets_plain_values() -> None:
    sent = values.to_struct(
        {
            "secret": Secret([Secret("a")]),
            "output": Output("b", secret=True, dependencies=frozenset({URN})),
            "later": Output(UNKNOWN, secret=True),
            "component": ResourceReference(URN),
            "custom": ResourceReference(URN, "orders"),
        },
        secrets=False,
        outputs=False,
        references=False,
    )

    assert values.from_struct(sent) == {
        "secret": ["a"],
        "output": "b",
        "later": UNKNOWN,
        "component": URN,
        "custom": "orders",
    }


def test_an_output_stays_secret_for_a_receiver_that_knows_secrets_but_no_outputs() -> None:
    sent = values.to_struct({"password": Output("b", secret=True)}, outputs=False)

    assert values.from_struct(sent) == {"password": Secret("b")}


def test_unknown_members_are_left_out_for_a_receiver_that_knows_none() -> None:
    sent = values.to_struct({"a": UNKNOWN, "b": [UNKNOWN, 1], "c": Output(UNKNOWN)}, unknowns=False)

    assert values.from_struct(sent) == {"b": [1]}


@pytest.mark.parametrize("signature", [values.ASSET, values.ARCHIVE])
def test_assets_are_refused_by_name(signature: str) -> None:
    struct = ParseDict({"code": {values.SIGNATURE: signature, "text": "x"}}, Struct())

    with pytest.raises(Unsupported, match="Assets and archives are not supported"):
        values.from_struct(struct)


def test_a_signature_from_the_future_is_refused_and_not_passed_on() -> None:
    struct = ParseDict({"new": {values.SIGNATURE: "feedface"}}, Struct())

    with pytest.raises(Unsupported, match="feedface"):
        values.from_struct(struct)


def test_dependencies_are_found_wherever_they_hide() -> None:
    value = {
        "a": [Output({"b": ResourceReference(OTHER)}, dependencies=frozenset({URN}))],
        "c": Secret(Output(1, dependencies=frozenset({URN}))),
    }

    assert values.dependencies_of(value) == {URN, OTHER}


@pytest.mark.parametrize(
    ("inputs", "outputs_given", "expected"),
    [
        ({"a": Secret(1)}, {"a": 1, "b": 2}, {"a": Secret(1), "b": 2}),
        ({"a": {"x": Secret(1), "y": 2}}, {"a": {"x": 1, "y": 2}}, {"a": {"x": Secret(1), "y": 2}}),
        ({"a": [Secret(1), 2]}, {"a": [2, 1]}, {"a": Secret([2, 1])}),
        ({"a": [{"x": Secret(1)}]}, {"a": [{"x": 1}]}, {"a": Secret([{"x": 1}])}),
        ({"a": Secret(1)}, {"a": Secret(1)}, {"a": Secret(1)}),
        ({"a": Secret(1)}, {}, {}),
        ({"a": Output(1, secret=True)}, {"a": 1}, {"a": Secret(1)}),
    ],
    ids=["top level", "in an object", "in an array", "deep in an array", "once", "gone", "output"],
)
def test_a_provider_without_secrets_cannot_lose_them(
    inputs: dict[str, Any], outputs_given: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert values.remark_secrets(outputs_given, inputs) == expected


def test_no_text_form_of_a_value_tells_a_secret() -> None:
    assert "hunter2" not in repr({"a": Secret("hunter2"), "b": [Output("hunter2", secret=True)]})


def test_there_is_one_unknown_however_often_it_is_copied() -> None:
    assert values.Unknown() is UNKNOWN
    assert copy.deepcopy({"a": UNKNOWN})["a"] is UNKNOWN


def test_what_is_no_property_value_is_refused() -> None:
    with pytest.raises(TypeError, match="set is no property value"):
        values.to_struct({"a": {1, 2}})
