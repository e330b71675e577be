"""The policy pack that the launcher passes, and with which levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer

from engine.cli import main
from launcher import defaults

if TYPE_CHECKING:
    from pathlib import Path


def naming_a_stack() -> list[list[str]]:
    """The embedded engine's commands whose argument is a stack, in all their spellings."""
    top: Any = typer.main.get_command(main.app)
    within = [([], top.commands), (["stack"], top.commands["stack"].commands)]
    return [
        [*group, name]
        for group, commands in within
        for name, command in commands.items()
        if any(getattr(one, "help", None) and one.help.startswith("The stack;") for one in command.params)
    ]


@pytest.fixture
def pack(project: Path) -> Path:
    folder = project / "policies"
    folder.mkdir()
    for name in ("PulumiPolicy.yaml", "dev.json", "prod.json"):
        (folder / name).write_text("{}")
    return folder


PACK, CONFIG = "PULUMI_OPTION_POLICY_PACK", "PULUMI_OPTION_POLICY_PACK_CONFIG"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_projects_policies_are_passed_with_the_levels_of_the_stacks_environment(
    stack: str, project: Path, pack: Path, environment: dict[str, str]
) -> None:
    added = defaults.environment_defaults(["preview", "--stack", stack], environment, project)

    assert added[PACK] == str(pack)
    assert added[CONFIG] == str(pack / f"{stack}.json")


PROD = {"PULUMI_OPTION_STACK": "prod"}


def test_commands_that_name_a_stack_are_found() -> None:
    assert {"stack init", "stack new", "stack remove", "cancel"} <= {
        " ".join(one) for one in naming_a_stack()
    }


@pytest.mark.usefixtures("selected")
@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["up", "-sprod"], {}),
        (["up", "-s=prod"], {}),
        (["up", "-ysprod"], {}),
        (["up", "-ys", "prod"], {}),
        (["up", "--stack", "dev", "--stack", "prod"], {}),
        (["up", "--stack=dev", "-sprod"], {}),
        (["-m", "spam", "up", "-sprod"], {}),
        (["up", "-mspam"], PROD),
        (["up"], PROD),
        (["up"], PROD | {"PULUMI_STACK": "dev"}),
        (["up"], {"PULUMI_STACK": "prod"}),
        (["up", "--stack", "prod"], {"PULUMI_OPTION_STACK": "dev"}),
        *(([*command, "prod"], {"PULUMI_STACK": "dev"}) for command in naming_a_stack()),
    ],
)
def test_the_levels_are_those_of_the_stack_that_is_run_however_it_is_named(
    arguments: list[str],
    variables: dict[str, str],
    project: Path,
    pack: Path,
    environment: dict[str, str],
) -> None:
    added = defaults.environment_defaults(arguments, environment | variables, project)

    assert added[CONFIG] == str(pack / "prod.json")
    assert "PULUMI_CONFIG_PASSPHRASE" not in added


@pytest.mark.usefixtures("selected")
@pytest.mark.parametrize(
    "arguments",
    [
        ["up", "-zsprod"],
        ["up", "-z", "-sdev"],
        ["up", "-s"],
        ["up", "--stack="],
        ["up", "--message", "--stack=dev"],
        ["up", "-m", "-sdev"],
        ["--", "up", "-sprod"],
    ],
)
def test_where_the_stack_might_be_another_one_everything_is_mandatory(
    arguments: list[str], project: Path, pack: Path, environment: dict[str, str]
) -> None:
    added = defaults.environment_defaults(arguments, environment, project)

    assert added[PACK] == str(pack)
    assert CONFIG not in added
    assert "PULUMI_CONFIG_PASSPHRASE" not in added


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["up", "-c", "messaging:environment=prod"], {}),
        (["up", "-cmessaging:environment=prod"], {}),
        (["up", "-yc", "messaging:environment=prod"], {}),
        (["up", "--config=messaging:environment=prod", "-c", "messaging:ui.port=1"], {}),
        (["up", "--config-file", "other.yaml"], {}),
        (["up", "--config-file=other.yaml"], {}),
        (["up"], {"PULUMI_OPTION_CONFIG": "messaging:environment=prod"}),
        (["up"], {"PULUMI_OPTION_CONFIG_FILE": "other.yaml"}),
    ],
)
def test_where_the_line_may_make_another_environment_everything_is_mandatory(
    arguments: list[str],
    variables: dict[str, str],
    project: Path,
    pack: Path,
    environment: dict[str, str],
) -> None:
    added = defaults.environment_defaults([*arguments, "-s", "dev"], environment | variables, project)

    assert added[PACK] == str(pack)
    assert CONFIG not in added


@pytest.mark.parametrize(
    ("words", "is_known"),
    [
        (["-c", "messaging:portOffset=1000"], True),
        (["-c", "messaging:environment=prod"], True),
        (["--config-file", "other.yaml"], False),
    ],
)
def test_the_passphrase_is_that_of_the_stacks_own_file_whatever_the_line_sets(
    words: list[str], is_known: bool, project: Path, environment: dict[str, str]
) -> None:
    added = defaults.environment_defaults(["up", *words, "-s", "dev"], environment, project)

    assert ("PULUMI_CONFIG_PASSPHRASE" in added) is is_known


@pytest.mark.parametrize("words", [("-c", "messaging:portOffset=1000"), ("-m", "a new environment")])
def test_other_words_on_the_line_leave_the_environments_levels(
    words: tuple[str, str], project: Path, pack: Path, environment: dict[str, str]
) -> None:
    arguments = ["up", *words, "-s", "dev"]

    assert defaults.environment_defaults(arguments, environment, project)[CONFIG] == str(pack / "dev.json")


def test_an_environment_without_levels_gets_the_packs_own(
    project: Path, pack: Path, environment: dict[str, str]
) -> None:
    (pack / "prod.json").unlink()

    added = defaults.environment_defaults(["up", "--stack", "prod"], environment, project)

    assert PACK in added
    assert CONFIG not in added
    assert CONFIG not in defaults.environment_defaults(["up", "--stack", "new"], environment, project)


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["up", "--policy-pack", "mine"], {}),
        (["up", "--policy-pack=mine"], {}),
        (["up", "--policy-pack-config", "mine.json"], {}),
        (["up"], {PACK: "mine"}),
        (["up"], {PACK: ""}),
    ],
)
def test_packs_that_the_caller_names_win(
    arguments: list[str], variables: dict[str, str], project: Path, pack: Path, environment: dict[str, str]
) -> None:
    added = defaults.environment_defaults([*arguments, "-s", "prod"], environment | variables, project)

    assert PACK not in added
    assert CONFIG not in added


def test_a_configuration_from_the_environment_is_kept(
    project: Path, pack: Path, environment: dict[str, str]
) -> None:
    environment[CONFIG] = "strict.json"

    added = defaults.environment_defaults(["up", "-s", "prod"], environment, project)

    assert added[PACK] == str(pack)
    assert CONFIG not in added


def test_a_project_without_policies_runs_without(project: Path, environment: dict[str, str]) -> None:
    assert PACK not in defaults.environment_defaults(["up", "-s", "prod"], environment, project)
