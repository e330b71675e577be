"""A run as JSON: a preview's document, and a line for each event. The keys are the CLI's."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

from engine.display.masking import MASK
from engine.display.pipe import silence
from engine.display.rendering import plainly
from engine.events import (
    Diagnostic,
    Operation,
    Output,
    PolicyPacksLoad,
    PolicyRemediation,
    PolicySummary,
    PolicyViolation,
    StepEvent,
    Summary,
)
from engine.state import checkpoint
from engine.urn import STACK_TYPE
from engine.values import Secret, flatten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.display.masking import Masker
    from engine.events import Event, PolicyEvent
    from engine.resource import Resource


class PreviewDocument:
    """Collects a preview and writes it as one JSON document.

    Args:
        masker: hides secrets.
        config: the stack's configuration, secrets hidden already.
        out: where the document goes.
    """

    def __init__(self, masker: Masker, config: dict[str, str], out: TextIO) -> None:
        self._masker = masker
        self._config = config
        self._steps: list[dict[str, Any]] = []
        self._diagnostics: list[dict[str, Any]] = []
        self._end: dict[str, Any] = {}
        self._out = out
        self._lock = threading.Lock()

    def begin(self, title: str) -> None:
        """Nothing to say yet."""

    def sink(self, event: Event) -> None:
        """Takes one event into the document."""
        with self._lock:
            self._masker.learn_event(event)
            match event:
                case StepEvent(phase="done" | "failed" | "plan"):
                    if _is_listed(event):
                        self._steps.append(_step(event))
                case Diagnostic(ephemeral=False) if event.severity != "debug":
                    urn = {"urn": event.urn} if event.urn else {}
                    self._diagnostics.append({**urn, "message": event.message, "severity": event.severity})
                case Output(text=text):
                    self._diagnostics.append({"message": text, "severity": "info"})
                case Summary():
                    self._end = {
                        "duration": int(event.seconds * 1e9),
                        "changeSummary": {str(key): count for key, count in event.changes.items()},
                    }

    def end(self) -> None:
        """Writes the document, as far as the preview came."""
        document: dict[str, Any] = {"config": self._config, "steps": self._steps}
        if self._diagnostics:
            document["diagnostics"] = self._diagnostics
        masked = self._masker.mask_document({**document, **self._end})
        _write(self._out, json.dumps(masked, indent=2, ensure_ascii=False))


class EventLines:
    """Writes a line of JSON for each event as it happens.

    Args:
        masker: hides secrets.
        config: the stack's configuration, secrets hidden already.
        out: where the lines go.
    """

    def __init__(self, masker: Masker, config: dict[str, str], out: TextIO) -> None:
        self._masker = masker
        self._config = config
        self._out = out
        self._lock = threading.Lock()
        self._sequence = 0

    def begin(self, title: str) -> None:  # noqa: ARG002 - a title is for people
        """Writes the configuration that the run uses."""
        with self._lock:
            self._write({"preludeEvent": {"config": self._config}})

    def sink(self, event: Event) -> None:
        """Writes what one event says."""
        with self._lock:
            self._masker.learn_event(event)
            for body in _bodies(event):
                self._write(body)

    def end(self) -> None:
        """Nothing is left open."""

    def _write(self, body: dict[str, Any]) -> None:
        line = {"sequence": self._sequence, "timestamp": int(time.time()), **self._masker.mask_document(body)}
        self._sequence += 1
        _write(self._out, json.dumps(line, ensure_ascii=False))


def _write(out: TextIO, text: str) -> None:
    try:
        out.write(text + "\n")
        out.flush()
    except BrokenPipeError:
        silence(out)


def _bodies(event: Event) -> Iterator[dict[str, Any]]:
    match event:
        case StepEvent():
            content = {"metadata": _metadata(event), "planning": event.planned}
            if event.phase in {"plan", "begin"}:
                yield {"resourcePreEvent": content}
            if event.phase in {"plan", "done"}:
                yield {"resOutputsEvent": content}
            if event.phase == "failed":
                yield {"resOpFailedEvent": content}
        case Diagnostic() if event.severity != "debug":
            urn = {"urn": event.urn} if event.urn else {}
            ephemeral = {"ephemeral": True} if event.ephemeral else {}
            said = {"message": event.message, "color": "never", "severity": event.severity}
            yield {"diagnosticEvent": {**urn, **said, **ephemeral}}
        case Output(text=text):
            yield {"stdoutEvent": {"message": text, "color": "never"}}
        case PolicyPacksLoad() | PolicyViolation() | PolicyRemediation() | PolicySummary():
            yield _policy(event)
        case Summary():
            yield {
                "summaryEvent": {
                    "maybeCorrupt": False,
                    "durationSeconds": int(event.seconds),
                    "resourceChanges": {str(key): count for key, count in event.changes.items()},
                    "PolicyPacks": event.policy_packs,
                    "isPreview": event.planned,
                    "result": "failed" if event.failed else "succeeded",
                }
            }
            yield {"cancelEvent": {}}


def _policy(event: PolicyEvent) -> dict[str, Any]:
    if isinstance(event, PolicyPacksLoad):
        return {"policyLoadEvent": {}}
    pack = {
        "policyPackName": event.pack,
        "policyPackVersion": event.version,
        "policyPackVersionTag": event.version,
    }
    about = {"resourceUrn": event.urn} if event.urn else {}
    match event:
        case PolicyViolation():
            said = {"message": event.message + "\n", "color": "never", "policyName": event.policy}
            level = {"enforcementLevel": event.level}
            severity = {"severity": event.severity} if event.severity else {}
            return {"policyEvent": {**about, **said, **pack, **level, **severity}}
        case PolicyRemediation():
            sides = {"before": _hidden(event.before), "after": _hidden(event.after)}
            said = {"color": "never", "policyName": event.policy}
            return {"policyRemediationEvent": {**about, **said, **pack, **sides}}
    outcome = {"passed": list(event.passed), "failed": list(event.failed)}
    kind = "policyAnalyzeSummaryEvent" if event.urn else "policyAnalyzeStackSummaryEvent"
    return {kind: {**about, **pack, **outcome}}


def _is_listed(event: StepEvent) -> bool:
    """As in the CLI's document: a replacement is one step; of the unchanged, the stack alone is listed."""
    if event.operation is Operation.SAME:
        return event.type == STACK_TYPE or (event.old is not None and event.old.protect != event.protect)
    return event.logical


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
    step["detailedDiff"] = _detail(event, "kind")
    return step


def _metadata(event: StepEvent) -> dict[str, Any]:
    always = {"id": "", "parent": "", "inputs": {}, "outputs": {}, "provider": ""}
    keys = {"keys": list(event.replacing)} if event.replacing else {}
    diffs = {"diffs": list(event.changed)} if event.changed else {}
    return {
        "op": str(event.operation),
        "urn": event.urn,
        "type": event.type,
        "old": always | _state(event.old) if event.old else None,
        "new": always | _state(event.new) if event.new else None,
        **keys,
        **diffs,
        "detailedDiff": _detail(event, "diffKind"),
        "logical": event.logical,
        "provider": event.provider,
    }


def _detail(event: StepEvent, key: str) -> dict[str, Any] | None:
    """What differs where; the CLI names its kind one way in a preview and another in events."""
    return {path: {key: kind, "inputDiff": True} for path, (kind, _, _) in event.detail.items()} or None


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
            return plainly(plain)
