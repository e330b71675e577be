"""Whether topics keep less than before: what a change of their settings deletes. Pure.

What it would delete of a topic's messages depends on their age and number, which only a broker knows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TOLD = "shorter retention: "
"""How a provider begins what it tells of such a change, which may not show in the values of a step."""

_POLICY = "cleanup.policy"
_LIMITS = {"retention.ms": 604_800_000.0, "retention.bytes": math.inf}
"""What ends a message's life, with the value that Kafka takes where nothing is said."""
OF_BROKERS = {
    "log.cleanup.policy": _POLICY,
    "log.retention.bytes": "retention.bytes",
    "log.retention.ms": "retention.ms",
}
"""What brokers call the same for topics that say nothing."""


def keeps_less(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether messages go that would have stayed.

    Args:
        before: a topic's settings by Kafka's names.
        after: its settings after the change; one that cannot be read yet counts as less.
    """
    had, has = _policies(before), _policies(after)
    if has - had:
        return True
    if "delete" not in has:
        return False
    return any(
        before.get(name) != after.get(name) and _limit(after, name) < _limit(before, name) for name in _LIMITS
    )


def brokers_keep_less(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """The same of the settings that all brokers take while they run."""
    return keeps_less(_of_topics(before), _of_topics(after))


def _of_topics(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: settings[given] for given, name in OF_BROKERS.items() if given in settings}


def _policies(settings: Mapping[str, Any]) -> set[str]:
    return {word.strip() for word in str(settings.get(_POLICY, "delete")).split(",")}


def _limit(settings: Mapping[str, Any], name: str) -> float:
    given = settings.get(name)
    if given is None:
        return _LIMITS[name]
    try:
        value = float(given)
    except (TypeError, ValueError):
        return -math.inf
    return math.inf if value == -1 else value
