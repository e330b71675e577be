"""Command lines as the engines read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer

from engine.cli.main import app
from launcher import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("arguments", "words", "flags"),
    [
        (["up", "-yf", "-p4"], ["up"], {"--parallel": "4"}),
        (["up", "-mspam", "-t=urn"], ["up"], {"--message": "spam", "--target": "urn"}),
        (["up", "-y=true", "-r=sdev"], ["up"], {}),
        (["stack", "select", "-c", "dev"], ["stack", "select", "dev"], {}),
        (["preview", "-ca=b"], ["preview"], {"--config": "a=b"}),
        (["stack", "import", "--file", "-"], ["stack", "import"], {"--file": "-"}),
        (["stack", "rm", "--yes", "--", "dev"], ["stack", "rm", "dev"], {"--yes": ""}),
    ],
)
def test_flags_stand_alone_in_clusters_and_with_their_values(
    arguments: list[str], words: list[str], flags: dict[str, str]
) -> None:
    line = command_line.read(arguments)

    assert (list(line.words), line.flags, line.understood) == (words, flags, True)


def test_of_every_flag_of_the_embedded_engine_it_is_known_whether_it_takes_a_value() -> None:
    for command, option in options(typer.main.get_command(app)):
        for flag in option.opts:
            if (command, flag) == ("select", f"-{command_line.CREATE}"):
                continue
            known = command_line.VALUED | {f"-{letter}" for letter in command_line.VALUED_LETTERS}
            assert (flag in known) is not option.is_flag, (command, flag)
            assert flag in known or flag.startswith("--") or flag[1:] in command_line.PLAIN_LETTERS, flag


def options(command: Any) -> Iterator[tuple[str, Any]]:
    """Every option of a command and of those below it."""
    for parameter in command.params:
        if parameter.param_type_name == "option":
            yield command.name, parameter
    for below in getattr(command, "commands", {}).values():
        yield from options(below)
