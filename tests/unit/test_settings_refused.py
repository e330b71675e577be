"""Mistakes in settings are told all at once, with what to write where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from settings import SettingsError
from tests.unit.configured import SITE, refusal

if TYPE_CHECKING:
    from tests.unit.configured import Load


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rollFirst": "Kafka 9"}, ("messaging:rollFirst is 'Kafka 9'", "such as kafka-1")),
        (
            {"cluster": {"settings": {"node.id": 4, "listeners": "x", "Bad": 1, "log.retention.ms": []}}},
            (
                "settings.node.id cannot be set here",
                "settings.listeners",
                "settings.Bad",
                "a text or a number",
            ),
        ),
        ({"environment": "staging"}, ("messaging:environment is 'staging'", "one of dev, prod")),
        ({"portOffset": "many"}, ("messaging:portOffset is 'many'", "from 0 to 50000")),
        ({"portOffset": -1}, ("messaging:portOffset", "'-1'")),
        ({"instance": "Not A Name"}, ("messaging:instance is 'Not A Name'", "messaging:instance: team-a")),
        ({"cluster": {"memory": "1 GB"}}, ("messaging:cluster.memory is '1 GB'", "512m")),
        ({"cluster": {"heap": "900m"}}, ("messaging:cluster.memory is 1024m", "900m", "memory: 1156m")),
        (
            {"cluster": {"broker": 3}},
            ("messaging:cluster.broker is not known", "Did you mean brokers?", "heap, memory"),
        ),
        ({"clutser": "{}"}, ("messaging:clutser is not known", "Did you mean cluster?")),
        ({"cluster": "three"}, ("messaging:cluster must be a mapping", "'three'")),
        ({"cluster": "[1]"}, ("messaging:cluster must be a mapping",)),
        ({"cluster.memory": "2g"}, ("--path 'messaging:cluster.memory'",)),
        ({"images": {"kafka": "example/kafka:latest"}}, ("messaging:images.kafka", "fixed tag")),
        ({"images": {"kafka": "example/kafka"}}, ("messaging:images.kafka", "fixed tag")),
        ({"docker": {"host": "localhost"}}, ("messaging:docker.host", "unix:///var/run/docker.sock")),
        ({"docker": {"host": "tcp://h:237555"}}, ("messaging:docker.host", "tcp://HOST:PORT")),
        ({"docker": {"host": "tcp://h"}}, ("messaging:docker.host", "tcp://HOST:PORT")),
        ({"docker": {"host": "http://[bad:2375"}}, ("messaging:docker.host", "tcp://HOST:PORT")),
        ({"docker": {"host": "ssh://h"}}, ("messaging:docker.host", "an SSH tunnel")),
        (
            {"cluster": {"settings": {"config.providers": "1\nunclean.leader.election.enable=true"}}},
            ("messaging:cluster.settings.config.providers", "has a line break"),
        ),
        ({"listeners": {"bindAddress": "all"}}, ("messaging:listeners.bindAddress",)),
        ({"listeners": {"bindAddress": "999.1.1.1"}}, ("bindAddress is '999.1.1.1'", "such as 0.0.0.0")),
        ({"cluster": f'{{"brokers": {"9" * 5000}}}'}, ("messaging:cluster must be a mapping",)),
        ({"listeners": {"advertisedHost": "a b"}}, ("messaging:listeners.advertisedHost",)),
        ({"listeners": {"advertisedHost": "127.0.0.0.1"}}, ("messaging:listeners.advertisedHost",)),
        ({"site": "advertisedHost: a..b"}, (".site.yaml", "advertisedHost is 'a..b'")),
        (
            {"schemaRegistry": {"heap": "127m"}},
            ("schemaRegistry.heap is 127m", "At least 128m", "heap: 128m"),
        ),
        ({"ui": {"memory": "255m"}}, ("messaging:ui.memory is 255m", "At least 256m here")),
        ({"site": SITE, "ui": {"memory": "63m"}}, ("messaging:ui.memory is 63m", "At least 64m here")),
        ({"ui": {"product": "akhq"}}, ("messaging:ui.product is 'akhq'", "kafka-ui, console")),
        ({"ui": {"product": "console"}}, ("messaging:images.console is missing",)),
        ({"images": {"source": "local"}}, ("messaging:images.kafka is missing", "make images")),
        ({"site": "imageSource: local"}, ("messaging:images.kafka is missing", "make images")),
        ({"site": "imageSource: elsewhere"}, (".site.yaml has 1 fault", "imageSource is 'elsewhere'")),
        ({"site": "imagesource: local"}, (".site.yaml", "Did you mean imageSource?")),
        ({"site": "a: [1"}, (".site.yaml", "cannot be read", "not YAML")),
        ({"site": "advertisedHost: 2026-02-30"}, (".site.yaml", "line 1, column 17", "is no date")),
        ({"site": "- a"}, (".site.yaml", "must be a mapping")),
        (
            {"pins": "kafka: example/kafka:latest\n"},
            ("images/registry.yaml", "kafka is 'example/kafka:latest'"),
        ),
    ],
)
def test_a_mistake_is_told_with_what_is_allowed_and_where(
    load: Load, values: dict[str, Any], words: tuple[str, ...]
) -> None:
    told = refusal(load, **values)

    for word in words:
        assert word in told


FAR_PORTS = {"1": {"port": 60_000, "jmxPort": 15_536}, "2": {"port": 15_535, "jmxPort": 15_534}}
NODES_IN_TWO_RACKS = {"1": {"rack": "a"}, "2": {"rack": "b"}, "3": {"rack": "b"}}


@pytest.mark.parametrize(
    ("environment", "values", "words"),
    [
        (
            "prod",
            {"cluster": {"minInsyncReplicas": 3}},
            ("cluster.minInsyncReplicas is 3 of 3 copies", "At most 2", "minInsyncReplicas: 2"),
        ),
        ("prod", {"cluster": {"minInsyncReplicas": 1}}, ("minInsyncReplicas is 1", "lost with it")),
        ("prod", {"cluster": {"minInsyncReplicas": 4}}, ("nothing could ever be written",)),
        ("dev", {"cluster": {"minInsyncReplicas": 2}}, ("minInsyncReplicas is 2", "there are 1 copies")),
        (
            "prod",
            {"cluster": {"replicationFactor": 4}},
            ("replicationFactor is 4, but there are 3 brokers", "replicationFactor: 3"),
        ),
        (
            "prod",
            {"cluster": {"brokers": 2}},
            ("replicationFactor is 3, but there are 2 brokers", "quorum is 3"),
        ),
        ("dev", {"cluster": {"replicationFactor": 3}}, ("there are 1 broker, and each holds one copy",)),
        ("prod", {"cluster": {"quorum": 4, "brokers": 5}}, ("quorum is 4", "even number", "quorum: 3")),
        (
            "prod",
            {"cluster": {"quorum": 2, "controllers": "dedicated"}},
            ("quorum is 2", "even number of controllers"),
        ),
        ("prod", {"cluster": {"controllers": "three"}}, ("one of combined, dedicated",)),
        ("prod", {"cluster": {"nodes": NODES_IN_TWO_RACKS}}, ("are in 2 racks (a, b)", "3 copies")),
        ("dev", {"cluster": {"brokers": 2, "nodes": {"1": {"rack": "a"}}}}, ("cluster.nodes.2 has no rack",)),
        (
            "prod",
            {"cluster": {"nodes": {"2": {"port": 9092}}}},
            ("port 9092 twice: for broker 1 and for broker 2",),
        ),
        ("prod", {"cluster": {"nodes": {"1": {"jmxPort": 8404}}}}, ("port 8404 twice",)),
        (
            "dev",
            {"portOffset": 50_000, "cluster": {"brokers": 2, "nodes": FAR_PORTS}},
            ("2 faults", "1.port is 60000", "makes 110000", "1.jmxPort is 15536", "At most 15535 here"),
        ),
        ("prod", {"cluster": {"nodes": {"4": {"rack": "a"}}}}, ("cluster.nodes.4 is not known", "1, 2, 3")),
        ("prod", {"loadBalancer": {"mode": "both"}}, ("one of bootstrap, proxy",)),
        ("prod", {"loadBalancer": {"memory": "31m"}}, ("loadBalancer.memory is 31m", "At least 32m here")),
        ("prod", {"loadBalancer": {"drain": "25d"}}, ("loadBalancer.drain", "At most 24d", "drain: 24d")),
        (
            "prod",
            {"cluster": {"nodes": {"1": {"advertisedHost": "one.example.org"}}}},
            ("nodes.1.advertisedHost is one.example.org", "on 127.0.0.1", "listeners.bindAddress"),
        ),
        ("dev", {"loadBalancer": {"mode": "proxy"}}, ("loadBalancer.mode is not known",)),
        ("prod", {"cluster": {"openFiles": 100}}, ("openFiles is 100", "from 4096")),
    ],
)
def test_a_cluster_that_would_not_keep_what_it_promises_is_refused(
    load: Load, environment: str, values: dict[str, Any], words: tuple[str, ...]
) -> None:
    told = refusal(load, environment=environment, **values)

    for word in words:
        assert word in told, told


def test_the_faults_of_a_cluster_are_told_together(load: Load) -> None:
    told = refusal(
        load,
        environment="prod",
        cluster={"brokers": 2, "minInsyncReplicas": 3, "heap": "4g", "nodes": {"2": {"port": 9092}}},
    )

    assert "Pulumi.dev.yaml has 5 faults" in told
    for word in ("replicationFactor", "minInsyncReplicas", "quorum", "memory", "port 9092 twice"):
        assert word in told


def test_all_mistakes_of_all_files_are_told_at_once(load: Load) -> None:
    told = refusal(
        load, site="imageSource: x\n", portOffset="y", cluster={"heap": "z", "memory": []}, instance="-"
    )

    assert "Pulumi.dev.yaml has 4 faults" in told
    assert ".site.yaml has 1 fault" in told


def test_the_example_is_yaml_that_repairs_the_stack_file(load: Load) -> None:
    told = refusal(load, portOffset="y", cluster={"heap": "z"})

    assert told.endswith(
        "For instance, in Pulumi.dev.yaml:\n"
        "  config:\n    messaging:portOffset: 0\n    messaging:cluster:\n      heap: 512m"
    )


def test_a_mistake_ends_the_program_without_a_traceback() -> None:
    """The SDK prints such an error's message alone."""
    assert issubclass(SettingsError, pulumi.RunError)


def test_a_password_that_anybody_can_read_is_refused_and_not_repeated(load: Load) -> None:
    access = {"url": "https://registry.example.org", "user": "ops"}

    told = refusal(load, schemaRegistry=access, **{"schemaRegistryPassword!": "hunter2"})

    assert "messaging:schemaRegistryPassword is not encrypted" in told
    assert "pulumi config set --secret messaging:schemaRegistryPassword" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"schemaRegistry": {"url": "https://ops:word@example.org"}},
            ("schemaRegistry.url", "such as https"),
        ),
        ({"schemaRegistry": {"user": "ops"}}, ("schemaRegistry.user", "Name another in url")),
        (
            {"schemaRegistry": {"url": "https://example.org", "user": "ops"}},
            ("schemaRegistry.user", "belong together"),
        ),
        ({"schemaRegistryPassword": "word"}, ("schemaRegistry.user", "belong together")),
    ],
)
def test_half_of_an_access_is_refused(load: Load, values: dict[str, Any], words: tuple[str, ...]) -> None:
    told = refusal(load, **values)

    for word in words:
        assert word in told
