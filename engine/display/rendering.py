"""How operations, values and differences read, as text. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from engine.display.masking import MASK
from engine.events import Operation
from engine.urn import name_of, type_of
from engine.values import UNKNOWN, ResourceReference, Secret, flatten, reveal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.display.masking import Masker
    from engine.events import StepEvent, Summary

SYMBOLS = {
    Operation.SAME: " ",
    Operation.CREATE: "+",
    Operation.UPDATE: "~",
    Operation.DELETE: "-",
    Operation.REPLACE: "+-",
    Operation.CREATE_REPLACEMENT: "++",
    Operation.DELETE_REPLACED: "--",
    Operation.READ: ">",
    Operation.REFRESH: "~",
    Operation.DISCARD: "<",
    Operation.DISCARD_REPLACED: "<",
    Operation.REMOVE_PENDING_REPLACE: "~",
}
STYLES = {"+": "green", "~": "yellow", "-": "red", "+-": "magenta", "++": "green", "--": "red", ">": "cyan"}
_PROGRESS = {
    Operation.CREATE: ("creating", "created", "create"),
    Operation.UPDATE: ("updating", "updated", "update"),
    Operation.DELETE: ("deleting", "deleted", "delete"),
    Operation.REPLACE: ("replacing", "replaced", "replace"),
    Operation.CREATE_REPLACEMENT: ("creating replacement", "created replacement", "create replacement"),
    Operation.DELETE_REPLACED: ("deleting original", "deleted original", "delete original"),
    Operation.READ: ("reading", "read", "read"),
    Operation.DISCARD: ("discarding", "discarded", "discard"),
    Operation.REFRESH: ("refreshing", "refreshed", "refresh"),
    Operation.SAME: ("", "unchanged", ""),
}
_COUNTED = {
    Operation.CREATE: ("created", "to create"),
    Operation.UPDATE: ("updated", "to update"),
    Operation.DELETE: ("deleted", "to delete"),
    Operation.REPLACE: ("replaced", "to replace"),
    Operation.READ: ("read", "to read"),
    Operation.DISCARD: ("discarded", "to discard"),
    Operation.REFRESH: ("refreshed", "to refresh"),
}
_NO_CHANGE = {Operation.READ, Operation.DISCARD}
"""Told and counted, and yet nothing changes: somebody else made these."""
_LONGEST = 400
"""Characters of one value in a diff; what is cut is counted."""


def verb(event: StepEvent) -> str:
    """What is happening to a resource, in a word or two."""
    doing, done, plan = _PROGRESS.get(event.operation, (str(event.operation),) * 3)
    match event.phase:
        case "begin":
            return plan if event.planned else doing
        case "failed":
            return f"{doing or 'step'} failed"
    return plan if event.planned else done


def short_type(urn: str) -> str:
    """The type as people know it: `docker:Container` for `docker:index/container:Container`."""
    package, _, rest = type_of(urn).partition(":")
    module, _, name = rest.rpartition(":")
    middle = module.split("/")[0]
    return f"{package}:{name}" if middle in {"", "index"} else f"{package}:{middle}:{name}"


def label(urn: str) -> str:
    """The resource for one line: type and name."""
    return f"{short_type(urn)} {name_of(urn)}"


def duration(seconds: float) -> str:
    """Seconds for people."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.0f}s"
    return f"{int(seconds) // 60}m{int(seconds) % 60}s"


def uneventful(event: StepEvent) -> bool:
    """Whether a step changes nothing: the resource is as wanted, or was found as it was known."""
    if event.operation is Operation.REFRESH:
        return event.new is not None and not event.changed
    return event.operation is Operation.SAME


def line(event: StepEvent) -> str:
    """One line about a step."""
    symbol = SYMBOLS[event.operation]
    took = f" ({duration(event.seconds)})" if event.phase in {"done", "failed"} and not event.planned else ""
    return f" {symbol:<2} {label(event.urn)} {verb(event)}{took} {changes_of(event)}".rstrip()


def style(event: StepEvent) -> str:
    """The colour of a step."""
    return "red" if event.phase == "failed" else STYLES.get(SYMBOLS[event.operation], "")


def changes_of(event: StepEvent) -> str:
    """Which inputs a step changes, for the end of a line."""
    if event.operation is Operation.REFRESH and event.new is None:
        return "[it is gone]"
    if event.operation in {Operation.UPDATE, Operation.REPLACE, Operation.REFRESH} and event.changed:
        return f"[diff: {','.join('~' + key for key in sorted(event.changed))}]"
    return ""


def summary(event: Summary) -> list[str]:
    """The lines that end a run."""
    lines = ["Resources:"]
    changed = 0
    for operation, (done, planned) in _COUNTED.items():
        count = event.changes.get(operation, 0)
        if count:
            changed += count if operation not in _NO_CHANGE else 0
            lines.append(f"    {SYMBOLS[operation]} {count} {planned if event.planned else done}")
    unchanged = event.changes.get(Operation.SAME, 0)
    if changed:
        total = f"    {changed} {'change' if changed == 1 else 'changes'}"
        lines.append(f"{total}. {unchanged} unchanged" if unchanged else total)
    else:
        lines.append(f"    {unchanged} unchanged")
    if not event.planned:
        lines += ["", f"Duration: {duration(event.seconds)}"]
    return lines


def outputs(values: dict[str, Any], *, show_secrets: bool = False) -> list[str]:
    """The stack's outputs, one below the other."""
    if not values:
        return []
    width = max(len(key) for key in values)
    lines = ["Outputs:"]
    for key in sorted(values):
        rendered = text(values[key], show_secrets=show_secrets, indent=4)
        lines.append(f"    {key.ljust(width)}: {rendered}")
    return lines


def text(value: Any, *, show_secrets: bool = False, indent: int = 0) -> str:
    """A value as text: JSON, with secrets hidden and unknown values named."""
    plain = plainly(value, show_secrets=show_secrets)
    rendered = (
        json.dumps(plain, indent=4, ensure_ascii=False) if isinstance(plain, dict | list) else _leaf(plain)
    )
    return rendered.replace("\n", "\n" + " " * indent)


def plainly(value: Any, *, show_secrets: bool = False) -> Any:
    """A value as JSON can say it."""
    match flatten(value):
        case Secret(value=inner):
            return plainly(inner, show_secrets=True) if show_secrets else MASK
        case ResourceReference() as reference:
            return plainly(reference.id) or reference.urn
        case dict() as members:
            return {key: plainly(member, show_secrets=show_secrets) for key, member in members.items()}
        case list() as items:
            return [plainly(item, show_secrets=show_secrets) for item in items]
        case plain:
            return "[unknown]" if plain is UNKNOWN else plain


def difference(event: StepEvent, masker: Masker) -> Iterator[str]:
    """The lines that `--diff` shows of one step: what of its inputs is added, removed or changed."""
    symbol = SYMBOLS[event.operation]
    yield f"{symbol:>2} {label(event.urn)}: ({verb(event)})"
    olds = event.old.inputs if event.old and event.operation is not Operation.CREATE else {}
    news = event.new.inputs if event.new and event.operation is not Operation.DELETE else {}
    told: set[str] = set()
    for key in sorted({*olds, *news} - {"__provider", "__defaults"}):
        if key in olds and key in news and reveal(olds[key]) == reveal(news[key]):
            continue
        told.add(key)
        before = _side(olds[key], masker) if key in olds else None
        after = _side(news[key], masker) if key in news else None
        yield _changed(key, before, after) + (" (forces replacement)" if key in event.replacing else "")
    for path, (_, old, new) in sorted(event.detail.items()):  # what drifted among the outputs
        if _top(path) not in told:
            yield _changed(path, *(None if side is None else _side(side, masker) for side in (old, new)))


def _top(path: str) -> str:
    """The property that a path begins with; one whose name is no plain word stands in quotes."""
    if quoted := re.match(r'\["((?:[^"\\]|\\.)*)"\]', path):
        return re.sub(r"\\(.)", r"\1", quoted[1])
    return re.split(r"[.\[]", path)[0]


def _changed(name: str, before: str | None, after: str | None) -> str:
    if before is None:
        return f"     + {name}: {after}"
    return f"     - {name}: {before}" if after is None else f"     ~ {name}: {before} => {after}"


def _side(value: Any, masker: Masker) -> str:
    # Masked before it is cut: a part of a secret would not be recognised.
    rendered = masker.mask(json.dumps(plainly(value), ensure_ascii=False))
    return rendered if len(rendered) <= _LONGEST else f"{rendered[:_LONGEST]}… ({len(rendered)} characters)"


def _leaf(plain: Any) -> str:
    if plain in (MASK, "[unknown]"):
        return str(plain)
    return json.dumps(plain, ensure_ascii=False)
