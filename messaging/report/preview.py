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
    from collections.abc import Collection, Iterable, Mapping

PARTS = frozenset({"create-replacement", "delete-replaced", "discard-replaced", "remove-pending-replace"})
"""Steps that together are one replacement, which has a step of its own."""
CONTAINER = "docker:index/container:Container"
REFRESH, SAME, CREATE, UPDATE, REPLACE, DELETE = "refresh", "same", "create", "update", "replace", "delete"
OPERATIONS = PARTS | {REFRESH, SAME, CREATE, UPDATE, REPLACE, DELETE}
OPERATIONS |= {"read", "read-replacement", "import", "import-replacement", "discard"}
LEVELS = frozenset({"mandatory", "remediate", "advisory", "disabled"})
SEVERITIES = frozenset({"debug", "info", "warning", "error"})
RESULTS = frozenset({"succeeded", "failed"})
MASK = "[secret]"
"""What both engines show in a secret's place."""

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
    """Inputs before, and what was found where they do not differ; empty for a creation."""
    new: Mapping[str, Any] = field(default_factory=dict)
    """The same afterwards; empty for a deletion."""
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
        """Whether it stops the change. What a policy could not put right itself does, too."""
        return self.level in {"mandatory", "remediate"}


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
    def whole(self) -> bool:
        """Whether everything was planned: a policy may forbid a whole plan, an error leaves a part of one."""
        return not self.errors and (not self.failed or any(one.mandatory for one in self.violations))

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
    reading = _Reading()
    for number, event in _events(lines, where):
        try:
            reading.take(event)
        except (AttributeError, KeyError, TypeError, _Unexpected) as error:
            what = f"a member is missing: {error}" if isinstance(error, KeyError) else error
            raise EventsError(f"{where}, line {number}, is no event that this report knows: {what}") from None
    if reading.result is _MISSING:
        raise EventsError(
            f"{where} does not hold a whole preview's events: its summary is missing. Write them with "
            f"`{_STREAMING}`, and keep the standard output whole even if the preview fails."
        )
    return reading.preview()


_MISSING = "missing"


class _Unexpected(Exception):
    """A word that decides what a report says is none of those that are known."""


class _Reading:
    """What was read so far."""

    def __init__(self) -> None:
        self.result = _MISSING
        self._steps: dict[tuple[str, str], Step] = {}
        self._violations: list[Violation] = []
        self._messages: list[Message] = []
        self._packs: Mapping[str, str] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        if "resourcePreEvent" in event or "resOutputsEvent" in event:
            body = event["resourcePreEvent" if "resourcePreEvent" in event else "resOutputsEvent"]
            step = _step(body["metadata"])
            if step.operation not in PARTS:
                self._steps[step.urn, step.operation] = step  # the later one knows what was found
        elif "policyEvent" in event:
            self._violations.append(_violation(event["policyEvent"]))
        elif "diagnosticEvent" in event:
            if not event["diagnosticEvent"].get("ephemeral"):
                self._messages.append(_message(event["diagnosticEvent"]))
        elif "summaryEvent" in event:
            summary = event["summaryEvent"]
            # An engine without the word tells by its errors alone.
            self.result = _word(summary.get("result", "succeeded"), RESULTS, "result")
            self._packs = summary.get("PolicyPacks") or {}

    def preview(self) -> Preview:
        return Preview(
            steps=tuple(self._steps.values()),
            violations=tuple(self._violations),
            messages=tuple(self._messages),
            packs=tuple(f"{key.partition('|')[0]} {version}" for key, version in sorted(self._packs.items())),
            failed=self.result == "failed"
            or any(one.severity == "error" for one in self._messages)
            or any(one.mandatory for one in self._violations),
        )


def _events(lines: Iterable[str], where: str) -> Iterable[tuple[int, dict[str, Any]]]:
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
        yield number, event


def _step(metadata: Mapping[str, Any]) -> Step:
    old, new = metadata.get("old") or {}, metadata.get("new") or {}
    operation = _word(metadata["op"], OPERATIONS, "operation")
    keys = [*(metadata.get("diffs") or ()), *(metadata.get("detailedDiff") or {})]
    found = operation == REFRESH and metadata["type"] == CONTAINER
    if found and _networks(old) == _networks(new):
        # A container that was started again has other addresses in the same networks; nobody changed it.
        keys = [key for key in keys if not key.startswith(_ATTACHED)]
    changed = tuple(dict.fromkeys(key for key in keys if not key.startswith("__")))
    before, after = _sides(operation, old, new, changed)
    return Step(
        operation=operation,
        urn=_name(metadata["urn"]),
        type=_name(metadata["type"]),
        old=before,
        new=after if operation != DELETE else {},
        changed=changed,
        gone=operation == REFRESH and not metadata.get("new"),
    )


def _sides(
    operation: str, old: Mapping[str, Any], new: Mapping[str, Any], changed: Iterable[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs of both sides; where they say nothing, what was found otherwise than it was or is wanted."""
    before, after = _public(old.get("inputs") or {}), _public(new.get("inputs") or {})
    if before != after or operation not in {REFRESH, UPDATE}:
        return before, after
    found = _public(old.get("outputs") or {})
    other = _public(new.get("outputs") or {}) if operation == REFRESH else after
    keys = dict.fromkeys(top(key) for key in changed)
    shown = [key for key in keys if key in other or (operation == REFRESH and key in found)]
    return (
        before | {key: found.get(key) for key in shown},
        after | {key: other.get(key) for key in shown},
    )


def top(path: str) -> str:
    """The property that a path of an engine begins with."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _word(value: str, known: Collection[str], what: str) -> str:
    if value not in known:
        raise _Unexpected(f"its {what} is {value!r}{_hidden(value)}")
    return value


def _name(value: str) -> str:
    if MASK in value:
        raise _Unexpected(f"it is of {value!r}{_hidden(value)}")
    return value


def _hidden(value: str) -> str:
    if MASK not in value:
        return ""
    return (
        ". A secret of this stack is also a word of the events, where it is hidden like everywhere else. "
        "Choose another secret: one that nobody would guess"
    )


def _networks(side: Mapping[str, Any]) -> list[str]:
    """The networks that a container was found in."""
    return [one.get("networkName", "") for one in (side.get("outputs") or {}).get(_ATTACHED) or ()]


def _public(value: Any) -> Any:
    """The value without the members that only engine and SDK understand, at whatever depth."""
    match value:
        case dict():
            return {_name(key): _public(member) for key, member in value.items() if not key.startswith("__")}
        case list():
            return [_public(member) for member in value]
    return value


def _violation(body: Mapping[str, Any]) -> Violation:
    return Violation(
        policy=_name(body["policyName"]),
        level=_word(body["enforcementLevel"], LEVELS, "enforcement level"),
        message=_plain(body["message"]),
        urn=body.get("resourceUrn", ""),
    )


def _message(body: Mapping[str, Any]) -> Message:
    severity = _word(body["severity"].partition("#")[0], SEVERITIES, "severity")
    return Message(severity=severity, text=_plain(body["message"]), urn=body.get("urn", ""))


def _plain(text: str) -> str:
    return _COLOURS.sub("", text).strip()
