"""`stack`, `state` and `cancel`: everything about a stack that needs no program."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from engine import backend, checkpoint
from engine.cli import options
from engine.cli.session import TERMINAL, Session, Workplace, ask_passphrase, plain_name
from engine.config import StackConfig
from engine.display import rendering
from engine.errors import BadInput, EngineError
from engine.passphrase import Passphrase
from engine.resource import Deployment

stack_app = typer.Typer(no_args_is_help=True, help="Manage stacks")
state_app = typer.Typer(no_args_is_help=True, help="Edit a stack's state")
StackName = Annotated[str | None, typer.Argument(help="The stack; without it, --stack or the selected one")]


@stack_app.command("init", context_settings=options.REFUSING)
def init(context: typer.Context, name: StackName = None, stack: options.Stack = None) -> None:
    """Create a stack and select it."""
    options.refuse_extra("stack init", context.args)
    place = Workplace.open()
    named = name or stack
    if not named:
        raise BadInput("Name the new stack: pulumi stack init NAME")
    _create(place, plain_name(named, place.project.name))


@stack_app.command("select", context_settings=options.REFUSING)
def select(
    context: typer.Context,
    name: StackName = None,
    stack: options.Stack = None,
    create: Annotated[bool, typer.Option("--create", "-c", help="Create it if it does not exist")] = False,
) -> None:
    """Choose the stack that commands without --stack work on."""
    options.refuse_extra("stack select", context.args)
    place = Workplace.open()
    named = name or stack
    if not named:
        raise BadInput(
            f"Name the stack: pulumi stack select NAME (known: {', '.join(place.backend.stacks()) or 'none'})"
        )
    plain = plain_name(named, place.project.name)
    if place.backend.exists(plain):
        backend.select(place.project, os.environ, plain)
    elif create:
        _create(place, plain)
    else:
        place.backend.load(plain, lambda salt: Passphrase("", salt))


@stack_app.command("ls")
def ls(as_json: options.Json = False) -> None:
    """List the project's stacks."""
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


@stack_app.command("rm", context_settings=options.REFUSING)
def rm(
    context: typer.Context,
    name: StackName = None,
    stack: options.Stack = None,
    yes: options.Yes = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Even if it still has resources")] = False,
) -> None:
    """Forget a stack. Its resources are not touched: destroy it first."""
    options.refuse_extra("stack rm", context.args)
    session = Session.open(name or stack)
    _confirm(yes, f"This forgets the stack {session.stack!r}.")
    with session.locked():
        if session.load().resources and not force:
            raise BadInput(
                f"The stack {session.stack!r} still has resources; removing it would leave them behind. "
                "Run `pulumi destroy` first, or pass --force."
            )
        session.place.backend.remove(session.stack)
    if backend.selected(session.place.project, os.environ) == session.stack:
        backend.select(session.place.project, os.environ, None)


@stack_app.command("output", context_settings=options.REFUSING)
def output(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One output's name")] = None,
    stack: options.Stack = None,
    as_json: options.Json = False,
    show_secrets: options.ShowSecrets = False,
) -> None:
    """Show the stack's outputs."""
    options.refuse_extra("stack output", context.args)
    session = Session.open(stack)
    roots = [one for one in session.load().resources if one.type == "pulumi:pulumi:Stack"]
    values = {
        key: rendering.plainly(value, show_secrets=show_secrets)
        for root in roots
        for key, value in root.outputs.items()
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


@stack_app.command("export", context_settings=options.REFUSING)
def export(
    context: typer.Context,
    stack: options.Stack = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Write there instead of standard output")
    ] = None,
    show_secrets: options.ShowSecrets = False,
) -> None:
    """Write the stack's state as JSON, secrets encrypted unless --show-secrets."""
    options.refuse_extra("stack export", context.args)
    session = Session.open(stack)
    deployment = session.load()
    document = checkpoint.deployment_document(
        deployment, None if show_secrets else session.passphrase.encrypt
    )
    document["secrets_providers"] = {"type": "passphrase", "state": {"salt": session.passphrase.salt}}
    text = (
        json.dumps({"version": checkpoint.VERSION, "deployment": document}, indent=4, ensure_ascii=False)
        + "\n"
    )
    if file:
        file.write_text(text)
    else:
        sys.stdout.write(text)


@state_app.command("unprotect", context_settings=options.REFUSING)
def unprotect(
    context: typer.Context,
    urn: Annotated[str | None, typer.Argument(help="The resource's URN")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every resource of the stack")] = False,
    stack: options.Stack = None,
    yes: options.Yes = False,
) -> None:
    """Take a resource's protection away, so that it can be deleted."""
    options.refuse_extra("state unprotect", context.args)
    if (urn is None) != everything:
        raise BadInput("Name one resource's URN, or pass --all.")
    session = Session.open(stack)
    with session.locked():
        deployment = session.load()
        chosen = [one for one in deployment.resources if everything or one.urn == urn]
        if not chosen:
            raise BadInput(
                f"No resource {urn!r} in stack {session.stack!r}. `pulumi stack export` lists them."
            )
        _confirm(yes, f"This takes the protection of {len(chosen)} resource(s) away.")
        for resource in chosen:
            resource.protect = False
        session.save(deployment)
    sys.stdout.write(f"{len(chosen)} resource(s) unprotected\n")


def cancel(
    context: typer.Context, name: StackName = None, stack: options.Stack = None, yes: options.Yes = False
) -> None:
    """Free a stack whose run died without freeing it."""
    options.refuse_extra("cancel", context.args)
    place = Workplace.open()
    chosen = place.stack_named(name or stack)
    found = place.backend.lock_holders(chosen)
    if not found:
        sys.stdout.write(f"The stack {chosen!r} is not locked.\n")
        return
    for holder in found:
        sys.stdout.write(f"held by {holder.describe()}\n")
    _confirm(yes, "A run that is still active goes on, and its state may be damaged by another one.")
    for holder in found:
        holder.file.unlink(missing_ok=True)
    sys.stdout.write(f"The currently running update for '{chosen}' has been canceled!\n")


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


def _confirm(yes: bool, consequence: str) -> None:
    if yes:
        return
    if not TERMINAL.interactive:
        raise BadInput(f"{consequence} Pass --yes to go on when there is no terminal to ask on.")
    if input(f"{consequence} Go on? (yes/no) ").strip().lower() not in {"yes", "y"}:
        raise EngineError("confirmation declined, nothing was changed")
