"""Stopping, starting and removing what a stack has: the order, and what is left alone."""

from __future__ import annotations

import threading

import pytest

from messaging.cli import stacks
from messaging.cli.stacks import Item, StackOnHost, UnhealthyError
from messaging.naming import BROKER, ROLE_LABEL
from tests.unit.cli.fake_engine import OWNER, PAUSED, STOPPED, Engine


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def on_host(engine: Engine) -> StackOnHost:
    return StackOnHost(engine, OWNER)  # type: ignore[arg-type]  # it has what is used


def ignore(_: str) -> None:
    return


def test_only_what_carries_all_of_the_stacks_labels_is_its_own(on_host: StackOnHost) -> None:
    assert [item.name for item in on_host.items()] == [
        "kafka-dev",
        "kafka-ui-dev",
        "schema-registry-dev",
        "iot-platform-dev",
        "kafka-dev-data",
    ]


def test_brokers_stop_last_and_with_their_own_grace(on_host: StackOnHost, engine: Engine) -> None:
    stopped = on_host.stop(ignore)

    assert stopped == ["kafka-ui-dev", "schema-registry-dev", "kafka-dev"]
    assert engine.calls == [("stop", name, "45") for name in stopped]


@pytest.mark.parametrize(
    ("brokers", "voters", "expected"),
    [
        ("1", 1, ["1"]),
        ("123", 3, ["1", "23"]),
        ("12345", 5, ["1", "2", "345"]),
        ("12", 3, ["12"]),
        ("1", 3, ["1"]),
        ("", 3, []),
    ],
)
def test_brokers_go_one_by_one_while_the_others_are_a_quorum_then_together(
    brokers: str, voters: int, expected: list[str]
) -> None:
    assert ["".join(batch) for batch in stacks.batches(list(brokers), voters=voters)] == expected


def test_of_three_brokers_the_one_that_leads_most_stops_first_and_the_others_at_once(
    on_host: StackOnHost, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.have("kafka-2", "broker")
    engine.have("kafka-3", "broker")
    last = threading.Barrier(2)
    stop = engine.stop

    def together(name: str, timeout: int) -> None:
        if name in {"kafka-2", "kafka-dev"}:
            last.wait(10)
        stop(name, timeout)

    monkeypatch.setattr(engine, "stop", together)
    monkeypatch.setattr(stacks, "most_leading_first", lambda *_: ["kafka-3", "kafka-dev", "kafka-2"])

    stopped = on_host.stop(ignore)

    assert stopped == ["kafka-ui-dev", "schema-registry-dev", "kafka-3", "kafka-dev", "kafka-2"]
    assert engine.calls[2] == ("stop", "kafka-3", "45")


def test_brokers_that_are_no_controllers_stop_at_once_and_controllers_after_them(
    on_host: StackOnHost, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, role in (("kafka-2", "broker"), ("kafka-3", "broker"), ("kafka-controller-1", "controller")):
        engine.have(name, role)
    engine.plain_brokers = {"kafka-dev", "kafka-2", "kafka-3"}
    together = threading.Barrier(3)
    stop = engine.stop

    def asked(name: str, timeout: int) -> None:
        if engine.roles[name][ROLE_LABEL] == BROKER:
            together.wait(10)
        stop(name, timeout)

    monkeypatch.setattr(engine, "stop", asked)

    assert on_host.stop(ignore)[-4:] == ["kafka-2", "kafka-3", "kafka-dev", "kafka-controller-1"]


def test_a_broker_that_joined_later_and_has_no_vote_stops_before_the_quorum(
    on_host: StackOnHost, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("kafka-2", "kafka-3", "kafka-4", "kafka-5"):
        engine.have(name, "broker")
    engine.plain_brokers = {"kafka-4", "kafka-5"}

    leading = ["kafka-3", "kafka-5", "kafka-2", "kafka-4", "kafka-dev"]
    monkeypatch.setattr(stacks, "most_leading_first", lambda *_: leading)

    stopped = on_host.stop(ignore)

    assert stopped[2:] == ["kafka-4", "kafka-5", "kafka-3", "kafka-2", "kafka-dev"]


def test_what_is_stopped_already_is_left_alone(on_host: StackOnHost) -> None:
    on_host.stop(ignore)

    assert on_host.stop(ignore) == []


def test_brokers_start_first(on_host: StackOnHost, engine: Engine) -> None:
    on_host.stop(ignore)
    engine.calls.clear()

    on_host.start(ignore)

    assert engine.calls == [
        ("start", "kafka-dev"),
        ("start", "schema-registry-dev"),
        ("start", "kafka-ui-dev"),
    ]


def test_a_paused_container_starts_where_it_was_paused(on_host: StackOnHost, engine: Engine) -> None:
    engine.states["kafka-dev"] = PAUSED

    on_host.start(ignore)

    assert engine.calls[:2] == [("unpause", "kafka-dev"), ("start", "kafka-dev")]


def test_nodes_that_need_each_other_are_all_started_before_any_is_waited_for(
    on_host: StackOnHost, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "HEALTHY_SECONDS", 0.0)
    engine.lose("kafka-dev")
    for name, role in (("kafka-1", "broker"), ("kafka-2", "broker"), ("kafka-controller-1", "controller")):
        engine.have(name, role, STOPPED)
    engine.quorum = {"kafka-1", "kafka-2", "kafka-controller-1"}
    engine.states["schema-registry-dev"] = STOPPED

    on_host.wake(["schema-registry-dev", "kafka-2", "kafka-1", "kafka-controller-1"], ignore)

    assert engine.calls == [
        ("start", "kafka-controller-1"),
        ("start", "kafka-1"),
        ("start", "kafka-2"),
        ("start", "schema-registry-dev"),
    ]


def test_only_what_is_asked_for_is_woken(on_host: StackOnHost, engine: Engine) -> None:
    on_host.stop(ignore)
    engine.calls.clear()

    on_host.wake(["kafka-ui-dev"], ignore)

    assert engine.calls == [("start", "kafka-ui-dev")]


def test_what_never_gets_healthy_is_told_unless_nobody_waits(
    on_host: StackOnHost, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "HEALTHY_SECONDS", 0.0)
    engine.quorum = {"kafka-dev", "kafka-that-is-gone"}

    on_host.wake(["kafka-dev"], ignore, wait=False)

    with pytest.raises(UnhealthyError, match="kafka-dev is unhealthy"):
        on_host.wake(["kafka-dev"], ignore)


def test_states_are_told_in_the_order_of_starting(on_host: StackOnHost, engine: Engine) -> None:
    engine.have("kafka-lb", "load-balancer", STOPPED)
    engine.have("kafka-controller-1", "controller")

    assert list(on_host.states().items()) == [
        ("kafka-lb", STOPPED),
        ("kafka-controller-1", "running"),
        ("kafka-dev", "running"),
        ("schema-registry-dev", "running"),
        ("kafka-ui-dev", "running"),
    ]


def test_each_kind_is_removed_in_its_way(on_host: StackOnHost, engine: Engine) -> None:
    on_host.remove(on_host.items()[2:], ignore)

    assert engine.calls == [
        ("stop", "schema-registry-dev", "45"),
        ("remove", "schema-registry-dev", "anonymous volumes True"),
        ("remove network", "iot-platform-dev"),
        ("remove volume", "kafka-dev-data"),
    ]


def test_what_is_removed_is_stopped_in_the_same_order_brokers_while_they_have_controllers(
    on_host: StackOnHost, engine: Engine
) -> None:
    engine.have("a-controller", "controller")
    engine.have("from-another-version", "exporter")

    on_host.remove([item for item in on_host.items() if item.kind == "container"], ignore)

    assert [call[1] for call in engine.calls if call[0] == "stop"] == [
        "from-another-version",
        "kafka-ui-dev",
        "schema-registry-dev",
        "kafka-dev",
        "a-controller",
    ]


def test_items_sort_so_that_containers_go_before_networks_and_volumes() -> None:
    kinds = [Item(kind=kind, name="a", role="") for kind in ("volume", "network", "container")]

    assert [item.kind for item in sorted(kinds)] == ["container", "network", "volume"]


def test_a_container_that_does_not_get_healthy_is_named_with_its_state() -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with pytest.raises(UnhealthyError) as refused:
        stacks.wait_until_healthy(
            ["kafka-1", "kafka-2"],
            lambda name: "healthy" if name == "kafka-1" else "ended with exit code 1",
            clock=lambda: now[0],
            sleep=sleep,
        )

    assert "kafka-2 is ended with exit code 1: docker logs kafka-2 --tail 50" in str(refused.value)
    assert "kafka-1" not in str(refused.value)


def test_containers_that_get_healthy_meanwhile_are_waited_for() -> None:
    answers = iter(["starting", "starting", "healthy"])

    stacks.wait_until_healthy(["kafka-1"], lambda _: next(answers), sleep=lambda _: None)

    assert next(answers, None) is None
