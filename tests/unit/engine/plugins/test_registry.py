"""Which plugins are started before anything asks for them."""

from __future__ import annotations

from typing import Any, cast

from engine.plugins.host import expected
from engine.plugins.plugin import DYNAMIC
from engine.plugins.registry import Registry
from engine.resource import Resource


class Plugins:
    """Notes what is to be started ahead."""

    def __init__(self) -> None:
        self.warmed: list[str] = []

    def warm(self, package: str) -> None:
        self.warmed.append(package)


def warmed(*providers: str) -> list[str]:
    olds = [
        Resource(urn=f"urn:pulumi:dev::tiny::{kind}::default", type=kind, custom=True, id="1")
        for kind in providers
    ]
    plugins = Plugins()
    Registry(cast("Any", plugins), olds, preview=True).warm(otherwise=["docker", "kafka"])
    return plugins.warmed


def test_the_plugins_that_the_last_run_used_are_started_ahead() -> None:
    assert warmed("pulumi:providers:kafka") == ["kafka"]


def test_before_the_first_run_those_that_it_will_most_likely_need_are() -> None:
    assert warmed() == ["docker", "kafka"]


def test_most_likely_it_needs_what_its_program_can_import() -> None:
    assert sorted(expected()) == ["docker", "kafka", DYNAMIC]
