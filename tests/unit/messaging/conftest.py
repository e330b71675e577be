"""What several tests of the stream catalogue need."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "schemas"
    place.mkdir()
    (place / "readings.avsc").write_text(json.dumps({"type": "record", "name": "Reading", "fields": []}))
    return place
