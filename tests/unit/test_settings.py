"""Settings: where each value comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

import settings as configuration
from tests.unit.configured import SITE, refusal

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.unit.configured import Configure, Load


def test_an_environment_alone_is_enough(load: Load) -> None:
    settings = load()

    assert (settings.owner.project, settings.owner.stack, settings.owner.instance) == ("messaging", "dev", "")
    assert (settings.advertised_host, settings.bind_address, settings.port_offset) == (
        "localhost",
        "127.0.0.1",
        0,
    )
    assert (settings.cluster.kafka.heap_mib, settings.cluster.kafka.memory_mib) == (512, 1024)
    assert settings.images.kafka == "example/kafka:8.1.2"
    assert settings.images.ui == "example/ui:v1.4.2"
    assert settings.ui_product == "kafka-ui"


def test_empty_values_are_as_good_as_none(load: Load) -> None:
    """The project file declares every key with an empty default."""
    assert load(instance="", portOffset=0, cluster={}, ui={}, images={}, docker={}, listeners={}) == load()


def test_what_the_stack_says_is_taken(load: Load) -> None:
    settings = load(
        instance="team-a",
        portOffset=1000,
        cluster={"heap": "384m", "memory": "2g", "readyTimeout": "10m"},
        schemaRegistry={"heap": "128m", "memory": "384m"},
        ui={"memory": "1g"},
        docker={"host": "tcp://docker.example.org:2375", "freeDisk": "10g"},
        listeners={"advertisedHost": "kafka.example.org", "bindAddress": "10.0.0.7"},
    )

    assert settings.owner.instance == "team-a"
    assert settings.port_offset == 1000
    assert (settings.cluster.kafka.heap_mib, settings.cluster.kafka.memory_mib) == (384, 2048)
    assert settings.cluster.ready_timeout_seconds == 600
    assert (settings.schema_registry.heap_mib, settings.schema_registry.memory_mib) == (128, 384)
    assert settings.ui_memory_mib == 1024
    assert (settings.docker_host, settings.free_disk_mib) == ("tcp://docker.example.org:2375", 10_240)
    assert (settings.advertised_host, settings.bind_address) == ("kafka.example.org", "10.0.0.7")


def test_the_sites_file_decides_where_the_stack_says_nothing(load: Load) -> None:
    settings = load(site=SITE)

    assert settings.images.source == "local"
    assert settings.images.kafka == "site/kafka:4.1.2-abc"
    assert settings.images.ui == "site/console:0.1.0-abc"
    assert settings.ui_product == "console"
    assert settings.ui_memory_mib == 128


def test_the_stack_wins_over_the_sites_file(load: Load) -> None:
    settings = load(site=SITE, images={"source": "registry", "kafka": "example/other:1"})

    assert settings.images.source == "registry"
    assert settings.images.kafka == "example/other:1"
    assert settings.images.schema_registry == "example/registry:8.1.2"


def test_the_sites_advertised_host_needs_ports_that_are_open(load: Load) -> None:
    site = SITE + "advertisedHost: kafka.example.org\n"

    told = refusal(load, site=site)
    settings = load(site=site, listeners={"bindAddress": "0.0.0.0"})  # noqa: S104 - what a stack may say

    assert "messaging:listeners.bindAddress" in told
    assert "kafka.example.org" in told
    assert settings.advertised_host == "kafka.example.org"


def test_the_console_can_stand_in_for_kafka_ui_anywhere(load: Load) -> None:
    images = {"console": "example/console:0.1.0"}

    assert load(ui={"product": "console"}, images=images).images.ui == "example/console:0.1.0"


def test_production_is_three_brokers_that_keep_three_copies(load: Load) -> None:
    settings = load(environment="prod")

    level = settings.level
    assert (level.brokers, level.controllers) == (3, 3)
    assert (level.replication_factor, level.min_insync_replicas) == (3, 2)
    assert [place.rack for place in settings.cluster.places] == ["rack-1", "rack-2", "rack-3"]
    assert (settings.cluster.kafka.heap_mib, level.cpus) == (2048, 2)
    assert settings.load_balancer is not None
    assert (settings.load_balancer.mode, settings.load_balancer.drain_seconds) == ("bootstrap", 30)
    assert settings.images.load_balancer == "example/haproxy:3.0"


def test_what_a_production_stack_says_of_its_cluster_is_taken(load: Load) -> None:
    settings = load(
        environment="prod",
        portOffset=50_000,  # in proxy mode, a broker's own port is not published
        cluster={
            "brokers": 5,
            "controllers": "dedicated",
            "quorum": 5,
            "replicationFactor": 5,
            "minInsyncReplicas": 3,
            "cpus": 4,
            "openFiles": 100_000,
            "controllerNodes": {"heap": "256m", "memory": "768m"},
            "nodes": {"4": {"rack": "east", "port": 19_444, "advertisedHost": "four.example.org"}},
        },
        listeners={"bindAddress": "10.0.0.7"},
        loadBalancer={"mode": "proxy", "drain": "2m", "memory": "512m"},
    )

    cluster, level = settings.cluster, settings.level
    assert cluster.dedicated
    assert (level.brokers, level.controllers, level.replication_factor, level.min_insync_replicas) == (
        5,
        5,
        5,
        3,
    )
    assert (level.cpus, level.open_files) == (4, 100_000)
    assert (cluster.controller.heap_mib, cluster.controller.memory_mib) == (256, 768)
    assert (cluster.places[3].rack, cluster.places[3].port) == ("east", 19_444)
    assert cluster.places[3].advertised_host == "four.example.org"
    assert settings.load_balancer is not None
    assert (settings.load_balancer.mode, settings.load_balancer.drain_seconds) == ("proxy", 120)


def test_keys_of_other_namespaces_are_none_of_ours(load: Load, configure: Configure, tmp_path: Path) -> None:
    load()
    configure({"environment": "dev", "docker:host": "x", "pulumi:tags": "{}"})

    assert configuration.load(tmp_path).docker_host is None


def test_settings_of_kafka_are_taken_as_kafka_writes_them(load: Load) -> None:
    given = {"log.retention.ms": 1000.0, "log.preallocate": True, "compression.type": "zstd"}

    found = load(cluster={"settings": given})

    assert found.cluster.kafka_settings == {
        "log.retention.ms": "1000",
        "log.preallocate": "true",
        "compression.type": "zstd",
    }


def test_schemas_may_be_registered_elsewhere_with_a_secret_password(load: Load) -> None:
    settings = load(
        schemaRegistry={"url": "https://registry.example.org/apis/ccompat/v7", "user": "ops"},
        schemaRegistryPassword="word",
    )

    access = settings.registry_access
    assert access is not None
    assert access.url == "https://registry.example.org/apis/ccompat/v7"
    assert (access.user, access.password) == ("ops", "word")
    assert "word" not in repr(settings)


def test_a_quorum_of_one_that_is_meant_is_said_in_every_run(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi, "info", said.append)
    why = {"quorum 1": {"reason": "It was formed so.", "approvedBy": "Ada"}}

    settings = load(environment="prod", cluster={"quorum": 1}, overrides=why)

    assert settings.level.controllers == 1
    assert said == ["accepted by messaging:overrides: quorum 1, because It was formed so. (approved by Ada)"]
