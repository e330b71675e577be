"""What a container is given and its fingerprint: whatever makes Docker replace it is in both."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_docker as docker
import pytest

from components import blueprint as blueprints
from components import platform
from components.blueprint import (
    IN_PLACE,
    NO_VOLUME,
    arguments,
    built_from,
    data_places,
    fingerprint,
)
from components.container import container
from engine.providers import schema
from messaging.naming import BUILT_FROM_LABEL, Owner
from messaging.streams import Catalogue

if TYPE_CHECKING:
    from settings import Settings
    from tests.conftest import Engine

POSSIBLE = sorted(
    set(inspect.signature(docker.Container._internal_init).parameters)
    - {"self", "resource_name", "opts", "__props__"}
)
"""All arguments of Docker's container."""


def node(settings: Settings) -> dict[str, Any]:
    """What the first node is given."""
    return arguments(platform.plan(settings, Catalogue(streams=())).nodes[0], settings.owner)


def camel(value: Any) -> Any:
    """Arguments as Docker's provider gets them."""
    if isinstance(value, list):
        return [camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): camel(value[name]) for name in value}


def test_a_container_is_given_what_its_fingerprint_is_made_of_and_nothing_else(
    engine: Engine, prod: Settings
) -> None:
    planned = platform.plan(prod, Catalogue(streams=())).containers

    def program() -> None:
        parent = pulumi.ComponentResource("test:index:Parent", "parent")
        for one in planned:
            container(one.name, one, prod.owner, parent=parent, depends_on=())

    engine.run(program)

    for one in planned:
        given = arguments(one, prod.owner)
        assert engine.named(one.name).inputs == camel(given)
        without = [label for label in given["labels"] if label["label"] != BUILT_FROM_LABEL]
        assert fingerprint(given | {"labels": without}) == built_from(given)


@pytest.mark.parametrize("name", POSSIBLE)
def test_every_argument_counts_unless_it_changes_while_the_container_runs(prod: Settings, name: str) -> None:
    given = node(prod)
    other = given | {name: {"an": "other value"}}

    assert (fingerprint(other) == fingerprint(given)) is (name in IN_PLACE)


@pytest.mark.parametrize("value", [False, 0, 0.5, "", "x", ["x"], {"x": "y"}])
def test_an_argument_counts_whatever_it_is(prod: Settings, value: Any) -> None:
    given = node(prod)

    assert fingerprint(given | {"working_dir": value}) != fingerprint(given)
    assert fingerprint(given | {"working_dir": None, "dns": [], "sysctls": {}}) == fingerprint(given)


def test_what_all_containers_have_in_common_counts(prod: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = node(prod)
    monkeypatch.setattr(blueprints, "ALWAYS", blueprints.ALWAYS | {"working_dir": "/"})

    assert node(prod)["working_dir"] == "/"
    assert built_from(node(prod)) != built_from(before)


def test_a_label_counts(prod: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = node(prod)
    labels = Owner.labels
    monkeypatch.setattr(Owner, "labels", lambda owner, role=None: labels(owner, role) | {"team": "data"})

    assert {"label": "team", "value": "data"} in node(prod)["labels"]
    assert built_from(node(prod)) != built_from(before)


@pytest.mark.parametrize("change", ["image", "heap", "port", "name", "cpus", "bind address"])
def test_a_setting_that_makes_docker_replace_a_container_counts(dev: Settings, change: str) -> None:
    kafka, level = dev.cluster.kafka, dev.cluster.level
    other = {
        "image": replace(dev, images=replace(dev.images, kafka="i/kafka:2")),
        "heap": replace(dev, cluster=replace(dev.cluster, kafka=replace(kafka, heap_mib=256))),
        "port": replace(dev, port_offset=1),
        "name": replace(dev, owner=Owner(project="messaging", stack="dev", instance="a")),
        "cpus": replace(dev, cluster=replace(dev.cluster, level=replace(level, cpus=1))),
        "bind address": replace(dev, bind_address="127.0.0.2"),
    }[change]

    assert built_from(node(other)) != built_from(node(dev))


def test_another_memory_limit_does_not_count_and_a_lifted_one_does(dev: Settings) -> None:
    larger = replace(dev.cluster, kafka=replace(dev.cluster.kafka, memory_mib=2048))

    assert built_from(node(replace(dev, cluster=larger))) == built_from(node(dev))
    for lifted in (None, 0):
        assert fingerprint(node(dev) | {"memory": lifted}) != fingerprint(node(dev))


def test_only_what_docker_changes_in_place_is_left_out() -> None:
    known = schema.load("docker").resources["docker:index/container:Container"].properties

    assert {name for name in IN_PLACE if known[camel({name: None}).popitem()[0]].replace} == set()


def test_another_resources_output_cannot_be_given(engine: Engine, prod: Settings) -> None:
    with pytest.raises(TypeError, match="Output is not JSON serializable"):
        fingerprint(node(prod) | {"domainname": pulumi.Output.from_input("x")})


@pytest.mark.parametrize(
    ("change", "places"),
    [
        ({}, {"/var/lib/kafka/data": "kafka-1-data"}),
        ({"volumes": []}, {"/var/lib/kafka/data": NO_VOLUME}),
        ({"volumes": [{"container_path": "/var/lib/kafka/data"}]}, {"/var/lib/kafka/data": NO_VOLUME}),
        (
            {"volumes": [{"container_path": "/var/lib/", "volume_name": "v"}]},
            {"/var/lib/kafka/data": "v/kafka/data"},
        ),
        ({"tmpfs": {"/var/lib/kafka/data": ""}}, {"/var/lib/kafka/data": NO_VOLUME}),
        (
            {"volumes": [], "mounts": [{"target": "/var/lib/kafka/data", "type": "volume", "source": "v"}]},
            {"/var/lib/kafka/data": "v"},
        ),
        (
            {"envs": ["KAFKA_LOG_DIRS=/a,/var/lib/kafka/data/b"]},
            {"/a": NO_VOLUME, "/var/lib/kafka/data/b": "kafka-1-data/b"},
        ),
        ({"command": ["run", "KAFKA_LOG_DIRS=/a"]}, {"/a": NO_VOLUME}),
        (
            {"envs": ["KAFKA_LOG_DIRS=/var/lib/kafka/data", "KAFKA_METADATA_LOG_DIR=/m"]},
            {"/var/lib/kafka/data": "kafka-1-data", "/m": NO_VOLUME},
        ),
        ({"envs": []}, {}),
    ],
)
def test_where_a_node_keeps_its_data_is_read_from_what_its_container_is_given(
    prod: Settings, change: dict[str, Any], places: dict[str, str]
) -> None:
    assert data_places(node(prod) | change) == places
