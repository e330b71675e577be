"""`up`, `preview`, `refresh` and `config` as typed: flags, exit codes and what they leave behind."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from tests.unit.engine.cli.conftest import Project


def test_changes_where_none_are_expected_end_with_7(project: Project) -> None:
    project.up('Thing("a", value="1")', "--expect-no-changes", code=7)
    project.run("preview", "--expect-no-changes")
    project.write('Thing("a", value="2")')
    refused = project.run("preview", "--expect-no-changes", code=7)
    assert "no changes were expected but there are some: 1 change" in refused.err
    project.run("up", "--yes", "--expect-no-changes", code=7)
    assert "value" in project.run("preview", "--diff").out, "the preview stopped it before anything was done"


def test_the_plugin_of_a_preview_serves_the_update_after_it_and_ends_with_the_command(
    project: Project,
) -> None:
    noted = """
        def check(self, _olds, news):
            import os
            from pulumi.dynamic import CheckResult
            with open("served", "a") as file:
                file.write(f"{os.getpid()}\\n")
            return CheckResult(news, [])
    """
    things = project.root / "things.py"
    method = textwrap.indent(textwrap.dedent(noted), "    ")
    things.write_text(things.read_text().replace("\n    def create", f"{method}\n    def create"))
    project.write('Thing("a", value="1")')

    project.run("up", "--yes")
    project.run("up", "--yes")

    served = [int(line) for line in (project.root / "served").read_text().split()]
    assert len(served) == 4, "each of the two commands planned twice"
    assert served[0] == served[1] != served[2] == served[3]
    assert not [pid for pid in served if Path(f"/proc/{pid}").exists()]


def test_a_refresh_shows_the_drift_and_takes_it_when_asked(project: Project) -> None:
    project.up('Thing("a", value="1")\nThing("b", value="1")')
    (project.root / "seen.txt").write_text("2")
    before = project.state.read_text()

    shown = project.run("refresh", "--preview-only", "--diff")
    assert '~ value: "1" => "2"' in shown.out
    assert project.state.read_text() == before
    project.run("refresh", "--yes", "--expect-no-changes", code=7)
    assert project.state.read_text() == before, "it stopped after its preview"

    project.run("refresh", "--yes", "--target", "**::a")
    found = {
        one["urn"][-1]: one
        for one in json.loads(project.state.read_text())["checkpoint"]["latest"]["resources"]
    }
    assert found["a"]["outputs"]["value"] == "2"
    assert found["b"]["outputs"]["value"] == "1"
    assert "~  pulumi-python:dynamic:Resource a update" in project.run("preview").out


@pytest.mark.parametrize("how", ["--refresh", "-r", "PULUMI_OPTION_REFRESH"])
def test_an_update_that_refreshes_first_mends_what_somebody_changed(
    project: Project, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.up('Thing("a", value="1")')
    (project.root / "seen.txt").write_text("2")
    flags = [] if how.startswith("PULUMI") else [how]
    if not flags:
        monkeypatch.setenv(how, "true")

    planned = project.run("preview", "--expect-no-changes", *flags, code=7)
    done = project.run("up", "--yes", "--skip-preview", *flags)

    assert " a refresh [diff: ~value]" in planned.out
    assert re.search(r" a refreshed \(\ds\) \[diff: ~value\]\n.* a updating\n.* a updated", done.out)
    (project.root / "seen.txt").unlink()
    project.run("preview", "--expect-no-changes", *flags)


def test_a_destroy_that_refreshes_first_forgets_what_is_gone(project: Project) -> None:
    project.up('Thing("a", value="1")')
    (project.root / "seen.txt").write_text("")

    done = project.run("destroy", "--yes", "--skip-preview", "--refresh")

    assert " a deleted" not in done.out
    assert project.urns() == []


def test_a_refresh_drops_what_is_gone(project: Project) -> None:
    project.up('Thing("a", value="1")')
    (project.root / "seen.txt").write_text("")
    project.run("refresh", "--yes")
    assert not [urn for urn in project.urns() if urn.endswith("::a")]


def test_a_refresh_clears_creations_that_nobody_knows_the_end_of(project: Project) -> None:
    project.up('Thing("a")')
    document = json.loads(project.state.read_text())
    latest = document["checkpoint"]["latest"]
    record = {**latest["resources"][-1], "urn": latest["resources"][-1]["urn"][:-1] + "lost", "id": ""}
    latest["pending_operations"] = [{"resource": record, "type": "creating"}]
    project.state.write_text(json.dumps(document))

    assert "nobody knows how these calls ended" in project.run("up", "--yes", "--skip-preview").out
    assert project.run("stack", "export").json()["deployment"]["pending_operations"]
    project.run("refresh", "--yes", "--clear-pending-creates")
    assert "pending_operations" not in project.run("stack", "export").json()["deployment"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("up", "--target", "x", "--yes"), "`pulumi up` does not support --target"),
        (("destroy", "--target=x", "--yes"), "`pulumi destroy` does not support --target"),
        (("up", "--plan", "x", "--yes"), "`pulumi up` does not support --plan"),
        (("up", "--nonsense", "--yes"), "unknown flag: --nonsense"),
        (("refresh", "--preview-only", "--yes"), "--preview-only excludes"),
        (("refresh", "--yes", "--target", "nothing"), "no resource of this stack matches --target nothing"),
        (("import", "a", "b", "c"), "`pulumi import` is not supported"),
        (("state", "move"), "`pulumi state move` is not supported"),
        (("stack", "rename", "x"), "`pulumi stack rename` is not supported"),
        (("up", "--yes", "--stack", "other/dev"), "belongs to the project 'other'"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else None,
)
def test_what_cannot_be_done_is_refused_with_what_to_do_instead(
    project: Project, arguments: tuple[str, ...], words: str
) -> None:
    project.write("")
    before = project.state.read_text()
    refused = project.run(*arguments, code=1)
    assert words in refused.err
    assert "Traceback" not in refused.err
    assert project.state.read_text() == before


@pytest.mark.parametrize(("command", "code"), [("up", 2), ("destroy", 2), ("refresh", 1)])
def test_what_nobody_agrees_to_has_the_exit_code_of_the_pulumi_cli(
    project: Project, command: str, code: int
) -> None:
    project.write("")
    assert "--yes or --skip-preview must be passed in" in project.run(command, code=code).err


@pytest.mark.parametrize("command", [("up", "--yes"), ("preview",), ("stack", "output"), ("stack", "export")])
def test_a_stack_that_is_not_there_has_an_exit_code_of_its_own(
    project: Project, command: tuple[str, ...]
) -> None:
    project.write("")
    refused = project.run(*command, "--stack", "nowhere", code=6)
    assert "no stack named 'nowhere' found (known: dev)" in refused.err


def test_values_inside_objects_are_set_read_and_removed_by_their_paths(project: Project) -> None:
    for path, value in (("cluster.heap", "512"), ("cluster.racks[0]", "a"), ("cluster.racks[1]", "b")):
        project.run("config", "set", "--path", path, value)
    assert project.run("config", "get", "--path", "cluster.racks[1]").out == "b\n"

    project.run("config", "rm", "--path", "cluster.racks[0]")

    written = yaml.safe_load((project.root / "Pulumi.dev.yaml").read_text())["config"]
    assert written == {"tiny:cluster": {"heap": 512, "racks": ["b"]}}
    for path in ("cluster.nothing", "cluster.racks[7]", "nothing.at.all"):
        assert f"'{path}' not found" in project.run("config", "rm", "--path", path, code=1).err
    project.run("config", "rm", "cluster")
    assert "tiny" not in (project.root / "Pulumi.dev.yaml").read_text()


def test_a_stack_without_a_lock_has_nothing_to_cancel(project: Project) -> None:
    assert "is not locked" in project.run("cancel", "--yes").out


def test_a_resource_that_the_program_only_reads_is_nobody_s_to_delete(project: Project) -> None:
    project.up('Thing("a", value="1")')
    reads = """
        class Seen(pulumi.CustomResource):
            def __init__(self):
                props = {"__provider": None, "value": None}
                super().__init__("pulumi-python:dynamic:Resource", "a", props, pulumi.ResourceOptions(id="a"))
        Seen()
    """
    refused = project.up(reads, code=1)
    assert "this stack still manages it" in refused.out
    assert "pulumi state delete" in refused.out


KEEPING = """
    Thing("kept", pulumi.ResourceOptions(protect=True))
    Thing("gone")
"""


@pytest.mark.parametrize("flags", [("--skip-preview",), ()], ids=["at once", "after a preview"])
def test_a_stack_that_still_has_protected_resources_is_not_forgotten(
    project: Project, flags: tuple[str, ...]
) -> None:
    project.up(KEEPING)

    done = project.run("destroy", "--yes", "--exclude-protected", "--remove", *flags)

    assert "There are still 3 protected resources associated with this stack" in done.out
    assert "has been removed" not in done.out
    assert (project.root / "Pulumi.dev.yaml").exists()
    kept = project.urn("kept")
    assert not [urn for urn in project.urns() if urn.endswith("::gone")]

    project.run("state", "unprotect", kept, "--yes")
    project.run("destroy", "--yes", "--exclude-protected", "--remove", "--skip-preview")
    assert project.run("stack", "ls", "--json").json() == []


def test_a_destroy_says_what_it_leaves_behind(project: Project) -> None:
    project.up(KEEPING)

    done = project.run("destroy", "--yes", "--exclude-protected", "--skip-preview")

    assert "All unprotected resources were destroyed. There are still 3 protected" in done.out


@pytest.mark.parametrize("program", ['Thing("a")', KEEPING], ids=["forgotten", "kept"])
def test_a_destroy_in_json_says_nothing_but_json(project: Project, program: str) -> None:
    project.up(program)

    done = project.run("destroy", "--yes", "--exclude-protected", "--remove", "--skip-preview", "--json")

    assert [json.loads(line) for line in done.out.splitlines()]
