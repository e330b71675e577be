"""Where partitions should be: even, spread over racks, and no move that is not needed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.availability import Partition
from messaging.cluster import Broker, View
from messaging.placement import PlacementError, is_platforms_own, loads, plan, settled

ROOT = Path(__file__).parents[3]


def brokers(*ids: int, racks: dict[int, str] | None = None) -> list[Broker]:
    return [Broker(id=number, rack=(racks or {}).get(number)) for number in ids]


def named(topic: str, *replicas: tuple[int, ...]) -> list[Partition]:
    return [
        Partition(topic=topic, number=number, leader=one[0], replicas=one, in_sync=one, min_in_sync=len(one))
        for number, one in enumerate(replicas)
    ]


def partitions(*replicas: tuple[int, ...]) -> list[Partition]:
    return named("orders", *replicas)


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


def test_brokers_that_got_other_racks_give_copies_to_racks_without_any() -> None:
    racks = {1: "a", 2: "a", 3: "b", 4: "b", 5: "c", 6: "c"}
    found = partitions((1, 2, 3), (4, 5, 6), (2, 1, 4), (3, 5, 6))

    placed = after(found, brokers(*racks, racks=racks))

    assert all({racks[broker] for broker in one} == {"a", "b", "c"} for one in placed)
    moved = [len(set(new) - set(one.replicas)) for one, new in zip(found, placed, strict=True)]
    assert moved == [1, 1, 1, 1], "no replica is copied that need not be"


def test_the_preferred_leader_stays_where_only_racks_are_in_the_way() -> None:
    racks = {1: "a", 2: "a", 3: "b"}

    assert after(partitions((1, 2), (2, 1)), brokers(*racks, racks=racks)) == [(1, 3), (2, 3)]


def test_internal_topics_get_the_copies_that_they_lack_and_lose_none() -> None:
    found = [*partitions((3, 4)), *named("__offsets", (1, 2)), *named("_schemas", (1, 2, 3, 4))]

    (move,) = plan(found, brokers(1, 2, 3, 4), copies=3)

    assert move.topic == "__offsets"
    assert set(move.after) > {1, 2}
    assert len(move.after) == 3


def test_only_topics_that_are_named_get_copies() -> None:
    found = [*named("__consumer_offsets", (1,)), *named("_schemas-events", (2,)), *named("_telemetry", (3,))]

    moves = plan(found, brokers(1, 2, 3), copies=3, grows=is_platforms_own)

    assert {move.topic: len(move.after) for move in moves} == {"__consumer_offsets": 3, "_schemas-events": 3}


def test_the_registrys_own_topics_are_those_of_its_image() -> None:
    lines = (ROOT / "images/schema-registry/docker/configure").read_text()

    (topic,) = re.findall(r"^topic=\$\{\w+:-(\S+)\}$", lines, re.MULTILINE)
    endings = re.findall(r'^set_property \S*topic "\$topic(\S*)"$', lines, re.MULTILINE)

    assert len(endings) == 3
    assert all(is_platforms_own(topic + ending) for ending in endings)


def test_internal_topics_get_no_more_copies_than_there_are_brokers() -> None:
    (move,) = plan(named("__offsets", (1,)), brokers(1, 2, 3), copies=5, without=(3,))

    assert sorted(move.after) == [1, 2]


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


@st.composite
def clusters(draw: st.DrawFn) -> tuple[list[Partition], dict[int, str], set[int], int]:
    """Partitions, the racks of brokers, those that are to go, and the copies of internal topics."""
    racks = draw(
        st.dictionaries(st.integers(1, 9), st.sampled_from("abcd"), min_size=3, max_size=9), label="racks"
    )
    without = draw(st.sets(st.sampled_from(sorted(racks)), max_size=len(racks) - 3), label="without")
    placed = st.lists(st.sampled_from(sorted(racks)), min_size=1, max_size=3, unique=True).map(tuple)
    ours, internal = (draw(st.lists(placed, max_size=8)) for _ in range(2))
    return [*partitions(*ours), *named("__offsets", *internal)], racks, without, draw(st.integers(0, 5))


@given(clusters())
def test_every_plan_keeps_all_copies_on_as_many_racks_as_can_be_and_leaves_nothing_to_plan(
    drawn: tuple[list[Partition], dict[int, str], set[int], int],
) -> None:
    found, racks, without, copies = drawn
    known = brokers(*racks, racks=racks)
    left = {broker: rack for broker, rack in racks.items() if broker not in without}

    moves = {(one.topic, one.number): one for one in plan(found, known, without=without, copies=copies)}

    placed = []
    for one in found:
        move = moves.get((one.topic, one.number))
        new = move.after if move else one.replicas
        wanted = min(copies, len(left)) if one.topic == "__offsets" else 0
        assert len(new) == len(set(new)) == max(len(one.replicas), wanted)
        assert set(new) <= set(left)
        assert len({left[broker] for broker in new}) == min(len(new), len(set(left.values())))
        placed.append(replace(one, replicas=new))
    assert plan(placed, known, without=without, copies=copies) == []
