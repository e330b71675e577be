"""What a command works on: the project, a stack of it, its state, its configuration and its passphrase."""

from __future__ import annotations

import getpass
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.display.masking import Masker
from engine.errors import BadInput, DamagedState, EngineError, NoStack, WrongPassphrase
from engine.resource import Deployment
from engine.state import backend
from engine.state.backend import Backend
from engine.workspace import passphrase as phrases
from engine.workspace.config import StackConfig
from engine.workspace.passphrase import Passphrase
from engine.workspace.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.state.snapshot import Writer
    from engine.values import Values


@dataclass
class Terminal:
    """How the command talks to its user; set once from the global flags."""

    color: str = "auto"
    non_interactive: bool = False

    @property
    def interactive(self) -> bool:
        """Whether someone can be asked."""
        return not self.non_interactive and sys.stdin.isatty() and sys.stdout.isatty()

    @property
    def colored(self) -> bool:
        """Whether to colour the output."""
        if self.color in {"always", "never", "raw"}:
            return self.color == "always"
        return sys.stdout.isatty() and "NO_COLOR" not in os.environ


TERMINAL = Terminal()


@dataclass
class Workplace:
    """The project and its stacks, without any one of them opened."""

    project: Project
    backend: Backend

    @classmethod
    def open(cls) -> Workplace:
        """The project of the current folder. Raises BadInput, Unsupported."""
        project = Project.find(Path.cwd())
        return cls(project, Backend(backend.url(os.environ, project), project))

    def stack_named(self, named: str | None) -> str:
        """The stack that is meant: the one named, else the selected one.

        Raises:
            NoStack: neither.
        """
        if named:
            return plain_name(named, self.project.name)
        selected = backend.selected(self.project, os.environ)
        if selected:
            return selected
        known = ", ".join(self.backend.stacks()) or "none yet"
        raise NoStack(
            "no stack selected; please use `pulumi stack select` to choose one, or pass --stack "
            f"(known: {known})"
        )


@dataclass
class Session:
    """One stack, opened."""

    place: Workplace
    stack: str
    config: StackConfig
    passphrase: Passphrase
    masker: Masker = field(default_factory=Masker)

    @classmethod
    def open(cls, named: str | None) -> Session:
        """Opens a stack, with its passphrase from the environment or the terminal.

        Raises:
            BadInput: there is no such stack, or no passphrase was given.
        """
        place = Workplace.open()
        stack = place.stack_named(named)
        if not place.backend.exists(stack):
            place.backend.load(
                stack, lambda salt: Passphrase("", salt)
            )  # raises, naming the stacks there are
        config = StackConfig.load(place.project, stack)
        if not config.salt:
            raise BadInput(
                f"{config.file} has no `encryptionsalt`, so the stack's secrets cannot be read. "
                "Take the line from version control."
            )
        return cls(place, stack, config, Passphrase.of(ask_passphrase(stack), config.salt))

    def load(self) -> Deployment:
        """The stack's state, freshly read; what of it is secret is masked from now on."""
        deployment = self.place.backend.load(self.stack, self.for_salt)
        for resource in deployment.resources:
            self.masker.learn(resource.inputs)
            self.masker.learn(resource.outputs)
        return deployment

    def last_look(self, *, force: bool, whole: bool) -> Deployment:
        """The state that is about to be replaced or forgotten; empty where only force gets past it.

        Args:
            force: whether one that nobody can read may go.
            whole: whether to refuse an inconsistent one.

        Raises:
            DamagedState: it cannot be used.
            WrongPassphrase: it was sealed with another key, or the passphrase is not the stack's.
        """
        try:
            return self.place.backend.load(self.stack, self.for_salt, whole=whole)
        except (DamagedState, WrongPassphrase):
            if not force:
                raise
            self.passphrase.verify()  # whoever does not know it does away with nothing
            return Deployment()

    def save(self, deployment: Deployment) -> None:
        """Writes the stack's state."""
        self.place.backend.save(self.stack, deployment, self.passphrase)

    def writer(self) -> Writer:
        """What makes the saves of one run durable."""
        return self.place.backend.writer(self.stack, self.passphrase)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the stack; raises StackLocked."""
        with self.place.backend.lock(self.stack):
            yield

    def program_config(self) -> tuple[dict[str, str], list[str]]:
        """What the program gets; what of it is secret is masked from now on."""
        self.passphrase.verify()
        for secret in self.config.secrets(self.passphrase.decrypt):
            self.masker.add(secret)
        return self.config.for_program(self.passphrase.decrypt)

    def outputs_of(self, named: str) -> Values:
        """The outputs of another stack in the same backend, for references to it.

        Raises:
            BadInput: there is no such stack.
        """
        *outer, name = named.split("/")
        project = self.place.project
        if outer and outer != ["organization"]:
            project = replace(project, name=outer[-1])
        found = Backend(self.place.backend.address, project).load(
            name,
            lambda salt: (
                Passphrase.of(ask_passphrase(name), salt) if salt != self.config.salt else self.passphrase
            ),
        )
        return found.outputs

    def for_salt(self, salt: str) -> Passphrase:
        """The passphrase provider for secrets that were encrypted with this salt.

        Raises:
            WrongPassphrase: it is not this stack's.
        """
        if not salt or salt == self.passphrase.salt:
            return self.passphrase
        raise WrongPassphrase(
            f"The state of stack {self.stack!r} was encrypted with another salt than that in "
            f"{self.config.file}. "
            "Take the `encryptionsalt` line that belongs to this state from version control."
        )


def plain_name(named: str, project: str) -> str:
    """A stack's own name, of `stack`, `project/stack` or `organization/project/stack`.

    Raises:
        BadInput: it names another project, or is no name.
    """
    *outer, name = named.split("/")
    if outer and outer[-1] != project and not (len(outer) == 1 and outer[0] == "organization"):
        raise BadInput(f"The stack {named!r} belongs to the project {outer[-1]!r}; this is {project!r}.")
    if not name or not all(letter.isalnum() or letter in "-_." for letter in name):
        raise BadInput(f"{named!r} is no stack name; letters, digits, `-`, `_` and `.` are allowed.")
    return name


def ask_passphrase(stack: str, *, new: bool = False) -> str:
    """The passphrase from the environment, else from the terminal; a new one has to be typed twice.

    Raises:
        BadInput: there is neither, or the two differ.
    """
    given = phrases.from_environment(os.environ)
    if given is not None:
        return given
    if not TERMINAL.interactive:
        raise BadInput(
            f"passphrase must be set with {phrases.VARIABLE} or {phrases.FILE_VARIABLE} environment "
            "variables when there is no terminal to ask on"
        )
    if not new:
        return getpass.getpass(f"Enter your passphrase to unlock config/secrets of {stack}: ")
    typed = getpass.getpass(f"Enter your passphrase to protect config/secrets of {stack}: ")
    if getpass.getpass("Re-enter your passphrase to confirm: ") != typed:
        raise BadInput("the two passphrases differ; nothing was created")
    if not typed:
        raise BadInput(
            f"an empty passphrase protects nothing; nothing was created. If that is meant, set "
            f"{phrases.VARIABLE} to empty"
        )
    return typed


def confirm(yes: bool, consequence: str) -> None:
    """Asks before something that cannot be undone.

    Raises:
        EngineError: the answer is no.
        BadInput: nobody can be asked.
    """
    if yes:
        return
    if not TERMINAL.interactive:
        raise BadInput(f"{consequence} Pass --yes to go on when there is no terminal to ask on.")
    if input(f"{consequence} Go on? (yes/no) ").strip().lower() not in {"yes", "y"}:
        raise EngineError("confirmation declined, nothing was changed")
