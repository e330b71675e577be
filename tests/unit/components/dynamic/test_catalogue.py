"""CatalogueCheck: what it refuses before anything is touched, and what it only mentions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from components.dynamic.catalogue import CatalogueCheckProvider
from components.dynamic.subject import SubjectProvider

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
    assert news == before
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
    told = capsys.readouterr().out
    assert f"{NAME}: version 2" in told
    assert "put it into the .avsc file" in told
    assert "remove" not in told, "messages may need it"
    assert len(registry.versions[NAME]) == 2


def updated(olds: dict[str, Any], registry: FakeRegistry, *fields: dict[str, Any]) -> dict[str, Any]:
    """The state of the check after the catalogue came to have a schema, which is registered."""
    news, failures = checked(olds, inputs(registry, *fields))
    assert failures == []
    wanted = {"subject": NAME, "schema": schema(*fields), "compatibility": "BACKWARD"}
    SubjectProvider().create({"registryUrl": registry.url} | wanted)
    return news


def test_a_schema_that_was_set_back_leaves_the_stacks_own_newer_version_without_a_word(
    registry: FakeRegistry, before: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    set_back = updated(updated(before, registry, UNIT, PLACE), registry, UNIT)
    assert registry.versions[NAME] == [schema(UNIT), schema(UNIT, PLACE)]

    news, failures = checked(set_back, inputs(registry, UNIT))

    assert failures == []
    assert news == set_back
    assert capsys.readouterr().out == ""


def test_the_stacks_own_version_is_known_in_whatever_way_the_registry_writes_it(
    registry: FakeRegistry, before: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    set_back = updated(updated(before, registry, UNIT, PLACE), registry, UNIT)
    written = json.dumps(json.loads(schema({**UNIT, "type": {"type": "string"}}, PLACE)), indent=1)
    registry.versions[NAME][1] = written

    assert checked(set_back, inputs(registry, UNIT))[1] == []
    assert capsys.readouterr().out == ""


def test_someone_elses_version_is_mentioned_after_a_schema_was_set_back_too(
    registry: FakeRegistry, before: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    set_back = updated(updated(before, registry, UNIT, PLACE), registry, UNIT)
    registry.versions[NAME].append(schema(UNIT, {**PLACE, "default": "here"}))

    assert checked(set_back, inputs(registry, UNIT))[1] == []
    assert f"{NAME}: version 3" in capsys.readouterr().out


def test_a_state_that_remembers_no_schemas_is_no_change_and_begins_with_the_next_one(
    registry: FakeRegistry, before: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    del before["ownSchemas"]

    assert checked(before, inputs(registry, UNIT))[0] == before
    set_back = updated(updated(before, registry, UNIT, PLACE), registry, UNIT)
    assert checked(set_back, inputs(registry, UNIT))[0] == set_back
    assert capsys.readouterr().out == ""


def test_a_state_that_remembers_no_schemas_accuses_nobody(
    registry: FakeRegistry, before: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    set_back = updated(updated(before, registry, UNIT, PLACE), registry, UNIT)
    del set_back["ownSchemas"]

    assert checked(set_back, inputs(registry, UNIT)) == (set_back, [])
    assert f"{NAME}: version 2 (id 2) is the newest" in (told := capsys.readouterr().out)
    assert "by someone else" not in told


def test_what_the_registry_has_is_found_in_one_request_a_subject(
    registry: FakeRegistry, before: dict[str, Any]
) -> None:
    registry.requests.clear()

    assert checked(before, inputs(registry, UNIT))[1] == []
    assert registry.requests == ["GET /subjects", f"GET /subjects/{NAME}/versions/latest"]


def test_a_schema_that_no_registry_judged_is_judged_as_soon_as_one_answers(
    registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.versions[NAME] = [schema(UNIT)]
    size = {"name": "size", "type": "int"}
    while_down, failures = checked({}, inputs(registry, size, registryUrl="http://127.0.0.1:1"))
    assert failures == []

    _, (reason,) = checked(while_down, inputs(registry, size))

    assert "the new schema cannot read what version 1 wrote: field size" in reason
    assert capsys.readouterr().out == "", "it is refused, and not told of a second time"


GEO = "com.x.Geo"
LAT = {"name": "lat", "type": "double"}
LON = {"name": "lon", "type": "double"}


def geo(*fields: dict[str, Any]) -> dict[str, Any]:
    """A shared type that may lose fields."""
    text = json.dumps({"type": "record", "name": GEO, "fields": list(fields)}, separators=(",", ":"))
    return {"subject": GEO, "schema": text, "compatibility": "BACKWARD"}


def names(*types: dict[str, Any], level: str = "FULL", field: str = GEO) -> dict[str, Any]:
    """A subject whose text stays as it is, whatever becomes of the types that it builds on."""
    references = [
        {"name": one["subject"], "subject": one["subject"], "schema": one["schema"]} for one in types
    ]
    text = schema({"name": "place", "type": field})
    return {"subject": NAME, "schema": text, "compatibility": level, "references": references}


def sharing(registry: FakeRegistry, *subjects: dict[str, Any]) -> dict[str, Any]:
    return inputs(registry, subjects={one["subject"]: one for one in subjects})


def deploy(registry: FakeRegistry, *subjects: dict[str, Any]) -> dict[str, Any]:
    """Registers subjects in their order; the state of the check afterwards."""
    for subject in subjects:
        SubjectProvider().create({"registryUrl": registry.url} | subject)
    olds, failures = checked({}, sharing(registry, *subjects))
    assert failures == []
    return olds


@pytest.mark.parametrize("type_is_there", [False, True], ids=["with the type", "after the type"])
def test_a_shared_types_change_is_judged_where_the_type_is_named(
    registry: FakeRegistry, type_is_there: bool
) -> None:
    olds = deploy(registry, geo(LAT, LON), names(geo(LAT, LON)))
    if type_is_there:
        SubjectProvider().create({"registryUrl": registry.url} | geo(LAT))

    _, (reason,) = checked(olds, sharing(registry, geo(LAT), names(geo(LAT))))

    assert reason.startswith(f"{NAME}: the schema is not FULL compatible")
    assert "version 1 cannot read what the new schema wrote: field place.lon" in reason


def test_a_shared_types_change_that_all_can_bear_passes(registry: FakeRegistry) -> None:
    olds = deploy(registry, geo(LAT, LON), names(geo(LAT, LON), level="BACKWARD"))

    news = sharing(registry, geo(LAT), names(geo(LAT), level="BACKWARD"))

    assert checked(olds, news)[1] == []


def test_a_version_that_a_shared_type_had_before_may_be_wanted_again(registry: FakeRegistry) -> None:
    deploy(registry, geo(LAT, LON), names(geo(LAT, LON), level="BACKWARD"))
    olds = deploy(registry, geo(LAT), names(geo(LAT), level="BACKWARD"))

    news = sharing(registry, geo(LAT, LON), names(geo(LAT, LON), level="BACKWARD"))

    assert checked(olds, news)[1] == []


@pytest.mark.parametrize("tells_references", [True, False])
def test_the_stacks_own_version_is_known_by_the_shared_types_that_it_names(
    registry: FakeRegistry, capsys: pytest.CaptureFixture[str], tells_references: bool
) -> None:
    def placed(*fields: dict[str, Any]) -> dict[str, Any]:
        made = names(geo(LAT), level="BACKWARD")
        return made | {"schema": schema({"name": "place", "type": GEO}, *fields)}

    olds = deploy(registry, geo(LAT), placed())
    for wanted in (placed(PLACE | {"name": "where"}), placed()):
        olds, failures = checked(olds, sharing(registry, geo(LAT), wanted))
        assert failures == []
        SubjectProvider().create({"registryUrl": registry.url} | wanted)
    registry.tells_references = tells_references

    assert checked(olds, sharing(registry, geo(LAT), placed())) == (olds, [])
    assert ("version 2" in capsys.readouterr().out) is not tells_references


def test_a_change_is_seen_through_a_type_whose_text_stays(registry: FakeRegistry) -> None:
    def area(below: dict[str, Any]) -> dict[str, Any]:
        fields = [{"name": "corner", "type": GEO}]
        text = json.dumps({"type": "record", "name": "com.x.Area", "fields": fields}, separators=(",", ":"))
        references = [{"name": GEO, "subject": GEO, "schema": below["schema"]}]
        return {
            "subject": "com.x.Area",
            "schema": text,
            "compatibility": "BACKWARD",
            "references": references,
        }

    def subjects(below: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        return below, area(below), names(below, area(below), field="com.x.Area")

    olds = deploy(registry, *subjects(geo(LAT, LON)))

    _, (reason,) = checked(olds, sharing(registry, *subjects(geo(LAT))))

    assert reason.startswith(NAME)
    assert "field place.corner.lon" in reason
    SubjectProvider().create({"registryUrl": registry.url} | geo(LAT))
    assert "field place.corner.lon" in checked(olds, sharing(registry, *subjects(geo(LAT))))[1][0]


def test_what_shares_types_is_found_in_their_newest_versions(registry: FakeRegistry) -> None:
    subjects = geo(LAT), names(geo(LAT))
    olds = deploy(registry, *subjects)
    registry.requests.clear()

    assert checked(olds, sharing(registry, *subjects))[1] == []
    latest = [f"GET /subjects/{name}/versions/latest" for name in (GEO, NAME)]
    assert set(registry.requests) == {"GET /subjects", *latest}


def test_a_registry_may_leave_references_out_of_its_answers(registry: FakeRegistry) -> None:
    subjects = geo(LAT), names(geo(LAT))
    olds = deploy(registry, *subjects)
    registry.tells_references = False

    assert checked(olds, sharing(registry, *subjects))[1] == []


def test_a_stream_is_not_lost_without_consent(registry: FakeRegistry, before: dict[str, Any]) -> None:
    _, (reason,) = checked(before, inputs(registry, streams=["measurements"], subjects={}))

    assert "the stream readings is no longer in the catalogue" in reason
    assert "add readings to the list `deleted`" in reason


def test_a_stream_goes_with_consent(registry: FakeRegistry, before: dict[str, Any]) -> None:
    assert checked(before, inputs(registry, streams=[], deleted=["readings"], subjects={}))[1] == []


def test_all_that_is_wrong_is_said_at_once(registry: FakeRegistry, before: dict[str, Any]) -> None:
    news = inputs(registry, {"name": "size", "type": "int"}, streams=[])

    assert len(checked(before, news)[1]) == 2
