"""Reads a command line for what the launcher must know before the engine reads it. Pure.

Short flags are read as the Pulumi CLI does: one by one, in clusters, with the value joined or behind ``=``.
What the two engines might read differently counts as not understood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STACK, CWD = "--stack", "--cwd"

VALUED_LETTERS: Mapping[str, str] = {
    "s": STACK,
    "C": CWD,
    "c": "--config",
    "m": "--message",
    "p": "--parallel",
    "t": "--target",
    "v": "--verbose",
}
"""Short flags that take a value, by their long names."""
PLAIN_LETTERS = frozenset("adefhijruyQ")
"""Short flags that take none, or one behind ``=`` alone."""
CREATE = "c"
"""Of `stack select`, where it takes no value."""
VALUED = frozenset(
    {
        *VALUED_LETTERS.values(),
        *("--color", "--memprofilerate", "--otel-traces", "--profiling", "--tracing", "--tracing-header"),
        *("--client", "--config-file", "--event-log", "--exclude", "--exec-agent", "--exec-kind"),
        *("--import-file", "--output", "--plan", "--policy-pack", "--policy-pack-config", "--replace"),
        *("--save-plan", "--secrets-provider", "--target-replace"),
        *("--copy-config-from", "--file", "--page", "--page-size", "--teams", "--version"),
    }
)
"""Long flags that take a value, behind ``=`` or as the next word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandLine:
    """A command line, taken apart."""

    words: tuple[str, ...]
    """The command and its arguments."""
    flags: Mapping[str, str]
    """What each flag was given last, by its long name; empty for one that takes nothing."""
    understood: bool
    """Whether nothing is left that might name another stack."""


def read(arguments: Sequence[str]) -> CommandLine:
    """Takes apart what stands behind the program's name."""
    reader = _Reader(arguments)
    reader.read()
    return CommandLine(words=tuple(reader.words), flags=reader.flags, understood=reader.understood)


class _Reader:
    """One pass over the arguments."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.words: list[str] = []
        self.flags: dict[str, str] = {}
        self.understood = True
        self._waiting = iter(arguments)

    def read(self) -> None:
        for argument in self._waiting:
            if argument == "--":
                behind = list(self._waiting)
                self.words += behind
                # Before a command's name, the embedded engine still reads flags behind it.
                self.understood &= not any(word.startswith("-") for word in behind)
            elif argument.startswith("--"):
                flag, given, value = argument.partition("=")
                self._note(flag, value if given or flag not in VALUED else self._next())
            elif argument.startswith("-") and argument != "-":
                self._letters(argument[1:])
            else:
                self.words.append(argument)

    def _letters(self, letters: str) -> None:
        for position, letter in enumerate(letters, start=1):
            behind = letters[position:]
            if letter in VALUED_LETTERS and not (letter == CREATE and self.words[:1] == ["stack"]):
                value = behind.removeprefix("=") if behind else self._next()
                self._note(VALUED_LETTERS[letter], value)
                return
            if behind.startswith("="):
                return
            if letter not in PLAIN_LETTERS and letter != CREATE:
                self.understood = False  # whether what follows is its value, nobody here knows
                return

    def _next(self) -> str:
        value = next(self._waiting, "")
        if value.startswith("-") and value != "-":
            self.understood = False  # a value for one engine, a flag for the other
        return value

    def _note(self, flag: str, value: str) -> None:
        self.flags[flag] = value
        if flag == STACK and not value:
            self.understood = False  # the engines fall back on different stacks
