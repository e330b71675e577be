"""Runs of a bundle by both engines, and what was seen: what the tests judge scenario by scenario."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.e2e import harness
from tests.parity.engines import ENGINES, STACK, end, other
from tests.parity.golden import record

if TYPE_CHECKING:
    from pathlib import Path

    from tests.parity.engines import Engine, Place, Plan
    from tests.parity.scenarios import Bundle

KILLED_IN = 2
"""The stage of a bundle that changes most."""
KILLED_AT = {"containers": "create.after:4", "notes": "update.after:6", "topics": "update.before:1"}
"""Where the embedded engine is killed in each bundle's stage: in the midst of it."""

SAVES_BEFORE = {"containers": 6, "notes": 6, "topics": 1}
"""How often the CLI has written the state in each bundle's stage when it is killed: in the midst of it."""


@dataclass(kw_only=True)
class Stage:
    """What was seen at one stage.

    Attributes:
        plans: what each engine would do before.
        found: what the engine that did not deploy would do or saw differ afterwards.
    """

    plans: dict[Engine, Plan]
    found: list[Plan] = field(default_factory=list)


@dataclass(kw_only=True)
class Turns:
    """What was seen when the engines took turns, and what was left at the end."""

    stages: list[Stage] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)


def take_turns(place: Place, bundle: Bundle, engine: Engine) -> Turns:
    """Both plan each stage, the engines deploy it in turn, and then the other one looks for differences."""
    turns = Turns()
    place.lay(bundle)
    place.begin(engine)
    for number in range(1, bundle.stages + 1):
        place.at(engine, bundle, number)
        stage = Stage(plans={one: place.plan(one) for one in ENGINES})
        turns.stages.append(stage)
        record(place, bundle, other(engine), number, stage.plans["cli"])
        place.up(engine, code=bundle.code(number))
        if not bundle.code(number):
            stage.found = [place.plan(other(engine)), place.drift(other(engine))]
        engine = other(engine)
    place.destroy(engine)
    turns.remains = place.remains()
    return turns


def finish_what_was_killed(place: Place, bundle: Bundle, victim: Engine) -> Turns:
    """One engine is killed in the midst of a stage; the other finishes it, and then both look.

    What was being created is unknown to the other engine, so it is told to forget it, and what is there is
    removed by hand, as docs/parity.md says.
    """
    place.prepare(victim, bundle)
    place.up(victim)
    place.at(victim, bundle, KILLED_IN)
    (_kill_embedded if victim == "embedded" else _kill_cli)(place, bundle)
    finisher = other(victim)
    place.run(finisher, "cancel", "--yes", "--stack", STACK)
    place.run(finisher, "refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", STACK)
    place.remove_unknown()
    stage = Stage(plans={})
    place.up(finisher)
    stage.found = [place.plan("embedded"), place.plan("cli"), place.drift(victim)]
    place.destroy(victim)
    return Turns(stages=[stage], remains=place.remains())


def _kill_embedded(place: Place, bundle: Bundle) -> None:
    environment = {"MESSAGING_ENGINE_KILL_AT": KILLED_AT[bundle.name]}
    arguments = ("up", "--yes", "--skip-preview", "--stack", STACK)
    place.run("embedded", *arguments, codes=(-signal.SIGKILL,), environment=environment)


def _kill_cli(place: Place, bundle: Bundle) -> None:
    run = place.start("cli", "up", "--yes", "--skip-preview", "--stack", STACK)
    watch = Watch(place.checkpoint())
    saves = SAVES_BEFORE[bundle.name]
    harness.wait_for(
        lambda: watch.times() >= saves or run.poll() is not None,
        f"changes of {bundle.name}",
        200,
        pause=0.002,  # it writes one after the other within milliseconds
    )
    assert run.poll() is None, f"{bundle.name} was through before it could be killed"
    end(run)
    run.communicate(timeout=30)


class Watch:
    """Counts how often a file was seen to change."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._last = self._look()
        self._times = 0

    def times(self) -> int:
        """Look again, and say how many changes there were."""
        now = self._look()
        self._times += now != self._last
        self._last = now
        return self._times

    def _look(self) -> tuple[int, int]:
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            return (0, 0)
        return (stat.st_mtime_ns, stat.st_size)
