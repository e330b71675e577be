"""Writes what a preview says as Markdown: one comment of a pull request, or a report of drift. Pure.

What is gravest comes first, and every part has a limit, so that all of it together stays below the size that
GitHub takes: 65,536 characters.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from messaging.report.case import counted
from messaging.report.changes import SAYS, SUBJECT, Kind
from messaging.report.escape import block, code, cut, table, text
from messaging.report.preview import top
from messaging.report.values import differences, pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messaging.report.case import Case, Caution
    from messaging.report.changes import Change
    from messaging.report.preview import Message, Preview, Step, Violation

_PATHS = 8
"""Differences of one resource."""
_CAUTIONS, _ERRORS, _CHANGES, _CHECKS = 4_000, 10_000, 16_000, 3_000
_MANDATORY, _BY_BASE, _REMARKS, _SCHEMAS, _SAID = 8_000, 4_000, 4_000, 4_000, 4_000
"""Characters of each part."""
_VIOLATION = ("level", "policy", "resource", "what it says")


def marker(stack: str) -> str:
    """A line by which a later run finds its own comment again; nobody sees it."""
    return f"<!-- messaging preview-report {stack} -->"


def comment(stack: str, case: Case) -> str:
    """The comment about a change."""
    lines = [
        marker(stack),
        f"## Preview of {code(stack)}: {case.verdict}",
        "",
        text(case.compared, 1_000),
        "",
    ]
    lines += _cautions(case.cautions)
    lines += _errors(case.errors)
    if case.is_compared:
        lines += _changes(case.changes)
    lines += _policies(case.preview, case.by_base)
    lines += _schemas(case)
    lines += _said_in(case.preview)
    return "\n".join(lines).rstrip() + "\n"


def drift_report(stack: str, preview: Preview, changes: Sequence[Change]) -> str:
    """The report of what a stack really is, compared with what it should be."""
    found = preview.drift
    verdict = "❌ failed" if preview.failed else "⚠️ drifted" if found or changes else "✅ no drift"
    lines = [marker(f"drift {stack}"), f"## Drift of {code(stack)}: {verdict}", ""]
    lines += _errors(preview.errors)
    if found:
        lines += ["### What was changed outside of the program", ""]
        rows = [(_resource(step), "it is gone" if step.gone else _differing(step)) for step in found]
        lines += [*table(("resource", "found"), rows, _CHANGES), ""]
    elif not preview.failed:
        lines += ["Everything was found as the state knows it.", ""]
    if changes:
        lines += ["### What an update would do about it", "", *_changes(changes)]
    lines += _policies(preview)
    lines += _said_in(preview)
    return "\n".join(lines).rstrip() + "\n"


def _cautions(cautions: Sequence[Caution]) -> list[str]:
    lines = [f"- {'⚠️ ' if one.short else ''}{text(one.text)}" for one in cautions]
    return [*_first(lines, _CAUTIONS), ""] if lines else []


def _errors(errors: Sequence[Message]) -> list[str]:
    if not errors:
        return []
    lines = ["### What failed", ""]
    left = _ERRORS
    for place, error in enumerate(errors):
        where = f"{_name(error.urn)}: " if error.urn else ""
        shown = block(f"{where}{error.text}")
        left -= sum(map(len, shown))
        if left < 0:
            return [*lines, f"and {counted(len(errors) - place, 'more error')}", ""]
        lines += shown
    return lines


def _changes(changes: Sequence[Change]) -> list[str]:
    counts = Counter(change.kind for change in changes)
    if not counts:
        return ["Nothing would change.", ""]
    summary = [(kind.value, str(counts[kind]), says) for kind, says in SAYS.items() if counts[kind]]
    lines = [*table(("class", "resources", "meaning"), summary, _CHECKS), ""]
    acting = [change for change in changes if change.kind is not Kind.CHECK]
    checks = [change for change in changes if change.kind is Kind.CHECK]
    if acting:
        lines += [
            "<details open><summary>Every change</summary>",
            "",
            *_rows(acting, _CHANGES),
            "</details>",
            "",
        ]
    if checks:
        what = f"{counted(len(checks), 'check')} and gates"
        lines += [f"<details><summary>{what}</summary>", "", *_rows(checks, _CHECKS), "</details>", ""]
    return lines


def _rows(changes: Sequence[Change], budget: int) -> list[str]:
    rows = [(change.kind.value, _resource(change.step), _what(change)) for change in changes]
    return [*table(("class", "resource", "what"), rows, budget), ""]


def _policies(preview: Preview, by_base: Sequence[Violation] = ()) -> list[str]:
    ran = f"Ran: {text(', '.join(preview.packs))}." if preview.packs else "**No policy pack ran.**"
    lines: list[str] = []
    if by_base:
        lines += [f"### Policies of the base: {len(by_base)} mandatory", ""]
        lines += ["This change alters what judges it; as the policies are without it, they forbid:", ""]
        lines += [*table(_VIOLATION, list(map(_violation, by_base)), _BY_BASE), ""]
    if not preview.violations:
        whole = preview.packs and preview.whole
        return [*lines, f"### Policies: {'no violation' if whole else 'not judged'}", "", ran, ""]
    ordered = sorted(preview.violations, key=lambda one: (not one.mandatory, one.policy, one.urn))
    mandatory = [one for one in ordered if one.mandatory]
    remarks = [one for one in ordered if not one.mandatory]
    said = [f"{len(mandatory)} mandatory"] if mandatory else []
    said += [counted(len(remarks), "remark")] if remarks else []
    lines += [f"### Policies: {', '.join(said)}", "", ran, ""]
    if mandatory:
        lines += [*table(_VIOLATION, list(map(_violation, mandatory)), _MANDATORY), ""]
    if remarks:
        lines += [f"<details><summary>{counted(len(remarks), 'remark')}</summary>", ""]
        lines += [*table(_VIOLATION, list(map(_violation, remarks)), _REMARKS), "", "</details>", ""]
    return lines


def _violation(one: Violation) -> tuple[str, ...]:
    """A policy's row: what it says of this resource, without its headline if there is more."""
    first, _, rest = one.message.partition("\n")
    return one.level, code(one.policy), text(_name(one.urn), 200), text(rest or first)


def _schemas(case: Case) -> list[str]:
    touched = [change for change in case.changes if change.step.type == SUBJECT]
    refused = [message for message in case.errors if _about_schemas(message)]
    remarks = [one for one in case.preview.messages if one.severity != "error" and _about_schemas(one)]
    told = [f"- {text(message.text)}" for message in [*refused, *remarks]]
    if refused:
        verdict = "refused"
    elif not case.preview.whole or not case.is_compared:
        verdict = "not judged"
    else:
        verdict = "compatible" if touched else "unchanged"
    lines = [f"### Schemas: {verdict}", ""]
    if touched:
        rows = [(*_subject(change.step), _schema_verdict(change.step, verdict)) for change in touched]
        lines += [*table(("subject", "level", "verdict"), rows, _SCHEMAS), ""]
    return [*lines, *_first(told, _SCHEMAS), *([""] if told else [])]


def _subject(step: Step) -> tuple[str, str]:
    name = step.new.get("subject") or step.old.get("subject") or step.name
    return code(str(name)), text(
        str(step.new.get("compatibility") or step.old.get("compatibility") or ""), 40
    )


def _schema_verdict(step: Step, verdict: str) -> str:
    if verdict in {"refused", "not judged"}:
        return verdict
    if step.operation == "create":
        return "new"
    return "would be removed" if step.operation == "delete" else "passed the check of this preview"


def _about_schemas(message: Message) -> bool:
    return any(part in message.urn for part in ("messaging:Subject::", "messaging:CatalogueCheck::"))


def _said_in(preview: Preview) -> list[str]:
    """What was said besides: what could not be asked, what was let through and by whom."""
    grave = {"warning": 0, "info": 1}
    said = {
        (one.severity, one.text.strip(), one.urn): None
        for one in preview.messages
        if one.severity in grave and one.text.strip() and not _about_schemas(one)
    }
    if not said:
        return []
    rows = [
        (severity, text(_name(urn), 200) if urn else "", text(told))
        for severity, told, urn in sorted(said, key=lambda one: grave[one[0]])
    ]
    return ["### What the preview says", "", *table(("", "of", "what"), rows, _SAID), ""]


# --- pieces ---


def _first(lines: Sequence[str], budget: int) -> list[str]:
    """The first lines, as many as are allowed, and how many there are besides."""
    shown: list[str] = []
    for place, line in enumerate(lines):
        budget -= len(line) + 1
        if budget < 0:
            return [*shown, f"- and {len(lines) - place} more"]
        shown.append(line)
    return shown


def _what(change: Change) -> str:
    step = change.step
    if change.told:
        return text(change.told)
    return _differing(step) if step.operation in {"update", "replace"} else ""


def _differing(step: Step) -> str:
    """What differs between the two sides of a step; what the engine names where the values say nothing."""
    order = list(dict.fromkeys(map(top, step.changed)))
    paths = [
        difference
        for key in [*order, *sorted({*step.old, *step.new} - {*order})]
        for difference in differences(step.old.get(key), step.new.get(key), key)
    ]
    if not paths:
        return ", ".join(code(key, 80) for key in step.changed[:_PATHS]) or "its outputs"
    told = [f"{code(path, 80)}: {pair(old, new)}" for path, old, new in paths[:_PATHS]]
    left = len(paths) - len(told)
    return "<br>".join([*told, *([f"and {left} more"] if left else [])])


def _resource(step: Step) -> str:
    kind = step.type.rpartition(":")[2]
    return f"{text(kind, 60)} {code(step.name, 200)}"


def _name(urn: str) -> str:
    return cut(urn.rpartition("::")[2], 200) or "the stack"
