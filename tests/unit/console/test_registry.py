"""The Schema Registry over real HTTP: what is read, what is bounded, and what is said when it fails."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import pytest

from messaging.console import subjects
from messaging.console.decode import Schema
from messaging.console.parts import Deadline, NotFoundError, ReadError
from messaging.console.registry import MAX_ANSWER_BYTES, MAX_SCHEMA_TEXT, Registry
from messaging.console.settings import RegistrySettings

V1 = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}
V2 = {
    "type": "record",
    "name": "R",
    "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "long"}],
}


def test_a_subject_is_shown_with_the_changes_since_the_version_before(registry_stub: Any) -> None:
    registry_stub.add("r-value", 1, V1)
    registry_stub.add("r-value", 2, V2)
    found = subjects.detail(registry_stub.registry(), "r-value", None, None, Deadline())
    assert (found.versions, found.shown.version, found.against) == ((1, 2), 2, 1)
    assert found.compatibility == "BACKWARD"
    assert '+      "name": "b",' in found.changes
    assert found.shown.text == json.dumps(V2, indent=2)


def test_an_older_version_can_be_compared_with_a_newer_one(registry_stub: Any) -> None:
    registry_stub.add("r-value", 1, V1)
    registry_stub.add("r-value", 2, V2)
    found = subjects.detail(registry_stub.registry(), "r-value", 1, 2, Deadline())
    assert '-      "name": "b",' in found.changes


def test_subjects_are_listed_with_level_and_latest_version(registry_stub: Any) -> None:
    registry_stub.add("b-value", 1, V1)
    registry_stub.add("b-value", 2, V2)
    registry_stub.add("a-key", 3, V1)
    found = subjects.list_subjects(registry_stub.registry(), "", Deadline())
    assert [(row.name, row.latest and row.latest.version, row.compatibility) for row in found.rows] == [
        ("a-key", 1, "BACKWARD"),
        ("b-value", 2, "BACKWARD"),
    ]
    assert [
        row.name for row in subjects.list_subjects(registry_stub.registry(), "VALUE", Deadline()).rows
    ] == ["b-value"]


def test_only_gets_are_sent_and_a_schema_is_read_once(registry_stub: Any) -> None:
    registry_stub.add("r-value", 1, V1)
    registry = registry_stub.registry()
    for _ in range(3):
        registry.schema(1, Deadline())
    assert registry_stub.requests == [("GET", "/schemas/ids/1")]


def test_references_are_followed_innermost_first_and_once(registry_stub: Any) -> None:
    registry_stub.add("inner", 1, "1")
    registry_stub.add("middle", 2, "2")
    registry_stub.add("outer", 3, "3")
    inner = {"name": "inner", "subject": "inner", "version": 1}
    registry_stub.references[2] = [inner]
    registry_stub.references[3] = [{"name": "middle", "subject": "middle", "version": 1}, inner]
    assert registry_stub.registry().schema(3, Deadline()).references == ("1", "2")


def test_references_in_a_circle_come_to_an_end(registry_stub: Any) -> None:
    registry_stub.add("a", 1, "1")
    registry_stub.references[1] = [{"name": "a", "subject": "a", "version": 1}]
    with pytest.raises(ReadError, match="nested deeper"):
        registry_stub.registry().schema(1, Deadline())


@pytest.mark.parametrize("at", ["the schema", "a reference", "both"])
def test_a_schema_too_long_to_be_taken_apart_is_told_as_that(registry_stub: Any, at: str) -> None:
    long = "x" * (MAX_SCHEMA_TEXT if at == "both" else MAX_SCHEMA_TEXT + 1)
    registry_stub.add("inner", 1, "y" if at == "the schema" else long)
    registry_stub.add("outer", 2, "y" if at == "a reference" else long)
    registry_stub.references[2] = [{"name": "inner", "subject": "inner", "version": 1}]
    with pytest.raises(ReadError, match=f"longer than {MAX_SCHEMA_TEXT} characters"):
        registry_stub.registry().schema(2, Deadline())


def test_of_a_schema_that_is_not_applied_only_the_kind_is_kept(registry_stub: Any) -> None:
    registry_stub.add("json", 1, "x" * (MAX_SCHEMA_TEXT + 1), "JSON")
    assert registry_stub.registry().schema(1, Deadline()) == Schema(id=1, kind="JSON", text="")


def test_a_name_with_a_slash_asks_for_that_name(registry_stub: Any) -> None:
    with pytest.raises(NotFoundError):
        registry_stub.registry().versions("a/../b?c", Deadline())
    assert registry_stub.requests == [("GET", "/subjects/a%2F..%2Fb%3Fc/versions")]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"{}", "refused the console's user"),
        (500, b'{"message":"store is full"}', "answered 500: store is full"),
        (200, b"<html>", "without JSON"),
        (302, b"{}", "answered 302"),
        (200, b'"' + b"x" * MAX_ANSWER_BYTES + b'"', "larger than"),
    ],
)
def test_a_bad_answer_is_told_as_what_it_is(registry_stub: Any, status: int, body: bytes, said: str) -> None:
    registry_stub.raw["/subjects"] = (status, body)
    with pytest.raises(ReadError, match=said):
        registry_stub.registry().subjects(Deadline())


@contextmanager
def silent_server() -> Iterator[str]:
    """An address that accepts connections and then says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    running, taken = True, []

    def accept() -> None:
        while running:
            with suppress(TimeoutError):
                taken.append(listener.accept()[0])

    thread = Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        running = False
        thread.join()
        for one in (listener, *taken):
            one.close()


def test_a_registry_that_says_nothing_is_given_up_and_then_left_alone() -> None:
    with silent_server() as url:
        registry = Registry(RegistrySettings(url=url))
        started = time.monotonic()
        with pytest.raises(ReadError, match="gave no answer in time"):
            registry.subjects(Deadline(0.5))
        with pytest.raises(ReadError, match="gave no answer in time"):
            registry.subjects(Deadline(60))
        assert time.monotonic() - started < 1.5


def test_a_registry_that_cannot_be_reached_is_named_by_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(ReadError, match=f"{url} cannot be reached"):
        Registry(RegistrySettings(url=url)).subjects(Deadline())


def test_the_password_is_in_no_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    registry = Registry(RegistrySettings(url=url, username="reader", password="hunter2"))
    with pytest.raises(ReadError) as caught:
        registry.subjects(Deadline())
    assert "hunter2" not in str(caught.value)
