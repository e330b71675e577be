"""When the program refuses what it must not deploy: before an update does anything, and after a preview.

A preview goes on first, so that it shows all there is to say: the policies' words, and what would change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping


def before_an_update(refusal: str) -> None:
    """Ends an update that must not be made, before any resource exists.

    Raises:
        RunError: there is something to refuse.
    """
    if refusal and not pulumi.runtime.is_dry_run():
        raise pulumi.RunError(refusal)


def end_of_program(refusal: str, outputs: Mapping[str, object]) -> None:
    """Fails the preview of an update that must not be made; any other program ends with its outputs.

    Raises:
        RunError: there is something to refuse.
    """
    if refusal:
        raise pulumi.RunError(refusal)
    for name, value in outputs.items():
        pulumi.export(name, value)
