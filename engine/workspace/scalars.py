"""Plain words of YAML: what the CLI takes them for, and how a text is written so that it stays one. Pure.

The CLI's YAML knows other numbers than PyYAML does (`1e3`, `0o17`, `08901`) and fewer other things (`on`,
`12:30`). A date is a text here; the CLI spells it out with its time, so that it is best put into quotes.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_SPECIAL = re.compile(r"(?P<sign>[-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9][0-9]*))"
)
_BASES = {"x": 16, "b": 2, "o": 8, "d": 10}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SEPARATOR = re.compile(r"(?<=[0-9])_(?=[0-9])")
_MISTAKABLE = re.compile(r"[-+.0-9][-+.0-9A-Fa-fOoXx_]*|[0-9]{4}-.*")
"""A superset of the texts that the CLI takes for numbers or dates without quotes."""
WHOLE = range(-(2**63), 2**64)
"""The whole numbers that the CLI has; beyond them it counts in floating point."""
_PLAIN_BELOW, _PLAIN_FROM = 1e21, 1e-6
"""Between these, the CLI writes a number without an exponent."""


def value_of(word: str) -> bool | float | str | None:
    """What the CLI takes an unquoted word for."""
    if word in _NULL:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    if special := _SPECIAL.fullmatch(word):
        return math.nan if special["sign"] is None else float(f"{special['sign']}inf")
    plain = word.replace("_", "") if word[0] in "-+0123456789" else _SEPARATOR.sub("", word)
    whole = _whole(plain)
    if whole is not None:
        return whole
    number = float(plain) if _FLOAT.fullmatch(plain) else math.inf
    return word if math.isinf(number) else number


def _whole(word: str) -> int | None:
    found = _INTEGER.fullmatch(word)
    if found is None:
        return None
    name = found.lastgroup or "d"
    value = int(found["sign"] + found[name], _BASES[name])
    return value if value in WHOLE and not (found["sign"] == "+" and value >= 2**63) else None


def is_mistakable(text: str) -> bool:
    """Whether a text has to be quoted, or the CLI might take it for a number or a date."""
    return _MISTAKABLE.fullmatch(text) is not None


def number_text(value: float) -> str:
    """A number in the CLI's digits: 1000 and not 1000.0, 1e-7 and not 1e-07."""
    if not math.isfinite(value):
        return str(value)
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    return re.sub(r"e([-+])0(?=\d)", r"e\1", repr(value))


def whole_numbers(value: Any) -> Any:
    """The value with 1000 for each 1000.0 in it."""
    match value:
        case float() if value.is_integer() and abs(value) < _PLAIN_BELOW:
            return int(value)
        case dict():
            return {key: whole_numbers(member) for key, member in value.items()}
        case list():
            return [whole_numbers(member) for member in value]
    return value
