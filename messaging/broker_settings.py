"""How a broker's setting changes: while Kafka runs, by a roll, or not by a stack's settings. Pure."""

from __future__ import annotations

import re

DYNAMIC = frozenset(
    """
    compression.gzip.level compression.lz4.level compression.type compression.zstd.level
    log.cleaner.backoff.ms log.cleaner.dedupe.buffer.size log.cleaner.delete.retention.ms
    log.cleaner.io.buffer.load.factor log.cleaner.io.buffer.size log.cleaner.io.max.bytes.per.second
    log.cleaner.max.compaction.lag.ms log.cleaner.min.cleanable.ratio log.cleaner.min.compaction.lag.ms
    log.cleanup.policy log.flush.interval.messages log.flush.interval.ms
    log.index.interval.bytes log.index.size.max.bytes log.message.timestamp.after.max.ms
    log.message.timestamp.before.max.ms log.message.timestamp.type log.preallocate log.retention.bytes
    log.retention.ms log.roll.jitter.ms log.roll.ms log.segment.bytes log.segment.delete.delay.ms
    max.connection.creation.rate max.connections max.connections.per.ip max.connections.per.ip.overrides
    message.max.bytes producer.id.expiration.ms transaction.partition.verification.enable
    """.split()  # noqa: SIM905 - a table reads better than forty quoted lines
)
"""What Kafka takes for the whole cluster while it runs, and again when a broker starts.

The sizes of thread pools are not here: a broker that starts takes none that is less than half or more than
double of what it was started with, and from then on refuses every other change of its settings as well.
"""

RULE = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9]{2,})+")
"""What a setting's name must match: images read single letters between dots in different ways."""

_OWN = "the program decides it from the topology"
_DURABLE = "what the platform promises depends on it"
_ROLLING_TOOLS = "`messaging rebalance` sets and clears it"
_IN_MILLISECONDS = "the same in milliseconds changes while Kafka runs, and a preview says what it deletes: {}"
_SECURITY = "it belongs to the platform's security, which has settings of its own"
_OWNED = (
    (re.compile(r"(node|broker)\.id|broker\.rack|process\.roles|controller\.(quorum|listener)\..*"), _OWN),
    (
        re.compile(r"(advertised\.)?listeners|listener\..*|inter\.broker\..*|log\.dirs?|metadata\.log\.dir"),
        _OWN,
    ),
    (
        re.compile(
            r"min\.insync\.replicas|default\.replication\.factor|num\.partitions|auto\.create\.topics\.enable"
            r"|unclean\.leader\.election\.enable|(offsets\.topic|transaction\.state\.log|share\.coordinator\."
            r"state\.topic)\.(replication\.factor|min\.isr|num\.partitions)|controlled\.shutdown\.enable"
        ),
        _DURABLE,
    ),
    (re.compile(r"(leader|follower)\.replication\.throttled\.rate"), _ROLLING_TOOLS),
    (re.compile(r"log\.retention\.(minutes|hours)"), _IN_MILLISECONDS.format("log.retention.ms")),
    (re.compile(r"log\.roll\.hours"), _IN_MILLISECONDS.format("log.roll.ms")),
    (re.compile(r"log\.roll\.jitter\.hours"), _IN_MILLISECONDS.format("log.roll.jitter.ms")),
    (re.compile(r"(ssl|sasl|authorizer|super|principal|security|password)\..*|.*\.password"), _SECURITY),
)


def refusal(name: str) -> str | None:
    """Why a stack's settings cannot change it; None if they can."""
    return next((reason for rule, reason in _OWNED if rule.fullmatch(name)), None)


def is_dynamic(name: str) -> bool:
    """Whether Kafka changes it while it runs; all else takes a roll."""
    return name in DYNAMIC


def same(one: str, other: str) -> bool:
    """Whether two spellings are one value: Kafka shows what it has read, such as ``1.0E7`` for 10000000."""
    return _value(one) == _value(other)


def _value(text: str) -> int | float | list[str]:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    words = [word.strip() for word in text.split(",")]
    return [word.lower() if word.lower() in {"true", "false"} else word for word in words]
