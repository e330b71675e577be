"""Commands of a small project that end in the same way under either engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.parity.engines import ENGINES, STACK
from tests.parity.scenarios import BUNDLES

if TYPE_CHECKING:
    from tests.parity.engines import Engine, Place


@pytest.fixture
def small(place: Place) -> Place:
    """A project whose program has a note; its stack has nothing yet."""
    place.prepare("embedded", BUNDLES["configuration_of_every_kind"])
    return place


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_expects_no_changes_stops_or_ends_with_seven(small: Place, engine: Engine) -> None:
    expecting = ("up", "--yes", "--expect-no-changes", "--stack", STACK)
    small.run(engine, *expecting, codes=(7,))
    small.up(engine)
    small.run(engine, *expecting)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("destroy",), 2),
        (("refresh",), 1),
        (("up", "--yes", "--stack", "absent"), 6),
        (("stack", "output", "--stack", "absent"), 6),
        (("stack", "export", "--stack", "absent"), 6),
        (("stack", "select", "absent"), 6),
        (("stack", "rm", "--yes", "absent"), 6),
        (("stack", "init", STACK), 1),
        (("config", "get", "absent"), 1),
        (("config", "get", "plain", "--stack", "absent"), 6),
        (("up", "--no-such-flag"), 1),
        (("no-such-command",), 1),
        (("preview", "surplus"), 1),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else "",
)
def test_both_engines_end_with_the_same_exit_code(
    small: Place, arguments: tuple[str, ...], code: int
) -> None:
    codes = {engine: small.run(engine, *arguments, codes=tuple(range(256))).code for engine in ENGINES}

    assert codes == dict.fromkeys(ENGINES, code)
