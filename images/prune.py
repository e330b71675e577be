"""Removes images of earlier builds: ours by their labels, neither current nor used by a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from images import daemon
from images.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


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


def prune(current: Collection[str]) -> tuple[list[daemon.Present], list[daemon.Present]]:
    """Removes what is superfluous.

    Returns:
        the images that were removed, and those that stay because others are built on them.
    """
    removed, kept = [], []
    for image in superfluous(daemon.present(ours=True), current=current, used=daemon.in_use()):
        try:
            daemon.remove(image.reference)
        except ImageError:
            kept.append(image)
        else:
            removed.append(image)
    return removed, kept
