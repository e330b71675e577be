"""``messaging preview-report``: a preview's events become one Markdown comment, and an exit code."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from messaging.report import changes as classes
from messaging.report import markdown, sources
from messaging.report.case import Case, Caution
from messaging.report.preview import EventsError, Message, Preview, read
from messaging.report.redact import Redactor

if TYPE_CHECKING:
    from messaging.report.preview import Step, Violation

BLOCKED, DRIFTED = 1, 7
"""Exit codes: the change must not be made; the stack is not as it should be (the CLI's own number)."""

Events = Annotated[
    str, typer.Argument(help="The events, as `pulumi preview --json` streams them; - for stdin.")
]
Base = Annotated[
    Path | None,
    typer.Option("--base", help="Events of a preview of the base branch, for runners that have no state."),
]
Drift = Annotated[bool, typer.Option("--drift", help="Report drift: the events of a preview with --refresh.")]
Ended = Annotated[int, typer.Option("--ended", help="The preview's own exit code.")]
Asked = Annotated[
    Path | None,
    typer.Option(
        "--asked", help="Events of the change on a state as if the base were deployed: its refusals."
    ),
]
Judged = Annotated[
    Path | None, typer.Option("--judged", help="Events of the change under the base's policies.")
]
Before = Annotated[Path | None, typer.Option("--before", help="The project's folder without the change.")]
After = Annotated[Path, typer.Option("--after", help="The project's folder with the change.")]
Name = Annotated[str, typer.Option("--base-name", help="What the base is, in words.")]
Notes = Annotated[list[str] | None, typer.Option("--note", help="What the report must tell besides.")]


def preview_report(
    events: Events,
    stack: Annotated[str, typer.Option("--stack", "-s", help="The stack.", envvar="PULUMI_STACK")],
    base: Base = None,
    drift: Drift = False,
    ended: Ended = 0,
    asked: Asked = None,
    judged: Judged = None,
    before: Before = None,
    after: After = Path(),
    base_name: Name = "",
    note: Notes = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Say in Markdown what a change would do, what policies say of it, and whether its schemas fit.

    Ends with 0 if the change may be made, 1 if it must not, and with --drift 7 if something drifted.
    """
    branch = _ended(_read(events), ended, drift=drift)
    cautions = [Caution(short="", text=one) for one in note or ()]
    if drift:
        cautions = []
    elif before is not None:
        cautions += _altered(before, after, stack, secrets=base is not None)
    steps, compared, is_compared = branch.steps, _HAS_STATE if branch.has_state else _IS_NEW, True
    if base is not None and not branch.has_state:
        steps, compared, found = _compared(base, branch, base_name)
        is_compared = not found
        cautions = [*found, *cautions]
    by_base, found = _by_base(branch, judged)
    refused, told, unasked = _refused(branch, asked)
    branch = dataclasses.replace(branch, messages=(*branch.messages, *told))
    case = Case(
        preview=branch,
        changes=classes.changes(steps, branch.messages),
        compared=compared,
        is_compared=is_compared,
        refusals=refused,
        by_base=by_base,
        cautions=[*cautions, *found, *unasked],
    )
    case = Redactor(os.environ).case(case)
    if as_json:
        typer.echo(json.dumps(_plain(case, drift=drift), indent=2))
    elif drift:
        typer.echo(markdown.drift_report(stack, case.preview, case.changes), nl=False)
    else:
        typer.echo(markdown.comment(stack, case), nl=False)
    raise typer.Exit(_exit_code(case, drift=drift))


def _read(events: str) -> Preview:
    name = "stdin" if events == "-" else events
    try:
        text = sys.stdin.read() if events == "-" else Path(events).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EventsError(f"{events} cannot be read: {error}") from None
    return read(text.splitlines(), name)


def _ended(preview: Preview, code: int, *, drift: bool) -> Preview:
    """The preview with its engine's own verdict, which counts where the events say nothing bad."""
    if code == 0 or preview.failed or (drift and code == DRIFTED):
        return preview
    said = f"The preview ended with exit code {code}, and its events do not say why."
    messages = (*preview.messages, Message(severity="error", text=said))
    return dataclasses.replace(preview, messages=messages, failed=True)


_HAS_STATE = "Compared with the stack's state: with what is deployed."
_IS_NEW = "There is no state to compare with, so everything would be new."
_COMPARED = (
    "There is no state to compare with, so base and branch were planned, and the two plans are compared. "
    "What is deployed may differ from the base."
)
_NOT_COMPARED = (
    "There is no state to compare with, and no two plans either: nothing is said of what would change."
)


def _compared(base: Path, branch: Preview, name: str) -> tuple[tuple[Step, ...], str, list[Caution]]:
    """What leads from the base's plan to the branch's, if both are whole; why not, where they are not."""
    if not branch.whole:
        return (), _NOT_COMPARED, [Caution(short="not compared", text="The branch itself cannot be planned.")]
    fault = ""
    if not base.is_file():
        raise EventsError(f"{base} cannot be read: there is no such file")
    try:
        planned = _read(str(base))
        if not planned.whole:
            fault = next((one.text for one in planned.errors), "its preview failed")
    except EventsError as error:
        fault = str(error)
    if fault:
        text = f"The base cannot be planned, so that the branch was compared with nothing. The base: {fault}"
        return (), _NOT_COMPARED, [Caution(short="not compared", text=text)]
    told = f"{_COMPARED} The base is {name}." if name else _COMPARED
    return tuple(classes.between(planned, branch)), told, []


def _altered(before: Path, after: Path, stack: str, *, secrets: bool) -> list[Caution]:
    """What the change does to its judges, and to values that no plan shows."""
    found = [Caution(short="policies change", text=one) for one in sources.policies(before, after)]
    old, new = sources.environments(before, after, stack)
    if old and old != new:
        text = f"The environment, which decides every level, changes from {old} to {new or 'nothing'}."
        found.append(Caution(short="environment changes", text=text))
    if secrets:
        found += [
            Caution(
                short="a secret changes",
                text=f"The secret {key} is another one, or was encrypted anew; values are not compared.",
            )
            for key in sources.changed_secrets(before, after, stack)
        ]
    return found


def _by_base(branch: Preview, judged: Path | None) -> tuple[list[Violation], list[Caution]]:
    """Mandatory violations that the base's policies alone tell, and whether these ran."""
    if judged is None:
        return [], []
    unjudged = Caution(
        short="not judged by the base's policies",
        text="This change alters what judges it, and the base's policies could not be asked about it.",
    )
    try:
        under_base = _read(str(judged))
    except EventsError:
        return [], [unjudged]
    known = {(one.policy, one.urn) for one in branch.violations if one.mandatory}
    found = [one for one in under_base.violations if one.mandatory and (one.policy, one.urn) not in known]
    return found, [] if under_base.packs and under_base.whole else [unjudged]


def _refused(branch: Preview, asked: Path | None) -> tuple[list[Message], list[Message], list[Caution]]:
    """What the checks that compare with old inputs refuse and say."""
    if asked is None:
        return [], [], []
    try:
        on_state = _read(str(asked))
    except EventsError as error:
        return [], [], [_unasked(str(error))]
    known = {(one.urn, one.text) for one in branch.messages}
    found = [one for one in on_state.messages if (one.urn, one.text) not in known]
    refusals = [one for one in found if one.severity == "error"]
    told = [one for one in found if one.severity != "error"]
    return (
        refusals,
        told,
        [] if refusals or not on_state.failed else [_unasked("it failed and does not say why")],
    )


def _unasked(why: str) -> Caution:
    text = f"What a preview of the deployed stack would refuse could not be asked: {why}"
    return Caution(short="not asked what would be refused", text=text)


def _exit_code(case: Case, *, drift: bool) -> int:
    if drift:
        if case.preview.failed:
            return BLOCKED
        return DRIFTED if case.preview.drift or case.changes else 0
    return BLOCKED if case.blocked else 0


def _plain(case: Case, *, drift: bool) -> dict[str, object]:
    preview = case.preview
    return {
        "failed": preview.failed if drift else case.blocked,
        "verdict": case.verdict,
        "compared": case.compared,
        "cautions": [one.text for one in case.cautions],
        "changes": [
            {"class": one.kind.value, "operation": one.step.operation, "urn": one.step.urn}
            for one in case.changes
        ],
        "violations": [
            {
                "policy": one.policy,
                "level": one.level,
                "urn": one.urn,
                "message": one.message,
                "byBase": by_base,
            }
            for by_base, violations in ((False, preview.violations), (True, case.by_base))
            for one in violations
        ],
        "drift": [{"urn": one.urn, "gone": one.gone, "changed": list(one.changed)} for one in preview.drift],
        "errors": [{"urn": one.urn, "message": one.text} for one in case.errors],
    }
