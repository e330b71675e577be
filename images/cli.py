"""The command line: ``python -m images build | list | check | prune | source | lock``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from images import certificates, daemon, downloads, site_file, source
from images.build import CACHE, LOGS
from images.build import build as build_images
from images.catalogue import IMAGES, PROJECT, Image, Named, name_all
from images.display import Display
from images.errors import ImageError
from images.lock import part_of_lock
from images.prune import prune as prune_images
from images.steps import Log

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
    try:
        app()
    except ImageError as error:
        progress.print(str(error), markup=False)
        sys.exit(1)


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
        noted = site.get("images") or {}
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
def prune() -> None:
    """Removes images of earlier builds that no container uses."""
    noted = site_file.read().get("images") or {}
    current = {named.reference for named in name_all(certificates.of_host()).values()} | {*noted.values()}
    removed, kept = prune_images(current)
    for image in removed:
        out.print(f"removed {image.reference} ({image.size})")
    for image in kept:
        out.print(f"kept {image.reference}: other images are built on it")
    if not removed and not kept:
        out.print("nothing to remove")


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
    with certificates.bundle(certificates.of_host()) as trust:
        for image in IMAGES:
            if (image.folder / "pom.xml").exists():
                _lock_artifacts(image, trust)


def _lock_artifacts(image: Image, trust: certificates.Trust) -> None:
    with tempfile.TemporaryDirectory() as name:
        downloads.download_artifacts(
            image.folder,
            version=image.version,
            target=Path(name),
            repository=CACHE / "maven",
            trust=trust,
            log=Log(LOGS / f"{image.role}.lock.log"),
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
