"""What the e2e tests share: a platform that is up for the whole run, and fresh copies for the rest."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.e2e import harness
from tests.e2e import production as cluster
from tests.e2e.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything below this folder needs Docker and more time than other tiers; some of it has an order."""
    for item in items:
        if "tests/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(420))
    _put_in_order(items)


def _put_in_order(items: list[pytest.Item]) -> None:
    """Puts the tests of modules that are marked so back into the order of their file, in their places."""
    files = {item.path for item in items if item.get_closest_marker("in_order")}
    for file in files:
        places = [place for place, item in enumerate(items) if item.path == file]
        ordered = sorted((items[place] for place in places), key=_position)
        for place, item in zip(places, ordered, strict=True):
            items[place] = item


def _position(item: pytest.Item) -> tuple[int, str]:
    return item.reportinfo()[1] or 0, item.name


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Workspace]:
    """A development platform that tests use and leave as they found it."""
    workspace = harness.new_workspace(tmp_path_factory.mktemp("platform"), f"t{uuid.uuid4().hex[:6]}")
    try:
        workspace.up()
        yield workspace
        workspace.pulumi("destroy", "--yes")
        assert workspace.remains() == []
    finally:
        workspace.remove()


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Workspace]:
    """A production platform that the tests of one module share."""
    with cluster.deployed(tmp_path_factory.mktemp("production")) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def bootstrap(production: harness.Workspace) -> str:
    """The brokers' own addresses."""
    return cluster.bootstrap(production)


@pytest.fixture(scope="module")
def traffic(production: harness.Workspace, bootstrap: str) -> Iterator[Traffic]:
    """A producer and a consumer that never stop."""
    with Traffic(production, bootstrap, list(cluster.BROKERS)) as running:
        yield running


@pytest.fixture
def workspace(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[harness.Workspace]:
    """A copy of the project in which nothing has been deployed yet."""
    short = re.sub(r"[^a-z]", "", request.node.name)[:6]
    copy = harness.new_workspace(tmp_path, f"t{short}{uuid.uuid4().hex[:6]}")
    try:
        yield copy
    finally:
        copy.remove()
