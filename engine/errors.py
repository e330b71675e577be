"""What can go wrong, as one tree. Each message says what, where and what to do; `exit_code` is the CLI's.

EngineError
├── Unsupported            outside the subset that this engine runs
├── BadInput               a command line, project, stack or configuration that cannot be used
│   ├── WrongPassphrase
│   ├── NoStack            the stack that is meant is not there, or none is
│   └── NoConsent          nobody has agreed, and nobody can be asked
├── StackLocked            another run holds the stack, or left its lock behind
├── DamagedState           a checkpoint that cannot be read, or must not be written
├── StateNotWritten        the disk is full, read-only or broken
├── StepFailed             one resource could not be changed
├── UnexpectedChanges      `--expect-no-changes` and there are some
└── Cancelled              interrupted by a person
"""

from __future__ import annotations


class EngineError(Exception):
    """The root: shown to people without a traceback.

    Attributes:
        exit_code: the process's exit code.
        shown: whether the user has seen the message already, so that it is not printed twice.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", shown: bool = False) -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)
        self.shown = shown


class Unsupported(EngineError):
    """Something that the Pulumi CLI can do and this engine does not; the message says what to use instead."""


class BadInput(EngineError):
    """A command line, project file, stack file or configuration that cannot be used as it is."""


class WrongPassphrase(BadInput):
    """The passphrase does not fit the stack's secrets, or there is none."""


class NoStack(BadInput):
    """There is no such stack, or nobody said which."""

    exit_code = 6


class NoConsent(BadInput):
    """A change that nobody has agreed to, where nobody can be asked."""

    exit_code = 2


class StackLocked(EngineError):
    """Another run holds the stack, or left its lock behind."""


class DamagedState(EngineError):
    """A checkpoint that is not what this engine could have written; the file is left untouched."""


class StateNotWritten(EngineError):
    """A record could not be made durable; what was saved before is whole."""


class StepFailed(EngineError):
    """One resource could not be planned or changed."""

    def __init__(self, urn: str, message: str, *, hint: str = "", shown: bool = False) -> None:
        super().__init__(message, hint=hint, shown=shown)
        self.urn = urn


class UnexpectedChanges(EngineError):
    """`--expect-no-changes` was given and there are changes."""

    exit_code = 7


class Cancelled(EngineError):
    """A person interrupted the run."""

    exit_code = 8
