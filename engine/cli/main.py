"""The entry of the embedded engine's command line: commands, global flags, and errors as people see them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click
import typer

from engine.cli import configuration, operations, options, stack
from engine.cli.session import TERMINAL
from engine.errors import EngineError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = "v3.272.0"
"""The protocol level: the version of the SDK whose stubs are spoken."""
ELSEWHERE = {
    "login": "The embedded engine keeps state in a folder: set PULUMI_BACKEND_URL to a file:// URL.",
    "logout": "The embedded engine keeps state in a folder: set PULUMI_BACKEND_URL to a file:// URL.",
    "import": "Importing resources takes the Pulumi CLI.",
    "new": "Starting a project takes the Pulumi CLI.",
    "install": "Run `make` to install what the project needs.",
    "plugin": "The embedded engine brings its own docker and kafka providers.",
    "policy": "Policy packs are not supported yet.",
    "watch": "Run `pulumi up` after a change.",
    "logs": "Use `docker logs`.",
    "console": "There is no web console for a state folder.",
}
"""Commands of the CLI that this engine has not, and what to do instead."""

app = typer.Typer(
    name="pulumi", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="The embedded engine: runs this Pulumi program without the Pulumi CLI. engine/README.md lists what it supports.",
)  # fmt: skip
app.add_typer(stack.stack_app, name="stack")
app.add_typer(stack.state_app, name="state")
app.add_typer(configuration.app, name="config")
for _command, _names in (
    (operations.up, ("up", "update")),
    (operations.preview, ("preview", "pre")),
    (operations.destroy, ("destroy", "down", "dn")),
    (operations.refresh, ("refresh",)),
    (stack.cancel, ("cancel",)),
):
    for _name in _names:
        app.command(_name, context_settings=options.REFUSING, hidden=_name != _names[0])(_command)


@app.callback()
def settings(
    cwd: options.Cwd = None, color: options.Color = "auto", non_interactive: options.NonInteractive = False
) -> None:
    """Flags for every command."""
    TERMINAL.color, TERMINAL.non_interactive = color, non_interactive
    if cwd is not None:
        os.chdir(cwd)
    options.refuse_variables(os.environ)


@app.command()
def version() -> None:
    """Show the protocol level that the engine speaks."""
    sys.stdout.write(f"{VERSION}\n")


def main(arguments: Sequence[str]) -> int:
    """Runs a command line and returns the exit code; errors are shown, tracebacks are not."""
    try:
        _refuse_elsewhere(arguments)
        result = app(_globals_first(arguments), standalone_mode=False, prog_name="pulumi")
    except EngineError as error:
        if not error.shown:
            sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except click.ClickException as error:
        sys.stderr.write(f"error: {error.format_message()}\n")
        return 1
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("error: interrupted\n")
        return 8
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"error: {where}{error.strerror or error}\n")
        return 1
    return result if isinstance(result, int) else 0


def _refuse_elsewhere(arguments: Sequence[str]) -> None:
    command = next((word for word in arguments if not word.startswith("-")), "")
    if command in ELSEWHERE:
        raise Unsupported(f"`pulumi {command}` is not supported by the embedded engine. {ELSEWHERE[command]}")


def _globals_first(arguments: Sequence[str]) -> list[str]:
    """The same words with the global flags in front: the CLI takes them anywhere."""
    first: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        flag = word.split("=", 1)[0]
        if flag == "--non-interactive":
            first.append(word)
        elif flag in {"--cwd", "-C", "--color"}:
            first.append(word)
            if "=" not in word:
                first += [next(words, "")]
        else:
            rest.append(word)
    return [*first, *rest]
