"""A stream catalogue that a test writes: a valid entry, changes of it, and what is said about mistakes."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from messaging import catalogue

if TYPE_CHECKING:
    from pathlib import Path

ENTRY: dict[str, Any] = {
    "owner": "telemetry",
    "purpose": "Readings.",
    "key": "string",
    "value": "readings.avsc",
    "compatibility": "BACKWARD",
    "volume": "low",
    "environments": {
        "dev": {"partitions": 1, "retention": "7d"},
        "prod": {"partitions": 6, "retention": "30d"},
    },
    "deadLetters": {"retention": {"dev": "14d", "prod": "60d"}},
}


def write(folder: Path, entries: dict[str, Any]) -> None:
    (folder / catalogue.FILE).write_text(yaml.safe_dump({"streams": entries}))


def changed(*path: str, value: Any) -> dict[str, Any]:
    """The valid entry with one value changed; an ellipsis removes it."""
    entry = deepcopy(ENTRY)
    place = entry
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return entry


def refusal(folder: Path) -> str:
    with pytest.raises(catalogue.CatalogueError) as refused:
        catalogue.load(folder, {"dev": 1, "prod": 3})
    return str(refused.value)
