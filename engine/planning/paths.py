"""Paths into property values (``a.b[0].c``, ``a["x.y"]``, ``a[*]``) and what resource options do with them.

``ignore_changes`` puts old values back (`restore`), ``replace_on_changes`` asks whether a change lies below a
path (`covers`).
Pure: no resources, no providers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine.values import Secret, hidden, reveal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.values import Values

Path = tuple[str | int, ...]

_ANY = "*"
_MISSING = object()
_PLAIN = re.compile(r"[A-Za-z0-9_]+")
_SEGMENT = re.compile(
    r"""\[(?P<index>\d+)\]          # [0]
      | \[(?P<any>\*)\]             # [*]
      | \["(?P<quoted>(?:[^"\\]|\\.)*)"\]
      | \.?(?P<name>[^.\[\]]+)      # name, .name or *
    """,
    re.VERBOSE,
)


def parse(text: str) -> Path:
    """Split a path into names, indexes and ``*``.

    Raises:
        ValueError: It is not a path; the message shows where.
    """
    segments: list[str | int] = []
    at = 0
    while at < len(text):
        match = _SEGMENT.match(text, at)
        if not match:
            msg = f"{text!r} is not a property path: it goes wrong at {text[at:]!r}"
            raise ValueError(msg)
        at = match.end()
        if match["index"]:
            segments.append(int(match["index"]))
        elif match["quoted"] is not None:
            segments.append(re.sub(r"\\(.)", r"\1", match["quoted"]))
        else:
            segments.append(match["any"] or match["name"])
    return tuple(segments)


def named(text: str) -> Path:
    """Read what a provider says has changed: a path, or the bare name of a property that is none."""
    try:
        return parse(text)
    except ValueError:
        return (text,)


def sound(selectors: Sequence[str]) -> list[str]:
    """Leave out what is no path: a state that the CLI wrote may have some, and nobody can mend those."""
    return [selector for selector in selectors if _is_path(selector)]


def text(path: Path) -> str:
    """Write a path; what is no plain name is quoted."""
    return "".join(map(_written, path)).removeprefix(".")


def _is_path(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _written(segment: str | int) -> str:
    if isinstance(segment, int):
        return f"[{segment}]"
    if _PLAIN.fullmatch(segment):
        return f".{segment}"
    quoted = re.sub(r'(["\\])', r"\\\1", segment)
    return f'["{quoted}"]'


def covers(path: Path, other: Path) -> bool:
    """Tell whether ``other`` is the path itself or lies below it."""
    return len(other) >= len(path) and all(
        mine in (_ANY, its) for mine, its in zip(path, other, strict=False)
    )


def get(given: Values, path: str) -> Any:
    """Return what is at a path, None where there is nothing."""
    found: Any = given
    for segment in named(path):
        if isinstance(found, Secret):
            return found  # whatever is below is secret too
        if isinstance(found, dict):
            found = found.get(str(segment))
        elif isinstance(found, list) and isinstance(segment, int) and segment < len(found):
            found = found[segment]
        else:
            return None
    return found


def restore(news: Values, olds: Values, selectors: Sequence[str]) -> tuple[Values, list[str]]:
    """Return the new values with the old ones put back at each selector, and the selectors that do not fit.

    A property that the old values do not have is removed. Elements of a list cannot be added or removed that
    way: where ``*`` meets some, the others have their old values back all the same.

    Raises:
        ValueError: A selector is not a path.
    """
    result: Any = news
    refused = []
    for selector in selectors:
        result, done = _restore(parse(selector), olds, result)
        if not done:
            refused.append(selector)
    return result, refused


def _restore(path: Path, old: Any, new: Any) -> tuple[Any, bool]:
    if isinstance(new, Secret):
        inner, done = _restore(path, old, new.value)
        return (inner if inner is _MISSING else Secret(reveal(inner))), done
    if not path:
        return old, True
    if isinstance(old, Secret):
        old = _members(old)
    if isinstance(old, dict) and isinstance(new, dict):
        return _restore_keys(path, old, new)
    if isinstance(old, list) and isinstance(new, list):
        return _restore_items(path, old, new)
    return new, old is _MISSING and new is _MISSING


def _members(secret: Secret) -> Any:
    """Return what is inside a secret, each member a secret of its own: it may come to stand among others."""
    if isinstance(secret.value, dict):
        return {key: hidden(value) for key, value in secret.value.items()}
    if isinstance(secret.value, list):
        return [hidden(value) for value in secret.value]
    return secret.value


def _restore_keys(path: Path, old: dict[str, Any], new: dict[str, Any]) -> tuple[Any, bool]:
    head, rest = path[0], path[1:]
    every = list(old) if rest else list({**new, **old})  # below an added key nothing has an old value
    result, fits = dict(new), True
    for key in every if head == _ANY else [str(head)]:
        value, done = _restore(rest, old.get(key, _MISSING), new.get(key, _MISSING))
        fits = fits and done
        if value is _MISSING:
            result.pop(key, None)
        else:
            result[key] = value
    return result, fits


def _restore_items(path: Path, old: list[Any], new: list[Any]) -> tuple[Any, bool]:
    head, rest = path[0], path[1:]
    common = min(len(old), len(new))
    if head == _ANY:
        indexes, fits = range(common), len(old) == len(new)
    elif isinstance(head, int):
        indexes, fits = range(head, min(head + 1, common)), head < common or head >= max(len(old), len(new))
    else:
        return new, False
    result = list(new)
    for index in indexes:
        result[index], done = _restore(rest, old[index], new[index])
        fits = fits and done
    return result, fits
