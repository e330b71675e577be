"""The file backend: where checkpoints, locks and the selected stack lie. The CLI's own layout.

`<folder>/.pulumi/stacks/<project>/<stack>.json` holds a stack's state, a `.bak` beside it the one before the
last change. What stands in them is the business of :mod:`engine.checkpoint`.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from engine import checkpoint, faults
from engine.errors import BadInput, DamagedState, StateNotWritten, Unsupported
from engine.lock import Holder, held, holders
from engine.project import load_yaml
from engine.snapshot import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from engine.passphrase import Passphrase
    from engine.project import Project
    from engine.resource import Deployment

URL_VARIABLE = "PULUMI_BACKEND_URL"
_META = "meta.yaml"
_LAYOUT = 1
"""Stacks lie in a folder for each project; layout 0 had them all in one."""
_COMPRESSED = (".gz", ".zst")
_OWNER_ONLY = 0o600
"""State holds much that is no secret in the program's eyes and yet nobody's business."""


def home(environment: Mapping[str, str]) -> Path:
    """The CLI's own folder: credentials and which stacks are selected."""
    return Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")


def url(environment: Mapping[str, str], project: Project) -> str:
    """Which backend is meant: the environment's, the project's, or the one logged in to.

    Raises:
        BadInput: none is.
    """
    named = environment.get(URL_VARIABLE) or project.backend
    if not named:
        try:
            named = json.loads((home(environment) / "credentials.json").read_text()).get("current") or ""
        except (OSError, ValueError, AttributeError):
            named = ""
    if not named:
        raise BadInput(f"No backend is chosen. Set {URL_VARIABLE}, for example to file://{project.root}.")
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
        parsed = urlparse(address)
        if parsed.scheme != "file":
            raise Unsupported(
                f"The backend {address!r} is not supported by the embedded engine, which uses a folder: "
                f"set {URL_VARIABLE} to a file:// URL, or use the Pulumi CLI."
            )
        path = unquote(parsed.netloc + parsed.path)
        folder = Path.home() / path[2:] if path == "~" or path.startswith("~/") else Path.cwd() / path
        self.address = address
        self.folder = folder / ".pulumi"
        self._project = project
        self._check_layout()

    def file(self, stack: str) -> Path:
        """A stack's checkpoint."""
        return self.folder / "stacks" / self._project.name / f"{stack}.json"

    def stacks(self) -> list[str]:
        """The names of this project's stacks."""
        return sorted(file.stem for file in self.file("x").parent.glob("*.json"))

    def exists(self, stack: str) -> bool:
        """Whether the stack was initialised.

        Raises:
            Unsupported: it was, and its state is compressed.
        """
        file = self.file(stack)
        for ending in _COMPRESSED:
            packed = file.with_name(file.name + ending)
            if packed.exists():
                raise Unsupported(
                    f"{packed} is compressed, which the embedded engine does not support. Use the Pulumi "
                    "CLI, or let it write the state anew with neither PULUMI_DIY_BACKEND_GZIP nor "
                    "PULUMI_DIY_BACKEND_ZSTD set."
                )
        return file.exists()

    def load(self, stack: str, passphrase_for: Callable[[str], Passphrase]) -> Deployment:
        """A stack's state.

        Raises:
            BadInput: there is no such stack; the message lists those there are.
            DamagedState: its file cannot be used; it is left as it is.
            WrongPassphrase: its secrets cannot be decrypted.
        """
        file = self.file(stack)
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            known = ", ".join(self.stacks()) or "none"
            raise BadInput(
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
        verify(deployment)
        return deployment

    def summary(self, stack: str) -> tuple[str, int] | None:
        """When a stack's state was last written, and how many resources it has; None if it cannot be read."""
        try:
            latest = (
                json.loads(self.file(stack).read_text(encoding="utf-8"))["checkpoint"].get("latest") or {}
            )
            return str((latest.get("manifest") or {}).get("time", "")), len(latest.get("resources") or ())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def save(self, stack: str, deployment: Deployment, passphrase: Passphrase) -> None:
        """Writes a stack's state so that a crash at any moment leaves the old or the new one whole.

        Raises:
            StateNotWritten: it could not be; the old one is as it was.
        """
        faults.point("save.before")
        file = self.file(stack)
        text = checkpoint.encode(deployment, passphrase, stack=stack, project=self._project.name)
        try:
            self._write(file, text)
        except OSError as error:
            raise StateNotWritten(
                f"the state could not be written to {file}: {error.strerror or error}. What was saved before "
                "is whole. Make room, or make the folder writable, and run the command again."
            ) from error
        faults.point("save.after")

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

    def _write(self, file: Path, text: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        meta = self.folder / _META
        if not meta.exists():
            meta.write_text(f"version: {_LAYOUT}\n", encoding="utf-8")
        if file.exists():
            _back_up(file)
        written = file.with_name(f".{file.name}.new")
        with written.open("w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), _OWNER_ONLY)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        written.replace(file)
        _sync_folder(file.parent)

    def remove(self, stack: str) -> None:
        """Forgets a stack; its file stays beside as a backup."""
        file = self.file(stack)
        file.replace(file.with_name(f"{file.name}.bak"))

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
        return self.folder / "locks" / "organization" / self._project.name / stack

    def _check_layout(self) -> None:
        meta = self.folder / _META
        if meta.exists() and (layout := load_yaml(meta).get("version")) != _LAYOUT:
            raise Unsupported(
                f"{meta} says that the folder has layout {layout!r}; the embedded engine knows layout "
                f"{_LAYOUT}. Use the Pulumi CLI that wrote it; its `pulumi state upgrade` brings an older "
                "folder to this layout."
            )


def selected(project: Project, environment: Mapping[str, str]) -> str | None:
    """The stack that `stack select` chose for this project."""
    settings = _workspace(project.workspace_file(home(environment)))
    chosen = settings.get("stack") or ""
    by_backend = settings.get("stacks")
    if isinstance(by_backend, dict):  # newer CLIs keep one for each backend
        chosen = by_backend.get(url(environment, project)) or chosen
    return str(chosen).rsplit("/", 1)[-1] or None


def select(project: Project, environment: Mapping[str, str], stack: str | None) -> None:
    """Chooses a stack for this project; None chooses none."""
    file = project.workspace_file(home(environment))
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


def _back_up(file: Path) -> None:
    backup = file.with_name(f"{file.name}.bak")
    backup.unlink(missing_ok=True)
    try:
        os.link(file, backup)
    except OSError:  # a file system without links
        shutil.copy2(file, backup)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
