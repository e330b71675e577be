"""Members of nested values in a stack's file: found, set and taken out by their path. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine.errors import BadInput
from engine.workspace.scalars import WHOLE

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_value(text: str) -> Any:
    """What the CLI makes of a value inside an object: booleans and integers are recognised."""
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if re.fullmatch(r"0|-?[1-9][0-9]{0,19}", text) and int(text) in WHOLE else text


def set_path(value: Any, path: Sequence[str | int], new: Any) -> Any:
    """A copy of a nested value with one member set; missing objects and lists are made.

    Raises:
        BadInput: something on the way is of another kind, or a list has no such place.
    """
    if not path:
        return new
    head, *rest = path
    if isinstance(head, int):
        items = [] if value is None else value
        if not isinstance(items, list) or head > len(items):
            raise BadInput(f"[{head}] cannot be set: what should hold it is {value!r}.")
        inner = set_path(items[head] if head < len(items) else None, rest, new)
        return [*items[:head], inner, *items[head + 1 :]]
    members = {} if value is None else value
    if not isinstance(members, dict) or is_secure(members):
        raise BadInput(f"{head!r} cannot be set: what should hold it is {value!r}.")
    return _open({**members, head: set_path(members.get(head), rest, new)})


def without_path(value: Any, path: Sequence[str | int]) -> Any:
    """A copy of a nested value without one member; what comes after it in a list moves up.

    Raises:
        KeyError: there is none.
        BadInput: what is left would be taken for a secret.
    """
    *outer, last = path
    holder = get_path(value, outer)
    get_path(holder, [last])
    kept = (
        [item for at, item in enumerate(holder) if at != last]
        if isinstance(holder, list)
        else _open({key: item for key, item in holder.items() if key != last})
    )
    return set_path(value, outer, kept)


def get_path(value: Any, path: Sequence[str | int]) -> Any:
    """The member of a nested value at a path; a secret is one piece.

    Raises:
        KeyError: there is none.
    """
    for part in path:
        match value:
            case dict() if part in value and not is_secure(value):
                value = value[part]
            case list() if isinstance(part, int) and 0 <= part < len(value):
                value = value[part]
            case _:
                raise KeyError(part)
    return value


def is_secure(value: Any) -> bool:
    """Whether a value is a secret, as the file writes one: `{"secure": ciphertext}`."""
    return isinstance(value, dict) and set(value) == {"secure"} and isinstance(value["secure"], str)


def _open(members: dict[str | int, Any]) -> dict[str | int, Any]:
    """The members of an object. Raises BadInput where the file could not tell them from a secret."""
    if is_secure(members):
        raise BadInput(
            "`secure` cannot be an object's only member: what is written so is taken for a secret."
        )
    return members
