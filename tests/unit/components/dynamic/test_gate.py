"""The last gate: when it lets through, when it gives up, and what it says meanwhile. No real time passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.dynamic import gate
from components.dynamic.provider import Refusal
from messaging import cluster, quorum
from messaging.availability import Partition
from messaging.protocol import Address, NodeError
from messaging.readiness import Lack

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE = {"id": 1, "name": "kafka-dev", "host": "localhost", "port": 9092}


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def wait(answers: Iterator[list[str] | Lack], timeout: float = 60) -> Time:
    time = Time()
    gate.wait_until_complete(
        lambda: lacking(next(answers)),
        ["kafka-1", "kafka-2"],
        timeout=timeout,
        clock=time.clock,
        sleep=time.sleep,
    )
    return time


def lacking(answer: list[str] | Lack) -> Lack:
    """Of what is in a list, all is needed."""
    return answer if isinstance(answer, Lack) else Lack(needed=tuple(answer))


def forever(answer: Lack) -> Iterator[Lack]:
    while True:
        yield answer


def test_a_cluster_must_be_complete_several_times_in_a_row() -> None:
    answers = iter([[], [], ["no leader"], [], [], [], ["never asked"]])

    wait(answers)

    assert next(answers) == ["never asked"]


def test_a_single_node_knows_whether_it_is_complete() -> None:
    answers = iter([["starting"], [], ["never asked"]])
    time = Time()

    gate.wait_until_complete(
        lambda: lacking(next(answers)), ["kafka-dev"], timeout=60, clock=time.clock, sleep=time.sleep
    )

    assert next(answers) == ["never asked"]


def test_the_refusal_says_what_was_missing_and_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    def missing() -> Iterator[list[str]]:
        while True:
            yield ["kafka-2: no leader", "broker: 2"]

    with pytest.raises(Refusal) as refused:
        wait(missing(), timeout=30)

    told = str(refused.value)
    assert "not ready within 30 s" in told
    assert "\n  - kafka-2: no leader\n  - broker: 2\n" in told
    assert "docker logs kafka-1 --tail 50" in told
    assert "messaging:cluster.readyTimeout" in told
    lines = capsys.readouterr().out.splitlines()
    assert 4 <= len(lines) <= 7, "a line now and then, not one for each question"
    assert all("kafka-2: no leader; broker: 2" in line for line in lines)


def test_a_cluster_that_comes_up_quickly_is_waited_for_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    wait(iter([["starting"]] * 10 + [[]] * gate.TIMES_IN_A_ROW))

    assert capsys.readouterr().out == ""


def test_a_cluster_that_gets_complete_at_the_last_moment_is_let_through() -> None:
    answers = iter([["starting"]] * 99 + [[]] * gate.TIMES_IN_A_ROW)

    assert wait(answers, timeout=30).now > 1029


@pytest.mark.parametrize(
    ("change", "waits"),
    [
        ({}, False),
        ({"containers": ["c2"]}, True),
        ({"containers": ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"]}, True),
        ({"nodes": [NODE | {"port": 9093}]}, True),
        ({"timeoutSeconds": 5}, False),
    ],
    ids=["nothing", "another container", "a container not known yet", "another address", "another timeout"],
)
def test_it_waits_again_when_a_node_is_another_one(change: dict[str, Any], waits: bool) -> None:
    inputs = {"nodes": [NODE], "voters": [1], "containers": ["c1"], "timeoutSeconds": 180}

    result = gate.ClusterReadyProvider().diff("id", inputs, inputs | change)

    assert result.changes is waits
    assert not result.replaces


def test_a_partition_below_its_minimum_is_waited_for_and_then_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    below = Lack(hoped=("partitions below their min.insync.replicas: a-0",))

    assert wait(forever(below), timeout=30).now > 1030

    lines = capsys.readouterr().out.splitlines()
    assert 4 <= len(lines) <= 8, "progress is told"
    assert lines[0].endswith("s): partitions below their min.insync.replicas: a-0")
    assert lines[-1] == (
        "warning: the Kafka cluster is ready, but for partitions below their min.insync.replicas: a-0. "
        "`messaging health` shows them"
    )


def test_a_partition_that_recovers_is_not_named_in_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    wait(iter([Lack(hoped=("a-0",))] * 10 + [Lack()] * gate.TIMES_IN_A_ROW))

    assert capsys.readouterr().out == ""


def test_what_is_lost_for_good_is_named_and_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert wait(forever(Lack(lost=("partitions not served: old-0",)))).now < 1003

    assert "ready, but for partitions not served: old-0" in capsys.readouterr().out


def test_a_partition_without_a_leader_ends_the_run_though_others_may_recover() -> None:
    lack = Lack(needed=("partitions without a leader: a-0",), hoped=("partitions below: b-0",))

    with pytest.raises(Refusal) as refused:
        wait(forever(lack), timeout=30)

    assert "\n  - partitions without a leader: a-0\n" in str(refused.value)
    assert '"A partition has no leader"' in str(refused.value)


BELOW = Lack(hoped=("partitions below: b-0",))


def test_an_answer_that_does_not_come_after_a_long_wait_for_what_is_hoped_fails_no_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answers() -> Iterator[Lack]:
        yield from [BELOW] * 100
        yield from [Lack(needed=("no node says how the partitions are",))] * 5
        yield from forever(BELOW)

    wait(answers(), timeout=30)

    assert capsys.readouterr().out.splitlines()[-1].startswith("warning: the Kafka cluster is ready, but for")


def test_an_election_at_the_end_is_waited_for_and_a_partition_that_stays_without_a_leader_is_not() -> None:
    unled = Lack(needed=("partitions without a leader: a-0",))

    def answers() -> Iterator[Lack]:
        yield from [BELOW] * 100
        yield from forever(unled)

    with pytest.raises(Refusal) as refused:
        wait(answers(), timeout=30)

    assert "a-0" in str(refused.value)
    assert wait(iter([*[BELOW] * 99, *[unled] * 20, *[Lack()] * 3]), timeout=30).now > 1035


def test_a_cluster_that_is_complete_now_and_then_is_not_waited_for_without_end() -> None:
    def answers() -> Iterator[Lack]:
        while True:
            yield from (Lack(), Lack(needed=("no leader",)))

    with pytest.raises(Refusal):
        wait(answers(), timeout=30)


class Nodes:
    """Three nodes whose cluster is complete; what they say of its partitions is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: list[list[Partition] | NodeError]) -> None:
        self.asked: list[int] = []
        self._answers = iter(answers)
        voters = tuple(quorum.Voter(id=number, caught_up_ms=0) for number in (1, 2, 3))
        monkeypatch.setattr(cluster, "confirm", lambda *_: None)
        monkeypatch.setattr(cluster, "look", self._look)
        monkeypatch.setattr(quorum, "describe", lambda *_, **__: quorum.Quorum(leader_id=1, voters=voters))
        monkeypatch.setattr(gate.LiveCluster, "_brokers", lambda _: {1, 2, 3})
        monkeypatch.setattr(gate, "PAUSE_SECONDS", 0)

    def _look(self, address: Any, cluster_id: str) -> cluster.View:
        self.asked.append(address.port)
        answer = next(self._answers)
        if isinstance(answer, NodeError):
            raise answer
        return cluster.View(cluster_id=cluster_id, brokers=(), partitions=tuple(answer))

    def inputs(self, timeout: float = 60.0) -> dict[str, Any]:
        return {
            "clusterId": "c",
            "nodes": [
                NODE | {"id": float(number), "port": 9091.0 + number, "name": f"kafka-{number}"}
                for number in (1, 2, 3)
            ],
            "voters": [1.0, 2.0, 3.0],
            "containers": ["c1", "c2", "c3"],
            "timeoutSeconds": timeout,
        }


def partition(leader: int = 1, in_sync: tuple[int, ...] = (1, 2, 3)) -> Partition:
    return Partition(topic="a", number=0, leader=leader, replicas=(1, 2, 3), in_sync=in_sync, min_in_sync=2)


def test_a_complete_cluster_is_ready_when_all_nodes_say_that_its_partitions_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = NodeError("localhost:9092 does not answer")
    nodes = Nodes(monkeypatch, [silent, [partition(leader=-1)], *[[partition()]] * 3])

    outcome = gate.ClusterReadyProvider().update("id", {}, nodes.inputs())

    assert outcome.outs is not None
    assert outcome.outs["containers"] == ["c1", "c2", "c3"]
    assert nodes.asked == [9092, 9093, 9094, 9092, 9093], "each in its turn"


def test_while_one_node_answers_it_is_asked_how_the_partitions_are(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = NodeError("localhost does not answer")
    nodes = Nodes(monkeypatch, [silent, silent, [partition(leader=-1, in_sync=())], silent, silent, silent])
    live = gate.LiveCluster({str(one): Address(host="localhost", port=one) for one in (1, 2, 3)}, "c")

    said = [live.served([1, 2, 3]).needed for _ in range(2)]

    assert nodes.asked == [1, 2, 3, 1, 2, 3]
    assert said[0] == ("partitions without a leader, so that nobody can read or write them: a-0",)
    assert said[1][0].startswith("no node says how the partitions are: localhost does not answer; ")


def test_an_update_that_left_partitions_without_a_leader_fails_and_names_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nodes = Nodes(monkeypatch, [[partition(leader=-1, in_sync=())]])

    with pytest.raises(Refusal, match=r"without a leader, so that nobody can read or write them: a-0"):
        gate.ClusterReadyProvider().update("id", {}, nodes.inputs(timeout=-1.0))


def test_a_first_deployment_has_no_partitions_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = Nodes(monkeypatch, [[], [], []])

    assert gate.ClusterReadyProvider().create(nodes.inputs()).id == "kafka-1-kafka-2-kafka-3"
