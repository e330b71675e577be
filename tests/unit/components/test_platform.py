"""The whole platform as plain values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from components import platform
from messaging.naming import Owner
from messaging.streams import Catalogue
from settings import KAFKA_UI

if TYPE_CHECKING:
    from components.blueprint import Blueprint
    from settings import Settings

NO_STREAMS = Catalogue(streams=())


def by_role(settings: Settings) -> dict[str, Blueprint]:
    return {blueprint.role: blueprint for blueprint in platform.plan(settings, NO_STREAMS).containers}


def test_the_development_platform_is_three_containers_on_the_ports_that_people_know(dev: Settings) -> None:
    containers = platform.plan(dev, NO_STREAMS).containers

    assert {one.name: [port.outside for port in one.ports] for one in containers} == {
        "kafka-dev": [9092, 9101],
        "schema-registry-dev": [8081],
        "kafka-ui-dev": [8080],
    }
    assert {one.network for one in containers} == {"iot-platform-dev"}
    assert {one.bind_address for one in containers} == {"127.0.0.1"}


def test_an_instance_with_an_offset_shares_no_name_and_no_port(dev: Settings) -> None:
    other = replace(dev, owner=Owner(project="messaging", stack="dev", instance="a"), port_offset=100)

    def claimed(settings: Settings) -> set[object]:
        planned = platform.plan(settings, NO_STREAMS)
        names = {name for one in planned.containers for name in (one.name, one.data_volume) if name}
        return {planned.network, *names, *(port.outside for one in planned.containers for port in one.ports)}

    assert not claimed(dev) & claimed(other)


def test_registry_and_ui_use_the_listener_for_applications(dev: Settings) -> None:
    roles = by_role(dev)

    assert (
        roles["schema-registry"].environment["SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS"]
        == "PLAINTEXT://kafka-dev:9092"
    )
    assert roles["ui"].environment["KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS"] == "kafka-dev:9092"
    assert roles["ui"].environment["KAFKA_CLUSTERS_0_SCHEMAREGISTRY"] == "http://schema-registry-dev:8081"


def test_only_brokers_keep_data(dev: Settings) -> None:
    assert {role: one.data_volume for role, one in by_role(dev).items()} == {
        "broker": "kafka-dev-data",
        "schema-registry": None,
        "ui": None,
    }


def test_kafka_ui_is_checked_without_bash_which_it_does_not_have(dev: Settings) -> None:
    check = by_role(replace(dev, ui_product=KAFKA_UI))["ui"].health.test

    assert check[0] == "CMD-SHELL"
    assert "bash" not in check[1]


def test_the_urls_name_the_advertised_host_and_the_published_port(dev: Settings) -> None:
    planned = platform.plan(replace(dev, advertised_host="kafka.example.org", port_offset=1), NO_STREAMS)

    assert planned.schema_registry_url == "http://kafka.example.org:8082"
    assert planned.ui_url == "http://kafka.example.org:8081"


def test_the_production_platform_is_on_the_ports_that_people_know(prod: Settings) -> None:
    containers = platform.plan(prod, NO_STREAMS).containers

    assert {one.name: [port.outside for port in one.ports] for one in containers} == {
        "kafka-lb": [9095, 8081, 8404],
        "kafka-1": [9092, 9101],
        "kafka-2": [9093, 9102],
        "kafka-3": [9094, 9103],
        "schema-registry-1": [],
        "schema-registry-2": [],
        "kafka-ui": [8080],
    }
    assert {one.network for one in containers} == {"iot-platform-prod"}


def test_with_a_load_balancer_everyone_asks_it(prod: Settings) -> None:
    planned = platform.plan(replace(prod, port_offset=1), NO_STREAMS)

    assert planned.outputs["bootstrapServers"] == "localhost:9096"
    assert planned.outputs["loadBalancerUrl"] == "http://localhost:8405/stats"
    assert planned.ui.environment["KAFKA_CLUSTERS_0_SCHEMAREGISTRY"] == "http://kafka-lb:8081"


def test_in_proxy_mode_brokers_publish_no_port_for_clients(prod: Settings) -> None:
    assert prod.load_balancer is not None
    planned = platform.plan(
        replace(prod, load_balancer=replace(prod.load_balancer, mode="proxy")), NO_STREAMS
    )

    ports = {one.name: {port.inside: port.outside for port in one.ports} for one in planned.containers}
    assert ports["kafka-2"] == {9102: 9102}
    assert ports["kafka-lb"].items() >= {9201: 9201, 9202: 9202, 9203: 9203}.items()
    assert "EXTERNAL://localhost:9202" in planned.nodes[1].environment["KAFKA_ADVERTISED_LISTENERS"]


def test_both_environments_fit_on_one_host(dev: Settings, prod: Settings) -> None:
    first, second = platform.plan(dev, NO_STREAMS), platform.plan(replace(prod, port_offset=1000), NO_STREAMS)

    names = [{one.name for one in planned.containers} for planned in (first, second)]
    ports = [
        {port.outside for one in planned.containers for port in one.ports} for planned in (first, second)
    ]
    assert not names[0] & names[1]
    assert not ports[0] & ports[1]


def test_a_controller_of_its_own_has_no_port_for_clients_and_memory_of_its_own(prod: Settings) -> None:
    planned = platform.plan(replace(prod, cluster=replace(prod.cluster, dedicated=True)), NO_STREAMS)

    controller = planned.nodes[0]
    assert (controller.name, controller.role) == ("kafka-controller-1", "controller")
    assert [port.outside for port in controller.ports] == [9111]
    assert controller.memory_mib == prod.cluster.controller.memory_mib
    assert "9093" in controller.health.test[-1]
