"""Bad changes to the committed production stack, one at a time: each is stopped at preview, and says by what.

The program is the real one with one edit; the engine is the embedded one, started by the launcher, which
passes the policy pack. Those changes that only the state can tell are compared with a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.policies import seeds_of_containers, seeds_of_data, seeds_of_settings
from tests.policies.deployed import deploy
from tests.policies.seed import IDENTITY, PROGRAM, PROTECTED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.policies.conftest import Checkout
    from tests.policies.seed import Seed

# The places where a setting can be weakened, then what a container must be, then what data must survive.
SEEDS = (*seeds_of_settings.SEEDS, *seeds_of_containers.SEEDS, *seeds_of_data.SEEDS)


@pytest.fixture(scope="session")
def production(
    pristine: Callable[[str], Checkout], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[bool], Checkout]:
    """The committed production stack, deployed or not; made once."""
    made: dict[bool, Checkout] = {}

    def make(is_deployed: bool) -> Checkout:
        if is_deployed not in made:
            made[is_deployed] = pristine("prod").copy(tmp_path_factory.mktemp("production"))
            if is_deployed:
                deploy(made[is_deployed])
        return made[is_deployed]

    return make


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_a_bad_change_is_stopped_at_preview(
    seed: Seed, production: Callable[[bool], Checkout], tmp_path: Path
) -> None:
    checkout = production(seed.deployed).copy(tmp_path)
    checkout.edit(seed.anchor, seed.becomes)

    preview = checkout.preview()

    assert preview.code == 1, preview.text
    if seed.stopped_by in (PROTECTED, IDENTITY, PROGRAM):
        told = preview.errors
    else:
        assert seed.stopped_by in preview.mandatory(), preview.text
        told = preview.messages(seed.stopped_by)
    for words in seed.says:
        assert words in told, told
    assert "Traceback" not in preview.text


def test_there_are_bad_changes_enough() -> None:
    assert len(SEEDS) >= 30
    assert len({(seed.anchor, seed.becomes) for seed in SEEDS if not seed.deployed}) >= 30
