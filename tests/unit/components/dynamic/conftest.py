"""Brokers instead of a cluster."""

from __future__ import annotations

import pytest

from components.dynamic import cluster_settings
from messaging import cluster
from tests.unit.components.dynamic.fake_brokers import Brokers


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Brokers:
    """Two brokers that have kept ``log.retention.ms`` for 5 so far, and nobody who waits long for them."""
    made = Brokers()
    monkeypatch.setattr(cluster, "configuration", made.configuration)
    monkeypatch.setattr(cluster, "configure", made.configure)
    monkeypatch.setattr(cluster, "confirm", made.confirm)
    monkeypatch.setattr(cluster, "look", made.look)
    monkeypatch.setattr(cluster_settings, "APPLIED_SECONDS", 0.0)
    monkeypatch.setattr(cluster_settings, "PAUSE_SECONDS", 0.0)
    return made
