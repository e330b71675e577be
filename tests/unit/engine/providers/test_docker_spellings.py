"""Durations and processors: what Docker spells in its way is what the program wrote in its own."""

from __future__ import annotations

import pytest

from components.blueprint import processors
from components.health import HealthCheck
from engine.providers.docker.package import DockerPackage
from engine.providers.docker.units import cpus, duration, nano_cpus, nanoseconds
from engine.values import UNKNOWN

TOKEN = "docker:index/container:Container"


def changed(old: object, new: object) -> list[str]:
    container = DockerPackage().resources[TOKEN]
    health = {"tests": ["CMD", "true"], "retries": 3}
    changes = container.diff(
        {"healthcheck": health | {"startPeriod": old}}, {"healthcheck": health | {"startPeriod": new}}, ()
    )
    return [change.path for change in changes]


@pytest.mark.parametrize(("old", "new"), [("1m0s", "60s"), ("60s", "1m0s"), ("1.5s", "1500ms"), ("0s", "0")])
def test_another_spelling_of_the_same_time_is_no_change(old: str, new: str) -> None:
    assert changed(old, new) == []


@pytest.mark.parametrize("new", ["61s", UNKNOWN])
def test_another_time_is_a_change(new: object) -> None:
    assert changed("1m0s", new) == ["healthcheck.startPeriod"]


@pytest.mark.parametrize(("old", "new"), [("2.0", "2"), ("10.", "10"), ("0.5", "0.50")])
def test_another_spelling_of_as_many_processors_is_no_change(old: str, new: str) -> None:
    container = DockerPackage().resources[TOKEN]
    assert container.diff({"cpus": old}, {"cpus": new}, ()) == []
    assert [change.replace for change in container.diff({"cpus": old}, {"cpus": "3"}, ())] == [True]


@pytest.mark.parametrize("text", ["0.5", "0.25", "1.0", "1.5", "2.0", "10.", "10.5", "12.0", "20."])
def test_processors_are_spelled_as_the_official_provider_does(text: str) -> None:
    assert cpus(nano_cpus(text)) == text


def test_the_program_spells_as_the_official_provider_reads_back() -> None:
    health = HealthCheck(test=("CMD", "true"))
    for time in (health.interval, health.timeout, health.start_period):
        assert duration(nanoseconds(time)) == time
    for number in (1, 2, 10, 12, 20, 101):
        assert cpus(nano_cpus(processors(number))) == processors(number)
