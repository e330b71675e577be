"""Settings of the Kafka cluster: how many nodes of which kind, how many copies, each node's own place.

It finds everything about them that can be wrong without looking at a host or at what was deployed before.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from messaging import broker_settings, ports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from levels import Level
    from messaging.fields import Fields

COMBINED, DEDICATED = "combined", "dedicated"
BOOTSTRAP, PROXY = "bootstrap", "proxy"

JVM_OVERHEAD_MIB = 256
"""What a JVM needs beside its heap: code, threads, buffers."""

LEAST_HEAP_MIB = 128
"""With which a controller or a Schema Registry starts."""
_BROKER_HEAP_MIB = 112
"""What a broker needs beside its buffer for compaction: with one of 128m, 240m are enough, 128m are not."""

_OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
IP = re.compile(_IPV4, re.ASCII)
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# A name of 253 characters is the longest that DNS has; one that ends in a number is an address. Kafka
# advertises no 0.0.0.0.
HOST = re.compile(
    rf"(?=.{{1,253}}\Z)(?!0\.0\.0\.0\Z)({_IPV4}|({_LABEL}\.)*(?!\d+\Z){_LABEL})",
    re.ASCII,
)
HOST_SAYS = "a host name or address, such as kafka.example.org"

_MOST_BROKERS = 30
_MOST_CONTROLLERS = 7
_MOST_CPUS = 256
_LEAST_OPEN_FILES = 4_096
_MOST_OPEN_FILES = 1_048_576
_LOWEST_PORT = 1024
_HIGHEST_PORT = 65_535
_LEAST_DURABLE_MIN_INSYNC = 2
_LEAST_DURABLE_QUORUM = 3
_QUORUM_OVERRIDE = "quorum {}"
_CLEANER_BUFFER = "log.cleaner.dedupe.buffer.size"
_MIB = 1024 * 1024
_RACK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Java:
    """The memory of a container with one Java process. MiB."""

    heap_mib: int
    memory_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where one broker is, for its clients and for the spread of replicas."""

    advertised_host: str
    """The host name under which clients outside the Docker network reach it."""
    port: int
    """Where clients on the host reach it directly, before the offset."""
    jmx_port: int
    """Before the offset."""
    rack: str
    """What fails together with it; empty where replicas need not be spread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Everything about the Kafka nodes that a stack may decide."""

    level: Level
    """The environment's, with what the stack says otherwise."""
    kafka: Java
    """Of each broker."""
    dedicated: bool
    """Whether controllers are nodes of their own."""
    controller: Java
    """Of each controller that is a node of its own."""
    places: tuple[Place, ...]
    """Of the brokers, by their number."""
    ready_timeout_seconds: int
    """How long the cluster may take to be ready, and a roll to wait while nothing gets better."""
    kafka_settings: Mapping[str, str]
    """Kafka's own settings that the stack adds, by Kafka's names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """Where clients outside the Docker network find what the platform publishes."""

    host: str
    """Of brokers that have none of their own."""
    bind: str
    """The host's address that published ports listen on."""
    mode: str
    """The load balancer's; in :data:`PROXY`, brokers publish no port for clients."""
    offset: int
    """What is added to every published port."""


def read(fields: Fields, level: Level, published: Published, overrides: Mapping[str, str]) -> Cluster:
    """Reads the section ``cluster``.

    Args:
        fields: the section.
        level: the environment's.
        published: what the stack says of all nodes.
        overrides: by change that would otherwise be refused: why it is made.
    """
    brokers = fields.whole("brokers", level.brokers, least=1, most=_MOST_BROKERS)
    dedicated = fields.choice("controllers", (COMBINED, DEDICATED), COMBINED) == DEDICATED
    chosen = replace(
        level,
        brokers=brokers,
        controllers=fields.whole("quorum", level.controllers, least=1, most=_MOST_CONTROLLERS),
        replication_factor=fields.whole(
            "replicationFactor", level.replication_factor, least=1, most=_MOST_BROKERS
        ),
        min_insync_replicas=fields.whole(
            "minInsyncReplicas", level.min_insync_replicas, least=1, most=_MOST_BROKERS
        ),
        cpus=fields.whole("cpus", level.cpus, least=0, most=_MOST_CPUS),
        open_files=fields.whole(
            "openFiles", level.open_files, least=_LEAST_OPEN_FILES, most=_MOST_OPEN_FILES
        ),
    )
    settings = fields.section("settings")
    kafka_settings = _kafka_settings(settings, durable=level.durable)
    buffer = int(kafka_settings.get(_CLEANER_BUFFER, _MIB * level.cleaner_buffer_mib))
    least_heap = _BROKER_HEAP_MIB + min(level.cleaner_buffer_mib, buffer // _MIB)
    kafka = java(fields, level.heap, level.memory, least_heap=max(LEAST_HEAP_MIB, least_heap))
    spare = max(kafka.heap_mib, LEAST_HEAP_MIB) - _BROKER_HEAP_MIB
    if _CLEANER_BUFFER in kafka_settings and buffer > spare * _MIB:
        problem = f"is {buffer}: it is part of the heap of {kafka.heap_mib}m. At most {spare * _MIB} here"
        settings.fault(_CLEANER_BUFFER, problem, spare * _MIB)
    # A broker starts with what its environment says, and only then hears what was set for all.
    chosen = replace(chosen, cleaner_buffer_mib=min(level.cleaner_buffer_mib, spare))
    controllers = fields.section("controllerNodes")
    controller = java(controllers, "512m", "1g")
    controllers.done()
    _check_copies(fields, chosen)
    _check_quorum(fields, chosen, overrides, dedicated=dedicated)
    places = _places(fields.section("nodes"), chosen, published)
    ready = fields.duration_ms("readyTimeout", "3m") // 1000
    fields.done()
    return Cluster(
        level=chosen,
        kafka=kafka,
        dedicated=dedicated,
        controller=controller,
        places=places,
        ready_timeout_seconds=ready,
        kafka_settings=kafka_settings,
    )


def java(fields: Fields, heap: str, memory: str, *, least_heap: int = LEAST_HEAP_MIB) -> Java:
    """Reads ``heap`` and ``memory`` of a container, and sees to it that the one fits into the other."""
    sizes = Java(
        heap_mib=size(fields, "heap", heap, least_heap), memory_mib=fields.size_mib("memory", memory)
    )
    least = max(sizes.heap_mib, least_heap) + JVM_OVERHEAD_MIB
    if sizes.memory_mib < least:
        problem = f"is {sizes.memory_mib}m, too little for a heap of {sizes.heap_mib}m: Java needs {least}m"
        fields.fault("memory", problem, f"{least}m")
    return sizes


def size(fields: Fields, key: str, default: str, least: int) -> int:
    """Reads a size in MiB, and sees to it that its process starts with so much."""
    number = fields.size_mib(key, default)
    if number < least:
        fields.fault(key, f"is {number}m, too little to start with. At least {least}m here", f"{least}m")
    return number


def is_loopback(host: str) -> bool:
    """Whether an address is one that only the host itself reaches."""
    name = host.casefold()
    return name == "localhost" or name.endswith(".localhost") or name.startswith("127.")


def accepted(level: Level, overrides: Mapping[str, str]) -> str:
    """What the stack does although it would be refused, with its reason; empty if it does nothing such."""
    change = _QUORUM_OVERRIDE.format(level.controllers)
    if not level.durable or level.controllers >= _LEAST_DURABLE_QUORUM or change not in overrides:
        return ""
    return f"accepted by messaging:overrides: {change}, because {overrides[change]}"


def _kafka_settings(fields: Fields, *, durable: bool) -> dict[str, str]:
    """Those that are right."""
    found = {}
    names = fields.names()
    for name in names:
        if not broker_settings.RULE.fullmatch(name):
            fields.fault(name, "is not the name of a Kafka setting, such as log.retention.ms")
        elif reason := broker_settings.refusal(name):
            fields.fault(name, f"cannot be set here: {reason}")
        elif problem := broker_settings.unknown(name, names):
            fields.fault(name, problem)
        elif (value := fields.plain(name)) and _takes(fields, name, value, durable=durable):
            found[name] = value
    return found


def _takes(fields: Fields, name: str, value: str, *, durable: bool) -> bool:
    if not value.isprintable():
        fields.fault(name, "has a line break or another control character: it is one value in one line")
    elif not value.isascii():
        fields.fault(name, "has a character that is not ASCII, which a broker would read as others")
    elif value != value.strip():
        fields.fault(name, "begins or ends with a blank, which Kafka would leave out", value.strip())
    elif wrong := broker_settings.fault(name, value, durable=durable):
        fields.fault(name, *wrong)
    else:
        return True
    return False


def _check_copies(fields: Fields, level: Level) -> None:
    copies, in_sync = level.replication_factor, level.min_insync_replicas
    if copies > level.brokers:
        problem = f"is {copies}, but there are {_counted(level.brokers, 'broker')}, and each holds one copy"
        fields.fault("replicationFactor", problem, level.brokers)
    if in_sync > copies:
        problem = f"is {in_sync}, but there are {copies} copies: nothing could ever be written"
        fields.fault("minInsyncReplicas", problem, max(1, copies - 1))
    elif level.durable and in_sync > copies - 1:
        problem = (
            f"is {in_sync} of {copies} copies: no broker could be replaced or fail without stopping all "
            f"writers. At most {copies - 1} here"
        )
        fields.fault("minInsyncReplicas", problem, max(_LEAST_DURABLE_MIN_INSYNC, copies - 1))
    if level.durable and in_sync < _LEAST_DURABLE_MIN_INSYNC:
        problem = f"is {in_sync}: what one broker alone has counts as written, and is lost with it"
        fields.fault("minInsyncReplicas", problem, _LEAST_DURABLE_MIN_INSYNC)


def _check_quorum(fields: Fields, level: Level, overrides: Mapping[str, str], *, dedicated: bool) -> None:
    count = level.controllers
    few = level.durable and count < _LEAST_DURABLE_QUORUM
    if count % 2 == 0:
        problem = f"is {count}: an even number of controllers survives no more failures than {count - 1} do"
        fields.fault("quorum", problem, _LEAST_DURABLE_QUORUM if few else count - 1)
    elif not dedicated and count > level.brokers:
        problem = f"is {count}, but there are {_counted(level.brokers, 'broker')} to be controllers"
        fields.fault("quorum", problem, None if level.durable else level.brokers - (level.brokers + 1) % 2)
    elif few and not accepted(level, overrides):
        problem = (
            f"is {count}: one disk has all that the cluster knows of its topics, and is lost with them. At "
            f"least {_LEAST_DURABLE_QUORUM} here. A cluster that was formed so keeps its quorum; for such a "
            f"one, say why: messaging:overrides: {{'{_QUORUM_OVERRIDE.format(count)}': "
            "{reason: ..., approvedBy: ...}}"
        )
        # No example: which of the two is right depends on whether the cluster is there.
        fields.fault("quorum", problem)


def _places(fields: Fields, level: Level, published: Published) -> tuple[Place, ...]:
    places = []
    known = [str(number) for number in range(1, level.brokers + 1)]
    for number, key in enumerate(known, start=1):
        node = fields.section(key)
        place = Place(
            advertised_host=node.text("advertisedHost", published.host, rule=HOST, says=HOST_SAYS),
            port=node.whole("port", ports.broker(number), least=_LOWEST_PORT, most=_HIGHEST_PORT),
            jmx_port=node.whole("jmxPort", ports.jmx(number), least=_LOWEST_PORT, most=_HIGHEST_PORT),
            rack=node.text(
                "rack", f"rack-{number}" if level.racks else "", rule=_RACK, says="a word, such as rack-1"
            ),
        )
        _check_host(node, number, place.advertised_host, published)
        _check_offset(node, "jmxPort", place.jmx_port, published.offset)
        if published.mode != PROXY:
            _check_offset(node, "port", place.port, published.offset)
        node.done()
        places.append(place)
    fields.done()
    _check_racks(fields, level, places)
    _check_ports(fields, places, mode=published.mode)
    return tuple(places)


def _check_host(node: Fields, number: int, host: str, published: Published) -> None:
    # One that is the same for all nodes is told once, where it is read.
    if host != published.host and is_loopback(published.bind) and not is_loopback(host):
        problem = (
            f"is {host}, but ports are published on {published.bind}, where nobody reaches it. Name an "
            "address that is reached in messaging:listeners.bindAddress, such as 0.0.0.0, or give this host "
            f"itself a name that ends in .localhost, such as kafka-{number}.localhost"
        )
        node.fault("advertisedHost", problem)


def _check_offset(node: Fields, key: str, port: int, offset: int) -> None:
    most = _HIGHEST_PORT - offset
    if port > most:
        problem = f"is {port}, which the portOffset {offset} makes {port + offset}, which is no port"
        node.fault(key, f"{problem}. At most {most} here", most)


def _check_racks(fields: Fields, level: Level, places: list[Place]) -> None:
    named = {place.rack for place in places if place.rack}
    if not named:
        return
    for number, place in enumerate(places, start=1):
        if not place.rack:
            problem = "has no rack, but other brokers have: Kafka spreads replicas over racks only if all do"
            fields.fault(str(number), problem)
    if level.durable and len(named) < min(level.replication_factor, level.brokers):
        problem = (
            f"are in {_counted(len(named), 'rack')} ({', '.join(sorted(named))}), but there are "
            f"{level.replication_factor} copies: one rack's failure would take several of a partition"
        )
        fields.fault(None, problem)


def _check_ports(fields: Fields, places: list[Place], *, mode: str) -> None:
    """Finds ports that two things of this platform would publish."""
    holders: defaultdict[int, list[str]] = defaultdict(list)
    for port, what in (
        (ports.UI, "the UI"),
        (ports.SCHEMA_REGISTRY, "the Schema Registry"),
        (ports.LOAD_BALANCER, "the load balancer"),
        (ports.STATISTICS, "the load balancer's statistics"),
    ):
        holders[port].append(what)
    for number, place in enumerate(places, start=1):
        holders[place.jmx_port].append(f"JMX of broker {number}")
        if mode == PROXY:
            holders[ports.proxied(number)].append(f"the load balancer for broker {number}")
        else:
            holders[place.port].append(f"broker {number}")
    for port, those in holders.items():
        if len(those) > 1:
            fields.fault(None, f"would publish port {port} twice: for {' and for '.join(those)}")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
