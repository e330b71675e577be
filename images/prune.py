"""Removes images of earlier builds: ours by their labels, neither named anywhere nor used by a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from images import daemon
from images.catalogue import PROJECT
from images.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path


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


def prune(
    current: Collection[str], *, everyones: bool = False
) -> tuple[list[daemon.Present], list[tuple[daemon.Present, str]]]:
    """Removes what is superfluous.

    Args:
        current: references that stay, besides those that stacks name.
        everyones: takes images that other checkouts built, too.

    Returns:
        the images that were removed, and those that Docker keeps, with its reason.
    """
    removed, kept = [], []
    daemon.remove_left_over()
    ours = daemon.present(built_here=not everyones, ours=True)
    current = {*current, *named_by_stacks(ours)}
    for image in superfluous(ours, current=current, used=daemon.in_use()):
        try:
            daemon.remove(image.reference)
        except ImageError as error:
            kept.append((image, str(error)))
        else:
            removed.append(image)
    return removed, kept
