"""Where the nodes of a cluster are and how they are reached."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from components import topology
from messaging import ports
from messaging.naming import Owner

if TYPE_CHECKING:
    from settings import Settings


def test_the_development_cluster_is_one_node(dev: Settings) -> None:
    (node,) = topology.plan(dev).nodes

    assert (node.id, node.name, node.external_address, node.jmx_port) == (
        1,
        "kafka-dev",
        "localhost:9092",
        9101,
    )


def test_every_published_port_is_shifted_by_the_offset(dev: Settings) -> None:
    (node,) = topology.plan(replace(dev, port_offset=1000)).nodes

    assert (node.external_port, node.jmx_port) == (10092, 10101)


def test_voters_are_named_by_container_and_controller_port(prod: Settings) -> None:
    assert topology.plan(prod).voters == (
        "1@kafka-1:9093",
        "2@kafka-2:9093",
        "3@kafka-3:9093",
    )


def test_an_instance_is_part_of_every_address_on_the_network(dev: Settings) -> None:
    owner = Owner(project="messaging", stack="dev", instance="a")

    planned = topology.plan(replace(dev, owner=owner))

    assert planned.voters == ("1@a-kafka-dev:9093",)
    assert planned.client_bootstrap == ("a-kafka-dev:9092",)


def test_the_fourth_broker_leaves_the_load_balancers_port_free() -> None:
    assert [ports.broker(number) for number in range(1, 6)] == [9092, 9093, 9094, 9096, 9097]
