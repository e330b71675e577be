"""The whole platform as plain values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from components import platform
from messaging.naming import Owner
from settings import KAFKA_UI

if TYPE_CHECKING:
    from components.blueprint import Blueprint
    from settings import Settings


def by_role(settings: Settings) -> dict[str, Blueprint]:
    return {blueprint.role: blueprint for blueprint in platform.plan(settings, ()).containers}


def test_the_development_platform_is_three_containers_on_the_ports_that_people_know(dev: Settings) -> None:
    containers = platform.plan(dev, ()).containers

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
        planned = platform.plan(settings, ())
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
    planned = platform.plan(replace(dev, advertised_host="kafka.example.org", port_offset=1), ())

    assert planned.schema_registry_url == "http://kafka.example.org:8082"
    assert planned.ui_url == "http://kafka.example.org:8081"


@pytest.mark.parametrize("change", ["image", "heap", "port", "name"])
def test_the_fingerprint_changes_with_what_makes_docker_replace_a_container(
    dev: Settings, change: str
) -> None:
    other = {
        "image": replace(dev, images=replace(dev.images, kafka="i/kafka:2")),
        "heap": replace(dev, cluster=replace(dev.cluster, kafka=replace(dev.cluster.kafka, heap_mib=256))),
        "port": replace(dev, port_offset=1),
        "name": replace(dev, owner=Owner(project="messaging", stack="dev", instance="a")),
    }[change]

    assert by_role(other)["broker"].fingerprint != by_role(dev)["broker"].fingerprint


def test_the_fingerprint_stays_when_only_the_memory_limit_changes(dev: Settings) -> None:
    other = replace(dev, cluster=replace(dev.cluster, kafka=replace(dev.cluster.kafka, memory_mib=2048)))

    assert by_role(other)["broker"].fingerprint == by_role(dev)["broker"].fingerprint
