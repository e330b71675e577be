"""What a health report says of data whose only copy was on a volume that is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messaging.cli import care
from tests.unit.cli.lost_volumes.platforms import state_of, write

if TYPE_CHECKING:
    from messaging.cli.projects import Project
    from tests.unit.cli.fake_engine import Engine
    from tests.unit.conftest import FakeRegistry


def test_health_of_a_platform_without_its_only_broker_is_critical_and_no_error(
    engine: Engine, project: Project
) -> None:
    found = care.report(engine, project, "dev", lambda _: None)  # type: ignore[arg-type]  # it has what is used

    assert care.EXIT_CODES[found.status] == 4
    assert [node["name"] for node in found.nodes] == ["kafka-dev"]
    assert "kafka-dev: missing" in list(care.lines(found))


def test_health_asks_the_registry_for_the_subjects_that_the_stack_has_registered(
    engine: Engine, project: Project, registry: FakeRegistry
) -> None:
    write(project, state_of({1: "kafka-dev"}, copies=1, registry=registry.url))

    lost = care.report(engine, project, "dev", lambda _: None)  # type: ignore[arg-type]  # as above
    registry.versions["readings-value"] = ['"int"']
    there = care.report(engine, project, "dev", lambda _: None)  # type: ignore[arg-type]

    assert (lost.missing_subjects, there.missing_subjects) == (("readings-value",), ())


def test_health_says_that_it_cannot_ask_a_registry_with_a_password(engine: Engine, project: Project) -> None:
    resources = state_of({1: "kafka-dev"}, copies=1)
    resources[-1]["inputs"]["registryUser"] = "ops"
    write(project, resources)
    told: list[str] = []

    care.report(engine, project, "dev", told.append)  # type: ignore[arg-type]  # as above

    assert told == ["a subject that is gone would not be missed: http://127.0.0.1:9 asks for a password"]
