"""What a repair does and refuses, with a Docker engine and a ``pulumi`` that only note what they are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from messaging.cli import care, stacks
from messaging.cli.clusters import KafkaNode, KafkaNodes
from messaging.cli.projects import Project, ProjectError
from messaging.cli.stacks import StackOnHost, UnhealthyError
from messaging.protocol import Address
from messaging.roll import Container
from tests.unit.cli.fake_engine import OWNER, STOPPED, Engine
from tests.unit.cli.fake_pulumi import CONTAINER, DYNAMIC, step

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.fake_pulumi import Pulumi


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Three nodes that are healthy together, and a registry."""
    monkeypatch.setattr(stacks, "HEALTHY_SECONDS", 0.0)
    made = Engine()
    made.lose("kafka-dev")
    made.lose("kafka-ui-dev")
    for number in (1, 2, 3):
        made.have(f"kafka-{number}", "broker")
    made.quorum = {"kafka-1", "kafka-2", "kafka-3"}
    return made


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """With a state that knows them."""
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    names = {"schema-registry-dev": "schema-registry"} | {f"kafka-{number}": "broker" for number in (1, 2, 3)}
    resources = [
        {
            "type": CONTAINER,
            "urn": f"urn:Kafka${name}-container",
            "inputs": {
                "name": name,
                "labels": [{"label": label, "value": value} for label, value in OWNER.labels(role).items()],
            },
        }
        for name, role in names.items()
    ]
    folder = tmp_path / "project"
    file = folder / ".pulumi" / "stacks" / "messaging" / "dev.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"checkpoint": {"latest": {"resources": resources}}}))
    (folder / "Pulumi.yaml").write_text("name: messaging\nruntime: python\n")
    return Project(folder=folder)


def repair(engine: Engine, project: Project, *, dry_run: bool = False) -> list[str]:
    on_host = StackOnHost(engine, OWNER)  # type: ignore[arg-type]  # it has what is used
    return care.repair(on_host, project, "dev", dry_run=dry_run, accept_loss=False, tell=lambda _: None)


def started(engine: Engine) -> list[str]:
    return [name for call, name, *_ in engine.calls if call == "start"]


def test_what_is_well_is_left_alone(engine: Engine, project: Project, pulumi: Pulumi) -> None:
    assert repair(engine, project) == []
    assert (engine.calls, pulumi.commands) == ([], [])


def test_what_is_only_stopped_is_started_without_pulumi(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    engine.states["kafka-2"] = STOPPED

    assert repair(engine, project) == ["start kafka-2 (exited)"]
    assert (started(engine), pulumi.commands) == (["kafka-2"], [])


def test_a_quorum_that_was_stopped_is_started_as_a_whole_and_before_what_needs_it(
    engine: Engine, project: Project
) -> None:
    for name in engine.states:
        engine.states[name] = STOPPED

    repair(engine, project)

    assert started(engine) == ["kafka-1", "kafka-2", "kafka-3", "schema-registry-dev"]


def test_what_is_gone_is_told_to_the_state_alone_and_made_again(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    engine.lose("schema-registry-dev")

    assert repair(engine, project) == ["make the container schema-registry-dev again"]
    assert pulumi.commands == [
        "preview --json --stack dev",
        "refresh --yes --target urn:Kafka$schema-registry-dev-container --stack dev",
        "up --yes --skip-preview --stack dev",
    ]


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_checkout_with_changes_that_are_not_deployed_is_refused_before_anything_is_done(
    engine: Engine, project: Project, pulumi: Pulumi, *, dry_run: bool
) -> None:
    engine.lose("kafka-3")
    engine.states["kafka-2"] = STOPPED
    pulumi.will_say(
        step("same", CONTAINER, "kafka-3-container"),
        step("replace", CONTAINER, "kafka-1-container", {"image": "a"}, {"image": "b"}),
        step("update", f"{DYNAMIC}:ClusterSettings", "kafka-settings", {"settings": {"a": 1}}, {}),
    )

    with pytest.raises(ProjectError) as refused:
        repair(engine, project, dry_run=dry_run)

    assert "replace kafka-1-container, update kafka-settings. " in str(refused.value)
    refresh = "pulumi refresh --yes --target 'urn:Kafka$kafka-3-container' --stack dev"
    assert f"`{refresh}`, then `pulumi up --stack dev`" in str(refused.value)
    assert (pulumi.verbs, engine.calls) == (["preview"], [])


def test_of_many_changes_that_are_not_deployed_the_first_are_named(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    engine.lose("kafka-3")
    pulumi.will_say(*(step("create", CONTAINER, f"kafka-{number}", new={"a": 1}) for number in range(4, 12)))

    with pytest.raises(ProjectError, match=r"create kafka-4, .*create kafka-8 and 3 more"):
        repair(engine, project)


@pytest.mark.parametrize(
    "found",
    [
        step("update", f"{DYNAMIC}:BrokerGate", "kafka-3-gate", {"previous": ["a"]}, {"previous": ["b"]}),
        step("update", f"{DYNAMIC}:ClusterReady", "kafka-ready", {"containers": []}, {"containers": ["a"]}),
        step("create", f"{DYNAMIC}:ContainerHealthy", "healthy", new={"container": "schema-registry-1"}),
        step("update", f"{DYNAMIC}:LoadBalancerConfig", "config", {"config": "a"}, {"config": "a"}),
        step("refresh", CONTAINER, "kafka-3-container", {"name": "kafka-3"}),
    ],
    ids=lambda found: found["resourcePreEvent"]["metadata"]["urn"].rpartition("::")[2],
)
def test_what_a_provider_finds_of_a_node_that_is_gone_is_no_change_of_the_checkout(
    engine: Engine, project: Project, pulumi: Pulumi, found: dict[str, Any]
) -> None:
    engine.lose("schema-registry-dev")
    pulumi.will_say(found)

    repair(engine, project)

    assert pulumi.verbs == ["preview", "refresh", "up"]


def test_a_dry_run_says_what_it_would_do_and_does_nothing(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    engine.lose("kafka-3")
    engine.states["kafka-1"] = STOPPED

    assert repair(engine, project, dry_run=True) == [
        "start kafka-1 (exited)",
        "make the container kafka-3 again",
    ]
    assert (pulumi.verbs, engine.calls) == (["preview"], [])


def test_a_preview_that_fails_says_why_and_nothing_is_done(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    engine.lose("kafka-3")
    reason = {"message": "port 9092 is taken by another process", "severity": "error"}
    pulumi.will_say({"diagnosticEvent": reason}, code=1)

    with pytest.raises(ProjectError, match=r"(?s)`pulumi preview` ended with code 1:.*port 9092 is taken"):
        repair(engine, project)

    assert pulumi.verbs == ["preview"]


def test_a_preview_that_did_not_come_to_begin_says_why(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    engine.lose("kafka-3")
    pulumi.will_fail_at_once("The passphrase does not fit")

    with pytest.raises(
        ProjectError, match=r"(?s)`pulumi preview` ended with code 1:.*passphrase does not fit"
    ):
        repair(engine, project)


def test_where_nodes_are_gone_those_that_are_started_are_waited_for_only_when_all_are_back(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    engine.states["kafka-1"] = STOPPED
    engine.lose("kafka-2")
    engine.lose("kafka-3")

    with pytest.raises(UnhealthyError, match="kafka-1 is unhealthy"):
        repair(engine, project)

    assert started(engine) == ["kafka-1"]
    assert pulumi.verbs == ["preview", "refresh", "up"], "only then is kafka-1 waited for"


def test_a_state_that_does_not_say_all_is_no_ground_for_a_repair(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    engine.states["kafka-1"] = STOPPED
    state = project.folder / ".pulumi" / "stacks" / "messaging" / "dev.json"
    state.with_name("dev.json.journal").write_text("more\n")

    with pytest.raises(ProjectError, match="`pulumi cancel --stack dev` brings it into the state"):
        repair(engine, project)

    assert (pulumi.commands, engine.calls) == ([], [])


def test_the_engine_is_told_the_folder_whose_state_was_read(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.folder / "sub").mkdir()
    (project.folder / ".pulumi").rename(project.folder / "sub" / ".pulumi")
    monkeypatch.chdir(project.folder / "sub")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file://.")
    engine.lose("schema-registry-dev")

    repair(engine, project)

    assert pulumi.verbs == ["preview", "refresh", "up"]
    assert pulumi.backends == {(project.folder / "sub").as_uri()}


def test_without_a_state_nobody_knows_what_is_missing(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    engine.states["kafka-1"] = STOPPED
    file = project.folder / ".pulumi" / "stacks" / "messaging" / "dev.json"
    file.unlink()

    with pytest.raises(ProjectError, match=f"there is no {file}, so .*`messaging start --stack dev` starts"):
        repair(engine, project)

    assert (pulumi.commands, engine.calls) == ([], [])


@pytest.fixture
def lone_node(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the nodes that the state knows, one is on the Docker host."""
    running = Container(state="running", built_from="")
    node = KafkaNode(id=1, name="kafka-1", address=Address(host="127.0.0.1", port=9), container=running)
    monkeypatch.setattr(care, "find", lambda *_, **__: KafkaNodes(nodes=(node,)))
    (project.folder / "Pulumi.dev.yaml").touch()


@pytest.mark.usefixtures("lone_node")
def test_health_misses_a_node_beside_a_run_that_is_under_way(engine: Engine, project: Project) -> None:
    state = project.folder / ".pulumi" / "stacks" / "messaging" / "dev.json"
    state.with_name("dev.json.journal").write_text("more\n")
    told: list[str] = []

    found = care.report(engine, project, "dev", told.append)  # type: ignore[arg-type]  # nothing of it is used

    assert [node["name"] for node in found.nodes] == ["kafka-1", "kafka-2", "kafka-3"]
    assert told == []


@pytest.mark.usefixtures("lone_node")
@pytest.mark.parametrize(
    ("address", "reason"),
    [("s3://bucket", "the state is at s3://bucket"), ("", "the stack dev has no state here")],
)
def test_health_says_where_it_can_miss_no_node(
    engine: Engine, project: Project, monkeypatch: pytest.MonkeyPatch, address: str, reason: str
) -> None:
    (project.folder / ".pulumi" / "stacks" / "messaging" / "dev.json").unlink()
    monkeypatch.setenv("PULUMI_BACKEND_URL", address)
    told: list[str] = []

    found = care.report(engine, project, "dev", told.append)  # type: ignore[arg-type]  # nothing of it is used

    assert [node["name"] for node in found.nodes] == ["kafka-1"]
    assert [
        line.startswith(f"a node, topic or subject that is gone would not be missed: {reason}")
        for line in told
    ] == [True]
