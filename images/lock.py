"""Renews what the images' downloads are checked against: ``python -m images lock``.

Maven's artifacts get their list of checksums from a fresh download. Python packages are a part of the
project's own lock, so that an image never runs another version than the tests do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from images.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADER = (
    "# Part of the project's requirements.lock: the packages of requirements.in and what they need.\n"
    "# Written by `python -m images lock`.\n"
)


def part_of_lock(lock: str, names: Iterable[str]) -> str:
    """The entries of a lock for some packages and all that they need, directly or not.

    Args:
        lock: text of a lock whose entries say after ``# via`` what needs them.
        names: the packages.

    Raises:
        ImageError: a name is not in the lock.
    """
    entries = {_name(entry): entry for entry in re.split(r"(?m)^(?=[A-Za-z0-9])", lock) if "==" in entry}
    wanted = {_normal(name) for name in names}
    unknown = sorted(wanted - entries.keys())
    if unknown:
        raise ImageError(
            f"requirements.lock has no {', '.join(unknown)}: add them to pyproject.toml, then `make lock`"
        )
    while True:
        more = {name for name, entry in entries.items() if _needed_by(entry) & wanted} - wanted
        if not more:
            break
        wanted |= more
    return _HEADER + "".join(_without_comments(entries[name]) for name in sorted(wanted))


def _name(entry: str) -> str:
    return _normal(re.split(r"[=\[ ]", entry, maxsplit=1)[0])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _needed_by(entry: str) -> set[str]:
    comments = " ".join(re.findall(r"^\s+#(.*)$", entry, re.MULTILINE))
    return {_normal(word) for word in comments.split() if word != "via"}


def _without_comments(entry: str) -> str:
    return "".join(line for line in entry.splitlines(keepends=True) if not re.match(r"\s*#", line))
