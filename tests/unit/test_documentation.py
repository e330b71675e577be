"""Every command of the documentation is run by a test, its own or another, and its links lead to files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.documentation import DOCUMENTS, ELSEWHERE, ROOT, RUN_HERE, commands

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_is_run_here_or_elsewhere_by_name(document: Path) -> None:
    for command in commands(document):
        if command in ELSEWHERE:
            file, says = ELSEWHERE[command]
            assert says in (ROOT / file).read_text(), f"{command}: {file} no longer says {says}"
        else:
            assert document.name in RUN_HERE, f"{command} in {document.name} is run by no test"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"
