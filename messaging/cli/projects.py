"""Finds the project and what a stack of it is called and knows: its files are read, no engine is asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from messaging.documents import DocumentError, read_json, read_yaml
from messaging.naming import PROJECT, ROLE_LABEL, Owner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROJECT_FILE = "Pulumi.yaml"
_KINDS = {
    "docker:index/container:Container": "container",
    "docker:index/network:Network": "network",
    "docker:index/volume:Volume": "volume",
}


class ProjectError(Exception):
    """The project, the stack or its state cannot be read; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StateObject:
    """A Docker object as a state knows it."""

    kind: str
    """``container``, ``network`` or ``volume``."""
    name: str
    role: str
    """What it is for; empty if the state does not say."""
    urn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A checkout."""

    folder: Path

    def owner(self, stack: str) -> Owner:
        """How the labels of a stack's objects name it.

        Raises:
            ProjectError: there is no such stack, or its file cannot be read.
        """
        file = self.folder / f"Pulumi.{stack}.yaml"
        if not file.exists():
            known = sorted(path.name.split(".")[1] for path in self.folder.glob("Pulumi.*.yaml"))
            raise ProjectError(f"there is no stack {stack}: {file} is missing. Known: {', '.join(known)}")
        config = _mapping(_document(file).get("config"))
        return Owner(project=PROJECT, stack=stack, instance=str(config.get(f"{PROJECT}:instance") or ""))

    def known(self, stack: str, environment: Mapping[str, str]) -> set[tuple[str, str]]:
        """Kind and name of every Docker object that the stack's state holds, pending ones included.

        Raises:
            ProjectError: the state is there, or may be, and cannot be read from here.
        """
        return {(one.kind, one.name) for one in self.objects(stack, environment)}

    def objects(self, stack: str, environment: Mapping[str, str]) -> list[StateObject]:
        """The Docker objects that the stack's state holds, pending ones included.

        Raises:
            ProjectError: the state is there, or may be, and cannot be read from here, or not all of it.
        """
        file = self._state(stack, environment)
        journal = file.with_name(f"{file.name}.journal")
        if file.exists() and _holds_anything(journal):
            raise ProjectError(
                f"what a run of the stack {stack} has done is not all in its state yet, but in {journal}: a "
                f"run is under way, or was killed. {_wait_or_cancel(stack, 'brings it into the state')}"
            )
        return self.saved(stack, environment)

    def saved(self, stack: str, environment: Mapping[str, str]) -> list[StateObject]:
        """The Docker objects of the state as it was last written whole; a run may have gone on since.

        Raises:
            ProjectError: the state is there, or may be, and cannot be read from here.
        """
        file = self._state(stack, environment)
        if not file.exists():
            packed = file.with_name(f"{file.name}.gz")
            if packed.exists():
                raise ProjectError(f"the state in {packed} is compressed, which this command does not read")
            return []
        try:
            latest = _mapping(_mapping(_mapping(read_json(file.read_text())).get("checkpoint")).get("latest"))
        except (OSError, UnicodeDecodeError, DocumentError) as error:
            raise ProjectError(f"the state in {file} cannot be read: {error}") from None
        return list(_objects(latest))

    def refuse_locked(self, stack: str, environment: Mapping[str, str]) -> None:
        """Lets nobody decide by a state that a run is about to change.

        Raises:
            ProjectError: a run holds the stack, or was killed and left its lock; or nobody can tell.
        """
        folder = self._backend(environment) / ".pulumi" / "locks" / "organization" / PROJECT / stack
        for lock in sorted(folder.glob("*.json")):
            raise ProjectError(
                f"the stack {stack} is locked by {lock}: a run is under way, or was killed. "
                f"{_wait_or_cancel(stack, 'frees the stack')}"
            )

    def _state(self, stack: str, environment: Mapping[str, str]) -> Path:
        return self._backend(environment) / ".pulumi" / "stacks" / PROJECT / f"{stack}.json"

    def _backend(self, environment: Mapping[str, str]) -> Path:
        """The folder of the state: the environment decides, then the project, then a login."""
        url = (
            environment.get("PULUMI_BACKEND_URL")
            or str(_mapping(_document(self.folder / PROJECT_FILE).get("backend")).get("url") or "")
            or _login(environment)
        )
        if not url:
            return self.folder
        if not url.startswith("file://"):
            raise ProjectError(
                f"the state is at {url}, which this command cannot read, so nobody knows what is left over. "
                "Compare `docker ps -a` with `pulumi stack export` instead"
            )
        return (self.folder / Path(url.removeprefix("file://")).expanduser()).resolve()


def find_project(folder: Path) -> Project:
    """The nearest project upwards.

    Raises:
        ProjectError: there is none.
    """
    for place in (folder, *folder.parents):
        if (place / PROJECT_FILE).is_file():
            return Project(folder=place)
    raise ProjectError(f"no {PROJECT_FILE} in {folder} or above: run this inside the project")


def _holds_anything(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def _wait_or_cancel(stack: str, what_it_does: str) -> str:
    return f"Wait for it to end; if it was killed, `pulumi cancel --stack {stack}` {what_it_does}"


def _objects(latest: Mapping[str, Any]) -> Iterator[StateObject]:
    pending = [_mapping(operation).get("resource") for operation in latest.get("pending_operations") or ()]
    for resource in (*(latest.get("resources") or ()), *pending):
        found = _mapping(resource)
        kind = _KINDS.get(found.get("type", ""))
        inputs = _mapping(found.get("inputs"))
        name, labels = inputs.get("name"), inputs.get("labels")
        if kind and isinstance(name, str):
            roles = [
                str(_mapping(label).get("value"))
                for label in (labels if isinstance(labels, list) else ())
                if _mapping(label).get("label") == ROLE_LABEL
            ]
            yield StateObject(kind=kind, name=name, role="".join(roles), urn=str(found.get("urn", "")))


def _document(file: Path) -> Mapping[str, Any]:
    try:
        return _mapping(read_yaml(file.read_text()))
    except (OSError, UnicodeDecodeError, DocumentError) as error:
        raise ProjectError(f"{file} cannot be read: {error}") from None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _login(environment: Mapping[str, str]) -> str:
    home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    try:
        return str(json.loads((home / "credentials.json").read_text()).get("current") or "")
    except (OSError, ValueError, AttributeError):
        return ""
