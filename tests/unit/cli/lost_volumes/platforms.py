"""Platforms whose data is gone with a volume, as their states tell, and what of their Kafka still answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from messaging import cluster, unled
from messaging.availability import NO_BROKER, Partition
from messaging.cli import care
from messaging.cli.stacks import StackOnHost
from messaging.cluster import Broker, View
from messaging.protocol import Address, NodeError
from tests.unit.cli.fake_engine import OWNER, Engine
from tests.unit.cli.fake_pulumi import CONTAINER, DYNAMIC

if TYPE_CHECKING:
    import pytest

    from messaging.cli.projects import Project

VOLUME = "docker:index/volume:Volume"
TOPIC = "kafka:index/topic:Topic"


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


def mended(engine: Engine, kafka: Kafka) -> None:
    """The second broker is back, with a volume that was made anew."""
    engine.have("kafka-2", "broker")
    engine.volume_names = ["kafka-1-data", "kafka-2-data"]
    kafka.brokers = (1, 2)
