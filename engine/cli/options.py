"""The flags that commands share, and the refusal of those that this engine does not have.

What decides how a run goes has the CLI's variable, too: `--parallel` is `PULUMI_OPTION_PARALLEL`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from engine.errors import BadInput, Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REFUSING = {"ignore_unknown_options": True, "allow_extra_args": True}
"""Context settings of a command that refuses unknown flags with :func:`refuse_extra`."""

INSTEAD = {
    "--target": "Only `pulumi refresh` takes targets; run the whole stack.",
    "-t": "Only `pulumi refresh` takes targets; run the whole stack.",
    "--target-replace": "Change an input that forces the replacement.",
    "--replace": "Change an input that forces the replacement.",
    "--continue-on-error": "A failed step stops the run; run it again when the cause is mended.",
    "--plan": "Run `pulumi preview` and `pulumi up` one after the other.",
    "--save-plan": "Run `pulumi preview` and `pulumi up` one after the other.",
    "--import-file": "Importing takes the Pulumi CLI.",
    "--run-program": "Destroying works from the state alone.",
    "--config": "Set it first with `pulumi config set`.",
    "-c": "Set it first with `pulumi config set`.",
}
"""What to do instead of a flag that the CLI has and this engine has not."""

_NEGATIVE = re.compile(r"-([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_KNOWN = frozenset(
    {
        *("STACK", "YES", "SKIP_PREVIEW", "PREVIEW_ONLY", "PARALLEL", "NON_INTERACTIVE", "CWD", "COLOR"),
        *("SHOW_SECRETS", "MESSAGE", "DIFF", "JSON", "EXPECT_NO_CHANGES", "EXCLUDE_PROTECTED"),
        *("SUPPRESS_OUTPUTS", "SUPPRESS_PROGRESS", "CLEAR_PENDING_CREATES", "REMOVE"),
        *("POLICY_PACK", "POLICY_PACK_CONFIG", "REFRESH"),
    }
)


def _variable(name: str) -> str:
    return f"PULUMI_OPTION_{name}"


Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        envvar=[_variable("STACK"), "PULUMI_STACK"],
        help="The stack, if not the selected one",
    ),
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes",
        "-y",
        envvar=[_variable("YES"), "PULUMI_SKIP_CONFIRMATIONS"],
        help="Go on without asking, after the preview",
    ),
]
SkipPreview = Annotated[
    bool,
    typer.Option("--skip-preview", "-f", envvar=_variable("SKIP_PREVIEW"), help="Go on without a preview"),
]
Parallel = Annotated[
    int,
    typer.Option(
        "--parallel",
        "-p",
        envvar=[_variable("PARALLEL"), "PULUMI_PARALLEL"],
        min=1,
        help="Resource steps at once",
    ),
]
Diff = Annotated[
    bool, typer.Option("--diff", envvar=_variable("DIFF"), help="Show what of each resource changes")
]
Json = Annotated[bool, typer.Option("--json", "-j", envvar=_variable("JSON"), help="Write JSON")]
ExpectNoChanges = Annotated[
    bool,
    typer.Option(
        "--expect-no-changes", envvar=_variable("EXPECT_NO_CHANGES"), help="Fail if there are any changes"
    ),
]
SuppressOutputs = Annotated[
    bool,
    typer.Option(
        "--suppress-outputs", envvar=_variable("SUPPRESS_OUTPUTS"), help="Do not show the stack's outputs"
    ),
]
SuppressProgress = Annotated[
    bool,
    typer.Option(
        "--suppress-progress", envvar=_variable("SUPPRESS_PROGRESS"), help="Lines instead of a live tree"
    ),
]
Message = Annotated[
    str | None,
    typer.Option("--message", "-m", envvar=_variable("MESSAGE"), help="Kept in the stack's history"),
]
ShowSecrets = Annotated[
    bool, typer.Option("--show-secrets", envvar=_variable("SHOW_SECRETS"), help="Show secrets in plain text")
]
ExcludeProtected = Annotated[
    bool,
    typer.Option(
        "--exclude-protected",
        envvar=_variable("EXCLUDE_PROTECTED"),
        help="Leave protected resources and what they need",
    ),
]
PreviewOnly = Annotated[
    bool,
    typer.Option(
        "--preview-only", envvar=_variable("PREVIEW_ONLY"), help="Say what would be done, and change nothing"
    ),
]
PolicyPack = Annotated[
    list[str] | None,
    typer.Option(
        "--policy-pack",
        help="Folder of a policy pack to run; several in several flags or with commas between them",
    ),
]
PolicyPackConfig = Annotated[
    list[str] | None,
    typer.Option("--policy-pack-config", help="JSON file with the configuration of each --policy-pack"),
]
Refresh = Annotated[
    bool,
    typer.Option(
        "--refresh",
        "-r",
        envvar=_variable("REFRESH"),
        help="First read what really exists, then compare with that",
    ),
]
Cwd = Annotated[
    Path | None, typer.Option("--cwd", "-C", envvar=_variable("CWD"), help="Run as if started there")
]
Color = Annotated[
    Literal["auto", "always", "never", "raw"],
    typer.Option(
        "--color",
        envvar=_variable("COLOR"),
        help="Whether to colour; raw is never",
    ),
]
NonInteractive = Annotated[
    bool, typer.Option("--non-interactive", envvar=_variable("NON_INTERACTIVE"), help="Never ask")
]


def is_set(environment: Mapping[str, str], name: str) -> bool:
    """Whether a variable says yes, in the CLI's ways of saying it."""
    return environment.get(name, "").lower() in {"1", "true"}


def listed(flags: Sequence[str] | None, environment: Mapping[str, str], name: str) -> list[str]:
    """The values of a flag that takes several, else of its variable; commas stand between values."""
    given = flags or [environment.get(_variable(name), "")]
    return [value for text in given for value in text.split(",") if value]


def refuse_extra(command: str, context: typer.Context, *, takes_value: bool = False) -> None:
    """Refuses flags and words that a command does not know, all at once.

    Args:
        command: how people call it.
        context: what was typed; its `obj` is how many of the words stood behind a `--`.
        takes_value: whether an argument may be anything behind a `--`, and a negative number without one.

    Raises:
        Unsupported: there are any. A flag that stands where an argument could is one of them.
    """
    words = [word for word in _before_dashes(context) if len(word) > 1 and word.startswith("-")]
    flags = [word for word in words if not (takes_value and _NEGATIVE.fullmatch(word))]
    if flags:
        lines = [_refusal(command, word.split("=", 1)[0]) for word in flags]
        lines += ["A value that begins with a dash goes behind `--`."] * takes_value
        raise Unsupported("\n".join(lines))
    if context.args:
        raise Unsupported(f"`pulumi {command}` takes no argument {context.args[0]!r}.")


def _before_dashes(context: typer.Context) -> list[str]:
    """The arguments, and what was taken for some: those before the `--` behind which nothing is a flag."""
    named = [
        str(context.params[parameter.name])
        for parameter in context.command.params
        if parameter.param_type_name == "argument"
        and parameter.name is not None
        and context.params[parameter.name] is not None
    ]
    words = [*named, *context.args]
    return words[: max(0, len(words) - (context.obj or 0))]


def _refusal(command: str, flag: str) -> str:
    if flag in INSTEAD:
        return f"`pulumi {command}` does not support {flag} on the embedded engine. {INSTEAD[flag]}"
    return (
        f"unknown flag: {flag}. `pulumi {command} --help` lists those of the embedded engine; "
        "if the Pulumi CLI has it, use the CLI for this."
    )


def one_stack(context: typer.Context, name: str | None, stack: str | None) -> str | None:
    """The stack that a command names as its argument `name` or by `--stack`, which a variable may give, too.

    Raises:
        BadInput: it is named in both ways.
    """
    if name and _is_typed(context, "stack"):
        raise BadInput(
            f"only one of --stack ({stack}) or argument stack name ({name}) may be specified, not both"
        )
    return name or stack


def refuse_before_command(context: typer.Context, group: str) -> None:
    """Refuses a group's own flags before a command of it, which would not hear of them.

    Raises:
        BadInput: there are any, such as the stack in ``pulumi config --json --stack prod set``.
    """
    given = [name for name in context.params if _is_typed(context, name)]
    if given:
        flags = ", ".join(f"--{name.removeprefix('as_').replace('_', '-')}" for name in given)
        command = f"pulumi {group} {context.invoked_subcommand}"
        raise BadInput(f"`{command}` does not hear of {flags} before it; `{command} --help` lists its flags")


def _is_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def refuse_variables(environment: Mapping[str, str]) -> None:
    """Refuses `PULUMI_OPTION_…` variables that would be ignored silently.

    Raises:
        Unsupported: there are any with a value.
    """
    unknown = [
        name
        for name, value in environment.items()
        if name.startswith("PULUMI_OPTION_") and value and name.removeprefix("PULUMI_OPTION_") not in _KNOWN
    ]
    if unknown:
        listed = ", ".join(sorted(unknown))
        raise Unsupported(
            f"{listed}: the embedded engine has no such option. Unset it, or use the Pulumi CLI."
        )
