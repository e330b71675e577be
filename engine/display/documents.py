"""A run as JSON: a preview's document, and a line for each event. The keys are the CLI's."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

from engine import checkpoint
from engine.display.masking import MASK
from engine.display.rendering import plainly
from engine.events import Diagnostic, Operation, Output, StepEvent, Summary
from engine.values import Secret, flatten

if TYPE_CHECKING:
    from engine.display.masking import Masker
    from engine.events import Event
    from engine.resource import Resource


class PreviewDocument:
    """Collects a preview and writes it as one JSON document.

    Args:
        masker: hides secrets.
        config: the stack's configuration, secrets hidden already.
        out: where the document goes.
    """

    def __init__(self, masker: Masker, config: dict[str, str], out: TextIO = sys.stdout) -> None:
        self._masker = masker
        self._document: dict[str, Any] = {"config": config, "steps": [], "diagnostics": []}
        self._out = out
        self._lock = threading.Lock()

    def begin(self, title: str) -> None:
        """Nothing to say yet."""

    def sink(self, event: Event) -> None:
        """Takes one event into the document."""
        with self._lock:
            match event:
                case StepEvent(phase="done" | "failed" | "plan"):
                    self._learn(event)
                    self._document["steps"].append(_step(event))
                case Diagnostic(ephemeral=False) if event.severity != "debug":
                    self._document["diagnostics"].append(_diagnostic(event, self._masker))
                case Output(text=text):
                    self._document["diagnostics"].append(
                        {"severity": "info", "message": self._masker.mask(text)}
                    )
                case Summary():
                    self._document["duration"] = int(event.seconds * 1e9)
                    self._document["changeSummary"] = {
                        str(key): count for key, count in event.changes.items()
                    }

    def end(self) -> None:
        """Writes the document."""
        if not self._document["diagnostics"]:
            del self._document["diagnostics"]
        self._out.write(self._masker.mask(json.dumps(self._document, indent=2, ensure_ascii=False)) + "\n")

    def _learn(self, event: StepEvent) -> None:
        for resource in (event.old, event.new):
            if resource is not None:
                self._masker.learn(resource.inputs)
                self._masker.learn(resource.outputs)


class EventLines:
    """Writes a line of JSON for each event as it happens."""

    def __init__(self, masker: Masker, out: TextIO = sys.stdout) -> None:
        self._masker = masker
        self._out = out
        self._lock = threading.Lock()
        self._sequence = 0

    def begin(self, title: str) -> None:
        """Nothing to say yet."""

    def sink(self, event: Event) -> None:
        """Writes one event."""
        with self._lock:
            body = self._body(event)
            if body is None:
                return
            line = {"sequence": self._sequence, "timestamp": int(time.time()), **body}
            self._sequence += 1
            self._out.write(self._masker.mask(json.dumps(line, ensure_ascii=False)) + "\n")
            self._out.flush()

    def end(self) -> None:
        """Nothing is left open."""

    def _body(self, event: Event) -> dict[str, Any] | None:
        match event:
            case StepEvent():
                for resource in (event.old, event.new):
                    if resource is not None:
                        self._masker.learn(resource.inputs)
                        self._masker.learn(resource.outputs)
                kind = {"begin": "resourcePreEvent", "failed": "resOpFailedEvent"}.get(
                    event.phase, "resOutputsEvent"
                )
                return {kind: {"metadata": _metadata(event), "planning": event.planned}}
            case Diagnostic() if event.severity != "debug":
                return {"diagnosticEvent": _diagnostic(event, self._masker)}
            case Output(text=text):
                return {"stdoutEvent": {"message": self._masker.mask(text), "color": "never"}}
            case Summary():
                changes = {str(key): count for key, count in event.changes.items()}
                return {
                    "summaryEvent": {
                        "maybeCorrupt": False,
                        "durationSeconds": int(event.seconds),
                        "resourceChanges": changes,
                        "result": "failed" if event.failed else "succeeded",
                    }
                }
        return None


def _step(event: StepEvent) -> dict[str, Any]:
    step: dict[str, Any] = {"op": str(event.operation), "urn": event.urn}
    if event.provider:
        step["provider"] = event.provider
    if event.old is not None:
        step["oldState"] = _state(event.old)
    if event.new is not None and event.operation is not Operation.DELETE:
        step["newState"] = _state(event.new)
    if event.changed:
        step["diffReasons"] = list(event.changed)
    if event.replacing:
        step["replaceReasons"] = list(event.replacing)
    step["detailedDiff"] = {
        path: {"kind": kind, "inputDiff": True} for path, (kind, _, _) in event.detail.items()
    } or None
    return step


def _metadata(event: StepEvent) -> dict[str, Any]:
    return {
        "op": str(event.operation),
        "urn": event.urn,
        "type": event.type,
        "old": _state(event.old) if event.old else None,
        "new": _state(event.new) if event.new else None,
        "keys": list(event.replacing) or None,
        "diffs": list(event.changed) or None,
        "logical": event.logical,
        "provider": event.provider,
        "detailedDiff": {
            path: {"kind": kind, "inputDiff": True} for path, (kind, _, _) in event.detail.items()
        }
        or None,
    }


def _state(resource: Resource) -> dict[str, Any]:
    """The resource's record as state would hold it, secrets hidden."""
    shown = resource.copy(inputs=_hidden(resource.inputs), outputs=_hidden(resource.outputs))
    return checkpoint.record(shown, None)


def _hidden(value: Any) -> Any:
    match flatten(value):
        case Secret():
            return MASK
        case dict() as members:
            return {key: _hidden(member) for key, member in members.items()}
        case list() as items:
            return [_hidden(item) for item in items]
        case plain:
            return plainly(plain) if not isinstance(plain, dict | list) else plain


def _diagnostic(event: Diagnostic, masker: Masker) -> dict[str, Any]:
    return {
        "urn": event.urn or None,
        "message": masker.mask(event.message),
        "color": "never",
        "severity": event.severity,
    }
