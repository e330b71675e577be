"""The command line: ``python -m images build | list | check | prune | source | lock``."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from host import context
from images import certificates, daemon, downloads, site_file, source
from images.build import LOGS, alone
from images.build import build as build_images
from images.catalogue import IMAGES, PROJECT, Image, Named, name_all
from images.display import Display
from images.errors import ImageError, told
from images.lock import part_of_lock
from images.prune import prune as prune_images
from images.steps import Log

if TYPE_CHECKING:
    from types import FrameType

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The container images: built here from packages, or the public ones.",
)
out = Console(soft_wrap=True, highlight=False)
progress = Console(stderr=True, soft_wrap=True, highlight=False)

Source = Annotated[
    str | None,
    typer.Option("--source", metavar="SOURCE", help="local, registry, or auto to decide anew."),
]


def main() -> None:
    """Runs a command; a failure that a person can put right is a message and exit code 1."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    context.follow(os.environ)
    try:
        app()
    except ImageError as error:
        progress.print(str(error), markup=False)
        sys.exit(1)
    except OSError as error:
        progress.print(told(error), markup=False)
        sys.exit(1)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Whoever ends a command from outside means the same as with Ctrl-C: tidy up and go."""
    raise KeyboardInterrupt


@app.command()
def build(
    roles: Annotated[list[str] | None, typer.Argument(metavar="[IMAGE]...", help="Only these.")] = None,
    *,
    chosen: Source = None,
) -> None:
    """Builds what has changed, or chooses the public images; notes either in .site.yaml."""
    decision = source.current(chosen, site_file.read())
    out.print(f"images {decision}")
    if decision.source == source.REGISTRY:
        site_file.write_registry()
        return
    for path in certificates.no_files():
        progress.print(f"{path} is no certificate but a folder or a link to nothing: left out", markup=False)
    named = name_all(certificates.of_host())
    wanted = _chosen(named, roles or [image.role for image in IMAGES])
    build_images(wanted, Display(progress))
    site_file.write_local({key: name.reference for name in wanted if (key := name.image.site_key)})


@app.command("list")
def list_images() -> None:
    """Shows the images of this checkout and whether the engine has them."""
    there = {image.reference: image for image in daemon.present()}
    for named in name_all(certificates.of_host()).values():
        found = there.get(named.reference)
        out.print(f"{named.reference:50}{found.size if found else 'not built':>10}  {named.image.title}")


@app.command()
def check() -> None:
    """Says what does not fit together: images, .site.yaml, locks. Changes nothing; exit code 1 if any."""
    faults = []
    for lock, text in _locks().items():
        if not lock.exists() or lock.read_text() != text:
            faults.append(
                f"{lock.relative_to(PROJECT)} is not what requirements.lock says: python -m images lock"
            )
    site = site_file.read()
    if source.current(None, site).source == source.LOCAL:
        there = {image.reference for image in daemon.present()}
        noted = site_file.images(site)
        for named in name_all(certificates.of_host()).values():
            if named.reference not in there:
                faults.append(f"{named.reference} is not built: make images")
            elif (key := named.image.site_key) and noted.get(key) != named.reference:
                faults.append(
                    f".site.yaml names {noted.get(key)} for {key}, not {named.reference}: make images"
                )
    if faults:
        raise ImageError("\n".join(faults))
    out.print("all images fit")


@app.command()
def prune(
    *, everyones: Annotated[bool, typer.Option("--all", help="Those of other checkouts, too.")] = False
) -> None:
    """Removes images of this checkout's earlier builds that no container uses and no stack names.

    Older images do not say which checkout built them: they go, too.
    """
    noted = site_file.images(site_file.read())
    current = {named.reference for named in name_all(certificates.of_host()).values()} | {*noted.values()}
    with alone(Display(progress)):
        pruned = prune_images(current, everyones=everyones)
    for image in pruned.removed:
        out.print(f"removed {image.reference} ({image.size})")
    for image, reason in pruned.kept:
        out.print(f"kept {image.reference}: {reason}", markup=False)
    if not pruned.removed and not pruned.kept:
        out.print("nothing to remove")
    if pruned.others:
        out.print(f"superfluous, and built by other checkouts: {pruned.others}; --all removes them, too")


@app.command("source")
def show_source(*, chosen: Source = None) -> None:
    """Says where images come from and why: one line that begins with local or registry."""
    out.print(str(source.current(chosen, site_file.read())))


@app.command()
def lock() -> None:
    """Renews the checksums of Maven's artifacts, and the console's part of requirements.lock."""
    for path, text in _locks().items():
        path.write_text(text)
        out.print(f"wrote {path.relative_to(PROJECT)}")
    LOGS.mkdir(parents=True, exist_ok=True)
    with (
        certificates.bundle(certificates.of_host()) as trust,
        # Nothing that was downloaded before counts: a damaged file would become the truth.
        tempfile.TemporaryDirectory(dir=LOGS) as fresh,
    ):
        for image in IMAGES:
            if (image.folder / "pom.xml").exists():
                _lock_artifacts(image, trust, Path(fresh))


def _lock_artifacts(image: Image, trust: certificates.Trust, repository: Path) -> None:
    with tempfile.TemporaryDirectory(dir=LOGS) as name:
        downloads.download_artifacts(
            image.folder,
            version=image.version,
            target=Path(name),
            repository=repository,
            trust=trust,
            log=Log(LOGS / f"{image.role}.lock.log"),
            strict=True,
        )
        downloads.write_list(image.folder / downloads.LIST, Path(name))
    out.print(f"wrote {(image.folder / downloads.LIST).relative_to(PROJECT)}")


def _locks() -> dict[Path, str]:
    """What each image's ``requirements.lock`` should say, by path."""
    whole = (PROJECT / "requirements.lock").read_text()
    return {
        image.folder / "requirements.lock": part_of_lock(whole, names.read_text().split())
        for image in IMAGES
        if (names := image.folder / "requirements.in").exists()
    }


def _chosen(named: dict[str, Named], roles: list[str]) -> list[Named]:
    unknown = [role for role in roles if role not in named]
    if unknown:
        raise ImageError(f"No such image: {', '.join(unknown)}. There are: {', '.join(named)}")
    return [named[role] for role in roles]
