"""KafkaCluster with several nodes and with data that is to be kept, which the dev platform does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pytest

from components import platform
from components.kafka_cluster import KafkaCluster, KafkaClusterArgs
from messaging.naming import BUILT_FROM_LABEL
from messaging.streams import Catalogue

if TYPE_CHECKING:
    from settings import Settings
    from tests.conftest import Engine


def cluster(engine: Engine, prod: Settings, *, roll_first: str = "") -> Engine:
    """A cluster of three nodes whose volumes are protected."""
    planned = platform.plan(prod, Catalogue(streams=()))
    args = KafkaClusterArgs(
        planned=planned,
        owner=prod.owner,
        image_source=prod.images.source,
        docker_host="",
        roll_first=roll_first,
        ready_timeout_seconds=60,
        protect_data=True,
        depends_on=(),
    )
    engine.run(lambda: KafkaCluster("kafka", args))
    return engine


@pytest.fixture
def three(engine: Engine, prod: Settings) -> Engine:
    """Its nodes in their usual order."""
    return cluster(engine, prod)


def test_nodes_come_one_after_another_in_a_fixed_order(three: Engine) -> None:
    containers = [three.named(f"kafka-{number}-container") for number in (1, 2, 3)]

    assert [container.inputs["name"] for container in containers] == ["kafka-1", "kafka-2", "kafka-3"]
    assert containers[0].depends_on() == {"kafka-identity", "kafka-1-gate", "kafka-1-data"}
    assert containers[1].depends_on() >= {"kafka-1-container", "kafka-2-gate", "kafka-2-data"}
    assert containers[2].depends_on() >= {"kafka-2-container", "kafka-3-gate", "kafka-3-data"}


def test_a_gate_stands_before_each_node_and_behind_the_one_replaced_before(three: Engine) -> None:
    gates = [three.named(f"kafka-{number}-gate") for number in (1, 2, 3)]

    assert gates[0].depends_on() == {"kafka-identity"}
    assert gates[1].depends_on() == {"kafka-identity", "kafka-1-container"}
    assert gates[2].inputs["previous"] == ["kafka-2-container-id"]
    assert [node["name"] for node in gates[2].inputs["nodes"]] == ["kafka-1", "kafka-2", "kafka-3"]
    for gate, node in zip(gates, gates[0].inputs["nodes"], strict=True):
        container = three.named(gate.name.replace("gate", "container"))
        labels = {label["label"]: label["value"] for label in container.inputs["labels"]}
        assert labels[BUILT_FROM_LABEL] == node["wanted"]


def test_the_order_can_begin_with_a_certain_node(engine: Engine, prod: Settings) -> None:
    made = cluster(engine, prod, roll_first="kafka-3")

    assert made.named("kafka-3-gate").depends_on() == {"kafka-identity"}
    assert "kafka-3-container" in made.named("kafka-1-gate").depends_on()
    assert "kafka-1-container" in made.named("kafka-2-gate").depends_on()
    containers = made.named("kafka-ready").inputs["containers"]
    assert containers == [f"kafka-{number}-container-id" for number in (1, 2, 3)], (
        "no change for the order's sake"
    )


def test_the_gate_waits_for_all_nodes_and_is_asked_again_when_one_is_another(three: Engine) -> None:
    gate = three.named("kafka-ready")

    assert gate.depends_on() == {f"kafka-{number}-container" for number in (1, 2, 3)}
    assert gate.inputs["containers"] == [f"kafka-{number}-container-id" for number in (1, 2, 3)]
    assert [node["port"] for node in gate.inputs["nodes"]] == [9092, 9093, 9094]


def test_volumes_refuse_to_be_deleted_and_containers_do_not(three: Engine) -> None:
    protected = {resource.name for resource in three.registered if resource.options.get("protect")}

    assert protected == {"kafka-1-data", "kafka-2-data", "kafka-3-data"}


def test_a_volume_is_never_replaced_for_its_labels(three: Engine) -> None:
    for volume in three.of_type("volume:Volume"):
        assert volume.options["ignoreChanges"] == ["labels"]


def test_an_order_that_begins_with_a_stranger_is_refused(engine: Engine, prod: Settings) -> None:
    with pytest.raises(
        pulumi.RunError, match="rollFirst is 'kafka-9', which is no node of this stack: kafka-1"
    ):
        cluster(engine, prod, roll_first="kafka-9")


def test_no_broker_goes_before_its_guard_has(three: Engine) -> None:
    for number in (1, 2, 3):
        guard = three.named(f"kafka-{number}-guard")
        assert guard.depends_on() == {f"kafka-{number}-container"}
        assert guard.options["deletedWith"].endswith("::kafka-identity")
        assert guard.inputs["broker"] == number
