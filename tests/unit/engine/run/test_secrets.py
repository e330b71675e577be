"""Secrets stay secret through providers, and values that preview cannot know reach them in preview alone."""

from __future__ import annotations

from typing import Any

import pytest

from engine import values
from engine.events import Diagnostic
from engine.values import UNKNOWN, Output, Secret
from tests.unit.engine.run.programs import one


@pytest.mark.parametrize("accepts", [True, False], ids=["that takes secrets", "that does not"])
def test_a_secret_stays_secret_through_a_provider(accepts: bool, stack: Any, world: Any) -> None:
    world.accepts_secrets = accepts
    inputs = {
        "plain": 1,
        "top": Secret("s1"),
        "deep": {"in": {"it": Secret("s2")}},
        "list": [1, Secret("s3")],
    }
    stack.up(one(inputs))
    kept = stack.find("a")

    assert values.reveal(kept.inputs) == {"default": "here", **values.reveal(inputs)}
    for found in (kept.inputs, kept.outputs):
        assert found["top"] == Secret("s1")
        assert found["deep"]["in"]["it"] == Secret("s2")
        assert values.contains_secret(found["list"])
        assert found["plain"] == 1
    for method, request in world.requests:
        if method in ("check", "create") and request.name == "a":
            sent = request.news if method == "check" else request.properties
            assert values.contains_secret(values.from_struct(sent)) is accepts


@pytest.mark.parametrize("preview", [True, False])
def test_a_secret_that_the_provider_quotes_when_it_refuses_is_hidden(preview: bool, stack: Any) -> None:
    program = one({"refuse": Secret("hunter2secret")})
    done = stack.preview(program) if preview else stack.up(program)
    assert done.shown(Diagnostic) == ["refuse: [secret]\nand more"]


@pytest.mark.parametrize("accepts", [True, False], ids=["that takes secrets", "that does not"])
def test_what_becomes_secret_without_a_change_is_secret_in_the_outputs_too(
    accepts: bool, stack: Any, world: Any
) -> None:
    world.accepts_secrets = accepts
    stack.up(one({"shrug": 1, "config": {"k": "hunter22", "other": 1}, "list": ["hunter23", 1], "top": "t"}))
    secret = {"config": {"k": Secret("hunter22"), "other": 1}, "list": [Secret("hunter23"), 1]}
    done = stack.up(one({"shrug": 1, **secret, "top": Secret("t")}))

    assert done.steps == ["same a"]
    kept = stack.find("a").outputs
    assert kept["config"] == {"k": Secret("hunter22"), "other": 1}
    assert (kept["list"], kept["top"]) == (Secret(["hunter23", 1]), Secret("t"))


def test_outputs_that_the_program_calls_secret_are(stack: Any) -> None:
    stack.up(one({"x": 1}, additional_secret_outputs=("made",)))
    assert stack.find("a").outputs["made"] == Secret("made-1")


def test_secret_configuration_reaches_a_provider_as_a_secret(stack: Any, world: Any) -> None:
    stack.config = {"docker:host": "tcp://h", "docker:key": "k", "tiny:other": "o"}
    stack.secret_keys = ["docker:key"]
    stack.up(one({"x": 1}, version="5.1.0"))
    (provider,) = [one for one in stack.state.resources if one.type == "pulumi:providers:docker"]
    assert provider.urn.endswith("::default_5_1_0")
    assert provider.inputs == {"host": "tcp://h", "key": Secret("k"), "version": "5.1.0", "__internal": {}}
    assert "__internal" not in provider.outputs
    (configured,) = [request for method, request in world.requests if method == "configure"]
    assert values.from_struct(configured.args)["key"] == Secret("k")


def test_an_unknown_value_reaches_the_provider_in_preview_alone(stack: Any, world: Any) -> None:
    def program(program: Any) -> None:
        a = program.thing("a")
        program.thing("b", from_={"x": a})

    stack.preview(program)
    (check,) = [request for method, request in world.requests if method == "check" and request.name == "b"]
    assert values.from_struct(check.news)["x"] is UNKNOWN
    world.requests.clear()
    stack.up(program)
    (check,) = [request for method, request in world.requests if method == "check" and request.name == "b"]
    assert values.from_struct(check.news)["x"] == "made-1"


def test_a_provider_that_does_not_simulate_shows_the_inputs_in_preview(stack: Any, world: Any) -> None:
    world.simulates = False
    seen = {}
    stack.preview(lambda program: seen.update(program.thing("a", {"x": 1}).outputs))
    assert seen == {"default": "here", "x": 1}


def test_a_provider_that_is_not_configured_yet_is_asked_nothing(stack: Any, world: Any) -> None:
    def program(program: Any) -> None:
        a = program.thing("a")
        p = program.provider("p", {"host": a.outputs.get("made", UNKNOWN)}, dependencies=(a.urn,))
        program.thing("b", {"x": 1}, provider=f"{p.urn}::{p.id}")

    planned = stack.preview(program)
    assert "create b" in planned.steps
    assert not [request for method, request in world.requests if method == "check" and request.name == "b"]
    assert not planned.result.failed
    done = stack.up(program)
    assert sorted(done.steps) == sorted(planned.steps)

    # Replaced, its output is unknown in preview, and with it the configuration.
    def changed(program: Any) -> None:
        a = program.thing("a", {"force": 1})
        p = program.provider("p", {"host": a.outputs.get("made", UNKNOWN)}, dependencies=(a.urn,))
        program.thing("b", {"x": 1}, provider=f"{p.urn}::{p.id}")

    planned = stack.preview(changed)
    assert "update b" in planned.steps
    assert any("not known during preview" in message for message in planned.messages)


def test_output_values_in_inputs_count_as_dependencies() -> None:
    from pulumi.runtime.proto import resource_pb2

    from engine.program import goal

    made = Output("m", secret=True, dependencies=frozenset({"urn:pulumi:dev::p::t:i:T::other"}))
    request = resource_pb2.RegisterResourceRequest(
        type="docker:index:Thing", name="a", custom=True, object=values.to_struct({"x": [made], "y": 1})
    )
    read = goal.read(request)
    assert read.inputs == {"x": [Secret("m")], "y": 1}
    assert read.property_dependencies == {"x": ("urn:pulumi:dev::p::t:i:T::other",), "y": ()}
