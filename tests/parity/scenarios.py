"""The table of scenarios, and the bundles in which they share runs.

A run costs seconds whatever it does, so scenarios that succeed run together as one program; their resources'
names say whose they are. What fails, or needs settings of its own, runs alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.parity.programs import containers, notes, topics  # noqa: F401 - they enter themselves
from tests.parity.programs.parts import SCENARIOS

if TYPE_CHECKING:
    from tests.parity.programs.parts import Scenario


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Scenarios that are one program."""

    name: str
    scenarios: tuple[Scenario, ...]

    @property
    def stages(self) -> int:
        """How many versions the program has."""
        return max(one.stages for one in self.scenarios)

    @property
    def main(self) -> str:
        """The program's text."""
        names = "".join(f'    "{one.name}",\n' for one in self.scenarios)
        modules = sorted({one.bundle for one in self.scenarios})
        imported = f"from tests.parity.programs import {', '.join(modules)}, parts  # noqa: F401"
        return f"{imported}\n\nparts.run(\n{names})\n"

    def code(self, stage: int) -> int:
        """The exit code of `up` at a stage."""
        return max(one.codes.get(stage, 0) for one in self.scenarios)

    def preview_code(self, stage: int) -> int:
        """The exit code of `preview` at a stage."""
        return max(one.previews.get(stage, 0) for one in self.scenarios)

    def config(self, stage: int) -> list[tuple[str, ...]]:
        """What to set before a stage."""
        return [words for one in self.scenarios for words in one.config.get(stage, ())]


def _bundles() -> dict[str, Bundle]:
    together: dict[str, list[Scenario]] = {}
    for one in SCENARIOS.values():
        together.setdefault(one.name if one.alone else one.bundle, []).append(one)
    return {name: Bundle(name=name, scenarios=tuple(members)) for name, members in together.items()}


BUNDLES = _bundles()
"""All bundles by name."""
KILLABLE = [one for one in SCENARIOS.values() if not one.alone]
"""Scenarios of which each stage succeeds."""


def bundle_of(scenario: Scenario) -> Bundle:
    """The bundle that a scenario runs in."""
    return BUNDLES[scenario.name if scenario.alone else scenario.bundle]
