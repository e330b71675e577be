"""What a run tells its audience: steps, messages, program output, a summary.

Displays and JSON writers consume these; a run never prints. A sink is called from several threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from engine.resource import Resource
    from engine.values import Values


class Operation(StrEnum):
    """What a step does, in the CLI's words."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"
    CREATE_REPLACEMENT = "create-replacement"
    DELETE_REPLACED = "delete-replaced"
    READ = "read"
    DISCARD = "discard"
    REFRESH = "refresh"
    DISCARD_REPLACED = "discard-replaced"
    REMOVE_PENDING_REPLACE = "remove-pending-replace"


Phase = Literal["plan", "begin", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent:
    """One resource's step is planned, begins, is done or failed."""

    phase: Phase
    operation: Operation
    urn: str
    type: str
    old: Resource | None = None
    new: Resource | None = None
    provider: str = ""
    changed: tuple[str, ...] = ()
    """Top-level inputs that differ."""
    replacing: tuple[str, ...] = ()
    """Those that force a replacement."""
    detail: dict[str, tuple[str, Any, Any]] = field(default_factory=dict)
    """Path to kind of difference (add, update, delete; with `-replace` where it forces one), old, new."""
    logical: bool = True
    """Whether people count it: a replacement is one operation though it takes two or three steps."""
    seconds: float = 0.0
    planned: bool = False
    """Whether this is a preview's."""
    protect: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A message of the engine, a provider or the program."""

    severity: Literal["debug", "info", "info#err", "warning", "error"]
    message: str
    urn: str = ""
    stream: int = 0
    ephemeral: bool = False
    """Progress that the next message replaces."""


@dataclass(frozen=True, slots=True)
class Output:
    """One line that the program printed."""

    text: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the program gives a resource, before anything is said of it. There may be secrets in it."""

    new: Values


@dataclass(frozen=True, slots=True)
class Outputs:
    """The stack's outputs before and after."""

    old: Values
    new: Values


@dataclass(frozen=True, slots=True)
class PolicyPacksLoad:
    """A policy pack starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyViolation:
    """A policy finds fault with a resource, or with the stack under the stack's own URN."""

    urn: str
    policy: str
    pack: str
    version: str
    level: str
    """``mandatory`` fails the run, ``advisory`` does not."""
    message: str
    severity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRemediation:
    """A policy changed a resource's inputs."""

    urn: str
    policy: str
    pack: str
    version: str
    before: Values
    after: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySummary:
    """What a pack's policies said of one resource, or of the stack where ``urn`` is empty."""

    urn: str
    pack: str
    version: str
    passed: tuple[str, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a run ended."""

    changes: dict[Operation, int]
    seconds: float
    failed: bool = False
    cancelled: bool = False
    planned: bool = False
    policy_packs: dict[str, str] = field(default_factory=dict)
    """The packs that ran, as ``name|local|folder``, and their versions."""


PolicyEvent = PolicyPacksLoad | PolicyViolation | PolicyRemediation | PolicySummary
Event = StepEvent | Diagnostic | Output | Inputs | Outputs | PolicyEvent | Summary
Sink = Callable[[Event], None]
