"""What `pulumi stack history` tells: each run of this stack, and nothing that it cannot show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.engine.cli.conftest import Project


def test_the_history_tells_every_run_but_previews(project: Project) -> None:
    project.run("config", "set", "--secret", "key", "hush")
    project.up('Thing("a")', "--message", "the first one")
    project.run("preview")
    project.up('Thing("a", fail=1 / 0)', code=1)
    project.run("refresh", "--yes")

    runs = project.run("stack", "history", "--json").json()

    told = [(run["version"], run["kind"], run["result"], run["message"]) for run in runs]
    assert told == [
        (3, "refresh", "succeeded", ""),
        (2, "update", "failed", ""),
        (1, "update", "succeeded", "the first one"),
    ]
    assert runs[2]["resourceChanges"] == {"create": 2}
    assert runs[0]["config"] == {"tiny:key": {"value": "[secret]", "secret": True}}
    shown = project.run(
        "stack", "history", "--json", "--show-secrets", "--page-size", "1", "--page", "3"
    ).json()
    assert [run["config"]["tiny:key"]["value"] for run in shown] == ["hush"]
    assert "Status: failed" in project.run("stack", "history").out


def test_a_new_stack_does_not_inherit_the_history_of_one_that_was_forgotten(project: Project) -> None:
    project.run("config", "set", "--secret", "key", "hush")
    project.up('Thing("a")')
    project.run("destroy", "--yes", "--skip-preview")
    project.run("stack", "rm", "--yes")

    project.run("stack", "init", "dev")

    assert project.run("stack", "history").out == "Stack has never been updated\n"
    assert project.run("stack", "history", "--json", "--show-secrets").json() == []
    assert "No updates yet" in project.run("stack").out


@pytest.mark.parametrize(
    "content",
    [
        '{"startTime": "yesterday"}',
        '{"endTime": 1e300}',
        '{"startTime": 300000000000}',
        '{"config": 5}',
        '{"resourceChanges": ["create"]}',
        '{"resourceChanges": {"create": "many"}}',
        '{"kind": ["update"]}',
        "[]",
    ],
)
def test_a_run_of_another_shape_is_left_out_of_the_history(project: Project, content: str) -> None:
    project.up('Thing("a")')
    (first,) = (project.root.parent / ".pulumi" / "history" / "tiny" / "dev").iterdir()
    first.with_name("dev-1.history.json").write_text(content)

    assert [run["version"] for run in project.run("stack", "history", "--json").json()] == [2]
    assert "Version: 2" in project.run("stack", "history").out
