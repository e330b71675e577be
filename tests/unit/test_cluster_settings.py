"""Settings of the Kafka cluster, each section by itself: quorum, places, sizes and Kafka's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import cluster_settings
from cluster_settings import HOST, PROXY, Published
from levels import LEVELS
from messaging.fields import Fields

if TYPE_CHECKING:
    from messaging.fields import Fault

LOCAL = Published(host="localhost", bind="127.0.0.1", mode="", offset=0)


def read(
    environment: str, *, published: Published = LOCAL, overrides: dict[str, str] | None = None, **cluster: Any
) -> tuple[cluster_settings.Cluster, dict[str, str]]:
    """The cluster, and the problems by key."""
    faults: list[Fault] = []
    found = cluster_settings.read(Fields(cluster, faults), LEVELS[environment], published, overrides or {})
    return found, {".".join(fault.path): fault.problem for fault in faults}


@pytest.mark.parametrize("cluster", [{"quorum": 1}, {"quorum": 1, "controllers": "dedicated"}])
def test_production_does_not_leave_its_metadata_to_one_controller(cluster: dict[str, Any]) -> None:
    _, told = read("prod", **cluster)

    assert "is 1: one disk has all that the cluster knows" in told["quorum"]
    assert "At least 3 here" in told["quorum"]
    assert "messaging:overrides: {'quorum 1': {reason: ..., approvedBy: ...}}" in told["quorum"]


def test_a_cluster_that_was_formed_with_one_controller_can_go_on_with_it() -> None:
    found, told = read("prod", quorum=1, overrides={"quorum 1": "It was formed so. (approved by Ada)"})

    assert told == {}
    assert found.level.controllers == 1


def test_the_approval_of_another_change_is_none_for_the_quorum() -> None:
    _, told = read("prod", quorum=1, overrides={"a replicas 3 -> 2": "Yes. (approved by Ada)"})

    assert "quorum" in told


def test_a_quorum_of_one_is_answered_by_no_example_that_a_cluster_formed_so_could_not_follow() -> None:
    faults: list[Fault] = []

    cluster_settings.read(Fields({"quorum": 1}, faults), LEVELS["prod"], LOCAL, {})

    assert [(fault.path, fault.example) for fault in faults] == [(("quorum",), None)]


def test_development_needs_no_more_than_one_controller() -> None:
    assert read("dev", quorum=1)[1] == {}


@pytest.mark.parametrize(
    "host",
    ["localhost", "kafka.example.org", "10.0.0.7", "host1", "a-b.c", "3com.example", f"{'a' * 63}.example"],
)
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert HOST.fullmatch(host)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0",  # noqa: S104 - what must be refused
     "a..b", ".a", "a.", "-a", "a-.b", "1.2.3.999", "1.2.3", "1.2.3.4.5", "12", "a b", "a" * 64,
     ".".join(["abcdefg"] * 32), "kafka.1", "1.2.3.\u0664"],
)  # fmt: skip
def test_what_no_client_could_reach_is_no_host(host: str) -> None:
    assert not HOST.fullmatch(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "a..b", "1.2.3.999"])  # noqa: S104 - what must be refused
def test_a_broker_has_the_same_rule_for_its_host_as_all(host: str) -> None:
    _, told = read("prod", nodes={"2": {"advertisedHost": host}})

    assert "a host name or address" in told["nodes.2.advertisedHost"]


@pytest.mark.parametrize("mode", ["", PROXY])
def test_a_brokers_host_needs_ports_that_are_open(mode: str) -> None:
    closed = Published(host="localhost", bind="127.0.0.1", mode=mode, offset=0)
    opened = Published(host="localhost", bind="10.0.0.7", mode=mode, offset=0)
    nodes = {"2": {"advertisedHost": "two.example.org"}}

    assert "listeners.bindAddress" in read("prod", published=closed, nodes=nodes)[1]["nodes.2.advertisedHost"]
    assert read("prod", published=opened, nodes=nodes)[1] == {}
    assert read("prod", nodes={"2": {"advertisedHost": "127.0.0.2"}})[1] == {}


@pytest.mark.parametrize("host", ["kafka-2.localhost", "LOCALHOST", "Kafka-2.LocalHost"])
def test_a_name_of_the_host_itself_needs_no_port_that_is_open(host: str) -> None:
    assert read("prod", nodes={"2": {"advertisedHost": host}})[1] == {}


def test_a_name_that_only_the_host_may_know_is_refused_with_one_that_can_be_told() -> None:
    told = read("prod", nodes={"2": {"advertisedHost": "my-tunnel"}})[1]

    assert "such as kafka-2.localhost" in told["nodes.2.advertisedHost"]


def test_a_host_that_all_brokers_have_is_not_told_for_each() -> None:
    """Where it is read, it has been told already."""
    elsewhere = Published(host="kafka.example.org", bind="127.0.0.1", mode="", offset=0)

    assert read("prod", published=elsewhere)[1] == {}


@pytest.mark.parametrize(
    ("environment", "cluster", "key", "least"),
    [
        ("dev", {"heap": "127m", "memory": "1g"}, "heap", "At least 128m"),
        ("prod", {"heap": "239m", "memory": "1g"}, "heap", "At least 240m"),
        (
            "prod",
            {"controllers": "dedicated", "controllerNodes": {"heap": "127m", "memory": "1g"}},
            "controllerNodes.heap",
            "At least 128m",
        ),
        ("dev", {"heap": "1m", "memory": "257m"}, "memory", "Java needs 384m"),
    ],
)
def test_a_heap_with_which_kafka_does_not_start_is_refused(
    environment: str, cluster: dict[str, Any], key: str, least: str
) -> None:
    assert least in read(environment, **cluster)[1][key]


@pytest.mark.parametrize(("environment", "heap"), [("dev", "128m"), ("prod", "240m")])
def test_a_heap_with_which_kafka_starts_is_taken(environment: str, heap: str) -> None:
    assert read(environment, heap=heap, memory="1g")[1] == {}


@pytest.mark.parametrize(
    ("heap", "buffer_mib", "started_with"), [(200, 2, 88), (128, 16, 16), (2048, 2, 128)]
)
def test_a_heap_need_hold_no_more_for_compaction_than_the_stack_gives_it(
    heap: int, buffer_mib: int, started_with: int
) -> None:
    size = {"log.cleaner.dedupe.buffer.size": buffer_mib * 1024 * 1024}

    found, told = read("prod", heap=f"{heap}m", memory="3g", settings=size)

    assert told == {}
    assert found.level.cleaner_buffer_mib == started_with, "a broker starts before it hears of the setting"


@pytest.mark.parametrize(("heap", "buffer_mib"), [(127, 2), (200, 100), (200, "x")])
def test_a_heap_without_room_for_what_compaction_takes_is_refused(heap: int, buffer_mib: int | str) -> None:
    size = {"log.cleaner.dedupe.buffer.size": buffer_mib if buffer_mib == "x" else int(buffer_mib) << 20}

    assert "too little to start with" in read("prod", heap=f"{heap}m", memory="3g", settings=size)[1]["heap"]


def test_the_buffer_for_compaction_fits_into_the_heap() -> None:
    size = {"log.cleaner.dedupe.buffer.size": 419_430_401}

    told = read("dev", settings=size)[1]

    assert "part of the heap of 512m" in told["settings.log.cleaner.dedupe.buffer.size"]
    assert read("dev", settings=size, heap="1g", memory="2g")[1] == {}


def test_all_that_is_wrong_with_kafkas_settings_is_told_at_once() -> None:
    wrong = {
        "log.retenton.ms": 5,
        "heap.opts": "-Xmx8g",
        "jmx.port": 9999,
        "num.io.threads": 0,
        "max.connections": 0,
        "max.connections.per.ip": 1,
        "message.max.bytes": 0,
        "log.cleaner.enable": False,
        "offsets.retention.minutes": 1,
        "log.retention.ms": "abc",
        "metrics.recording.level": " INFO",
        "remote.log.metadata.manager.class.path": "/opt/exämple",
        "zz.top": "x\\",
    }

    told = read("prod", settings=wrong)[1]

    assert {key.removeprefix("settings.") for key in told} == set(wrong)


def test_settings_of_kafka_may_hold_backslashes() -> None:
    given = {"remote.log.metadata.manager.class.path": "C:\\new\\", "queued.max.requests": 600}

    found, told = read("prod", settings=given)

    assert told == {}
    assert found.kafka_settings == {
        "remote.log.metadata.manager.class.path": "C:\\new\\",
        "queued.max.requests": "600",
    }
