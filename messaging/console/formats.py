"""How numbers, sizes, moments and values are written. Pure.

These are the filters of the templates, and the plain form in which values go into JSON.
"""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_UNITS = (("day", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def number(value: int | None) -> str:
    """`value` with its thousands set apart by a thin space; a dash for None."""
    return "\u2013" if value is None else f"{value:,}".replace(",", "\u202f")


def size(count: int) -> str:
    """`count` bytes with a unit."""
    if count < 1024:  # noqa: PLR2004 - bytes of a KiB
        return f"{count} B"
    kibibytes = count / 1024
    return f"{kibibytes:.1f} KiB" if kibibytes < 1024 else f"{kibibytes / 1024:.1f} MiB"  # noqa: PLR2004 - KiB of a MiB


def moment(milliseconds: int | None) -> str:
    """A timestamp (ms since 1970) in UTC; the number itself where the calendar ends, a dash for None."""
    if milliseconds is None:
        return "\u2013"
    try:
        when = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return str(milliseconds)
    return f"{when:%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03d}"


def ago(milliseconds: int | None, now: float) -> str:
    """How long before `now` (seconds since 1970) a timestamp (ms) was; empty if it is unknown or to come."""
    if milliseconds is None or (seconds := int(now - milliseconds / 1000)) < 0:
        return ""
    for unit, length in _UNITS:
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return "just now"


def plain(value: Any) -> Any:
    """`value` as JSON knows it: a dataclass becomes its fields and its properties, with the same names."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        properties = [name for name, member in vars(type(value)).items() if isinstance(member, property)]
        names = [*(one.name for one in dataclasses.fields(value)), *properties]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    return value
