"""What a state declares, and what of it is lost with volumes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from messaging import declared
from messaging.availability import NO_BROKER, Partition
from messaging.cluster import Broker, View
from messaging.declared import NOTHING, Declared, Loss, Remains, Seen, lost, remains

DYNAMIC = "pulumi-python:dynamic/messaging"
PLATFORM = replace(
    NOTHING,
    topics={"readings": 3, "scratch": 1},
    subjects=frozenset({"readings-value"}),
    brokers={1: "kafka-1", 2: "kafka-2", 3: "kafka-3"},
    voters=frozenset({"kafka-1", "kafka-2", "kafka-3"}),
    complete=True,
)


def partition(
    topic: str, *, leader: int = 1, replicas: tuple[int, ...] = (1, 2, 3), in_sync: tuple[int, ...] = ()
) -> Partition:
    return Partition(topic=topic, number=0, leader=leader, replicas=replicas, in_sync=in_sync, min_in_sync=1)


def seen(
    *partitions: Partition,
    there: tuple[int, ...] = (1, 3),
    eligible: tuple[int, ...] = (),
    subjects: frozenset[str] | None = None,
) -> Seen:
    brokers = tuple(Broker(id=one, rack=None) for one in there)
    return Seen(
        view=View(cluster_id="", brokers=brokers, partitions=partitions),
        eligible={(one.topic, one.number): eligible for one in partitions if not one.in_sync},
        subjects=subjects,
    )


def view(**in_sync: tuple[int, ...]) -> Seen:
    return seen(*(partition(topic, in_sync=left) for topic, left in in_sync.items()))


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
            resource(
                f"{DYNAMIC}:Preflight",
                dockerHost="tcp://there:2375",
                engine="id",
                containers=["kafka-1", "schema-registry-1"],
                volumes=["kafka-1-data", "other"],
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
    assert (found.docker_host, found.engine) == ("tcp://there:2375", "id")
    assert found.of_nodes == {("container", "kafka-1"), ("volume", "kafka-1-data")}


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
    volumes: list[str], seen: Seen | None, topics: tuple[str, ...], subjects: tuple[str, ...]
) -> None:
    found = lost(PLATFORM, volumes, seen, keeps_schemas=True)

    assert (found.topics, found.subjects) == (topics, subjects)
    assert bool(found) == bool(topics or subjects)


@pytest.mark.parametrize(
    ("replicas", "eligible", "is_lost"),
    [
        ((2,), (2,), True),
        ((2,), (), True),
        ((1, 2, 3), (2,), True),
        ((1, 2, 3), (2, 3), False),
        ((1, 2, 3), (3,), False),
        ((1, 2, 3), (), True),
        ((1, 3), (), False),
    ],
    ids=[
        "its only replica, known to Kafka",
        "its only replica, forgotten by Kafka",
        "the others lack something",
        "another one has everything, too",
        "another one was the last",
        "nobody knows who had everything",
        "not its replica",
    ],
)
def test_where_nobody_is_in_sync_any_more_it_counts_who_may_have_had_everything(
    replicas: tuple[int, ...], eligible: tuple[int, ...], *, is_lost: bool
) -> None:
    found = seen(partition("readings", leader=NO_BROKER, replicas=replicas), eligible=eligible)

    loss = lost(PLATFORM, ["kafka-2-data"], found, keeps_schemas=True)

    assert bool(loss) == is_lost
    assert loss.topics == (("readings",) if is_lost else ())
    assert loss.partitions == ({("readings", 0)} if is_lost else frozenset())


def test_without_a_broker_that_answers_nobody_knows_what_was_only_there() -> None:
    copied = replace(PLATFORM, topics={"readings": 3})

    assert lost(copied, ["kafka-2-data"], None, keeps_schemas=True).unsure
    assert lost(copied, ["kafka-2-data"], None, keeps_schemas=True)
    assert not lost(copied, ["kafka-2-data"], view(readings=(1, 3)), keeps_schemas=True)
    assert lost(copied, [], None, keeps_schemas=True) == Loss()


SERVED = partition("readings", in_sync=(1, 2, 3))
SCHEMAS = partition("_schemas", in_sync=(1, 2, 3))
SCRATCH = partition("scratch", in_sync=(1,), replicas=(1,))
WANTED = replace(
    PLATFORM,
    wanted_topics=frozenset({"readings", "scratch"}),
    wanted_subjects=frozenset({"readings-value"}),
)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (seen(SERVED, SCHEMAS, SCRATCH, subjects=frozenset({"readings-value"})), Remains()),
        (seen(SERVED, SCHEMAS, SCRATCH), Remains()),
        (seen(SERVED, SCHEMAS), Remains(topics=("scratch",))),
        (seen(SERVED, SCHEMAS, SCRATCH, subjects=frozenset()), Remains(subjects=("readings-value",))),
        (
            seen(SERVED, SCRATCH, subjects=frozenset({"readings-value"})),
            Remains(subjects=("readings-value",)),
        ),
        (
            seen(SERVED, SCHEMAS, partition("scratch", leader=NO_BROKER, replicas=(1,))),
            Remains(unled=frozenset({("scratch", 0)})),
        ),
        (seen(SERVED, SCHEMAS, partition("scratch", leader=NO_BROKER, replicas=(2,))), Remains()),
        (
            seen(SERVED, SCHEMAS, partition("scratch", leader=NO_BROKER, replicas=(1,), in_sync=(1,))),
            Remains(),
        ),
        (
            seen(SERVED, SCRATCH, partition("_schemas", leader=NO_BROKER, replicas=(3,))),
            Remains(unled=frozenset({("_schemas", 0)}), subjects=("readings-value",)),
        ),
    ],
    ids=[
        "all is there",
        "nobody says which subjects there are",
        "a topic is not there",
        "a subject is not there",
        "a registry that answers from memory",
        "led by nobody",
        "its broker is still away",
        "it will be led at once",
        "schemas led by nobody",
    ],
)
def test_what_an_earlier_loss_has_left_shows_without_a_missing_volume(found: Seen, expected: Remains) -> None:
    assert remains(WANTED, found, keeps_schemas=True) == expected


def test_subjects_of_a_registry_elsewhere_are_not_lost() -> None:
    assert not lost(PLATFORM, ["kafka-2-data"], view(_schemas=(2,)), keeps_schemas=False).subjects


@pytest.mark.parametrize("complete", [True, False])
def test_a_cluster_without_declared_topics_loses_something_once_it_was_complete(*, complete: bool) -> None:
    bare: Declared = replace(PLATFORM, topics={}, subjects=frozenset(), complete=complete)

    assert bool(lost(bare, ["kafka-1-data", "kafka-2-data"], None, keeps_schemas=True)) == complete
