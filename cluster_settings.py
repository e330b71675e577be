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

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
HOST_SAYS = "a host name or address, such as kafka.example.org"

_MOST_BROKERS = 30
_MOST_CONTROLLERS = 7
_MOST_CPUS = 256
_LEAST_OPEN_FILES = 4_096
_MOST_OPEN_FILES = 1_048_576
_LOWEST_PORT = 1024
_HIGHEST_PORT = 65_535
_LEAST_DURABLE_MIN_INSYNC = 2
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


def read(fields: Fields, level: Level, advertised_host: str, *, mode: str, offset: int) -> Cluster:
    """Reads the section ``cluster``.

    Args:
        fields: the section.
        level: the environment's.
        advertised_host: of brokers that have none of their own.
        mode: the load balancer's; in :data:`PROXY`, brokers publish no port for clients.
        offset: what is added to every published port.
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
    kafka = java(fields, level.heap, level.memory)
    controllers = fields.section("controllerNodes")
    controller = java(controllers, "512m", "1g")
    controllers.done()
    _check_copies(fields, chosen)
    _check_quorum(fields, chosen, dedicated=dedicated)
    places = _places(fields.section("nodes"), chosen, advertised_host, mode=mode, offset=offset)
    ready = fields.duration_ms("readyTimeout", "3m") // 1000
    kafka_settings = _kafka_settings(fields.section("settings"))
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


def java(fields: Fields, heap: str, memory: str) -> Java:
    """Reads ``heap`` and ``memory`` of a container, and sees to it that the one fits into the other."""
    sizes = Java(heap_mib=fields.size_mib("heap", heap), memory_mib=fields.size_mib("memory", memory))
    least = sizes.heap_mib + JVM_OVERHEAD_MIB
    if sizes.memory_mib < least:
        problem = f"is {sizes.memory_mib}m, too little for a heap of {sizes.heap_mib}m: Java needs {least}m"
        fields.fault("memory", problem, f"{least}m")
    return sizes


def _kafka_settings(fields: Fields) -> dict[str, str]:
    found = {}
    for name in fields.names():
        if not broker_settings.RULE.fullmatch(name):
            fields.fault(name, "is not the name of a Kafka setting, such as log.retention.ms")
        elif reason := broker_settings.refusal(name):
            fields.fault(name, f"cannot be set here: {reason}")
        else:
            found[name] = value = fields.plain(name)
            if not value.isprintable():
                fields.fault(
                    name, "has a line break or another control character: it is one value in one line"
                )
    return found


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


def _check_quorum(fields: Fields, level: Level, *, dedicated: bool) -> None:
    count = level.controllers
    if count % 2 == 0:
        problem = f"is {count}: an even number of controllers survives no more failures than {count - 1} do"
        fields.fault("quorum", problem, count - 1)
    elif not dedicated and count > level.brokers:
        problem = f"is {count}, but there are {_counted(level.brokers, 'broker')} to be controllers"
        fields.fault("quorum", problem, level.brokers - (level.brokers + 1) % 2)


def _places(
    fields: Fields, level: Level, advertised_host: str, *, mode: str, offset: int
) -> tuple[Place, ...]:
    places = []
    known = [str(number) for number in range(1, level.brokers + 1)]
    for number, key in enumerate(known, start=1):
        node = fields.section(key)
        place = Place(
            advertised_host=node.text("advertisedHost", advertised_host, rule=HOST, says=HOST_SAYS),
            port=node.whole("port", ports.broker(number), least=_LOWEST_PORT, most=_HIGHEST_PORT),
            jmx_port=node.whole("jmxPort", ports.jmx(number), least=_LOWEST_PORT, most=_HIGHEST_PORT),
            rack=node.text(
                "rack", f"rack-{number}" if level.racks else "", rule=_RACK, says="a word, such as rack-1"
            ),
        )
        _check_offset(node, "jmxPort", place.jmx_port, offset)
        if mode != PROXY:
            _check_offset(node, "port", place.port, offset)
        node.done()
        places.append(place)
    fields.done()
    _check_racks(fields, level, places)
    _check_ports(fields, places, mode=mode)
    return tuple(places)


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
