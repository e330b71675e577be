"""What several tests of the command line need."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.fake_pulumi import Pulumi

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return Pulumi(folder)
