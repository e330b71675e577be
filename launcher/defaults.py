"""The project's defaults: its state folder, its policy pack, the development stack's documented passphrase.

Where the environment or a login decides, that wins. It reads files and changes none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml

import state_folder
from launcher import command_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from launcher.command_line import CommandLine

PROJECT_FILE = "Pulumi.yaml"
_DEVELOPMENT = "dev"
POLICY_PACK = "policies"
"""The folder of the pack that judges every preview and update."""
_PACK_VARIABLE = "PULUMI_OPTION_POLICY_PACK"
_PACK_CONFIG_VARIABLE = "PULUMI_OPTION_POLICY_PACK_CONFIG"
_PACK_FLAGS = ("--policy-pack", "--policy-pack-config")
_FILE_FLAG, _FILE_VARIABLE = "--config-file", "PULUMI_OPTION_CONFIG_FILE"
"""What names another file than the stack's own."""
_CONFIG_FLAG, _CONFIG_VARIABLE = "--config", "PULUMI_OPTION_CONFIG"
_DECIDING = "environment"
"""The key that decides what a stack is; the flag may be there several times, anywhere on the line."""
_STACK_VARIABLES = ("PULUMI_OPTION_STACK", "PULUMI_STACK")
_CWD_VARIABLE = "PULUMI_OPTION_CWD"
_NOTHING = frozenset({"~", "null", "Null", "NULL"})
_NAMING = (
    *(
        ("stack", command)
        for command in ("init", "new", "create", "setup", "select", "rm", "remove", "delete")
    ),
    ("cancel",),
)
"""Commands whose argument is a stack, whatever flags and variables say, in all their spellings."""


def environment_defaults(
    arguments: Sequence[str], environment: Mapping[str, str], project: Path
) -> dict[str, str]:
    """The variables to add to ``environment`` for a command with these arguments.

    Args:
        arguments: the command line after the program's name.
        environment: what the caller has set.
        project: the folder with Pulumi.yaml.
    """
    added = _own_backend(environment, project)
    line = command_line.read(arguments)
    file = stack_file(line, environment, project)
    own_file = _FILE_FLAG not in line.flags and _FILE_VARIABLE not in environment
    kind = _environment_of(file) if file is not None and own_file else None
    said = (*(arguments if _CONFIG_FLAG in line.flags else ()), environment.get(_CONFIG_VARIABLE, ""))
    certain = not any(_DECIDING in words for words in said)
    added |= _policy_pack(line, environment, project, kind if certain else None)
    if "PULUMI_CONFIG_PASSPHRASE" in environment or "PULUMI_CONFIG_PASSPHRASE_FILE" in environment:
        return added
    if kind == _DEVELOPMENT:
        # Development stacks hold no secret; their committed salt is that of the empty passphrase.
        added["PULUMI_CONFIG_PASSPHRASE"] = ""
    return added


def _policy_pack(
    line: CommandLine, environment: Mapping[str, str], project: Path, kind: str | None
) -> dict[str, str]:
    """The project's own pack with its environment's levels, unless the caller names packs."""
    named = not line.flags.keys().isdisjoint(_PACK_FLAGS)
    folder = project / POLICY_PACK
    if named or _PACK_VARIABLE in environment or not (folder / "PulumiPolicy.yaml").is_file():
        return {}
    added = {_PACK_VARIABLE: str(folder)}
    levels = folder / f"{kind}.json"
    # Without levels of its own, an environment gets those that the pack begins with: all mandatory.
    if kind and levels.is_file() and _PACK_CONFIG_VARIABLE not in environment:
        added[_PACK_CONFIG_VARIABLE] = str(levels)
    return added


def empty_passphrase(arguments: Sequence[str], environment: Mapping[str, str], project: Path) -> str | None:
    """Why an empty passphrase is refused: it protects a stack that is no development stack. Else None.

    Args:
        arguments: the command line after the program's name.
        environment: what the caller has set.
        project: the folder with Pulumi.yaml.
    """
    given = environment.get("PULUMI_CONFIG_PASSPHRASE")
    file = environment.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if given is None and file:
        try:
            given = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return None  # whatever is wrong with the file, the engine says it better
    if given != "":
        return None
    settings = stack_file(command_line.read(arguments), environment, project)
    if settings is None or _environment_of(settings) in {None, _DEVELOPMENT}:
        return None
    stack = settings.stem.removeprefix("Pulumi.")
    return (
        f"the passphrase for the stack {stack} is empty, so that anyone who has its files could read its "
        "secrets. Choose one, keep it where your team keeps such things, and set PULUMI_CONFIG_PASSPHRASE or "
        "PULUMI_CONFIG_PASSPHRASE_FILE to it."
    )


def find_project(folder: Path) -> Path | None:
    """The nearest folder upwards with a Pulumi.yaml."""
    return next((place for place in (folder, *folder.parents) if (place / PROJECT_FILE).is_file()), None)


def working_folder(arguments: Sequence[str], environment: Mapping[str, str]) -> Path | None:
    """Where the command is to run: what ``--cwd`` or its variable says, else the current folder.

    None where the current folder was deleted.
    """
    given = command_line.read(arguments).flags.get(command_line.CWD) or environment.get(_CWD_VARIABLE)
    try:
        return Path(given or ".").resolve()
    except FileNotFoundError:
        return None


def stack_file(line: CommandLine, environment: Mapping[str, str], project: Path) -> Path | None:
    """The configuration of the stack that the engine will run; None if there is none or it is not certain."""
    stack = _stack(line, environment, project)
    return None if stack is None else project / f"Pulumi.{stack}.yaml"


def _stack(line: CommandLine, environment: Mapping[str, str], project: Path) -> str | None:
    if not line.understood:
        return None
    given = (
        _positional_stack(line.words),
        line.flags.get(command_line.STACK),
        *(environment.get(variable) for variable in _STACK_VARIABLES),
    )
    named = next((name for name in given if name), None)
    return named.rsplit("/", 1)[-1] if named else _selected_stack(environment, project)


def _positional_stack(words: Sequence[str]) -> str | None:
    for command in _NAMING:
        if tuple(words[: len(command)]) == command and len(words) > len(command):
            return words[len(command)]
    return None


def _selected_stack(environment: Mapping[str, str], project: Path) -> str | None:
    from engine.errors import EngineError
    from engine.state import backend  # only commands that name no stack pay for it
    from engine.workspace.project import Project

    try:
        return backend.selected(Project.read(project), {**environment, **_own_backend(environment, project)})
    except (EngineError, RuntimeError):  # the latter is of a user without a home
        return None  # whatever is wrong with the project, the engine says it better


def _own_backend(environment: Mapping[str, str], project: Path) -> dict[str, str]:
    """The project's folder for its state, unless another place is chosen."""
    return {} if _has_backend(environment, project) else {state_folder.URL_VARIABLE: project.as_uri()}


def _has_backend(environment: Mapping[str, str], project: Path) -> bool:
    if environment.get(state_folder.URL_VARIABLE):
        return True
    named = _said(project / PROJECT_FILE, "backend", "url")
    try:
        return bool(state_folder.chosen(environment, named))
    except RuntimeError:  # a user without a home, who is logged in nowhere
        return False


def _environment_of(stack_file: Path) -> str | None:
    """What kind of platform a stack is; None where its file does not say."""
    return _said(stack_file, "config", "messaging:environment") or None


def _said(file: Path, section: str, key: str) -> str:
    """What a YAML file says under a key of one of its sections; empty where it says nothing.

    It says nothing, too, if it cannot be read: the engine tells better what is wrong with it.
    """
    try:
        # All words as they stand: no other value of the file, such as a date that is none, is in the way.
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - texts
    except (OSError, ValueError, yaml.YAMLError):
        return ""
    members = document.get(section) if isinstance(document, dict) else None
    said = members.get(key) if isinstance(members, dict) else None
    return said if isinstance(said, str) and said not in _NOTHING else ""
