"""What a state declares, and what of it is lost with volumes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from messaging import declared
from messaging.availability import Partition
from messaging.cluster import View
from messaging.declared import NOTHING, Declared, lost

DYNAMIC = "pulumi-python:dynamic/messaging"
PLATFORM = replace(
    NOTHING,
    topics={"readings": 3, "scratch": 1},
    subjects=frozenset({"readings-value"}),
    brokers={1: "kafka-1", 2: "kafka-2", 3: "kafka-3"},
    voters=frozenset({"kafka-1", "kafka-2", "kafka-3"}),
    complete=True,
)


def view(**in_sync: tuple[int, ...]) -> View:
    partitions = tuple(
        Partition(topic=topic, number=0, leader=1, replicas=(1, 2, 3), in_sync=left, min_in_sync=1)
        for topic, left in in_sync.items()
    )
    return View(cluster_id="", brokers=(), partitions=partitions)


def resource(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"type": kind, "urn": f"urn:{kind}", "inputs": inputs}


def test_a_state_says_what_was_made_and_what_was_to_be_made() -> None:
    topic = resource("kafka:index/topic:Topic", name="readings", replicationFactor=3.0)
    subject = resource(
        f"{DYNAMIC}:Subject", subject="readings-value", registryUrl="http://r", registryUser="u"
    )
    found = declared.read(
        [
            topic,
            subject,
            {**resource("kafka:index/topic:Topic", name="old"), "delete": True},
            resource(
                f"{DYNAMIC}:ClusterIdentity",
                topics={"readings": {}, "events": {}},
                brokers={"1": "kafka-1"},
                voters=["1@kafka-1:9093"],
            ),
            resource(
                f"{DYNAMIC}:CatalogueCheck", subjects={"events-value": "digest"}, registryUrl="http://r"
            ),
        ]
    )

    assert found.topics == {"readings": 3}
    assert found.wanted_topics == {"readings", "events"}
    assert found.subjects == {"readings-value"}
    assert found.wanted_subjects == {"readings-value", "events-value"}
    assert (found.registry, found.registry_user) == ("http://r", "u")
    assert found.brokers == {1: "kafka-1"}
    assert found.voters == {"kafka-1"}
    assert found.urns == (topic["urn"], subject["urn"])


@pytest.mark.parametrize(
    ("volumes", "seen", "topics", "subjects"),
    [
        (["kafka-2-data"], view(readings=(1, 3), scratch=(1,)), (), ()),
        (["kafka-2-data"], view(readings=(1, 3), scratch=(2,)), ("scratch",), ()),
        (["kafka-2-data"], view(_schemas=(2,)), (), ("readings-value",)),
        (["kafka-2-data"], None, ("scratch",), ("readings-value",)),
        (["kafka-lb-config"], None, (), ()),
        (["kafka-1-data", "kafka-2-data"], view(readings=(3,)), ("readings", "scratch"), ("readings-value",)),
    ],
    ids=["copies", "only copy", "schemas", "nobody answers", "not Kafka's", "most of the quorum"],
)
def test_lost_is_what_has_no_copy_elsewhere_and_all_with_the_memory_of_the_quorum(
    volumes: list[str], seen: View | None, topics: tuple[str, ...], subjects: tuple[str, ...]
) -> None:
    found = lost(PLATFORM, volumes, seen, keeps_schemas=True)

    assert (found.topics, found.subjects) == (topics, subjects)
    assert bool(found) == bool(topics or subjects)


def test_subjects_of_a_registry_elsewhere_are_not_lost() -> None:
    assert not lost(PLATFORM, ["kafka-2-data"], view(_schemas=(2,)), keeps_schemas=False)


@pytest.mark.parametrize("complete", [True, False])
def test_a_cluster_without_declared_topics_loses_something_once_it_was_complete(*, complete: bool) -> None:
    bare: Declared = replace(PLATFORM, topics={}, subjects=frozenset(), complete=complete)

    assert bool(lost(bare, ["kafka-1-data", "kafka-2-data"], None, keeps_schemas=True)) == complete
