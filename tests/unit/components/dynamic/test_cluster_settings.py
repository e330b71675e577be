"""What the brokers are told while they run: what is compared, what is said, in which steps it is set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.dynamic.cluster_settings import ClusterSettingsProvider
from components.dynamic.provider import Refusal
from messaging import cluster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messaging.protocol import Address

NODES = [{"id": 1.0, "host": "localhost", "port": 9092.0}, {"id": 2.0, "host": "localhost", "port": 9093.0}]


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Mapping[str, str | None]]]:
    """Two brokers with eight I/O threads that take whatever they are told; what they were told."""
    told: list[Mapping[str, Mapping[str, str | None]]] = []
    live: dict[str, str] = {"num.io.threads": "8", "log.retention.ms": "5"}

    def configuration(_address: Address, _kind: int, names: list[str], **_: Any) -> dict[str, dict[str, str]]:
        return {name: dict(live) for name in names}

    def configure(_address: Address, _kind: int, changes: Mapping[str, Mapping[str, str | None]]) -> None:
        told.append(changes)
        live.update({name: value for name, value in changes[""].items() if value is not None})

    monkeypatch.setattr(cluster, "configuration", configuration)
    monkeypatch.setattr(cluster, "configure", configure)
    return told


def test_threads_are_changed_in_steps_and_everything_else_at_once(
    brokers: list[Mapping[str, Mapping[str, str | None]]],
) -> None:
    wanted = {"num.io.threads": "2", "log.retention.ms": "1000", "compression.type": "zstd"}

    ClusterSettingsProvider().create({"nodes": NODES, "settings": wanted})

    assert brokers == [
        {"": {"num.io.threads": "4", "log.retention.ms": "1000", "compression.type": "zstd"}},
        {"": {"num.io.threads": "2"}},
        {"": {}},
    ]


def test_what_is_no_longer_wanted_is_taken_back(
    brokers: list[Mapping[str, Mapping[str, str | None]]],
) -> None:
    olds = {"nodes": NODES, "settings": {"log.retention.ms": "5", "log.roll.ms": "9"}}
    news = {"nodes": NODES, "settings": {"log.retention.ms": "5"}}

    ClusterSettingsProvider().update("settings", olds, news)

    assert brokers == [{"": {"log.retention.ms": "5"}}, {"": {"log.roll.ms": None}}]


def test_another_address_of_a_broker_changes_no_setting() -> None:
    olds = {"nodes": NODES, "settings": {"a.b": "1"}}

    assert not ClusterSettingsProvider().diff("settings", olds, olds | {"nodes": NODES[:1]}).changes
    assert ClusterSettingsProvider().diff("settings", olds, olds | {"settings": {"a.b": "2"}}).changes


def test_a_preview_says_what_changes_without_a_roll(capsys: pytest.CaptureFixture[str]) -> None:
    olds = {"nodes": NODES, "settings": {"log.retention.ms": "5"}}

    ClusterSettingsProvider().check(olds, olds | {"settings": {"log.retention.ms": "6"}})

    assert capsys.readouterr().out == "dynamic: log.retention.ms (5 -> 6) while the brokers run\n"


def test_without_any_broker_nothing_is_set_and_each_one_is_named() -> None:
    nodes = [{"id": 1.0, "host": "127.0.0.1", "port": 1.0}, {"id": 2.0, "host": "127.0.0.1", "port": 2.0}]

    with pytest.raises(Refusal, match=r"no broker takes settings now: 127.0.0.1:1 .*; 127.0.0.1:2 "):
        ClusterSettingsProvider().create({"nodes": nodes, "settings": {"log.retention.ms": "6"}})
