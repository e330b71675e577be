"""Labels: a list of pairs in Pulumi, an object in Docker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.values import Values


def to_docker(inputs: Values) -> dict[str, str]:
    """Return a resource's labels as Docker wants them."""
    return {label["label"]: label["value"] for label in inputs.get("labels", ())}


def from_docker(labels: Mapping[str, str] | None) -> list[Values]:
    """Return Docker's labels as Pulumi keeps them, sorted by name."""
    return [{"label": name, "value": value} for name, value in sorted((labels or {}).items())]


def described(labels: Mapping[str, str] | None) -> str:
    """Write labels for a message."""
    return ", ".join(f"{name}={value}" for name, value in sorted((labels or {}).items())) or "none"
