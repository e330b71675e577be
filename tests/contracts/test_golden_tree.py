"""The development platform's resources as a reviewed file: type, name and parent of each, sorted.

After a change that is meant, write it anew: run this file's test with MESSAGING_WRITE_GOLDEN=1.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Engine

GOLDEN = Path(__file__).parent / "golden" / "dev.txt"


def test_the_development_platform_has_the_resources_that_were_reviewed(program: Engine) -> None:
    lines = sorted(
        f"{resource.type}  {resource.name}  < {resource.parent or '-'}" for resource in program.registered
    )
    tree = "\n".join(lines) + "\n"
    if os.environ.get("MESSAGING_WRITE_GOLDEN"):
        GOLDEN.write_text(tree)

    assert tree == GOLDEN.read_text()
