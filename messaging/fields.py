"""Checked reading of mappings that people write: configuration and the stream catalogue.

A reader takes the keys that it knows, each with its rule; what breaks a rule becomes a :class:`Fault` with
the place, what was given and what is allowed. Reading goes on, so that all faults of a file are told at once.
Who reads which file, and how the faults are shown, is decided by the callers.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DURATION_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
"""Milliseconds of a duration's unit."""

SIZE_UNITS_MIB = {"m": 1, "g": 1024}
"""MiB of a size's unit."""

_LONGEST_SHOWN = 60
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that a person must put right."""

    path: tuple[str, ...]
    """The keys that lead to it, from the top of the file."""
    problem: str
    """What was given and what is allowed, as the rest of a sentence that begins with the key's name."""
    example: str | int | None = None
    """A value that would be right; None where none can be named, as for an unknown key."""


class Fields:
    """The keys of one mapping. Ask for each valid key, then call :meth:`done`."""

    def __init__(self, values: object, faults: list[Fault], path: tuple[str, ...] = ()) -> None:
        """Begins to read.

        Args:
            values: what is there; anything but a mapping is a fault. None counts as empty.
            faults: where faults are added.
            path: the keys that lead to this mapping.
        """
        self._faults = faults
        self._path = path
        self._known: list[str] = []
        self._values: Mapping[str, object] = {}
        if isinstance(values, Mapping):
            self._values = {str(key): value for key, value in values.items()}
        elif values is not None:
            self.fault(None, f"must be a mapping of keys, but is {shown(values)}")

    def fault(self, key: str | None, problem: str, example: str | int | None = None) -> None:
        """Adds a fault of a key, or of the whole mapping if ``key`` is None."""
        path = self._path if key is None else (*self._path, key)
        self._faults.append(Fault(path, problem, example))

    def fault_at(self, below: tuple[str, ...], problem: str) -> None:
        """Adds a fault of something further down than a key."""
        self._faults.append(Fault((*self._path, *below), problem))

    def has(self, key: str) -> bool:
        """Whether a key that may be left out was given."""
        self._known.append(key)
        return key in self._values

    def names(self) -> tuple[str, ...]:
        """All keys that were given, for mappings whose keys are names."""
        self._known += self._values
        return tuple(self._values)

    def section(self, key: str) -> Fields:
        """The mapping below a key; empty if it is missing."""
        return Fields(self._take(key, None), self._faults, (*self._path, key))

    def text(
        self,
        key: str,
        default: str | None = None,
        *,
        rule: re.Pattern[str] | None = None,
        says: str = "a text",
    ) -> str:
        """A text.

        Args:
            key: its name.
            default: what it is if missing; None makes it required.
            rule: what the whole of it must match.
            says: the rule in words, with an example behind the last ``such as``.
        """
        value = self._take(key, default)
        if value == default and isinstance(value, str):
            return value
        if isinstance(value, str) and value.strip() and (rule is None or rule.fullmatch(value)):
            return value
        example = says.rpartition("such as ")[2] if "such as " in says else None
        self._wrong(key, value, says, example)
        return default or ""

    def plain(self, key: str) -> str:
        """A text, a number or a truth, in the words that properties files use; required."""
        value = self._take(key, None)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        if isinstance(value, str | int | float) and str(value).strip():
            return str(value)
        self._wrong(key, value, "a text or a number", None)
        return ""

    def texts(self, key: str, *, rule: re.Pattern[str], says: str) -> tuple[str, ...]:
        """A list of texts, each once; empty if it is missing."""
        value = self._take(key, None)
        if value is None:
            return ()
        if not isinstance(value, list):
            self._wrong(key, value, f"a list of {says}", None)
            return ()
        for number, one in enumerate(value):
            if not isinstance(one, str) or not rule.fullmatch(one):
                self.fault_at((key, str(number)), f"is {shown(one)}. It must be one of the {says}")
            elif value.index(one) != number:
                self.fault_at((key, str(number)), f"is {one} a second time")
        return tuple(dict.fromkeys(one for one in value if isinstance(one, str)))

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """One of some words; required if there is no default."""
        value = self._take(key, default)
        if value in allowed:
            return str(value)
        self._wrong(key, value, f"one of {', '.join(allowed)}", default or allowed[0])
        return default or allowed[0]

    def whole(self, key: str, default: int | None = None, *, least: int, most: int) -> int:
        """A whole number, which configuration gives as text; required if there is no default."""
        value = self._take(key, default)
        number: int | None = None
        if (
            (isinstance(value, str) and re.fullmatch(r"-?\d{1,12}", value, re.ASCII))
            or (isinstance(value, float) and value.is_integer())
            or (isinstance(value, int) and not isinstance(value, bool))
        ):
            number = int(value)
        if number is not None and least <= number <= most:
            return number
        self._wrong(
            key, value, f"a whole number from {least} to {most}", least if default is None else default
        )
        return least if default is None else default

    def duration_ms(self, key: str, default: str | None = None) -> int:
        """A duration such as ``7d`` in milliseconds; required if there is no default."""
        units = ", ".join(DURATION_UNITS_MS)
        says = f"a number above 0 with one of the units {units}"
        return self._measured(key, default, DURATION_UNITS_MS, says, "7d")

    def size_mib(self, key: str, default: str | None = None) -> int:
        """A size such as ``512m`` or ``2g`` in MiB; required if there is no default."""
        says = f"a number above 0 with one of the units {', '.join(SIZE_UNITS_MIB)}"
        return self._measured(key, default, SIZE_UNITS_MIB, says, "512m")

    def done(self) -> None:
        """Reports keys that nobody asked for, with the valid ones and the one that was probably meant."""
        for key in self._values:
            if key in self._known:
                continue
            close = difflib.get_close_matches(key, self._known, n=1)
            meant = f"Did you mean {close[0]}? " if close else ""
            self.fault(key, f"is not known. {meant}Valid here: {', '.join(sorted(self._known)) or 'nothing'}")

    def _measured(
        self, key: str, default: str | None, units: Mapping[str, int], says: str, example: str
    ) -> int:
        value = self._take(key, default)
        number = _measure(value, units)
        if number is None:
            self._wrong(key, value, f"{says}, such as {example}", default or example)
            number = _measure(default or example, units)
        return number or 1

    def _take(self, key: str, default: object) -> object:
        self._known.append(key)
        value = self._values.get(key, _ABSENT)
        return default if value is _ABSENT else value

    def _wrong(self, key: str, value: object, says: str, example: str | int | None) -> None:
        if key not in self._values:
            self.fault(key, f"is missing. It must be {says}", example)
        else:
            self.fault(key, f"is {shown(value)}. It must be {says}", example)


def shown(value: object) -> str:
    """A value as a message quotes it: short, and on one line."""
    text = "empty" if value is None else repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _measure(value: object, units: Mapping[str, int]) -> int | None:
    match = re.fullmatch(r"([1-9]\d{0,8})([a-z])", value, re.ASCII) if isinstance(value, str) else None
    return int(match[1]) * units[match[2]] if match and match[2] in units else None
