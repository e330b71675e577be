"""Subjects as people read them: the list with levels and latest versions, and one subject with its changes.

The registry gives the versions; indenting them and comparing two of them happens here.
"""

import difflib
import json
from dataclasses import dataclass

from messaging.console.parts import Deadline, NotFoundError, ReadError
from messaging.console.registry import Registry, SubjectVersion

MAX_SUBJECTS = 200
MAX_DIFF_LINES = 2_000


@dataclass(frozen=True, kw_only=True)
class SubjectRow:
    """A subject with what could be read of it in time; None for what could not."""

    name: str
    latest: SubjectVersion | None
    compatibility: str | None


@dataclass(frozen=True, kw_only=True)
class SubjectList:
    """The subjects that fit a search, by name; `more` of them were left out for their number."""

    rows: tuple[SubjectRow, ...]
    more: int
    compatibility: str | None
    problem: str | None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One subject.

    Attributes:
        versions: All its version numbers, ascending.
        compatibility: The level in force for it.
        shown: The version that was asked for, its text indented.
        against: The version number that it is compared with, or None.
        changes: Lines of a unified difference from `against` to `shown`, without its head.
    """

    name: str
    versions: tuple[int, ...]
    compatibility: str
    shown: SubjectVersion
    against: int | None
    changes: tuple[str, ...]


def list_subjects(registry: Registry, search: str, deadline: Deadline) -> SubjectList:
    """The subjects whose name contains `search` in any case."""
    names = [name for name in registry.subjects(deadline) if search.lower() in name.lower()]
    rows, problem = [], None
    for name in names[:MAX_SUBJECTS]:
        latest = compatibility = None
        if problem is None:  # once one is late or fails, the rest would only be later
            try:
                latest = registry.version(name, None, deadline)
                compatibility = registry.compatibility(name, deadline)
            except NotFoundError:
                pass  # deleted since the list was read
            except ReadError as error:
                problem = str(error)
        rows.append(SubjectRow(name=name, latest=latest, compatibility=compatibility))
    try:
        level = registry.compatibility(None, deadline)
    except ReadError as error:
        level, problem = None, problem or str(error)
    return SubjectList(rows=tuple(rows), more=len(names) - len(rows), compatibility=level, problem=problem)


def detail(
    registry: Registry, name: str, version: int | None, against: int | None, deadline: Deadline
) -> Subject:
    """Subject `name` at `version` (the latest if None), compared with `against` (the one before if None)."""
    versions = registry.versions(name, deadline)
    shown = registry.version(name, version, deadline)
    if against is None:
        against = max((one for one in versions if one < shown.version), default=None)
    text = pretty(shown)
    changes: tuple[str, ...] = ()
    if against is not None:
        changes = difference(pretty(registry.version(name, against, deadline)), text)
    return Subject(
        name=name,
        versions=versions,
        compatibility=registry.compatibility(name, deadline),
        shown=SubjectVersion(
            subject=name, version=shown.version, schema_id=shown.schema_id, kind=shown.kind, text=text
        ),
        against=against,
        changes=changes,
    )


def pretty(version: SubjectVersion) -> str:
    """The schema's text, indented where it is JSON."""
    try:
        return json.dumps(json.loads(version.text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return version.text


def difference(before: str, after: str) -> tuple[str, ...]:
    """Lines of a unified difference, each starting with a space, ``+``, ``-`` or ``@``."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MAX_DIFF_LINES:
        return (f"@@ more than {MAX_DIFF_LINES} lines: not compared @@",)
    return tuple(difflib.unified_diff(old, new, lineterm="", n=3))[2:]
