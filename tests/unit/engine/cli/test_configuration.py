"""`config`: what may be written into a stack's file, and what of it is read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.engine.cli.conftest import Project

HARD_TO_GUESS = "1415fc1f4eaeb5e096ee58c1480016638fff29bf"


def test_what_looks_like_a_secret_is_kept_in_plain_text_only_if_that_is_said(project: Project) -> None:
    refused = project.run("config", "set", "dbPassword", HARD_TO_GUESS, code=1)

    assert "looks like a secret; rerun with --secret to encrypt it, or --plaintext" in refused.err
    assert HARD_TO_GUESS not in refused.err
    assert HARD_TO_GUESS not in (project.root / "Pulumi.dev.yaml").read_text()
    project.run("config", "set", "dbPassword", HARD_TO_GUESS, "--plaintext")
    assert project.run("config", "get", "dbPassword").out == f"{HARD_TO_GUESS}\n"


@pytest.mark.parametrize("command", ["get", "rm"])
@pytest.mark.parametrize("path", ["name[0]", "name.a", "sealed.secure"])
def test_a_path_into_a_text_or_a_secret_leads_nowhere(project: Project, command: str, path: str) -> None:
    project.run("config", "set", "name", "abc")
    project.run("config", "set", "--secret", "sealed", "hush")
    before = (project.root / "Pulumi.dev.yaml").read_text()

    refused = project.run("config", command, "--path", path, code=1)

    assert f"configuration key '{path}' not found" in refused.err
    assert (project.root / "Pulumi.dev.yaml").read_text() == before


def test_a_value_between_braces_is_not_said_to_be_missing(project: Project) -> None:
    file = project.root / "Pulumi.dev.yaml"
    file.write_text(file.read_text() + 'config: {tiny:b: "1"}\n')

    refused = project.run("config", "rm", "b", code=1)

    assert "cannot be edited without harm" in refused.err


def test_a_key_of_another_shape_is_refused(project: Project) -> None:
    assert "'a:b:c' is no configuration key" in project.run("config", "set", "a:b:c", "v", code=1).err


def test_values_are_listed_while_the_stack_does_not_keep_to_its_declarations(project: Project) -> None:
    with (project.root / "Pulumi.yaml").open("a") as file:
        file.write("config: {size: {type: integer}, region: {type: string}}\n")
    project.run("config", "set", "size", "lots")

    assert "tiny:size  lots" in project.run("config").out


def test_a_program_runs_only_with_what_its_project_declares_and_is_destroyed_with_anything(
    project: Project,
) -> None:
    project.up('Thing("a", value="1")')
    with (project.root / "Pulumi.yaml").open("a") as file:
        file.write("config: {region: {type: string}, pw: {type: string, secret: true}}\n")
    project.run("config", "set", "pw", "open")

    for command in (["preview"], ["up", "--yes"]):
        refused = project.run(*command, code=1)
        assert "tiny:region has no value and no default" in refused.err
        assert "tiny:pw must be encrypted as it's secret" in refused.err
    project.run("refresh", "--yes")
    project.run("destroy", "--yes")
