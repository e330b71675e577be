"""What several tests of the state while a run changes it need."""

from __future__ import annotations

import pytest

from tests.unit.engine.disk import Disk


@pytest.fixture
def disk() -> Disk:
    return Disk()
