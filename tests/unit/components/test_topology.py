"""Where the nodes of a cluster are and how they are reached."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from components import topology
from messaging import ports
from messaging.naming import Owner
from tests.conftest import places

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


def with_cluster(settings: Settings, *, brokers: int = 3, **changes: Any) -> Settings:
    cluster = replace(
        settings.cluster,
        level=replace(settings.level, brokers=brokers),
        places=places(brokers, racks=True),
        **changes,
    )
    return replace(settings, cluster=cluster)


def test_a_production_cluster_is_three_nodes_that_are_both(prod: Settings) -> None:
    planned = topology.plan(prod)

    assert [node.name for node in planned.nodes] == ["kafka-1", "kafka-2", "kafka-3"]
    assert all(node.is_broker and node.is_controller for node in planned.nodes)
    assert [node.rack for node in planned.nodes] == ["rack-1", "rack-2", "rack-3"]
    assert [node.jmx_port for node in planned.nodes] == [9101, 9102, 9103]
    assert planned.external_bootstrap == ("localhost:9092", "localhost:9093", "localhost:9094")


def test_brokers_that_are_added_leave_the_quorum_and_the_first_ones_as_they_were(prod: Settings) -> None:
    before, after = topology.plan(prod), topology.plan(with_cluster(prod, brokers=5))

    assert after.voters == before.voters
    assert after.nodes[:3] == before.nodes
    assert [(node.name, node.roles) for node in after.nodes[3:]] == [
        ("kafka-4", ("broker",)),
        ("kafka-5", ("broker",)),
    ]
    assert after.external_bootstrap[3:] == ("localhost:9096", "localhost:9097")


def test_controllers_of_their_own_come_first_and_are_the_only_voters(prod: Settings) -> None:
    planned = topology.plan(with_cluster(prod, dedicated=True))

    assert [node.name for node in planned.controllers] == [
        "kafka-controller-1",
        "kafka-controller-2",
        "kafka-controller-3",
    ]
    assert planned.nodes == (*planned.controllers, *planned.brokers)
    assert planned.voters[0] == "101@kafka-controller-1:9093"
    assert len(planned.voters) == 3
    assert not any(node.is_controller for node in planned.brokers)
    assert "kafka-controller" not in ",".join(planned.client_bootstrap + planned.external_bootstrap)
    numbers = [node.id for node in planned.nodes]
    assert len(set(numbers)) == len(numbers)


def test_in_proxy_mode_brokers_are_reached_at_the_load_balancers_ports(prod: Settings) -> None:
    assert prod.load_balancer is not None
    proxied = replace(prod, load_balancer=replace(prod.load_balancer, mode="proxy"), port_offset=100)

    assert topology.plan(proxied).external_bootstrap == (
        "localhost:9301",
        "localhost:9302",
        "localhost:9303",
    )
