"""A state as if a plan had been carried out, so that checks that compare with old inputs can be asked.

``python -m messaging.report.presumed EVENTS STATE_FILE`` writes it into the state of a stack that is thrown
away afterwards. Nothing in it is protected: whether the real one is, only the real state knows.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_ID = "presumed"
_ASKED = ("pulumi-python:dynamic/messaging:ClusterIdentity", "kafka:index/topic:Topic")
"""Types whose checks compare with old inputs alone. Others would ask whatever runs where the preview does."""


def resources(lines: Iterable[str]) -> list[dict[str, Any]]:
    """What a preview from nothing plans of the asked types, with made-up ids, and what these need.

    Args:
        lines: the preview's events, one JSON object each.
    """
    planned: dict[str, dict[str, Any]] = {}
    for line in lines:
        if not line.lstrip().startswith("{"):
            continue
        body = json.loads(line).get("resourcePreEvent")
        if body and body["metadata"]["op"] == "create":
            planned.setdefault(body["metadata"]["urn"], body["metadata"]["new"])
    needed: set[str] = set()
    for urn, state in planned.items():
        if state["type"] in _ASKED:
            _need(urn, planned, needed)
    made = [_made(state) for urn, state in planned.items() if urn in needed]
    return [*made[:1], *_default_providers(made), *made[1:]]


def _need(urn: str, planned: dict[str, dict[str, Any]], needed: set[str]) -> None:
    if urn not in planned or urn in needed:
        return
    needed.add(urn)
    for other in (planned[urn].get("parent"), (planned[urn].get("provider") or "").rpartition("::")[0]):
        if other:
            _need(other, planned, needed)


def _made(state: dict[str, Any]) -> dict[str, Any]:
    left_out = {"dependencies", "propertyDependencies", "deletedWith"}
    made = {key: value for key, value in state.items() if key not in left_out} | {"protect": False}
    if made.get("custom"):
        made["id"] = made.get("id") or made["urn"].rpartition("::")[2]
        made["outputs"] = made.get("outputs") or made.get("inputs") or {}
    return made


def _default_providers(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Providers that the engine makes by itself, which no step tells of."""
    known = {one["urn"] for one in found}
    made = []
    for reference in sorted({one["provider"] for one in found if one.get("provider")}):
        urn, _, identifier = reference.rpartition("::")
        if urn not in known:
            kind = urn.split("::")[2].rpartition("$")[2]
            made.append(
                {
                    "urn": urn,
                    "custom": True,
                    "id": identifier or _ID,
                    "type": kind,
                    "inputs": {},
                    "outputs": {},
                }
            )
    return made


def main(events: str, state: str) -> None:
    """Puts the resources of the events into a new stack's state."""
    file = Path(state)
    document = json.loads(file.read_text(encoding="utf-8"))
    lines = Path(events).read_text(encoding="utf-8").splitlines()
    document["checkpoint"]["latest"]["resources"] = resources(lines)
    file.write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
