"""Finds the project and what it says of itself: its files are read, no engine is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from messaging.documents import DocumentError, read_yaml
from messaging.naming import Owner

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT_FILE = "Pulumi.yaml"


class ProjectError(Exception):
    """The project, the stack or its state cannot be read; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A checkout."""

    folder: Path

    @property
    def name(self) -> str:
        """What Pulumi calls it: in labels, in configuration keys and in the states' folder.

        Raises:
            ProjectError: its file does not say, or cannot be read.
        """
        name = self._document().get("name")
        if not isinstance(name, str) or not name:
            raise ProjectError(f"{self.folder / PROJECT_FILE} has no `name`")
        return name

    @property
    def backend(self) -> str:
        """The address of the backend that the project's file names; empty if it names none.

        Raises:
            ProjectError: the file cannot be read.
        """
        return str(mapping(self._document().get("backend")).get("url") or "")

    def owner(self, stack: str) -> Owner:
        """How the labels of a stack's objects name it.

        Raises:
            ProjectError: there is no such stack, or its file cannot be read.
        """
        file = self.folder / f"Pulumi.{stack}.yaml"
        if not file.exists():
            known = sorted(path.name.split(".")[1] for path in self.folder.glob("Pulumi.*.yaml"))
            raise ProjectError(f"there is no stack {stack}: {file} is missing. Known: {', '.join(known)}")
        key = f"{self.name}:instance"
        config = mapping(document(file).get("config"))
        instance = config[key] if key in config else self._default(key)
        if not isinstance(instance, str | None):
            raise ProjectError(f"{key} is {instance!r}: a text is needed, such as team-a")
        return Owner(project=self.name, stack=stack, instance=instance or "")

    def _default(self, key: str) -> object:
        """What the project's file says for all stacks that say nothing themselves."""
        declared = mapping(self._document().get("config"))
        entry = declared.get(key, declared.get(key.rpartition(":")[2]))
        return entry.get("value", entry.get("default")) if isinstance(entry, dict) else entry

    def _document(self) -> Mapping[str, Any]:
        return document(self.folder / PROJECT_FILE)


def find_project(folder: Path | None = None) -> Project:
    """The nearest project upwards.

    Args:
        folder: where to begin; None for the current folder.

    Raises:
        ProjectError: there is none.
    """
    if folder is None:
        try:
            folder = Path.cwd()
        except FileNotFoundError:
            raise ProjectError("the current folder was removed: run this inside the project") from None
    for place in (folder, *folder.parents):
        if (place / PROJECT_FILE).is_file():
            return Project(folder=place)
    raise ProjectError(f"no {PROJECT_FILE} in {folder} or above: run this inside the project")


def document(file: Path) -> Mapping[str, Any]:
    """What a YAML file holds; nothing if that is no mapping.

    Raises:
        ProjectError: it cannot be read.
    """
    try:
        return mapping(read_yaml(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, DocumentError) as error:
        raise ProjectError(f"{file} cannot be read: {error}") from None


def mapping(value: object) -> Mapping[str, Any]:
    """A value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}
