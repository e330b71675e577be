"""`.ci/preview` and `.ci/drift`: a report whatever happens, and of the right things.

The engine is a stand-in that notes what it is asked and answers with events; the report is the real one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
MARK = "<!-- messaging preview-report prod -->"
ENGINE = """\
#!/usr/bin/env bash
echo "$PWD $PULUMI_BACKEND_URL $MESSAGING_ENGINE ${PULUMI_OPTION_POLICY_PACK-own} $*" >>"$ASKED"
ls -A >"$ASKED.$(basename "$PWD")"
find . -name "*.pyc" >>"$ASKED.bytecode"
if [ -f refuse ]; then cat refuse >&2; exit 1; fi
case "$*" in
"stack select --create "*) mkdir -p "${PULUMI_BACKEND_URL#file://}/.pulumi/stacks/messaging"
  echo '{"checkpoint": {"latest": {}}}' >"${PULUMI_BACKEND_URL#file://}/.pulumi/stacks/messaging/prod.json" ;;
"stack select "*) [ -z "${UNKNOWN:-}" ] || { echo "$UNKNOWN" >&2; exit 1; } ;;
"config set "*) sed -i 's/v1:their/v1:own/' Pulumi.prod.yaml ;;
"preview "*) mkdir -p policies/__pycache__; echo "$PWD" >policies/__pycache__/own.pyc
  [ -z "${RELEASE:-}" ] || { echo "asking" >&2; timeout 10 sh -c "until [ -e $RELEASE ]; do sleep 0.05; done"
    echo "$?" >"$RELEASE.code"; }
  cat events.jsonl; exit "${CODE:-0}" ;;
esac
"""
SUMMARY = {"summaryEvent": {"result": "succeeded", "PolicyPacks": {"guardrails|x": "1.0.0"}}}


def topic(name: str) -> dict[str, Any]:
    kind = "kafka:index/topic:Topic"
    urn = f"urn:pulumi:prod::messaging::{kind}::{name}"
    new = {"urn": urn, "type": kind, "custom": True, "inputs": {"name": name}}
    return {"resourcePreEvent": {"metadata": {"op": "create", "urn": urn, "type": kind, "new": new}}}


class Project:
    """A small repository with the scripts and a stand-in for the engine."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a project"
        self.asked = folder / "asked"
        self.report = folder / "report.md"
        self.log = ""
        shutil.copytree(ROOT / ".ci", self.root / ".ci")
        binaries = self.root / ".venv" / "bin"
        binaries.mkdir(parents=True)
        (binaries / "pulumi").write_text(ENGINE)
        run = f'#!/usr/bin/env bash\nPYTHONPATH={ROOT} exec {sys.executable} "$@"\n'
        (binaries / "python").write_text(run)
        report = "import sys; from messaging.cli.main import main; main()"
        (binaries / "messaging").write_text(run.replace('"$@"', f"-c '{report}' \"$@\""))
        for file in binaries.iterdir():
            file.chmod(0o755)
        self.write(".gitignore", "/.venv/\n/.site.yaml\n")
        self.write("Pulumi.prod.yaml", "config:\n  messaging:environment: prod\n")
        self.write("policies/PulumiPolicy.yaml", "x\n")
        self.write("policies/prod.json", '{"all": "mandatory"}\n')
        self.plan("metrics")
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()
        self.git("switch", "--quiet", "--create", "change")

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def plan(self, *topics: str, also: tuple[dict[str, Any], ...] = ()) -> None:
        """What the stand-in answers to a preview of this tree."""
        events = [*map(topic, topics), *also, SUMMARY]
        self.write("events.jsonl", "".join(f"{json.dumps(event)}\n" for event in events))

    def git(self, *arguments: str) -> str:
        own = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        command = ["git", *own, "-C", str(self.root), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "x")

    def start(self, script: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        outer = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PULUMI_", "MESSAGING_", "SHARED_", "GIT_"))
        }
        return subprocess.Popen(
            [str(self.root / ".ci" / script), "prod", *arguments, str(self.report)],
            env={**outer, "ASKED": str(self.asked), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str, *arguments: str, **environment: str) -> tuple[int, str]:
        with self.start(script, *arguments, **environment) as script_run:
            _, self.log = script_run.communicate(timeout=60)
        return script_run.returncode, self.report.read_text()

    def preview(self, base: str = "main", **environment: str) -> tuple[int, str]:
        return self.run("preview", base, **environment)

    def calls(self, word: str) -> list[str]:
        return [line for line in self.asked.read_text().splitlines() if word in line]

    def seen(self, copy: str) -> list[str]:
        """What lay in a copy when the engine was last asked there."""
        return self.asked.with_name(f"{self.asked.name}.{copy}").read_text().split()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_change_is_compared_with_the_commit_at_which_it_left_its_base(project: Project) -> None:
    left = project.git("rev-parse", "main")
    project.plan("metrics", "logs")
    project.commit()
    project.git("switch", "--quiet", "main")
    project.plan("metrics", "alerts")
    project.commit()
    project.git("switch", "--quiet", "change")

    code, said = project.preview()

    assert code == 0, said
    assert "✅ 1 change\n" in said
    assert "| new | Topic `logs` |" in said
    assert "alerts" not in said
    assert f"The base is commit {left[:12]}, where the checkout left main; main has got 1 more" in said


@pytest.mark.parametrize("base", ["origin/mian", "HEAD~1"])
def test_a_base_that_names_no_commit_fails(project: Project, base: str) -> None:
    code, said = project.preview(base)
    assert code == 1
    assert said.splitlines()[0] == MARK
    assert "❌ could not be previewed" in said
    assert f"{base} names no commit here" in said


def test_a_base_without_a_common_commit_fails(project: Project) -> None:
    project.git("switch", "--quiet", "--orphan", "alone")
    project.git("commit", "--quiet", "--allow-empty", "--message", "x")
    project.git("switch", "--quiet", "change")
    code, said = project.preview("alone")
    assert code == 1
    assert "no commit in common" in said


def test_whatever_fails_there_is_a_report_of_this_commit(project: Project) -> None:
    project.report.write_text(f"{MARK}\n✅ no change of an earlier commit\n")
    project.write("refuse", "error: ~~~ Pulumi.yaml is not YAML\n")
    code, said = project.preview()
    assert code == 1
    assert said.splitlines()[0] == MARK
    assert "❌ could not be previewed" in said
    assert "error: --- Pulumi.yaml is not YAML" in said
    assert "earlier" not in said


def test_an_engine_that_fails_without_events_of_it_fails_the_preview(project: Project) -> None:
    code, said = project.preview(CODE="3")
    assert code == 1
    assert "ended with exit code 3" in said


def test_a_base_that_cannot_be_planned_is_told_and_its_repair_passes(project: Project) -> None:
    project.git("switch", "--quiet", "main")
    project.write("refuse", "error: Pulumi.yaml is not YAML\n")
    project.commit()
    project.git("switch", "--quiet", "--create", "mended")
    (project.root / "refuse").unlink()
    code, said = project.preview()
    assert code == 0, said
    assert "⚠️ not compared" in said
    assert "Of the base it was said: error: Pulumi.yaml is not YAML" in said


def test_the_checkout_is_previewed_as_it_lies_there(project: Project) -> None:
    project.write("gone.md", "x")
    project.write("kept.md", "x")
    (project.root / "link.md").symlink_to("kept.md")
    project.commit()
    (project.root / "gone.md").unlink()
    project.write("new.md", "x")
    project.write(".site.yaml", "imageSource: local\n")
    (project.root / "notes").mkdir()
    subprocess.run(["git", "init", "--quiet", str(project.root / "notes")], check=True)
    (project.root / ".venv").rename(project.root.parent / "venv")
    (project.root / ".venv").symlink_to(project.root.parent / "venv")

    code, said = project.preview()

    assert code == 0, said
    seen = project.seen("branch")
    assert {"kept.md", "link.md", "new.md", ".site.yaml", ".venv"} <= {*seen}
    assert not {"gone.md", "notes"} & {*seen}
    assert ".site.yaml" in project.seen("base")


def test_a_runner_without_the_sites_file_is_given_one(project: Project, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("imageSource: local\n")
    assert project.preview(SITE_FILE=str(tmp_path / "site.yaml"))[0] == 0
    assert ".site.yaml" in project.seen("branch")

    project.asked.unlink()
    assert project.run("drift", SITE_FILE=str(tmp_path / "site.yaml"))[0] == 7  # everything would be made
    assert ".site.yaml" in project.seen("a project")
    assert not (project.root / ".site.yaml").exists()


def test_secrets_and_their_salt_are_not_needed(project: Project) -> None:
    secret = "  messaging:schemaRegistryPassword:\n    secure: v1:their\n"
    file = "encryptionsalt: v1:a:b\nconfig:\n  messaging:environment: prod\n"
    project.write("Pulumi.prod.yaml", f"{file}{secret}")
    code, said = project.preview()
    assert code == 0, said
    (call,) = project.calls("config set")
    assert call.endswith("config set --secret messaging:schemaRegistryPassword [secret] --stack prod")
    assert "⚠️ a secret changes" in said
    assert "v1:their" in (project.root / "Pulumi.prod.yaml").read_text()


def test_who_alters_the_policies_is_judged_by_the_bases(project: Project) -> None:
    project.preview()
    assert not project.calls("judge")
    project.write("policies/prod.json", '{"all": "disabled"}\n')
    code, said = project.preview()
    assert code == 0
    assert len(project.calls("/judge/policies")) == 1
    assert 'policies/prod.json: all "mandatory" -> "disabled"' in said
    assert "⚠️ policies change" in said


def test_what_a_run_compiles_alters_no_policy(project: Project) -> None:
    shared = f"file://{project.root.parent}"
    for environment in ({}, {"SHARED_BACKEND": shared}):
        code, said = project.preview(**environment)
        assert code == 0, said
        assert not project.calls("/judge/policies")


def test_words_beside_the_policies_alter_none(project: Project) -> None:
    project.write("policies/README.md", "what they mean\n")
    _, said = project.preview()
    assert not project.calls("/judge/policies")
    assert "policies change" not in said


def test_compiled_policies_that_a_change_brings_along_are_not_run(project: Project) -> None:
    project.write("policies/__pycache__/theirs.pyc", "x")
    project.git("add", "--force", "policies/__pycache__/theirs.pyc")
    project.commit()
    project.preview()
    assert "theirs.pyc" not in project.asked.with_name("asked.bytecode").read_text()


def test_an_exception_is_the_changes_own(project: Project) -> None:
    project.write("policies/exceptions.json", "[]\n")
    project.preview()
    assert not project.calls("judge")


def test_another_environment_does_not_choose_other_policies(project: Project) -> None:
    project.write("Pulumi.prod.yaml", "config:\n  messaging:environment: dev\n")
    _, said = project.preview()
    assert len(project.calls("/judge/policies")) == 1
    assert "environment changes" in said


def test_what_a_state_would_refuse_is_asked_of_the_plan_of_the_base(project: Project) -> None:
    project.preview()
    previews = project.calls(" preview ")
    assert [Path(line.split(" file://")[0]).name for line in previews] == ["base", "branch", "branch"]
    assert " embedded  preview" in previews[-1]  # without a pack


def test_a_backend_that_does_not_know_the_stack_leaves_the_plans(project: Project, tmp_path: Path) -> None:
    shared = f"file://{tmp_path}"
    code, said = project.preview(SHARED_BACKEND=shared, UNKNOWN="error: no stack named 'prod' found")
    assert code == 0, said
    assert "The shared backend has no stack of this name" in said
    assert "two plans are compared" in said

    code, said = project.preview(SHARED_BACKEND=shared, UNKNOWN="error: access denied")
    assert code == 1
    assert "access denied" in said


@pytest.mark.parametrize(("backend", "engine"), [("s3://bucket", "auto"), ("file:///shared", "embedded")])
def test_a_shared_state_is_read_by_an_engine_that_can(project: Project, backend: str, engine: str) -> None:
    project.preview(SHARED_BACKEND=backend)
    assert project.calls(f" {backend} {engine} own preview --json --stack prod")


BACKEND = "postgres://user:s3cr3tpw@db.example/pulumi?key=abc"


@pytest.mark.parametrize(
    "environment",
    [
        {"SHARED_BACKEND": BACKEND, "SHARED_PASSPHRASE": "my pass", "PULUMI_ACCESS_TOKEN": "pul-t0ken"},
        {"PULUMI_BACKEND_URL": BACKEND, "PULUMI_CONFIG_PASSPHRASE": "my pass", "GH_TOKEN": "pul-t0ken"},
    ],
)
@pytest.mark.parametrize("script", [("preview", "main"), ("drift",)])
def test_a_failure_is_reported_without_the_secrets_of_the_runner(
    project: Project, script: tuple[str, ...], environment: dict[str, str]
) -> None:
    project.write(
        "refuse",
        f"error: {BACKEND} takes neither 'my pass' nor pul-t0ken; is https://u:0ther@h/x?sig=y right?\n",
    )
    project.commit()
    project.git("branch", "--force", "main")
    code, said = project.run(*script, **environment)
    assert code == 1
    assert "takes neither '***' nor ***;" in said
    assert not [one for one in ("s3cr3t", "abc", "db.example", "my pass", "t0ken", "0ther") if one in said]


def test_what_was_said_of_the_base_is_reported_without_the_secrets_of_the_runner(project: Project) -> None:
    project.git("switch", "--quiet", "main")
    project.write("refuse", f"error: {BACKEND} is closed, pul-t0ken\n")
    project.commit()
    project.git("switch", "--quiet", "--create", "mended")
    (project.root / "refuse").unlink()
    code, said = project.preview(GH_TOKEN="pul-t0ken")
    assert code == 0, said
    assert "Of the base it was said: error: postgres://" in said
    assert "s3cr3t" not in said
    assert "t0ken" not in said


def test_a_failure_without_an_environment_to_hide_it_is_left_to_the_log(project: Project) -> None:
    project.write("refuse", f"error: {BACKEND} is closed\n")
    python = project.root / ".venv" / "bin" / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    code, said = project.run("drift")
    assert code == 1
    assert "The log of this run says why." in said
    assert "s3cr3t" not in said
    assert "is closed" in project.log


@pytest.mark.parametrize("script", [("preview", "main"), ("drift",)])
def test_the_log_shows_what_is_said_while_it_is_said(project: Project, script: tuple[str, ...]) -> None:
    release = project.root.parent / "release"
    where = {"RELEASE": str(release), "SHARED_BACKEND": f"file://{project.root.parent}"}
    with project.start(*script, **where) as run:
        assert run.stderr is not None
        assert "asking" in run.stderr.readline()
        release.touch()
        run.communicate(timeout=60)
    assert release.with_name("release.code").read_text() == "0\n", "it was seen only after the run had ended"


def test_drift_that_could_not_be_asked_has_a_report(project: Project) -> None:
    project.write("refuse", "error: no broker answers\n")
    code, said = project.run("drift")
    assert code == 1
    assert said.splitlines()[0] == "<!-- messaging preview-report drift prod -->"
    assert "❌ could not be asked" in said
    assert "no broker answers" in said
