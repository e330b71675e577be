"""Durations of a health check: what Docker spells in its way is what the program wrote in its own."""

from __future__ import annotations

import pytest

from engine.providers.docker.package import DockerPackage
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
