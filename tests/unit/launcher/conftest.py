"""A project with a development and a production stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: messaging\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  messaging:environment: dev\n")
    (folder / "Pulumi.prod.yaml").write_text("config:\n  messaging:environment: prod\n")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PULUMI_HOME": str(tmp_path / "home")}


@pytest.fixture
def selected(project: Path, environment: dict[str, str]) -> None:
    """The development stack is the selected one."""
    from engine.state import backend
    from engine.workspace.project import Project

    backend.select(Project.find(project), environment, "dev")
