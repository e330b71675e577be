"""Reads a preview's events: one JSON object a line, as both engines stream them. Pure.

``PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json`` writes them; without that variable the
JSON holds no violations.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PARTS = frozenset({"create-replacement", "delete-replaced", "discard-replaced", "remove-pending-replace"})
"""Steps that together are one replacement, which has a step of its own."""
CONTAINER = "docker:index/container:Container"
REFRESH, SAME, CREATE, UPDATE, REPLACE, DELETE = "refresh", "same", "create", "update", "replace", "delete"

_COLOURS = re.compile(r"<\{%[^%]*%\}>")
"""Marks that the Pulumi CLI leaves in texts for a terminal to colour."""
_ATTACHED = "networkDatas"
_STREAMING = "PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json"


class EventsError(Exception):
    """The input is no stream of a preview's events; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a preview plans for one resource, or what a refresh found of it."""

    operation: str
    urn: str
    type: str
    old: Mapping[str, Any] = field(default_factory=dict)
    """Inputs before; empty for a creation."""
    new: Mapping[str, Any] = field(default_factory=dict)
    """Inputs afterwards; empty for a deletion."""
    changed: tuple[str, ...] = ()
    """Properties that differ, as the engine names them, without what Docker deals out anew at each start."""
    gone: bool = False
    """Whether a refresh did not find it."""

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True, kw_only=True)
class Violation:
    """What a policy said."""

    policy: str
    level: str
    message: str
    urn: str = ""

    @property
    def mandatory(self) -> bool:
        """Whether it stops the change."""
        return self.level == "mandatory"


@dataclass(frozen=True, kw_only=True)
class Message:
    """What the engine, a provider or the program said."""

    severity: str
    text: str
    urn: str = ""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Everything that one preview said."""

    steps: tuple[Step, ...]
    violations: tuple[Violation, ...]
    messages: tuple[Message, ...]
    packs: tuple[str, ...]
    """Policy packs that ran, with their versions."""
    failed: bool

    @property
    def errors(self) -> tuple[Message, ...]:
        """What went wrong."""
        return tuple(one for one in self.messages if one.severity == "error")

    @property
    def has_state(self) -> bool:
        """Whether it compared with something that had been deployed."""
        return any(step.operation not in {CREATE, REFRESH} for step in self.steps)

    @property
    def drift(self) -> tuple[Step, ...]:
        """What a refresh found otherwise than the state knew it."""
        return tuple(one for one in self.steps if one.operation == REFRESH and (one.gone or one.changed))


def read(lines: Iterable[str], where: str) -> Preview:
    """The preview that a stream of events tells of.

    Args:
        lines: one JSON object each; other lines, such as a launcher's, are passed over.
        where: the input's name, for messages.

    Raises:
        EventsError: these are no events of a preview, or not all of them.
    """
    steps: dict[tuple[str, str], Step] = {}
    violations: list[Violation] = []
    messages: list[Message] = []
    summary: Mapping[str, Any] | None = None
    for event in _events(lines, where):
        if "resourcePreEvent" in event or "resOutputsEvent" in event:
            body = event["resourcePreEvent" if "resourcePreEvent" in event else "resOutputsEvent"]
            step = _step(body["metadata"])
            if step.operation not in PARTS:
                steps[step.urn, step.operation] = step  # the later one knows what was found
        elif "policyEvent" in event:
            violations.append(_violation(event["policyEvent"]))
        elif "diagnosticEvent" in event:
            said = event["diagnosticEvent"]
            if not said.get("ephemeral"):
                messages.append(_message(said))
        elif "summaryEvent" in event:
            summary = event["summaryEvent"]
    if summary is None:
        raise EventsError(
            f"{where} does not hold a whole preview's events: its summary is missing. Write them with "
            f"`{_STREAMING}`, and keep the standard output whole even if the preview fails."
        )
    packs = summary.get("PolicyPacks") or {}
    return Preview(
        steps=tuple(steps.values()),
        violations=tuple(violations),
        messages=tuple(messages),
        packs=tuple(f"{key.partition('|')[0]} {version}" for key, version in sorted(packs.items())),
        failed=summary.get("result") == "failed"
        or any(one.severity == "error" for one in messages)
        or any(one.mandatory for one in violations),
    )


def _events(lines: Iterable[str], where: str) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text.startswith("{"):
            continue
        try:
            event = json.loads(text)
        except ValueError:
            raise EventsError(
                f"{where}, line {number}, is not JSON: {text[:60]!r}. Write one event a line: `{_STREAMING}`."
            ) from None
        yield event


def _step(metadata: Mapping[str, Any]) -> Step:
    old, new = metadata.get("old") or {}, metadata.get("new") or {}
    keys = [*(metadata.get("diffs") or ()), *(metadata.get("detailedDiff") or {})]
    found = metadata["op"] == REFRESH and metadata["type"] == CONTAINER
    if found and _networks(old) == _networks(new):
        # A container that was started again has other addresses in the same networks; nobody changed it.
        keys = [key for key in keys if not key.startswith(_ATTACHED)]
    return Step(
        operation=metadata["op"],
        urn=metadata["urn"],
        type=metadata["type"],
        old=_public(old.get("inputs") or {}),
        new=_public(new.get("inputs") or {}) if metadata["op"] != DELETE else {},
        changed=tuple(dict.fromkeys(key for key in keys if not key.startswith("__"))),
        gone=metadata["op"] == REFRESH and not metadata.get("new"),
    )


def _networks(side: Mapping[str, Any]) -> list[str]:
    """The networks that a container was found in."""
    return [one.get("networkName", "") for one in (side.get("outputs") or {}).get(_ATTACHED) or ()]


def _public(value: Any) -> Any:
    """The value without the members that only engine and SDK understand, at whatever depth."""
    match value:
        case dict():
            return {key: _public(member) for key, member in value.items() if not key.startswith("__")}
        case list():
            return [_public(member) for member in value]
    return value


def _violation(body: Mapping[str, Any]) -> Violation:
    return Violation(
        policy=body["policyName"],
        level=body["enforcementLevel"],
        message=_plain(body["message"]),
        urn=body.get("resourceUrn", ""),
    )


def _message(body: Mapping[str, Any]) -> Message:
    return Message(
        severity=body["severity"].partition("#")[0], text=_plain(body["message"]), urn=body.get("urn", "")
    )


def _plain(text: str) -> str:
    return _COLOURS.sub("", text).strip()
