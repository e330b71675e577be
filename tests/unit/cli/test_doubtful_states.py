"""Objects that the state of another place, stack or project may know are not left over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from messaging.cli.projects import Project, ProjectError
from tests.unit.cli.kept_states import ITS_STATE, VOLUME, container, log_in, place, state, volume, write

if TYPE_CHECKING:
    from pathlib import Path


def test_what_no_other_state_knows_is_left_over(project: Project, environment: dict[str, str]) -> None:
    write(project.folder, state(), ITS_STATE)
    write(project.folder, state(volume("other")), "stacks/messaging/prod.json")
    write(project.folder, "{ damaged", "stacks/shop/dev.json")
    write(project.folder, "packed", "stacks/messaging/prod.json.gz")
    write(project.folder, state(volume("data")), f"{ITS_STATE}.bak")

    place(project, environment).refuse_doubts([VOLUME])


@pytest.mark.parametrize("how", ["project", "login", "default"])
def test_what_the_state_of_a_place_that_was_not_chosen_knows_is_not_left_over(
    project: Project, environment: dict[str, str], tmp_path: Path, how: str
) -> None:
    chosen, elsewhere = tmp_path / "chosen", tmp_path / "elsewhere"
    write(chosen, state(), ITS_STATE)
    environment["PULUMI_BACKEND_URL"] = chosen.as_uri()
    if how == "project":
        with (project.folder / "Pulumi.yaml").open("a") as file:
            file.write(f"backend:\n  url: {elsewhere.as_uri()}\n")
    elif how == "login":
        log_in(environment, json.dumps({"current": elsewhere.as_uri()}))
    else:
        elsewhere = project.folder
    other = write(elsewhere, state(volume("data")))

    with pytest.raises(ProjectError, match=f"nothing was removed: the volume data is in the state {other}"):
        place(project, environment).refuse_doubts([("container", "kafka-1"), VOLUME])


@pytest.mark.parametrize("name", ["stacks/messaging/renamed.json", "stacks/old-name/dev.json"])
def test_what_the_state_of_a_stack_or_project_that_was_renamed_knows_is_not_left_over(
    project: Project, environment: dict[str, str], name: str
) -> None:
    write(project.folder, state(volume("data")), name)

    with pytest.raises(ProjectError, match="nothing was removed: the volume data is in the state"):
        place(project, environment).refuse_doubts([VOLUME])


@pytest.mark.parametrize("name", [ITS_STATE, f"{ITS_STATE}.zst", "stacks/dev.json"])
def test_a_state_of_the_same_stack_that_cannot_be_read_may_know_all(
    project: Project, environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    (tmp_path / "chosen").mkdir()
    environment["PULUMI_BACKEND_URL"] = (tmp_path / "chosen").as_uri()
    write(project.folder, "{ damaged", name)

    with pytest.raises(ProjectError, match=r"nothing was removed: .*If it is out of date, move it away"):
        place(project, environment).refuse_doubts([VOLUME])


def test_a_relative_address_proves_no_state_lost(project: Project, environment: dict[str, str]) -> None:
    folder = project.folder / "my state"
    folder.mkdir()
    environment["PULUMI_BACKEND_URL"] = "file://my state"

    with pytest.raises(ProjectError, match=f"PULUMI_BACKEND_URL={folder.as_uri()}"):
        place(project, environment).refuse_doubts([VOLUME])

    write(folder, state(container("kafka-1")))
    place(project, environment).refuse_doubts([VOLUME])


@pytest.mark.parametrize("content", ["{ damaged", '{"$pulumiSecureStore": 1, "data": "x"}'])
def test_a_login_that_cannot_be_read_may_lead_to_the_state(
    project: Project, environment: dict[str, str], content: str
) -> None:
    log_in(environment, content)

    with pytest.raises(
        ProjectError, match=f"nobody knows where .*PULUMI_BACKEND_URL={project.folder.as_uri()}"
    ):
        place(project, environment).refuse_doubts([VOLUME])

    environment["PULUMI_BACKEND_URL"] = project.folder.as_uri()
    place(project, environment).refuse_doubts([VOLUME])


def test_where_nothing_is_to_be_removed_nothing_is_in_doubt(
    project: Project, environment: dict[str, str]
) -> None:
    log_in(environment, "{ damaged")

    place(project, environment).refuse_doubts([])
