"""ClusterIdentity: the decision table of what a cluster's data would not survive."""

from __future__ import annotations

from typing import Any

import pytest

from components.dynamic.identity import ClusterIdentityProvider, refusals

FACTS: dict[str, Any] = {
    "clusterId": "one",
    "voters": ["1@kafka-1:9093", "2@kafka-2:9093", "3@kafka-3:9093"],
    "processRoles": "combined",
    "brokers": {"1": "kafka-1", "2": "kafka-2", "3": "kafka-3"},
    "data": {
        "kafka-1": {"/data": "kafka-1-data"},
        "kafka-2": {"/data": "kafka-2-data"},
        "kafka-3": {"/data": "kafka-3-data"},
    },
    "imageSource": "local",
    "kafkaRelease": "4.1",
    "topics": {"readings": {"partitions": 6, "replicationFactor": 3}},
}


def moved(**places: str) -> dict[str, Any]:
    """The third node with other places of data."""
    return {"data": FACTS["data"] | {"kafka-3": {f"/{name}": place for name, place in places.items()}}}


def topics(partitions: int, replicas: int) -> dict[str, Any]:
    return {"topics": {"readings": {"partitions": partitions, "replicationFactor": replicas}}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"clusterId": "two"}, ("messaging:instance",)),
        ({"voters": ["1@kafka-1:9093"]}, ("3@kafka-3:9093", "would become 1@kafka-1:9093")),
        ({"processRoles": "dedicated"}, ("are combined and would become dedicated",)),
        (
            {"brokers": {"1": "kafka"}},
            ("broker 1 is kafka-1 and would become kafka: its volume is called after it",),
        ),
        (
            moved(data="kafka-2-data"),
            ("kafka-3 keeps /data on kafka-3-data, and would have it on kafka-2-data", "Put it back"),
        ),
        (moved(data="kafka-3-data/below"), ("would have it on kafka-3-data/below",)),
        (moved(data="no named volume"), ("would have it on no named volume", "begins without any")),
        (moved(other="kafka-3-data"), ("none of its folders any more",)),
        ({"imageSource": "registry"}, ("'local'", "'registry'", "source: local")),
        (
            {"kafkaRelease": "3.9"},
            (
                "brokers run Kafka 4.1 and would run 3.9",
                "do not start any more",
                "{'Kafka 4.1 -> 3.9': {reason",
            ),
        ),
        (topics(3, 3), ("readings has 6 partitions and would have 3", "Put 6 back")),
        (topics(6, 1), ("readings has 3 replicas and would have 1", "Put 3 back")),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_would_lose_data_is_refused(change: dict[str, Any], words: tuple[str, ...]) -> None:
    found = refusals(FACTS, FACTS | change)

    assert [name for name, _ in found] == list(change)
    for word in words:
        assert word in found[0][1]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"brokers": {"1": "kafka-1", "2": "kafka-2"}},
        moved(data="kafka-3-data", more="kafka-3-more"),
        {"data": {"kafka-1": {"/data": "kafka-1-data"}}},
        {"data": FACTS["data"] | {"kafka-4": {"/data": "kafka-4-data"}}},
        {"brokers": FACTS["brokers"] | {"4": "kafka-4"}},
        {"kafkaRelease": "4.10"},
        {"kafkaRelease": ""},
        {"kafkaRelease": "3.9", "overrides": {"Kafka 4.1 -> 3.9": "not finished (approved by Ada)"}},
        topics(12, 3),
        topics(6.0, 3.0),  # type: ignore[arg-type]  # numbers arrive as floats
        {"topics": {}},
        {"topics": FACTS["topics"] | {"new": {"partitions": 1, "replicationFactor": 1}}},
    ],
    ids=[
        "nothing",
        "a broker less",
        "a folder of data more",
        "data of brokers that are gone",
        "data of a broker more",
        "a broker more",
        "a newer Kafka",
        "a Kafka that nobody knows",
        "an older Kafka that was asked for",
        "more partitions",
        "floats",
        "a stream less",
        "a stream more",
    ],
)
def test_what_only_adds_is_allowed(change: dict[str, Any]) -> None:
    assert refusals(FACTS, FACTS | change) == []


def test_one_change_is_let_through_that_its_override_names_and_no_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shrunk = topics(3, 2) | {"overrides": {"readings partitions 6 -> 3": "no data yet (approved by Ada)"}}

    (refused,) = refusals(FACTS, FACTS | shrunk)

    assert "readings has 3 replicas and would have 2" in refused[1]
    assert "messaging:overrides: {'readings replicas 3 -> 2': {reason: ..., approvedBy: ...}}" in refused[1]
    said = (
        "accepted by messaging:overrides: readings partitions 6 -> 3, because no data yet (approved by Ada)"
    )
    assert said in capsys.readouterr().out
    again = topics(2, 3) | {"overrides": {"readings partitions 6 -> 3": "no data yet (approved by Ada)"}}
    assert "readings has 6 partitions and would have 2" in refusals(FACTS, FACTS | again)[0][1]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    change = {"imageSource": "registry", "processRoles": "dedicated"} | topics(1, 1)

    assert len(refusals(FACTS, FACTS | change)) == 4


def test_another_cluster_is_one_fault_though_its_voters_differ_too() -> None:
    change = {"clusterId": "two", "voters": ["1@a-kafka-1:9093"]}

    assert [name for name, _ in refusals(FACTS, FACTS | change)] == ["clusterId"]


def test_a_state_that_knows_nothing_of_places_learns_them_and_refuses_from_then_on() -> None:
    provider = ClusterIdentityProvider()
    old = {name: value for name, value in FACTS.items() if name != "data"}

    assert provider.check(old, FACTS | moved(data="kafka-2-data")).failures == []
    assert provider.diff("one", old, FACTS).changes is True
    learned = provider.update("one", old, FACTS).outs or {}
    (refused,) = provider.check(learned, FACTS | moved(data="kafka-2-data")).failures
    assert refused.property == "data"


def test_every_node_that_lost_its_volume_is_named_at_once() -> None:
    lost = {"data": {node: {"/data": "no named volume"} for node in FACTS["data"]}}

    ((name, said),) = refusals(FACTS, FACTS | lost)

    assert name == "data"
    assert all(f"kafka-{number} keeps /data on kafka-{number}-data" in said for number in (1, 2, 3))


def test_a_new_stack_may_be_anything() -> None:
    assert ClusterIdentityProvider().check({}, dict(FACTS)).failures == []


def test_a_change_that_passes_is_never_a_replacement() -> None:
    result = ClusterIdentityProvider().diff("one", FACTS, FACTS | topics(12, 3))

    assert result.changes is True
    assert result.replaces == []


def test_it_is_called_after_the_cluster() -> None:
    created = ClusterIdentityProvider().create(FACTS | {"__provider": "x"})

    assert created.id == "one"
    assert created.outs == FACTS
