"""``messaging preview-report``: what makes it end with which code, and what it compares."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from messaging.cli.main import app
from messaging.report.preview import EventsError

if TYPE_CHECKING:
    from pathlib import Path

TOPIC = "kafka:index/topic:Topic"
IDENTITY = "pulumi-python:dynamic/messaging:ClusterIdentity"
ERROR = {"diagnosticEvent": {"severity": "error", "message": "messaging:instanze is not known"}}
VIOLATION = {"policyEvent": {"policyName": "p", "enforcementLevel": "mandatory", "message": "no"}}


def summary(result: str = "succeeded", *, pack: bool = True) -> dict[str, Any]:
    packs = {"guardrails|local|policies": "1.0.0"} if pack else {}
    return {"summaryEvent": {"result": result, "PolicyPacks": packs}}


def create(name: str, type_: str = TOPIC, **inputs: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:prod::messaging::{type_}::{name}"
    return {
        "resourcePreEvent": {
            "metadata": {"op": "create", "urn": urn, "type": type_, "old": None, "new": {"inputs": inputs}}
        }
    }


class Reports:
    """Writes events into files and reports them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, *events: dict[str, Any]) -> str:
        path = self.folder / name
        path.write_text("".join(f"{json.dumps(event)}\n" for event in events))
        return str(path)

    def report(self, *arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["preview-report", *arguments, "--stack", "prod"])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
    return Reports(tmp_path)


def test_a_branch_that_cannot_be_planned_is_compared_with_nothing(reports: Reports) -> None:
    base = reports.file("base", create("a"), create("b"), summary())
    code, said = reports.report(reports.file("branch", ERROR, summary("failed")), "--base", base)
    assert code == 1
    assert "❌ failed" in said
    assert "destroy" not in said
    assert "### Schemas: not judged" in said
    assert said.index("instanze") < said.index("### Policies")


def test_a_branch_that_a_policy_forbids_is_compared(reports: Reports) -> None:
    base = reports.file("base", create("a"), create("b"), summary())
    branch = reports.file("branch", create("a"), VIOLATION, summary("failed"))
    code, said = reports.report(branch, "--base", base)
    assert code == 1
    assert "| destroy | Topic `b` |" in said


@pytest.mark.parametrize("events", [[ERROR, summary("failed")], [], [summary("failed")]])
def test_a_base_that_cannot_be_planned_is_told_and_the_branch_decides(
    reports: Reports, events: list[dict[str, Any]]
) -> None:
    base = reports.file("base", create("a"), *events)
    code, said = reports.report(reports.file("branch", create("b"), summary()), "--base", base)
    assert code == 0
    assert "## Preview of `prod`: ⚠️ not compared" in said
    assert "The base cannot be planned" in said
    assert "| new |" not in said

    code, said = reports.report(reports.file("branch", VIOLATION, summary("failed")), "--base", base)
    assert code == 1
    assert "❌ blocked by 1 policy violation" in said


def test_a_base_that_is_not_there_is_no_comparison(reports: Reports) -> None:
    with pytest.raises(EventsError, match="there is no such file"):
        reports.report(reports.file("branch", summary()), "--base", str(reports.folder / "none"))


def test_the_base_has_a_name(reports: Reports) -> None:
    base = reports.file("base", summary())
    _, said = reports.report(
        reports.file("branch", summary()), "--base", base, "--base-name", "commit 1a2b, where it left main"
    )
    assert "The base is commit 1a2b, where it left main." in said


def test_an_engine_that_failed_without_a_word_failed(reports: Reports) -> None:
    branch = reports.file("branch", summary())
    assert reports.report(branch)[0] == 0
    code, said = reports.report(branch, "--ended", "1")
    assert code == 1
    assert "❌ failed" in said
    assert "ended with exit code 1" in said
    assert reports.report(branch, "--ended", "7")[0] == 1


def test_drift_has_a_code_of_its_own_and_no_other_passes(reports: Reports) -> None:
    found = create("a")
    found["resourcePreEvent"]["metadata"] |= {
        "op": "refresh",
        "old": {"inputs": {"partitions": 1}},
        "new": {"inputs": {"partitions": 2}},
        "diffs": ["partitions"],
    }
    events = reports.file("branch", found, summary(pack=False))
    assert reports.report(events, "--drift", "--ended", "7")[0] == 7
    assert reports.report(events, "--drift", "--ended", "1")[0] == 1
    assert reports.report(reports.file("none", summary(pack=False)), "--drift")[0] == 0


def test_what_no_policy_judged_may_not_be_made(reports: Reports) -> None:
    code, said = reports.report(reports.file("branch", summary(pack=False)))
    assert code == 1
    assert "❌ judged by no policy" in said


def test_what_a_state_would_refuse_is_refused(reports: Reports) -> None:
    roles = {"diagnosticEvent": {"severity": "error", "message": "a node keeps its roles"}}
    accepted = {"diagnosticEvent": {"severity": "info", "message": "accepted by messaging:overrides: x"}}
    base = reports.file("base", create("i", IDENTITY, processRoles="combined"), summary())
    branch = reports.file("branch", create("i", IDENTITY, processRoles="dedicated"), summary())
    asked = reports.file("asked", roles, accepted, summary("failed", pack=False))
    code, said = reports.report(branch, "--base", base, "--asked", asked)
    assert code == 1
    assert "❌ refused: 1 error" in said
    assert "a node keeps its roles" in said
    assert "accepted by messaging:overrides: x" in said

    passed = reports.file("asked", accepted, summary(pack=False))
    assert reports.report(branch, "--base", base, "--asked", passed)[0] == 0


@pytest.mark.parametrize("events", [[], [summary("failed", pack=False)]])
def test_what_could_not_be_asked_is_no_tick(reports: Reports, events: list[dict[str, Any]]) -> None:
    branch = reports.file("branch", summary())
    _, said = reports.report(branch, "--asked", reports.file("asked", *events))
    assert "⚠️ not asked what would be refused" in said


def test_a_change_is_judged_by_the_bases_policies_too(reports: Reports) -> None:
    branch = reports.file("branch", summary())
    code, said = reports.report(branch, "--judged", reports.file("judged", VIOLATION, summary("failed")))
    assert code == 1
    assert "### Policies of the base: 1 mandatory" in said

    assert reports.report(branch, "--judged", reports.file("judged", summary()))[0] == 0
    for events in ([], [summary(pack=False)], [ERROR, summary("failed")]):
        _, said = reports.report(branch, "--judged", reports.file("judged", *events))
        assert "⚠️ not judged by the base's policies" in said


def test_levels_environments_and_secrets_that_change_are_told(reports: Reports, tmp_path: Path) -> None:
    for side, level, environment, secret in (("a", "mandatory", "prod", "x"), ("b", "disabled", "dev", "y")):
        (tmp_path / side / "policies").mkdir(parents=True)
        (tmp_path / side / "policies" / "prod.json").write_text(json.dumps({"all": level}))
        (tmp_path / side / "Pulumi.prod.yaml").write_text(
            f"config:\n  messaging:environment: {environment}\n  messaging:p: {{secure: {secret}}}\n"
        )
    folders = ("--before", str(tmp_path / "a"), "--after", str(tmp_path / "b"))
    plans = ("--base", reports.file("base", summary()))
    _, said = reports.report(reports.file("branch", summary()), *plans, *folders)
    assert "⚠️ policies change, environment changes, a secret changes" in said
    assert 'policies/prod.json: all "mandatory" -> "disabled"' in said
    assert "changes from prod to dev" in said
    assert "The secret messaging:p is another one" in said

    _, said = reports.report(reports.file("branch", summary()), *folders)
    assert "secret" not in said  # with a state, the engine compares what it says


BACKEND = "postgres://user:s3cr3tpw@db.example/pulumi?key=abcdefgh"


@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize("drift", [[], ["--drift"]])
def test_no_secret_of_the_runner_enters_a_report(
    reports: Reports, monkeypatch: pytest.MonkeyPatch, as_json: list[str], drift: list[str]
) -> None:
    monkeypatch.setenv("SHARED_BACKEND", BACKEND)
    monkeypatch.setenv("SHARED_PASSPHRASE", "my_pass*word")
    said = f"{BACKEND} is closed to my_pass*word"
    forbidden = {**VIOLATION["policyEvent"], "message": said}
    error = {"diagnosticEvent": {"severity": "error", "message": said}}
    warning = {"diagnosticEvent": {"severity": "warning", "message": said}}
    values = create("a", config={"urls": [f"u {BACKEND}"]})
    events = reports.file("branch", values, {"policyEvent": forbidden}, error, warning, summary("failed"))
    base = [] if drift else ["--base", reports.file("base", error, summary("failed")), "--note", said]
    judged = [] if drift else ["--judged", reports.file("judged", {"policyEvent": forbidden}, summary())]
    _, written = reports.report(events, *base, *judged, *drift, *as_json)
    assert "is closed to" in written
    for secret in ("s3cr3t", "db.example", "abcdefgh", "my_pass", "word"):
        assert secret not in written


def test_values_that_differ_in_what_is_hidden_alone_are_still_a_change(reports: Reports) -> None:
    base = reports.file("base", create("a", url="http://u:0ne@h/"), summary())
    branch = reports.file("branch", create("a", url="http://u:tw0@h/"), summary())
    _, said = reports.report(branch, "--base", base)
    assert "✅ 1 change" in said
    assert "`url`" in said
    assert "tw0" not in said


def test_a_secret_that_is_a_name_of_the_report_changes_no_verdict(
    reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARED_PASSPHRASE", "mandatory")
    code, said = reports.report(reports.file("branch", create("a"), VIOLATION, summary("failed")))
    assert code == 1
    assert "❌ blocked by 1 policy violation" in said


def test_machines_are_told_the_same(reports: Reports) -> None:
    branch = reports.file("branch", summary(pack=False))
    code, said = reports.report(branch, "--note", "look here", "--json")
    told = json.loads(said)
    assert code == 1
    assert told["failed"] is True
    assert told["verdict"] == "❌ judged by no policy"
    assert told["cautions"] == ["look here"]
