"""The project: its folder, Pulumi.yaml, and where each stack's file lies. Reads, and changes nothing."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from engine.errors import BadInput, Unsupported

if TYPE_CHECKING:
    from pathlib import Path

FILE = "Pulumi.yaml"
_REFUSED = ("main", "plugins", "options", "stackConfigDir", "packages", "requiredPulumiVersion")
"""What a project may say that changes how it is run, and that would be ignored here."""


@dataclass(frozen=True)
class Project:
    """A Pulumi project with a Python program."""

    name: str
    root: Path
    """The folder of Pulumi.yaml; the program runs there."""
    description: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)
    """Fully named configuration keys with the values that Pulumi.yaml gives them."""
    backend: str = ""
    """`backend.url`, if the file has one."""

    @classmethod
    def find(cls, folder: Path) -> Project:
        """The project of a folder or of the nearest folder above it.

        Raises:
            BadInput: there is none, or its file cannot be used.
            Unsupported: the program is in another language, or the file asks for more than this engine does.
        """
        for place in (folder, *folder.parents):
            if (place / FILE).is_file():
                return cls._load(place)
        raise BadInput(
            f"No {FILE} in {folder} or any folder above it. Change into the project or pass --cwd."
        )

    @classmethod
    def _load(cls, root: Path) -> Project:
        file = root / FILE
        document = load_yaml(file)
        name = document.get("name")
        if not isinstance(name, str) or not name:
            raise BadInput(f"{file} has no `name`.")
        runtime = document.get("runtime")
        language = runtime.get("name") if isinstance(runtime, dict) else runtime
        if language != "python":
            raise Unsupported(
                f"{file} says `runtime: {language}`; the embedded engine runs Python programs alone."
            )
        if refused := [key for key in _REFUSED if document.get(key)]:
            raise Unsupported(f"{file} has {', '.join(refused)}, which the embedded engine does not support.")
        return cls(
            name=name,
            root=root,
            description=str(document.get("description") or ""),
            defaults=_defaults(name, _mapping(document, "config", file)),
            backend=str(_mapping(document, "backend", file).get("url") or ""),
        )

    def stack_file(self, stack: str) -> Path:
        """Where a stack's configuration lies."""
        return self.root / f"Pulumi.{stack}.yaml"

    def workspace_file(self, home: Path) -> Path:
        """Where the CLI keeps which stack is selected."""
        digest = hashlib.sha1(str(self.root / FILE).encode(), usedforsecurity=False).hexdigest()
        return home / "workspaces" / f"{self.name}-{digest}-workspace.json"


def load_yaml(file: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping.

    Raises:
        BadInput: it cannot be read, or is something else.
    """
    try:
        return parse_yaml(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{file} is not text in UTF-8: {error}.") from error


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """YAML that holds a mapping, read as the CLI reads it; an empty text is an empty mapping.

    Raises:
        BadInput: it is something else.
    """
    try:
        document = yaml.load(text, Loader=_loader())  # noqa: S506 - a kind of safe loader
    except (yaml.YAMLError, ValueError) as error:
        raise BadInput(f"{where} is not YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise BadInput(f"{where} has to be a mapping of names to values.")
    return document


@cache
def _loader() -> type[yaml.SafeLoader]:
    """A loader that takes the same words for text as the CLI's: `on`, `yes`, `12:30` and dates."""
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: type[yaml.SafeLoader] = type("_Loader", (base,), {})
    kept = {"tag:yaml.org,2002:float", "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"}
    loader.yaml_implicit_resolvers = {
        first: [(tag, shape) for tag, shape in resolvers if tag in kept]
        for first, resolvers in base.yaml_implicit_resolvers.items()
    }
    loader.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")
    )
    loader.add_implicit_resolver(
        "tag:yaml.org,2002:int",
        re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]*|[1-9][0-9_]*)\Z"),
        list("-+0123456789"),
    )
    return loader


def _mapping(document: dict[str, Any], key: str, file: Path) -> dict[str, Any]:
    value = document.get(key) or {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise BadInput(f"{file}: `{key}` has to be a mapping of names to values.")
    return value


def _defaults(project: str, declared: dict[str, Any]) -> dict[str, Any]:
    """The values of `config`: given alone, or as `value` or `default` of a description."""
    defaults: dict[str, Any] = {}
    for key, entry in declared.items():
        name = key if ":" in key else f"{project}:{key}"
        if not isinstance(entry, dict):
            defaults[name] = entry
        elif "value" in entry:
            defaults[name] = entry["value"]
        elif "default" in entry:
            defaults[name] = entry["default"]
    return defaults
