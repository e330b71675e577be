"""The two rules of a safe stop, on clusters that are only written down."""

from __future__ import annotations

import pytest

from messaging.availability import Partition, interrupted, obstacles, quorum_obstacle
from messaging.quorum import NO_LEADER, Quorum, Voter


def partition(in_sync: str, *, replicas: str = "123", least: int = 2, number: int = 0) -> Partition:
    return Partition(
        topic="orders",
        number=number,
        leader=int(in_sync[0]) if in_sync else -1,
        replicas=tuple(int(one) for one in replicas),
        in_sync=tuple(int(one) for one in in_sync),
        min_in_sync=least,
    )


def quorum(*caught_up: int, leader: int = 1) -> Quorum:
    voters = tuple(Voter(id=number, caught_up_ms=ms) for number, ms in enumerate(caught_up, start=1))
    return Quorum(leader_id=leader, voters=voters)


@pytest.mark.parametrize(
    ("one", "broker", "blocks"),
    [
        (partition("123"), 1, False),
        (partition("12"), 1, True),
        (partition("12"), 3, False),
        (partition("1"), 1, True),
        (partition("1"), 3, True),
        (partition(""), 2, True),
        (partition("12"), 4, False),
        (partition("12", replicas="12"), 1, False),
        (partition("1", replicas="1"), 1, False),
        (partition("123", least=3), 1, False),
        (partition("1234", replicas="1234", least=3), 1, False),
        (partition("123", replicas="1234", least=3), 1, True),
        (partition("12", least=1), 1, False),
    ],
    ids=[
        "all in sync",
        "at its minimum and in sync",
        "at its minimum, but itself behind",
        "below its minimum",
        "below its minimum and itself behind: it may be the first to catch up",
        "nobody in sync",
        "no replica on it",
        "as many replicas as the minimum: never safe, so never waited for",
        "a single replica",
        "all replicas needed",
        "one to spare",
        "none to spare",
        "minimum of one",
    ],
)
def test_a_broker_may_stop_if_every_partition_keeps_its_minimum(
    one: Partition, broker: int, blocks: bool
) -> None:
    assert bool(obstacles([one], broker)) is blocks


@pytest.mark.parametrize(
    ("one", "refused"),
    [
        (partition("12"), False),
        (partition("1"), True),
        (partition("1", replicas="1"), False),
        (partition("", replicas="1"), True),
        (partition("12", replicas="12", least=3), False),
        (partition("1", replicas="12", least=3), True),
    ],
)
def test_of_a_partition_with_fewer_replicas_than_its_minimum_kafka_wants_all(
    one: Partition, refused: bool
) -> None:
    assert one.is_under_min is refused


def test_an_obstacle_names_the_partition_and_what_it_has_and_needs() -> None:
    found = obstacles([partition("23", number=7), partition("123", number=8), partition("3", number=1)], 3)

    assert [str(one) for one in found] == [
        "orders-1 is below its minimum: 1 of 3 replicas in sync (brokers 3), needs 2",
        "orders-7 is at its minimum: 2 of 3 replicas in sync (brokers 2, 3), needs 2",
    ]


def test_partitions_that_rest_whatever_one_does_are_told_apart() -> None:
    partitions = [partition("12", replicas="12", number=2), partition("123"), partition("2", replicas="2")]

    assert interrupted(partitions, 1) == ["orders-2"]
    assert interrupted(partitions, 3) == []


@pytest.mark.parametrize(
    ("controllers", "voter", "blocks"),
    [
        (quorum(100, 100, 100), 1, False),
        (quorum(9000, 9000, 100), 1, True),
        (quorum(9000, 9000, 100), 3, False),
        (quorum(9000, 7001, 7001), 1, False),
        (quorum(9000, 7000, 9000), 1, True),
        (quorum(9000, -1, 9000), 1, True),
        (quorum(100, 100, 100, leader=NO_LEADER), 1, True),
        (quorum(100, 100, 100, leader=NO_LEADER), 4, False),
        (quorum(100), 1, False),
        (quorum(9000, 100), 1, True),
        (quorum(9000, 100), 2, False),
        (quorum(9000, 9000, 9000, 100, 100), 4, False),
        (quorum(9000, 9000, 9000, 100, 100), 1, True),
    ],
    ids=[
        "all caught up",
        "another one behind",
        "itself behind",
        "just within",
        "just too far behind",
        "never caught up",
        "no leader",
        "no leader, but it is no controller",
        "the only one",
        "two, the other behind",
        "two, itself behind",
        "five, itself behind",
        "five, two others behind",
    ],
)
def test_a_controller_may_stop_if_enough_others_are_caught_up(
    controllers: Quorum, voter: int, blocks: bool
) -> None:
    assert (quorum_obstacle(controllers, voter) is not None) is blocks


def test_a_quorum_in_danger_names_who_is_behind() -> None:
    assert quorum_obstacle(quorum(9000, 9000, 100), 1) == (
        "of the other controllers 1 are caught up and 2 must be: 3 is behind"
    )
