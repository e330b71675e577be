"""Removes images of earlier builds: ours by their labels, neither named anywhere nor used by a container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from images import daemon
from images.catalogue import NAMESPACE, PROJECT
from images.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What became of the images that nothing needs."""

    removed: list[daemon.Present]
    kept: list[tuple[daemon.Present, str]]
    """Those that Docker keeps, with its reason."""
    others: int
    """How many stay because other checkouts built them."""


def superfluous(
    ours: Iterable[daemon.Present], *, current: Collection[str], used: Collection[str]
) -> list[daemon.Present]:
    """Which images to remove.

    Args:
        ours: the images with this project's labels, the newest first.
        current: references that stay.
        used: references and ids of what containers were made from.
    """
    return [
        image
        for image in ours
        if image.reference not in current and image.reference not in used and image.id not in used
    ]


def named_by_stacks(images: Iterable[daemon.Present], project: Path = PROJECT) -> set[str]:
    """The references that stand in a stack's file, such as that of a release to go back to."""
    text = "\n".join(path.read_text(errors="replace") for path in sorted(project.glob("Pulumi*.yaml")))
    return {image.reference for image in images if image.reference in text}


def prune(current: Collection[str], *, everyones: bool = False) -> Pruned:
    """Removes what is superfluous.

    Args:
        current: references that stay, besides those that stacks name.
        everyones: takes images that other checkouts built, too.
    """
    removed, kept = [], []
    daemon.remove_left_over()
    ours = daemon.present(ours=True)
    current = {*current, *named_by_stacks(ours)}
    found = superfluous(ours, current=current, used=daemon.in_use())
    chosen = found if everyones else _taken(found)
    for image in chosen:
        try:
            daemon.remove(image.reference)
        except ImageError as error:
            kept.append((image, str(error)))
        else:
            removed.append(image)
    return Pruned(removed=removed, kept=kept, others=len(found) - len(chosen))


def _taken(found: Iterable[daemon.Present]) -> list[daemon.Present]:
    """Those that this checkout built, and those from before images said which one did, which are anyone's."""
    here = {image.reference for image in daemon.present(ours=True, built_here=True)}
    signed = {image.reference for image in daemon.present(ours=True, signed=True)}
    return [
        image
        for image in found
        if image.reference in here
        or (image.reference not in signed and image.reference.startswith(f"{NAMESPACE}/"))
    ]
