"""A platform whose only broker is gone with its volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messaging.cli.projects import Project
from tests.unit.cli.fake_engine import Engine
from tests.unit.cli.lost_volumes.platforms import state_of, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Of a platform with one broker and a registry."""
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    made = Project(folder=tmp_path / "project")
    write(made, state_of({1: "kafka-dev"}, copies=1))
    (made.folder / "Pulumi.yaml").write_text("name: messaging\nruntime: python\n")
    (made.folder / "Pulumi.dev.yaml").touch()
    return made


@pytest.fixture
def engine() -> Engine:
    """Whose broker is gone with its volume."""
    made = Engine()
    made.lose("kafka-dev")
    made.lose("kafka-ui-dev")
    made.volume_names = []
    return made
