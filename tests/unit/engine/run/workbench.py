"""A project's folder in which real programs run, with things that do as they are told."""

from __future__ import annotations

import textwrap
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine import urn
from engine.deployment import update as update_module
from engine.deployment.executor import Cancellation
from engine.deployment.run import Result, Settings
from engine.events import Diagnostic, Event, Output, StepEvent
from engine.resource import Deployment
from engine.state.snapshot import Snapshot
from engine.workspace.project import Project
from tests.unit.engine.disk import Disk

if TYPE_CHECKING:
    from pathlib import Path

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
