"""The project's defaults: its state folder, its policy pack, the development stack's documented passphrase.

Where the environment or a login decides, that wins. It reads files and changes none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROJECT_FILE = "Pulumi.yaml"
_DEVELOPMENT = "dev"
POLICY_PACK = "policies"
"""The folder of the pack that judges every preview and update."""
_PACK_VARIABLE = "PULUMI_OPTION_POLICY_PACK"
_PACK_CONFIG_VARIABLE = "PULUMI_OPTION_POLICY_PACK_CONFIG"
_PACK_FLAGS = ("--policy-pack", "--policy-pack-config")


def environment_defaults(
    arguments: Sequence[str], environment: Mapping[str, str], project: Path
) -> dict[str, str]:
    """The variables to add to ``environment`` for a command with these arguments.

    Args:
        arguments: the command line after the program's name.
        environment: what the caller has set.
        project: the folder with Pulumi.yaml.
    """
    added: dict[str, str] = {}
    if not _has_backend(environment, project):
        added["PULUMI_BACKEND_URL"] = project.as_uri()
    stack = named_stack(arguments, environment) or _selected_stack(environment, project)
    kind = _environment_of(project / f"Pulumi.{stack}.yaml") if stack is not None else None
    added |= _policy_pack(arguments, environment, project, kind)
    if "PULUMI_CONFIG_PASSPHRASE" in environment or "PULUMI_CONFIG_PASSPHRASE_FILE" in environment:
        return added
    if kind == _DEVELOPMENT:
        # Development stacks hold no secret; their committed salt is that of the empty passphrase.
        added["PULUMI_CONFIG_PASSPHRASE"] = ""
    return added


def _policy_pack(
    arguments: Sequence[str], environment: Mapping[str, str], project: Path, kind: str | None
) -> dict[str, str]:
    """The project's own pack with its environment's levels, unless the caller names packs."""
    named = any(argument.split("=", 1)[0] in _PACK_FLAGS for argument in arguments)
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
            given = Path(file).read_text().strip()
        except OSError:
            return None  # whatever is wrong with the file, the engine says it better
    if given != "":
        return None
    stack = named_stack(arguments, environment) or _selected_stack(environment, project)
    if stack is None or _environment_of(project / f"Pulumi.{stack}.yaml") in {None, _DEVELOPMENT}:
        return None
    return (
        f"the passphrase for the stack {stack} is empty, so that anyone who has its files could read its "
        "secrets. Choose one, keep it where your team keeps such things, and set PULUMI_CONFIG_PASSPHRASE or "
        "PULUMI_CONFIG_PASSPHRASE_FILE to it."
    )


def find_project(folder: Path) -> Path | None:
    """The nearest folder upwards with a Pulumi.yaml."""
    return next((place for place in (folder, *folder.parents) if (place / PROJECT_FILE).is_file()), None)


def working_folder(arguments: Sequence[str]) -> Path:
    """Where the command is to run: ``--cwd``'s value, else the current folder."""
    return (Path.cwd() / (_option(arguments, "--cwd", "-C") or ".")).resolve()


def named_stack(arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """The stack that a command line or the environment names, without its organization and project."""
    named = (
        _option(arguments, "--stack", "-s") or environment.get("PULUMI_STACK") or _positional_stack(arguments)
    )
    return named.rsplit("/", 1)[-1] if named else None


def _positional_stack(arguments: Sequence[str]) -> str | None:
    words = [argument for argument in arguments if not argument.startswith("-")]
    if words[:1] == ["stack"] and words[1:2] in (["init"], ["select"], ["rm"]) and len(words) > 2:  # noqa: PLR2004
        return words[2]
    return None


def _selected_stack(environment: Mapping[str, str], project: Path) -> str | None:
    from engine import backend  # only commands that name no stack pay for it
    from engine.errors import EngineError
    from engine.project import Project

    try:
        return backend.selected(Project.find(project), environment)
    except EngineError:
        return None  # whatever is wrong with the project, the engine says it better


def _option(arguments: Sequence[str], long: str, short: str) -> str | None:
    for position, argument in enumerate(arguments):
        if argument in (long, short):
            return arguments[position + 1] if position + 1 < len(arguments) else None
        if argument.startswith(f"{long}="):
            return argument.removeprefix(f"{long}=")
    return None


def _has_backend(environment: Mapping[str, str], project: Path) -> bool:
    if environment.get("PULUMI_BACKEND_URL"):
        return True
    settings = yaml.safe_load((project / PROJECT_FILE).read_text()) or {}
    if isinstance(settings, dict) and (settings.get("backend") or {}).get("url"):
        return True
    home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    try:
        return bool(json.loads((home / "credentials.json").read_text()).get("current"))
    except (OSError, ValueError, AttributeError):
        return False


def _environment_of(stack_file: Path) -> str | None:
    """What kind of platform a stack is; None where its file does not say."""
    try:
        settings = yaml.safe_load(stack_file.read_text()) or {}
        kind = (settings.get("config") or {}).get("messaging:environment")
    except (OSError, yaml.YAMLError, AttributeError):
        return None
    return kind if isinstance(kind, str) else None
