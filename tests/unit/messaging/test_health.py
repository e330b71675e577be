"""What the report of a cluster says, and how bad it finds things."""

from __future__ import annotations

from dataclasses import replace

import pytest

from messaging.availability import Partition
from messaging.cluster import Broker, Features, View
from messaging.declared import NOTHING
from messaging.health import Report, Schemas, Status, judge
from messaging.quorum import NO_LEADER, Quorum, Voter
from messaging.roll import Container, Fact

BEHIND = Quorum(leader_id=1, voters=(Voter(id=1, caught_up_ms=9000), Voter(id=3, caught_up_ms=1)))
NAMES = {"kafka-1": 1, "kafka-2": 2, "kafka-3": 3}
QUORUM = Quorum(leader_id=2, voters=tuple(Voter(id=number, caught_up_ms=9000) for number in (1, 2, 3)))


def view(*in_sync: int, leader: int = 1, brokers: tuple[int, ...] = (1, 2, 3)) -> View:
    partition = Partition(
        topic="orders", number=0, leader=leader, replicas=(1, 2, 3), in_sync=in_sync, min_in_sync=2
    )
    known = tuple(Broker(id=number, rack=None) for number in brokers)
    return View(cluster_id="c", brokers=known, partitions=(partition,))


def up(seen: View | None = None) -> Fact:
    running = Container(state="running", built_from="h")
    return Fact(container=running, view=seen or view(1, 2, 3), quorum=QUORUM)


DOWN = Fact(container=Container(state="exited", built_from="h"), view="silence", quorum="silence")


def facts(*of_nodes: Fact) -> dict[str, Fact]:
    return dict(zip(NAMES, of_nodes, strict=True))


def features(finalized: int, *supported: int) -> list[Features]:
    return [
        Features(supported={"metadata.version": one}, finalized={"metadata.version": finalized})
        for one in supported
    ]


def test_a_cluster_that_lacks_nothing_is_healthy() -> None:
    found = judge(facts(up(), up(), up()), NAMES, features=features(27, 27, 27, 27))

    assert found.status == Status.HEALTHY
    assert found.problems == ()
    assert (found.leader, found.partitions, found.metadata_version) == (2, 1, 27)


@pytest.mark.parametrize(
    ("nodes", "status", "words"),
    [
        (facts(up(), up(), DOWN), Status.DEGRADED, "kafka-3 is exited: `messaging repair`"),
        (facts(up(), up(), replace(up(), view="silence")), Status.DEGRADED, "kafka-3 runs but does not"),
        (facts(*[up(view(1, 2))] * 3), Status.DEGRADED, "1 partitions at min ISR: no broker"),
        (facts(*[up(view(1, 2, brokers=(1, 2)))] * 3), Status.DEGRADED, "kafka-3 is not let in as a broker"),
        (facts(*[up(view(1))] * 3), Status.CRITICAL, "1 partitions below min ISR"),
        (facts(*[up(view(leader=-1))] * 3), Status.CRITICAL, "1 partitions without a leader: orders-0"),
        (facts(DOWN, DOWN, DOWN), Status.CRITICAL, "no broker answers"),
        (
            facts(*[replace(up(), quorum=replace(QUORUM, leader_id=NO_LEADER))] * 3),
            Status.CRITICAL,
            "the controllers have no leader",
        ),
        (
            facts(*[replace(up(), quorum=BEHIND)] * 3),
            Status.DEGRADED,
            "controller 3 is behind the leader",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_how_bad_it_is(nodes: dict[str, Fact], status: Status, words: str) -> None:
    found = judge(nodes, NAMES)

    assert found.status == status
    assert any(words in problem.text for problem in found.problems), found.problems
    assert found.problems[0].status == status, "the worst comes first"


def test_fewer_replicas_than_the_minimum_are_told_and_refuse_nothing_while_all_are_in_sync() -> None:
    single = Partition(topic="__t", number=0, leader=1, replicas=(1,), in_sync=(1,), min_in_sync=2)
    seen = replace(view(1, 2, 3), partitions=(single,))

    found = judge(facts(*[up(seen)] * 3), NAMES)

    assert (found.status, found.under_min) == (Status.DEGRADED, ())
    assert [one.text for one in found.problems] == [
        "1 partitions with fewer replicas than min ISR: each of them is needed: __t-0"
    ]


def test_the_leader_of_the_controllers_is_believed_before_the_others() -> None:
    found = judge(facts(up(view(1)), up(), up(view(1))), NAMES)

    assert found.status == Status.HEALTHY


def test_an_upgrade_that_was_not_finished_is_told_only_when_all_brokers_have_it() -> None:
    assert judge(facts(up(), up(), up()), NAMES, features=features(25, 27, 25, 27)).problems == ()

    (problem,) = judge(facts(up(), up(), up()), NAMES, features=features(25, 27, 27, 27)).problems

    assert "metadata.version is 25, and all brokers know 27" in problem.text
    assert "messaging upgrade-metadata" in problem.text


def test_a_plain_report_names_everything() -> None:
    plain = judge(facts(*[up(view(1, 2))] * 3), NAMES, moving=["orders-0"]).plain()

    assert plain["status"] == "degraded"
    assert plain["partitions"]["atMinInSync"] == ["orders-0"]
    assert plain["partitions"]["moving"] == ["orders-0"]
    assert plain["nodes"][0] == {"name": "kafka-1", "broker": 1, "container": "running", "answers": True}


STACK = replace(
    NOTHING,
    topics={"orders": 3},
    wanted_topics=frozenset({"orders", "returns"}),
    subjects=frozenset({"orders-value"}),
    wanted_subjects=frozenset({"orders-value", "returns-value"}),
)
ALL_SUBJECTS = Schemas(subjects=frozenset({"orders-value", "returns-value"}))


def declared(*topics: str, schemas: Schemas = ALL_SUBJECTS) -> Report:
    partitions = tuple(replace(view(1, 2, 3).partitions[0], topic=topic) for topic in topics)
    seen = replace(view(1, 2, 3), partitions=partitions)
    return judge(facts(*[up(seen)] * 3), NAMES, declared=STACK, schemas=schemas)


def test_a_cluster_with_all_that_the_stack_declares_is_healthy() -> None:
    assert declared("orders", "returns").problems == ()


@pytest.mark.parametrize(
    ("topics", "schemas", "status", "words"),
    [
        (("returns",), ALL_SUBJECTS, Status.CRITICAL, "1 topics are missing that the stack has made: orders"),
        (("orders",), ALL_SUBJECTS, Status.DEGRADED, "1 topics of the stack are not made: returns"),
        (
            ("orders", "returns"),
            Schemas(subjects=frozenset({"returns-value"})),
            Status.CRITICAL,
            "1 subjects are missing that the stack has registered: orders-value. `pulumi refresh`",
        ),
        (
            ("orders", "returns"),
            Schemas(subjects=frozenset({"orders-value"})),
            Status.DEGRADED,
            "1 subjects of the stack are not registered: returns-value. `pulumi up`",
        ),
        (
            ("orders", "returns"),
            replace(ALL_SUBJECTS, keepers=("schema-registry-dev",)),
            Status.CRITICAL,
            "answers from memory and takes nothing new. `docker restart schema-registry-dev`",
        ),
        (
            ("orders", "returns"),
            Schemas(silence="no answer"),
            Status.CRITICAL,
            "no schema can be had: no answer",
        ),
    ],
)
def test_what_the_stack_declares_and_is_not_there_is_told(
    topics: tuple[str, ...], schemas: Schemas, status: Status, words: str
) -> None:
    (problem,) = declared(*topics, schemas=schemas).problems

    assert problem.status == status
    assert words in problem.text


def test_a_plain_report_names_what_is_missing() -> None:
    plain = declared("returns", schemas=Schemas(subjects=frozenset({"returns-value"}))).plain()

    assert plain["missing"] == {"topics": ["orders"], "subjects": ["orders-value"]}
