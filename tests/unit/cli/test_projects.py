"""What the command line reads of a project: its stack files and the state, in the CLI's own format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from messaging.cli.projects import Project, ProjectError, find_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: messaging\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(
        "config:\n  messaging:environment: dev\n  messaging:instance: team-a\n"
    )
    return Project(folder=folder)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PULUMI_HOME": str(tmp_path / "home")}


def write_state(folder: Path, content: Any) -> None:
    file = folder / ".pulumi" / "stacks" / "messaging" / "dev.json"
    file.parent.mkdir(parents=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))


def state(*resources: dict[str, Any], pending: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    operations = [{"resource": resource, "type": "creating"} for resource in pending]
    return {
        "version": 3,
        "checkpoint": {"latest": {"resources": list(resources), "pending_operations": operations}},
    }


def container(name: str) -> dict[str, Any]:
    return {"type": "docker:index/container:Container", "inputs": {"name": name}}


def test_the_project_is_found_from_anywhere_inside(project: Project) -> None:
    inner = project.folder / "a" / "b"
    inner.mkdir(parents=True)

    assert find_project(inner) == project


def test_outside_a_project_the_message_says_so(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="run this inside the project"):
        find_project(tmp_path)


def test_a_stacks_instance_is_part_of_its_labels(project: Project) -> None:
    assert project.owner("dev").instance == "team-a"


def test_an_unknown_stack_is_refused_with_the_known_ones(project: Project) -> None:
    with pytest.raises(ProjectError, match=r"no stack staging.*Known: dev"):
        project.owner("staging")


def test_without_a_state_nothing_is_known(project: Project, environment: dict[str, str]) -> None:
    assert project.known("dev", environment) == set()


def test_objects_of_the_state_are_known_by_kind_and_name(
    project: Project, environment: dict[str, str]
) -> None:
    volume = {"type": "docker:index/volume:Volume", "inputs": {"name": "data"}}
    topic = {"type": "kafka:index/topic:Topic", "inputs": {"name": "readings"}}
    write_state(project.folder, state(container("kafka-dev"), volume, topic))

    assert project.known("dev", environment) == {("container", "kafka-dev"), ("volume", "data")}


def test_what_a_run_that_died_was_making_is_known(project: Project, environment: dict[str, str]) -> None:
    write_state(project.folder, state(pending=(container("kafka-dev"),)))

    assert project.known("dev", environment) == {("container", "kafka-dev")}


@pytest.mark.parametrize("how", ["environment", "project", "login"])
def test_the_state_lies_where_the_launcher_says(
    project: Project, environment: dict[str, str], tmp_path: Path, how: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    write_state(elsewhere, state(container("kafka-dev")))
    if how == "environment":
        environment["PULUMI_BACKEND_URL"] = elsewhere.as_uri()
    elif how == "project":
        with (project.folder / "Pulumi.yaml").open("a") as file:
            file.write(f"backend:\n  url: {elsewhere.as_uri()}\n")
    else:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "credentials.json").write_text(json.dumps({"current": elsewhere.as_uri()}))

    assert project.known("dev", environment) == {("container", "kafka-dev")}


def test_a_state_that_is_elsewhere_is_not_taken_for_an_empty_one(
    project: Project, environment: dict[str, str]
) -> None:
    with pytest.raises(ProjectError, match="s3://bucket"):
        project.known("dev", environment | {"PULUMI_BACKEND_URL": "s3://bucket"})


def test_a_damaged_state_is_not_taken_for_an_empty_one(project: Project, environment: dict[str, str]) -> None:
    write_state(project.folder, "{ not json")

    with pytest.raises(ProjectError, match=r"dev\.json cannot be read: line 1"):
        project.known("dev", environment)


def test_a_compressed_state_is_not_taken_for_an_empty_one(
    project: Project, environment: dict[str, str]
) -> None:
    write_state(project.folder, "{}")
    file = project.folder / ".pulumi" / "stacks" / "messaging" / "dev.json"
    file.rename(file.with_name("dev.json.gz"))

    with pytest.raises(ProjectError, match="compressed"):
        project.known("dev", environment)


def test_objects_of_the_state_say_what_they_are_for_and_how_to_name_them(
    project: Project, environment: dict[str, str]
) -> None:
    label = {"label": "com.iotplatform.messaging.role", "value": "broker"}
    broker = {
        "type": "docker:index/container:Container",
        "urn": "urn:pulumi:dev::messaging::docker:index/container:Container::kafka-1-container",
        "inputs": {"name": "kafka-dev", "labels": [{"label": "other", "value": "x"}, label]},
    }
    write_state(project.folder, state(broker, container("bare")))

    found = project.objects("dev", environment)

    assert [(one.kind, one.name, one.role) for one in found] == [
        ("container", "kafka-dev", "broker"),
        ("container", "bare", ""),
    ]
    assert found[0].urn.endswith("::kafka-1-container")


@pytest.fixture
def journal(project: Project) -> Path:
    """Beside a state that knows one broker."""
    write_state(project.folder, state(container("kafka-1")))
    return project.folder / ".pulumi" / "stacks" / "messaging" / "dev.json.journal"


def test_a_state_whose_last_changes_are_beside_it_is_not_taken_for_the_whole(
    project: Project, environment: dict[str, str], journal: Path
) -> None:
    journal.write_text("what kafka-2 is\n")

    with pytest.raises(ProjectError, match=r"dev\.json\.journal.*`pulumi cancel --stack dev` brings it into"):
        project.known("dev", environment)


def test_a_run_that_had_nothing_to_record_hides_nothing(
    project: Project, environment: dict[str, str], journal: Path
) -> None:
    journal.touch()

    assert project.known("dev", environment) == {("container", "kafka-1")}


def test_records_without_a_state_are_of_one_that_was_lost(
    project: Project, environment: dict[str, str], journal: Path
) -> None:
    journal.write_text("what kafka-2 is\n")
    journal.with_name("dev.json").unlink()

    assert project.known("dev", environment) == set()


def test_what_was_last_saved_whole_can_be_read_beside_a_run(
    project: Project, environment: dict[str, str], journal: Path
) -> None:
    journal.write_text("what kafka-2 is\n")

    assert [one.name for one in project.saved("dev", environment)] == ["kafka-1"]


def test_a_stack_that_a_run_holds_is_refused(project: Project, environment: dict[str, str]) -> None:
    project.refuse_locked("dev", environment)
    folder = project.folder / ".pulumi" / "locks" / "organization" / "messaging"
    for stack in ("dev", "prod"):
        (folder / stack).mkdir(parents=True)
    (folder / "prod" / "e1.json").touch()
    project.refuse_locked("dev", environment)
    (folder / "dev" / "e2.json").touch()

    with pytest.raises(ProjectError, match=r"locked by .*/dev/e2\.json: .*`pulumi cancel --stack dev` frees"):
        project.refuse_locked("dev", environment)


def test_who_holds_a_stack_that_is_kept_elsewhere_nobody_knows(
    project: Project, environment: dict[str, str]
) -> None:
    with pytest.raises(ProjectError, match="s3://bucket"):
        project.refuse_locked("dev", environment | {"PULUMI_BACKEND_URL": "s3://bucket"})
