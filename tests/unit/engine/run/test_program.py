"""Real programs in real processes: what they may do, how they may fail, and that none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import engine
from engine import urn
from engine.deployment import update as update_module
from engine.deployment.executor import Cancellation
from engine.deployment.run import Result, Settings
from engine.errors import EngineError
from engine.events import Diagnostic, Event, Output, StepEvent
from engine.resource import Deployment
from engine.state.snapshot import Snapshot
from engine.values import Secret
from engine.workspace.project import Project
from tests.unit.engine.disk import Disk

if TYPE_CHECKING:
    from collections.abc import Callable

THINGS = """
    import os
    import pathlib
    import time

    import pulumi
    from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, UpdateResult
    from pulumi.dynamic import Resource, ResourceProvider

    class Refused(Exception):
        pass

    def act(props):
        if props.get("reaches"):
            pathlib.Path(props["reaches"]).touch()
        if props.get("waits_for"):
            while not pathlib.Path(props["waits_for"]).exists():
                time.sleep(0.01)
        if props.get("touches"):
            pathlib.Path(props["touches"]).touch()
        if props.get("prints"):
            print(props["prints"])
        if props.get("fail"):
            raise Refused(props["fail"])
        if props.get("bug"):
            {}["no such key"]
        if props.get("crash"):
            os.kill(os.getpid(), 9)

    class ThingProvider(ResourceProvider):
        serialize_as_secret_always = False

        def check(self, olds, news):
            failures = [CheckFailure("refuse", news["refuse"])] if news.get("refuse") else []
            return CheckResult(news, failures)

        def create(self, props):
            act(props)
            return CreateResult(props["name"], {**props, "made": "made-" + props["name"]})

        def diff(self, id, olds, news):
            keys = {key for key in {*olds, *news} if not key.startswith("__") and key != "made"}
            changed = sorted(key for key in keys if olds.get(key) != news.get(key))
            return DiffResult(changes=bool(changed))

        def update(self, id, olds, news):
            act(news)
            return UpdateResult({**news, "made": olds["made"]})

    class Thing(Resource):
        made: pulumi.Output[str]

        def __init__(self, name, opts=None, **props):
            super().__init__(ThingProvider(), name, {"name": name, "made": None, **props}, opts)
"""


@dataclass
class Outcome:
    result: Result
    events: list[Event]
    seconds: float

    @property
    def steps(self) -> list[str]:
        return [
            f"{event.operation} {urn.name_of(event.urn)}"
            for event in self.events
            if isinstance(event, StepEvent)
            and event.phase in ("plan", "done")
            and event.type != urn.STACK_TYPE
        ]

    @property
    def errors(self) -> list[Diagnostic]:
        return [event for event in self.events if isinstance(event, Diagnostic) and event.severity == "error"]

    @property
    def printed(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Output)]


@dataclass
class Workbench:
    """A project's folder with a program in it, and the stack's state in memory."""

    root: Path
    state: Deployment = field(default_factory=Deployment)
    parallel: int = 8
    config: dict[str, str] = field(default_factory=dict)
    secret_keys: list[str] = field(default_factory=list)
    cancellation: Cancellation = field(default_factory=Cancellation)

    def write(self, program: str) -> None:
        (self.root / "__main__.py").write_text(
            "import pulumi\nfrom things import Thing\n" + textwrap.dedent(program)
        )

    def deploy(self, program: str, *, preview: bool = False) -> Outcome:
        self.write(program)
        return self.run(preview=preview)

    def run(self, *, preview: bool = False) -> Outcome:
        events: list[Event] = []
        settings = Settings(
            project=Project(name="bench", root=self.root),
            stack="dev",
            config=self.config,
            secret_keys=self.secret_keys,
            parallel=self.parallel,
            preview=preview,
        )

        def keep(deployment: Deployment) -> None:
            self.state = deployment

        started = time.monotonic()
        snapshot = Snapshot(self.state, None if preview else Disk(keep))
        result = update_module.update(settings, snapshot, events.append, self.cancellation)
        return Outcome(result, events, time.monotonic() - started)

    def names(self) -> list[str]:
        return [urn.name_of(one.urn) for one in self.state.resources if one.type.endswith(":Resource")]


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    (tmp_path / "Pulumi.yaml").write_text("name: bench\nruntime: python\n")
    (tmp_path / "things.py").write_text(textwrap.dedent(THINGS))
    return Workbench(tmp_path)


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


# --- the whole command, killed and interrupted ---


@dataclass
class Command:
    root: Path

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "engine", *arguments],
            cwd=self.root,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(engine.__file__).parent.parent),
                "PULUMI_BACKEND_URL": f"file://{self.root}",
                "PULUMI_CONFIG_PASSPHRASE": "",
                "PULUMI_HOME": str(self.root / "home"),
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        process = self.start(*arguments, **environment)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output


@pytest.fixture
def command(bench: Workbench) -> Command:
    made = Command(bench.root)
    assert made.run("stack", "init", "dev") == (0, "Created stack 'dev'\n")
    return made


def children(root: Path) -> list[str]:
    """The processes that work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").resolve() == root and entry.name != str(os.getpid()):
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def eventually(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not condition():
        if time.monotonic() > until:
            return False
        threading.Event().wait(0.02)
    return True


@pytest.mark.parametrize("place", ["save.before:3", "save.after:4", "create.before", "create.after:2"])
def test_killed_for_real_the_state_loads_nothing_is_left_running_and_the_next_update_finishes(
    place: str, bench: Workbench, command: Command
) -> None:
    bench.write("a = Thing('a')\nThing('b', uses=a.made)")
    code, _ = command.run("up", "--yes", "--skip-preview", MESSAGING_ENGINE_KILL_AT=place)
    assert code == -signal.SIGKILL
    assert eventually(lambda: not children(bench.root))

    locked, said = command.run("up", "--yes", "--skip-preview")
    assert locked != 0
    assert "cancel" in said
    assert command.run("cancel", "--yes")[0] == 0
    code, said = command.run("up", "--yes", "--skip-preview")
    assert code == 0, said
    code, said = command.run("preview", "--expect-no-changes")
    assert code == 0, said


def test_interrupted_once_the_running_step_finishes_and_nothing_is_pending(
    bench: Workbench, command: Command
) -> None:
    bench.write(
        "gate = Thing('gate', reaches='running', waits_for='go')\n"
        "Thing('later', pulumi.ResourceOptions(depends_on=[gate]))"
    )
    process = command.start("up", "--yes", "--skip-preview")
    assert eventually((bench.root / "running").exists)
    process.send_signal(signal.SIGINT)
    assert process.stdout
    while "finishing" not in process.stdout.readline():
        pass
    (bench.root / "go").touch()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    code, exported = command.run("stack", "export")
    assert code == 0
    assert "::gate" in exported
    assert "::later" not in exported
    assert "pending_operations" not in exported


def test_interrupted_twice_it_ends_at_once_with_8_and_leaves_no_lock(
    bench: Workbench, command: Command
) -> None:
    bench.write("Thing('gate', reaches='running', waits_for='never')")
    process = command.start("up", "--yes", "--skip-preview")
    assert eventually((bench.root / "running").exists)
    process.send_signal(signal.SIGINT)
    assert process.stdout
    while "finishing" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 8, output
    assert eventually(lambda: not children(bench.root))
    _, exported = command.run("stack", "export")
    assert "creating" in exported
    bench.write("Thing('gate')")
    assert command.run("up", "--yes", "--skip-preview")[0] == 0
