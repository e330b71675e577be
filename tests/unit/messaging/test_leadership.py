"""Who is given partitions back to lead, how many at a time, and what stops it."""

from __future__ import annotations

import pytest

from messaging import leadership
from messaging.availability import Partition
from messaging.cluster import Broker, View
from messaging.leadership import AT_ONCE, Homecoming, astray
from messaging.protocol import Address, NodeError
from messaging.roll import Fact

ADDRESSES = {f"kafka-{one}": Address(host="localhost", port=9091 + one) for one in (1, 2, 3)}
IDS = {f"kafka-{one}": one for one in (1, 2, 3)}


def led(number: int, leader: int, replicas: tuple[int, ...] = (1, 2, 3), missing: int = 0) -> Partition:
    return Partition(
        topic="orders",
        number=number,
        leader=leader,
        replicas=replicas,
        in_sync=tuple(replica for replica in replicas if replica != missing),
        min_in_sync=2,
    )


def facts(partitions: list[Partition], *, silent: str = "") -> dict[str, Fact]:
    view = View(
        cluster_id="c",
        brokers=tuple(Broker(id=one, rack=None) for one in (1, 2, 3)),
        partitions=tuple(partitions),
    )
    return {
        name: Fact(container=None, view="silent" if name == silent else view, quorum="") for name in ADDRESSES
    }


@pytest.fixture
def elected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Address, list[tuple[str, int]]]]:
    found: list[tuple[Address, list[tuple[str, int]]]] = []
    monkeypatch.setattr(leadership, "elect_preferred", lambda *given: found.append(given))
    return found


@pytest.mark.parametrize(
    ("partition", "goes"),
    [
        (led(0, leader=2), True),
        (led(0, leader=1), False),
        (led(0, leader=2, missing=1), False),
        (led(0, leader=1, replicas=(3, 1, 2)), False),
        (led(0, leader=-1), True),
    ],
    ids=["led by another", "at home", "not in sync", "its home is stopped next", "led by nobody"],
)
def test_a_partition_goes_back_to_a_broker_that_has_it_all_and_stays(
    partition: Partition, goes: bool
) -> None:
    assert bool(astray([partition], {1, 2})) is goes


def test_leaders_go_back_a_few_at_a_time_and_each_once(
    elected: list[tuple[Address, list[tuple[str, int]]]],
) -> None:
    homecoming = Homecoming(ADDRESSES, IDS, leaving=2)
    away = facts([led(number, leader=3) for number in range(AT_ONCE + 5)])

    # None ever gets there: it is not tried for ever.
    assert [homecoming.go_on(away) for _ in range(3)] == [True, True, False]
    assert [len(partitions) for _, partitions in elected] == [AT_ONCE, 5]


def test_a_broker_that_does_not_answer_is_given_nothing(
    elected: list[tuple[Address, list[tuple[str, int]]]],
) -> None:
    away = facts([led(0, leader=3)], silent="kafka-1")

    assert not Homecoming(ADDRESSES, IDS, leaving=2).go_on(away)
    assert not Homecoming(ADDRESSES, IDS, leaving=2).go_on({})
    assert elected == []


def test_a_cluster_that_refuses_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise NodeError("localhost:9092 refuses to move leaders back: NotController")

    monkeypatch.setattr(leadership, "elect_preferred", refuse)

    assert not Homecoming(ADDRESSES, IDS, leaving=2).go_on(facts([led(0, leader=3)]))
