"""Stopping, starting and removing what a stack has: the order, and what is left alone."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.cli import stacks
from messaging.cli.stacks import Item, StackOnHost, UnhealthyError
from messaging.naming import Owner

OWNER = Owner(project="messaging", stack="dev", instance="")
NEIGHBOUR = Owner(project="messaging", stack="dev", instance="other")


class Engine:
    """A Docker engine with containers whose starts and stops are noted."""

    def __init__(self) -> None:
        self.running = {
            "kafka-dev": True,
            "schema-registry-dev": True,
            "kafka-ui-dev": True,
            "other-kafka": True,
        }
        self.calls: list[tuple[str, ...]] = []
        self.roles = {
            "kafka-dev": OWNER.labels("broker"),
            "schema-registry-dev": OWNER.labels("schema-registry"),
            "kafka-ui-dev": OWNER.labels("ui"),
            "other-kafka": NEIGHBOUR.labels("broker"),
        }

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Names": [f"/{name}"], "Labels": labels} for name, labels in self.roles.items()]

    def networks(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Name": "iot-platform-dev", "Labels": OWNER.labels("network")}]

    def volumes(self, _: Any) -> dict[str, Any]:
        return {"Volumes": [{"Name": "kafka-dev-data", "Labels": OWNER.labels("data")}]}

    def inspect_container(self, name: str) -> dict[str, Any]:
        running = self.running[name]
        health = {"Health": {"Status": "healthy"}}
        return {"State": {"Running": running, "ExitCode": 0} | health, "Config": {"StopTimeout": 45}}

    def stop(self, name: str, timeout: int) -> None:
        self.calls.append(("stop", name, str(timeout)))
        self.running[name] = False

    def start(self, name: str) -> None:
        self.calls.append(("start", name))
        self.running[name] = True

    def remove_container(self, name: str, *, v: bool) -> None:
        self.calls.append(("remove", name, f"anonymous volumes {v}"))

    def remove_network(self, name: str) -> None:
        self.calls.append(("remove network", name))

    def remove_volume(self, name: str) -> None:
        self.calls.append(("remove volume", name))


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


def test_each_kind_is_removed_in_its_way(on_host: StackOnHost, engine: Engine) -> None:
    for item in on_host.items()[2:]:
        on_host.remove(item)

    assert engine.calls == [
        ("stop", "schema-registry-dev", "60"),
        ("remove", "schema-registry-dev", "anonymous volumes True"),
        ("remove network", "iot-platform-dev"),
        ("remove volume", "kafka-dev-data"),
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
