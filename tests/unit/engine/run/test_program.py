"""Real programs in real processes: what they may do, how they may fail, and how they are ended."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from engine import urn
from engine.deployment import update as update_module
from engine.errors import EngineError
from engine.events import Diagnostic
from engine.values import Secret

if TYPE_CHECKING:
    from tests.unit.engine.run.workbench import Workbench


def test_a_program_is_deployed_previewed_and_found_unchanged(bench: Workbench) -> None:
    program = """
        class Group(pulumi.ComponentResource):
            def __init__(self, name):
                super().__init__("bench:index:Group", name)
                inner = Thing("inner", pulumi.ResourceOptions(parent=self), key=pulumi.Output.secret("hush"))
                self.register_outputs({"made": inner.made})
                self.made = inner.made

        group = Group("group")
        user = Thing("user", uses=group.made)
        pulumi.export("made", user.made)
        pulumi.export("key", pulumi.Output.secret("k"))
    """
    planned = bench.deploy(program, preview=True)
    assert planned.steps == ["create group", "create inner", "create user"]
    done = bench.deploy(program)
    assert done.steps == planned.steps
    assert done.result.outputs == {"made": "made-user", "key": Secret("k")}
    assert bench.deploy(program, preview=True).result.changes == {"same": 4}
    kept = {urn.name_of(one.urn): one for one in bench.state.resources}
    assert kept["user"].inputs["uses"] == "made-inner"
    assert kept["user"].property_dependencies["uses"] == [kept["inner"].urn]
    assert kept["inner"].inputs["key"] == kept["inner"].outputs["key"] == Secret("hush")
    assert kept["group"].outputs == {"made": "made-inner"}


def test_the_stacks_configuration_reaches_the_program_and_its_secrets_stay_secret(bench: Workbench) -> None:
    bench.config = {"bench:size": "3", "bench:password": "hush", "bench:list": "[1, 2]"}
    bench.secret_keys = ["bench:password"]
    done = bench.deploy(
        """
        config = pulumi.Config()
        Thing("a", size=config.require_int("size"), list=config.require_object("list"))
        pulumi.export("password", config.require_secret("password"))
        print(pulumi.get_project(), pulumi.get_stack(), pulumi.runtime.is_dry_run())
        """
    )
    assert done.result.outputs == {"password": Secret("hush")}
    assert done.printed == ["bench dev False"]
    (thing,) = [one for one in bench.state.resources if one.type.endswith(":Resource")]
    assert thing.inputs["size"] == 3
    assert thing.inputs["list"] == [1, 2]


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("raise ValueError('no such broker')", ["ValueError: no such broker", "__main__.py"]),
        ("raise pulumi.RunError('the stack file lacks a name')", ["the stack file lacks a name"]),
        ("import sys; sys.exit(3)", ["exit code 3"]),
        ("import os; os.kill(os.getpid(), 9)", ["SIGKILL"]),
        ("import nowhere", ["No module named 'nowhere'"]),
        ("this is no Python", ["SyntaxError"]),
    ],
)
def test_a_program_that_fails_is_reported_once_and_nothing_is_deleted(
    program: str, words: list[str], bench: Workbench
) -> None:
    bench.deploy("Thing('kept')")
    done = bench.deploy(program)
    assert done.result.exit_code == 1
    (error,) = done.errors
    for word in words:
        assert word in error.message
    assert "runpy" not in error.message
    assert bench.names() == ["kept"]


def test_what_a_program_does_at_its_exit_is_done_and_its_threads_are_waited_for(bench: Workbench) -> None:
    done = bench.deploy(
        """
        import atexit, threading
        atexit.register(print, "goodbye")
        over = threading.main_thread().join
        threading.Thread(target=lambda: (over(), print("a thread's last word"))).start()
        """
    )
    assert done.result.exit_code == 0
    assert done.printed == ["a thread's last word", "goodbye"]


def test_a_users_mistake_shows_no_traceback(bench: Workbench) -> None:
    done = bench.deploy("raise pulumi.RunError('the stack file lacks a name')")
    assert [error.message for error in done.errors] == ["the stack file lacks a name"]


def test_without_a_program_nothing_begins(bench: Workbench) -> None:
    with pytest.raises(EngineError, match=r"no __main__\.py"):
        bench.run()


REFUSED: dict[str, tuple[str, str]] = {
    "import": ("Thing('a', pulumi.ResourceOptions(import_='x'))", "import"),
    "replace_with": (
        "a = Thing('a')\nThing('b', pulumi.ResourceOptions(replace_with=[a]))",
        "ReplaceWith",
    ),
    "replacement_trigger": (
        "Thing('a', pulumi.ResourceOptions(replacement_trigger='x'))",
        "replacement_trigger",
    ),
    "hooks": (
        "Thing('a', pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_create=[print])))",
        "hooks",
    ),
    "transforms": (
        "Thing('a', pulumi.ResourceOptions(transforms=[lambda args: None]))",
        "transforms",
    ),
    "stacks that are not there": (
        "pulumi.StackReference('organization/other/dev')",
        "there is no stack 'organization/other/dev' to refer to",
    ),
    "resource lookups": (
        "pulumi.runtime.invoke('pulumi:pulumi:getResource', {'urn': 'x'})",
        "has no pulumi:pulumi:getResource of its own",
    ),
    "required versions": ("pulumi.require_pulumi_version('>=3.0.0')", "requires the Pulumi CLI >=3.0.0"),
    "foreign packages": (
        "pulumi.CustomResource('aws:s3/bucket:Bucket', 'b', {})",
        "no provider for aws",
    ),
}


@pytest.mark.parametrize(("program", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_engine_does_not_support_is_refused_by_name(
    program: str, words: str, bench: Workbench
) -> None:
    done = bench.deploy(program, preview=True)
    assert done.result.exit_code == 1
    assert any(words in error.message for error in done.errors), done.errors


def test_a_dynamic_providers_own_words_are_the_message(bench: Workbench) -> None:
    done = bench.deploy("Thing('a', fail='broker 2 is down')")
    (error,) = done.errors
    assert error.message.endswith("broker 2 is down")
    assert "Traceback" not in error.message
    assert error.urn.endswith("::a")


def test_a_mistake_in_a_dynamic_provider_keeps_its_traceback(bench: Workbench) -> None:
    done = bench.deploy("Thing('a', bug=True)")
    (error,) = done.errors
    assert "things.py" in error.message
    assert "KeyError: 'no such key'" in error.message


def test_a_check_that_refuses_stops_a_preview_with_its_own_sentence(bench: Workbench) -> None:
    done = bench.deploy("Thing('a', refuse='a topic cannot shrink')", preview=True)
    assert [error.message for error in done.errors] == ["refuse: a topic cannot shrink"]


def test_a_provider_that_dies_is_named_and_its_call_stays_recorded(bench: Workbench) -> None:
    done = bench.deploy("Thing('a', crash=True)")
    (error,) = done.errors
    assert "was killed by signal 9 during Create" in error.message
    assert [(pending.kind, urn.name_of(pending.resource.urn)) for pending in bench.state.pending] == [
        ("creating", "a")
    ]


def test_what_a_provider_prints_reaches_the_user(bench: Workbench) -> None:
    done = bench.deploy("Thing('a', prints='waiting for 2 of 3 brokers')")
    assert any(
        isinstance(event, Diagnostic) and event.message == "waiting for 2 of 3 brokers"
        for event in done.events
    )


def test_six_waiting_gates_do_not_block_the_thing_that_they_wait_for(bench: Workbench) -> None:
    gates = "\n".join(f"Thing('gate{n}', waits_for='ready')" for n in range(6))
    done = bench.deploy(f"{gates}\nThing('opener', touches='ready')\n")
    assert not done.result.failed
    assert len(bench.names()) == 7


def test_one_step_at_a_time_six_gates_pass_one_after_the_other(bench: Workbench) -> None:
    bench.parallel = 1
    gates = "\n".join(
        f"Thing('gate{n}', pulumi.ResourceOptions(depends_on=[opener]), waits_for='ready')" for n in range(6)
    )
    done = bench.deploy(f"opener = Thing('opener', touches='ready')\n{gates}\n")
    assert not done.result.failed
    assert len(bench.names()) == 7


def test_a_failed_step_lets_those_that_run_finish_and_starts_no_other(bench: Workbench) -> None:
    done = bench.deploy(
        """
        slow = Thing("slow", reaches="slow", waits_for="failing")
        Thing("later", pulumi.ResourceOptions(depends_on=[slow]))
        Thing("broken", waits_for="slow", touches="failing", fail="no")
        """
    )
    assert done.result.exit_code == 1
    assert bench.names() == ["slow"]
    assert bench.state.pending == []


def test_a_program_that_goes_on_after_a_failure_is_ended(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update_module, "_LINGER_SECONDS", 0.3)
    done = bench.deploy(
        """
        import threading
        threading.Thread(target=threading.Event().wait).start()
        Thing("a", fail="no")
        """
    )
    assert done.result.failed
    assert done.seconds < 30
    assert [error.message.partition(": ")[2] for error in done.errors] == ["no"]


def test_aborted_a_waiting_gate_is_released_and_its_outcome_unknown(bench: Workbench) -> None:
    bench.write("Thing('gate', reaches='reached', waits_for='never')")

    def abort() -> None:
        while not (bench.root / "reached").exists():
            threading.Event().wait(0.01)
        bench.cancellation.request()
        bench.cancellation.abort()

    thread = threading.Thread(target=abort)
    thread.start()
    done = bench.run()
    thread.join()
    assert done.result.exit_code == 8
    assert done.errors == []
    assert [(pending.kind, urn.name_of(pending.resource.urn)) for pending in bench.state.pending] == [
        ("creating", "gate")
    ]
