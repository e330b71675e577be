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
    assert not {"KAFKA_LOG_RETENTION_MS", "KAFKA_NUM_IO_THREADS", "KAFKA_LOG_SEGMENT_BYTES"} & set(variables)
    assert dynamic == {
        "log.retention.ms": "1000",
        "log.segment.bytes": str(64 * 1024 * 1024),
        "num.io.threads": "4",
    }
