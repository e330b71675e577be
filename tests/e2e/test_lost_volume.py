"""The volume of the only broker is gone: what is said, and how everything comes back, empty."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
import requests

from tests.e2e import harness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.harness import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Workspace]:
    """A platform that each test leaves whole."""
    made = harness.new_workspace(tmp_path_factory.mktemp("lost"), f"tl{uuid.uuid4().hex[:6]}")
    try:
        made.up()
        yield made
    finally:
        made.remove()


def topics(workspace: Workspace) -> set[str]:
    listed = workspace.execute("kafka-dev", "kafka-topics", "--bootstrap-server", "localhost:29092", "--list")
    return {name for name in listed.split() if not name.startswith("_")}


def subjects(workspace: Workspace) -> set[str]:
    return set(requests.get(f"http://localhost:{workspace.port(8081)}/subjects", timeout=10).json())


def test_the_loss_of_the_only_copy_is_told_and_mended_with_consent(workspace: Workspace) -> None:
    before = topics(workspace), subjects(workspace)
    workspace.container("kafka-dev").remove(force=True, v=True)
    harness.client().volumes.get(workspace.name("kafka-dev-data")).remove()

    sick = workspace.command("messaging", "health", check=False)
    refused = workspace.command("messaging", "repair", check=False)
    remains = workspace.remains()
    mended = workspace.command("messaging", "repair", "--accept-loss")

    assert sick.code == 4, sick.text
    assert refused.code == 1, refused.text
    assert f"{len(before[0])} topics" in refused.err
    assert f"{len(before[1])} subjects" in refused.err
    assert workspace.name("kafka-dev-data") not in remains
    assert "make again, without what was in it" in mended.out
    assert (topics(workspace), subjects(workspace)) == before
    assert workspace.command("messaging", "health").out.endswith("healthy\n")
    workspace.pulumi("preview", "--expect-no-changes")


def test_topics_and_subjects_that_were_removed_by_hand_make_a_platform_unwell(workspace: Workspace) -> None:
    address = ("--bootstrap-server", "localhost:29092")
    workspace.execute("kafka-dev", "kafka-topics", *address, "--delete", "--topic", "metrics")
    url = f"http://localhost:{workspace.port(8081)}/subjects/metrics-value"
    requests.delete(url, timeout=10).raise_for_status()

    sick = workspace.command("messaging", "health", check=False)
    workspace.pulumi("refresh", "--yes")
    workspace.up()

    assert sick.code == 4, sick.text
    assert "1 topics are missing that the stack has made: metrics." in sick.out
    assert "1 subjects are missing that the stack has registered: metrics-value." in sick.out
    workspace.command("messaging", "health")
