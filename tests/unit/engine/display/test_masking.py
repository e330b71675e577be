"""Secrets stay hidden, in whatever form a text shows them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.display.masking import MASK, SHORTEST, Masker
from engine.events import Inputs, Operation, Outputs, StepEvent
from engine.resource import Resource
from engine.values import Output, Secret

SECRETS = st.text(min_size=SHORTEST).filter(lambda text: len(text.strip()) >= SHORTEST)
PEM = "-----BEGIN KEY-----\nMIIEvQIBADAN\n  Bgkqhkig9w0B  \n-----END KEY-----\n"


@given(SECRETS, st.text("xyz "), st.text("xyz "))
def test_a_known_secret_never_stands_in_a_masked_text(secret: str, before: str, after: str) -> None:
    shown = Masker([secret]).mask(f"{before}{secret}{after}")

    assert secret not in shown.replace(MASK, "\0")


@given(SECRETS)
def test_a_secret_is_hidden_in_json_and_in_json_inside_json(secret: str) -> None:
    inner = json.dumps({"password": secret})

    shown = Masker([secret]).mask(json.dumps({"environment": inner}))

    assert json.loads(json.loads(shown)["environment"]) == {"password": MASK}


def test_json_that_keeps_its_letters_hides_a_secret_too() -> None:
    secret = 'sésame "ouvre-toi"'

    assert Masker([secret]).mask(json.dumps([secret], ensure_ascii=False)) == f'["{MASK}"]'


def test_each_line_of_a_secret_is_hidden_by_itself() -> None:
    masker = Masker([PEM])

    assert masker.mask(PEM) == MASK
    assert [masker.mask(f"key: {line}") for line in ("MIIEvQIBADAN", "Bgkqhkig9w0B")] == [f"key: {MASK}"] * 2


def test_brackets_of_a_secret_document_are_no_secrets() -> None:
    masker = Masker([json.dumps({"user": {"name": "admin"}}, indent=4)])

    assert masker.mask('{\n    "a": {\n    }\n}') == '{\n    "a": {\n    }\n}'


def test_a_secret_too_short_to_be_one_leaves_the_text_readable() -> None:
    assert Masker(["1", "ab"]).mask("1 of 10 tabs") == "1 of 10 tabs"


def test_a_secret_inside_another_one_leaves_nothing_of_it_standing() -> None:
    assert Masker(["horse", "correct horse battery"]).mask("correct horse battery") == MASK


def test_what_stands_for_a_secret_is_not_masked_again() -> None:
    assert Masker(["secret", "abcdef"]).mask("abcdef and secret") == f"{MASK} and {MASK}"


def test_secrets_are_learnt_from_anywhere_inside_a_value() -> None:
    masker = Masker()
    masker.learn(
        {
            "plain": "visible",
            "list": [{"deep": Secret("in-a-list")}],
            "object": Secret({"user": "hidden-user", "tokens": ["hidden-token"]}),
            "output": Output("from-output", secret=True),
            "nested": Output({"inner": Secret("in-output")}),
        }
    )

    text = "visible in-a-list hidden-user hidden-token from-output in-output"

    assert masker.mask(text) == f"visible {' '.join([MASK] * 5)}"


def test_secrets_are_learnt_from_a_steps_resources_and_from_outputs() -> None:
    def resource(old_or_new: str) -> Resource:
        return Resource(
            "urn:x",
            "x",
            inputs={"in": Secret(f"{old_or_new}-input")},
            outputs={"out": Secret(f"{old_or_new}-output")},
        )

    masker = Masker()
    masker.learn_event(
        StepEvent(
            phase="done",
            operation=Operation.UPDATE,
            urn="urn:x",
            type="x",
            old=resource("old"),
            new=resource("new"),
        )
    )
    masker.learn_event(Outputs({"a": Secret("before-it")}, {"a": Secret("after-it")}))

    shown = masker.mask("old-input old-output new-input new-output before-it after-it")

    assert shown == " ".join([MASK] * 6)


def test_secrets_are_learnt_from_what_the_program_gives_before_there_is_a_step() -> None:
    masker = Masker()
    masker.learn_event(Inputs({"options": {"password": Secret("hunter2secret")}, "name": "plain"}))

    assert masker.mask("plain: hunter2secret is not allowed") == f"plain: {MASK} is not allowed"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_document_without_secrets_stays_as_it_is(document: Any) -> None:
    assert Masker(["not to be found anywhere"]).mask_document(document) == document


def test_a_document_keeps_its_shape_whatever_a_secret_looks_like() -> None:
    masker = Masker(['", "', "12345", "tru"])

    masked = masker.mask_document({"tru": [12345, 1, True, 'a", "b'], "x": {"y": "12345"}})

    assert masked == {"tru": [MASK, 1, True, f"a{MASK}b"], "x": {"y": MASK}}


def test_a_secret_that_is_a_word_of_an_event_hides_no_word_of_one() -> None:
    masker = Masker(["mandatory", "failed", "kafka", "two", "error", "update"])
    event = {
        "policyEvent": {"enforcementLevel": "mandatory", "policyName": "kafka-x", "message": "kafka is bad"},
        "diagnosticEvent": {"severity": "error", "message": "an error"},
        "summaryEvent": {"result": "failed"},
        "metadata": {
            "op": "update",
            "urn": "a::kafka-1",
            "new": {"inputs": {"mode": "two", "op": "update"}},
        },
    }

    masked = masker.mask_document(event)

    assert masked == {
        "policyEvent": {
            "enforcementLevel": "mandatory",
            "policyName": "kafka-x",
            "message": f"{MASK} is bad",
        },
        "diagnosticEvent": {"severity": "error", "message": f"an {MASK}"},
        "summaryEvent": {"result": "failed"},
        "metadata": {
            "op": "update",
            "urn": "a::kafka-1",
            "new": {"inputs": {"mode": MASK, "op": MASK}},
        },
    }


def test_paths_of_properties_are_masked_and_the_kind_of_their_change_is_not() -> None:
    masker = Masker(["hunter2", "update"])
    step = {"detailedDiff": {'config["hunter2"]': {"kind": "update"}}, "diffReasons": ["hunter2"]}

    assert masker.mask_document(step) == {
        "detailedDiff": {f'config["{MASK}"]': {"kind": "update"}},
        "diffReasons": [MASK],
    }
