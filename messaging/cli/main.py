"""``messaging``: the operators' command line. Each command says what it does in ``--help``."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from host import context
from messaging.cli import care, clusters, schemas, states, upgrade
from messaging.cli import rebalance as balance
from messaging.cli.preview_report import preview_report
from messaging.cli.projects import ProjectError, find_project
from messaging.cli.stacks import Item, StackOnHost, UnhealthyError
from messaging.docker_engine import EngineError, connected
from messaging.protocol import NodeError
from messaging.report.preview import EventsError
from state_folder import URL_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from messaging.cli.states import State

app = typer.Typer(
    name="messaging",
    help="Look after a running messaging platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
errors = Console(stderr=True, soft_wrap=True, highlight=False)

app.add_typer(schemas.app, name="schema")
app.command()(schemas.docs)

Stack = Annotated[str, typer.Option("--stack", "-s", help="The stack.", envvar="PULUMI_STACK")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.callback()
def messaging() -> None:
    """Look after a running messaging platform."""


@app.command()
def stop(stack: Stack = "dev", as_json: Json = False) -> None:
    """Stop a stack's containers without losing anything: first what needs others, brokers last."""
    _run(stack, as_json, "stopped", lambda on_host, tell: on_host.stop(tell))


@app.command()
def start(stack: Stack = "dev", as_json: Json = False) -> None:
    """Start a stack's stopped containers, and wait until they are healthy."""
    _run(stack, as_json, "started", lambda on_host, tell: on_host.start(tell))


@app.command()
def reclaim(
    stack: Stack = "dev",
    volumes: Annotated[bool, typer.Option("--volumes", help="Volumes, too, with all data in them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """List and remove Docker objects that carry a stack's labels and that its state does not know.

    With --json and without --yes it only lists.
    """
    project = find_project()
    owner = project.owner(stack)
    with connected() as client:
        on_host = StackOnHost(client, owner)
        # In this order: what a run makes that begins meanwhile is not among the items.
        items = on_host.items()
        place = states.find(project, stack, os.environ)
        place.refuse_locked()
        state = place.whole()
        unknown = [item for item in items if not state.knows(item.kind, item.name)]
        removed = [item for item in unknown if volumes or item.kind != "volume"]
        kept = [item for item in unknown if item not in removed]
        only_listed = as_json and not yes
        place.refuse_doubts([(item.kind, item.name) for item in removed])
        if not as_json:
            _show(stack, state, removed, kept)
        if removed and not yes and not only_listed:
            _ask(len(removed))
        if not only_listed:
            on_host.remove(removed, (lambda _: None) if as_json else typer.echo)
    if as_json:
        _print_json(
            {
                "state": {"file": str(state.file), "there": state.there, "knows": len(state.objects)},
                "leftOver": [_plain(item) for item in removed],
                "removed": [] if only_listed else [_plain(item) for item in removed],
                "kept": [_plain(item) for item in kept],
            }
        )
    elif removed:
        typer.echo(f"removed {len(removed)}")


@app.command()
def health(stack: Stack = "dev", as_json: Json = False) -> None:
    """Show how the Kafka cluster is. Exit code 0: healthy, 3: less in reserve, 4: something is not served."""
    project = find_project()
    with connected() as client:
        found = care.report(client, project, stack, lambda line: typer.echo(line, err=True))
    if as_json:
        _print_json({"stack": stack, **found.plain()})
    else:
        for line in care.lines(found):
            typer.echo(line)
    raise typer.Exit(care.EXIT_CODES[found.status])


@app.command()
def repair(
    stack: Stack = "dev",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False,
    accept_loss: Annotated[
        bool,
        typer.Option("--accept-loss", help="Go on where a lost volume had the only copy of data."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring back containers that were stopped or removed by hand; their data is on their volumes."""
    project = find_project()
    with connected() as client:
        on_host = StackOnHost(client, project.owner(stack))
        done = care.repair(
            on_host,
            project,
            stack,
            dry_run=dry_run,
            accept_loss=accept_loss,
            tell=lambda line: typer.echo(line, err=True),
        )
    if as_json:
        _print_json({"dryRun": dry_run, "steps": done})
        return
    for line in done or ["nothing to repair"]:
        typer.echo(f"would {line}" if dry_run and done else line)


@app.command()
def rebalance(
    stack: Stack = "dev",
    without: Annotated[
        list[str] | None, typer.Option("--without", help="A broker that is to hold nothing; repeatable.")
    ] = None,
    copies: Annotated[
        int | None,
        typer.Option(
            "--copies", min=1, help="Copies of Kafka's and services' own topics; else as a new topic has."
        ),
    ] = None,
    throttle: Annotated[
        int, typer.Option("--throttle", min=1, help="MB a second that each broker copies at most.")
    ] = 50,
    execute: Annotated[bool, typer.Option("--execute", help="Do it; without, only the plan.")] = False,
    as_json: Json = False,
) -> None:
    """Move replicas so that brokers are evenly filled. Run it again to go on where it was interrupted."""
    project = find_project()
    with connected() as client:
        nodes = clusters.find(client, project.owner(stack), stack)
    moves = balance.plan(nodes, without or [], copies)
    if execute:
        balance.execute(
            nodes,
            without or [],
            copies,
            bytes_a_second=throttle * 1_000_000,
            tell=lambda line: typer.echo(line, err=True),
        )
    if as_json:
        plain = [{"partition": one.name, "before": one.before, "after": one.after} for one in moves]
        _print_json({"executed": execute, "moves": plain})
        return
    for line in balance.lines(moves):
        typer.echo(line)
    done = "moved" if execute else "to move (--execute does it)"
    typer.echo(f"{len(moves)} partitions {done}" if moves else "nothing to move")


@app.command(name="upgrade-metadata")
def upgrade_metadata(
    stack: Stack = "dev",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only ask the controllers.")] = False,
    as_json: Json = False,
) -> None:
    """Finish an upgrade: let the cluster use what its version of Kafka can do. There is no way back."""
    project = find_project()
    with connected() as client:
        nodes = clusters.find(client, project.owner(stack), stack)
    done = upgrade.finish(nodes, dry_run=dry_run)
    if as_json:
        _print_json(done)
    elif done["before"] == done["after"]:
        typer.echo(f"nothing to finish: metadata.version is {done['before']}, as high as all brokers know")
    else:
        word = "would go" if dry_run else "went"
        typer.echo(f"metadata.version {word} from {done['before']} to {done['after']}")


app.command("preview-report")(preview_report)


def main() -> None:
    """Runs the command line; a known error ends it with code 1 and one message, with --json as JSON, too."""
    context.follow(os.environ)
    try:
        app()
    except (ProjectError, EngineError, EventsError, UnhealthyError, NodeError) as error:
        errors.print(f"error: {error}", markup=False)
        if "--json" in sys.argv:
            _print_json({"error": str(error)})
        sys.exit(1)


def _run(
    stack: str,
    as_json: bool,
    done: str,
    operation: Callable[[StackOnHost, Callable[[str], None]], Sequence[str]],
) -> None:
    owner = find_project().owner(stack)
    with connected() as client:
        on_host = StackOnHost(client, owner)
        if not any(item.kind == "container" for item in on_host.items()):
            raise ProjectError(
                f"the stack {stack} has no containers on this Docker host. Make them: `make up`"
            )
        names = operation(on_host, (lambda _: None) if as_json else typer.echo)
    if as_json:
        _print_json({done: list(names)})
    else:
        typer.echo(f"{done} {len(names)}" if names else f"nothing to do: all was {done} before")


def _show(stack: str, state: State, removed: Sequence[Item], kept: Sequence[Item]) -> None:
    if state.there:
        typer.echo(f"the state of the stack {stack}, {state.file}, knows {len(state.objects)} Docker objects")
    else:
        typer.echo(f"the stack {stack} has no state: there is no {state.file}")
    if removed and not state.objects:
        typer.echo(
            "so everything that has the stack's labels counts as left over. If it is in use, its state is "
            f"elsewhere: in another checkout, or where {URL_VARIABLE} or `pulumi login` has to lead"
        )
    if not removed and not kept:
        typer.echo(f"nothing on this Docker host is left over from the stack {stack}")
    for item in removed:
        typer.echo(f"{item.kind:10} {item.name}")
    for item in kept:
        typer.echo(f"{item.kind:10} {item.name}  stays, with its data (--volumes removes it)")


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise ProjectError("nothing was removed: without a terminal to ask on, say --yes")
    typer.confirm(f"Remove {count}?", abort=True)


def _plain(item: Item) -> dict[str, str]:
    return {"kind": item.kind, "name": item.name}


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, indent=2))
