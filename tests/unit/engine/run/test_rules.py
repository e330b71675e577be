"""Protection, secrets, unknown values, failures and what a failed or killed run left behind."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from engine import urn as urns
from engine import values
from engine.events import Diagnostic
from engine.program.goal import Alias
from engine.resource import PendingOperation, Resource
from engine.values import UNKNOWN, Output, Secret
from tests.unit.engine.run.conftest import reference


def one(inputs: dict[str, Any], **options: Any) -> Any:
    return lambda program: program.thing("a", inputs, **options)


def nothing(_: Any) -> None:
    pass


# --- protection ---


def test_a_protected_thing_is_not_replaced_and_preview_goes_on_to_show_the_rest(stack: Any) -> None:
    def program(force: int) -> Any:
        def register(program: Any) -> None:
            program.thing("a", {"force": force}, protect=True)
            program.thing("b", {"x": force})

        return register

    stack.up(program(1))
    planned = stack.preview(program(2))
    done = stack.up(program(2))

    assert planned.result.failed
    assert "update b" in planned.steps
    assert done.result.failed
    assert done.calls == []
    (error,) = done.errors
    assert error.urn.endswith("::a")
    assert "protected" in error.message
    assert "pulumi state unprotect" in error.message


def test_protected_things_that_are_gone_are_all_named_and_nothing_is_deleted(stack: Any) -> None:
    def both(program: Any) -> None:
        program.thing("a", protect=True)
        program.thing("b", protect=True)
        program.thing("c")

    stack.up(both)
    planned = stack.preview(nothing)
    done = stack.up(nothing)

    assert planned.result.failed
    assert done.result.failed
    assert done.calls == []
    assert stack.names == ["a", "b", "c"]
    for outcome in (planned, done):
        (error,) = outcome.errors
        assert "::a" in error.message
        assert "::b" in error.message
        assert "::c" not in error.message


def test_a_protected_dependent_stops_the_replacement_of_what_it_needs(stack: Any) -> None:
    def program(force: int) -> Any:
        def register(program: Any) -> None:
            a = program.thing("a", {"force": force, "first": 1})
            program.thing("b", {}, from_={"force": a}, protect=True)

        return register

    stack.up(program(1))
    done = stack.up(program(2))
    assert done.result.failed
    assert done.calls == []
    assert "::b" in done.errors[0].message


def test_destroy_names_every_protected_thing_before_it_deletes_anything(stack: Any) -> None:
    def both(program: Any) -> None:
        program.thing("a", protect=True)
        program.thing("b", protect=True)
        program.thing("c")

    stack.up(both)
    done = stack.destroy()
    assert done.result.exit_code == 1
    assert done.calls == []
    assert stack.names == ["a", "b", "c"]
    (error,) = done.errors
    assert "::a" in error.message
    assert "::b" in error.message


def test_excluded_from_destroy_what_is_protected_stays_with_all_it_needs(stack: Any) -> None:
    def program(program: Any) -> None:
        a = program.thing("a")
        program.thing("b", protect=True, from_={"x": a})
        program.thing("c", after=[a])

    stack.up(program)
    done = stack.destroy(exclude_protected=True)
    assert not done.result.failed
    assert done.calls == [("delete", "c")]
    assert stack.names == ["a", "b"]


# --- destroy ---


def test_destroy_leaves_nothing_and_goes_in_reverse_order(stack: Any) -> None:
    def program(program: Any) -> None:
        group = program.component("g")
        a = program.thing("a", parent=group.urn)
        b = program.thing("b", from_={"x": a})
        program.thing("c", deleted_with=b.urn, after=[b])
        program.thing("d", retain_on_delete=True)

    stack.up(program)
    planned = stack.destroy(preview=True)
    done = stack.destroy()
    assert done.calls == [("delete", "b"), ("delete", "a")]
    assert sorted(planned.steps) == sorted(done.steps)
    assert stack.state.resources == []


def test_a_failed_deletion_keeps_what_is_needed_by_it(stack: Any) -> None:
    def program(program: Any) -> None:
        a = program.thing("a")
        program.thing("b", {"undeletable": 1}, from_={"x": a})

    stack.up(program)
    done = stack.destroy()
    assert done.result.failed
    assert stack.names == ["a", "b"]
    (error,) = done.errors
    assert error.urn.endswith("::b")
    assert "still in use" in error.message
    assert stack.state.pending == []


# --- failures ---


def test_a_failed_step_stops_the_run_keeps_what_was_done_and_says_so_once(stack: Any) -> None:
    stack.up(one({"x": 1}))

    def program(program: Any) -> None:
        program.thing("b", {"x": 1})
        program.thing("c", {"fail": "the disk is full"})
        program.thing("d")

    done = stack.up(program)
    assert done.result.exit_code == 1
    assert done.calls == [("create", "b"), ("create", "c")]
    assert stack.names == ["b", "a"]
    (error,) = done.errors
    assert error.urn.endswith("::c")
    assert error.message.count("the disk is full") == 1
    assert stack.state.pending == []


def test_inputs_that_the_provider_refuses_are_named_all_at_once_and_change_nothing(stack: Any) -> None:
    for outcome in (stack.preview(one({"refuse": "too big"})), stack.up(one({"refuse": "too big"}))):
        assert outcome.result.failed
        assert outcome.calls == []
        (error,) = outcome.errors
        assert error.message == "refuse: too big\nand more"


def test_a_thing_that_exists_but_is_not_ready_is_kept_and_tried_again(stack: Any) -> None:
    done = stack.up(one({"half": "no heartbeat"}))
    assert done.result.failed
    assert "no heartbeat" in done.errors[0].message
    kept = stack.find("a")
    assert kept.id == "a-1"
    assert kept.init_errors == ["no heartbeat"]

    again = stack.preview(one({"half": "no heartbeat"}))
    assert again.steps == ["same default", "update a"][-1:]
    mended = stack.up(one({"x": 1}))
    assert mended.calls == [("update", "a")]
    assert stack.find("a").init_errors == []


def test_an_update_that_leaves_a_thing_not_ready_keeps_its_new_inputs(stack: Any) -> None:
    stack.up(one({"x": 1}))
    done = stack.up(one({"x": 2, "half": "slow"}))
    assert done.result.failed
    kept = stack.find("a")
    assert kept.inputs["x"] == 2
    assert kept.init_errors == ["slow"]


def test_a_thing_that_never_became_ready_is_replaced_if_the_program_wants_that(stack: Any) -> None:
    stack.up(one({"half": "slow"}))
    planned = stack.preview(one({"half": "slow"}, replace_on_changes=("#initerror",)))
    assert planned.steps == ["create-replacement a", "replace a", "delete-replaced a"]


def test_a_failed_replacement_that_deleted_first_is_finished_by_the_next_run(stack: Any) -> None:
    def program(force: int, **inputs: Any) -> Any:
        def register(program: Any) -> None:
            a = program.thing("a", {"force": force, "first": 1, **inputs})
            program.thing("b", {}, from_={"force": a})

        return register

    stack.up(program(1))
    broken = stack.up(program(2, fail="no image"))
    assert broken.calls == [("delete", "b"), ("delete", "a"), ("create", "a")]
    assert stack.find("a").pending_replacement
    assert stack.find("b").pending_replacement

    planned = stack.preview(program(2))
    mended = stack.up(program(2))
    assert (
        planned.steps
        == mended.steps
        == [
            "replace a",
            "create-replacement a",
            "replace b",
            "create-replacement b",
        ]
    )
    assert mended.calls == [("create", "a"), ("create", "b")]
    assert not stack.find("a").pending_replacement


def test_what_was_deleted_for_a_replacement_and_is_gone_from_the_program_is_not_deleted_again(
    stack: Any,
) -> None:
    stack.up(one({"force": 1, "first": 1}))
    stack.up(one({"force": 2, "first": 1, "fail": "no image"}))
    done = stack.up(nothing)
    assert done.steps == ["remove-pending-replace a"] or done.steps[-1] == "remove-pending-replace a"
    assert done.calls == []
    assert stack.names == []


def behind(host: int, root: int = 1, **inputs: Any) -> Any:
    """A thing behind a provider that goes before its replacement, made from what another thing puts out."""

    def register(program: Any) -> None:
        r = program.thing("r", {"force": root, "first": 1})
        p = program.provider("p", {"force": str(host)}, delete_before_replace=True)
        program.thing("a", {"x": 1, **inputs}, from_={"force": r}, provider=reference(p))

    return register


def test_what_went_with_its_provider_and_failed_to_come_back_is_made_by_the_next_run(stack: Any) -> None:
    stack.up(behind(1))
    assert stack.up(behind(2, fail="no image")).result.failed
    assert stack.find("a").pending_replacement

    planned = stack.preview(behind(2))
    mended = stack.up(behind(2))
    assert planned.steps == mended.steps == ["same r", "same p", "replace a", "create-replacement a"]
    assert mended.calls == [("create", "a")]
    assert not stack.find("a").pending_replacement


def test_what_went_with_its_provider_is_no_obstacle_to_the_replacement_of_what_it_needs(stack: Any) -> None:
    stack.up(behind(1))
    assert stack.up(behind(2, fail="no image")).result.failed

    planned = stack.preview(behind(2, root=2))
    mended = stack.up(behind(2, root=2))
    assert not mended.result.failed, mended.messages
    assert planned.steps == mended.steps
    assert mended.calls == [("delete", "r"), ("create", "r"), ("create", "a")]


def test_what_is_made_again_is_checked_without_what_it_was(stack: Any, world: Any) -> None:
    stack.up(one({"force": 1, "first": 1, "named": 1}))
    stack.up(one({"force": 2, "first": 1, "named": 1, "fail": "no image"}))
    world.requests.clear()
    stack.preview(one({"force": 3, "first": 1, "named": 1}))
    olds = [set(values.from_struct(request.olds)) for method, request in world.requests if method == "check"]
    assert olds
    assert all(known <= {"name", "__defaults"} for known in olds)


def test_a_replaced_thing_whose_deletion_failed_is_deleted_by_the_next_run(stack: Any, world: Any) -> None:
    stack.up(one({"force": 1, "undeletable": 1}))
    failed = stack.up(one({"force": 2}))
    assert failed.result.failed
    assert [one.delete for one in stack.state.resources if one.urn.endswith("::a")] == [False, True]

    planned = stack.preview(one({"force": 2}))
    assert planned.steps == ["same a", "delete-replaced a"]
    for thing in stack.state.resources:
        thing.outputs.pop("undeletable", None)
    done = stack.up(one({"force": 2}))
    assert done.calls == [("delete", "a")]
    assert stack.names == ["a"]


def test_two_things_with_one_name_are_refused(stack: Any) -> None:
    def program(program: Any) -> None:
        program.thing("a")
        program.thing("a")

    done = stack.up(program)
    assert done.result.failed
    assert "two resources" in done.errors[0].message


def test_an_alias_that_two_things_claim_is_refused(stack: Any) -> None:
    stack.up(one({"x": 1}))

    def program(program: Any) -> None:
        program.thing("b", {"x": 1}, aliases=(Alias(name="a"),))
        program.thing("c", {"x": 1}, aliases=(Alias(name="a"),))

    done = stack.up(program)
    assert done.result.failed
    assert "alias" in done.errors[0].message
    assert "::b" in done.errors[0].message


@pytest.mark.parametrize("option", ["ignore_changes", "replace_on_changes"])
def test_a_path_that_is_none_is_refused(option: str, stack: Any) -> None:
    stack.up(one({"x": 1}))
    done = stack.up(one({"x": 2}, **{option: ("x[",)}))
    assert done.result.failed
    assert option in done.errors[0].message


@pytest.mark.parametrize("option", ["ignore_changes", "replace_on_changes"])
def test_with_a_path_that_is_none_nothing_is_made(option: str, stack: Any) -> None:
    planned = stack.preview(one({"x": 1}, **{option: ("x[",)}))
    done = stack.up(one({"x": 1}, **{option: ("x[",)}))
    for outcome in (planned, done):
        assert outcome.result.failed
        assert outcome.calls == []
        assert f"{option}: 'x[' is not a property path" in outcome.errors[0].message


def test_a_path_that_is_none_is_passed_over_in_a_dependent_of_what_is_replaced(stack: Any) -> None:
    def program(force: int) -> Any:
        def register(program: Any) -> None:
            a = program.thing("a", {"force": force, "first": 1})
            program.thing("b", {"shrug": 1}, from_={"from": a})

        return register

    stack.up(program(1))
    stack.find("b").ignore_changes = stack.find("b").replace_on_changes = ["x["]
    done = stack.up(program(2))
    assert not done.result.failed, done.messages
    assert stack.find("b").ignore_changes == []


def test_changes_ignored_in_all_elements_are_ignored_where_one_came(stack: Any) -> None:
    stack.up(one({"s": [{"v": 1}]}))
    program = one({"s": [{"v": 2}, {"v": 9}]}, ignore_changes=("s[*].v",))
    done = stack.up(program)
    assert stack.find("a").inputs["s"] == [{"v": 1}, {"v": 9}]
    assert "cannot ignore changes in added or removed elements of s[*].v" in done.messages[0]
    assert stack.preview(program).steps == ["same a"]


def with_another_package(stack: Any, **options: Any) -> None:
    """Let the state have a resource of a package that this engine does not serve, as the CLI may write it."""
    stack.up(one({"x": 1}))
    (root,) = [found for found in stack.state.resources if found.type == urns.STACK_TYPE]
    kind = "pulumi:providers:random"
    provider = Resource(urns.create("dev", "tiny", root.urn, kind, "default"), kind, id="1", parent=root.urn)
    kind = "random:index/randomId:RandomId"
    other = Resource(
        urns.create("dev", "tiny", root.urn, kind, "r"),
        kind,
        id="r-1",
        parent=root.urn,
        provider=reference(provider),
        **options,
    )
    stack.state.resources += [provider, other]


def test_nothing_is_deleted_where_something_has_no_provider_here(stack: Any) -> None:
    with_another_package(stack)
    outcomes = [
        stack.preview(nothing),
        stack.up(nothing),
        stack.destroy(preview=True),
        stack.destroy(),
    ]
    for outcome in outcomes:
        assert outcome.result.exit_code == 1
        assert outcome.calls == []
        (error,) = outcome.errors
        assert "no provider for random, so it cannot delete:" in error.message
        assert "::r\n" in error.message
        assert "pulumi state delete" in error.message
    assert stack.names == ["a", "r"]


def test_what_is_to_be_kept_needs_no_provider_to_go_from_the_state(stack: Any) -> None:
    with_another_package(stack, retain_on_delete=True)
    done = stack.destroy()
    assert not done.result.failed, done.messages
    assert stack.state.resources == []


def test_a_package_without_a_provider_is_refused_by_name(stack: Any) -> None:
    done = stack.preview(lambda program: program.thing("a", type="aws:s3/bucket:Bucket"))
    assert done.result.failed
    assert "no provider for aws" in done.errors[0].message
    assert "MESSAGING_ENGINE=cli" in done.errors[0].message


# --- interrupts ---


def test_an_interrupt_lets_what_runs_finish_and_starts_nothing_more(stack: Any, world: Any) -> None:
    world.reached["a"], world.hold["a"] = threading.Event(), threading.Event()

    def program(program: Any) -> None:
        program.thing("a")
        program.thing("b")

    def interrupt() -> None:
        world.reached["a"].wait(30)
        stack.cancellation.request()
        world.hold["a"].set()

    thread = threading.Thread(target=interrupt)
    thread.start()
    done = stack.up(program)
    thread.join()
    assert done.result.cancelled
    assert done.result.exit_code == 1
    assert done.calls == [("create", "a")]
    assert stack.names == ["a"]
    assert stack.state.pending == []
    assert done.errors == []


# --- secrets and unknown values ---


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


# --- what a killed run left behind ---


def test_a_creation_of_unknown_outcome_is_offered_for_adoption_until_one_succeeds(
    stack: Any, world: Any
) -> None:
    stack.up(one({"x": 1}))
    (created,) = world.metadata
    (first,) = created["messaging-step"]
    begun = next(save for save in stack.saves if save.pending)
    stack.state = begun  # what a kill after the provider's call leaves

    stack.up(one({"x": 1, "fail": "not now"}))
    assert world.metadata[-1]["messaging-adopt"] == [first]
    assert stack.state.pending[0].kind == "creating"

    stack.up(one({"x": 1}))
    assert world.metadata[-1]["messaging-adopt"] == [first]
    assert world.metadata[-1]["messaging-step"] != [first]
    assert stack.state.pending == []


def test_each_call_is_recorded_before_it_is_made(stack: Any) -> None:
    stack.up(one({"x": 1}))
    stack.up(one({"x": 2}))
    stack.up(nothing)
    kinds = [operation.kind for save in stack.saves for operation in save.pending]
    assert list(dict.fromkeys(kinds)) == ["creating", "updating", "deleting"]


def test_an_interrupted_update_is_done_again(stack: Any) -> None:
    stack.up(one({"x": 1}))
    stack.state.pending.append(PendingOperation(stack.find("a"), "updating"))
    done = stack.up(one({"x": 2}))
    assert done.calls == [("read", "a"), ("update", "a")]
    assert stack.state.pending == []
    (warning,) = done.messages
    assert "updating" in warning
    assert "::a" in warning


# --- components and the stack's outputs ---


def test_outputs_of_components_and_the_stack_are_kept(stack: Any) -> None:
    def program(program: Any) -> None:
        group = program.component("g")
        program.run.register_outputs(group.urn, {"count": 2})
        program.run.register_outputs(program.stack.urn, {"url": "u", "key": Secret("k")})

    done = stack.up(program)
    assert stack.find("g").outputs == {"count": 2}
    assert stack.find("tiny-dev").outputs == {"url": "u", "key": Secret("k")}
    assert done.result.outputs == {"url": "u", "key": Secret("k")}


def test_a_failed_run_keeps_the_stacks_outputs_that_it_did_not_get_to(stack: Any) -> None:
    def good(program: Any) -> None:
        program.run.register_outputs(program.stack.urn, {"url": "u", "old": "o"})

    def bad(program: Any) -> None:
        program.run.register_outputs(program.stack.urn, {"url": "v"})
        program.thing("a", {"fail": "no"})

    stack.up(good)
    stack.up(bad)
    assert stack.find("tiny-dev").outputs == {"url": "v", "old": "o"}
    stack.up(lambda program: program.run.register_outputs(program.stack.urn, {"url": "w"}))
    assert stack.find("tiny-dev").outputs == {"url": "w"}


def test_children_inherit_what_their_parent_sets(stack: Any) -> None:
    def program(program: Any) -> None:
        anchor = program.thing("anchor")
        group = program.component("g", protect=True, retain_on_delete=True, deleted_with=anchor.urn)
        program.thing("a", parent=group.urn)
        program.thing("b", parent=group.urn, protect=False)

    stack.up(program)
    a, b = stack.find("a"), stack.find("b")
    assert (a.protect, a.retain_on_delete) == (True, True)
    assert a.deleted_with == stack.find("anchor").urn
    assert b.protect is False


def test_custom_timeouts_reach_the_provider(stack: Any, world: Any) -> None:
    from engine.resource import Timeouts

    stack.up(one({"x": 1}, timeouts=Timeouts(create=11, update=22, delete=33)))
    stack.up(one({"x": 2}, timeouts=Timeouts(create=11, update=22, delete=33)))
    stack.up(nothing)
    found = {
        method: request.timeout
        for method, request in world.requests
        if method in ("create", "update", "delete")
    }
    assert found == {"create": 11, "update": 22, "delete": 33}


def test_a_function_of_a_provider_can_be_called(stack: Any) -> None:
    found: dict[str, Any] = {}

    def program(program: Any) -> None:
        found.update(program.run.invoke("docker:index:echo", {"x": 1}, provider="", version=""))

    stack.preview(program)
    assert found == {"x": 1}
