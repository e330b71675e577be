"""What the parts of a cluster mean together: lag, health, pages of topics, and how it is written."""

from typing import Any

import pytest

from messaging.console import formats, groups, overview, topics
from messaging.console.model import (
    Broker,
    ConfigEntry,
    Group,
    Member,
    Metadata,
    Partition,
    Topic,
    Watermarks,
)
from messaging.console.parts import Deadline, NotFoundError


def entry(name: str, value: str, *, default: bool = True) -> ConfigEntry:
    return ConfigEntry(name=name, value=value, source="s", default=default, read_only=False)


def lag_of(committed: int | None, marks: Watermarks | None) -> groups.PartitionLag:
    return groups.PartitionLag(topic="t", partition=0, committed=committed, offsets=marks)


@pytest.mark.parametrize(
    ("committed", "low", "high", "lag", "lost"),
    [(5, 0, 12, 7, 0), (12, 0, 12, 0, 0), (20, 0, 12, 0, 0), (5, 8, 12, 7, 3)],
)
def test_lag_is_high_watermark_minus_committed_and_retention_loses_the_rest(
    committed: int, low: int, high: int, lag: int, lost: int
) -> None:
    found = lag_of(committed, Watermarks(low=low, high=high))
    assert (found.lag, found.lost) == (lag, lost)


def test_lag_is_unknown_without_a_commit_or_without_watermarks() -> None:
    assert lag_of(None, Watermarks(low=0, high=4)).lag is None
    assert lag_of(4, None).lag is None


def test_a_group_stands_in_what_it_committed_and_in_what_it_was_given() -> None:
    member = Member(id="m", client_id="worker", host="h", assigned=(("t", 1),))
    group = Group(id="g", state="stable", members=(member,))
    found = groups.standing(group, {("t", 0): 3}, {("t", 0): Watermarks(low=0, high=10)})
    assert [(one.partition, one.committed, one.client_id) for one in found.partitions] == [
        (0, 3, None),
        (1, None, "worker"),
    ]
    assert found.lag == 7


def test_a_group_of_a_deleted_topic_is_still_shown(kafka: Any) -> None:
    kafka.found_groups.append(Group(id="g", state="empty"))
    kafka.offsets["g"] = {("gone", 0): 5}
    found = groups.detail(kafka, "g", Deadline())
    assert found.partitions[0].offsets is None
    assert found.lag is None


def test_an_unknown_group_is_not_found(kafka: Any) -> None:
    with pytest.raises(NotFoundError, match="no consumer group 'x'"):
        groups.detail(kafka, "x", Deadline())


def test_only_so_many_groups_are_read(kafka: Any) -> None:
    kafka.found_groups += [Group(id=f"g{number}", state="empty") for number in range(5)]
    found = groups.list_groups(kafka, Deadline(), most=2)
    assert ([row.group.id for row in found.rows], found.more) == (["g0", "g1"], 3)


def metadata(*partitions: Partition, controller: int = 2) -> Metadata:
    brokers = tuple(Broker(id=one, host="h", port=9092) for one in (1, 2))
    return Metadata(
        cluster_id="c",
        controller=controller,
        brokers=brokers,
        topics={"t": Topic(name="t", partitions=partitions)},
    )


def test_a_cluster_with_all_replicas_in_sync_is_healthy() -> None:
    assert overview.summarize(metadata(Partition(id=0, leader=1, replicas=(1, 2), isr=(1, 2))), {}).healthy


def test_a_broker_that_is_away_is_named_and_its_partitions_counted() -> None:
    found = overview.summarize(
        metadata(
            Partition(id=0, leader=1, replicas=(1, 3), isr=(1,)),
            Partition(id=1, leader=None, replicas=(3,), isr=()),
        ),
        {},
    )
    assert not found.healthy
    assert (found.absent, found.under_replicated, found.offline) == ((3,), 2, 1)
    assert (found.brokers[0].leaders, found.brokers[0].replicas, found.brokers[0].out_of_sync) == (1, 1, 0)


def test_roles_come_from_the_broker_itself_under_kraft() -> None:
    configs = {1: [entry("process.roles", "controller,broker")], 2: [entry("process.roles", "broker")]}
    found = overview.summarize(metadata(), configs)
    assert [broker.roles for broker in found.brokers] == [("broker", "controller"), ("broker",)]


def test_without_kraft_the_controller_is_the_one_that_metadata_name() -> None:
    found = overview.summarize(metadata(), {1: [entry("process.roles", "")], 2: [entry("process.roles", "")]})
    assert [broker.roles for broker in found.brokers] == [("broker",), ("broker", "controller")]


def test_internal_topics_are_hidden_unless_wanted(kafka: Any) -> None:
    for name in ("Orders", "orders.dlq", "_schemas", "__consumer_offsets"):
        kafka.add_topic(name)
    found = topics.list_topics(kafka, "", 1, Deadline(), internal=False)
    assert ([row.name for row in found.rows], found.hidden) == (["Orders", "orders.dlq"], 2)
    assert topics.list_topics(kafka, "", 1, Deadline(), internal=True).found == 4
    assert topics.list_topics(kafka, "ORDERS.", 1, Deadline(), internal=False).found == 1


def test_topics_come_in_pages_and_a_page_too_far_is_the_last_one(kafka: Any) -> None:
    for number in range(205):
        kafka.add_topic(f"t{number:03}")
    found = topics.list_topics(kafka, "", 9, Deadline(), internal=False)
    assert (found.page, found.pages, len(found.rows)) == (3, 3, 5)


def test_a_topic_without_all_its_offsets_has_no_count(kafka: Any) -> None:
    kafka.topics["t"] = Topic(
        name="t",
        partitions=(
            Partition(id=0, leader=1, replicas=(1,), isr=(1,)),
            Partition(id=1, leader=None, replicas=(2,), isr=()),
        ),
    )
    found = topics.detail(kafka, "t", Deadline())
    assert found.messages is None
    assert [row.offsets is None for row in found.partitions] == [False, True]


def test_what_was_set_for_a_topic_comes_before_its_defaults(kafka: Any) -> None:
    kafka.add_topic("t")
    kafka.config = (entry("a", "1"), entry("b", "2", default=False), entry("c", "3"))
    assert [one.name for one in topics.configuration(kafka, "t", Deadline())] == ["b", "a", "c"]


def test_numbers_sizes_and_moments_are_written_for_people() -> None:
    assert formats.number(1_234_567) == "1\u202f234\u202f567"
    assert formats.number(None) == "\u2013"
    assert [formats.size(count) for count in (9, 2048, 5 << 20)] == ["9 B", "2.0 KiB", "5.0 MiB"]
    assert formats.moment(1_700_000_000_123) == "2023-11-14 22:13:20.123"
    assert formats.moment(2**62) == str(2**62)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "just now"), (59, "59 s ago"), (3600, "1 h ago"), (200_000, "2 days ago"), (-5, "")],
)
def test_an_arrival_is_told_by_its_age(seconds: int, text: str) -> None:
    assert formats.ago(1_000_000_000, 1_000_000 + seconds) == text


def test_json_holds_properties_too() -> None:
    assert formats.plain(Watermarks(low=1, high=3)) == {"low": 1, "high": 3, "count": 2}
