"""A stack in memory, the programs that are deployed with it, and what a run said and did."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from engine import urn as urns
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
    from tests.unit.engine.run.world import World

TYPE = "docker:index:Thing"


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
