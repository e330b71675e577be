"""The last gate: when it lets through, when it gives up, and what it says meanwhile. No real time passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.dynamic import gate
from components.dynamic.provider import Refusal

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


def wait(answers: Iterator[list[str]], timeout: float = 60) -> Time:
    time = Time()
    gate.wait_until_complete(
        lambda: next(answers), ["kafka-1", "kafka-2"], timeout=timeout, clock=time.clock, sleep=time.sleep
    )
    return time


def test_a_cluster_must_be_complete_several_times_in_a_row() -> None:
    answers = iter([[], [], ["no leader"], [], [], [], ["never asked"]])

    wait(answers)

    assert next(answers) == ["never asked"]


def test_a_single_node_knows_whether_it_is_complete() -> None:
    answers = iter([["starting"], [], ["never asked"]])
    time = Time()

    gate.wait_until_complete(
        lambda: next(answers), ["kafka-dev"], timeout=60, clock=time.clock, sleep=time.sleep
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
