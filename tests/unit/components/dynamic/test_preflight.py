"""The preflight: what it remembers of the Docker engine, and when it only says that it could not look."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from components import host_facts, platform
from components.claims import ContainerFact, HostFacts, claim
from components.dynamic.preflight import PreflightProvider
from messaging.docker_engine import NoAnswerError
from messaging.streams import Catalogue

if TYPE_CHECKING:
    from settings import Settings

ROOMY = HostFacts(engine="one", memory_mib=16_384, cpus=4, data_root="/var/lib/docker", free_disk_mib=50_000)


@pytest.fixture
def inputs(dev: Settings) -> dict[str, Any]:
    """What the program wants, as the resource is given it in an update."""
    return claim(platform.plan(dev, Catalogue(streams=())), dev).to_inputs() | {"previewing": False}


def found(monkeypatch: pytest.MonkeyPatch, facts: HostFacts | NoAnswerError) -> None:
    def observe(_claim: object) -> HostFacts:
        if isinstance(facts, NoAnswerError):
            raise facts
        return facts

    monkeypatch.setattr(host_facts, "observe", observe)


def test_the_engine_is_remembered_and_is_no_change_afterwards(
    monkeypatch: pytest.MonkeyPatch, inputs: dict[str, Any]
) -> None:
    found(monkeypatch, ROOMY)

    made = PreflightProvider().check({}, dict(inputs)).inputs
    again = PreflightProvider().check(made, dict(inputs)).inputs

    assert made["engine"] == "one"
    assert not PreflightProvider().diff("id", made, again).changes


def test_a_preview_without_the_engine_keeps_what_is_known_of_it(
    monkeypatch: pytest.MonkeyPatch, inputs: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    found(monkeypatch, ROOMY)
    made = PreflightProvider().check({}, dict(inputs)).inputs
    found(monkeypatch, NoAnswerError("nobody answers"))

    seen = PreflightProvider().check(made, inputs | {"previewing": True})

    assert seen.failures == []
    assert not PreflightProvider().diff("id", made, seen.inputs).changes
    assert "cannot say whether the host has what the stack claims" in capsys.readouterr().out


def test_an_engine_with_another_id_that_has_the_stack_is_no_change(
    monkeypatch: pytest.MonkeyPatch, inputs: dict[str, Any], dev: Settings
) -> None:
    found(monkeypatch, ROOMY)
    made = PreflightProvider().check({}, dict(inputs)).inputs
    ours = {"kafka-dev": ContainerFact(labels=dev.owner.labels())}
    found(monkeypatch, replace(ROOMY, engine="two", containers=ours))

    seen = PreflightProvider().check(made, dict(inputs))

    assert seen.failures == []
    assert not PreflightProvider().diff("id", made, seen.inputs).changes


def test_a_state_of_an_earlier_version_learns_the_engine(
    monkeypatch: pytest.MonkeyPatch, inputs: dict[str, Any]
) -> None:
    found(monkeypatch, ROOMY)
    earlier = {key: value for key, value in inputs.items() if key not in {"engine", "published"}}

    seen = PreflightProvider().check(earlier | {"ports": []}, dict(inputs))

    assert (seen.failures, seen.inputs["engine"]) == ([], "one")


def test_an_engine_that_has_nothing_of_the_stack_is_refused(
    monkeypatch: pytest.MonkeyPatch, inputs: dict[str, Any]
) -> None:
    found(monkeypatch, ROOMY)
    made = PreflightProvider().check({}, dict(inputs)).inputs
    found(monkeypatch, replace(ROOMY, engine="two", address="tcp://other:2375"))

    (failure,) = PreflightProvider().check(made, dict(inputs)).failures or []

    assert "tcp://other:2375 is not the one that this stack was made on" in failure.reason


def test_a_new_stack_of_several_brokers_hears_once_what_its_engine_lacks(
    monkeypatch: pytest.MonkeyPatch, prod: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    news = claim(platform.plan(prod, Catalogue(streams=())), prod).to_inputs()
    found(monkeypatch, ROOMY)

    checked = PreflightProvider().check({}, dict(news))
    first = capsys.readouterr().out
    PreflightProvider().check(checked.inputs, dict(news))

    assert checked.failures == []
    assert "live-restore" in first
    assert capsys.readouterr().out == ""
