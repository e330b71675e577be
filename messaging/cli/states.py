"""What a stack's state knows of a Docker host: its file is read, no engine is asked.

People remove what a state does not know. So whatever may hide a state is refused here, and never taken for
one that knows nothing: an address that leads elsewhere, a file that cannot be read, a run under way.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import state_folder
from messaging.cli.projects import ProjectError, document
from messaging.declared import NOTHING, Declared
from messaging.declared import read as read_declared
from messaging.documents import DocumentError, read_json
from messaging.naming import ROLE_LABEL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from messaging.cli.projects import Project

_KINDS = {
    "docker:index/container:Container": "container",
    "docker:index/network:Network": "network",
    "docker:index/volume:Volume": "volume",
}
_UPGRADE = "`pulumi state upgrade` of the Pulumi CLI brings it to the layout of today"


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
class State:
    """What one state says."""

    file: Path
    there: bool
    """Whether there is such a file."""
    objects: Sequence[StateObject] = ()
    """The Docker objects that it holds, pending ones included."""
    declared: Declared = NOTHING
    """What it says that Kafka and the Schema Registry hold."""

    def knows(self, kind: str, name: str) -> bool:
        """Whether it holds this object."""
        return any((one.kind, one.name) == (kind, name) for one in self.objects)


@dataclass(frozen=True, kw_only=True, slots=True)
class StackState:
    """Where the state of a stack is kept."""

    project: Project
    stack: str
    environment: Mapping[str, str]
    folder: Path
    """The backend's."""
    fixed: bool
    """Whether it is the same wherever a command runs."""

    @property
    def file(self) -> Path:
        """The state."""
        return state_folder.stack_file(self._kept, self.project.name, self.stack)

    def whole(self) -> State:
        """The state, if it says all.

        Raises:
            ProjectError: it is there, or may be, and cannot be read from here, or not all of it.
        """
        journal = self.file.with_name(f"{self.file.name}.journal")
        if _is_there(self.file) and _is_there(journal) and journal.stat().st_size:
            raise ProjectError(
                f"what a run of the stack {self.stack} has done is not all in its state yet, but in "
                f"{journal}: a run is under way, or was killed. "
                f"{self._wait_or_cancel('brings it into the state')}"
            )
        return self.saved()

    def saved(self) -> State:
        """The state as it was last written whole; a run may have gone on since.

        Raises:
            ProjectError: it is there, or may be, and cannot be read from here.
        """
        for ending in state_folder.COMPRESSED:
            packed = self.file.with_name(self.file.name + ending)
            if _is_there(packed):
                return _read(packed)
        return _read(self.file)

    def refuse_locked(self) -> None:
        """Lets nobody decide by a state that a run is about to change.

        Raises:
            ProjectError: a run holds the stack, or was killed and left its lock; or nobody can tell.
        """
        folder = state_folder.locks(self._kept, self.project.name, self.stack)
        for lock in _locks(folder):
            raise ProjectError(
                f"the stack {self.stack} is locked by {lock}: a run is under way, or was killed. "
                f"{self._wait_or_cancel('frees the stack')}"
            )

    def refuse_doubts(self, objects: Collection[tuple[str, str]]) -> None:
        """Lets nobody remove what this state does not know, but another one may.

        Args:
            objects: kind and name of what would be removed.

        Raises:
            ProjectError: another state within reach knows one of them, or may; or this is not for sure the
                place where the stack's state is kept.
        """
        if not objects:
            return
        if not self.fixed and not self.saved().objects:
            raise ProjectError(
                f"nothing was removed: {self.file} knows nothing, but a relative address of a backend means "
                "another folder wherever a command runs, and another state may know more. If this is the "
                f"right folder, give its whole address: {state_folder.URL_VARIABLE}={self.folder.as_uri()}"
            )
        for state in self._others():
            for kind, name in objects:
                if state.knows(kind, name):
                    raise ProjectError(
                        f"nothing was removed: the {kind} {name} is in the state {state.file}, though not in "
                        f"the one that counts here, {self.file}. If that is the right one, choose it by its "
                        f"folder ({state_folder.URL_VARIABLE}), project and stack; if it is out of date, "
                        "move it away"
                    )

    def _others(self) -> Iterator[State]:
        """The other states within reach: of other stacks here, and of the places that were not chosen."""
        own = os.path.realpath(self.file)
        same_stack = (self.project.name, self.stack), ("stacks", self.stack)
        for place in self._places():
            stacks = Path(place) / state_folder.KEPT / "stacks"
            for file in sorted((*stacks.glob("*.json*"), *stacks.glob("*/*.json*"))):
                stack, _, ending = file.name.partition(".json")
                if ending not in {"", *state_folder.COMPRESSED} or os.path.realpath(file) == own:
                    continue
                try:
                    state = _read(file)
                except ProjectError as error:
                    if (file.parent.name, stack) in same_stack:
                        raise ProjectError(
                            f"nothing was removed: {error}. If it is out of date, move it away"
                        ) from None
                else:
                    yield state

    def _places(self) -> Sequence[str]:
        """The folders in which the stack's state may be, by whatever names a backend here."""
        named = [self.environment.get(state_folder.URL_VARIABLE) or "", self.project.backend]
        try:
            named.append(state_folder.login(self.environment))
        except state_folder.AddressError as error:
            if not any(named):
                raise ProjectError(
                    f"nothing was removed: nobody knows where the state is, for {error}. Say it: "
                    f"{state_folder.URL_VARIABLE}={self.project.folder.as_uri()} is the project's own folder"
                ) from None
        folders = [self.folder, self.project.folder]
        for address in filter(None, named):
            try:
                folders.append(Path.cwd() / state_folder.path(address))
            except state_folder.AddressError:
                continue  # it does not count here, and is no folder that could be looked into
        return list(dict.fromkeys(os.path.realpath(folder) for folder in folders))

    @property
    def _kept(self) -> Path:
        return self.folder / state_folder.KEPT

    def _wait_or_cancel(self, what_it_does: str) -> str:
        return f"Wait for it to end; if it was killed, `pulumi cancel --stack {self.stack}` {what_it_does}"


def find(project: Project, stack: str, environment: Mapping[str, str]) -> StackState:
    """Where a stack's state is: the environment decides, then the project, then a login.

    Raises:
        ProjectError: it cannot be read from here.
    """
    address = state_folder.chosen(environment, project.backend)
    path = project.folder
    if address:
        try:
            path = state_folder.path(address)
        except state_folder.AddressError as error:
            raise ProjectError(
                f"the state is at {state_folder.shown(address)}, which this command cannot read, for "
                f"{error}. So nobody knows here what belongs to the stack {stack}. Compare "
                f"`docker ps -a` with `pulumi stack export --stack {stack}` instead"
            ) from None
    folder = Path.cwd() / path
    if not _is_there(folder):
        raise ProjectError(
            f"the state is at {state_folder.shown(address)}, but there is no folder {folder}. Bring it back; "
            f"or, if what was in it is lost, make it anew: `mkdir -p {shlex.quote(str(folder))}`"
        )
    _refuse_other_layouts(folder / state_folder.KEPT, stack)
    return StackState(
        project=project, stack=stack, environment=environment, folder=folder, fixed=path.is_absolute()
    )


def _refuse_other_layouts(kept: Path, stack: str) -> None:
    meta = kept / state_folder.META
    if _is_there(meta) and (layout := document(meta).get("version")) != state_folder.LAYOUT:
        raise ProjectError(
            f"{meta} says that the state has layout {layout!r}, and this command reads layout "
            f"{state_folder.LAYOUT}. {_UPGRADE}"
        )
    for file in state_folder.old_layout(kept, stack):
        raise ProjectError(f"the state in {file} has layout 0, which this command does not read. {_UPGRADE}")


def _read(file: Path) -> State:
    if not _is_there(file):
        return State(file=file, there=False)
    if file.suffix in state_folder.COMPRESSED:
        raise ProjectError(
            f"the state in {file} is compressed, which this command does not read. Unset "
            "PULUMI_DIY_BACKEND_GZIP and PULUMI_DIY_BACKEND_ZSTD, and let a run of the Pulumi CLI "
            "write it anew"
        )
    try:
        content = read_json(file.read_text(encoding="utf-8"))
        objects = tuple(_objects(content))
        declared = read_declared(_resources(content))
    except (OSError, UnicodeDecodeError, DocumentError) as error:
        raise ProjectError(f"the state in {file} cannot be read: {error}") from None
    return State(file=file, there=True, objects=objects, declared=declared)


def _is_there(file: Path) -> bool:
    """Whether there is a file. Raises ProjectError where that cannot be told."""
    try:
        file.stat()
    except FileNotFoundError:
        for place in (file, *file.parents):
            if place.is_symlink() and not place.exists():
                raise ProjectError(f"{place} leads to {place.readlink()}, which is not there") from None
        return False
    except OSError as error:
        raise ProjectError(f"{file} cannot be looked at: {error.strerror}") from None
    return True


def _locks(folder: Path) -> list[Path]:
    if not _is_there(folder):
        return []
    try:  # a pattern finds nothing in a folder that may not be read
        return sorted(file for file in folder.iterdir() if file.suffix == ".json")
    except OSError as error:
        raise ProjectError(f"{folder} cannot be looked into: {error.strerror}") from None


def _latest(content: object) -> Mapping[str, Any]:
    checkpoint = _part(content, "checkpoint", dict)
    if checkpoint is None:
        raise DocumentError("it has no checkpoint, so it is no state")
    return _part(checkpoint, "latest", dict) or {}


def _resources(content: object) -> list[Any]:
    return _part(_latest(content), "resources", list) or []


def _objects(content: object) -> Iterator[StateObject]:
    latest = _latest(content)
    pending = [_part(one, "resource", dict) for one in _part(latest, "pending_operations", list) or ()]
    for found in (*_resources(content), *pending):
        kind = _KINDS.get(str(_part(found, "type", str)))
        if kind:
            inputs, outputs = _part(found, "inputs", dict) or {}, _part(found, "outputs", dict) or {}
            urn = str(found.get("urn", ""))
            yield StateObject(kind=kind, name=_name(urn, inputs, outputs), role=_role(inputs), urn=urn)


def _part(value: object, key: str, kind: type) -> Any:
    """What a mapping of a state holds under a key; None if nothing."""
    part = value.get(key) if isinstance(value, dict) else value
    if part is not None and not (isinstance(value, dict) and isinstance(part, kind)):
        raise DocumentError(f"{key} is not what a state has there")
    return part


def _name(urn: str, *properties: Mapping[str, Any]) -> str:
    for name in (one.get("name") for one in properties):
        if isinstance(name, str):
            return name
    raise DocumentError(f"{urn} has no name")


def _role(inputs: Mapping[str, Any]) -> str:
    labels = inputs.get("labels")
    labels = [one for one in labels if isinstance(one, dict)] if isinstance(labels, list) else []
    return "".join(str(one.get("value")) for one in labels if one.get("label") == ROLE_LABEL)
