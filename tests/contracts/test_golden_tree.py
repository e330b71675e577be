"""The resources of each environment's platform as a reviewed file: type, name and parent, sorted.

After a change that is meant, write it anew: run this file's test with MESSAGING_WRITE_GOLDEN=1.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Engine

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(("file", "fixture"), [("dev.txt", "program"), ("prod.txt", "production")])
def test_a_platform_has_the_resources_that_were_reviewed(
    file: str, fixture: str, request: pytest.FixtureRequest
) -> None:
    program: Engine = request.getfixturevalue(fixture)
    lines = sorted(
        f"{resource.type}  {resource.name}  < {resource.parent or '-'}" for resource in program.registered
    )
    tree = "\n".join(lines) + "\n"
    if os.environ.get("MESSAGING_WRITE_GOLDEN"):
        (GOLDEN / file).write_text(tree)

    assert tree == (GOLDEN / file).read_text()
