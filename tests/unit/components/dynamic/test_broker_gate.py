"""The gate before a node: how often it asks, what it says, what it compares. No real time passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.dynamic import broker_gate
from components.dynamic.provider import Refusal
from messaging import cluster, observe
from messaging.protocol import Address, NodeError
from messaging.roll import Container, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

GO = Verdict(passes=True, progress=(0, 0, 0, 0, 0))
WAIT = Verdict(passes=False, reasons=("orders-0 is at its minimum",), progress=(0, 0, 0, 1, 3_000_000))


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def wait(answers: Iterator[Verdict], timeout: float = 60, settle: Callable[[], bool] = lambda: False) -> Time:
    time = Time()
    broker_gate.wait_until_safe(
        lambda: next(answers),
        "kafka-2",
        timeout=timeout,
        settle=settle,
        clock=time.clock,
        sleep=time.sleep,
    )
    return time


def forever(verdict: Verdict) -> Iterator[Verdict]:
    while True:
        yield verdict


def test_a_node_must_be_safe_to_stop_several_times_in_a_row() -> None:
    answers = iter([GO, GO, WAIT, *[GO] * broker_gate.TIMES_IN_A_ROW, WAIT])

    wait(answers)

    assert next(answers) is WAIT, "it was asked no more often than it had to be"


def test_leaders_go_back_while_it_is_safe_and_the_node_is_not_stopped_before_they_did() -> None:
    asked: list[Verdict] = []
    batches = iter([True] * (broker_gate.TIMES_IN_A_ROW + 2))

    def answers() -> Iterator[Verdict]:
        for verdict in [WAIT, *[GO] * 20]:
            asked.append(verdict)
            yield verdict

    wait(answers(), settle=lambda: next(batches, False))

    assert next(batches, None) is None, "every batch was moved"
    assert asked.count(GO) == broker_gate.TIMES_IN_A_ROW + 3, "and none while it was not safe"


def test_what_needs_no_look_at_the_cluster_passes_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert wait(iter([Verdict(passes=True, reasons=("kafka-2 is exited",))])).now == 1000
    assert capsys.readouterr().out == "kafka-2: kafka-2 is exited\n"


def test_the_refusal_names_the_partitions_and_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refusal) as refused:
        wait(forever(WAIT), timeout=30)

    told = str(refused.value)
    assert told.startswith("kafka-2 was not replaced, and nothing behind it")
    assert "\n  - orders-0 is at its minimum\n" in told
    assert "`pulumi up` goes on from here" in told
    lines = capsys.readouterr().out.splitlines()
    assert 4 <= len(lines) <= 7, "a line now and then, not one for each question"
    assert all("orders-0 is at its minimum; 3.0 MB to copy" in line for line in lines)


def test_what_only_a_person_can_change_is_refused_soon() -> None:
    hopeless = Verdict(
        passes=False, reasons=("kafka-3 is exited",), hopeless=True, advice="let it go first", progress=(1,)
    )

    with pytest.raises(Refusal, match=r"After 1\d s:\n  - kafka-3 is exited\nlet it go first\."):
        wait(forever(hopeless), timeout=600)


@pytest.mark.parametrize(
    ("running", "change", "waits"),
    [
        (Container(state="running", built_from="h1", cpus=2), {}, False),
        (Container(state="running", built_from="h1", cpus=2), {"previous": ["another"]}, False),
        (Container(state="running", built_from="h1", cpus=4), {}, True),
        (Container(state="running", built_from="h0", cpus=2), {}, True),
        (Container(state="missing", built_from=""), {}, True),
        (Container(state="running", built_from=""), {}, True),
        (None, {}, False),
        (None, {"previous": ["another"], "timeoutSeconds": 5}, False),
        (None, {"settings": {"image": "i:2"}}, True),
    ],
    ids=[
        "as wanted",
        "as wanted behind a node that is replaced",
        "a limit of processors that was changed by hand",
        "a pass without its replacement",
        "no container",
        "made before there were labels",
        "docker silent, nothing changed",
        "docker silent, nothing of the node changed",
        "docker silent, the node changed",
    ],
)
def test_it_compares_the_running_container_with_the_wanted_one(
    monkeypatch: pytest.MonkeyPatch, running: Container | None, change: dict[str, Any], waits: bool
) -> None:
    monkeypatch.setattr(observe, "containers", lambda _host, _names: running and {"kafka-2": running})
    node = {
        "id": 2,
        "name": "kafka-2",
        "host": "localhost",
        "port": 9093,
        "broker": True,
        "voter": True,
        "wanted": "h1",
        "cpus": 2.0,
    }
    inputs = {
        "node": "kafka-2",
        "nodes": [node],
        "previous": ["c1"],
        "settings": {"image": "i:1"},
        "dockerHost": "",
        "timeoutSeconds": 60,
    }

    result = broker_gate.BrokerGateProvider().diff("kafka-2", inputs, inputs | change)

    assert result.changes is waits
    assert not result.replaces


def test_a_preview_says_what_only_changes_with_the_container(capsys: pytest.CaptureFixture[str]) -> None:
    olds = {"node": "kafka-2", "settings": {"image": "i:1", "KAFKA_A": "1", "KAFKA_B": "2"}}
    news = {"node": "kafka-2", "settings": {"image": "i:2", "KAFKA_A": "1", "KAFKA_C": "3"}}

    assert broker_gate.BrokerGateProvider().check(olds, news).failures == []

    assert capsys.readouterr().out == (
        "rolling: kafka-2 is replaced for KAFKA_B (2 -> nothing), KAFKA_C (nothing -> 3), "
        "image (i:1 -> i:2)\n"
    )
    broker_gate.BrokerGateProvider().check({}, news)
    assert capsys.readouterr().out == "", "a new node is not a change"


def removed(
    monkeypatch: pytest.MonkeyPatch,
    *,
    broker: bool = True,
    answers: bool = True,
    strangers: Collection[int] = (),
) -> list[tuple[str, int]]:
    """Who was asked to forget which broker when kafka-2's gate went."""
    asked = []

    def unregister(address: Address, number: int) -> None:
        asked.append((str(address), number))
        if not answers or address.port == 9092:
            raise NodeError(f"{address} does not answer")

    def confirm(address: Address, cluster_id: str) -> None:
        if address.port in strangers:
            raise NodeError(f"{address} belongs to another Kafka cluster than {cluster_id}")

    monkeypatch.setattr(broker_gate, "unregister", unregister)
    monkeypatch.setattr(cluster, "confirm", confirm)
    monkeypatch.setattr(observe, "containers", lambda _host, _names: None)
    nodes = [
        {
            "id": float(number),
            "name": f"kafka-{number}",
            "host": "h",
            "port": 9091.0 + number,
            "broker": broker,
        }
        for number in (1, 2, 3)
    ]
    gate = {"node": "kafka-2", "clusterId": "c", "nodes": nodes, "dockerHost": ""}
    broker_gate.BrokerGateProvider().delete("kafka-2", gate)
    return asked


def test_no_other_cluster_is_told_to_forget_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    assert removed(monkeypatch, strangers={9092}) == [("h:9094", 2)]
    with pytest.raises(Refusal, match="belongs to another Kafka cluster than c"):
        removed(monkeypatch, strangers={9092, 9094})


def test_the_cluster_forgets_a_broker_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert removed(monkeypatch) == [("h:9092", 2), ("h:9094", 2)]


def test_a_node_that_was_no_broker_goes_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert removed(monkeypatch, broker=False) == []


def test_a_broker_that_nobody_can_forget_now_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refusal, match="kafka-2 is gone, but the cluster still counts on it: h:9092 does not"):
        removed(monkeypatch, answers=False)
