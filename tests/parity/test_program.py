"""The whole program under both engines, handed over by the launcher: one deploys it, the other continues."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
import requests

from tests.e2e import harness
from tests.parity.engines import ENGINES, QUIET, other

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.harness import Run, Workspace
    from tests.parity.engines import Engine


@pytest.fixture
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A copy of the project."""
    copy = harness.new_workspace(tmp_path_factory.mktemp("program"), f"tparity{uuid.uuid4().hex[:6]}")
    try:
        yield copy
    finally:
        copy.remove()


def pulumi(workspace: Workspace, engine: Engine, *arguments: str, check: bool = True) -> Run:
    environment = {"MESSAGING_ENGINE": engine, **QUIET}
    return workspace.pulumi(
        *arguments, "--non-interactive", environment=environment, check=check, timeout=400
    )


def registry_answers(workspace: Workspace) -> bool:
    """Whether the registry says what it has; nothing in an `up` waits for that unless a subject changes."""
    return bool(requests.get(f"http://localhost:{workspace.port(8081)}/subjects", timeout=5).json())


def assert_settled(workspace: Workspace, engine: Engine) -> None:
    pulumi(workspace, engine, "preview", "--expect-no-changes")
    pulumi(workspace, engine, "refresh", "--preview-only", "--expect-no-changes")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", ENGINES)
def test_one_engine_continues_the_platform_that_the_other_deployed(
    workspace: Workspace, first: Engine
) -> None:
    pulumi(workspace, first, "up", "--yes")
    assert_settled(workspace, other(first))

    pulumi(workspace, first, "config", "set", "--path", "messaging:schemaRegistry.heap", "200m")
    pulumi(workspace, other(first), "up", "--yes")
    harness.wait_for(lambda: registry_answers(workspace), "the restarted registry's answer", 180)
    assert_settled(workspace, first)

    pulumi(workspace, first, "destroy", "--yes")
    assert workspace.remains() == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("preview", "--expect-no-changes"), 7),
        (("up",), 2),
        (("preview", "--no-such-flag"), 1),
        (("config", "get", "messaging:absent"), 1),
        (("stack", "output", "absent"), 1),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else "",
)
def test_both_engines_end_with_the_same_exit_code(
    workspace: Workspace, arguments: tuple[str, ...], code: int
) -> None:
    codes = {engine: pulumi(workspace, engine, *arguments, check=False).code for engine in ENGINES}

    assert codes == dict.fromkeys(ENGINES, code)
    assert workspace.remains() == []


def test_both_engines_refuse_bad_settings_with_the_same_exit_code(workspace: Workspace) -> None:
    workspace.configure("cluster.heap", "lots")

    runs = {engine: pulumi(workspace, engine, "preview", check=False) for engine in ENGINES}

    assert {engine: run.code for engine, run in runs.items()} == dict.fromkeys(ENGINES, 1)
    for run in runs.values():
        assert "heap" in run.text
        assert "lots" in run.text


def test_both_engines_know_no_stack_that_is_not_there(workspace: Workspace) -> None:
    workspace.stack = "absent"

    codes = {engine: pulumi(workspace, engine, "preview", check=False).code for engine in ENGINES}

    assert codes == dict.fromkeys(ENGINES, 6)
