"""A provider that the tests own and a stack that is deployed with it; all between the two is the engine."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from engine import urn as urns
from engine import values
from engine.deployment.destroy import destroy
from engine.deployment.executor import Cancellation
from engine.deployment.refresh import refresh
from engine.deployment.refreshed import refreshed
from engine.deployment.run import Result, Settings
from engine.deployment.update import Update
from engine.display.masking import Masker
from engine.events import Diagnostic, Event, PolicyViolation, StepEvent
from engine.program.goal import Goal
from engine.resource import Deployment, Resource
from engine.rpc import Aborted
from engine.state.integrity import verify
from engine.state.snapshot import Snapshot
from engine.values import UNKNOWN, Values
from engine.workspace.project import Project
from tests.unit.engine.disk import Disk

if TYPE_CHECKING:
    from pathlib import Path

    from engine.policy.pack import Pack

TYPE = "docker:index:Thing"


class World(provider_pb2_grpc.ResourceProviderServicer):
    """A provider whose behaviour a resource's inputs choose; it adopts what an earlier step made as wanted.

    ``refuse``: check refuses with that reason. ``force*``: a change replaces. ``first``: replacement deletes
    first. ``fail``: creating and updating fail with that message. ``half``: it exists but is not ready, for
    that reason. ``shrug``: diff does not know. ``named``: it gets a name of its own, which ``name`` is not.
    """

    def __init__(self) -> None:
        self.accepts_secrets = False
        self.simulates = True
        self.things: dict[str, Values] = {}
        self.steps: dict[str, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.requests: list[tuple[str, Any]] = []
        self.metadata: list[dict[str, list[str]]] = []
        self.hold: dict[str, threading.Event] = {}
        self.reached: dict[str, threading.Event] = {}
        self.unreadable: dict[str, int] = {}
        """How many reads of a thing are refused from now on, by its name."""
        self.repeats = False
        """Whether a read only says what it was told, as that of a dynamic provider that has none."""
        self._made = 0
        self._lock = threading.Lock()

    def taken(self) -> tuple[dict[str, Values], dict[str, str]]:
        """What there is at this moment: things, and the steps that made them."""
        with self._lock:
            return copy.deepcopy((self.things, self.steps))

    def _note(self, method: str, request: Any) -> str:
        with self._lock:
            self.calls.append((method, request.name))
            self.requests.append((method, request))
        if request.name in self.reached and method in ("create", "update", "delete"):
            self.reached[request.name].set()
            self.hold[request.name].wait(30)
        return str(request.name)

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        news = values.from_struct(request.news)
        failures = (
            [pb.CheckFailure(property="host", reason="no such host")] if news.get("host") == "nowhere" else []
        )
        return pb.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        olds, news = values.from_struct(request.old_inputs), values.from_struct(request.news)
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        replaces = [key for key in changed if key.startswith("force")]
        return pb.DiffResponse(
            changes=pb.DiffResponse.DIFF_SOME if changed else pb.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=replaces,
        )

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._lock:
            self.requests.append(("configure", request))
        return pb.ConfigureResponse(acceptSecrets=self.accepts_secrets, supportsPreview=self.simulates)

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._lock:
            self.requests.append(("check", request))
        news = values.from_struct(request.news)
        failures = []
        if "refuse" in news:
            failures = [
                pb.CheckFailure(property="refuse", reason=news["refuse"]),
                pb.CheckFailure(reason="and more"),
            ]
        if "named" in news:
            olds = values.from_struct(request.olds)
            name = olds["name"] if "name" in olds.get("__defaults", ()) else request.randomSeed.hex()
            news = {"name": name, **news, "__defaults": [] if "name" in news else ["name"]}
        return pb.CheckResponse(inputs=values.to_struct({"default": "here", **news}), failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._lock:
            self.requests.append(("diff", request))
        olds, news = values.from_struct(request.old_inputs), values.from_struct(request.news)
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        if "shrug" in news:
            return pb.DiffResponse(changes=pb.DiffResponse.DIFF_UNKNOWN)
        return pb.DiffResponse(
            changes=pb.DiffResponse.DIFF_SOME if changed else pb.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=[key for key in changed if key.startswith("force")],
            deleteBeforeReplace="first" in olds,
            hasDetailedDiff=True,
            detailedDiff={
                key: pb.PropertyDiff(
                    kind=pb.PropertyDiff.UPDATE_REPLACE if key.startswith("force") else pb.PropertyDiff.UPDATE
                )
                for key in changed
            },
        )

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        news = values.from_struct(request.properties)
        if request.preview:
            return pb.CreateResponse(properties=values.to_struct({**news, "made": UNKNOWN}))
        self._note("create", request)
        found: dict[str, list[str]] = {}
        for key, value in context.invocation_metadata():
            found.setdefault(key, []).append(value)
        self.metadata.append(found)
        if "fail" in news:
            context.abort(grpc.StatusCode.UNKNOWN, str(news["fail"]))
        with self._lock:
            earlier = [self.steps[one] for one in found.get("messaging-adopt", ()) if one in self.steps]
            known = [one for one in earlier if {**self.things.get(one, {}), "made": 0} == {**news, "made": 0}]
            self._made += 1
            identifier = known[0] if known else f"{request.name}-{self._made}"
            outputs = {**news, "made": f"made-{self._made}"}
            self.things[identifier] = outputs
            self.steps[found["messaging-step"][0]] = identifier
        if "half" in news:
            _half(context, identifier, outputs, str(values.reveal(news["half"])))
        return pb.CreateResponse(id=identifier, properties=values.to_struct(outputs))

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        news = values.from_struct(request.news)
        outputs = {**news, "made": values.from_struct(request.olds).get("made")}
        if request.preview:
            return pb.UpdateResponse(properties=values.to_struct(outputs))
        self._note("update", request)
        if "fail" in news:
            context.abort(grpc.StatusCode.UNKNOWN, str(news["fail"]))
        with self._lock:
            self.things[request.id] = outputs
        if "half" in news:
            _half(context, request.id, outputs, str(news["half"]))
        return pb.UpdateResponse(properties=values.to_struct(outputs))

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._lock:
            self.calls.append(("read", request.name))
            refused = self.unreadable.get(request.name, 0) > 0
            if refused:
                self.unreadable[request.name] -= 1
        if refused:
            context.abort(grpc.StatusCode.UNAVAILABLE, "nobody answers yet")
        if self.repeats:
            return pb.ReadResponse(id=request.id, properties=request.properties)
        found = self.things.get(request.id)
        if found is None:
            return pb.ReadResponse()
        if "unreadable" in found:
            context.abort(grpc.StatusCode.UNAVAILABLE, "nobody answers")
        inputs = {key: value for key, value in found.items() if key != "made"}
        return pb.ReadResponse(
            id=request.id, properties=values.to_struct(found), inputs=values.to_struct(inputs)
        )

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("delete", request)
        if not request.id:
            orphans = [value for key, value in context.invocation_metadata() if key == "messaging-adopt"]
            with self._lock:
                for orphan in orphans:
                    self.things.pop(self.steps.get(str(orphan), ""), None)
            return empty_pb2.Empty()
        if "undeletable" in values.from_struct(request.properties):
            context.abort(grpc.StatusCode.UNKNOWN, "still in use")
        with self._lock:
            self.things.pop(request.id, None)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.InvokeResponse(**{"return": request.args})


def _half(context: Any, identifier: str, outputs: Values, reason: str) -> None:
    detail = any_pb2.Any()
    detail.Pack(
        pb.ErrorResourceInitFailed(id=identifier, properties=values.to_struct(outputs), reasons=[reason]),
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message="not ready", details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, "not ready")


class Program:
    """What a Pulumi program would register, one resource after the other."""

    def __init__(self, run: Update) -> None:
        self.run = run
        self.stack = self.register(Goal(type=urns.STACK_TYPE, name="tiny-dev", custom=False, inputs={}))

    def register(self, goal: Goal) -> Resource:
        return self.run.register(goal)

    def thing(self, name: str, inputs: Values | None = None, **options: Any) -> Resource:
        """Register a thing; ``from_`` maps properties to the resources whose output they are."""
        given = dict(inputs or {})
        sources: dict[str, Resource] = options.pop("from_", {})
        for key, source in sources.items():
            given[key] = source.outputs.get("made", UNKNOWN)
        after: list[Resource] = options.pop("after", [])
        options.setdefault("parent", self.stack.urn)
        dependencies = dict.fromkeys(one.urn for one in [*after, *sources.values()])
        return self.register(
            Goal(
                type=options.pop("type", TYPE),
                name=name,
                custom=True,
                inputs=given,
                dependencies=tuple(dependencies),
                property_dependencies={key: (sources[key].urn,) if key in sources else () for key in given},
                **options,
            )
        )

    def component(self, name: str, **options: Any) -> Resource:
        options.setdefault("parent", self.stack.urn)
        options.setdefault("inputs", {})
        return self.register(Goal(type="tiny:index:Group", name=name, custom=False, **options))

    def provider(self, name: str, inputs: Values | None = None, **options: Any) -> Resource:
        options.setdefault("parent", self.stack.urn)
        return self.register(
            Goal(type="pulumi:providers:docker", name=name, custom=True, inputs=inputs or {}, **options)
        )


def reference(provider: Resource) -> str:
    return f"{provider.urn}::{provider.id}"


Registrations = Callable[[Program], object]


@dataclass
class Outcome:
    """What a run said and did."""

    result: Result
    events: list[Event]
    calls: list[tuple[str, str]]

    @property
    def steps(self) -> list[str]:
        """Each step as ``operation name``, without the stack's."""
        return [
            f"{event.operation} {urns.name_of(event.urn)}"
            for event in self.events
            if isinstance(event, StepEvent)
            and event.phase in ("plan", "done")
            and event.type != urns.STACK_TYPE
        ]

    @property
    def messages(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Diagnostic)]

    def shown(self, kind: type[Diagnostic | PolicyViolation]) -> list[str]:
        """The messages of a kind as people see them: what is known to be secret when they come is hidden."""
        masker = Masker()
        found = []
        for event in self.events:
            masker.learn_event(event)
            if isinstance(event, kind):
                found.append(masker.mask(event.message))
        return found

    @property
    def errors(self) -> list[Diagnostic]:
        return [event for event in self.events if isinstance(event, Diagnostic) and event.severity == "error"]


@dataclass
class Stack:
    """A stack whose state is in memory and whose resources are in a `World`."""

    root: Path
    world: World
    state: Deployment = field(default_factory=Deployment)
    saves: list[Deployment] = field(default_factory=list)
    worlds: list[tuple[dict[str, Values], dict[str, str]]] = field(default_factory=list)
    parallel: int = 4
    config: dict[str, str] = field(default_factory=dict)
    secret_keys: list[str] = field(default_factory=list)
    packs: tuple[Pack, ...] = ()
    cancellation: Cancellation = field(default_factory=Cancellation)

    def preview(self, program: Registrations) -> Outcome:
        return self._deploy(program, preview=True)

    def up(self, program: Registrations) -> Outcome:
        return self._deploy(program, preview=False)

    def destroy(self, *, exclude_protected: bool = False, preview: bool = False) -> Outcome:
        return self._do(
            preview,
            lambda settings, snapshot, sink: destroy(
                settings, snapshot, sink, self.cancellation, exclude_protected=exclude_protected
            ),
        )

    def refresh(self, *targets: str, preview: bool = False) -> Outcome:
        return self._do(
            preview,
            lambda settings, snapshot, sink: refresh(
                settings, snapshot, sink, self.cancellation, targets=targets
            ),
        )

    def refreshed_up(self, program: Registrations, *, preview: bool = False) -> Outcome:
        """An update of what a refresh found."""

        def work(settings: Settings, snapshot: Snapshot, sink: Callable[[Event], None], _: Any) -> Result:
            return self._update(program, settings, snapshot, sink)

        return self._refreshed(work, preview=preview)

    def refreshed_destroy(self) -> Outcome:
        return self._refreshed(partial(destroy, exclude_protected=False), preview=False)

    def _refreshed(self, work: Any, *, preview: bool) -> Outcome:
        both = refreshed(work, lambda: Disk(self._save))
        return self._do(
            preview, lambda settings, snapshot, sink: both(settings, snapshot, sink, self.cancellation)
        )

    def _deploy(self, program: Registrations, *, preview: bool) -> Outcome:
        return self._do(preview, partial(self._update, program))

    def _update(
        self, program: Registrations, settings: Settings, snapshot: Snapshot, sink: Callable[[Event], None]
    ) -> Result:
        with Update(settings, snapshot, sink, self.cancellation) as run:
            try:
                program(Program(run))
            except Aborted:
                pass
            except deployment_errors() as error:
                run.fail(str(error), getattr(error, "urn", ""))
            run.delete_what_is_left()
            run.judge_stack()
            run.finish_outputs()
        return run.result()

    def _do(
        self, preview: bool, act: Callable[[Settings, Snapshot, Callable[[Event], None]], Result]
    ) -> Outcome:
        base = _copied(self.state)
        verify(base)
        events: list[Event] = []
        settings = Settings(
            project=Project(name="tiny", root=self.root),
            stack="dev",
            config=self.config,
            secret_keys=self.secret_keys,
            parallel=self.parallel,
            preview=preview,
            policy_packs=self.packs,
        )
        snapshot = Snapshot(base, None if preview else Disk(self._save))
        before = len(self.world.calls)
        result = act(settings, snapshot, events.append)
        return Outcome(result, events, self.world.calls[before:])

    def _save(self, deployment: Deployment) -> None:
        self.state = _copied(deployment)
        self.saves.append(self.state)
        self.worlds.append(self.world.taken())

    def rewind(self, save: int, world: int) -> None:
        """Be as after a kill: the state of one save, the world as it was at that or a later one."""
        self.state = _copied(self.saves[save])
        self.world.things, self.world.steps = copy.deepcopy(self.worlds[world])

    def find(self, name: str) -> Resource:
        (found,) = [one for one in self.state.resources if urns.name_of(one.urn) == name]
        return found

    @property
    def names(self) -> list[str]:
        """The names of what is in the state, without the stack and default providers."""
        return [
            urns.name_of(one.urn)
            for one in self.state.resources
            if one.type != urns.STACK_TYPE and not urns.name_of(one.urn).startswith("default")
        ]


def deployment_errors() -> tuple[type[Exception], ...]:
    """What the monitor turns into a failed run."""
    from engine.errors import EngineError
    from engine.plugins.plugin import CallFailed

    return (EngineError, CallFailed, ValueError)


def _copied(deployment: Deployment) -> Deployment:
    """Copy as a file would: the run changes its resources in place."""
    return copy.deepcopy(deployment)


@pytest.fixture
def world() -> World:
    """A provider, served in this process by `stack`."""
    return World()


@pytest.fixture
def stack(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A new stack whose docker package is the world."""
    server = grpc.server(ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(world, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    plugin = tmp_path / "pulumi-resource-docker"
    plugin.write_text(f"#!/bin/sh\necho {port}\nexec sleep 600\n")
    plugin.chmod(0o755)
    monkeypatch.setenv("MESSAGING_PROVIDER_DOCKER", str(plugin))
    yield Stack(tmp_path, world)
    server.stop(None)
