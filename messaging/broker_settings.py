"""How a broker's setting changes: while Kafka runs, by a roll, or not by a stack's settings. Pure.

And what a stack may say: names that Kafka knows, and values with which the platform still works.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging.fields import shown
from messaging.kafka_settings import RELEASES, SETTINGS, Whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
_IMAGES = "it is none of Kafka's, and every tool that starts in a node's container would take it, too"
_OWNED = (
    (re.compile(r"(node|broker)\.id|broker\.rack|process\.roles|controller\.(quorum|listener)\..*"), _OWN),
    (
        re.compile(
            r"(advertised\.)?listeners|listener\..*|inter\.broker\..*|log\.dirs?|metadata\.log\.dir"
            r"|cordoned\.log\.dirs|data\.dirs|(advertised\.)?(host|port)(\.name)?"
        ),
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
    (
        re.compile(
            r"(ssl|sasl|authorizer|super|principal|security|password)\..*|.*\.password"
            r"|delegation\.token\.secret\.key"
        ),
        _SECURITY,
    ),
    (re.compile(r"(.+\.)?opts|(heap|jmx|jvm|(tools\.)?log4j)\..+"), _IMAGES),
)


_PLUGINS = ("config.providers.", "confluent.", "metrics.context.", "rlmm.config.", "rsm.config.")
"""How names of settings begin that Kafka hands on to a plugin or reporter, or that a vendor's broker adds."""
_CLASSES = re.compile(r".*\.(class|class\.name|reporters|assignors)")
"""Settings that name classes of somebody's own; such a class reads what settings it likes."""

_MIB = 1024 * 1024
_SECOND_MS, _MINUTE_MS = 1_000, 60_000


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Values with which the platform works, narrower than what Kafka takes."""

    least: float
    most: float = float("inf")
    also: tuple[float, ...] = ()
    """Values below that mean something else, such as none or no limit."""
    why: str
    """What becomes of the platform beyond it."""
    durable: bool = False
    """Whether it holds only where nothing may be lost."""


LEAST_CONNECTIONS = 100
"""What one broker must take at a time, and from one address.

All clients and tools on the host come from the Docker network's gateway, and all that the load balancer
carries from its own address. A client has two or three connections to a broker, another broker a dozen.
"""

_CONNECTIONS = Bound(
    least=LEAST_CONNECTIONS,
    why="registries, the load balancer and this program would be shut out, and could not set it back",
)
_KAFKAS_WEEK = 10_080
"""Minutes: Kafka's own 7 days, in which a consumer that was down finds its place."""
_NO_LIMIT_BELOW = "clients and brokers would give up before an answer can come"
_NO_SEGMENTS = "each log would become so many files that a broker runs out of them"

BOUNDS: Mapping[str, Bound] = {
    **dict.fromkeys(
        ("max.connections", "max.connections.per.ip", "max.connection.creation.rate"), _CONNECTIONS
    ),
    # Kafka's clients send up to 1 MiB at once (max.request.size); schemas and offsets are such messages, too.
    "message.max.bytes": Bound(
        least=_MIB, why="brokers would refuse what clients send, offsets and schemas among it"
    ),
    "socket.request.max.bytes": Bound(least=2 * _MIB, why="brokers would refuse what clients send"),
    # Shorter than Kafka's clients ask for (session.timeout.ms 45 s, transaction.timeout.ms 60 s), and it
    # refuses them.
    "group.max.session.timeout.ms": Bound(least=45_000, why="consumers ask for 45 s and would be refused"),
    "group.min.session.timeout.ms": Bound(
        least=0, most=45_000, why="consumers ask for 45 s and would be refused"
    ),
    "transaction.max.timeout.ms": Bound(least=60_000, why="producers ask for 60 s and would be refused"),
    **dict.fromkeys(
        ("num.replica.fetchers", "log.cleaner.threads", "num.replica.alter.log.dirs.threads"),
        Bound(least=1, why="nobody would do the work"),
    ),
    # Kafka's own were 10 s for long; a broker that fetches waits for half a second by itself.
    **dict.fromkeys(
        ("replica.lag.time.max.ms", "replica.socket.timeout.ms"),
        Bound(least=10 * _SECOND_MS, why="copies would count as lost all the time, and writers be refused"),
    ),
    **dict.fromkeys(
        ("request.timeout.ms", "offsets.commit.timeout.ms"), Bound(least=_SECOND_MS, why=_NO_LIMIT_BELOW)
    ),
    "connections.max.idle.ms": Bound(
        least=10 * _SECOND_MS, also=(-1,), why="connections would be closed between two requests"
    ),
    # A roll expects that a node is missed after 4 s; Kafka's own two are 9 s and 2 s.
    "broker.session.timeout.ms": Bound(least=4 * _SECOND_MS, why="brokers would be taken for dead"),
    "broker.heartbeat.interval.ms": Bound(
        least=1, most=2 * _SECOND_MS, why="brokers would be taken for dead"
    ),
    "log.roll.ms": Bound(least=_MINUTE_MS, why=_NO_SEGMENTS),
    "log.roll.jitter.ms": Bound(least=0, why="Kafka refuses it"),
    "log.index.size.max.bytes": Bound(least=64 * 1024, why=_NO_SEGMENTS),
    # Since Kafka 4, no topic has smaller segments.
    **dict.fromkeys(
        (
            "offsets.topic.segment.bytes",
            "transaction.state.log.segment.bytes",
            "share.coordinator.state.topic.segment.bytes",
        ),
        Bound(least=_MIB, why="Kafka could not make the topic"),
    ),
    "log.retention.ms": Bound(least=1, also=(-1,), why="Kafka refuses it"),
    "log.message.timestamp.before.max.ms": Bound(
        least=_MINUTE_MS, why="brokers would refuse what clients send"
    ),
    "log.message.timestamp.after.max.ms": Bound(
        least=_MINUTE_MS, why="brokers would refuse what clients send"
    ),
    "log.cleaner.dedupe.buffer.size": Bound(least=2 * _MIB, why="Kafka needs more than 1 MiB for a thread"),
    "log.cleaner.io.buffer.size": Bound(least=64 * 1024, why="compacted topics would grow for ever"),
    "log.cleaner.io.buffer.load.factor": Bound(least=0.1, most=1, why="compacted topics would grow for ever"),
    "log.cleaner.io.max.bytes.per.second": Bound(least=_MIB, why="compacted topics would grow for ever"),
    "offsets.retention.minutes": Bound(
        least=_KAFKAS_WEEK,
        durable=True,
        why="a consumer that was down for longer would have lost its place among the messages",
    ),
    # Four times the longest transaction that Kafka allows by itself.
    "producer.id.expiration.ms": Bound(
        least=60 * _MINUTE_MS,
        durable=True,
        why="what a producer sends again after a longer pause would be there twice",
    ),
}
"""By the setting's name. The numbers in the reasons are the defaults of Kafka and its clients."""


def refusal(name: str) -> str | None:
    """Why a stack's settings cannot change it; None if they can."""
    return next((reason for rule, reason in _OWNED if rule.fullmatch(name)), None)


def unknown(name: str, named: Iterable[str]) -> str | None:
    """Why a name is no setting of Kafka; None if it is one, or may be a plugin's.

    Args:
        name: the setting's.
        named: all names beside it: where one names a class, further names may be that class's own.
    """
    if name in SETTINGS or name.startswith(_PLUGINS):
        return None
    plugged = any(_CLASSES.fullmatch(other) for other in named)
    close = difflib.get_close_matches(name, SETTINGS, n=1, cutoff=0.9 if plugged else 0.7)
    if plugged and not close:
        return None
    meant = f". Did you mean {close[0]}?" if close else ""
    return f"is no setting of Kafka {RELEASES}{meant}"


def fault(name: str, value: str, *, durable: bool) -> tuple[str, str | None] | None:
    """What is wrong with a value, and the nearest one that is right; None if nothing is.

    Args:
        name: a setting of Kafka, or of a plugin.
        value: as a text.
        durable: whether nothing may be lost.
    """
    rule = SETTINGS.get(name)
    if rule and not rule.takes(value):
        return f"is {shown(value)}. It must be {rule.allowed()}", None
    if name == "max.connections.per.ip.overrides":
        return _fault_of_overrides(value)
    if name == "log.cleaner.enable" and value.lower() != "true":
        return (
            f"is {value}: compacted topics would grow for ever, that of the consumers' offsets first",
            "true",
        )
    bound = BOUNDS.get(name)
    if bound is None or (bound.durable and not durable) or float(value) in bound.also:
        return None
    if float(value) < bound.least:
        return f"is {value}: {bound.why}. At least {bound.least} here", str(bound.least)
    if float(value) > bound.most:
        return f"is {value}: {bound.why}. At most {bound.most} here", str(bound.most)
    return None


def _fault_of_overrides(value: str) -> tuple[str, str | None] | None:
    number = Whole(least=LEAST_CONNECTIONS, most=2**31 - 1)
    for one in value.split(","):
        host, _, most = (part.strip() for part in one.rpartition(":"))
        if not host or not number.takes(most):
            problem = f"is {shown(value)}. It must be ADDRESS:NUMBER, with commas between them, each number"
            return f"{problem} {number.allowed()}", None
    return None


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
