"""The notations that Docker's settings use: durations as Go writes them, processors as decimals."""

from __future__ import annotations

import re
from decimal import Decimal

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def nanoseconds(duration: str) -> int:
    """Read a duration such as ``1m30s`` or ``500ms``.

    Raises:
        ValueError: It is not one.
    """
    if duration == "0":
        return 0
    if not duration or _PART.sub("", duration):
        msg = f"'{duration}' is no duration; write it like 10s, 1m30s or 500ms"
        raise ValueError(msg)
    return sum(int(Decimal(number) * _NANOSECONDS[unit]) for number, unit in _PART.findall(duration))


def duration(nanos: int) -> str:
    """Write a duration the way Go does: ``1m30s``, ``1.5s``, ``500ms``."""
    if nanos == 0:
        return "0s"
    for unit in ("ns", "µs", "ms"):
        if nanos < 1000 * _NANOSECONDS[unit]:
            return _decimal(Decimal(nanos) / _NANOSECONDS[unit]) + unit
    seconds = Decimal(nanos) / _NANOSECONDS["s"]
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = _decimal(rest) + "s"
    if seconds >= 60:  # noqa: PLR2004 - a minute
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text


def nano_cpus(cpus: str) -> int:
    """Read a number of processors such as ``1.5``, in billionths.

    Raises:
        ValueError: It is not one.
    """
    if not re.fullmatch(r"\d+(\.\d*)?", cpus):
        msg = f"'{cpus}' is no number of processors; write it like 1.5"
        raise ValueError(msg)
    return int(Decimal(cpus) * 10**9)


def cpus(nanos: int) -> str:
    """Write a number of processors as the official provider does: ``0.5``, ``2.0``, but ``10.`` for ten."""
    number = Decimal(nanos) / 10**9
    text = f"{number:.9f}"
    round_number = 9  # it has so many zeros, says the official provider; others may end with their point
    return f"{number:.1f}" if text.count("0") == round_number else text.rstrip("0")


def _decimal(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
