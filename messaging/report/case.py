"""Everything that a report about a change rests on, and the verdict that follows from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging.report.changes import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messaging.report.changes import Change
    from messaging.report.preview import Message, Preview, Violation


@dataclass(frozen=True, kw_only=True)
class Caution:
    """Why a change is not simply good, though nothing forbids it."""

    short: str
    """For the verdict; empty for what is only told."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """A change, with what was found out about it."""

    preview: Preview
    changes: Sequence[Change]
    compared: str
    """With what it was compared, as sentences."""
    is_compared: bool = True
    """Whether ``changes`` are what the change does; nothing is said of them otherwise."""
    refusals: Sequence[Message] = ()
    """Errors of checks that were asked apart: what a preview with a state would refuse."""
    by_base: Sequence[Violation] = ()
    """Mandatory violations of the base's policies that the change's own do not tell."""
    cautions: Sequence[Caution] = ()

    @property
    def errors(self) -> tuple[Message, ...]:
        """Everything that failed."""
        return (*self.preview.errors, *self.refusals)

    @property
    def blocked(self) -> bool:
        """Whether the change must not be made."""
        return self.preview.failed or bool(self.refusals or self.by_base) or not self.preview.packs

    @property
    def verdict(self) -> str:
        """The gravest thing about it."""
        return self._forbidding or self._grave or self._good

    @property
    def _forbidding(self) -> str:
        mandatory = [one for one in self.preview.violations if one.mandatory]
        if broken := len([*mandatory, *self.by_base]):
            return f"❌ blocked by {counted(broken, 'policy violation')}"
        if self.preview.failed:
            return "❌ failed"
        if self.refusals:
            return f"❌ refused: {counted(len(self.refusals), 'error')}"
        return "" if self.preview.packs else "❌ judged by no policy"

    @property
    def _grave(self) -> str:
        kinds = [change.kind for change in self.changes]
        told = [
            f"{counted(number, noun)} {what}"
            for kind, noun, what in (
                (Kind.DESTROY, "resource", "would go"),
                (Kind.ELSEWHERE, "resource", "would be looked for elsewhere"),
                (Kind.SHORTEN, "change", "would delete messages"),
            )
            if (number := kinds.count(kind))
        ]
        told += dict.fromkeys(one.short for one in self.cautions if one.short)
        return f"⚠️ {', '.join(told)}" if told else ""

    @property
    def _good(self) -> str:
        real = [change for change in self.changes if change.kind is not Kind.CHECK]
        return f"✅ {counted(len(real), 'change')}" if real else "✅ no change"


def counted(count: int, noun: str) -> str:
    """The number with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
