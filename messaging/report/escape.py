"""Texts of any origin as pieces of Markdown that show them and do nothing else. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_ROWS = 60
"""Of one table; what is left out is counted."""
_NOTHING = "\u200b"
"""A character that nobody sees: it keeps a name from being called and a number from being a link."""
_MEANS = re.compile(
    r"""(?P<escape> [\\`*\[\]~|] | (?<![A-Za-z0-9])_ | _(?![A-Za-z0-9]) )
    | (?P<entity> < | &(?=[#A-Za-z]) )
    | (?P<calls> @ | \#(?=\d) )""",
    re.VERBOSE,
)
_ENTITIES = {"<": "&lt;", "&": "&amp;"}


def text(given: str, longest: int = 600) -> str:
    """Prose within one line: no markup, no mention, no image."""
    shown = _MEANS.sub(_harmless, _line(given, longest))
    return re.sub(r"^([#>+=-]|\d+(?=[.)]))", rf"{_NOTHING}\1", shown)


def _harmless(found: re.Match[str]) -> str:
    if found["escape"]:
        return "\\" + found["escape"]
    return _ENTITIES[found["entity"]] if found["entity"] else found["calls"] + _NOTHING


def code(given: str, longest: int = 200) -> str:
    """A span of code within one cell or line, whatever backticks and bars are in it."""
    shown = _line(given, longest)
    if not shown:
        return "empty"
    fence = "`" * (_longest_run(shown) + 1)
    space = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{fence}{space}{shown}{space}{fence}".replace("|", "\\|")


def block(given: str, longest: int = 1_500) -> list[str]:
    """The lines of a block that shows a text as it stands."""
    shown = "\n".join(map(_printable, cut(given, longest).splitlines()))
    fence = "`" * max(3, _longest_run(shown) + 1)
    return [f"{fence}text", shown, fence, ""]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], budget: int) -> list[str]:
    """The lines of a table: its first rows, as many as are allowed, and how many there are besides.

    Args:
        head: the columns.
        rows: pieces of Markdown, the most important first.
        budget: characters of all rows.
    """
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    shown = 0
    for row in rows[:MOST_ROWS]:
        line = "| " + " | ".join(row) + " |"
        budget -= len(line) + 1
        if budget < 0:
            break
        lines.append(line)
        shown += 1
    if shown < len(rows):
        lines.append("| " + " | ".join([f"and {len(rows) - shown} more", *("" for _ in head[1:])]) + " |")
    return lines


def cut(given: str, longest: int) -> str:
    """The text's beginning, and that there is more."""
    return given if len(given) <= longest else f"{given[:longest]}…"


def _line(given: str, longest: int) -> str:
    """The text's beginning as one line; of a very long one, the rest is not even read."""
    return cut(_printable(" ".join(cut(given, 4 * longest).split())), longest)


def _printable(given: str) -> str:
    """The text with a name for each character that would be seen otherwise than it stands there."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in given)


def _longest_run(given: str) -> int:
    return max(map(len, re.findall("`+", given)), default=0)
