"""Exceptions: one resource, one rule, one stack, a reason, a name and a last day. Never a rule as a whole.

They lie in `exceptions.json` beside the pack, so that granting one is a reviewed change; while one is in
force, every preview says so.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
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


def load(file: Path, policies: Collection[str]) -> Exceptions:
    """The exceptions of a file.

    Args:
        file: where they are written.
        policies: the names of all that can be excepted from.

    Raises:
        ExceptionsError: it cannot be read or says something else than exceptions.
    """
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ExceptionsError(
            f"{file} cannot be read as JSON: {error}; a list of exceptions is allowed"
        ) from None
    return read(entries, policies, Exceptions().today, str(file))


def read(entries: Any, policies: Collection[str], today: date, where: str) -> Exceptions:
    """The exceptions that a document holds.

    Args:
        entries: a list of objects.
        policies: the names of all that can be excepted from.
        today: decides how late a last day may be.
        where: the file's name, for messages.

    Raises:
        ExceptionsError: some entry is incomplete; all faults are named.
    """
    if not isinstance(entries, list):
        raise ExceptionsError(f"{where} holds {entries!r}; a list of exceptions is allowed")
    faults: list[str] = []
    granted = [
        _read(entry, policies, today, f"exception {number}", faults)
        for number, entry in enumerate(entries, 1)
    ]
    if faults:
        raise ExceptionsError(f"{where} cannot be used:\n" + "\n".join(f"  {fault}" for fault in faults))
    return Exceptions(granted=tuple(one for one in granted if one), today=today)


def _read(
    entry: Any, policies: Collection[str], today: date, which: str, faults: list[str]
) -> Granted | None:
    if not isinstance(entry, dict) or set(entry) != set(KEYS):
        given = ", ".join(entry) if isinstance(entry, dict) else repr(entry)
        faults.append(f"{which} has {given or 'nothing'}; exactly the keys {', '.join(KEYS)} are allowed")
        return None
    if wrong := [f"{key} is {entry[key]!r}" for key in KEYS if not _is_text(entry[key])]:
        faults.append(f"{which}: {', '.join(wrong)}; text that is not empty is allowed")
        return None
    if patterns := [entry[key] for key in ("policy", "stack", "resource") if set("*?[") & set(entry[key])]:
        named = ", ".join(patterns)
        faults.append(
            f"{which} is for {named}; one policy, one stack and one resource are allowed, no patterns"
        )
    elif entry["policy"] not in policies:
        faults.append(f"{which}: policy is {entry['policy']!r}{_meant(entry['policy'], policies)}")
    latest = today + timedelta(days=LONGEST_DAYS)
    try:
        until = date.fromisoformat(entry["until"])
    except ValueError:
        faults.append(f"{which}: until is {entry['until']!r}; a day such as {today} is allowed")
        return None
    if until > latest:
        faults.append(
            f"{which}: until is {until}; at most {LONGEST_DAYS} days from today are allowed, {latest}"
        )
    return Granted(
        policy=entry["policy"],
        stack=entry["stack"],
        resource=entry["resource"],
        reason=entry["reason"],
        approved_by=entry["approvedBy"],
        until=until,
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _meant(policy: str, policies: Collection[str]) -> str:
    close = difflib.get_close_matches(policy, policies, n=1)
    question = f" Did you mean {close[0]}?" if close else ""
    return f"; the name of a policy that policies/README.md lists is allowed.{question}"
