"""When a cluster counts as complete."""

from __future__ import annotations

import pytest

from messaging.quorum import NO_LEADER, Quorum, Voter
from messaging.readiness import View, missing

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
