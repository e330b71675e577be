"""The workflow's own steps: its comment is of this commit and of this stack."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
MARK = "<!-- messaging preview-report prod -->"
GH = """\
#!/usr/bin/env bash
echo "$@" >>"$CALLS"
case "$*" in
*--jq*) cat "$COMMENTS" | jq -r "${*: -1}" ;;
esac
"""
COMMENTS = [
    {"id": 101, "user": {"login": "alice"}, "body": "please do not merge"},
    {"id": 102, "user": {"login": "alice"}, "body": f"{MARK}\nlooks good"},
    {"id": 103, "user": {"login": "github-actions[bot]"}, "body": f"{MARK}\n✅ no change"},
]


def comment(folder: Path, report: str | None) -> list[str]:
    """Runs the workflow's last steps; what was asked of GitHub."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "pull-request.yml").read_text())
    steps = {step.get("name"): step.get("run") for step in workflow["jobs"]["preview"]["steps"]}
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    (folder / "comments").write_text(json.dumps(COMMENTS))
    if report is not None:
        (folder / "report.md").write_text(report)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "CALLS": str(folder / "calls"),
        "COMMENTS": str(folder / "comments"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_REPOSITORY": "o/r",
        "NUMBER": "1",
        "STACK": "prod",
    }
    for name in ("summary", "comment"):
        command = ["bash", "-e", "-o", "pipefail", "-c", steps[name]]
        subprocess.run(command, cwd=folder, env=environment, check=True)
    return (folder / "calls").read_text().splitlines()


needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="no jq is on PATH")


@needs_jq
@pytest.mark.parametrize("report", [f"{MARK}\n❌ failed", "", None, "<!-- of another stack -->\n✅"])
def test_a_comment_replaces_the_workflows_own_and_no_other(tmp_path: Path, report: str | None) -> None:
    asked = comment(tmp_path, report)
    assert "issues/comments/103 " in asked[-1]
    assert not any("POST" in call or "comments/101" in call for call in asked)
    posted = (tmp_path / "report.md").read_text()
    assert posted.startswith(MARK)
    assert "❌" in posted
    assert (tmp_path / "summary").read_text() == posted
