"""When a configuration counts as taken up. Writing and signalling are shown on a real HAProxy."""

from __future__ import annotations

import io
import itertools
import tarfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import docker.errors
import pytest

from components.dynamic.haproxy import RELOAD, LoadBalancerConfigProvider, wait_until_used
from components.dynamic.provider import Refusal
from messaging import docker_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

WANTED = {
    "container": "lb",
    "containerId": "1",
    "dockerHost": "",
    "path": "/etc/kafka-lb/haproxy.cfg",
    "config": "all three, version b",
    "version": "b",
    "versionUrl": "http://127.0.0.1:8404/version",
}


class Clock:
    """Time that passes only while someone sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Docker:
    """An engine with one load balancer, whose version is the last letter of its configuration."""

    def __init__(self, file: str | None, used: str) -> None:
        self.file = file
        self.used = used
        self.signals: list[str] = []
        self.deaf = False
        """Whether no signal can be sent."""
        self._next = ""

    def get_archive(self, _name: str, _path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        if self.file is None:
            raise docker.errors.NotFound("no such file")
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            entry = tarfile.TarInfo("haproxy.cfg")
            entry.size = len(self.file)
            archive.addfile(entry, io.BytesIO(self.file.encode()))
        return iter([buffer.getvalue()]), {}

    def put_archive(self, _name: str, _folder: str, content: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            member = archive.extractfile(archive.getmembers()[0])
            assert member
            self._next = member.read().decode()

    def exec_create(self, _name: str, command: list[str], **_: Any) -> dict[str, str]:
        return {"Id": RELOAD if command[-1] == RELOAD else command[0]}

    def exec_start(self, command: str) -> bytes:
        if command == "mv":
            self.file = self._next
        if command == RELOAD:
            self.signals.append(command)
            assert self.file
            self.used = self.file
        return self.used[-1].encode() if command == "bash" else b""

    def exec_inspect(self, command: str) -> dict[str, int]:
        return {"ExitCode": int(self.deaf and command == RELOAD)}


def taken_up(engine: Docker, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """The engine after an update to what is wanted."""

    @contextmanager
    def connected(_configured: str) -> Iterator[Docker]:
        yield engine

    monkeypatch.setattr(docker_engine, "connected", connected)
    monkeypatch.setattr("components.dynamic.haproxy.PAUSE_SECONDS", 0.0)
    LoadBalancerConfigProvider().update("lb", WANTED, WANTED)
    assert engine.file == WANTED["config"]
    return engine


@pytest.mark.parametrize("file", ["only two, version b", WANTED["config"]], ids=["lies there", "put right"])
def test_what_was_altered_and_taken_up_under_the_same_version_is_taken_up_anew(
    monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    engine = taken_up(Docker(file=file, used="only two, version b"), monkeypatch)

    assert engine.signals == [RELOAD]
    assert engine.used == WANTED["config"]


@pytest.mark.parametrize("file", ["all three, version a", None])
def test_what_has_another_version_is_taken_up_by_one_signal(
    monkeypatch: pytest.MonkeyPatch, file: str | None
) -> None:
    engine = taken_up(Docker(file=file, used="all three, version a"), monkeypatch)

    assert engine.signals == [RELOAD]
    assert engine.used == WANTED["config"]


@pytest.mark.parametrize("used", ["all three, version a", "only two, version b"])
def test_a_signal_that_cannot_be_sent_is_told(monkeypatch: pytest.MonkeyPatch, used: str) -> None:
    engine = Docker(file=used, used=used)
    engine.deaf = True

    with pytest.raises(Refusal, match="the load balancer lb cannot be told to read its configuration"):
        taken_up(engine, monkeypatch)


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
