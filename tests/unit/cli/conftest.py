"""What several tests of the command line need."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from messaging.cli.projects import Project
from tests.unit.cli.fake_pulumi import Pulumi

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return Pulumi(folder)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A checkout, in which the command runs."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: messaging\nruntime: python\n")
    monkeypatch.chdir(folder)
    return Project(folder=folder)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PULUMI_HOME": str(tmp_path / "home")}
