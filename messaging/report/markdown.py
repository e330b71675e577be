"""Writes what a preview says as Markdown: one comment of a pull request, or a report of drift. Pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from messaging.report.changes import SAYS, SUBJECT, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from messaging.report.changes import Change
    from messaging.report.preview import Message, Preview, Step, Violation

MOST_ROWS = 60
"""Of one table; what is left out is counted. A comment may have 65,536 characters."""
_LONGEST = 60
"""Characters of one value."""
_PATHS = 8
"""Differences of one resource."""


def marker(stack: str) -> str:
    """A line by which a later run finds its own comment again; nobody sees it."""
    return f"<!-- messaging preview-report {stack} -->"


def comment(stack: str, preview: Preview, changes: Sequence[Change], compared: str) -> str:
    """The comment about a change.

    Args:
        stack: its name.
        preview: of the change.
        changes: what it does.
        compared: with what it was compared, as a sentence.
    """
    lines = [marker(stack), f"## Preview of `{stack}`: {_verdict(preview, changes)}", "", compared, ""]
    lines += _changes(changes)
    lines += _policies(preview)
    lines += _schemas(preview, changes)
    lines += _errors(preview.errors)
    return "\n".join(lines).rstrip() + "\n"


def drift_report(stack: str, preview: Preview, changes: Sequence[Change]) -> str:
    """The report of what a stack really is, compared with what it should be."""
    found = preview.drift
    verdict = "❌ failed" if preview.errors else "⚠️ drifted" if found or changes else "✅ no drift"
    lines = [marker(f"drift {stack}"), f"## Drift of `{stack}`: {verdict}", ""]
    if found:
        lines += ["### What was changed outside of the program", ""]
        rows = [(_resource(step), "it is gone" if step.gone else _said(step)) for step in found]
        lines += [*_table(("resource", "found"), rows), ""]
    elif not preview.errors:
        lines += ["Everything was found as the state knows it.", ""]
    if changes:
        lines += ["### What an update would do about it", "", *_changes(changes)]
    lines += _policies(preview)
    lines += _errors(preview.errors)
    return "\n".join(lines).rstrip() + "\n"


def _verdict(preview: Preview, changes: Sequence[Change]) -> str:
    mandatory = sum(violation.mandatory for violation in preview.violations)
    if mandatory:
        return f"❌ blocked by {_counted(mandatory, 'policy violation')}"
    if preview.failed:
        return "❌ failed"
    grave = [change for change in changes if change.kind is Kind.DESTROY]
    if grave:
        return f"⚠️ {_counted(len(grave), 'resource')} would go"
    shorter = sum(change.kind is Kind.SHORTEN for change in changes)
    if shorter:
        return f"⚠️ {_counted(shorter, 'change')} would delete messages"
    real = [change for change in changes if change.kind is not Kind.CHECK]
    return f"✅ {_counted(len(real), 'change')}" if real else "✅ no change"


def _changes(changes: Sequence[Change]) -> list[str]:
    counts = Counter(change.kind for change in changes)
    if not counts:
        return ["Nothing would change.", ""]
    summary = [(kind.value, str(counts[kind]), says) for kind, says in SAYS.items() if counts[kind]]
    rows = [
        (change.kind.value, _resource(change.step), _what(change))
        for change in changes
        if change.kind is not Kind.CHECK
    ]
    lines = [*_table(("class", "resources", "meaning"), summary), ""]
    if rows:
        lines += ["<details open><summary>Every change</summary>", ""]
        lines += [*_table(("class", "resource", "what"), rows), "", "</details>", ""]
    return lines


def _policies(preview: Preview) -> list[str]:
    ran = f"Ran: {', '.join(preview.packs)}." if preview.packs else "**No policy pack ran.**"
    if not preview.violations:
        return [f"### Policies: no violation\n\n{ran}", ""]
    ordered = sorted(preview.violations, key=lambda one: (not one.mandatory, one.policy, one.urn))
    rows = [(one.level, f"`{one.policy}`", _name(one.urn), _cell(_told(one))) for one in ordered]
    mandatory = sum(one.mandatory for one in ordered)
    remarks = len(ordered) - mandatory
    said = [f"{mandatory} mandatory"] if mandatory else []
    said += [_counted(remarks, "remark")] if remarks else []
    lines = [f"### Policies: {', '.join(said)}", "", ran, ""]
    if mandatory:
        lines += [*_table(("level", "policy", "resource", "what it says"), rows[:mandatory]), ""]
    if remarks:
        lines += [f"<details><summary>{_counted(remarks, 'remark')}</summary>", ""]
        lines += [
            *_table(("level", "policy", "resource", "what it says"), rows[mandatory:]),
            "",
            "</details>",
            "",
        ]
    return lines


def _told(violation: Violation) -> str:
    """What a policy says of this resource, without its headline if there is more."""
    first, _, rest = violation.message.partition("\n")
    return rest or first


def _schemas(preview: Preview, changes: Sequence[Change]) -> list[str]:
    touched = [change for change in changes if change.step.type == SUBJECT]
    refused = [message for message in preview.errors if _about_schemas(message)]
    remarks = [one for one in preview.messages if one.severity in {"info", "warning"} and _about_schemas(one)]
    if not touched and not refused and not remarks:
        return ["### Schemas: unchanged", ""]
    lines = [f"### Schemas: {'refused' if refused else 'compatible' if touched else 'unchanged'}", ""]
    if touched:
        rows = [
            (
                f"`{change.step.new.get('subject') or change.step.old.get('subject') or change.step.name}`",
                str(change.step.new.get("compatibility") or change.step.old.get("compatibility") or ""),
                "refused" if refused else _schema_verdict(change.step),
            )
            for change in touched
        ]
        lines += [*_table(("subject", "level", "verdict"), rows), ""]
    lines += [f"- {_cell(message.text)}" for message in [*refused, *remarks]]
    return [*lines, ""]


def _schema_verdict(step: Step) -> str:
    if step.operation == "create":
        return "new"
    return "would be removed" if step.operation == "delete" else "passed the check of this preview"


def _about_schemas(message: Message) -> bool:
    return any(part in message.urn for part in ("messaging:Subject::", "messaging:CatalogueCheck::"))


def _errors(errors: Sequence[Message]) -> list[str]:
    if not errors:
        return []
    lines = ["### What failed", ""]
    for error in errors:
        where = f"{_name(error.urn)}: " if error.urn else ""
        lines += ["```text", f"{where}{error.text}".replace("```", "'''"), "```", ""]
    return lines


# --- pieces ---


def _what(change: Change) -> str:
    step = change.step
    if change.told:
        return _cell(change.told)
    return _said(step) if step.operation in {"update", "replace"} else ""


def _said(step: Step) -> str:
    """What differs between the two sides of a step; what the engine names where the values say nothing."""
    paths = list(differences(step.old, step.new))
    if not paths:
        return _cell(", ".join(f"`{key}`" for key in step.changed[:_PATHS])) or "its outputs"
    told = [f"`{path}`: {_value(old)} → {_value(new)}" for path, old, new in paths[:_PATHS]]
    left = len(paths) - len(told)
    return _cell("<br>".join([*told, *([f"and {left} more"] if left else [])]))


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The leaves that differ; of lists of ``NAME=VALUE``, the names."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and (named := _named(old, new)):
        yield from differences(*named, path)
    elif old != new:
        yield path, old, new


def _named(old: list[Any], new: list[Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Both lists as mappings, if their entries have names: environments and labels."""
    sides: list[dict[str, Any]] = []
    for side in (old, new):
        if all(isinstance(one, str) and "=" in one for one in side):
            sides.append(dict(one.split("=", 1) for one in side))
        elif all(isinstance(one, dict) and set(one) == {"label", "value"} for one in side):
            sides.append({one["label"]: one["value"] for one in side})
        else:
            return None
    return sides[0], sides[1]


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return f"`{text}`" if text else "empty"


def _resource(step: Step) -> str:
    kind = step.type.rpartition(":")[2]
    return f"{kind} `{step.name}`"


def _name(urn: str) -> str:
    return urn.rpartition("::")[2] or "the stack"


def _cell(text: str) -> str:
    """Text that stays within one cell, and is text, whatever it holds."""
    return " ".join(text.replace("|", "\\|").split())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    lines += ["| " + " | ".join(row) + " |" for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        lines.append("| " + " | ".join([f"and {len(rows) - MOST_ROWS} more", *("" for _ in head[1:])]) + " |")
    return lines


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
