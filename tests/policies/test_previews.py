"""The committed stacks under the pack, and what holds where it is forgotten: real previews and updates."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.policies.conftest import BIN, ROOT
from tests.policies.deployed import deploy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.policies.conftest import Checkout, Preview

NO_PACK = {"PULUMI_OPTION_POLICY_PACK": ""}
WEAK_TOPICS = ('"min.insync.replicas": str(min_insync_replicas)', '"min.insync.replicas": "1"')


def resources(checkout: Checkout) -> list[str]:
    """What the stack's state holds."""
    file = checkout.root / ".pulumi" / "stacks" / "messaging" / f"{checkout.stack}.json"
    return [one["urn"] for one in json.loads(file.read_text())["checkpoint"]["latest"].get("resources") or []]


def report(preview: Preview, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`messaging preview-report` on the events of a preview."""
    (folder / "events.jsonl").write_text(preview.text)
    return subprocess.run(
        [str(BIN / "messaging"), "preview-report", "events.jsonl", "--stack", "prod", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_committed_production_stack_passes_the_pack(pristine: Callable[[str], Checkout]) -> None:
    preview = pristine("prod").preview()

    assert preview.code == 0, preview.text
    assert {policy for policy, _, _ in preview.violations} <= {"image-digest", "external-tls"}
    assert "does not answer" in preview.text, "the preview said that no Docker engine was asked"
    assert any("policyLoadEvent" in event for event in preview.events), "the launcher passed the pack"


def test_the_committed_development_stack_is_not_even_warned(pristine: Callable[[str], Checkout]) -> None:
    preview = pristine("dev").preview()

    assert preview.code == 0, preview.text
    assert preview.violations == []


def test_development_is_warned_of_what_it_should_not_do_and_goes_on(
    checkout: Callable[[str], Checkout],
) -> None:
    dev = checkout("dev")
    dev.edit('"restart": "unless-stopped",', '"restart": "no",')
    dev.edit(*WEAK_TOPICS)

    preview = dev.preview()

    assert preview.code == 0, preview.text
    assert {(policy, level) for policy, level, _ in preview.violations} == {("restart-policy", "advisory")}


def test_without_the_pack_the_program_refuses_what_breaks_durability(
    checkout: Callable[[str], Checkout],
) -> None:
    prod = checkout("prod")
    prod.edit(*WEAK_TOPICS)

    preview = prod.preview(**NO_PACK)
    assert preview.code == 1
    assert preview.violations == []
    assert "topic sensor-data: min.insync.replicas is 1; at least 2 is allowed" in preview.text

    update = prod.pulumi("up", "--yes", "--skip-preview", **NO_PACK)
    assert update.returncode == 1
    assert (
        "topic sensor-data: min.insync.replicas is 1; at least 2 is allowed" in update.stdout + update.stderr
    )
    assert "Traceback" not in update.stdout + update.stderr
    assert [urn for urn in resources(prod) if "pulumi:Stack::" not in urn] == []


def test_a_change_that_a_policy_forbids_is_never_begun(checkout: Callable[[str], Checkout]) -> None:
    prod = checkout("prod")
    prod.edit('"restart": "unless-stopped",', '"restart": "no",')

    update = prod.pulumi("up", "--yes")

    assert update.returncode == 1
    assert "❌ guardrails@v" in update.stdout
    assert "restart-policy  (docker:Container: kafka-1-container)" in update.stdout
    assert resources(prod) == []


def test_an_exception_lets_one_resource_pass_and_is_told(checkout: Callable[[str], Checkout]) -> None:
    prod = checkout("prod")
    prod.edit(
        '"hostname": blueprint.name,', '"hostname": blueprint.name, "privileged": "ui" in blueprint.name,'
    )
    exception = {
        "policy": "no-privileged-container",
        "stack": "prod",
        "resource": "kafka-ui-container",
        "reason": "It debugs the kernel this week.",
        "approvedBy": "Ada Lovelace",
        "until": str(datetime.now(UTC).date() + timedelta(days=7)),
    }
    (prod.root / "policies" / "exceptions.json").write_text(json.dumps([exception]))

    preview = prod.preview()

    assert preview.code == 0, preview.text
    told = preview.messages("exceptions-in-force")
    assert "kafka-ui-container is excepted from no-privileged-container until" in told
    assert "It debugs the kernel this week. (approved by Ada Lovelace)" in told


def test_an_override_lets_one_change_pass_the_clusters_identity_and_no_other(
    checkout: Callable[[str], Checkout],
) -> None:
    prod = checkout("prod")
    deploy(prod)
    prod.edit(
        '"replicationFactor": topic.replication_factor}', '"replicationFactor": topic.replication_factor - 1}'
    )
    override = "{reason: It is rebuilt every night., approvedBy: Ada Lovelace}"
    prod.edit(
        "messaging:environment: prod",
        f"messaging:environment: prod\n  messaging:overrides:\n    sensor-data replicas 3 -> 2: {override}",
    )

    preview = prod.preview()

    assert preview.code == 1
    assert "sensor-data has 3 replicas" not in preview.errors
    assert "accepted by messaging:overrides: sensor-data replicas 3 -> 2" in preview.text
    assert "metrics has 3 replicas and would have 2" in preview.errors


def test_the_report_of_a_real_preview_classifies_what_would_change(
    checkout: Callable[[str], Checkout], tmp_path: Path
) -> None:
    prod = checkout("prod")
    deploy(prod)
    prod.edit('"compression.type": "snappy"', '"compression.type": "zstd"')
    prod.edit("GRACE_SECONDS = 60", "GRACE_SECONDS = 90")

    preview = prod.preview()
    written = report(preview, tmp_path)

    assert written.returncode == 0, written.stdout + written.stderr
    assert "Compared with the stack's state" in written.stdout
    assert "| rolling restart | 3 | Kafka nodes, one after another |" in written.stdout
    assert "`config.compression.type`: `snappy` → `zstd`" in written.stdout
    assert "| rolling restart | Container `kafka-1-container` | " in written.stdout
    for_machines = report(preview, tmp_path, "--json")
    classes = [change["class"] for change in json.loads(for_machines.stdout)["changes"]]
    assert classes.count("rolling restart") == written.stdout.count("| rolling restart | Container"), classes


def test_the_report_of_a_blocked_preview_ends_with_1_and_compares_two_plans_without_a_state(
    checkout: Callable[[str], Checkout], pristine: Callable[[str], Checkout], tmp_path: Path
) -> None:
    prod = checkout("prod")
    prod.edit('"restart": "unless-stopped",', '"restart": "no",')
    (tmp_path / "base.jsonl").write_text(pristine("prod").preview().text)

    written = report(prod.preview(), tmp_path, "--base", "base.jsonl")

    assert written.returncode == 1
    assert "## Preview of `prod`: ❌ blocked by" in written.stdout
    assert "base and branch were planned, and the two plans are compared" in written.stdout
    (row,) = [line for line in written.stdout.splitlines() if "| Container `kafka-1-container`" in line]
    assert row.startswith("| dynamic |")
    assert "`restart`: `unless-stopped` → `no`" in row
    assert "| new |" not in written.stdout


def test_a_comparison_of_two_plans_refuses_what_the_deployed_stack_would(
    checkout: Callable[[str], Checkout], tmp_path: Path
) -> None:
    prod = checkout("prod")
    shutil.copytree(ROOT / ".ci", prod.root / ".ci")
    for command in (
        ["init"],
        ["add", "--all", "--", ".", ":!.venv", ":!.pulumi", ":!.home"],
        ["commit", "-mx"],
    ):
        git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(prod.root), *command]
        subprocess.run(git, check=True, capture_output=True)
    prod.edit(
        "messaging:environment: prod",
        "messaging:environment: prod\n  messaging:cluster: {controllers: dedicated}",
    )
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "MESSAGING_"))
    }
    done = subprocess.run(
        [str(prod.root / ".ci" / "preview"), "prod", "HEAD", str(tmp_path / "report.md")],
        env=kept | {"PULUMI_HOME": str(prod.root / ".home")},
        capture_output=True,
        text=True,
        check=False,
    )
    written = (tmp_path / "report.md").read_text()

    assert done.returncode == 1, done.stderr
    assert "## Preview of `prod`: ❌ refused: 1 error" in written
    assert "the nodes are combined and would become dedicated" in written
    assert "would be removed" not in written
