"""Commands as people type them: `stack` by itself, other spellings, and where the stack may be named."""

from __future__ import annotations

import os
import pty
import sys
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


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        (("config", "set", "token", "--secrets"), "--secrets"),
        (("config", "set", "token", "--type=int"), "--type"),
        (("config", "set", "--secrets", "token", "hush"), "--secrets"),
        (("config", "get", "-x"), "-x"),
        (("config", "rm", "--all"), "--all"),
        (("stack", "init", "--no-select"), "--no-select"),
        (("stack", "rm", "--forced", "--yes"), "--forced"),
        (("stack", "output", "--shell"), "--shell"),
        (("state", "unprotect", "--everything", "--yes"), "--everything"),
        (("cancel", "--force", "--yes"), "--force"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else "",
)
def test_an_unknown_flag_is_not_taken_for_an_argument(
    project: Project, arguments: tuple[str, ...], flag: str
) -> None:
    settings = (project.root / "Pulumi.dev.yaml").read_text()

    refused = project.run(*arguments, code=1)

    assert f"unknown flag: {flag}. " in refused.err
    assert (project.root / "Pulumi.dev.yaml").read_text() == settings
    assert [one["name"] for one in project.run("stack", "ls", "--json").json()] == ["dev"]


@pytest.mark.parametrize("value", ["-5", "-0.5", "-.5", "-1e3", "-"])
def test_a_value_may_be_a_negative_number(project: Project, value: str) -> None:
    project.run("config", "set", "key", value)

    assert project.run("config", "get", "key").out == f"{value}\n"


def test_what_stands_behind_two_dashes_is_no_flag(project: Project) -> None:
    project.run("config", "set", "key", "--", "--secret")
    assert project.run("config", "get", "--", "key").out == "--secret\n"

    assert "unknown flag: --secrets" in project.run("config", "set", "--secrets", "--", "key", code=1).err
    assert "takes no argument '--more'" in project.run("config", "get", "key", "--", "--more", code=1).err


@pytest.mark.parametrize(
    "command", [("stack", "rm", "--yes"), ("stack", "select"), ("stack", "init"), ("cancel",)]
)
def test_a_stack_is_named_once(project: Project, command: tuple[str, ...]) -> None:
    project.run("stack", "init", "second")

    refused = project.run(*command, "second", "--stack", "third", code=1)

    assert "only one of --stack (third) or argument stack name (second) may be specified" in refused.err
    assert [one["name"] for one in project.run("stack", "ls", "--json").json()] == ["dev", "second"]


def test_a_stack_that_is_named_is_meant_whatever_the_variable_says(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run("stack", "init", "second")
    monkeypatch.setenv("PULUMI_STACK", "dev")

    project.run("stack", "rm", "second", "--yes")

    assert [one["name"] for one in project.run("stack", "ls", "--json").json()] == ["dev"]


def test_a_stack_that_is_not_there_cannot_be_freed(project: Project) -> None:
    assert "no stack named 'absent'" in project.run("cancel", "absent", "--yes", code=6).err


def test_a_terminal_on_which_nobody_is_asked_is_not_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, inside = pty.openpty()
    os.write(outside, b"hush\n\x04")  # what a reader would get
    with os.fdopen(inside, encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        refused = project.run("config", "set", "--secret", "key", code=1)
    os.close(outside)

    assert "config value must be specified in non-interactive mode" in refused.err
    project.run("config", "get", "key", code=1)
