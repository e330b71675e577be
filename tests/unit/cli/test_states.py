"""What the command line reads of a state, in the CLI's own format, and where it looks for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from messaging.cli.projects import Project, ProjectError
from tests.unit.cli.kept_states import VOLUME, container, known, log_in, place, state, volume, write

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_state_nothing_is_known_and_the_missing_file_is_named(
    project: Project, environment: dict[str, str]
) -> None:
    found = place(project, environment).whole()

    assert (found.there, list(found.objects)) == (False, [])
    assert found.file == project.folder / ".pulumi" / "stacks" / "messaging" / "dev.json"


def test_a_stack_of_which_nothing_was_made_has_a_state_that_knows_nothing(
    project: Project, environment: dict[str, str]
) -> None:
    write(project.folder, {"version": 3, "checkpoint": {"stack": "organization/messaging/dev"}})

    found = place(project, environment).whole()

    assert (found.there, list(found.objects)) == (True, [])


def test_objects_of_the_state_are_known_by_kind_and_name(
    project: Project, environment: dict[str, str]
) -> None:
    topic = {"type": "kafka:index/topic:Topic", "inputs": {"name": "readings"}}
    write(project.folder, state(container("kafka-dev"), volume("data"), topic))

    assert known(project, environment) == {("container", "kafka-dev"), ("volume", "data")}


def test_what_a_run_that_died_was_making_is_known(project: Project, environment: dict[str, str]) -> None:
    write(project.folder, state(pending=(container("kafka-dev"),)))

    assert known(project, environment) == {("container", "kafka-dev")}


def test_what_was_only_looked_up_is_known_by_what_its_provider_said(
    project: Project, environment: dict[str, str]
) -> None:
    write(
        project.folder,
        state({"type": "docker:index/network:Network", "outputs": {"name": "iot-platform-dev"}}),
    )

    assert known(project, environment) == {("network", "iot-platform-dev")}


@pytest.mark.parametrize("how", ["environment", "project", "login", "login elsewhere"])
def test_the_state_lies_where_the_launcher_says(
    project: Project, environment: dict[str, str], tmp_path: Path, how: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere, state(container("kafka-dev")))
    if how == "environment":
        environment["PULUMI_BACKEND_URL"] = elsewhere.as_uri()
    elif how == "project":
        with (project.folder / "Pulumi.yaml").open("a") as file:
            file.write(f"backend:\n  url: {elsewhere.as_uri()}\n")
    else:
        log_in(environment, json.dumps({"current": elsewhere.as_uri()}))
        if how == "login elsewhere":
            environment["PULUMI_CREDENTIALS_PATH"] = environment.pop("PULUMI_HOME")

    assert known(project, environment) == {("container", "kafka-dev")}


@pytest.mark.parametrize(
    "address", ["file://{}/my%20state", "file://{}/my state", "file://{}/my%20state?no_tmp_dir=true"]
)
def test_a_state_is_found_by_every_spelling_of_its_address_that_the_engines_take(
    project: Project, environment: dict[str, str], tmp_path: Path, address: str
) -> None:
    write(tmp_path / "my state", state(volume("data")))
    lock = write(tmp_path / "my state", "{}", "locks/organization/messaging/dev/e1.json")
    environment["PULUMI_BACKEND_URL"] = address.format(tmp_path)

    assert known(project, environment) == {VOLUME}
    with pytest.raises(ProjectError, match=f"locked by {lock}"):
        place(project, environment).refuse_locked()


def test_a_relative_address_is_relative_to_where_the_command_runs(
    project: Project, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project.folder / "sub" / "state", state(volume("data")))
    monkeypatch.chdir(project.folder / "sub")

    assert known(project, environment | {"PULUMI_BACKEND_URL": "file://state"}) == {VOLUME}


def test_a_renamed_projects_state_is_read_under_its_own_name(
    project: Project, environment: dict[str, str]
) -> None:
    (project.folder / "Pulumi.yaml").write_text("name: telemetry\nruntime: python\n")
    write(project.folder, state(volume("data")), "stacks/telemetry/dev.json")

    assert known(project, environment) == {VOLUME}


def test_objects_of_the_state_say_what_they_are_for_and_how_to_name_them(
    project: Project, environment: dict[str, str]
) -> None:
    label = {"label": "com.iotplatform.messaging.role", "value": "broker"}
    broker = {
        "type": "docker:index/container:Container",
        "urn": "urn:pulumi:dev::messaging::docker:index/container:Container::kafka-1-container",
        "inputs": {"name": "kafka-dev", "labels": [{"label": "other", "value": "x"}, label]},
    }
    write(project.folder, state(broker, container("bare")))

    found = place(project, environment).whole().objects

    assert [(one.kind, one.name, one.role) for one in found] == [
        ("container", "kafka-dev", "broker"),
        ("container", "bare", ""),
    ]
    assert found[0].urn.endswith("::kafka-1-container")
