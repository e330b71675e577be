"""Exceptions: one resource, one rule, one stack, a reason, a name and a last day. Never a rule as a whole.

They lie in `exceptions.json` beside the pack, so that granting one is a reviewed change; while one is in
force, every preview says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE = "exceptions.json"
KEYS = ("policy", "stack", "resource", "reason", "approvedBy", "until")
LONGEST_DAYS = 92
"""From today: whoever needs longer asks again."""


class ExceptionsError(Exception):
    """The file cannot be used; the message lists every fault."""


@dataclass(frozen=True, kw_only=True)
class Granted:
    """One exception."""

    policy: str
    stack: str
    resource: str
    """The logical name of a resource."""
    reason: str
    approved_by: str
    until: date
    """Its last day."""


@dataclass(frozen=True, kw_only=True)
class Exceptions:
    """All that were granted."""

    granted: tuple[Granted, ...] = ()
    today: date = field(default_factory=lambda: datetime.now(UTC).date())

    def grants(self, policy: str, resource: str) -> bool:
        """Whether a resource of this stack is excepted from a rule today."""
        return any((one.policy, one.resource) == (policy, resource) for one in self.in_force())

    def in_force(self) -> Iterable[Granted]:
        """Those for this stack that have not run out."""
        stack = pulumi.get_stack()
        return [one for one in self.granted if one.stack == stack and one.until >= self.today]

    def run_out(self) -> Iterable[Granted]:
        """Those for this stack whose last day is past."""
        stack = pulumi.get_stack()
        return [one for one in self.granted if one.stack == stack and one.until < self.today]


def load(file: Path) -> Exceptions:
    """The exceptions of a file.

    Raises:
        ExceptionsError: it cannot be read or says something else than exceptions.
    """
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExceptionsError(f"{file} cannot be read: {error}") from None
    return read(entries, Exceptions().today, str(file))


def read(entries: Any, today: date, where: str) -> Exceptions:
    """The exceptions that a document holds.

    Args:
        entries: a list of objects.
        today: decides how late a last day may be.
        where: the file's name, for messages.

    Raises:
        ExceptionsError: some entry is incomplete; all faults are named.
    """
    if not isinstance(entries, list):
        raise ExceptionsError(f"{where} must be a list of exceptions, but is {entries!r}")
    faults: list[str] = []
    granted = [_read(number, entry, today, faults) for number, entry in enumerate(entries, 1)]
    if faults:
        raise ExceptionsError(f"{where}:\n" + "\n".join(f"  {fault}" for fault in faults))
    return Exceptions(granted=tuple(one for one in granted if one), today=today)


def _read(number: int, entry: Any, today: date, faults: list[str]) -> Granted | None:
    if not isinstance(entry, dict) or set(entry) != set(KEYS):
        faults.append(f"exception {number} must have exactly the keys {', '.join(KEYS)}")
        return None
    empty = [key for key in KEYS if not isinstance(entry[key], str) or not entry[key].strip()]
    if empty:
        faults.append(f"exception {number}: {', '.join(empty)} must not be empty")
        return None
    if any(sign in entry[key] for key in ("policy", "stack", "resource") for sign in "*?["):
        faults.append(f"exception {number} must name one policy, one stack and one resource; no patterns")
    try:
        until = date.fromisoformat(entry["until"])
    except ValueError:
        faults.append(f"exception {number}: until is {entry['until']!r}; write a day such as {today}")
        return None
    if (until - today).days > LONGEST_DAYS:
        faults.append(f"exception {number}: until is {until}, more than {LONGEST_DAYS} days from today")
    return Granted(
        policy=entry["policy"],
        stack=entry["stack"],
        resource=entry["resource"],
        reason=entry["reason"],
        approved_by=entry["approvedBy"],
        until=until,
    )
