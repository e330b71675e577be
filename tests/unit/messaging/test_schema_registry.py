"""The registry's client against real HTTP: what it retries, what is absent, whose words it passes on."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from messaging.schema_registry import (
    IncompatibleError,
    RegistryError,
    SchemaReference,
    SchemaRegistry,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.conftest import FakeRegistry

SUBJECT = "readings-value"


@pytest.fixture
def client(registry: FakeRegistry) -> Iterator[SchemaRegistry]:
    with closing(SchemaRegistry(registry.url)) as made:
        yield made


def test_registering_twice_is_registering_once(registry: FakeRegistry, client: SchemaRegistry) -> None:
    assert client.register(SUBJECT, '"int"') == client.register(SUBJECT, '"int"')
    assert registry.versions == {SUBJECT: ['"int"']}


def test_all_subjects_are_named(registry: FakeRegistry, client: SchemaRegistry) -> None:
    registry.versions = {SUBJECT: ['"int"'], "readings-key": ['"string"']}

    assert client.subjects() == {SUBJECT, "readings-key"}


def test_what_is_not_there_is_none_and_no_error(client: SchemaRegistry) -> None:
    assert client.latest(SUBJECT) is None
    assert client.find(SUBJECT, '"int"') is None
    assert client.incompatibility(SUBJECT, '"int"') is None
    client.delete(SUBJECT)


def test_the_latest_version_and_the_one_with_a_schema_are_told_apart(client: SchemaRegistry) -> None:
    client.register(SUBJECT, '"int"')
    client.register(SUBJECT, '"long"')

    latest, first = client.latest(SUBJECT), client.find(SUBJECT, '"int"')

    assert latest is not None
    assert first is not None
    assert (latest.version, first.version) == (2, 1)


def test_references_are_known_where_the_registry_leaves_them_out_of_its_answer(
    client: SchemaRegistry,
) -> None:
    unit = SchemaReference(name="com.example.Unit", subject="com.example.Unit", version=1)

    assert client.register(SUBJECT, '"int"', [unit]).references == (unit,)


def test_a_refused_version_comes_with_the_registrys_reason(
    registry: FakeRegistry, client: SchemaRegistry
) -> None:
    registry.refuses = "READER_FIELD_MISSING_DEFAULT_VALUE: unit"

    with pytest.raises(IncompatibleError, match="READER_FIELD_MISSING_DEFAULT_VALUE: unit"):
        client.register(SUBJECT, '"int"')


def test_an_incompatibility_is_asked_for_without_registering(
    registry: FakeRegistry, client: SchemaRegistry
) -> None:
    registry.versions[SUBJECT] = ['"int"']
    registry.refuses = "types differ"

    assert client.incompatibility(SUBJECT, '"string"') == "types differ"
    assert registry.versions == {SUBJECT: ['"int"']}


def test_a_registry_that_is_just_starting_is_asked_again(
    registry: FakeRegistry, client: SchemaRegistry
) -> None:
    registry.failures = [503, 503]

    assert client.register(SUBJECT, '"int"').version == 1


def test_a_registry_that_does_not_get_ready_is_unreachable(
    registry: FakeRegistry, client: SchemaRegistry
) -> None:
    registry.failures = [503] * 3

    with pytest.raises(UnreachableError, match="503"):
        client.ready()


def test_an_error_of_the_registrys_own_is_not_retried(registry: FakeRegistry, client: SchemaRegistry) -> None:
    registry.failures = [422]

    with pytest.raises(RegistryError, match="422: not now"):
        client.register(SUBJECT, '"int"')
    assert len(registry.requests) == 1


def test_nobody_at_the_address_is_said_in_plain_words() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{holder.getsockname()[1]}"

        with (
            closing(SchemaRegistry(address, attempts=1)) as client,
            pytest.raises(UnreachableError) as refused,
        ):
            client.ready()

    assert str(refused.value) == f"{address} does not answer: Connection refused"
