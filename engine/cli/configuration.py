"""`config`: show and change a stack's configuration."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Annotated, Any

import typer

from engine.cli import options
from engine.cli.session import TERMINAL, Session
from engine.display.masking import MASK
from engine.errors import BadInput
from engine.planning import paths
from engine.workspace.config import looks_secret
from engine.workspace.members import get_path, parse_value, set_path, without_path

app = typer.Typer(help="Show and change a stack's configuration", invoke_without_command=True)
Path = Annotated[bool, typer.Option("--path", help="The key is a path into an object: cluster.memory")]


@app.callback()
def show(
    context: typer.Context,
    stack: options.Stack = None,
    as_json: options.Json = False,
    show_secrets: options.ShowSecrets = False,
) -> None:
    """List the configuration; secrets only with --show-secrets."""
    if context.invoked_subcommand is not None:
        options.refuse_before_command(context, "config")
        return
    values, secret = _values(Session.open(stack))
    shown = {key: MASK if key in secret and not show_secrets else value for key, value in values.items()}
    if as_json:
        document = {key: {"value": value, "secret": key in secret} for key, value in shown.items()}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    width = max([len(key) for key in shown] + [3])
    sys.stdout.write("".join(f"{key.ljust(width)}  {shown[key]}\n" for key in sorted(shown)))


def get(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="namespace:key, or a key of this project")],
    stack: options.Stack = None,
    path: Path = False,
) -> None:
    """Show one value, also a secret one."""
    options.refuse_extra("config get", context)
    session = Session.open(stack)
    name, *members = _parts(session, key, path=path)
    values, _ = _values(session)
    try:
        value: Any = values[str(name)]
        if members:
            value = get_path(_nested(value), members)
    except KeyError:
        raise BadInput(f"configuration key '{key}' not found for stack '{session.stack}'") from None
    sys.stdout.write((value if isinstance(value, str) else json.dumps(value)) + "\n")


def set_value(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="namespace:key, or a key of this project")],
    value: Annotated[str | None, typer.Argument(help="Without it, read from standard input")] = None,
    stack: options.Stack = None,
    secret: Annotated[bool, typer.Option("--secret", help="Keep it encrypted")] = False,
    plaintext: Annotated[bool, typer.Option("--plaintext", help="Keep it in plain text")] = False,
    path: Path = False,
) -> None:
    """Set one value. A secret is best given on standard input, where no process list shows it."""
    options.refuse_extra("config set", context, takes_value=True)
    if secret and plaintext:
        raise BadInput("--secret and --plaintext exclude each other.")
    session = Session.open(stack)
    name, *members = _parts(session, key, path=path)
    text = _asked(secret=secret) if value is None else value
    if not (secret or plaintext) and looks_secret(key, text):
        raise BadInput(
            f"config value for '{key}' looks like a secret; rerun with --secret to encrypt it, or "
            "--plaintext if you meant to store in plaintext"
        )
    new: Any = parse_value(text) if path else text
    if secret:
        session.passphrase.verify()
        new = {"secure": session.passphrase.encrypt(text)}
    before = session.config.values.get(str(name)) if members else None
    session.config.set(str(name), set_path(before, members, new))


def rm(context: typer.Context, key: str, stack: options.Stack = None, path: Path = False) -> None:
    """Remove one value."""
    options.refuse_extra("config rm", context)
    session = Session.open(stack)
    name, *members = _parts(session, key, path=path)
    try:
        value = session.config.values[str(name)]
        if members:
            session.config.set(str(name), without_path(value, members))
        else:
            session.config.remove(str(name))
    except KeyError:
        raise BadInput(f"configuration key '{key}' not found for stack '{session.stack}'") from None


def _parts(session: Session, key: str, *, path: bool) -> tuple[str | int, ...]:
    """The fully named key and, of a path, what stands behind it."""
    try:
        name, *members = paths.parse(key) if path else (key,)
    except ValueError as error:
        raise BadInput(f"{key!r} is no path: {error}") from error
    return (session.config.key(str(name)), *members)


def _nested(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _asked(*, secret: bool) -> str:
    """A value from standard input, where no process list shows it.

    Raises:
        BadInput: that is a terminal on which nobody is to be asked; reading it would show what is typed.
    """
    if not sys.stdin.isatty():
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not TERMINAL.interactive:
        raise BadInput(
            "config value must be specified in non-interactive mode: on standard input, or behind the key"
        )
    return getpass.getpass("value: ") if secret else input("value: ")


def _values(session: Session) -> tuple[dict[str, str], set[str]]:
    values, secret = session.program_config()
    return values, set(secret)
