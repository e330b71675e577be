"""Subject against a registry over HTTP: registering, comparing, and leaving other people's versions alone."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import pytest

from components.dynamic import subject
from components.dynamic.provider import Refusal
from components.dynamic.subject import SubjectProvider
from messaging.schema_registry import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from tests.unit.conftest import FakeRegistry

NAME = "readings-value"


def schema(*fields: str) -> str:
    described = [{"name": name, "type": "string"} for name in fields]
    return json.dumps({"type": "record", "name": "Reading", "fields": described}, separators=(",", ":"))


def inputs(registry: FakeRegistry, **changes: Any) -> dict[str, Any]:
    return {
        "registryUrl": registry.url,
        "subject": NAME,
        "schema": schema("unit"),
        "compatibility": "BACKWARD",
    } | changes


def test_creating_registers_version_and_level(registry: FakeRegistry) -> None:
    created = SubjectProvider().create(inputs(registry, compatibility="FULL"))

    assert created.id == NAME
    assert created.outs is not None
    assert (created.outs["schemaId"], created.outs["version"]) == (1, 1)
    assert registry.versions == {NAME: [schema("unit")]}
    assert registry.levels == {NAME: "FULL"}


def test_creating_again_after_a_run_that_died_changes_nothing(registry: FakeRegistry) -> None:
    first = SubjectProvider().create(inputs(registry))

    assert SubjectProvider().create(inputs(registry)).outs == first.outs
    assert registry.versions == {NAME: [schema("unit")]}


def test_a_subject_that_someone_registered_before_gets_our_version_too(registry: FakeRegistry) -> None:
    registry.versions[NAME] = [schema()]

    created = SubjectProvider().create(inputs(registry))

    assert created.outs is not None
    assert created.outs["version"] == 2
    assert registry.versions[NAME] == [schema(), schema("unit")]


def test_a_new_level_is_set_before_the_version_that_may_need_it(registry: FakeRegistry) -> None:
    SubjectProvider().create(inputs(registry))
    registry.requests.clear()

    news = inputs(registry, schema=schema("unit", "place"), compatibility="NONE")
    SubjectProvider().update(NAME, inputs(registry), news)

    asked = registry.requests
    assert asked.index(f"PUT /config/{NAME}") < asked.index(f"POST /subjects/{NAME}/versions")


def test_an_incompatible_version_is_refused_with_the_registrys_reason(registry: FakeRegistry) -> None:
    registry.refuses = "READER_FIELD_MISSING_DEFAULT_VALUE"

    with pytest.raises(Refusal, match=r"at the level BACKWARD.*409: READER_FIELD_MISSING_DEFAULT_VALUE"):
        SubjectProvider().create(inputs(registry))


@pytest.mark.parametrize(
    ("change", "changes", "replaces"),
    [
        ({}, False, []),
        ({"schema": json.dumps(json.loads(schema("unit")), indent=2)}, False, []),
        ({"schema": schema("unit", "place")}, True, []),
        ({"compatibility": "FULL"}, True, []),
        ({"registryUrl": "http://localhost:9"}, True, []),
        ({"subject": "others-value"}, True, ["subject"]),
    ],
    ids=["nothing", "layout", "schema", "level", "address", "name"],
)
def test_layout_is_no_change_and_a_name_is_another_subject(
    registry: FakeRegistry, change: dict[str, Any], changes: bool, replaces: list[str]
) -> None:
    result = SubjectProvider().diff(NAME, inputs(registry), inputs(registry) | change)

    assert (result.changes, result.replaces) == (changes, replaces)


def test_what_is_no_avro_is_refused_in_preview(registry: FakeRegistry) -> None:
    result = SubjectProvider().check({}, inputs(registry, schema='{"type": "record", "name": "X"}'))

    assert "no list of fields" in result.failures[0].reason
    assert registry.requests == []


def test_a_refresh_finds_no_drift_in_someone_elses_version(registry: FakeRegistry) -> None:
    outs = SubjectProvider().create(inputs(registry)).outs or {}
    registry.versions[NAME].append(schema("unit", "by hand"))

    read = SubjectProvider().read(NAME, outs)

    assert (read.id, read.outs) == (NAME, outs)


def test_a_refresh_sees_a_level_that_someone_changed(registry: FakeRegistry) -> None:
    outs = SubjectProvider().create(inputs(registry)).outs or {}
    registry.levels[NAME] = "NONE"

    read = SubjectProvider().read(NAME, outs)

    assert SubjectProvider().diff(NAME, read.outs or {}, inputs(registry)).changes is True


def test_a_refresh_sees_that_our_version_is_gone(registry: FakeRegistry) -> None:
    outs = SubjectProvider().create(inputs(registry)).outs or {}
    registry.versions[NAME] = [schema("by hand")]

    read = SubjectProvider().read(NAME, outs)

    assert read.id == NAME
    assert SubjectProvider().diff(NAME, read.outs or {}, inputs(registry)).changes is True


def test_a_refresh_reports_a_subject_that_is_gone(registry: FakeRegistry) -> None:
    outs = SubjectProvider().create(inputs(registry)).outs or {}
    registry.versions.clear()

    read = SubjectProvider().read(NAME, outs)

    assert (read.id, read.outs) == ("", {})


def test_a_refresh_after_one_that_missed_our_version_finds_it_again(registry: FakeRegistry) -> None:
    outs = SubjectProvider().create(inputs(registry)).outs or {}
    registry.versions[NAME] = [schema("by hand")]
    lost = SubjectProvider().read(NAME, outs).outs or {}

    again = SubjectProvider().read(NAME, lost)
    registered = SubjectProvider().update(NAME, again.outs or {}, inputs(registry))

    assert again.outs == lost
    assert (registered.outs or {})["version"] == 2


def test_removing_leaves_what_others_registered(
    registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    outs = SubjectProvider().create(inputs(registry)).outs or {}
    registry.versions[NAME].append(schema("unit", "by hand"))
    outs = SubjectProvider().update(NAME, outs, inputs(registry, schema=schema("unit", "place"))).outs or {}

    SubjectProvider().delete(NAME, outs)

    assert registry.versions == {NAME: ["", schema("unit", "by hand"), ""]}
    assert "someone else registered its version 2" in capsys.readouterr().out


def test_numbers_that_come_back_as_floats_are_versions_still(registry: FakeRegistry) -> None:
    outs = SubjectProvider().create(inputs(registry)).outs or {}

    SubjectProvider().delete(NAME, outs | {"ownVersions": [1.0], "version": 1.0})

    assert registry.versions == {}


def test_a_registry_behind_a_path_and_a_password_is_used(registry: FakeRegistry) -> None:
    registry.base, registry.password = "/apis/ccompat/v7", "secret word"
    access = {
        "registryUrl": f"{registry.url}/apis/ccompat/v7/",
        "registryUser": "ops",
        "registryPassword": "secret word",
    }

    SubjectProvider().create(inputs(registry, **access))

    assert registry.versions == {NAME: [schema("unit")]}


def test_a_wrong_password_is_refused_without_repeating_it(registry: FakeRegistry) -> None:
    registry.password = "secret word"

    with pytest.raises(Refusal, match="lets nobody in with these credentials: status 401") as refused:
        SubjectProvider().create(inputs(registry, registryUser="ops", registryPassword="guessed"))
    assert "guessed" not in str(refused.value)


def test_removing_hides_the_subject_and_removing_it_again_is_no_error(registry: FakeRegistry) -> None:
    outs = SubjectProvider().create(inputs(registry)).outs or {}

    SubjectProvider().delete(NAME, outs)
    SubjectProvider().delete(NAME, outs)

    assert registry.versions == {}
    assert not [request for request in registry.requests if "permanent" in request]


def test_a_registry_that_starts_slowly_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    answers = [UnreachableError("status 503")] * 300

    def ask() -> None:
        if answers:
            raise answers.pop()

    def sleep(seconds: float) -> None:
        now[0] += seconds

    subject.wait_until_ready(ask, clock=lambda: now[0], sleep=sleep)

    assert now[0] == pytest.approx(30)
    assert "waiting for the Schema Registry (20 s): status 503" in capsys.readouterr().out


def test_a_registry_that_never_starts_is_given_up() -> None:
    now = [0.0]

    def ask() -> None:
        raise UnreachableError("http://localhost:8081 does not answer")

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with pytest.raises(UnreachableError, match="does not answer"):
        subject.wait_until_ready(ask, clock=lambda: now[0], sleep=sleep)
    assert now[0] > subject.READY_SECONDS


class WatchedLock:
    """A lock that tells when someone has found it closed and waits."""

    def __init__(self, waits: Callable[[], object]) -> None:
        self._lock = threading.Lock()
        self._waits = waits
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self) -> None:
        self._waits()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_while_one_waits_for_the_registry_others_wait_for_it_and_do_not_ask() -> None:
    waiting = threading.Semaphore(0)
    asks = subject.OneAsks(lambda: cast("threading.Lock", WatchedLock(waiting.release)))
    asked: list[str] = []

    with ThreadPoolExecutor(2) as pool:

        def until() -> None:
            others.extend(pool.submit(asks.wait, "registry", lambda: asked.append("other")) for _ in range(2))
            assert all(waiting.acquire(timeout=10) for _ in others)
            asked.append("first")

        others: list[Future[None]] = []
        asks.wait("registry", until)
        for one in others:
            one.result(10)

    assert asked == ["first"]


def test_what_was_there_once_is_not_asked_for_again() -> None:
    asks = subject.OneAsks()
    asked: list[str] = []

    for name in ("registry", "registry", "another"):
        asks.wait(name, lambda name=name: asked.append(name))  # type: ignore[misc]

    assert asked == ["registry", "another"]


def test_a_wait_in_vain_is_told_by_the_one_who_asked_and_the_next_asks_again() -> None:
    asks = subject.OneAsks()

    def in_vain() -> None:
        raise UnreachableError("does not answer")

    for _ in range(2):
        with pytest.raises(UnreachableError, match="does not answer"):
            asks.wait("registry", in_vain)
