"""Commands as people type them: `stack` by itself, other spellings, and where the stack may be named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.engine.cli.conftest import Project

PROGRAM = """
    Thing("a", value="1")
    pulumi.export("key", pulumi.Output.secret("hush"))
"""


def test_a_stack_by_itself_shows_what_it_has(project: Project) -> None:
    assert "No updates yet; run `pulumi up`\nCurrent stack resources (0)" in project.run("stack").out
    project.up(PROGRAM)

    shown = project.run("stack", "--show-ids").out

    assert shown.startswith("Current stack is dev:\n    Managed by ")
    assert "Last updated: 20" in shown
    assert "pulumi:pulumi:Stack" in shown
    assert "ID: a" in shown
    assert "key     [secret]" in shown
    assert "hush" in project.run("stack", "--show-secrets").out


def test_a_stack_s_name_is_shown_without_its_passphrase(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")

    assert project.run("stack", "--show-name").out == "dev\n"
    assert "no stack named 'absent'" in project.run("stack", "--show-name", "--stack", "absent", code=6).err


def test_a_stack_may_be_called_as_a_command_is(project: Project) -> None:
    project.run("stack", "init", "drift")

    assert project.run("stack", "--show-name", "--stack", "drift").out == "drift\n"


def test_commands_have_the_cli_s_other_spellings(project: Project) -> None:
    project.run("stack", "new", "second")
    assert "second*" in project.run("stack", "list").out
    project.run("config", "set", "key", "value")
    project.run("config", "remove", "key")
    project.run("config", "get", "key", code=1)
    project.run("stack", "remove", "second", "--yes")
    project.run("stack", "select", "dev")
    project.up(PROGRAM)
    project.run("state", "remove", project.urn("a"), "--yes")
    assert "Version: 1" in project.run("stack", "hist").out


@pytest.mark.parametrize("flag", [["--stack", "dev"], ["-s", "dev"], ["--stack=dev"], ["-s=dev"]])
def test_the_stack_may_be_named_before_a_group_s_command(project: Project, flag: list[str]) -> None:
    project.run("stack", "init", "second")

    project.run("config", *flag, "set", "key", "value")

    assert project.run("config", "get", "key", "--stack", "dev").out == "value\n"
    project.run("config", "get", "key", code=1)  # of the selected one


def test_a_flag_that_a_command_would_not_hear_of_is_refused(project: Project) -> None:
    project.run("stack", "init", "second")

    refused = project.run("config", "--json", "--stack", "dev", "set", "key", "value", code=1)

    assert "`pulumi config set` does not hear of --json, --stack before it" in refused.err
    project.run("config", "get", "key", "--stack", "dev", code=1)
    project.run("config", "get", "key", code=1)
