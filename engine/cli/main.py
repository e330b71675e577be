"""The entry of the embedded engine's command line: commands, global flags, and errors as people see them."""

from __future__ import annotations

import io
import itertools
import os
import sys
from typing import TYPE_CHECKING

import typer

from engine.cli import configuration, operations, options, stack, state
from engine.cli.interrupt import orderly
from engine.cli.session import TERMINAL
from engine.display.pipe import silence
from engine.errors import Cancelled, EngineError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = "v3.272.0"
"""The protocol level: the version of the SDK whose stubs are spoken."""
_CLOUD = "This is a service of Pulumi Cloud."
ELSEWHERE = {
    "about": "Use `pulumi version`, `python --version` and `docker version`.",
    "login": "State is kept in a folder: set PULUMI_BACKEND_URL to a file:// URL.",
    "logout": "State is kept in a folder: set PULUMI_BACKEND_URL to a file:// URL.",
    "whoami": "State is kept in a folder, which knows no users.",
    "import": "Importing resources takes the Pulumi CLI.",
    "history": "Use `pulumi stack history`.",
    "new": "Starting a project takes the Pulumi CLI.",
    "create": "Starting a project takes the Pulumi CLI.",
    "setup": "Starting a project takes the Pulumi CLI.",
    "install": "Run `make` to install what the project needs.",
    "plugin": "The engine brings its own docker and kafka providers.",
    "package": "The engine brings its own docker and kafka providers.",
    "policy": "Pass a pack to `pulumi preview` or `pulumi up` with --policy-pack.",
    "watch": "Run `pulumi up` after a change.",
    "logs": "Use `docker logs`.",
    "console": "There is no web console for a state folder.",
    "schema": "Working on packages takes the Pulumi CLI.",
    "template": "Starting a project takes the Pulumi CLI.",
    "convert": "Converting programs takes the Pulumi CLI.",
    "gen-completion": "Completion takes the Pulumi CLI.",
    "completion": "Completion takes the Pulumi CLI.",
    "org": _CLOUD,
    "project": "Use `pulumi stack ls`.",
    "deployment": _CLOUD,
    "api": _CLOUD,
    "insights": _CLOUD,
    "neo": _CLOUD,
    "do": "Change the program, and run `pulumi up`.",
    "env": "Environments are a service of Pulumi Cloud; set values with `pulumi config set`.",
    "esc": "Environments are a service of Pulumi Cloud; set values with `pulumi config set`.",
    "stack rename": "Renaming takes the Pulumi CLI.",
    "stack graph": "`pulumi stack export` lists resources with their dependencies.",
    "stack unselect": "Select another stack, or pass --stack.",
    "stack migrate": "Moving state between backends takes the Pulumi CLI.",
    "stack tag": _CLOUD,
    "stack drift": "Run `pulumi preview --refresh --expect-no-changes`.",
    "stack schedule": _CLOUD,
    "stack webhook": _CLOUD,
    "stack get": "Use `pulumi stack`, or `pulumi stack export` for all that is known.",
    "stack change-secrets-provider": "Changing the passphrase takes the Pulumi CLI.",
    "state get": "Use `pulumi stack export`.",
    "state edit": "Use `pulumi stack export`, an editor and `pulumi stack import`.",
    "state taint": "Change an input that forces the replacement.",
    "state untaint": "Run `pulumi up`.",
    "state protect": "Set `protect` in the program and run `pulumi up`.",
    "state rename": "Use `aliases` in the program.",
    "state move": "Moving resources takes the Pulumi CLI.",
    "state mv": "Moving resources takes the Pulumi CLI.",
    "state repair": "Editing state by hand takes the Pulumi CLI.",
    "state upgrade": "Upgrading an old state folder takes the Pulumi CLI.",
    "config copy": "Copy the values in the stacks' files.",
    "config cp": "Copy the values in the stacks' files.",
    "config env": "Environments are a service of Pulumi Cloud.",
    "config refresh": "The stack's file is in version control.",
    "config set-all": "Run `pulumi config set` for each value.",
    "config remove-all": "Run `pulumi config rm` for each value.",
    "config rm-all": "Run `pulumi config rm` for each value.",
    "config delete-all": "Run `pulumi config rm` for each value.",
}
"""Commands of the CLI that this engine has not, and what to do instead."""
_INTERRUPTED = 130
"""What typer makes of a KeyboardInterrupt."""
_GLOBAL_WITH_VALUE = frozenset({"--cwd", "-C", "--color"})
_STACK = frozenset({"--stack", "-s"})
_GROUPS = frozenset({"stack", "state", "config"})

app = typer.Typer(
    name="pulumi",
    help="The embedded engine: runs this Pulumi program without the Pulumi CLI. "
    "What it supports is listed in engine/README.md.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(stack.app, name="stack")
app.add_typer(state.app, name="state")
app.add_typer(configuration.app, name="config")
for _app, _command, _name, _spellings in (
    (app, operations.up, "up", ("update",)),
    (app, operations.preview, "preview", ("pre",)),
    (app, operations.destroy, "destroy", ("down", "dn")),
    (app, operations.refresh, "refresh", ()),
    (app, stack.cancel, "cancel", ()),
    (stack.app, stack.init, "init", ("new", "create", "setup")),
    (stack.app, stack.select, "select", ()),
    (stack.app, stack.ls, "ls", ("list",)),
    (stack.app, stack.rm, "rm", ("remove", "delete")),
    (stack.app, stack.output, "output", ()),
    (stack.app, stack.show_history, "history", ("hist",)),
    (stack.app, state.export, "export", ()),
    (stack.app, state.import_, "import", ()),
    (state.app, state.unprotect, "unprotect", ()),
    (state.app, state.delete, "delete", ("remove", "rm")),
    (configuration.app, configuration.get, "get", ()),
    (configuration.app, configuration.set_value, "set", ()),
    (configuration.app, configuration.rm, "rm", ("remove", "delete")),
):
    _app.command(_name, context_settings=options.REFUSING)(_command)
    for _spelling in _spellings:
        _app.command(_spelling, context_settings=options.REFUSING, hidden=True)(_command)


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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a letter stops no run
    with orderly():
        code = _run(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        first, rest = _globals_first(arguments)
        rest = _stack_behind(rest)
        _refuse_elsewhere(_without_stack(rest))
        words = [*first, *(rest or ["--help"])]
        result = app(words, standalone_mode=False, prog_name="pulumi", obj=_behind_dashes(rest))
    except EngineError as error:
        if not error.shown:
            sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except typer.TyperException as error:
        message = error.format_message()
        is_help = message.startswith("Usage: ")  # what a group says that was given no command
        sys.stderr.write(f"{message if is_help else f'error: {message}'}\n")
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        silence(sys.stdout)
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"error: {where}{error.strerror or error}\n")
        return 1
    if result == _INTERRUPTED:
        return _interrupted()
    return result if isinstance(result, int) else 0


def _interrupted() -> int:
    sys.stderr.write("error: interrupted\n")
    return Cancelled.exit_code


def _refuse_elsewhere(words: Sequence[str]) -> None:
    names = [word for word in words if not word.startswith("-")]
    for command in (" ".join(names[:1]), " ".join(names[:2])):
        if command in ELSEWHERE:
            raise Unsupported(
                f"`pulumi {command}` is not supported by the embedded engine. {ELSEWHERE[command]}"
            )


def _globals_first(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The global flags, which the CLI takes anywhere, and the other words."""
    first: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        flag, given, _ = word.partition("=")
        if flag == "--non-interactive":
            first.append(word)
        elif flag in _GLOBAL_WITH_VALUE:
            first += [word] if given else [word, *itertools.islice(words, 1)]
        elif word == "--":
            rest += [word, *words]
        else:
            # Typer takes what is behind a short flag's `=` with it.
            rest.append(f"--stack={word.removeprefix('-s=')}" if flag == "-s" and given else word)
    return first, rest


def _stack_behind(words: list[str]) -> list[str]:
    """`config --stack prod set` as `config set --stack prod`: the CLI takes it in both places."""
    group, given = words[:1], words[1:2]
    if not given or group[0] not in _GROUPS:
        return words
    count = 2 if given[0] in _STACK else int(given[0].startswith("--stack="))
    flag, behind = words[1 : 1 + count], words[1 + count :]
    if not count or not behind or behind[0].startswith("-"):
        return words
    return [*group, behind[0], *flag, *behind[1:]]


def _behind_dashes(words: Sequence[str]) -> int:
    """How many words stand behind a `--` and so are no flags: the parser does not tell."""
    return sum(1 for _ in itertools.dropwhile(lambda word: word != "--", words)) - ("--" in words)


def _without_stack(words: Sequence[str]) -> list[str]:
    """The words without a stack's name, which may be any command's."""
    return [word for before, word in itertools.pairwise(["", *words]) if before not in _STACK]
