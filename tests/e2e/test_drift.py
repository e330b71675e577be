"""What somebody changed by hand is found, reported readably, with one exit code; policies let dev pass."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from tests.e2e import harness

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.harness import Run, Workspace

PACK = harness.ROOT / "policies"
TOPIC = "metrics.dlq"


def look(platform: Workspace, folder: Path) -> tuple[Run, Run]:
    """A preview of what really exists, and the report of it."""
    return reported(platform, folder, ["--refresh", "--expect-no-changes"], ["--drift"])


def reported(platform: Workspace, folder: Path, how: list[str], report: list[str]) -> tuple[Run, Run]:
    """A preview, and what people are told of it."""
    events = platform.pulumi(
        *("preview", *how, "--json"),
        check=False,
        environment={"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"},
    )
    file = folder / "events.jsonl"
    file.write_text(events.out)
    return events, platform.command(
        "messaging", "preview-report", str(file), "--stack", "dev", *report, check=False
    )


def keep(platform: Workspace, milliseconds: str) -> None:
    """Changes a topic's retention behind the program's back."""
    alter(platform, "retention.ms", milliseconds)


def alter(platform: Workspace, key: str, value: str | None) -> None:
    """Does to a setting of a topic what another tool might do: sets it, or with None takes it back."""
    admin = AdminClient({"bootstrap.servers": f"localhost:{platform.port(9092)}"})
    how = AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET
    entry = ConfigEntry(key, value, incremental_operation=how)
    resource = ConfigResource(ResourceType.TOPIC, TOPIC, incremental_configs=[entry])
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(timeout=30)


def retention(platform: Workspace) -> str:
    return setting(platform, "retention.ms")


def setting(platform: Workspace, key: str) -> str:
    admin = AdminClient({"bootstrap.servers": f"localhost:{platform.port(9092)}"})
    (found,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, TOPIC)]).values()
    return str(found.result(timeout=30)[key].value)


def test_other_addresses_in_the_same_network_are_no_drift_but_a_missing_network_is(
    platform: Workspace, tmp_path: Path
) -> None:
    both = [platform.container(name) for name in ("kafka-ui-dev", "schema-registry-dev")]
    ((network, _),) = both[0].attrs["NetworkSettings"]["Networks"].items()
    at = harness.client().networks.get(network)
    before = [attached(container, network)["IPAddress"] for container in both]
    aliases = [attached(container, network)["Aliases"] for container in both]
    at.disconnect(both[0])
    try:
        missing, said = look(platform, tmp_path)
    finally:
        at.disconnect(both[1])
        # As after a restart of several at once: the first to come takes the lowest address, so it is the
        # one that had the highest.
        for _, container, names in sorted(
            zip(before, both, aliases, strict=True), key=lambda one: ip_address(one[0]), reverse=True
        ):
            at.connect(container, aliases=names)
    assert missing.code == 7, missing.text
    assert "| Container `kafka-ui-container` | `ports" in said.out

    assert [attached(container, network)["IPAddress"] for container in both] != before
    harness.wait_for(lambda: all(map(healthy, both)), "both healthy again", 120)
    preview, report = look(platform, tmp_path)
    assert preview.code == 0, preview.text
    assert report.code == 0, report.text


def healthy(container: Any) -> bool:
    container.reload()
    return bool(container.attrs["State"]["Health"]["Status"] == "healthy")


def attached(container: Any, network: str) -> dict[str, Any]:
    """What Docker says of a container in a network."""
    container.reload()
    found: dict[str, Any] = container.attrs["NetworkSettings"]["Networks"][network]
    return found


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


def test_taking_back_a_longer_retention_that_brokers_were_given_by_hand_is_said_to_delete_messages(
    platform: Workspace, tmp_path: Path
) -> None:
    given = "log.retention.ms=2592000000"
    brokers = ("--bootstrap-server", "localhost:29092", "--entity-type", "brokers", "--entity-default")
    platform.execute("kafka-dev", "kafka-configs", *brokers, "--alter", "--add-config", given)
    try:
        pack = ["--policy-pack", str(PACK), "--policy-pack-config", str(PACK / "dev.json")]
        _, report = reported(platform, tmp_path, pack, [])
    finally:
        platform.up()

    assert "1 change would delete messages" in report.out, report.text
    assert "shorter retention: log.retention.ms (2592000000 -> nothing)" in report.out
    assert given not in platform.execute("kafka-dev", "kafka-configs", *brokers, "--describe")
    platform.pulumi("preview", "--expect-no-changes")


def test_dangers_that_were_set_by_hand_for_all_brokers_are_seen_and_taken_back(platform: Workspace) -> None:
    brokers = ("--bootstrap-server", "localhost:29092", "--entity-type", "brokers", "--entity-default")
    given = "unclean.leader.election.enable=true,min.insync.replicas=3"
    platform.execute("kafka-dev", "kafka-configs", *brokers, "--alter", "--add-config", given)
    try:
        seen = platform.pulumi("preview", "--expect-no-changes", check=False)
    finally:
        platform.up()

    assert seen.code == 7, seen.text
    assert "unclean.leader.election.enable (true -> false)" in seen.text
    assert "min.insync.replicas (3 -> 1)" in seen.text
    described = platform.execute("kafka-dev", "kafka-configs", *brokers, "--describe")
    assert "unclean.leader.election.enable=false" in described
    assert "min.insync.replicas=1" in described
    platform.pulumi("preview", "--expect-no-changes")


def test_a_setting_that_another_tool_made_is_kept_and_never_reset_unsaid(
    platform: Workspace, tmp_path: Path
) -> None:
    before = setting(platform, "segment.bytes")
    alter(platform, "segment.bytes", "1048576")
    try:
        platform.up()
        assert setting(platform, "segment.bytes") == "1048576"

        told = platform.pulumi("refresh", "--preview-only", "--diff")
        _, report = look(platform, tmp_path)
        assert "segment.bytes" in told.text
        assert report.code == 7, report.text
        assert f"Topic `{TOPIC}-topic`" in report.out
        assert "segment.bytes" in report.out

        # Taken into the state, it is what the program does not say: the plan to undo it is shown.
        platform.pulumi("refresh", "--yes", "--skip-preview")
        planned = platform.pulumi("preview", "--diff")
        assert "segment.bytes" in planned.text
        assert "1 to update" in planned.text
        assert setting(platform, "segment.bytes") == "1048576"
    finally:
        alter(platform, "segment.bytes", None)
        platform.pulumi("refresh", "--yes", "--skip-preview")

    assert setting(platform, "segment.bytes") == before
    platform.pulumi("preview", "--expect-no-changes")


def test_an_update_of_development_passes_the_policies(platform: Workspace) -> None:
    done = platform.up("--policy-pack", str(PACK), "--policy-pack-config", str(PACK / "dev.json"))

    assert "    ✅ guardrails@v" in done.out
