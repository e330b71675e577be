"""`up`, `preview`, `destroy` and `refresh`: a preview, the question, the run, and the exit code."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from engine.cli import options
from engine.cli.runner import Runner, Style
from engine.cli.session import TERMINAL, Session
from engine.cli.stack import forget
from engine.errors import BadInput, EngineError, NoConsent, UnexpectedChanges
from engine.events import Operation
from engine.policy import pack as policy_packs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.deployment.executor import Cancellation
    from engine.deployment.refreshed import Work
    from engine.deployment.run import Result, Settings
    from engine.events import Sink
    from engine.policy.pack import Pack
    from engine.state.snapshot import Snapshot

PARALLEL = 4 * (os.cpu_count() or 1)
"""The CLI's default: four steps at once for each processor."""


def _policy_packs(folders: Sequence[str] | None, configs: Sequence[str] | None) -> Sequence[Pack]:
    """The policy packs that flags or variables name, read before anything is started."""
    return policy_packs.packs(
        options.listed(folders, os.environ, "POLICY_PACK"),
        options.listed(configs, os.environ, "POLICY_PACK_CONFIG"),
    )


def _refreshed(session: Session, work: Work) -> Work:
    from engine.deployment.refreshed import refreshed

    return refreshed(work, session.writer)


_NO_CHANGE = {Operation.SAME, Operation.READ, Operation.DISCARD}


def up(
    context: typer.Context,
    stack: options.Stack = None,
    yes: options.Yes = False,
    skip_preview: options.SkipPreview = False,
    parallel: options.Parallel = PARALLEL,
    diff: options.Diff = False,
    json: options.Json = False,
    expect_no_changes: options.ExpectNoChanges = False,
    suppress_outputs: options.SuppressOutputs = False,
    suppress_progress: options.SuppressProgress = False,
    policy_pack: options.PolicyPack = None,
    policy_pack_config: options.PolicyPackConfig = None,
    refresh: options.Refresh = False,
    message: options.Message = None,
) -> None:
    """Bring the stack to what the program says."""
    options.refuse_extra("up", context)
    style = Style(
        diff=diff, json=json, suppress_outputs=suppress_outputs, suppress_progress=suppress_progress
    )
    consent = Consent(yes=yes, skip_preview=skip_preview, expect_no_changes=expect_no_changes)
    consent.check(json=json)
    packs = _policy_packs(policy_pack, policy_pack_config)
    session = Session.open(stack)
    # Here and below: it loads while the session's key is being derived.
    from engine.deployment.update import update

    work = _refreshed(session, update) if refresh else update
    _previewed(Runner(session, work, "update", style, parallel, message, packs), consent)


def preview(
    context: typer.Context,
    stack: options.Stack = None,
    parallel: options.Parallel = PARALLEL,
    diff: options.Diff = False,
    json: options.Json = False,
    expect_no_changes: options.ExpectNoChanges = False,
    suppress_outputs: options.SuppressOutputs = False,
    suppress_progress: options.SuppressProgress = False,
    policy_pack: options.PolicyPack = None,
    policy_pack_config: options.PolicyPackConfig = None,
    refresh: options.Refresh = False,
    message: options.Message = None,
) -> None:
    """Say what `up` would do, and change nothing."""
    options.refuse_extra("preview", context)
    style = Style(
        diff=diff, json=json, suppress_outputs=suppress_outputs, suppress_progress=suppress_progress
    )
    packs = _policy_packs(policy_pack, policy_pack_config)
    session = Session.open(stack)
    from engine.deployment.update import update

    work = _refreshed(session, update) if refresh else update
    runner = Runner(session, work, "update", style, parallel, message, packs)
    _end(runner.preview(), expect_no_changes=expect_no_changes)


def destroy(
    context: typer.Context,
    stack: options.Stack = None,
    yes: options.Yes = False,
    skip_preview: options.SkipPreview = False,
    parallel: options.Parallel = PARALLEL,
    exclude_protected: options.ExcludeProtected = False,
    preview_only: options.PreviewOnly = False,
    remove: Annotated[
        bool,
        typer.Option(
            "--remove", envvar="PULUMI_OPTION_REMOVE", help="Forget the stack with its configuration too"
        ),
    ] = False,
    json: options.Json = False,
    suppress_progress: options.SuppressProgress = False,
    refresh: options.Refresh = False,
    message: options.Message = None,
) -> None:
    """Delete everything that the stack has, with its data."""
    options.refuse_extra("destroy", context)
    style = Style(json=json, suppress_outputs=True, suppress_progress=suppress_progress)
    consent = Consent(yes=yes, skip_preview=skip_preview, preview_only=preview_only)
    consent.check(json=json)
    session = Session.open(stack)
    from engine.deployment import destroy as removal

    work: Work = partial(removal.destroy, exclude_protected=exclude_protected)
    if refresh:
        work = _refreshed(session, work)
    after = partial(_left_by, session, remove=remove, quiet=json) if remove or exclude_protected else None
    _previewed(Runner(session, work, "destroy", style, parallel, message), consent, after)


def _left_by(session: Session, *, remove: bool, quiet: bool) -> None:
    """What comes after a destroy: a stack that still has something is kept, for nobody else knows of it."""
    told = ""
    if left := session.load().resources:
        told = (
            f"All unprotected resources were destroyed. There are still {len(left)} protected resources "
            "associated with this stack.\n"
        )
    elif remove:
        forget(session, preserve_config=False)
        told = f"Stack '{session.stack}' has been removed!\n"
    if not quiet:
        sys.stdout.write(told)


def refresh(
    context: typer.Context,
    stack: options.Stack = None,
    yes: options.Yes = False,
    skip_preview: options.SkipPreview = False,
    preview_only: options.PreviewOnly = False,
    target: Annotated[
        list[str] | None, typer.Option("--target", "-t", help="Only resources whose URN matches")
    ] = None,
    clear_pending_creates: Annotated[
        bool,
        typer.Option(
            "--clear-pending-creates",
            envvar="PULUMI_OPTION_CLEAR_PENDING_CREATES",
            help="Forget creations of runs that died",
        ),
    ] = False,
    parallel: options.Parallel = PARALLEL,
    diff: options.Diff = False,
    json: options.Json = False,
    expect_no_changes: options.ExpectNoChanges = False,
    suppress_progress: options.SuppressProgress = False,
    message: options.Message = None,
) -> None:
    """Take what really exists into the state."""
    options.refuse_extra("refresh", context)
    style = Style(diff=diff, json=json, suppress_outputs=True, suppress_progress=suppress_progress)
    consent = Consent(
        yes=yes,
        skip_preview=skip_preview,
        preview_only=preview_only,
        expect_no_changes=expect_no_changes,
        unasked=BadInput,
    )
    consent.check(json=json)
    session = Session.open(stack)
    from engine.deployment import refresh as reading

    def work(settings: Settings, snapshot: Snapshot, sink: Sink, cancellation: Cancellation) -> Result:
        if clear_pending_creates:
            snapshot.clear_pending_creates()
        return reading.refresh(settings, snapshot, sink, cancellation, targets=list(target or ()))

    _previewed(Runner(session, work, "refresh", style, parallel, message), consent)


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What the user has agreed to on the command line.

    Attributes:
        unasked: the error where nobody has agreed and nobody can be asked; it has the CLI's exit code.
    """

    yes: bool
    skip_preview: bool
    preview_only: bool = False
    expect_no_changes: bool = False
    unasked: type[EngineError] = NoConsent

    def check(self, *, json: bool) -> None:
        """Refuses flags that exclude each other, and questions that nobody could answer.

        Raises:
            BadInput: the command cannot run like this.
        """
        if self.preview_only and (self.yes or self.skip_preview):
            raise BadInput("--preview-only excludes --yes and --skip-preview.")
        if self.yes or self.skip_preview or self.preview_only:
            return
        if not TERMINAL.interactive:
            raise self.unasked(
                "--yes or --skip-preview must be passed in to proceed when running in non-interactive mode"
            )
        if json:
            raise BadInput(
                "--yes or --skip-preview must be passed in with --json: nothing can be asked in it"
            )


def _previewed(runner: Runner, consent: Consent, after: Callable[[], None] | None = None) -> None:
    """A preview, the question, the run, and what comes after it if it succeeds."""
    if consent.preview_only:
        _end(runner.preview(), expect_no_changes=consent.expect_no_changes)
    with runner.session.locked(), runner.plugins_kept():
        if not consent.skip_preview:
            planned = runner.preview()
            _check(planned, expect_no_changes=consent.expect_no_changes)
            if not consent.yes and not _agreed(runner):
                raise EngineError(f"confirmation declined, not proceeding with the {runner.verb}")
        result = runner.run()
        if after and not result.exit_code:
            after()
        _end(result, expect_no_changes=consent.expect_no_changes)


def _check(result: Result, *, expect_no_changes: bool) -> None:
    """Ends the command if something is wrong with a result."""
    if result.exit_code:
        raise typer.Exit(result.exit_code)
    changed = sum(count for operation, count in result.changes.items() if operation not in _NO_CHANGE)
    if expect_no_changes and changed:
        changes = "1 change" if changed == 1 else f"{changed} changes"
        raise UnexpectedChanges(f"no changes were expected but there are some: {changes}, listed above")


def _end(result: Result, *, expect_no_changes: bool) -> NoReturn:
    _check(result, expect_no_changes=expect_no_changes)
    raise typer.Exit(0)


def _agreed(runner: Runner) -> bool:
    while True:
        try:
            answer = input(f"\nDo you want to perform this {runner.verb}? (yes/no/details) ").strip().lower()
        except EOFError:
            return False
        match answer:
            case "yes" | "y":
                return True
            case "no" | "n" | "":
                return False
            case "details" | "d":
                sys.stdout.write("\n".join(runner.details or ["nothing changes"]) + "\n")
