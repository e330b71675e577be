"""The CLI's commands: each is the embedded engine's, too, or refused; and what `pulumi stack` shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import typer

from engine.cli import main
from tests.parity.engines import STACK
from tests.parity.scenarios import BUNDLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.parity.engines import Engine, Place

_LISTED = re.compile(r"^  ([a-z][a-z-]+) {2,}\S", re.MULTILINE)
_ALIASES = re.compile(r"^Aliases:\n  (.+)$", re.MULTILINE)


def known(path: str) -> bool:
    """Whether the embedded engine has a command, or says what to do instead."""
    group: Any = typer.main.get_command(main.app)
    if path in main.ELSEWHERE:
        return True
    for name in path.split():
        group = getattr(group, "commands", {}).get(name)
    return group is not None


def spellings(place: Place, group: str) -> Iterator[str]:
    """The commands of a group as the CLI's help has them, each in all its spellings."""
    words = group.split()
    for name in _LISTED.findall(place.run("cli", *words, "--help").out):
        described = place.run("cli", *words, name, "--help").out
        aliases = _ALIASES.search(described)
        names = aliases[1].split(", ") if aliases else [name]
        yield from (f"{group} {one}".strip() for one in names)


@pytest.mark.parametrize(
    "group", ["", "stack", "state", "config"], ids=["pulumi", "stack", "state", "config"]
)
def test_every_command_of_the_cli_is_known(place: Place, group: str) -> None:
    found = set(spellings(place, group))

    assert len(found) > 5
    assert not {one for one in found if not known(one)}


_OF_ITS_OWN = ("Last updated:", "Pulumi version used:", "Plugin ")


def shown(place: Place, engine: Engine, *flags: str) -> list[str]:
    """What `pulumi stack` says, without the width of columns and what only one of them keeps in a state."""
    lines = [
        " ".join(line.split())
        for line in place.run(engine, "stack", "--stack", STACK, *flags).out.splitlines()
    ]
    return [line for line in lines if not line.startswith(_OF_ITS_OWN)]


@pytest.mark.parametrize("flags", [(), ("--show-ids", "--show-urns"), ("--show-name",)], ids=" ".join)
def test_a_stack_is_shown_the_same(place: Place, flags: tuple[str, ...]) -> None:
    place.prepare("embedded", BUNDLES["notes"])
    place.up("embedded")

    assert shown(place, "cli", *flags) == shown(place, "embedded", *flags)
