"""When a cluster counts as complete."""

from __future__ import annotations

import pytest

from messaging.availability import NO_BROKER, Partition
from messaging.listing import SHOWN
from messaging.quorum import NO_LEADER, Quorum, Voter
from messaging.readiness import Lack, View, missing, unserved

NOW = 1_700_000_000_000


def quorum(*, leader: int = 1, **caught_up: int) -> Quorum:
    ages = caught_up or {"v1": 0, "v2": 0, "v3": 0}
    return Quorum(
        leader_id=leader,
        voters=tuple(Voter(id=int(name[1:]), caught_up_ms=NOW - age) for name, age in ages.items()),
    )


def reasons(view: View) -> list[str]:
    return missing(view, brokers=[1, 2, 3], voters=[1, 2, 3])


def test_a_complete_cluster_misses_nothing() -> None:
    view = View(quorums={"kafka-1": quorum(), "kafka-2": quorum()}, brokers={1, 2, 3})

    assert reasons(view) == []


@pytest.mark.parametrize(
    ("view", "word"),
    [
        (
            View(quorums={"kafka-1": "localhost:9092 does not answer"}, brokers="no broker answers"),
            "does not answer",
        ),
        (View(quorums={"kafka-1": quorum(leader=NO_LEADER)}, brokers={1, 2, 3}), "no leader"),
        (View(quorums={"kafka-1": quorum(v1=0, v2=0)}, brokers={1, 2, 3}), "[1, 2] instead of [1, 2, 3]"),
        (View(quorums={"kafka-1": quorum(v1=0, v2=0, v3=0, v4=0)}, brokers={1, 2, 3}), "instead of"),
        (View(quorums={"kafka-1": quorum(v1=0, v2=2_001, v3=0)}, brokers={1, 2, 3}), "controller 2"),
        (View(quorums={"kafka-1": quorum()}, brokers={1, 3}), "broker: 2"),
        (View(quorums={"kafka-1": quorum()}, brokers="no broker lists the others"), "no broker lists"),
    ],
)
def test_what_is_missing_is_named(view: View, word: str) -> None:
    assert any(word in reason for reason in reasons(view))


def test_one_node_that_does_not_answer_is_enough_to_wait() -> None:
    view = View(quorums={"kafka-1": quorum(), "kafka-2": "kafka-2:9093 does not answer"}, brokers={1, 2, 3})

    assert reasons(view) == ["kafka-2: kafka-2:9093 does not answer"]


def test_a_voter_that_is_a_little_behind_is_no_reason() -> None:
    assert reasons(View(quorums={"kafka-1": quorum(v1=0, v2=2_000, v3=10)}, brokers={1, 2, 3})) == []


def test_a_broker_that_nobody_asked_for_is_no_reason() -> None:
    assert reasons(View(quorums={"kafka-1": quorum()}, brokers={1, 2, 3, 4})) == []


def partition(
    name: str = "a",
    *,
    leader: int = 1,
    of: tuple[int, ...] = (1, 2, 3),
    isr: tuple[int, ...] = (1, 2, 3),
    least: int = 2,
) -> Partition:
    return Partition(topic=name, number=0, leader=leader, replicas=of, in_sync=isr, min_in_sync=least)


def lack(*partitions: Partition) -> Lack:
    return unserved(partitions, brokers=[1, 2, 3])


@pytest.mark.parametrize(
    "served",
    [
        partition(),
        partition(isr=(1, 2)),
        partition(of=(1,), isr=(1,), least=1),
        partition(of=(1,), isr=(1,), least=2),
        partition(of=(1, 9), isr=(1,), least=1),
    ],
    ids=["whole", "one copy behind", "a single copy", "a minimum that it cannot reach", "a copy elsewhere"],
)
def test_a_partition_that_serves_is_no_reason(served: Partition) -> None:
    assert lack(served) == Lack()


def test_a_partition_without_a_leader_is_needed() -> None:
    found = lack(partition("b", leader=NO_BROKER, isr=()), partition("a", leader=NO_BROKER, isr=(2,)))

    assert found.needed == ("partitions without a leader, so that nobody can read or write them: a-0, b-0",)
    assert not found.hoped


def test_a_partition_below_its_minimum_is_hoped_for_where_enough_brokers_have_it() -> None:
    found = lack(partition(isr=(1,)), partition("b", of=(1, 2, 9), isr=(1,)))

    assert found == Lack(
        hoped=("partitions below their min.insync.replicas, so that acks=all is refused: a-0, b-0",)
    )


def test_what_only_brokers_of_another_time_could_bring_back_is_lost() -> None:
    found = lack(
        partition("gone", leader=NO_BROKER, of=(8, 9), isr=(9,)), partition("half", of=(1, 9), isr=(1,))
    )

    assert found == Lack(
        lost=(
            "partitions not served, with replicas on brokers that this stack does not have: gone-0, half-0",
        )
    )


def test_many_partitions_are_counted() -> None:
    (said,) = lack(*(partition(f"t{n}", leader=NO_BROKER) for n in range(SHOWN + 3))).needed

    assert said.count("-0") == SHOWN
    assert said.endswith(" and 3 more")
