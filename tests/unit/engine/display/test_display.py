"""What a person sees of a run: lines where nothing can be redrawn, a tree on a terminal, secrets nowhere."""

from __future__ import annotations

import io
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.display.display import HumanDisplay
from engine.display.masking import Masker
from engine.events import (
    Diagnostic,
    Operation,
    Output,
    Outputs,
    PolicyRemediation,
    PolicyViolation,
    StepEvent,
    Summary,
)
from engine.resource import Resource
from engine.values import Secret

STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
NODE = "urn:pulumi:dev::shop::messaging:index:KafkaNode::node"
CONTAINER = "urn:pulumi:dev::shop::messaging:index:KafkaNode$docker:index/container:Container::kafka-1"
PARENTS = {STACK: "", NODE: STACK, CONTAINER: NODE}


class Terminal(io.StringIO):
    """Claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def step(operation: Operation, phase: Any = "done", urn: str = CONTAINER, **fields: Any) -> StepEvent:
    resource = Resource(urn, "t", parent=PARENTS[urn], inputs=fields.pop("inputs", {}))
    return StepEvent(phase=phase, operation=operation, urn=urn, type="t", new=resource, **fields)


def summary(**fields: Any) -> Summary:
    return Summary(**{"changes": {Operation.CREATE: 1}, "seconds": 1, **fields})


def shown(*events: Any, out: io.StringIO | None = None, masker: Masker | None = None, **options: Any) -> str:
    out = out or io.StringIO()
    display = HumanDisplay(masker or Masker(), out=out, **{"interactive": False, "color": False, **options})
    display.begin("Updating (dev):")
    for event in events:
        display.sink(event)
    display.end()
    return out.getvalue()


def test_without_a_terminal_each_step_is_a_line_when_it_begins_and_when_it_is_done() -> None:
    text = shown(step(Operation.CREATE, "begin"), step(Operation.CREATE, seconds=3), summary())

    assert text.splitlines()[:4] == [
        "Updating (dev):",
        "",
        " +  docker:Container kafka-1 creating",
        " +  docker:Container kafka-1 created (3s)",
    ]
    assert text.endswith("Resources:\n    + 1 created\n    1 change\n\nDuration: 1s\n")


def test_what_does_not_change_gets_no_line() -> None:
    assert "kafka-1" not in shown(step(Operation.SAME), summary(changes={Operation.SAME: 1}))


def test_a_replacement_shows_its_parts() -> None:
    parts = (Operation.DELETE_REPLACED, Operation.REPLACE, Operation.CREATE_REPLACEMENT)
    events = [
        step(operation, phase, logical=operation is Operation.REPLACE)
        for operation in parts
        for phase in ("begin", "done")
    ]

    assert [line.split("kafka-1 ")[1] for line in shown(*events).splitlines()[2:]] == [
        "deleting original",
        "deleted original (0s)",
        "replaced (0s)",
        "creating replacement",
        "created replacement (0s)",
    ]


def test_program_output_and_messages_hide_configured_secrets() -> None:
    text = shown(
        Output("token is hunter2!"),
        Diagnostic(severity="error", message="login with hunter2! failed", urn=CONTAINER),
        Diagnostic(severity="info", message="trying hunter2!", ephemeral=True),
        Outputs({}, {"url": "http://admin:hunter2!@localhost", "token": Secret("hunter2!")}),
        summary(),
        masker=Masker(["hunter2!"]),
    )

    assert "hunter2" not in text
    assert "token is [secret]" in text
    assert "docker:Container kafka-1: error: login with [secret] failed" in text
    assert 'url  : "http://admin:[secret]@localhost"' in text


def test_a_secret_that_a_step_brings_is_hidden_in_what_is_printed_later() -> None:
    text = shown(step(Operation.CREATE, inputs={"password": Secret("generated-1")}), Output("generated-1"))

    assert "generated-1" not in text


def test_progress_that_says_the_same_again_is_told_once() -> None:
    waiting = [
        Diagnostic(severity="info", message=f"waiting for {n} brokers", urn=CONTAINER, ephemeral=True)
        for n in (3, 3, 3, 2)
    ]

    assert shown(*waiting).count("waiting for 3") == 1
    assert shown(*waiting).count("waiting for 2") == 1


def test_debug_messages_are_not_for_people() -> None:
    assert "inner" not in shown(Diagnostic(severity="debug", message="inner workings"))


def test_outputs_are_shown_unless_suppressed() -> None:
    events = (Outputs({}, {"url": "x"}), summary())

    assert 'url: "x"' in shown(*events)
    assert "url" not in shown(*events, show_outputs=False)


def test_a_cancelled_run_says_so() -> None:
    assert "The run was cancelled." in shown(summary(cancelled=True))


def test_differences_are_shown_when_asked_for_and_kept_for_who_asks_later() -> None:
    details: list[str] = []
    event = step(Operation.CREATE, "plan", inputs={"name": "x"}, planned=True)

    assert '+ name: "x"' not in shown(event, details=details)
    assert '     + name: "x"' in details
    assert '+ name: "x"' in shown(event, diff=True)


@pytest.mark.parametrize("out", [io.StringIO, Terminal])
def test_without_colour_there_is_no_escape_sequence(
    out: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")

    assert "\x1b" not in shown(step(Operation.CREATE), summary(), out=out(), color=False)


def test_colour_that_is_asked_for_is_written_into_a_file_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)

    assert "\x1b[" in shown(step(Operation.CREATE), summary(), color=True)


def test_a_terminal_shows_a_tree_of_what_changes_under_its_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "40")
    text = shown(
        step(Operation.SAME, urn=STACK),
        step(Operation.SAME, urn=NODE),
        step(Operation.CREATE, "begin"),
        step(Operation.CREATE, seconds=7),
        summary(),
        out=Terminal(),
        interactive=True,
    )

    rows = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).splitlines()]
    assert "    pulumi:pulumi:Stack shop-dev" in rows
    assert "       messaging:KafkaNode node" in rows
    assert " +        docker:Container kafka-1  created (7s)" in rows


def test_messages_stand_below_the_tree_and_are_not_lost_when_the_run_breaks_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    text = shown(
        Output("printed"), Diagnostic(severity="error", message="broken"), out=Terminal(), interactive=True
    )

    assert "printed\nerror: broken\n" in text


def test_steps_of_many_threads_are_each_shown_whole() -> None:
    out = io.StringIO()
    display = HumanDisplay(Masker(), out=out, interactive=False, color=False)
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        for _ in range(20):
            display.sink(Output(f"<{number}>"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert sorted(out.getvalue().split()) == sorted(f"<{number}>" for number in range(8) for _ in range(20))


def test_a_reader_that_leaves_does_not_stop_the_run() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", buffering=1) as out:
        display = HumanDisplay(Masker(), out=out, interactive=False, color=False)
        display.begin("Updating (dev):")
        for _ in range(3):
            display.sink(Output("nobody reads this"))
        display.end()


def violation(level: str, policy: str, message: str, urn: str = CONTAINER, **fields: Any) -> PolicyViolation:
    named = {"pack": "rules", "version": "1.0.0", "policy": policy, "level": level}
    return PolicyViolation(urn=urn, message=message, **{**named, **fields})


PACKS = {"rules|local|policies": "1.0.0"}
POLICIES = """
Policies:
    ❌ rules@v1.0.0 (local: policies)
        - [remediate]  shrink  (2 resources)
        - [mandatory] [severity: high]  pinned  (docker:Container: kafka-1)
          Images are pinned.
          kafka-1 runs latest
        - [mandatory]  crowd  (pulumi:pulumi:Stack: shop-dev)
          Few.
        - [advisory]  digest  (docker:Container: kafka-1)
          Digests.
"""


def test_what_policies_say_stands_together_the_worst_first_and_no_summary_follows() -> None:
    mended = PolicyRemediation(
        urn=CONTAINER, policy="shrink", pack="rules", version="1.0.0", before={}, after={"x": 1}
    )
    text = shown(
        violation("advisory", "digest", "Digests."),
        mended,
        violation("mandatory", "crowd", "Few.", STACK),
        violation("mandatory", "pinned", "Images are pinned.\nkafka-1 runs latest", severity="high"),
        mended,
        summary(failed=True, policy_packs=PACKS),
    )
    assert POLICIES in text
    assert "Resources:" not in text


def test_a_pack_without_a_violation_is_named_and_the_summary_follows() -> None:
    text = shown(summary(policy_packs=PACKS))
    assert "Policies:\n    ✅ rules@v1.0.0 (local: policies)\n\n" in text
    assert "Resources:" in text
    warned = shown(violation("advisory", "digest", "Digests."), summary(policy_packs=PACKS))
    assert "    ⚠️ rules@v1.0.0 (local: policies)\n        - [advisory]  digest" in warned
    assert "Resources:" in warned


def test_a_secret_in_a_policys_message_is_hidden() -> None:
    masker = Masker(["hunter2!"])
    text = shown(
        violation("mandatory", "env", "PASSWORD=hunter2!"), summary(policy_packs=PACKS), masker=masker
    )
    assert "PASSWORD=[secret]" in text


def test_on_a_terminal_policies_stand_below_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    text = shown(
        step(Operation.CREATE, "plan", planned=True),
        violation("mandatory", "pinned", "Images are pinned."),
        summary(failed=True, policy_packs=PACKS),
        out=Terminal(),
        interactive=True,
    )
    assert text.rindex("kafka-1  create") < text.rindex("❌ rules@v1.0.0")
    assert "Images are pinned." in text


def test_what_a_refresh_found_unchanged_gets_no_line_and_what_is_gone_says_so() -> None:
    def read(**fields: Any) -> StepEvent:
        return step(Operation.REFRESH, "plan", planned=True, logical=False, **fields)

    gone = StepEvent(
        phase="plan", operation=Operation.REFRESH, urn=NODE, type="t", planned=True, logical=False
    )
    text = shown(read(), read(changed=("memory",)), gone, summary(planned=True))
    assert text.splitlines()[2:4] == [
        " ~  docker:Container kafka-1 refresh [diff: ~memory]",
        " ~  messaging:KafkaNode node refresh [it is gone]",
    ]
