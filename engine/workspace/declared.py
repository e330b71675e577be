"""What Pulumi.yaml declares about the project's configuration: defaults, types, and what is secret.

Pure. The rules are the CLI's. How a stack's values keep to them is told by :mod:`engine.workspace.config`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import BadInput
from engine.workspace.keys import full_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]+")


def _is_whole(value: Any) -> bool:
    match value:
        case bool():
            return False
        case int():
            return True
        case float():
            return value.is_integer()
        case str():
            return bool(_WHOLE_NUMBER.fullmatch(value)) and -(2**63) <= int(value) < 2**63
    return False


_ADMITTED: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_whole,
    "boolean": lambda value: isinstance(value, bool) or value in ("true", "false"),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
}
_MEMBERS = ("type", "items", "description", "secret", "default", "value")


@dataclass(frozen=True)
class Type:
    """What kind of value a key takes.

    Attributes:
        name: `string`, `integer`, `boolean`, `object` or `array`.
        items: what each item of an array is.
    """

    name: str
    items: Type | None = None

    def __str__(self) -> str:
        """As the CLI writes it, such as `array<string>`."""
        return self.name if self.items is None else f"array<{self.items}>"

    def admits(self, value: Any) -> bool:
        """Whether a value is of this type; numbers and booleans may be texts that say them."""
        if not _ADMITTED[self.name](value):
            return False
        return self.items is None or all(self.items.admits(item) for item in value)


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What is declared about one key.

    Attributes:
        type: what its default has to be; None if that may be anything.
        secret: whether it has to be encrypted; the CLI asks for that only where there is a type.
        default: what it is where a stack does not say; None if each stack has to.
    """

    type: Type | None = None
    secret: bool = False
    default: Any = None


def read(project: str, section: Mapping[str, Any], where: str) -> dict[str, Declaration]:
    """Reads the section `config` of a project's file.

    Args:
        project: whose namespace a key without one has.
        section: keys, each with its default or with a declaration.
        where: the file, for messages.

    Returns:
        Declarations by fully named keys.

    Raises:
        BadInput: something is declared that no value could keep to, or that says nothing.
    """
    declared = {}
    for key, entry in section.items():
        full = full_key(key, project, where=f"{where}: ")
        if full in declared:
            raise BadInput(f"{where} declares {full} twice under `config`; take one of the two out.")
        try:
            declared[full] = _declaration(entry, own=full.startswith(f"{project}:"))
        except ValueError as error:
            raise BadInput(
                f"{where}: `config` declares {key} in a way that cannot be used: {error}."
            ) from error
    return declared


def _declaration(entry: Any, *, own: bool) -> Declaration:
    """One key's declaration; ValueError says what is wrong with it."""
    if not isinstance(entry, dict):
        return Declaration(default=entry)
    if unknown := [str(member) for member in entry if member not in _MEMBERS]:
        raise ValueError(f"{', '.join(unknown)} is none of {', '.join(_MEMBERS)}")
    default, value = entry.get("default"), entry.get("value")
    if default is not None and value is not None:
        raise ValueError("it has both a `default` and a `value`; keep one")
    if not own and (value is None or entry.get("type") is not None):
        raise ValueError("a key of another namespace has a `value`, and neither `type` nor `default`")
    secret = entry.get("secret", False)
    if secret is not True and secret is not False:
        raise ValueError(f"`secret` is true or false, not {secret!r}")
    of_type = _type(entry) if entry.get("type") is not None else None
    if of_type and default is not None and not of_type.admits(default):
        raise ValueError(f"its `default` {default!r} is not of the type {of_type}")
    return Declaration(type=of_type, secret=secret, default=value if default is None else default)


def _type(entry: Mapping[str, Any]) -> Type:
    name, items = entry.get("type"), entry.get("items")
    if not isinstance(name, str) or name not in _ADMITTED:
        raise ValueError(f"`type` is one of {', '.join(_ADMITTED)}, not {name!r}")
    if name != "array":
        return Type(name)
    match items:
        case dict():
            return Type("array", _type(items))
    raise ValueError("an array has `items` that say of what type they are")
