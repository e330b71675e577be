"""The file backend: where checkpoints, locks and the selected stack lie. The CLI's own layout.

`<folder>/.pulumi/stacks/<project>/<stack>.json` holds a stack's state, a `.bak` beside it the one before the
last change. What stands in them is the business of :mod:`engine.state.checkpoint`.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import state_folder
from engine.errors import BadInput, DamagedState, NoStack, StateNotWritten, Unsupported
from engine.state import checkpoint
from engine.state.integrity import verify
from engine.state.lock import Holder, held, holders
from engine.state.statefile import StateFile
from engine.state.writer import FileWriter
from engine.workspace.project import load_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from engine.resource import Deployment
    from engine.workspace.passphrase import Passphrase
    from engine.workspace.project import Project

FOLDED = "what an interrupted run of the embedded engine recorded of the stack {stack} is in its state now"


def url(environment: Mapping[str, str], project: Project) -> str:
    """Which backend is meant: the environment's, the project's, or the one logged in to.

    Raises:
        BadInput: none is.
    """
    named = state_folder.chosen(environment, project.backend)
    if not named:
        raise BadInput(
            f"No backend is chosen. Set {state_folder.URL_VARIABLE}, for example to {project.root.as_uri()}."
        )
    return named


class Backend:
    """One project's stacks in a folder.

    Args:
        address: a `file://` URL; a relative one is relative to the current folder, as with the CLI.
        project: whose stacks.

    Raises:
        Unsupported: the address is no folder on this machine, or the folder has another layout.
    """

    def __init__(self, address: str, project: Project) -> None:
        try:
            path = state_folder.path(address)
        except state_folder.AddressError as error:
            raise Unsupported(
                f"The backend {state_folder.shown(address)!r} is not supported by the embedded engine, which "
                f"uses a folder: {error}. Set {state_folder.URL_VARIABLE} to a file:// URL, or use the "
                "Pulumi CLI."
            ) from None
        self.address = address
        self.folder = Path.cwd() / path / state_folder.KEPT
        self._project = project
        self._check_layout()

    def file(self, stack: str) -> Path:
        """A stack's checkpoint."""
        return state_folder.stack_file(self.folder, self._project.name, stack)

    def stacks(self) -> list[str]:
        """The names of this project's stacks."""
        return sorted(file.stem for file in self.file("x").parent.glob("*.json"))

    def exists(self, stack: str) -> bool:
        """Whether the stack was initialised.

        Raises:
            Unsupported: it was, and its state is compressed.
        """
        file = self.file(stack)
        for ending in state_folder.COMPRESSED:
            packed = file.with_name(file.name + ending)
            if packed.exists():
                raise Unsupported(
                    f"{packed} is compressed, which the embedded engine does not support. Use the Pulumi "
                    "CLI, or let it write the state anew with neither PULUMI_DIY_BACKEND_GZIP nor "
                    "PULUMI_DIY_BACKEND_ZSTD set."
                )
        return file.exists()

    def load(
        self, stack: str, passphrase_for: Callable[[str], Passphrase], *, whole: bool = True
    ) -> Deployment:
        """A stack's state.

        Args:
            stack: which one.
            passphrase_for: the passphrase provider for the salt that the state names.
            whole: whether to refuse an inconsistent one; whoever mends it must not.

        Raises:
            NoStack: there is no such stack; the message lists those there are.
            DamagedState: its file cannot be used; it is left as it is.
            WrongPassphrase: its secrets cannot be decrypted.
        """
        file = self.file(stack)
        try:
            text = StateFile(file).read()
        except FileNotFoundError:
            known = ", ".join(self.stacks()) or "none"
            raise NoStack(
                f"no stack named '{stack}' found (known: {known}). `pulumi stack init {stack}` makes it."
            ) from None
        except OSError as error:
            raise BadInput(f"{file} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise DamagedState(
                f"{file} is not text: {error}. {checkpoint.restore_hint(str(file))}"
            ) from error
        named = f"{self._project.name}/{stack}"
        deployment = checkpoint.decode(text, passphrase_for, where=str(file), named=named)
        try:
            if whole:
                verify(deployment)
        except DamagedState as error:
            raise DamagedState(f"{error}\n{checkpoint.restore_hint(str(file))}") from error
        return deployment

    def summary(self, stack: str) -> tuple[str, int] | None:
        """When a stack's state was last written, and how many resources it has; None if it cannot be read."""
        try:
            latest = json.loads(StateFile(self.file(stack)).read())["checkpoint"].get("latest") or {}
            return str((latest.get("manifest") or {}).get("time", "")), len(latest.get("resources") or ())
        except (OSError, ValueError, KeyError, TypeError, AttributeError, DamagedState):
            return None

    def save(self, stack: str, deployment: Deployment, passphrase: Passphrase) -> None:
        """Writes a stack's state so that a crash at any moment leaves the old or the new one whole.

        Raises:
            StateNotWritten: it could not be; the old one is as it was.
        """
        self._prepare(stack)
        StateFile(self.file(stack)).write(self._encoded(stack, deployment, passphrase))

    def writer(self, stack: str, passphrase: Passphrase) -> FileWriter:
        """What makes the saves of one run durable."""
        return FileWriter(
            StateFile(self.file(stack)),
            lambda deployment: self._encoded(stack, deployment, passphrase),
            passphrase,
        )

    def fold(self, stack: str) -> bool:
        """Brings what a killed run has recorded beside the checkpoint into it; tells whether there was any.

        Raises:
            StateNotWritten: it could not be written.
            DamagedState: the records cannot be used.
        """
        return StateFile(self.file(stack)).fold()

    def _encoded(self, stack: str, deployment: Deployment, passphrase: Passphrase) -> str:
        return checkpoint.encode(deployment, passphrase, stack=stack, project=self._project.name)

    def check_writable(self, stack: str) -> None:
        """Finds out, before anything is changed, that the state could not be written.

        Raises:
            StateNotWritten: it could not be.
        """
        file = self.file(stack)
        for place in (file, file.parent):
            if place.exists() and not os.access(place, os.W_OK):
                raise StateNotWritten(
                    f"{place} is read-only, so nothing was begun. Make it writable and run the command again."
                )

    def _prepare(self, stack: str) -> None:
        """Makes the folders of a first state. Raises StateNotWritten."""
        file, meta = self.file(stack), self.folder / state_folder.META
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if not meta.exists():
                meta.write_text(f"version: {state_folder.LAYOUT}\n", encoding="utf-8")
        except OSError as error:
            raise StateFile(file).not_written(error) from error

    def remove(self, stack: str) -> None:
        """Forgets a stack and its history, which is not the next one's; its file stays beside as a backup."""
        StateFile(self.file(stack)).remove()
        with suppress(FileNotFoundError):
            shutil.rmtree(self.history(stack))

    def history(self, stack: str) -> Path:
        """Where a stack's history lies."""
        return self.folder / "history" / self._project.name / stack

    def lock(self, stack: str) -> AbstractContextManager[None]:
        """Holds the stack while the block runs; raises StackLocked, StateNotWritten."""
        self.check_writable(stack)
        return held(self._locks(stack), stack)

    def lock_holders(self, stack: str) -> list[Holder]:
        """Who holds the stack."""
        return [Holder.read(file) for file in holders(self._locks(stack))]

    def _locks(self, stack: str) -> Path:
        return state_folder.locks(self.folder, self._project.name, stack)

    def _check_layout(self) -> None:
        meta = self.folder / state_folder.META
        if meta.exists():
            layout = load_yaml(meta).get("version")
            if layout == state_folder.LAYOUT:
                return
            says = f"{meta} says that the folder has layout {layout!r}"
        else:
            if not (old := state_folder.old_layout(self.folder)):
                return
            says = f"{old[0]} is a state of layout 0"
        raise Unsupported(
            f"{says}; the embedded engine knows layout {state_folder.LAYOUT}. Use the Pulumi CLI that wrote "
            "it; its `pulumi state upgrade` brings an older folder to this layout."
        )


def selected(project: Project, environment: Mapping[str, str]) -> str | None:
    """The stack that `stack select` chose for this project."""
    settings = _workspace(project.workspace_file(state_folder.home(environment)))
    chosen = settings.get("stack") or ""
    by_backend = settings.get("stacks")
    if isinstance(by_backend, dict):  # newer CLIs keep one for each backend
        chosen = by_backend.get(url(environment, project)) or chosen
    return str(chosen).rsplit("/", 1)[-1] or None


def select(project: Project, environment: Mapping[str, str], stack: str | None) -> None:
    """Chooses a stack for this project; None chooses none."""
    file = project.workspace_file(state_folder.home(environment))
    chosen = f"organization/{project.name}/{stack}" if stack else ""
    settings = {**_workspace(file), "stack": chosen}
    if isinstance(settings.get("stacks"), dict):
        settings["stacks"] = {**settings["stacks"], url(environment, project): chosen}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(settings, indent=4), encoding="utf-8")


def _workspace(file: Path) -> dict[str, Any]:
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}
