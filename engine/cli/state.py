"""`state`, `stack export` and `stack import`: what the state says, looked at and edited by hand."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from engine import urn
from engine.cli import options
from engine.cli.session import Session, confirm
from engine.errors import BadInput
from engine.graph import needs
from engine.state import checkpoint
from engine.state.integrity import verify

if TYPE_CHECKING:
    from engine.resource import Deployment, Resource

app = typer.Typer(no_args_is_help=True, help="Edit a stack's state")
_Urn = Annotated[str | None, typer.Argument(metavar="URN", help="The resource's URN")]
_All = Annotated[bool, typer.Option("--all", help="Every resource of the stack")]


def unprotect(
    context: typer.Context,
    named: _Urn = None,
    everything: _All = False,
    stack: options.Stack = None,
    yes: options.Yes = False,
) -> None:
    """Take a resource's protection away, so that it can be deleted."""
    options.refuse_extra("state unprotect", context)
    session = Session.open(stack)
    with session.locked():
        deployment = session.load()
        chosen = _chosen(deployment, named, session.stack, everything=everything)
        confirm(yes, f"This takes the protection of {len(chosen)} resource(s) away.")
        for resource in chosen:
            resource.protect = False
        session.save(deployment)
    sys.stdout.write(f"{len(chosen)} resource(s) unprotected\n")


def delete(
    context: typer.Context,
    named: _Urn = None,
    everything: _All = False,
    force: Annotated[bool, typer.Option("--force", help="Even if it is protected")] = False,
    target_dependents: Annotated[
        bool, typer.Option("--target-dependents", help="With all that needs it")
    ] = False,
    stack: options.Stack = None,
    yes: options.Yes = False,
) -> None:
    """Forget a resource. It is not touched itself: nobody looks after it any more."""
    options.refuse_extra("state delete", context)
    session = Session.open(stack)
    with session.locked():
        deployment = session.load()
        chosen = _chosen(deployment, named, session.stack, everything=everything)
        dependents = _dependents(deployment, chosen)
        if dependents and not target_dependents:
            listed = "\n".join(f"  {one.urn}" for one in dependents)
            raise BadInput(f"these need it:\n{listed}\nTo forget them too, pass --target-dependents.")
        chosen += dependents
        if protected := [one.urn for one in chosen if one.protect and not force]:
            listed = "\n".join(f"  {one}" for one in protected)
            raise BadInput(f"these are protected:\n{listed}\nTo forget them all the same, pass --force.")
        confirm(yes, f"This forgets {len(chosen)} resource(s) and leaves them as they are.")
        gone = set(map(id, chosen))
        deployment.resources = [one for one in deployment.resources if id(one) not in gone]
        session.save(deployment)
    sys.stdout.write(f"{len(chosen)} resource(s) deleted from the state\n")


def _chosen(deployment: Deployment, named: str | None, stack: str, *, everything: bool) -> list[Resource]:
    if (named is None) != everything:
        raise BadInput("Name one resource's URN, or pass --all.")
    chosen = [one for one in deployment.resources if everything or one.urn == named]
    if not chosen:
        raise BadInput(f"No resource {named!r} in stack {stack!r}. `pulumi stack export` lists them.")
    if len(chosen) > 1 and not everything:
        listed = "\n".join(f"  {one.id}{' (pending deletion)' * one.delete}" for one in chosen)
        raise BadInput(
            f"URN {named!r} ambiguously refers to several resources, which are told apart by their ids:\n"
            f"{listed}\nRun `pulumi up`, which deletes those pending deletion, or take one out of what "
            "`pulumi stack export` writes and run `pulumi stack import`."
        )
    return chosen


def _dependents(deployment: Deployment, chosen: list[Resource]) -> list[Resource]:
    """What needs the chosen, children included; a URN that is there twice is still there afterwards."""
    left = Counter(one.urn for one in deployment.resources)
    left.subtract(one.urn for one in chosen)
    going = set(map(id, chosen))
    found = []
    for resource in deployment.resources:
        if id(resource) not in going and any(left.get(urn) == 0 for urn in needs(resource)):
            left[resource.urn] -= 1
            found.append(resource)
    return found


def export(
    context: typer.Context,
    stack: options.Stack = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Write there instead of standard output")
    ] = None,
    show_secrets: options.ShowSecrets = False,
) -> None:
    """Write the stack's state as JSON, secrets encrypted unless --show-secrets."""
    options.refuse_extra("stack export", context)
    session = Session.open(stack)
    deployment = session.place.backend.load(session.stack, session.for_salt, whole=False)
    document = checkpoint.deployment_document(
        deployment, None if show_secrets else session.passphrase.encrypt
    )
    document["secrets_providers"] = {"type": "passphrase", "state": {"salt": session.passphrase.salt}}
    text = (
        json.dumps({"version": checkpoint.VERSION, "deployment": document}, indent=4, ensure_ascii=False)
        + "\n"
    )
    if file:
        file.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def import_(
    context: typer.Context,
    stack: options.Stack = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Read it there instead of from standard input")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Even if it names another stack or is inconsistent")
    ] = False,
) -> None:
    """Replace the stack's state by one that `stack export` wrote, with all its checks."""
    options.refuse_extra("stack import", context)
    session = Session.open(stack)
    where = str(file or "standard input")
    session.passphrase.verify()  # what is sealed with another one nobody could read again
    with session.locked():
        session.last_look(force=force, whole=False)
        deployment = checkpoint.decode_export(_text(file, where), session.for_salt, where=where)
        foreign = [
            one.urn
            for one in deployment.resources
            if (urn.stack_of(one.urn), urn.project_of(one.urn)) != (session.stack, session.place.project.name)
        ]
        if foreign and not force:
            listed = "\n".join(f"  {one}" for one in foreign[:10])
            raise BadInput(
                f"{where} holds resources of another stack or project:\n{listed}\n"
                "If it is really meant for this one, pass --force."
            )
        if not force:
            verify(deployment)
        session.save(deployment)
    sys.stdout.write(f"Import complete: {len(deployment.resources)} resource(s).\n")


def _text(file: Path | None, where: str) -> str:
    """What is to be imported. Raises BadInput."""
    try:
        return (file.read_bytes() if file else sys.stdin.buffer.read()).decode()
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{where} is not text in UTF-8, which `pulumi stack export` writes: {error}"
        ) from error
