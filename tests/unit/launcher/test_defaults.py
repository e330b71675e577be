"""The defaults that the launcher adds to the environment, and when it adds none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import state_folder
from launcher import defaults

if TYPE_CHECKING:
    from pathlib import Path


def test_state_lies_in_the_project_when_nothing_else_is_said(
    project: Path, environment: dict[str, str]
) -> None:
    added = defaults.environment_defaults(["up"], environment, project)

    assert added["PULUMI_BACKEND_URL"] == project.as_uri()


def test_a_backend_from_the_environment_wins(project: Path, environment: dict[str, str]) -> None:
    environment["PULUMI_BACKEND_URL"] = "s3://state"

    assert "PULUMI_BACKEND_URL" not in defaults.environment_defaults(["up"], environment, project)


def test_a_login_wins(project: Path, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "credentials.json").write_text(json.dumps({"current": "file:///srv/state"}))

    assert "PULUMI_BACKEND_URL" not in defaults.environment_defaults(["up"], environment, project)


def test_a_login_that_the_cli_keeps_elsewhere_wins(
    project: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "credentials.json").write_text(json.dumps({"current": "file:///srv/state"}))
    environment["PULUMI_CREDENTIALS_PATH"] = str(tmp_path)

    assert "PULUMI_BACKEND_URL" not in defaults.environment_defaults(["up"], environment, project)


def test_a_backend_in_the_project_file_wins(project: Path, environment: dict[str, str]) -> None:
    with (project / "Pulumi.yaml").open("a") as file:
        file.write("backend:\n  url: file:///srv/state\n")

    assert "PULUMI_BACKEND_URL" not in defaults.environment_defaults(["up"], environment, project)


@pytest.mark.parametrize(
    "arguments",
    [
        ["up", "--stack", "dev"],
        ["up", "-s", "dev"],
        ["up", "--stack=dev"],
        ["up", "--stack", "organization/messaging/dev"],
        ["stack", "select", "--create", "dev"],
        ["-C", ".", "stack", "select", "-c", "dev"],
    ],
)
def test_a_development_stack_gets_the_documented_empty_passphrase(
    arguments: list[str], project: Path, environment: dict[str, str]
) -> None:
    assert defaults.environment_defaults(arguments, environment, project)["PULUMI_CONFIG_PASSPHRASE"] == ""


@pytest.mark.parametrize("stack", ["prod", "unknown", "org/messaging/prod"])
def test_no_other_stack_gets_a_passphrase(stack: str, project: Path, environment: dict[str, str]) -> None:
    added = defaults.environment_defaults(["up", "--stack", stack], environment, project)

    assert "PULUMI_CONFIG_PASSPHRASE" not in added


def test_a_passphrase_file_wins_over_the_empty_one(project: Path, environment: dict[str, str]) -> None:
    environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = "/run/passphrase"

    added = defaults.environment_defaults(["up", "--stack", "dev"], environment, project)

    assert "PULUMI_CONFIG_PASSPHRASE" not in added


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        (["up", "--cwd", "there"], {}, "there"),
        (["up", "--cwd=there"], {}, "there"),
        (["up", "-C", "there"], {}, "there"),
        (["up", "-Cthere"], {}, "there"),
        (["up", "-C", "here", "-C=there"], {}, "there"),
        (["up"], {"PULUMI_OPTION_CWD": "there"}, "there"),
        (["up", "-C", "here"], {"PULUMI_OPTION_CWD": "there"}, "here"),
        (["up", "-m", "C"], {"PULUMI_OPTION_CWD": ""}, "."),
    ],
)
def test_the_project_is_looked_for_where_the_command_is_to_run(
    arguments: list[str],
    variables: dict[str, str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert defaults.working_folder(arguments, variables) == (tmp_path / expected).resolve()


def test_the_project_is_found_from_a_folder_inside_it(project: Path) -> None:
    inside = project / "components" / "dynamic"
    inside.mkdir(parents=True)

    assert defaults.find_project(inside) == project


@pytest.mark.usefixtures("selected")
def test_the_selected_stack_counts_where_none_is_named(project: Path, environment: dict[str, str]) -> None:
    assert defaults.environment_defaults(["up"], environment, project)["PULUMI_CONFIG_PASSPHRASE"] == ""


def test_the_stack_that_a_newer_cli_selected_for_the_projects_own_state_counts(
    project: Path, environment: dict[str, str]
) -> None:
    from engine.workspace.project import Project

    file = Project.find(project).workspace_file(state_folder.home(environment))
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"stacks": {project.as_uri(): "organization/messaging/dev"}}))

    assert defaults.environment_defaults(["up"], environment, project)["PULUMI_CONFIG_PASSPHRASE"] == ""


def test_an_empty_passphrase_is_refused_for_a_production_stack(
    project: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")

    for given in ({"PULUMI_CONFIG_PASSPHRASE": ""}, {"PULUMI_CONFIG_PASSPHRASE_FILE": str(empty)}):
        told = defaults.empty_passphrase(["stack", "select", "prod"], environment | given, project)

        assert told is not None
        assert "the stack prod is empty" in told


@pytest.mark.parametrize(
    ("stack", "given"),
    [
        ("dev", {"PULUMI_CONFIG_PASSPHRASE": ""}),
        ("prod", {"PULUMI_CONFIG_PASSPHRASE": "a real one"}),
        ("prod", {}),
        ("unknown", {"PULUMI_CONFIG_PASSPHRASE": ""}),
    ],
)
def test_any_other_passphrase_is_the_engines_affair(
    project: Path, environment: dict[str, str], stack: str, given: dict[str, str]
) -> None:
    assert defaults.empty_passphrase(["up", "--stack", stack], environment | given, project) is None


BROKEN = {
    "no yaml": b"runtime: [python",
    "a text for a mapping": b"backend: file://x\nconfig: none\n",
    "a list": b"- x\n",
    "another encoding": b"description: caf\xe9\n",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_files_that_the_engine_will_refuse_say_nothing_to_the_launcher(
    content: bytes, project: Path, environment: dict[str, str]
) -> None:
    (project / "Pulumi.yaml").write_bytes(content)
    (project / "Pulumi.dev.yaml").write_bytes(content)

    assert defaults.environment_defaults(["up"], environment, project) == {
        "PULUMI_BACKEND_URL": project.as_uri()
    }
    added = defaults.environment_defaults(["up", "--stack", "dev"], environment, project)
    assert added == {"PULUMI_BACKEND_URL": project.as_uri()}


def test_a_date_that_is_none_does_not_hide_what_else_the_file_says(
    project: Path, environment: dict[str, str]
) -> None:
    with (project / "Pulumi.dev.yaml").open("a") as file:
        file.write("  messaging:note: 2024-13-45\n")

    added = defaults.environment_defaults(["up", "--stack", "dev"], environment, project)

    assert added["PULUMI_CONFIG_PASSPHRASE"] == ""


@pytest.mark.parametrize("word", ["", "~", "null"])
def test_an_environment_that_says_nothing_is_none(
    word: str, project: Path, environment: dict[str, str]
) -> None:
    (project / "Pulumi.dev.yaml").write_text(f"config:\n  messaging:environment: {word}\n")
    environment["PULUMI_CONFIG_PASSPHRASE"] = ""

    assert defaults.empty_passphrase(["up", "--stack", "dev"], environment, project) is None


def test_a_passphrase_file_that_is_no_text_is_left_to_the_engine(
    project: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "passphrase").write_bytes(b"\xff")
    environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(tmp_path / "passphrase")

    assert defaults.empty_passphrase(["up", "--stack", "prod"], environment, project) is None


def test_a_folder_that_was_deleted_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert defaults.working_folder(["up"], {}) is None
    assert defaults.working_folder(["up", "--cwd", str(tmp_path)], {}) == tmp_path.resolve()


def test_a_user_without_a_home_is_logged_in_nowhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.home", nowhere)

    assert defaults.environment_defaults(["up"], {}, project) == {"PULUMI_BACKEND_URL": project.as_uri()}
