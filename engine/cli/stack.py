"""`stack` and `cancel`: everything about a stack that needs no program."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli import options
from engine.cli.session import Session, Workplace, ask_passphrase, confirm, plain_name
from engine.display import overview, rendering
from engine.display.masking import MASK
from engine.errors import BadInput
from engine.resource import Deployment
from engine.state import backend, history
from engine.workspace.config import StackConfig, as_text, holds_secret, revealed
from engine.workspace.passphrase import Passphrase

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(help="Manage stacks, and show the one that is chosen", invoke_without_command=True)
StackName = Annotated[str | None, typer.Argument(help="The stack; without it, --stack or the selected one")]


@app.callback()
def show(
    context: typer.Context,
    stack: options.Stack = None,
    show_ids: Annotated[bool, typer.Option("--show-ids", "-i", help="With each resource's id")] = False,
    show_urns: Annotated[bool, typer.Option("--show-urns", "-u", help="With each resource's URN")] = False,
    show_secrets: options.ShowSecrets = False,
    show_name: Annotated[bool, typer.Option("--show-name", help="Only the stack's name")] = False,
) -> None:
    """Show the stack's resources and outputs."""
    if context.invoked_subcommand is not None:
        options.refuse_before_command(context, "stack")
        return
    if show_name:
        place = Workplace.open()
        sys.stdout.write(f"{_existing(place, place.stack_named(stack))}\n")
        return
    session = Session.open(stack)
    known = session.place.backend.summary(session.stack)
    deployment = session.place.backend.load(session.stack, session.for_salt, whole=False)
    found = deployment.resources
    updated = found or history.runs(session.place.backend.history(session.stack))
    lines = [
        f"Current stack is {session.stack}:",
        f"    Managed by {socket.gethostname()}",
        f"    Last updated: {known[0]}" if known and updated else "    No updates yet; run `pulumi up`",
        *overview.resources(found, ids=show_ids, urns=show_urns),
        *(["", *overview.outputs(deployment.outputs, show_secrets=show_secrets)] if found else []),
        "",
        "Use `pulumi stack select` to change stack; `pulumi stack ls` lists known ones",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def init(context: typer.Context, name: StackName = None, stack: options.Stack = None) -> None:
    """Create a stack and select it."""
    options.refuse_extra("stack init", context)
    named = options.one_stack(context, name, stack)
    place = Workplace.open()
    if not named:
        raise BadInput("Name the new stack: pulumi stack init NAME")
    _create(place, plain_name(named, place.project.name))


def select(
    context: typer.Context,
    name: StackName = None,
    stack: options.Stack = None,
    create: Annotated[bool, typer.Option("--create", "-c", help="Create it if it does not exist")] = False,
) -> None:
    """Choose the stack that commands without --stack work on."""
    options.refuse_extra("stack select", context)
    named = options.one_stack(context, name, stack)
    place = Workplace.open()
    if not named:
        raise BadInput(
            f"Name the stack: pulumi stack select NAME (known: {', '.join(place.backend.stacks()) or 'none'})"
        )
    plain = plain_name(named, place.project.name)
    if create and not place.backend.exists(plain):
        _create(place, plain)
    else:
        backend.select(place.project, os.environ, _existing(place, plain))


def ls(context: typer.Context, stack: options.Stack = None, as_json: options.Json = False) -> None:
    """List the project's stacks, all of them, whichever is named: the CLI takes --stack here, too."""
    options.refuse_extra("stack ls", context)
    del stack
    place = Workplace.open()
    current = backend.selected(place.project, os.environ)
    found = [(name, place.backend.summary(name)) for name in place.backend.stacks()]
    if as_json:
        listed = [
            {"name": name, "current": name == current}
            | ({"lastUpdate": known[0], "resourceCount": known[1]} if known else {})
            for name, known in found
        ]
        sys.stdout.write(json.dumps(listed, indent=2) + "\n")
        return
    rows: list[tuple[str, ...]] = [("NAME", "LAST UPDATE", "RESOURCE COUNT")]
    rows += [
        (f"{name}{'*' * (name == current)}", *(map(str, known) if known else ("unreadable", "")))
        for name, known in found
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def rm(
    context: typer.Context,
    name: StackName = None,
    stack: options.Stack = None,
    yes: options.Yes = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Even if it still has resources")] = False,
    preserve_config: Annotated[
        bool, typer.Option("--preserve-config", help="Leave the stack's configuration file")
    ] = False,
) -> None:
    """Forget a stack, with its configuration file. Its resources are not touched: destroy it first."""
    options.refuse_extra("stack rm", context)
    session = Session.open(options.one_stack(context, name, stack))
    confirm(yes, f"This forgets the stack {session.stack!r}.")
    with session.locked():
        left = session.last_look(force=force, whole=not force)
        if left.resources and not force:
            raise BadInput(
                f"The stack {session.stack!r} still has resources; removing it would leave them behind. "
                "Run `pulumi destroy` first, or pass --force."
            )
        forget(session, preserve_config=preserve_config)
    sys.stdout.write(f"Stack '{session.stack}' has been removed!\n")


def forget(session: Session, *, preserve_config: bool) -> None:
    """Takes a stack out of the backend, and what it was configured with; the caller has seen what it has."""
    session.place.backend.remove(session.stack)
    if not preserve_config:
        session.config.file.unlink(missing_ok=True)
    if backend.selected(session.place.project, os.environ) == session.stack:
        backend.select(session.place.project, os.environ, None)


def output(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One output's name")] = None,
    stack: options.Stack = None,
    as_json: options.Json = False,
    show_secrets: options.ShowSecrets = False,
) -> None:
    """Show the stack's outputs."""
    options.refuse_extra("stack output", context)
    session = Session.open(stack)
    values = {
        key: rendering.plainly(value, show_secrets=show_secrets)
        for key, value in session.load().outputs.items()
    }
    if name is None:
        text = (
            json.dumps(values, indent=2)
            if as_json
            else "\n".join(rendering.outputs(values)) or "No output values"
        )
    elif name not in values:
        raise BadInput(
            f"current stack does not have output property {name!r} "
            f"(it has: {', '.join(sorted(values)) or 'none'})"
        )
    else:
        value = values[name]
        text = value if isinstance(value, str) and not as_json else json.dumps(value)
    sys.stdout.write(text + "\n")


def show_history(
    context: typer.Context,
    stack: options.Stack = None,
    as_json: options.Json = False,
    show_secrets: options.ShowSecrets = False,
    full_dates: Annotated[bool, typer.Option("--full-dates", help="Accepted: dates are full")] = False,
    page_size: Annotated[int, typer.Option("--page-size", min=1, help="How many runs to show")] = 10,
    page: Annotated[int, typer.Option("--page", min=1, help="Which of the pages, the newest first")] = 1,
) -> None:
    """Show what was done to the stack, the newest first."""
    options.refuse_extra("stack history", context)
    del full_dates
    session = Session.open(stack)
    found = history.runs(session.place.backend.history(session.stack))
    found = found[(page - 1) * page_size : page * page_size]
    if as_json:
        decrypt = session.passphrase.decrypt if show_secrets else None
        sys.stdout.write(json.dumps([_as_json(run, decrypt) for run in found], indent=4) + "\n")
        return
    sys.stdout.write(
        "\n\n".join(map(_described, found)) + "\n" if found else "Stack has never been updated\n"
    )


def _described(run: dict[str, Any]) -> str:
    seconds = int(run.get("endTime") or 0) - int(run.get("startTime") or 0)
    changes = run.get("resourceChanges") or {}
    counted = ", ".join(f"{count} {operation}" for operation, count in sorted(changes.items()) if count)
    lines = [
        f"Version: {run['version']}",
        f"UpdateKind: {run.get('kind', '?')}",
        f"Status: {run.get('result', '?')}",
        f"Message: {run.get('message', '')}",
        f"Updated: {history.moment(run.get('startTime') or 0)}, took {rendering.duration(seconds)}",
        f"    Resource changes: {counted or 'none'}",
    ]
    return "\n".join(lines)


def _as_json(run: dict[str, Any], decrypt: Callable[[str], str] | None) -> dict[str, Any]:
    config = {}
    for key, value in (run.get("config") or {}).items():
        secret = holds_secret(value)
        shown = (
            MASK if secret and decrypt is None else as_text(revealed(value, decrypt) if decrypt else value)
        )
        config[key] = {"value": shown, "secret": secret}
    times = {name: history.moment(run.get(name) or 0) for name in ("startTime", "endTime")}
    return {**run, "config": config, **times}


def cancel(
    context: typer.Context, name: StackName = None, stack: options.Stack = None, yes: options.Yes = False
) -> None:
    """Free a stack whose run died without freeing it."""
    options.refuse_extra("cancel", context)
    named = options.one_stack(context, name, stack)
    place = Workplace.open()
    chosen = _existing(place, place.stack_named(named))
    found = place.backend.lock_holders(chosen)
    if not found:
        sys.stdout.write(f"The stack {chosen!r} is not locked.\n")
        _fold(place, chosen)
        return
    for holder in found:
        sys.stdout.write(f"held by {holder.describe()}\n")
    confirm(yes, "A run that is still active goes on, and its state may be damaged by another one.")
    for holder in found:
        holder.file.unlink(missing_ok=True)
    _fold(place, chosen)
    sys.stdout.write(f"The currently running update for '{chosen}' has been canceled!\n")


def _fold(place: Workplace, stack: str) -> None:
    """Lets the Pulumi CLI see what a killed run has done, too."""
    if place.backend.fold(stack):
        sys.stdout.write(f"{backend.FOLDED.format(stack=stack)}\n")


def _existing(place: Workplace, stack: str) -> str:
    """The stack, if there is one. Raises NoStack."""
    if not place.backend.exists(stack):
        place.backend.load(stack, lambda salt: Passphrase("", salt))  # its error lists those there are
    return stack


def _create(place: Workplace, stack: str) -> None:
    if place.backend.exists(stack):
        raise BadInput(f"stack '{stack}' already exists")
    config = StackConfig.load(place.project, stack)
    given = ask_passphrase(stack, new=not config.salt)
    if config.salt:
        passphrase = Passphrase(given, config.salt)
        passphrase.verify()
    else:
        passphrase = Passphrase.create(given)
        config.set_salt(passphrase.salt)
    place.backend.save(stack, Deployment(salt=passphrase.salt), passphrase)
    backend.select(place.project, os.environ, stack)
    sys.stdout.write(f"Created stack '{stack}'\n")
