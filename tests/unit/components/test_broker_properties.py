"""What a broker is told. That Kafka accepts it is shown by the tests on a real one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from components import broker_properties, topology

if TYPE_CHECKING:
    from settings import Settings


@pytest.fixture
def variables(dev: Settings) -> dict[str, str]:
    planned = topology.plan(dev)
    return broker_properties.environment(planned.nodes[0], planned, dev.level)


def test_each_listener_is_bound_advertised_and_mapped(variables: dict[str, str]) -> None:
    assert variables["KAFKA_LISTENERS"] == (
        "CONTROLLER://0.0.0.0:9093,INTERNAL://0.0.0.0:29092,CLIENT://0.0.0.0:9092,EXTERNAL://0.0.0.0:19092"
    )
    assert variables["KAFKA_ADVERTISED_LISTENERS"] == (
        "INTERNAL://kafka-dev:29092,CLIENT://kafka-dev:9092,EXTERNAL://localhost:9092"
    )
    assert variables["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"] == (
        "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:PLAINTEXT,EXTERNAL:PLAINTEXT"
    )


def test_a_single_node_asks_for_one_replica_of_everything(variables: dict[str, str]) -> None:
    factors = {
        name: value for name, value in variables.items() if "REPLICATION_FACTOR" in name or "ISR" in name
    }

    assert len(factors) >= 6
    assert set(factors.values()) == {"1"}


def test_topics_are_neither_made_by_accident_nor_elected_uncleanly(variables: dict[str, str]) -> None:
    assert variables["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert variables["KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE"] == "false"


def test_the_order_is_always_the_same(variables: dict[str, str]) -> None:
    assert list(variables) == sorted(variables)


def test_no_name_has_a_single_letter_between_underscores(variables: dict[str, str]) -> None:
    """The images turn such names into different properties."""
    assert not [name for name in variables if re.search(r"_[A-Z]_", name)]


def test_nothing_that_a_tool_inside_the_container_would_inherit_is_in_the_environment(
    variables: dict[str, str],
) -> None:
    assert not {"KAFKA_HEAP_OPTS", "KAFKA_OPTS", "KAFKA_JMX_OPTS", "KAFKA_JMX_PORT", "JMX_PORT"} & set(
        variables
    )


def test_heap_and_jmx_are_arguments_of_the_start_command(dev: Settings) -> None:
    node = topology.plan(replace(dev, port_offset=7)).nodes[0]

    command = broker_properties.start_command(node, dev.cluster.kafka, dev.level)

    assert command[0] == "/etc/confluent/docker/run"
    assert "KAFKA_HEAP_OPTS=-Xms512m -Xmx512m" in command
    assert "KAFKA_JMX_PORT=9108" in command
    assert "KAFKA_JMX_HOSTNAME=localhost" in command


def test_what_kafka_changes_while_it_runs_is_not_in_the_environment(dev: Settings) -> None:
    added = {"log.retention.ms": "1000", "num.io.threads": "4", "queued.max.requests": "700"}
    cluster = topology.plan(dev)

    variables = broker_properties.environment(cluster.nodes[0], cluster, dev.level, added)
    dynamic = broker_properties.dynamic(dev.level, added)

    assert variables["KAFKA_QUEUED_MAX_REQUESTS"] == "700"
    assert variables["KAFKA_NUM_IO_THREADS"] == "4", "a broker that starts does not take any number of them"
    assert not {"KAFKA_LOG_RETENTION_MS", "KAFKA_LOG_SEGMENT_BYTES"} & set(variables)
    assert dynamic == {
        "log.retention.ms": "1000",
        "log.segment.bytes": str(64 * 1024 * 1024),
        "min.insync.replicas": "1",
        "unclean.leader.election.enable": "false",
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("x\\", "x\\\\"),
        (r"C:\new\table", r"C:\\new\\table"),
        ("a=b:c #d!", "a=b:c #d!"),
    ],
)
def test_a_value_reaches_a_broker_as_the_stack_wrote_it(dev: Settings, value: str, written: str) -> None:
    added = {"config.providers": value, "max.connections.per.ip.overrides": value}
    cluster = topology.plan(dev)

    variables = broker_properties.environment(cluster.nodes[0], cluster, dev.level, added)

    assert variables["KAFKA_CONFIG_PROVIDERS"] == written, "read from a properties file"
    assert broker_properties.dynamic(dev.level, added)["max.connections.per.ip.overrides"] == value


def test_what_a_write_needs_is_told_to_brokers_that_run_too(prod: Settings) -> None:
    assert broker_properties.dynamic(prod.level)["min.insync.replicas"] == "2"


def of(settings: Settings, number: int = 0) -> dict[str, str]:
    planned = topology.plan(settings)
    return broker_properties.environment(planned.nodes[number], planned, settings.level)


def test_three_nodes_keep_three_copies_of_everything_and_need_two(prod: Settings) -> None:
    told = of(prod)

    factors = {value for name, value in told.items() if "REPLICATION_FACTOR" in name}
    in_sync = {value for name, value in told.items() if name.endswith(("MIN_ISR", "MIN_INSYNC_REPLICAS"))}
    assert (factors, in_sync) == ({"3"}, {"2"})


def test_each_broker_knows_its_rack(prod: Settings) -> None:
    assert [of(prod, number)["KAFKA_BROKER_RACK"] for number in range(3)] == ["rack-1", "rack-2", "rack-3"]


@pytest.mark.parametrize(("cpus", "network", "io"), [(1, 3, 8), (2, 3, 8), (4, 5, 16), (8, 9, 32)])
def test_threads_follow_from_the_limit_of_processors(
    prod: Settings, cpus: int, network: int, io: int
) -> None:
    planned = topology.plan(prod)

    told = broker_properties.environment(planned.nodes[0], planned, replace(prod.level, cpus=cpus))

    assert (told["KAFKA_NUM_NETWORK_THREADS"], told["KAFKA_NUM_IO_THREADS"]) == (str(network), str(io))


def test_without_a_limit_kafka_decides_about_threads(dev: Settings) -> None:
    assert not [
        name for name in (*of(dev), *broker_properties.dynamic(dev.level)) if "threads" in name.lower()
    ]


def test_a_controller_of_its_own_is_told_nothing_about_clients(prod: Settings) -> None:
    dedicated = replace(prod, cluster=replace(prod.cluster, dedicated=True))
    planned = topology.plan(dedicated)

    told = of(dedicated)

    assert told["KAFKA_PROCESS_ROLES"] == "controller"
    assert told["KAFKA_LISTENERS"] == "CONTROLLER://0.0.0.0:9093"
    assert "KAFKA_ADVERTISED_LISTENERS" not in told
    assert told["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
    command = broker_properties.start_command(planned.nodes[0], dedicated.cluster.controller, prod.level)
    assert command[:3] == ("env", "--unset=KAFKA_ADVERTISED_LISTENERS", "/etc/confluent/docker/run")
    broker = of(dedicated, 3)
    assert broker["KAFKA_PROCESS_ROLES"] == "broker"
    assert "CONTROLLER://" not in broker["KAFKA_LISTENERS"]


def test_production_brokers_collect_garbage_with_g1(prod: Settings) -> None:
    command = broker_properties.start_command(topology.plan(prod).nodes[0], prod.cluster.kafka, prod.level)

    assert "KAFKA_HEAP_OPTS=-Xms2048m -Xmx2048m" in command
    assert any("KAFKA_JVM_PERFORMANCE_OPTS=" in word and "+UseG1GC" in word for word in command)


def test_development_brokers_compile_quickly_rather_than_well(dev: Settings) -> None:
    command = broker_properties.start_command(topology.plan(dev).nodes[0], dev.cluster.kafka, dev.level)

    assert "KAFKA_JVM_PERFORMANCE_OPTS=-XX:+UseSerialGC -XX:TieredStopAtLevel=1" in command
