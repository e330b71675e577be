"""What the command line reads of a project: how it and its stacks are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def test_the_project_is_found_from_anywhere_inside(project: Project) -> None:
    inner = project.folder / "a" / "b"
    inner.mkdir(parents=True)

    assert find_project(inner) == project


def test_outside_a_project_the_message_says_so(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="run this inside the project"):
        find_project(tmp_path)


def test_in_a_folder_that_was_removed_the_message_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    with pytest.raises(ProjectError, match="the current folder was removed"):
        find_project()


def test_a_stacks_instance_is_part_of_its_labels(project: Project) -> None:
    assert project.owner("dev").instance == "team-a"


def test_an_unknown_stack_is_refused_with_the_known_ones(project: Project) -> None:
    with pytest.raises(ProjectError, match=r"no stack staging.*Known: dev"):
        project.owner("staging")


def test_a_stack_that_does_not_say_its_instance_has_the_projects(project: Project) -> None:
    (project.folder / "Pulumi.dev.yaml").write_text("config:\n  messaging:environment: dev\n")
    with (project.folder / "Pulumi.yaml").open("a") as file:
        file.write("config:\n  messaging:instance:\n    type: string\n    default: team-b\n")

    assert project.owner("dev").instance == "team-b"


def test_an_instance_that_is_no_text_is_refused(project: Project) -> None:
    (project.folder / "Pulumi.dev.yaml").write_text("config:\n  messaging:instance: {secure: v1:abc}\n")

    with pytest.raises(ProjectError, match=r"messaging:instance is .*a text is needed"):
        project.owner("dev")


def test_a_project_that_was_renamed_looks_for_labels_of_its_own_name(project: Project) -> None:
    (project.folder / "Pulumi.yaml").write_text("name: telemetry\nruntime: python\n")
    (project.folder / "Pulumi.dev.yaml").write_text("config:\n  telemetry:instance: team-c\n")

    assert (project.owner("dev").project, project.owner("dev").instance) == ("telemetry", "team-c")
