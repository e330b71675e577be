"""The gate between two containers of a kind."""

from __future__ import annotations

import pytest

from components.dynamic.healthy import ContainerHealthyProvider, wait_until_healthy
from components.dynamic.provider import Refusal


def test_another_container_is_waited_for() -> None:
    provider = ContainerHealthyProvider()

    assert provider.diff("id", {"containerId": "1"}, {"containerId": "2"}).changes
    assert not provider.diff("id", {"containerId": "1"}, {"containerId": "1"}).changes


def test_it_is_asked_until_it_is_healthy() -> None:
    answers = iter(["starting", "starting", "healthy"])
    pauses: list[float] = []

    wait_until_healthy(lambda: next(answers), "registry-1", clock=lambda: 0.0, sleep=pauses.append)

    assert len(pauses) == 2


def test_one_that_does_not_get_healthy_keeps_the_next_from_being_replaced() -> None:
    times = iter([0.0, 500.0])

    with pytest.raises(Refusal, match=r"registry-1 is unhealthy .*docker logs registry-1"):
        wait_until_healthy(lambda: "unhealthy", "registry-1", clock=lambda: next(times), sleep=lambda _: None)
