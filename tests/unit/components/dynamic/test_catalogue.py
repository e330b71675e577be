"""CatalogueCheck: what it refuses before anything is touched, and what it only mentions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from components.dynamic.catalogue import CatalogueCheckProvider

if TYPE_CHECKING:
    from tests.unit.conftest import FakeRegistry

NAME = "readings-value"
UNIT = {"name": "unit", "type": "string"}
PLACE = {"name": "place", "type": "string", "default": ""}


def schema(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "name": "Reading", "fields": list(fields)}, separators=(",", ":"))


def inputs(registry: FakeRegistry, *fields: dict[str, Any], **changes: Any) -> dict[str, Any]:
    level = changes.pop("compatibility", "BACKWARD")
    subject = {"subject": NAME, "schema": schema(*fields), "compatibility": level}
    return {
        "registryUrl": registry.url,
        "streams": ["readings"],
        "deleted": [],
        "subjects": {NAME: subject},
    } | changes


def checked(olds: dict[str, Any], news: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    result = CatalogueCheckProvider().check(olds, news)
    return result.inputs, [failure.reason for failure in result.failures]


@pytest.fixture
def before(registry: FakeRegistry) -> dict[str, Any]:
    """The state of a stack that has registered a schema."""
    registry.versions[NAME] = [schema(UNIT)]
    registry.levels[NAME] = "BACKWARD"
    olds, failures = checked({}, inputs(registry, UNIT))
    assert failures == []
    return olds


def test_the_state_has_no_schema_a_second_time(before: dict[str, Any]) -> None:
    assert "Reading" not in json.dumps(before)


def test_an_unchanged_catalogue_is_no_change(registry: FakeRegistry, before: dict[str, Any]) -> None:
    news, failures = checked(before, inputs(registry, UNIT))

    assert failures == []
    assert CatalogueCheckProvider().diff("catalogue", before, news).changes is False


def test_a_compatible_change_passes_and_is_remembered(registry: FakeRegistry, before: dict[str, Any]) -> None:
    news, failures = checked(before, inputs(registry, UNIT, PLACE))

    assert failures == []
    assert CatalogueCheckProvider().diff("catalogue", before, news).changes is True
    assert registry.versions == {NAME: [schema(UNIT)]}, "nothing is registered by looking"


def test_an_incompatible_change_is_refused_with_field_rule_and_versions(
    registry: FakeRegistry, before: dict[str, Any]
) -> None:
    _, (reason,) = checked(before, inputs(registry, UNIT, {"name": "size", "type": "int"}))

    assert "not BACKWARD compatible" in reason
    assert "the new schema cannot read what version 1 wrote: field size" in reason
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in reason


def test_what_only_the_registry_refuses_is_refused_with_its_words(
    registry: FakeRegistry, before: dict[str, Any]
) -> None:
    registry.refuses = "a rule of this company"

    _, (reason,) = checked(before, inputs(registry, UNIT, PLACE))

    assert "the registry refuses it after version 1: a rule of this company" in reason


def test_a_subject_that_someone_else_registered_before_is_compared_too(registry: FakeRegistry) -> None:
    registry.versions[NAME] = [schema(UNIT)]

    _, (reason,) = checked({}, inputs(registry, {"name": "size", "type": "int"}))

    assert "version 1" in reason


def test_a_new_level_is_the_one_that_counts(registry: FakeRegistry, before: dict[str, Any]) -> None:
    registry.refuses = "types differ"
    size = {"name": "size", "type": "int"}

    assert checked(before, inputs(registry, size, compatibility="NONE"))[1] == []
    assert "not FULL compatible" in checked(before, inputs(registry, UNIT, size, compatibility="FULL"))[1][0]


def test_a_version_that_is_registered_already_may_be_wanted_again(
    registry: FakeRegistry, before: dict[str, Any]
) -> None:
    registry.versions[NAME] = [schema(), schema(UNIT)]

    assert checked(before, inputs(registry))[1] == []


def test_all_versions_count_at_a_transitive_level(registry: FakeRegistry, before: dict[str, Any]) -> None:
    registry.versions[NAME] = [schema({"name": "unit", "type": "long"}), schema()]
    news = inputs(registry, {**UNIT, "default": ""}, compatibility="BACKWARD_TRANSITIVE")

    _, (reason,) = checked(before, news)

    assert "version 1 wrote: field unit was written as long" in reason


def test_a_registry_that_is_down_does_not_stop_a_preview(
    registry: FakeRegistry, before: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = {"registryUrl": "http://127.0.0.1:1"}

    assert checked(before, inputs(registry, {"name": "size", "type": "int"}, **nowhere))[1] == []
    assert "versions in git only" in capsys.readouterr().out


def test_a_first_run_says_nothing_of_a_registry_that_is_yet_to_come(
    registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked({}, inputs(registry, registryUrl="http://127.0.0.1:1"))[1] == []
    assert capsys.readouterr().out == ""


def test_a_registry_that_refuses_to_be_asked_is_told(registry: FakeRegistry) -> None:
    registry.password = "word"

    (reason,) = checked({}, inputs(registry, UNIT))[1]

    assert "status 401" in reason


def test_what_is_no_registry_is_told(registry: FakeRegistry) -> None:
    registry.base = "/elsewhere"

    (reason,) = checked({}, inputs(registry, UNIT))[1]

    assert "404" in reason


def test_someone_elses_version_is_mentioned_and_left_alone(
    registry: FakeRegistry, before: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    registry.versions[NAME].append(schema(UNIT, PLACE))

    _, failures = checked(before, inputs(registry, UNIT))

    assert failures == []
    assert f"{NAME}: version 2" in capsys.readouterr().out
    assert len(registry.versions[NAME]) == 2


def test_a_stream_is_not_lost_without_consent(registry: FakeRegistry, before: dict[str, Any]) -> None:
    _, (reason,) = checked(before, inputs(registry, streams=["measurements"], subjects={}))

    assert "the stream readings is no longer in the catalogue" in reason
    assert "add readings to the list `deleted`" in reason


def test_a_stream_goes_with_consent(registry: FakeRegistry, before: dict[str, Any]) -> None:
    assert checked(before, inputs(registry, streams=[], deleted=["readings"], subjects={}))[1] == []


def test_all_that_is_wrong_is_said_at_once(registry: FakeRegistry, before: dict[str, Any]) -> None:
    news = inputs(registry, {"name": "size", "type": "int"}, streams=[])

    assert len(checked(before, news)[1]) == 2
