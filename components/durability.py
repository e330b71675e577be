"""What would lose acknowledged messages in production, found before anything exists. Pure.

The policy pack says the same and more in every preview. This holds where the pack was forgotten, and where
the preview was skipped; it shares no code with the pack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from components.blueprint import Blueprint
    from levels import Level
    from messaging.streams import Topic

MIN_INSYNC = 2
"""The fewest in-sync replicas that may acknowledge a message."""

_IN_SYNC = ("min.insync.replicas", "transaction.state.log.min.isr", "share.coordinator.state.topic.min.isr")
_REPLICAS = (
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "share.coordinator.state.topic.replication.factor",
)
_OFF = ("unclean.leader.election.enable", "auto.create.topics.enable")


def refusal(level: Level, nodes: Sequence[Blueprint], topics: Sequence[Topic]) -> str:
    """Why this platform must not be deployed, all of it; empty if it may.

    Args:
        level: what kind of platform it is; one that is not durable may lose what it likes.
        nodes: the containers of Kafka.
        topics: all of them.
    """
    if not level.durable:
        return ""
    found = [
        *(fault for node in nodes for fault in _node(node)),
        *(fault for topic in topics for fault in _topic(topic)),
    ]
    if not found:
        return ""
    listed = "\n".join(f"  - {fault}" for fault in found)
    return f"This platform could lose acknowledged messages:\n{listed}\nNothing was changed."


def _node(node: Blueprint) -> Iterator[str]:
    values = {
        setting: node.environment.get(f"KAFKA_{setting.replace('.', '_').upper()}", "")
        for setting in (*_IN_SYNC, *_REPLICAS, *_OFF)
    }
    for setting in _IN_SYNC:
        yield from _at_least(f"{node.name}: {setting}", values[setting], MIN_INSYNC)
    in_sync = _number(values[_IN_SYNC[0]])
    for setting in _REPLICAS:
        yield from _replicas(f"{node.name}: {setting}", _number(values[setting]), in_sync)
    for setting in _OFF:
        if values[setting] != "false":
            yield f"{node.name}: {setting} is {values[setting] or 'not set'}; only false is allowed"


def _topic(topic: Topic) -> Iterator[str]:
    settings: Mapping[str, str] = topic.config
    given = settings.get(_IN_SYNC[0], "")
    yield from _at_least(f"topic {topic.name}: {_IN_SYNC[0]}", given, MIN_INSYNC)
    yield from _replicas(f"topic {topic.name}: replication factor", topic.replication_factor, _number(given))
    if settings.get(_OFF[0], "false") != "false":
        yield f"topic {topic.name}: {_OFF[0]} is {settings[_OFF[0]]}; only false is allowed"


def _at_least(what: str, given: str, least: int) -> Iterator[str]:
    if _number(given) < least:
        yield f"{what} is {given or 'not set'}; at least {least} is allowed"


def _replicas(what: str, replicas: int, in_sync: int) -> Iterator[str]:
    least = max(in_sync, MIN_INSYNC) + 1
    if replicas < least:
        yield f"{what} is {replicas}; at least {least} is allowed, one more than a write needs"


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
