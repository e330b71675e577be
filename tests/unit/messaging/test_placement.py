"""Where partitions should be: even, spread over racks, and no move that is not needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.availability import Partition
from messaging.cluster import Broker, View
from messaging.placement import PlacementError, loads, plan, settled


def brokers(*ids: int, racks: dict[int, str] | None = None) -> list[Broker]:
    return [Broker(id=number, rack=(racks or {}).get(number)) for number in ids]


def partitions(*replicas: tuple[int, ...]) -> list[Partition]:
    return [
        Partition(
            topic="orders", number=number, leader=one[0], replicas=one, in_sync=one, min_in_sync=len(one)
        )
        for number, one in enumerate(replicas)
    ]


def view(*replicas: tuple[int, ...]) -> View:
    return View(cluster_id="one", brokers=tuple(brokers(1, 2, 3, 4)), partitions=tuple(partitions(*replicas)))


def after(
    found: list[Partition], wanted: list[Broker], *, without: tuple[int, ...] = ()
) -> list[tuple[int, ...]]:
    moves = {move.number: move.after for move in plan(found, wanted, without=without)}
    return [moves.get(one.number, one.replicas) for one in found]


def test_what_is_even_stays_as_it_is() -> None:
    assert plan(partitions((1, 2, 3), (2, 3, 1), (3, 1, 2)), brokers(1, 2, 3)) == []


def test_new_brokers_get_their_share_and_old_ones_keep_the_rest() -> None:
    found = partitions(*[(1, 2, 3), (2, 3, 1), (3, 1, 2)] * 5)

    placed = after(found, brokers(1, 2, 3, 4, 5))

    assert set(loads(placed).values()) == {9}
    moved = sum(len(set(new) - set(one.replicas)) for one, new in zip(found, placed, strict=True))
    assert moved == 18, "no replica is copied that need not be"


def test_a_broker_that_is_to_go_holds_nothing_afterwards() -> None:
    found = partitions((1, 4, 5), (5, 1, 2), (4, 5, 3), (2, 3, 4))

    placed = after(found, brokers(1, 2, 3, 4, 5), without=(4, 5))

    assert all(set(one) == {1, 2, 3} for one in placed)


def test_replicas_of_a_partition_are_spread_over_racks() -> None:
    racks = {1: "a", 2: "b", 3: "c", 4: "a", 5: "b", 6: "c"}
    found = partitions(*[(1, 2, 3)] * 6)

    placed = after(found, brokers(*racks, racks=racks))

    assert all({racks[broker] for broker in one} == {"a", "b", "c"} for one in placed)
    assert set(loads(placed).values()) == {3}


def test_leaders_are_even() -> None:
    placed = after(partitions(*[(1, 2, 3)] * 6), brokers(1, 2, 3))

    assert sorted(one[0] for one in placed) == [1, 1, 2, 2, 3, 3]


def test_leaders_are_even_at_once_and_not_by_a_second_plan() -> None:
    found = partitions((1, 2, 3), (1, 2, 3), (1, 2, 4), (1, 2, 3), (1, 2, 3))

    placed = after(found, brokers(*range(1, 7)), without=(2,))

    assert plan(partitions(*placed), brokers(*range(1, 7)), without=(2,)) == []


def test_too_few_brokers_are_refused_with_a_partition_that_shows_it() -> None:
    with pytest.raises(PlacementError, match="more replicas than the 2 brokers that would be left, orders-0"):
        plan(partitions((1, 2, 3)), brokers(1, 2, 3), without=(3,))


def test_a_broker_that_is_away_is_not_emptied() -> None:
    with pytest.raises(PlacementError, match="the brokers 4 hold replicas and do not serve"):
        plan(partitions((1, 2, 4)), brokers(1, 2, 3))


def test_a_partition_that_is_being_moved_counts_with_the_brokers_that_it_goes_to() -> None:
    under_way = view((1, 2, 3, 4), (2, 3, 1))

    found = settled([under_way, under_way], {("orders", 0): (1, 2, 4)})

    assert found is not None
    assert [one.replicas for one in found] == [(1, 2, 4), (2, 3, 1)]


def test_a_broker_that_hears_late_that_a_move_has_ended_does_not_add_a_replica() -> None:
    late, aware = view((1, 2, 3, 4)), view((1, 2, 4))

    assert settled([late, aware], {}) is None, "nothing is planned before they agree"
    ended = settled([late, aware], {("orders", 0): (1, 2, 4)})
    assert ended is not None
    assert [one.replicas for one in ended] == [(1, 2, 4)]


@given(
    st.lists(st.permutations(range(1, 7)).map(lambda order: tuple(order[:3])), min_size=1, max_size=20),
    st.sets(st.integers(1, 6), max_size=3),
)
def test_any_cluster_gets_an_even_and_complete_plan_that_needs_no_second_one(
    replicas: list[tuple[int, ...]], without: set[int]
) -> None:
    found = partitions(*replicas)
    left = [number for number in range(1, 7) if number not in without]

    placed = after(found, brokers(*range(1, 7)), without=tuple(without))

    assert all(len(set(one)) == 3 and set(one) <= set(left) for one in placed)
    counts = [loads(placed)[number] for number in left]
    assert max(counts) - min(counts) <= 1
    assert plan(partitions(*placed), brokers(*range(1, 7)), without=tuple(without)) == []
