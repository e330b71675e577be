"""What a repair and a health report say of data whose only copy was on a volume that is gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from messaging.availability import Partition
from messaging.cli import care
from messaging.cli.projects import Project, ProjectError
from messaging.cli.stacks import StackOnHost
from messaging.cluster import View
from tests.unit.cli.fake_engine import OWNER, Engine
from tests.unit.cli.fake_pulumi import CONTAINER, DYNAMIC, Pulumi

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.conftest import FakeRegistry

VOLUME = "docker:index/volume:Volume"
TOPIC = "kafka:index/topic:Topic"
LOST = "with kafka-dev-data went all that Kafka knew: 1 topics (readings) and 1 subjects (readings-value)"


def docker(kind: str, name: str, role: str) -> dict[str, Any]:
    labels = [{"label": label, "value": value} for label, value in OWNER.labels(role).items()]
    return {"type": kind, "urn": f"urn:{name}", "inputs": {"name": name, "labels": labels}}


def resource(kind: str, name: str, **inputs: Any) -> dict[str, Any]:
    return {"type": kind, "urn": f"urn:{name}", "inputs": {"name": name} | inputs}


def state_of(
    brokers: dict[int, str], copies: int, registry: str = "http://127.0.0.1:9"
) -> list[dict[str, Any]]:
    return [
        *(docker(CONTAINER, name, "broker") for name in brokers.values()),
        *(docker(VOLUME, f"{name}-data", "data") for name in brokers.values()),
        docker(CONTAINER, "schema-registry-dev", "schema-registry"),
        resource(
            f"{DYNAMIC}:ClusterIdentity",
            "identity",
            brokers={str(number): name for number, name in brokers.items()},
            voters=[f"{number}@{name}:9093" for number, name in brokers.items()],
            topics={"readings": {"partitions": 1.0, "replicationFactor": copies}},
        ),
        resource(f"{DYNAMIC}:ClusterReady", "ready"),
        resource(TOPIC, "readings", replicationFactor=copies),
        resource(f"{DYNAMIC}:Subject", "readings-value", subject="readings-value", registryUrl=registry),
    ]


def write(project: Project, resources: list[dict[str, Any]]) -> None:
    file = project.folder / ".pulumi" / "stacks" / "messaging" / "dev.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"checkpoint": {"latest": {"resources": resources}}}))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Of a platform with one broker and a registry."""
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    made = Project(folder=tmp_path / "project")
    write(made, state_of({1: "kafka-dev"}, copies=1))
    (made.folder / "Pulumi.yaml").write_text("name: messaging\nruntime: python\n")
    (made.folder / "Pulumi.dev.yaml").touch()
    return made


@pytest.fixture
def engine() -> Engine:
    """Whose broker is gone with its volume."""
    made = Engine()
    made.lose("kafka-dev")
    made.lose("kafka-ui-dev")
    made.volume_names = []
    return made


def repair(engine: Engine, project: Project, *, accept: bool = False, dry_run: bool = False) -> list[str]:
    on_host = StackOnHost(engine, OWNER)  # type: ignore[arg-type]  # it has what is used
    return care.repair(on_host, project, "dev", dry_run=dry_run, accept_loss=accept, tell=lambda _: None)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_loss_of_the_only_copy_is_told_and_nothing_is_done_without_consent(
    engine: Engine, project: Project, pulumi: Pulumi, *, dry_run: bool
) -> None:
    with pytest.raises(ProjectError) as refused:
        repair(engine, project, dry_run=dry_run)

    assert LOST in str(refused.value)
    assert "Put the volume back from a backup" in str(refused.value)
    assert "`messaging repair --accept-loss --stack dev`" in str(refused.value)
    assert (pulumi.commands, engine.calls) == ([], [])


def test_with_consent_topics_and_subjects_are_told_to_the_state_and_made_again_by_a_fresh_registry(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    done = repair(engine, project, accept=True)

    assert done[-1] == (
        "make again, without what was in it: 1 topics (readings) and 1 subjects (readings-value)"
    )
    assert [call[:2] for call in engine.calls] == [
        ("stop", "schema-registry-dev"),
        ("start", "schema-registry-dev"),
    ]
    assert pulumi.commands == [
        "preview --json --stack dev",
        "refresh --yes --target urn:kafka-dev --target urn:kafka-dev-data --stack dev",
        "up --yes --skip-preview --stack dev",
        "refresh --yes --target urn:readings --target urn:readings-value --stack dev",
        "up --yes --skip-preview --stack dev",
    ]


def test_a_dry_run_with_consent_says_what_would_be_lost(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    done = repair(engine, project, accept=True, dry_run=True)

    assert done[-2:] == [
        "restart schema-registry-dev, which answers from memory",
        "make again, without what was in it: 1 topics (readings) and 1 subjects (readings-value)",
    ]
    assert (pulumi.verbs, engine.calls) == (["preview"], [])


def production(engine: Engine, project: Project, monkeypatch: pytest.MonkeyPatch, *in_sync: int) -> None:
    """Three brokers, of which the second is gone with its volume, and one partition."""
    names = {1: "kafka-1", 2: "kafka-2", 3: "kafka-3"}
    write(project, state_of(names, copies=3))
    engine.volume_names = ["kafka-1-data", "kafka-3-data"]
    engine.have("kafka-1", "broker")
    engine.have("kafka-3", "broker")
    partition = Partition(
        topic="by-hand", number=0, leader=1, replicas=in_sync, in_sync=in_sync, min_in_sync=1
    )
    seen = View(cluster_id="", brokers=(), partitions=(partition,))
    monkeypatch.setattr(StackOnHost, "view", lambda _: seen)


def test_where_others_have_a_copy_a_lost_volume_is_made_again_unasked(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    production(engine, project, monkeypatch, 1, 2)

    assert repair(engine, project) == [
        "make the container kafka-2 again",
        "make the volume kafka-2-data again",
    ]
    assert pulumi.verbs == ["preview", "refresh", "up"]


def test_a_topic_with_its_only_copy_on_the_lost_volume_is_named_though_nobody_declared_it(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    production(engine, project, monkeypatch, 2)

    with pytest.raises(ProjectError, match=r"with kafka-2-data went the only copy: 1 topics \(by-hand\)"):
        repair(engine, project)

    assert pulumi.commands == []


def test_health_of_a_platform_without_its_only_broker_is_critical_and_no_error(
    engine: Engine, project: Project
) -> None:
    found = care.report(engine, project, "dev", lambda _: None)  # type: ignore[arg-type]  # it has what is used

    assert care.EXIT_CODES[found.status] == 4
    assert [node["name"] for node in found.nodes] == ["kafka-dev"]
    assert "kafka-dev: missing" in list(care.lines(found))


def test_health_asks_the_registry_for_the_subjects_that_the_stack_has_registered(
    engine: Engine, project: Project, registry: FakeRegistry
) -> None:
    write(project, state_of({1: "kafka-dev"}, copies=1, registry=registry.url))

    lost = care.report(engine, project, "dev", lambda _: None)  # type: ignore[arg-type]  # as above
    registry.versions["readings-value"] = ['"int"']
    there = care.report(engine, project, "dev", lambda _: None)  # type: ignore[arg-type]

    assert (lost.missing_subjects, there.missing_subjects) == (("readings-value",), ())


def test_health_says_that_it_cannot_ask_a_registry_with_a_password(engine: Engine, project: Project) -> None:
    resources = state_of({1: "kafka-dev"}, copies=1)
    resources[-1]["inputs"]["registryUser"] = "ops"
    write(project, resources)
    told: list[str] = []

    care.report(engine, project, "dev", told.append)  # type: ignore[arg-type]  # as above

    assert told == ["a subject that is gone would not be missed: http://127.0.0.1:9 asks for a password"]
