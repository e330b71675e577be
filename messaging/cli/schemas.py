"""``messaging schema`` and ``messaging docs``: what is done with the catalogue in the project's folder.

Nothing here talks to a registry: the preview does.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from messaging import catalogue, schema_history, stream_docs
from messaging.cli.projects import ProjectError, find_project

if TYPE_CHECKING:
    from pathlib import Path

    from messaging.streams import Catalogue

app = typer.Typer(help="The schemas of the catalogue, and their versions in git.", no_args_is_help=True)
FOLDER = "schemas"

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


class NotRecordedError(ProjectError):
    """Something in the project's folder is not as the catalogue says; the message says what to run."""


@app.callback()
def schema() -> None:
    """The schemas of the catalogue, and their versions in git."""


@app.command()
def check(as_json: Json = False) -> None:
    """Check all schemas against their versions in git; fails if one is not recorded yet."""
    folder, read = _catalogue()
    missing = list(_unrecorded(folder, read))
    if as_json:
        typer.echo(
            json.dumps({"subjects": [one.name for one in read.subjects], "unrecorded": missing}, indent=2)
        )
    if missing:
        raise NotRecordedError(
            f"these subjects have a schema that is no version in git yet: {', '.join(missing)}. Once the "
            "change is meant, run: messaging schema record"
        )
    if not as_json:
        typer.echo(f"{len(read.subjects)} subjects are compatible with their versions, and recorded")


@app.command()
def record(
    subjects: Annotated[list[str] | None, typer.Argument(help="The subjects; all by default.")] = None,
    as_json: Json = False,
) -> None:
    """Keep each changed schema in git as the next version of its subject."""
    folder, read = _catalogue()
    known = {one.name: one for one in read.subjects}
    unknown = [name for name in subjects or () if name not in known]
    if unknown:
        raise NotRecordedError(
            f"no stream has the subject {', '.join(unknown)}. There are: {', '.join(known)}"
        )
    written = {}
    for name, recorded in _unrecorded(folder, read).items():
        if not subjects or name in subjects:
            kept = schema_history.record(folder, known[name], len(recorded) + 1)
            written[name] = str(kept.relative_to(folder.parent))
    if as_json:
        typer.echo(json.dumps({"recorded": written}, indent=2))
        return
    for file in written.values():
        typer.echo(f"recorded {file}")
    if not written:
        typer.echo("nothing to do: every schema is the newest version of its subject")


def docs(
    check_only: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a page is not as it should be.")
    ] = False,
) -> None:
    """Write the documentation that follows from the catalogue: pages, AsyncAPI, the schema for editors."""
    folder, read = _catalogue()
    wanted = stream_docs.generate(read)
    root = folder.parent
    pages = root / stream_docs.FOLDER
    there = {str(file.relative_to(root)) for file in pages.iterdir()} if pages.is_dir() else set()
    left_over = sorted(there - set(wanted))
    stale = sorted(name for name, text in wanted.items() if _text(root / name) != text)
    if check_only:
        if stale or left_over:
            raise NotRecordedError(
                f"not as the catalogue says: {', '.join([*stale, *left_over])}. Run: messaging docs"
            )
        return
    for name in stale:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(wanted[name], encoding="utf-8")
        typer.echo(f"wrote {name}")
    for name in left_over:
        (root / name).unlink()
        typer.echo(f"removed {name}")


def _catalogue() -> tuple[Path, Catalogue]:
    folder = find_project().folder / FOLDER
    try:
        return folder, catalogue.load(folder)
    except catalogue.CatalogueError as error:
        raise ProjectError(str(error)) from None


def _unrecorded(folder: Path, read: Catalogue) -> dict[str, tuple[schema_history.Recorded, ...]]:
    """The subjects whose schema is no version yet, and the versions that they have."""
    types = schema_history.types(folder, {one.name: one.schema for one in read.types})
    found = {}
    for one in read.subjects:
        recorded = schema_history.versions(folder, one.name, types)
        if not schema_history.is_recorded(one, recorded):
            found[one.name] = recorded
    return found


def _text(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None
