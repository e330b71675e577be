"""When a node may be replaced, decided on facts that are only written down; and how long to wait for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from messaging.availability import Partition
from messaging.cluster import Broker, View
from messaging.protocol import Address
from messaging.quorum import Quorum, Voter
from messaging.roll import Container, Fact, Node, Patience, Verdict, decide

NEW, OLD = "new", "old"
NODES = [Node(id=number, name=f"kafka-{number}", broker=True, voter=True, wanted=NEW) for number in (1, 2, 3)]
QUORUM = Quorum(leader_id=1, voters=tuple(Voter(id=number, caught_up_ms=1) for number in (1, 2, 3)))


def view(in_sync: tuple[int, ...] = (1, 2, 3), brokers: tuple[int, ...] = (1, 2, 3)) -> View:
    partition = Partition(
        topic="orders", number=0, leader=in_sync[0], replicas=(1, 2, 3), in_sync=in_sync, min_in_sync=2
    )
    known = tuple(Broker(id=number, rack=None) for number in brokers)
    return View(cluster_id="c", brokers=known, partitions=(partition,))


def up(built_from: str = OLD, seen: View | None = None) -> Fact:
    return Fact(
        container=Container(state="running", built_from=built_from), view=seen or view(), quorum=QUORUM
    )


def down(state: str = "exited", built_from: str = OLD) -> Fact:
    return Fact(container=Container(state=state, built_from=built_from), view="no answer", quorum="no answer")


def verdict(number: int, *facts: Fact, behind: int = 0) -> Verdict:
    by_name = {node.name: fact for node, fact in zip(NODES, facts, strict=True)}
    return decide(NODES[number - 1], NODES, by_name, behind=behind)


def test_a_healthy_cluster_lets_its_first_node_go() -> None:
    assert verdict(1, up(), up(), up()).passes


def test_a_node_that_answers_and_that_docker_does_not_know_runs_on_another_engine() -> None:
    elsewhere = replace(
        up(), container=Container(state="missing", built_from=""), address=Address(host="h", port=9092)
    )

    found = verdict(1, elsewhere, elsewhere, elsewhere)

    assert not found.passes
    assert found.hopeless
    assert "this Docker engine knows no container kafka-1, but h:9092 answers" in found.reasons[0]


def test_nothing_is_asked_of_a_node_that_is_as_wanted() -> None:
    broken = up(NEW, view(in_sync=(1,)))

    assert verdict(1, broken, down(), down()).passes


@pytest.mark.parametrize(
    "facts",
    [
        (down("missing"), down("missing"), down("missing")),
        (up(NEW), down("missing"), down("missing")),
        (replace(up(), view="no answer"), down("restarting"), down("restarting")),
    ],
    ids=["nothing there", "the first of three", "bad settings on all"],
)
def test_without_a_majority_of_controllers_there_is_nothing_to_disturb(facts: tuple[Fact, ...]) -> None:
    assert all(verdict(number, *facts).passes for number in (1, 2, 3))


def test_brokers_that_serve_without_a_majority_of_controllers_are_left_alone() -> None:
    """They could not come back; their leaders serve on as long as they live."""
    controllers = [
        Node(id=number, name=f"controller-{number}", broker=False, voter=True, wanted=OLD)
        for number in (4, 5, 6)
    ]
    nodes = [replace(node, voter=False) for node in NODES] + controllers
    facts = {node.name: up() for node in NODES} | {
        "controller-4": down(),
        "controller-5": down(),
        "controller-6": replace(down("running"), view="it has no listener"),
    }

    found = decide(nodes[0], nodes, facts)

    assert not found.passes
    assert found.reasons[:2] == ("controller-4 is exited", "controller-5 is exited")


def test_a_node_that_serves_waits_for_those_that_restart_with_bad_settings() -> None:
    assert not verdict(3, down("restarting"), down("restarting"), up(OLD, view(in_sync=(3,)))).passes


def test_a_container_whose_limit_of_processors_was_changed_by_hand_is_not_as_wanted() -> None:
    drifted = replace(
        up(NEW, view(in_sync=(1,))), container=Container(state="running", built_from=NEW, cpus=4)
    )

    assert not verdict(1, drifted, up(NEW), up(NEW)).passes


@pytest.mark.parametrize("state", ["missing", "exited", "restarting", "dead"])
def test_nothing_blocks_the_repair_of_a_node_that_is_down(state: str) -> None:
    at_minimum = up(OLD, view(in_sync=(1, 2)))

    found = verdict(3, at_minimum, at_minimum, down(state))

    assert found.passes
    assert found.reasons == (f"kafka-3 is {state}: its replacement is its repair",)


def test_the_node_replaced_before_is_asked_itself_whatever_the_others_say_of_it() -> None:
    """After a hard kill the others count it as in sync for several seconds."""
    returning = replace(up(NEW), view="localhost:9092 does not answer yet")

    found = verdict(2, returning, up(), up())

    assert not found.passes
    assert not found.hopeless
    assert found.reasons == ("kafka-1 runs but is not ready: localhost:9092 does not answer yet",)


def test_a_node_that_answers_must_also_be_let_in_by_the_others() -> None:
    found = verdict(2, up(NEW), up(), up(OLD, view(brokers=(2, 3))))

    assert not found.passes
    assert found.reasons == ("kafka-1 is not let in as a broker yet, says kafka-3",)


@pytest.mark.parametrize("teller", [0, 1, 2])
def test_one_node_that_sees_a_partition_at_its_minimum_is_enough_to_wait(teller: int) -> None:
    facts = [up(NEW), up(), up()]
    facts[teller] = replace(facts[teller], view=view(in_sync=(2, 3)))

    found = verdict(2, *facts)

    assert not found.passes
    assert "orders-0 is at its minimum: 2 of 3 replicas in sync (brokers 2, 3), needs 2" in found.reasons


def test_a_replaced_node_that_broke_keeps_the_next_one_as_it_is() -> None:
    found = verdict(2, down("restarting", NEW), up(OLD, view((2, 3))), up(OLD, view((2, 3))))

    assert not found.passes
    assert found.reasons[0] == "kafka-1 is restarting"
    assert "docker logs kafka-1" in found.advice


def test_a_broken_node_blocks_even_where_no_partition_needs_it() -> None:
    nothing = View(cluster_id="c", brokers=(Broker(id=2, rack=None), Broker(id=3, rack=None)), partitions=())

    assert not verdict(2, down("restarting", NEW), up(OLD, nothing), up(OLD, nothing)).passes


def test_where_another_node_is_down_and_waits_for_its_repair_the_way_out_is_named() -> None:
    at_minimum = up(OLD, view(in_sync=(1, 2), brokers=(1, 2)))

    found = verdict(1, at_minimum, at_minimum, down("exited", OLD))

    assert not found.passes
    assert found.hopeless, "nobody brings kafka-3 back but its own replacement"
    assert "pulumi config set messaging:rollFirst kafka-3" in found.advice


def test_a_mended_node_that_hangs_may_be_replaced_if_the_others_do_without_it() -> None:
    silent = replace(up(OLD), view="no answer", quorum="no answer")
    others = up(OLD, view(in_sync=(2, 3), brokers=(2, 3)))

    assert verdict(1, silent, others, others).passes


def test_a_node_that_recovers_its_log_is_left_alone_where_a_partition_waits_for_it() -> None:
    silent = replace(up(OLD), view="no answer", quorum="no answer")
    below = up(OLD, view(in_sync=(2,), brokers=(2, 3)))

    assert not verdict(1, silent, below, below).passes


def test_controllers_that_are_behind_stop_the_roll() -> None:
    behind = replace(
        QUORUM,
        voters=tuple(Voter(id=number, caught_up_ms=ms) for number, ms in ((1, 1), (2, 9000), (3, 9000))),
    )
    facts = [replace(up(), quorum=behind) for _ in NODES]

    assert not verdict(2, *facts).passes
    assert verdict(1, *facts).passes, "the one behind itself may go"


def test_where_docker_does_not_answer_the_listeners_decide() -> None:
    blind = [replace(up(), container=None) for _ in NODES]
    gone = replace(down(), container=None)

    assert verdict(1, *blind).passes
    assert not verdict(2, gone, *blind[1:]).passes
    assert verdict(1, gone, *blind[1:]).passes


def test_a_look_that_docker_does_not_answer_opens_no_gate_of_controllers() -> None:
    controllers = [
        Node(id=number, name=f"controller-{number}", broker=False, voter=True, wanted=NEW)
        for number in (4, 5, 6)
    ]
    nodes = [replace(node, voter=False) for node in NODES] + controllers
    blind = {node.name: replace(down(), container=None) for node in controllers}
    endangered = {node.name: replace(up(OLD, view(in_sync=(1, 2))), container=None) for node in NODES}
    healthy = {node.name: replace(up(), container=None) for node in NODES}

    assert not decide(nodes[0], nodes, endangered | blind).passes
    assert decide(nodes[0], nodes, healthy | blind).passes, "the listeners decide"


def test_a_platform_of_one_node_says_what_rests_and_goes_on() -> None:
    node = NODES[0]
    only = Partition(topic="orders", number=0, leader=1, replicas=(1,), in_sync=(1,), min_in_sync=1)
    seen = View(cluster_id="c", brokers=(Broker(id=1, rack=None),), partitions=(only,))
    alone = Quorum(leader_id=1, voters=(Voter(id=1, caught_up_ms=1),))

    found = decide(node, [node], {node.name: replace(up(OLD, seen), quorum=alone)})

    assert found.passes
    assert found.reasons == (
        "1 partitions have no replica to spare and rest while kafka-1 is replaced: orders-0",
    )


def test_patience_lasts_as_long_as_anything_gets_better() -> None:
    patience = Patience(seconds=60, hopeless_seconds=10, now=0)

    def waiting(behind: int, *, hopeless: bool = False) -> Verdict:
        return Verdict(passes=False, hopeless=hopeless, progress=(0, 0, 0, 1, behind))

    assert not patience.is_over(waiting(1000), 0)
    assert not patience.is_over(waiting(900), 50)
    assert not patience.is_over(waiting(950), 105), "worse than before is not better, but not over either"
    assert patience.is_over(waiting(900), 111)
    assert not patience.is_over(waiting(899), 112), "it gets better again"
    assert patience.is_over(waiting(899, hopeless=True), 123), "nobody waits long for what a person must do"
