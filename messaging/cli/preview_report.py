"""``messaging preview-report``: a preview's events become one Markdown comment, and an exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from messaging.report import changes as classes
from messaging.report import markdown
from messaging.report.preview import EventsError, read

if TYPE_CHECKING:
    from messaging.report.changes import Change
    from messaging.report.preview import Preview

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


def preview_report(
    events: Events,
    stack: Annotated[str, typer.Option("--stack", "-s", help="The stack.", envvar="PULUMI_STACK")],
    base: Base = None,
    drift: Drift = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Say in Markdown what a change would do, what policies say of it, and whether its schemas fit.

    Ends with 0 if the change may be made, 1 if it must not, and with --drift 7 if something drifted.
    """
    branch = _read(events)
    steps, compared = branch.steps, _HAS_STATE if branch.has_state else _IS_NEW
    if base is not None and not branch.has_state:
        planned = _read(str(base))
        steps, compared = tuple(classes.between(planned, branch)), _COMPARED
        if planned.failed:
            compared = (
                f"{_COMPARED} **The base cannot be planned itself, so what is listed may be too much.**"
            )
    found = classes.changes(steps, branch.messages)
    if as_json:
        typer.echo(json.dumps(_plain(branch, found, compared), indent=2))
    elif drift:
        typer.echo(markdown.drift_report(stack, branch, found), nl=False)
    else:
        typer.echo(markdown.comment(stack, branch, found, compared), nl=False)
    raise typer.Exit(_exit_code(branch, found, drift=drift))


def _read(events: str) -> Preview:
    try:
        text = sys.stdin.read() if events == "-" else Path(events).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EventsError(f"{events} cannot be read: {error}") from None
    return read(text.splitlines(), "stdin" if events == "-" else events)


_HAS_STATE = "Compared with the stack's state: with what is deployed."
_IS_NEW = "There is no state to compare with, so everything would be new."
_COMPARED = (
    "There is no state to compare with, so base and branch were planned, and the two plans are compared. "
    "What is deployed may differ from the base."
)


def _exit_code(preview: Preview, found: list[Change], *, drift: bool) -> int:
    if preview.failed:
        return BLOCKED
    return DRIFTED if drift and (preview.drift or found) else 0


def _plain(preview: Preview, found: list[Change], compared: str) -> dict[str, object]:
    return {
        "failed": preview.failed,
        "compared": compared,
        "changes": [
            {"class": one.kind.value, "operation": one.step.operation, "urn": one.step.urn} for one in found
        ],
        "violations": [
            {"policy": one.policy, "level": one.level, "urn": one.urn, "message": one.message}
            for one in preview.violations
        ],
        "drift": [{"urn": one.urn, "gone": one.gone, "changed": list(one.changed)} for one in preview.drift],
        "errors": [{"urn": one.urn, "message": one.text} for one in preview.errors],
    }
