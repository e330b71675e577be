"""When a configuration counts as taken up. Writing and signalling are shown on a real HAProxy."""

from __future__ import annotations

import itertools

import pytest

from components.dynamic.haproxy import LoadBalancerConfigProvider, wait_until_used


class Clock:
    """Time that passes only while someone sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_what_is_in_use_already_needs_no_signal() -> None:
    signals: list[float] = []
    clock = Clock()

    wait_until_used(lambda: "b", lambda: signals.append(clock.now), "b", clock=clock, sleep=clock.sleep)

    assert signals == []


def test_a_signal_that_was_not_heard_is_sent_again() -> None:
    signals: list[float] = []
    clock = Clock()

    wait_until_used(
        lambda: "b" if len(signals) == 2 else "a",
        lambda: signals.append(clock.now),
        "b",
        clock=clock,
        sleep=clock.sleep,
    )

    assert signals[0] == 0.0
    assert signals[1] >= 3.0


def test_one_that_is_never_taken_up_is_given_up() -> None:
    clock = Clock()
    answers = itertools.cycle(["", "a"])

    with pytest.raises(TimeoutError):
        wait_until_used(lambda: next(answers), lambda: None, "b", clock=clock, sleep=clock.sleep)


def test_another_text_or_another_container_is_a_change() -> None:
    provider = LoadBalancerConfigProvider()
    inputs = {
        "container": "none-of-this-name",
        "containerId": "1",
        "dockerHost": "unix:///nonexistent",
        "path": "/etc/x.cfg",
        "config": "a",
        "version": "1",
    }

    assert provider.diff("id", inputs, inputs | {"config": "b"}).changes
    assert provider.diff("id", inputs, inputs | {"containerId": "2"}).changes
    assert provider.diff("id", inputs, inputs | {"config": "b"}).replaces == []
