"""How a long list is told: its first names, and how many more there are. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 5
"""So many names are enough to see which they are."""


def some(names: Sequence[str], *, shown: int = SHOWN) -> str:
    """The first names of a list; the others are counted."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{', '.join(names[:shown])}{more}"
