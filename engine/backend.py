"""The file backend: where checkpoints, locks and the selected stack lie. The CLI's own layout.

`<folder>/.pulumi/stacks/<project>/<stack>.json` holds a stack's state, a `.bak` beside it the one before the
last change. What stands in them is the business of :mod:`engine.checkpoint`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from engine import checkpoint, faults
from engine.errors import BadInput, Unsupported
from engine.lock import Holder, held, holders
from engine.snapshot import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from engine.passphrase import Passphrase
    from engine.project import Project
    from engine.resource import Deployment

URL_VARIABLE = "PULUMI_BACKEND_URL"


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
        address: a `file://` URL; a relative one is relative to the project's folder.
        project: whose stacks.

    Raises:
        Unsupported: the address is no folder on this machine.
    """

    def __init__(self, address: str, project: Project) -> None:
        parsed = urlparse(address)
        if parsed.scheme != "file":
            raise Unsupported(
                f"The backend {address!r} is not supported by the embedded engine, which uses a folder: "
                f"set {URL_VARIABLE} to a file:// URL, or use the Pulumi CLI."
            )
        path = unquote(parsed.netloc + parsed.path)
        folder = Path.home() / path[2:] if path.startswith("~/") else project.root / path
        self.address = address
        self.folder = folder / ".pulumi"
        self._project = project

    def file(self, stack: str) -> Path:
        """A stack's checkpoint."""
        return self.folder / "stacks" / self._project.name / f"{stack}.json"

    def stacks(self) -> list[str]:
        """The names of this project's stacks."""
        return sorted(file.stem for file in self.file("x").parent.glob("*.json"))

    def exists(self, stack: str) -> bool:
        """Whether the stack was initialised."""
        return self.file(stack).exists()

    def load(self, stack: str, passphrase_for: Callable[[str], Passphrase]) -> Deployment:
        """A stack's state.

        Raises:
            BadInput: there is no such stack; the message lists those there are.
            DamagedState: its file cannot be used; it is left as it is.
            WrongPassphrase: its secrets cannot be decrypted.
        """
        file = self.file(stack)
        try:
            text = file.read_text()
        except FileNotFoundError:
            known = ", ".join(self.stacks()) or "none"
            raise BadInput(
                f"no stack named '{stack}' found (known: {known}). `pulumi stack init {stack}` makes it."
            ) from None
        except OSError as error:
            raise BadInput(f"{file} cannot be read: {error.strerror}.") from error
        deployment = checkpoint.decode(text, passphrase_for, where=str(file))
        verify(deployment)
        return deployment

    def save(self, stack: str, deployment: Deployment, passphrase: Passphrase) -> None:
        """Writes a stack's state so that a crash at any moment leaves the old or the new one whole."""
        faults.point("save.before")
        file = self.file(stack)
        text = checkpoint.encode(deployment, passphrase, stack=stack, project=self._project.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        meta = self.folder / "meta.yaml"
        if not meta.exists():
            meta.write_text("version: 1\n")
        if file.exists():
            backup = file.with_name(f"{file.name}.bak")
            backup.unlink(missing_ok=True)
            os.link(file, backup)
        written = file.with_name(f".{file.name}.new")
        with written.open("w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        written.replace(file)
        _sync_folder(file.parent)
        faults.point("save.after")

    def remove(self, stack: str) -> None:
        """Forgets a stack; its file stays beside as a backup."""
        file = self.file(stack)
        file.replace(file.with_name(f"{file.name}.bak"))

    def lock(self, stack: str) -> AbstractContextManager[None]:
        """Holds the stack while the block runs; raises StackLocked."""
        return held(self._locks(stack), stack)

    def lock_holders(self, stack: str) -> list[Holder]:
        """Who holds the stack."""
        return [Holder.read(file) for file in holders(self._locks(stack))]

    def _locks(self, stack: str) -> Path:
        return self.folder / "locks" / "organization" / self._project.name / stack


def selected(project: Project, environment: Mapping[str, str]) -> str | None:
    """The stack that `stack select` chose for this project."""
    try:
        chosen = json.loads(project.workspace_file(home(environment)).read_text()).get("stack")
    except (OSError, ValueError, AttributeError):
        return None
    return str(chosen).rsplit("/", 1)[-1] if chosen else None


def select(project: Project, environment: Mapping[str, str], stack: str | None) -> None:
    """Chooses a stack for this project; None chooses none."""
    file = project.workspace_file(home(environment))
    file.parent.mkdir(parents=True, exist_ok=True)
    chosen = f"organization/{project.name}/{stack}" if stack else ""
    file.write_text(json.dumps({"stack": chosen}, indent=4) + "\n")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
