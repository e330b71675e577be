"""Judging inputs before anything is done: every fault at once, then the official provider's defaults.

Which properties there are comes from `schema`; rules that no table can hold are each resource's own.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.values import UNKNOWN, Values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.providers.schema import Property

DEFAULTS = "__defaults"
_OF_THE_ENGINE = {"version", "pluginDownloadURL"}
_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "list": list,
    "set": list,
    "map": dict,
    "object": dict,
}
_CALLED = {
    "list": "a list",
    "set": "a list",
    "map": "an object of strings",
    "object": "an object",
    "integer": "an integer",
}


@dataclass(frozen=True)
class Failure:
    """Why inputs are refused; ``property`` is the path of the culprit."""

    property: str
    reason: str


def check(properties: Mapping[str, Property], given: Values, owner: str) -> tuple[Values, list[Failure]]:
    """Validate an object's inputs and complete them.

    Args:
        properties: The object's properties.
        given: What the program says; unknown values pass.
        owner: What the object is called in messages.

    Returns:
        The inputs with defaults, whose names stand under ``__defaults`` as the official provider lists them,
        and the faults.
    """
    failures: list[Failure] = []
    return _object(properties, given, owner, "", failures), failures


def named(properties: Mapping[str, Property], olds: Values, news: Values, name: str, seed: bytes) -> Values:
    """Return a name for what has none: the one it has already, or its own with seven random letters.

    What is named so can be replaced without deleting the old one first. The result goes into `check` beside
    the given inputs, and its keys belong to ``__defaults``.
    """
    missing = [key for key, given in properties.items() if given.named and news.get(key) is None]
    kept = set(olds.get(DEFAULTS, ()))
    return {
        key: olds[key] if key in kept and key in olds else f"{name}-{hashlib.sha256(seed).hexdigest()[:7]}"
        for key in missing
    }


def configuration(properties: Mapping[str, Property], given: Values) -> Values:
    """Take a provider's configuration out of what engines send: what is no string comes as JSON text."""
    config = {}
    for name, value in plain(given).items():
        if name in _OF_THE_ENGINE:
            continue
        known = properties.get(name)
        config[name] = value
        if known and known.type != "string" and isinstance(value, str):
            with suppress(ValueError):  # the check will say what it must be
                config[name] = json.loads(value)
    return config


def plain(value: Any) -> Any:
    """Drop nulls, and what begins with two underscores: notes of a provider to itself."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items() if v is not None and not key.startswith("__")}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _object(
    properties: Mapping[str, Property], given: Values, owner: str, at: str, failures: list[Failure]
) -> Values:
    checked: Values = {}
    allowed = {name: p for name, p in properties.items() if not p.output and not p.refused}
    for name, value in given.items():
        if name.startswith("__") or value is None:
            continue
        path = f"{at}.{name}" if at else name
        if name in allowed:
            checked[name] = _value(allowed[name], value, owner, path, failures)
        else:
            failures.append(Failure(path, _unknown(properties.get(name), name, sorted(allowed), owner)))
    failures.extend(
        Failure(f"{at}.{name}" if at else name, f"{owner} needs '{name}': give it explicitly")
        for name, p in allowed.items()
        if p.required and name not in checked and given.get(name) is None
    )
    defaults = [name for name, p in allowed.items() if p.default is not None and name not in checked]
    checked.update({name: allowed[name].default for name in defaults})
    checked[DEFAULTS] = sorted(defaults)
    return checked


def _unknown(known: Property | None, name: str, valid: list[str], owner: str) -> str:
    if known and known.refused:
        return f"'{name}' of {owner} is not supported here: {known.refused}"
    if known:
        return f"'{name}' of {owner} can be read but not set"
    close = difflib.get_close_matches(name, valid, 1)
    meant = f"; did you mean '{close[0]}'?" if close else "."
    return f"{owner} has no property '{name}'{meant} It has: {', '.join(valid)}"


def _value(given: Property, value: Any, owner: str, path: str, failures: list[Failure]) -> Any:
    """Check one value. Messages about types show none: it may be a secret."""
    if value is UNKNOWN:
        return value
    wanted: Any = _TYPES[given.type]
    # To Python a boolean is an integer; to Docker and Kafka it is not.
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        called = _CALLED.get(given.type, f"a {given.type}")
        failures.append(Failure(path, f"'{path}' of {owner} must be {called}, not {_name(value)}"))
        return value
    if given.items:
        return [
            _value(given.items, item, owner, f"{path}[{index}]", failures) for index, item in enumerate(value)
        ]
    if given.type == "object":
        return _object(given.properties, value, owner, path, failures)
    if given.type == "map":
        for key, member in value.items():
            if not isinstance(member, str) and member is not UNKNOWN:
                reason = (
                    f"'{key}' in '{path}' of {owner} must be a string, not {_name(member)}: put it in quotes"
                )
                failures.append(Failure(path, reason))
    _limits(given, value, owner, path, failures)
    return value


def _limits(given: Property, value: Any, owner: str, path: str, failures: list[Failure]) -> None:
    if given.values and value not in given.values:
        reason = f"'{path}' of {owner} must be one of {', '.join(given.values)}, not '{value}'"
        failures.append(Failure(path, reason))
    if given.range and (value < given.range[0] or value > given.range[-1] > given.range[0]):
        most = f" and at most {given.range[1]}" if given.range[1:] else ""
        failures.append(
            Failure(path, f"'{path}' of {owner} must be at least {given.range[0]}{most}, not {value}")
        )


def _name(value: Any) -> str:
    names = {
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null" if value is None else f"a {type(value).__name__}")
