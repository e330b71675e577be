"""Policy packs on disk: what PulumiPolicy.yaml says, and the configuration that a pack runs with.

Reads files and decides; the pack's process is in `server`, when it is asked in `policies`.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import BadInput, Unsupported
from engine.workspace.project import load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FILE = "PulumiPolicy.yaml"
LEVELS = ("advisory", "mandatory", "disabled", "remediate")
"""Enforcement levels, in the order of the protocol's numbers."""
_LEVEL = "enforcementLevel"


@dataclass(frozen=True, kw_only=True)
class PolicySettings:
    """What one policy runs with; an empty level means the pack's own."""

    level: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Pack:
    """One pack as the command line names it.

    Attributes:
        given: Its folder as the user wrote it.
        folder: The same, absolute.
        version: What PulumiPolicy.yaml says; empty if it says nothing.
        python: The interpreter of the virtual environment that PulumiPolicy.yaml names, if it names another
            one than this engine's.
        config: The policies' settings from the configuration file.
    """

    given: str
    folder: Path
    version: str = ""
    python: Path | None = None
    config: Mapping[str, PolicySettings] = field(default_factory=dict)


def packs(folders: Sequence[str], configs: Sequence[str]) -> list[Pack]:
    """Read the packs of a command line with their configuration files.

    Raises:
        BadInput: A pack or its configuration cannot be used; nothing was started.
        Unsupported: A pack is written in another language.
    """
    if configs and len(configs) != len(folders):
        raise BadInput(
            'the number of "--policy-pack-config" flags must match the number of "--policy-pack" flags'
        )
    return [
        _read(folder, config) for folder, config in zip(folders, configs or [""] * len(folders), strict=True)
    ]


def _read(given: str, config: str) -> Pack:
    folder = Path(given).absolute()
    file = folder / FILE
    if not file.is_file():
        raise BadInput(f'failed to load Pulumi policy project located at "{given}": there is no {file}')
    document = load_yaml(file)
    runtime = document.get("runtime")
    options: Any = {}
    if isinstance(runtime, dict):
        options = runtime.get("options") or {}
        runtime = runtime.get("name")
    if runtime != "python":
        raise Unsupported(
            f"{file} says `runtime: {runtime}`; the embedded engine runs policy packs in Python alone."
        )
    if document.get("main"):
        raise Unsupported(f"{file} has `main`, which the embedded engine does not support.")
    virtual = options.get("virtualenv") if isinstance(options, dict) else None
    python = Path(os.path.normpath(folder / str(virtual))) / "bin" / "python" if virtual else None
    if python and not python.exists():
        raise BadInput(
            f"{file} names the virtual environment {virtual!r}, and there is no {python}. "
            "Install it, or take `virtualenv` out to use the interpreter of this engine."
        )
    return Pack(
        given=given,
        folder=folder,
        version=str(document.get("version") or ""),
        python=None if python == Path(sys.executable) else python,
        config=load_config(Path(config)) if config else {},
    )


def load_config(file: Path) -> dict[str, PolicySettings]:
    """Read a policy configuration file: for each policy, or for ``all``, a level or an object.

    Raises:
        BadInput: It cannot be read, or says something that is no level.
    """
    try:
        text = file.read_text(encoding="utf-8")
        document = json.loads(text) if text.strip() else {}
    except OSError as error:
        raise BadInput(f"the policy configuration {file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadInput(f"the policy configuration {file} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadInput(f"the policy configuration {file} must be an object of policy names, not {document!r}")
    if "environments" in document:
        raise BadInput(f"{file} names ESC `environments`, which a state folder does not have; take them out.")
    return {name: _settings(file, name, value) for name, value in document.items()}


def _settings(file: Path, name: str, value: Any) -> PolicySettings:
    if isinstance(value, str):
        return PolicySettings(level=_level(file, name, value))
    if isinstance(value, dict):
        given = {**value}
        level = given.pop(_LEVEL, "")
        return PolicySettings(level=_level(file, name, level) if level != "" else "", properties=given)
    raise BadInput(f'{file}: parsing "{name}": {value!r} is not a valid value; must be a string or object')


def _level(file: Path, name: str, level: Any) -> str:
    if level in LEVELS:
        return str(level)
    raise BadInput(
        f'{file}: parsing enforcement level for "{name}": {level!r} is not a valid enforcement level; '
        f"allowed are {', '.join(LEVELS)}"
    )


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One policy as its pack describes it.

    Attributes:
        stack: Whether it looks at the whole stack, not at one resource after the other.
        schema: The JSON schemas of its settings by name.
        required: Those settings that must be given.
    """

    name: str
    level: str
    stack: bool = False
    schema: Mapping[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()


def reconcile(
    policies: Sequence[Policy], *layers: Mapping[str, PolicySettings]
) -> tuple[dict[str, PolicySettings], list[str]]:
    """Return what each policy runs with, and what is wrong with that.

    Args:
        policies: All of a pack, with their defaults.
        layers: Settings by policy name, each over the one before: the pack's own, the configuration file's.
    """
    result = {
        one.name: PolicySettings(
            level=one.level,
            properties={key: said["default"] for key, said in one.schema.items() if "default" in said},
        )
        for one in policies
    }
    for layer in layers:
        every = layer.get("all", PolicySettings()).level
        for name, before in result.items():
            given = layer.get(name, PolicySettings())
            result[name] = PolicySettings(
                level=given.level or every or before.level,
                properties={**before.properties, **given.properties},
            )
    return result, sorted(_faults(policies, result))


def _faults(policies: Sequence[Policy], settings: Mapping[str, PolicySettings]) -> Iterable[str]:
    from jsonschema import Draft7Validator  # kept from every command that runs no policies

    for policy in policies:
        if not policy.schema and not policy.required:
            continue
        schema = {"type": "object", "properties": policy.schema, "required": list(policy.required)}
        for error in Draft7Validator(schema).iter_errors(dict(settings[policy.name].properties)):
            where = f"{error.json_path.removeprefix('$.')}: " if error.path else ""
            yield f"{policy.name}: {where}{error.message}"
