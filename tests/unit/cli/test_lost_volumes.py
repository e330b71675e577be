"""What a repair and a health report say of data whose only copy was on a volume that is gone."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from messaging import cluster, unled
from messaging.availability import NO_BROKER, Partition
from messaging.cli import care, losses, states
from messaging.cli.projects import Project, ProjectError
from messaging.cli.stacks import StackOnHost
from messaging.cluster import Broker, View
from messaging.declared import Loss, Remains
from messaging.protocol import Address, NodeError
from tests.unit.cli.fake_engine import OWNER, Engine
from tests.unit.cli.fake_pulumi import CONTAINER, DYNAMIC, Pulumi, step

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


class Kafka:
    """A cluster of which one broker answers; it notes what it is told, and may get better by that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, there: tuple[int, ...]) -> None:
        self.calls: list[tuple[str, object]] = []
        self.partitions: dict[str, Partition] = {}
        self.brokers = there
        self.answers = True
        self.looks = 0
        monkeypatch.setattr(StackOnHost, "addresses", lambda _: [Address(host="localhost", port=9092)])
        monkeypatch.setattr(cluster, "look", lambda _: self._look())
        monkeypatch.setattr(cluster, "elect_any", lambda _, which: self._elect(which))
        monkeypatch.setattr(unled, "eligible", lambda *_: {})
        monkeypatch.setattr(unled, "delete", lambda _, topics: self._delete(topics))

    def have(self, topic: str, replicas: tuple[int, ...], *, in_sync: tuple[int, ...]) -> None:
        self.partitions[topic] = Partition(
            topic=topic,
            number=0,
            leader=in_sync[0] if in_sync else NO_BROKER,
            replicas=replicas,
            in_sync=in_sync,
            min_in_sync=1,
        )

    def _look(self) -> View:
        self.looks += 1
        if not self.answers:
            raise NodeError("localhost:9092 does not answer")
        brokers = tuple(Broker(id=one, rack=None) for one in self.brokers)
        return View(cluster_id="", brokers=brokers, partitions=tuple(self.partitions.values()))

    def _elect(self, which: set[tuple[str, int]]) -> None:
        self.calls.append(("elect", which))
        for topic, _ in which:
            self.have(topic, self.partitions[topic].replicas, in_sync=self.brokers[:1])

    def _delete(self, topics: list[str]) -> None:
        self.calls.append(("delete", topics))
        for topic in topics:
            del self.partitions[topic]


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
        "bring back without what is lost: 1 topics (readings) and 1 subjects (readings-value)"
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
        "bring back without what is lost: 1 topics (readings) and 1 subjects (readings-value)",
    ]
    assert (pulumi.verbs, engine.calls) == (["preview"], [])


def production(engine: Engine, project: Project, monkeypatch: pytest.MonkeyPatch, *in_sync: int) -> None:
    """Three brokers, of which the second is gone with its volume, and one partition."""
    names = {1: "kafka-1", 2: "kafka-2", 3: "kafka-3"}
    write(project, state_of(names, copies=3))
    engine.volume_names = ["kafka-1-data", "kafka-3-data"]
    engine.have("kafka-1", "broker")
    engine.have("kafka-3", "broker")
    kafka = Kafka(monkeypatch, there=(1, 3))
    for topic, replicas in (("by-hand", in_sync), ("readings", (1, 2, 3)), ("_schemas", (1, 2, 3))):
        kafka.have(topic, replicas, in_sync=replicas)


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


def pair(engine: Engine, project: Project, monkeypatch: pytest.MonkeyPatch) -> Kafka:
    """Two brokers with one copy of everything, of which the second is gone with its volume."""
    names = {1: "kafka-1", 2: "kafka-2"}
    resources = state_of(names, copies=1)
    nodes = [*names.values()]
    claim = {"containers": nodes, "volumes": [f"{name}-data" for name in nodes], "engine": "here"}
    identity = next(one for one in resources if one["type"].endswith("ClusterIdentity"))
    identity["inputs"]["voters"] = ["1@kafka-1:9093"]
    write(project, [*resources, resource(f"{DYNAMIC}:Preflight", "preflight", **claim)])
    engine.volume_names = ["kafka-1-data"]
    engine.have("kafka-1", "broker")
    kafka = Kafka(monkeypatch, there=(1,))
    kafka.have("readings", (2,), in_sync=())
    kafka.have("_schemas", (2,), in_sync=())
    kafka.have("by-hand", (1,), in_sync=(1,))
    return kafka


LOST_OF_PAIR = "with kafka-2-data went the only copy: 1 topics (readings) and 1 subjects (readings-value)"


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_partition_of_which_nobody_is_in_sync_any_more_is_lost_with_its_only_volume(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> None:
    pair(engine, project, monkeypatch)

    with pytest.raises(ProjectError) as refused:
        repair(engine, project, dry_run=dry_run)

    assert LOST_OF_PAIR in str(refused.value)
    assert pulumi.commands == []


def test_with_consent_kafka_goes_on_without_what_is_lost_before_the_last_gate_asks_for_it(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    kafka.have("half", (1, 2), in_sync=())

    done = repair(engine, project, accept=True)

    assert (
        done[-1]
        == "bring back without what is lost: 2 topics (half, readings) and 1 subjects (readings-value)"
    )
    assert kafka.calls == [("delete", ["_schemas"]), ("elect", {("half", 0)})]
    assert pulumi.verbs == ["preview", "refresh", "up", "refresh", "up"]


def test_a_replica_that_begins_anew_leads_as_soon_as_its_broker_is_back(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    monkeypatch.setattr(losses, "LOOK_SECONDS", 0.01)
    on_host = StackOnHost(engine, OWNER)  # type: ignore[arg-type]  # it has what is used
    harm = losses.assess(on_host, states.find(project, "dev", {}).whole(), ["kafka-2-data"])

    with losses.given_up(on_host, harm, lambda _: None):
        before = list(kafka.calls)
        kafka.brokers = (1, 2)
        deadline = time.monotonic() + 10
        while kafka.calls == before and time.monotonic() < deadline:
            time.sleep(0.01)

    assert before == [("delete", ["_schemas"])]
    assert kafka.calls[1:] == [("elect", {("readings", 0)})]


def test_of_what_is_not_known_to_be_lost_only_what_stays_without_a_leader_is_led_by_what_is_there(
    engine: Engine, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    kafka.partitions = {}
    kafka.have("late", (1, 2), in_sync=())
    kafka.have("stays", (1,), in_sync=())
    kafka.have("comes", (1,), in_sync=())
    monkeypatch.setattr(losses, "LOOK_SECONDS", 0.05)
    on_host = StackOnHost(engine, OWNER)  # type: ignore[arg-type]  # it has what is used
    harm = losses.Harm(loss=Loss(), left=Remains(), sure=False)

    with losses.given_up(on_host, harm, lambda _: None):
        kafka.have("comes", (1,), in_sync=(1,))
        deadline = time.monotonic() + 10
        while not kafka.calls and time.monotonic() < deadline:
            time.sleep(0.01)
        looked = kafka.looks
        while kafka.looks < looked + losses.LOOKS and time.monotonic() < deadline:
            time.sleep(0.01)

    assert kafka.calls == [("elect", {("stays", 0)})]


def mended(engine: Engine, kafka: Kafka) -> None:
    """The second broker is back, with a volume that was made anew."""
    engine.have("kafka-2", "broker")
    engine.volume_names = ["kafka-1-data", "kafka-2-data"]
    kafka.brokers = (1, 2)


def test_a_repair_that_was_interrupted_goes_on_though_the_new_broker_is_not_there_yet(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    mended(engine, kafka)
    kafka.brokers = (1,)
    monkeypatch.setattr(losses, "LOOK_SECONDS", 0.02)
    waits: list[str] = []

    def wait_for_leaders(_place: object, arguments: list[str], *, shown: bool) -> None:
        assert shown or arguments[0] == "refresh"
        waits.append(arguments[0])
        kafka.brokers = (1, 2)
        deadline = time.monotonic() + 10
        while any(one.leader == NO_BROKER for one in kafka.partitions.values()):
            assert time.monotonic() < deadline, "nobody elected leaders"
            time.sleep(0.01)

    monkeypatch.setattr(care, "_pulumi", wait_for_leaders)

    done = repair(engine, project, accept=True)

    assert "wait for leaders of 2 partitions" in done
    assert waits[0] == "up"


def test_a_repair_that_was_interrupted_goes_on_though_no_volume_is_missing_any_more(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    mended(engine, kafka)

    with pytest.raises(ProjectError) as refused:
        repair(engine, project)
    done = repair(engine, project, accept=True)

    assert "2 partitions of 2 topics (_schemas, readings) have no leader" in str(refused.value)
    assert done[-1] == "bring back without what is lost: 1 topics (readings) and 1 subjects (readings-value)"
    assert kafka.calls == [("elect", {("readings", 0), ("_schemas", 0)})]
    assert pulumi.verbs == ["preview", "up", "refresh", "up"]
    assert ("start", "schema-registry-dev") in engine.calls


def test_what_the_state_was_told_is_lost_is_made_though_the_repair_was_interrupted_then(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    mended(engine, kafka)
    kafka.partitions = {}
    kafka.have("_schemas", (1,), in_sync=(1,))
    pulumi.will_say(
        step("create", TOPIC, "readings", new={"name": "readings"}),
        step("create", f"{DYNAMIC}:Subject", "readings-value", new={"subject": "readings-value"}),
    )

    with pytest.raises(ProjectError, match=r"1 topics \(readings\) are not there. `messaging repair"):
        repair(engine, project)

    assert repair(engine, project, accept=True) == ["bring back without what is lost: 1 topics (readings)"]
    assert pulumi.verbs == ["preview", "refresh", "up"]


def test_a_node_of_which_the_state_was_told_that_it_is_gone_is_made_before_the_rest_is_looked_at(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    file = project.folder / ".pulumi" / "stacks" / "messaging" / "dev.json"
    known = json.loads(file.read_text())["checkpoint"]["latest"]["resources"]
    write(project, [one for one in known if one["inputs"].get("name") not in {"kafka-2", "kafka-2-data"}])
    pulumi.will_say(
        step("create", VOLUME, "kafka-2-data", new={"name": "kafka-2-data"}),
        step("create", CONTAINER, "kafka-2-container", new={"name": "kafka-2"}),
    )

    with pytest.raises(ProjectError, match="with kafka-2-data went the only copy: 1 topics"):
        repair(engine, project)
    done = repair(engine, project, accept=True)

    assert done[:2] == ["make the container kafka-2 again", "make the volume kafka-2-data again"]
    assert kafka.calls == [("delete", ["_schemas"])]
    assert pulumi.verbs == ["preview", "up", "refresh", "up"]


def test_another_change_of_the_checkout_is_refused_also_with_consent(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    pulumi.will_say(step("create", CONTAINER, "kafka-3-container", new={"name": "kafka-3"}))

    with pytest.raises(ProjectError, match="this checkout is not what is deployed"):
        repair(engine, project, accept=True)

    assert kafka.calls == []


def test_while_no_broker_answers_nobody_knows_what_was_only_on_a_volume_that_is_gone(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    production(engine, project, monkeypatch, 1, 3)
    monkeypatch.setattr(StackOnHost, "addresses", lambda _: [])

    with pytest.raises(ProjectError) as refused:
        repair(engine, project)

    assert "with kafka-2-data may have gone the only copy of anything, for no broker answers" in str(
        refused.value
    )
    assert "`messaging start --stack dev`" in str(refused.value)
    assert pulumi.commands == []


@pytest.mark.parametrize(
    ("engine_id", "host", "has_some", "refused"),
    [
        ("here", "", False, False),
        ("there", "", False, True),
        ("there", "", True, False),
        ("here", "tcp://10.9.9.9:2375", False, True),
        ("here", "tcp://10.9.9.9:2375", True, False),
        ("there", "tcp://10.9.9.9:2375", True, True),
        ("", "", False, False),
    ],
)
def test_an_engine_that_is_not_the_stacks_has_lost_nothing(
    engine: Engine,
    project: Project,
    pulumi: Pulumi,
    monkeypatch: pytest.MonkeyPatch,
    engine_id: str,
    host: str,
    *,
    has_some: bool,
    refused: bool,
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    claim = resource(f"{DYNAMIC}:Preflight", "preflight", engine=engine_id, dockerHost="")
    write(project, [*state_of({1: "kafka-dev"}, copies=1), claim])
    if host:
        (project.folder / "Pulumi.dev.yaml").write_text(f"config:\n  messaging:docker:\n    host: {host}\n")
    if not has_some:
        engine.lose("schema-registry-dev")
        engine.network_names = []

    with pytest.raises(ProjectError) as raised:
        repair(engine, project)

    assert ("is on another Docker engine than the one at unix:///" in str(raised.value)) == refused
    assert ("--accept-loss" in str(raised.value)) != refused
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
