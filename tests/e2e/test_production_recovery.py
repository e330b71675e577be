"""Each runbook of production tried for real: what goes wrong, what one does, what is true afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messaging import cluster
from messaging.protocol import Address
from tests.e2e import harness
from tests.e2e.production import (
    BROKERS,
    UP_SECONDS,
    assert_nothing_lost,
    assert_unnoticed,
    ids,
    set_kafka,
)

if TYPE_CHECKING:
    from tests.e2e.harness import Workspace
    from tests.e2e.traffic import Traffic

pytestmark = [pytest.mark.timeout(1200), pytest.mark.long]


def first(workspace: Workspace) -> Address:
    return Address(host="localhost", port=workspace.port(9092))


def is_healthy(workspace: Workspace) -> bool:
    return workspace.command("messaging", "health", "--stack", "prod", check=False).code == 0


def test_a_broker_that_is_down_can_be_rolled_first(production: Workspace, traffic: Traffic) -> None:
    before = ids(production)
    production.container("kafka-3").stop(timeout=60)
    set_kafka(production, "queued.max.requests", 510)

    refused = production.up("--skip-preview", check=False, timeout=UP_SECONDS)

    assert refused.code == 1, refused.text
    assert "kafka-1 was not replaced, and nothing behind it" in refused.text
    advice = f"pulumi config set messaging:rollFirst {production.name('kafka-3')}"
    assert advice in refused.text
    assert ids(production) == before

    production.configure("rollFirst", production.name("kafka-3"))
    with traffic.stretch() as stretch:
        production.up("--skip-preview", timeout=UP_SECONDS)
    production.pulumi("config", "rm", "messaging:rollFirst")

    assert_nothing_lost(stretch)
    assert stretch.most_down == 1, stretch
    assert not set(ids(production)) & set(before)
    production.pulumi("preview", "--expect-no-changes")


def test_a_setting_that_breaks_brokers_breaks_one_and_is_mended(
    production: Workspace, traffic: Traffic
) -> None:
    before = ids(production)
    set_kafka(production, "queued.max.requests", "many")
    with traffic.stretch() as stretch:
        broken = production.up("--skip-preview", check=False, timeout=UP_SECONDS)
        assert broken.code == 1, broken.text
        assert "kafka-2 was not replaced, and nothing behind it" in broken.text
        assert ids(production)[1:] == before[1:]

        set_kafka(production, "queued.max.requests", 520)
        production.up("--skip-preview", timeout=UP_SECONDS)

    assert_nothing_lost(stretch)
    assert stretch.most_down == 1, stretch
    assert stretch.most_under_min == 0, stretch


def test_a_quorum_that_was_lost_comes_back_with_its_nodes(production: Workspace, traffic: Traffic) -> None:
    for name in BROKERS[:2]:
        production.container(name).kill("SIGKILL")
    harness.wait_for(
        lambda: production.command("messaging", "health", "--stack", "prod", check=False).code == 4,
        "the alarm",
    )
    with traffic.stretch(settle=180) as stretch:
        planned = production.command("messaging", "repair", "--stack", "prod", "--dry-run")
        production.command("messaging", "repair", "--stack", "prod", timeout=UP_SECONDS)

    assert planned.out.count("would start") == 2, planned.text
    assert_nothing_lost(stretch)
    harness.wait_for(lambda: is_healthy(production), "a healthy cluster", 90)


def test_all_brokers_stopped_start_together(production: Workspace, traffic: Traffic) -> None:
    with traffic.stretch(settle=180) as stretch:
        production.command("messaging", "stop", "--stack", "prod", timeout=UP_SECONDS)
        production.command("messaging", "start", "--stack", "prod", timeout=UP_SECONDS)

    assert_nothing_lost(stretch)
    harness.wait_for(lambda: is_healthy(production), "a healthy cluster", 90)


def test_brokers_come_get_their_share_give_it_back_and_go(production: Workspace, traffic: Traffic) -> None:
    before = ids(production)
    production.configure("cluster.brokers", "4")
    with traffic.stretch() as stretch:
        production.up(timeout=UP_SECONDS)
        planned = production.command("messaging", "rebalance", "--stack", "prod")
        assert held(production, 4) == 0, "a plan moves nothing"
        production.command("messaging", "rebalance", "--stack", "prod", "--execute", timeout=UP_SECONDS)
    assert_unnoticed(stretch, nodes=0)
    assert ids(production) == before, "quorum and old brokers were not touched"
    assert "partitions to move (--execute does it)" in planned.out
    assert held(production, 4) > 20
    assert leftover_brakes(production) == []

    production.configure("cluster.brokers", "3")
    refused = production.pulumi("preview", check=False)
    assert refused.code == 1
    assert f"{production.name('kafka-4')} still holds replicas of" in refused.text

    with traffic.stretch() as stretch:
        production.command(
            "messaging", "rebalance", "--stack", "prod", "--without", production.name("kafka-4"), "--execute",
            timeout=UP_SECONDS,
        )  # fmt: skip
        for urn in (one for one in state_urns(production) if one.endswith("::kafka-4-data")):
            production.pulumi("state", "unprotect", urn, "--yes")
        production.up(timeout=UP_SECONDS)
    assert_unnoticed(stretch, nodes=0)
    assert production.name("kafka-4") not in production.remains()
    assert ids(production) == before


def held(workspace: Workspace, broker: int) -> int:
    return sum(broker in one.replicas for one in cluster.look(first(workspace)).partitions)


def leftover_brakes(workspace: Workspace) -> list[str]:
    topics = {one.topic for one in cluster.look(first(workspace)).partitions}
    found = cluster.configuration(first(workspace), cluster.TOPIC, topics, dynamic=True)
    return [name for name, values in found.items() if any("throttled" in key for key in values)]


def state_urns(workspace: Workspace) -> list[str]:
    deployment = workspace.pulumi("stack", "export").json()["deployment"]
    return [resource["urn"] for resource in deployment["resources"]]


def test_an_upgrade_is_finished_by_one_command(production: Workspace) -> None:
    """The image has one version of Kafka, so the cluster is first taken back to an older metadata version."""
    production.execute(
        "kafka-1", "kafka-features", "--bootstrap-server", "localhost:29092",
        "downgrade", "--feature", "metadata.version=26",
    )  # fmt: skip
    sick = production.command("messaging", "health", "--stack", "prod", check=False)
    tried = production.command("messaging", "upgrade-metadata", "--stack", "prod", "--dry-run")
    level = cluster.features(first(production)).finalized[cluster.METADATA_VERSION]
    done = production.command("messaging", "upgrade-metadata", "--stack", "prod")

    assert sick.code == 3, sick.text
    assert "the upgrade is not finished" in sick.out
    assert (level, "would go from 26 to 27" in tried.out) == (26, True), tried.text
    assert "went from 26 to 27" in done.out
    harness.wait_for(lambda: is_healthy(production), "a healthy cluster", 30)
