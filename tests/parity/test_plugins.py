"""The CLI with this project's providers instead of its own, for sites without plugin downloads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.parity.engines import ROOT
from tests.parity.programs.parts import SCENARIOS
from tests.parity.scenarios import Bundle

if TYPE_CHECKING:
    from tests.parity.engines import Place

OURS = ROOT / "engine" / "providers" / "plugins"
DOCKER = ("container_on_a_network_and_volume", "container_updated_in_place", "container_with_a_health_check")
KAFKA = ("topic_with_settings", "topic_of_a_removed_setting", "topics_come_and_go")


def test_the_cli_deploys_changes_and_removes_with_our_docker_provider(place: Place) -> None:
    deploys_changes_and_removes(place, "docker", DOCKER)


def test_the_cli_deploys_changes_and_removes_with_our_kafka_provider(place: Place, broker: str) -> None:
    place.config["broker"] = broker
    deploys_changes_and_removes(place, "kafka", KAFKA)


def deploys_changes_and_removes(place: Place, package: str, scenarios: tuple[str, ...]) -> None:
    bundle = Bundle(name="plugins", scenarios=tuple(SCENARIOS[name] for name in scenarios))
    place.environment["PATH"] = f"{OURS}{os.pathsep}{os.environ['PATH']}"
    place.lay(bundle)
    place.begin("cli")
    for stage in range(1, bundle.stages + 1):
        place.at("cli", bundle, stage)
        run = place.up("cli")
        assert f"at {OURS}/pulumi-resource-{package}" in run.text
        assert place.plan("cli").steps == []
        assert place.drift("cli").steps == []

    assert place.plan("embedded").steps == []
    place.destroy("cli")
    assert place.remains() == []
