"""The project: its folder, Pulumi.yaml, and where each stack's file lies. Reads, and changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from engine.errors import BadInput, Unsupported

if TYPE_CHECKING:
    from pathlib import Path

FILE = "Pulumi.yaml"


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
        for key in ("main", "plugins"):
            if key in document:
                raise Unsupported(f"{file} has `{key}`, which the embedded engine does not support.")
        return cls(
            name=name,
            root=root,
            description=str(document.get("description") or ""),
            defaults=_defaults(name, document.get("config") or {}),
            backend=str((document.get("backend") or {}).get("url") or ""),
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
        document = yaml.load(file.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{file} is not YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise BadInput(f"{file} holds a {type(document).__name__}; it has to be a mapping.")
    return document


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
