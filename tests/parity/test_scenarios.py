"""Each scenario under both engines: they plan alike, see no difference, and finish what the other began."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.parity.engines import ENGINES, cli_version
from tests.parity.programs.parts import SCENARIOS
from tests.parity.scenarios import KILLABLE, bundle_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.parity.engines import Engine
    from tests.parity.programs.parts import Scenario
    from tests.parity.turns import Turns

    Take = Callable[[str, Engine], Turns]

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
each_killable = pytest.mark.parametrize("scenario", KILLABLE, ids=[one.name for one in KILLABLE])
each_engine = pytest.mark.parametrize("engine", ENGINES)


@each_engine
@each_scenario
def test_both_engines_plan_the_same(turns: Take, scenario: Scenario, engine: Engine) -> None:
    if scenario.since and cli_version() < scenario.since:
        pytest.skip("the CLI does this from {}.{} on".format(*scenario.since))
    taken = turns(bundle_of(scenario).name, engine)

    for number, stage in enumerate(taken.stages, start=1):
        cli, embedded = (stage.plans[one].of(scenario.name) for one in ENGINES)
        if not scenario.reasons:
            cli, embedded = cli.without_reasons(), embedded.without_reasons()
        assert embedded.like(cli) == cli, f"stage {number}"
        assert cli.code == bundle_of(scenario).preview_code(number), f"stage {number}"


@each_engine
@each_scenario
def test_what_one_engine_deployed_the_other_leaves_alone(
    turns: Take, scenario: Scenario, engine: Engine
) -> None:
    taken = turns(bundle_of(scenario).name, engine)

    for number, stage in enumerate(taken.stages, start=1):
        assert [plan.of(scenario.name).steps for plan in stage.found if plan.of(scenario.name).steps] == [], (
            f"stage {number}"
        )
    assert bool(mentions(taken.remains, scenario)) == scenario.leaves, taken.remains


@each_engine
@each_killable
def test_what_one_engine_was_killed_in_the_other_finishes(
    kills: Take, scenario: Scenario, engine: Engine
) -> None:
    taken = kills(bundle_of(scenario).name, engine)

    assert [
        plan.of(scenario.name).steps for plan in taken.stages[0].found if plan.of(scenario.name).steps
    ] == []
    assert bool(mentions(taken.remains, scenario)) == scenario.leaves, taken.remains


def mentions(remains: list[str], scenario: Scenario) -> list[Any]:
    return [name for name in remains if f"-{scenario.name}-" in name]
