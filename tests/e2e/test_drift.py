"""What somebody changed by hand is found, reported readably, with one exit code; policies let dev pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from tests.e2e import harness

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.harness import Run, Workspace

PACK = harness.ROOT / "policies"
TOPIC = "metrics.dlq"


def look(platform: Workspace, folder: Path) -> tuple[Run, Run]:
    """A preview of what really exists, and the report of it."""
    events = platform.pulumi(
        *("preview", "--refresh", "--expect-no-changes", "--json"),
        check=False,
        environment={"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"},
    )
    file = folder / "events.jsonl"
    file.write_text(events.out)
    return events, platform.command(
        "messaging", "preview-report", str(file), "--stack", "dev", "--drift", check=False
    )


def keep(platform: Workspace, milliseconds: str) -> None:
    """Changes a topic's retention behind the program's back."""
    admin = AdminClient({"bootstrap.servers": f"localhost:{platform.port(9092)}"})
    entry = ConfigEntry("retention.ms", milliseconds, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, TOPIC, incremental_configs=[entry])
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(timeout=30)


def retention(platform: Workspace) -> str:
    admin = AdminClient({"bootstrap.servers": f"localhost:{platform.port(9092)}"})
    (found,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, TOPIC)]).values()
    return str(found.result(timeout=30)["retention.ms"].value)


def test_what_was_changed_by_hand_is_reported(platform: Workspace, tmp_path: Path) -> None:
    preview, report = look(platform, tmp_path)
    assert preview.code == 0, preview.text
    assert report.code == 0, report.text
    assert "## Drift of `dev`: ✅ no drift" in report.out

    before = retention(platform)
    keep(platform, "3600000")
    try:
        preview, report = look(platform, tmp_path)
    finally:
        keep(platform, before)

    assert preview.code == 7, preview.text
    assert report.code == 7, report.text
    assert "## Drift of `dev`: ⚠️ drifted" in report.out
    assert f"| Topic `{TOPIC}-topic` | `config.retention.ms`: `{before}` → `3600000` |" in report.out
    assert (
        f"| dynamic | Topic `{TOPIC}-topic` | `config.retention.ms`: `3600000` → `{before}` |" in report.out
    )


def test_an_update_of_development_passes_the_policies(platform: Workspace) -> None:
    done = platform.up("--policy-pack", str(PACK), "--policy-pack-config", str(PACK / "dev.json"))

    assert "    ✅ guardrails@v" in done.out
