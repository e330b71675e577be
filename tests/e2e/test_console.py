"""The console against a real broker and a real registry: what it shows, and that it leaves no trace."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import fastavro
import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker.models.containers import Container

ROOT = Path(__file__).resolve().parents[2]
PAGE_SECONDS = 6.0
RESIDENT_KIB = 60 * 1024
SCHEMA = {
    "type": "record",
    "name": "SensorData",
    "fields": [{"name": "sensor_id", "type": "string"}, {"name": "value", "type": "double"}],
}
LETTER = {
    "dlq.error.class": "ConnectError",
    "dlq.error.message": "<script>alert(1)</script>",
    "dlq.source.topic": "readings",
    "dlq.source.partition": "0",
    "dlq.source.offset": "3",
    "dlq.attempt": "2",
}
PAGES = (
    "/",
    "/clusters/dev",
    "/clusters/dev/topics?internal=1",
    "/clusters/dev/topics/readings",
    "/clusters/dev/topics/readings/messages?limit=500",
    "/clusters/dev/groups",
    "/clusters/dev/group?id=ingest",
    "/clusters/dev/subjects",
    "/clusters/dev/subject?name=readings-value",
    "/clusters/dev/dead-letters",
    "/clusters/dev/dead-letters/readings/processing_error",
    "/metrics",
)


@dataclass
class Site:
    """A running console, and what it looks at."""

    url: str
    process: subprocess.Popen[str]
    bootstrap: str
    broker: Container

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, timeout=30)

    def api(self, path: str) -> Any:
        return self.get(f"/api/clusters/dev{path}").json()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_for(what: str, check: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if check():
                return
        except (requests.RequestException, OSError):
            pass
        time.sleep(0.2)
    pytest.fail(f"{what}: not within {seconds} s")


def newest_image(role: str) -> str:
    with docker_client() as client:
        images = client.images.list(name=f"iot-platform/{role}")
    if not images:
        pytest.skip(f"no image iot-platform/{role} here: make images builds it")
    return str(max(images, key=lambda image: image.attrs["Created"]).tags[0])


@contextmanager
def docker_client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    try:
        yield client
    finally:
        client.close()


@contextmanager
def containers(prefix: str, kafka_port: int, registry_port: int) -> Iterator[Container]:
    """A broker on `kafka_port` and a registry on `registry_port` of the loopback; gives the broker."""
    kafka_image, registry_image = newest_image("kafka"), newest_image("schema-registry")
    name = f"{prefix}-kafka"
    listeners = {"INTERNAL": f"{name}:29092", "EXTERNAL": f"localhost:{kafka_port}"}
    environment = {
        "CLUSTER_ID": "MkU3OEVBNTcwNTJENDM2Qk",
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "CONTROLLER://0.0.0.0:9093,INTERNAL://0.0.0.0:29092,EXTERNAL://0.0.0.0:19092",
        "KAFKA_ADVERTISED_LISTENERS": ",".join(f"{key}://{value}" for key, value in listeners.items()),
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INTERNAL",
        "KAFKA_LOG_DIRS": "/var/lib/kafka/data",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_BROKER_RACK": "hall-4",
        "KAFKA_HEAP_OPTS": "-Xmx384m",
    }
    made: list[Any] = []
    with docker_client() as client:
        try:
            network = client.networks.create(prefix)
            made.append(network)
            broker = client.containers.run(
                kafka_image,
                name=name,
                hostname=name,
                environment=environment,
                ports={"19092/tcp": ("127.0.0.1", kafka_port)},
                detach=True,
                network=prefix,
            )
            made.append(broker)
            registry = client.containers.run(
                registry_image,
                name=f"{prefix}-registry",
                environment={
                    "SCHEMA_REGISTRY_HOST_NAME": f"{prefix}-registry",
                    "SCHEMA_REGISTRY_LISTENERS": "http://0.0.0.0:8081",
                    "SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS": f"{name}:29092",
                },
                ports={"8081/tcp": ("127.0.0.1", registry_port)},
                detach=True,
                network=prefix,
            )
            made.append(registry)
            yield broker
        finally:
            for one in reversed(made):
                if one is not made[0]:
                    one.remove(force=True, v=True)
                else:
                    one.remove()


@contextmanager
def console(**environment: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The console as its own process on a port that the kernel chooses."""
    process = subprocess.Popen(
        [sys.executable, "-m", "messaging.console"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SERVER_PORT": "0", **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        while "listening on port" not in line:
            assert line, "the console ended before it listened"
            line = process.stdout.readline()
        match = re.search(r"port (\d+)", line)
        assert match is not None
        yield f"http://127.0.0.1:{match[1]}", process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        process.stdout.close()


def seed(bootstrap: str, registry: str) -> None:
    """A stream with messages of every kind, its queues with dead letters, and a group that is 5 behind."""
    names = [
        "readings",
        *(f"readings.dlq{end}" for end in ("", ".poison", ".processing_error", ".validation_error")),
    ]
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = [NewTopic(name, 1, 1, config={"retention.ms": "604800000"}) for name in names]
    for future in admin.create_topics(topics).values():
        future.result(30)
    answer = requests.post(
        f"{registry}/subjects/readings-value/versions", json={"schema": json.dumps(SCHEMA)}, timeout=30
    )
    payload = io.BytesIO()
    fastavro.schemaless_writer(payload, fastavro.parse_schema(SCHEMA), {"sensor_id": "s-1", "value": 21.5})
    producer = Producer({"bootstrap.servers": bootstrap})
    avro = b"\x00" + struct.pack(">I", answer.json()["id"]) + payload.getvalue()
    for value in (
        avro,
        b'{"level":"INFO"}',
        b"\xff\x00\xfe",
        None,
        b"<script>alert(1)</script>",
        avro,
        avro,
        avro,
    ):
        producer.produce("readings", value, key="s-1", headers={"trace": "abc"})
    for _ in range(3):
        producer.produce("readings.dlq.processing_error", avro, key="s-1", headers=LETTER)
    assert producer.flush(30) == 0
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "ingest"})
    consumer.commit(offsets=[TopicPartition("readings", 0, 3)], asynchronous=False)
    consumer.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    kafka_port, registry_port = free_port(), free_port()
    bootstrap, registry = f"localhost:{kafka_port}", f"http://localhost:{registry_port}"
    with containers(f"tcon{uuid.uuid4().hex[:6]}", kafka_port, registry_port) as broker:
        admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        wait_for(
            "broker",
            lambda: "started" in broker.logs().decode() and bool(admin.list_topics(timeout=5).brokers),
        )
        wait_for("registry", lambda: requests.get(f"{registry}/subjects", timeout=5).status_code == 200)
        seed(bootstrap, registry)
        with console(
            KAFKA_CLUSTERS_0_NAME="dev",
            KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS=bootstrap,
            KAFKA_CLUSTERS_0_SCHEMAREGISTRY=registry,
        ) as (url, process):
            yield Site(url=url, process=process, bootstrap=bootstrap, broker=broker)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_read_from_a_real_cluster(site: Site, path: str) -> None:
    response = site.get(path)
    assert response.status_code == 200
    assert "could not be read" not in response.text


def test_messages_of_every_kind_are_shown(site: Site) -> None:
    shown = site.api("/topics/readings/messages?mode=offset&offset=0")["messages"]["messages"]
    assert [one["value"]["format"] for one in shown[:5]] == ["avro", "json", "hex", "null", "text"]
    assert json.loads(shown[0]["value"]["text"]) == {"sensor_id": "s-1", "value": 21.5}
    assert shown[2]["value"]["text"] == "ff 00 fe"
    assert [one["offset"] for one in shown] == list(range(8))
    later = site.api(f"/topics/readings/messages?mode=time&time={shown[-1]['timestamp'] + 1}")
    assert later["messages"]["messages"] == []


def test_lag_is_told_on_pages_and_as_metrics(site: Site) -> None:
    group = site.api("/group?id=ingest")["group"]
    assert (group["lag"], group["partitions"][0]["committed"]) == (5, 3)
    labels = 'cluster="dev",consumergroup="ingest",topic="readings",partition="0"'
    assert f"kafka_consumergroup_lag{{{labels}}} 5" in site.get("/metrics").text.splitlines()


def test_dead_letters_are_told_by_class(site: Site) -> None:
    (stream,) = site.api("/dead-letters")["dead_letters"]["streams"]
    assert {one["error_class"]: one["messages"] for one in stream["queues"]} == {
        "general": 0,
        "validation_error": 0,
        "processing_error": 3,
        "poison": 0,
    }
    assert all((one["newest"] is not None) == bool(one["messages"]) for one in stream["queues"])
    letter = site.api("/dead-letters/readings/processing_error")["letters"][0]
    assert (letter["error_class"], letter["source_offset"], letter["attempt"]) == ("ConnectError", 3, "2")


def test_brokers_tell_their_rack_and_roles(site: Site) -> None:
    (broker,) = site.api("")["summary"]["brokers"]
    assert (broker["rack"], broker["roles"]) == ("hall-4", ["broker", "controller"])


def test_what_was_set_for_a_topic_is_told_from_its_defaults(site: Site) -> None:
    entries = {one["name"]: one for one in site.api("/topics/readings")["configuration"]}
    assert (entries["retention.ms"]["value"], entries["retention.ms"]["default"]) == ("604800000", False)
    assert entries["cleanup.policy"]["default"]


def test_reading_leaves_no_group_no_offset_and_no_topic_behind(site: Site) -> None:
    admin = AdminClient({"bootstrap.servers": site.bootstrap})

    def state() -> tuple[Any, ...]:
        groups = sorted(one.group_id for one in admin.list_consumer_groups(request_timeout=30).result().valid)
        return (
            groups,
            sorted(admin.list_topics(timeout=30).topics),
            site.api("/group?id=ingest")["group"]["lag"],
        )

    before = state()
    for path in (*PAGES, "/clusters/dev/topics/unknown/messages"):
        site.get(path)
    assert state() == before
    assert "ingest" in before[0]
    assert not [name for name in before[0] if name.startswith("console-")]


def test_a_frozen_broker_is_told_in_time_and_the_console_recovers(site: Site) -> None:
    site.broker.kill(signal="SIGSTOP")
    try:
        for path in PAGES:
            started = time.monotonic()
            site.get(path)
            assert time.monotonic() - started < PAGE_SECONDS, path
        page = site.get("/clusters/dev")
        assert "Kafka unreachable" in page.text
        assert "Subjects" in page.text
        assert site.get("/actuator/health").json() == {"status": "UP"}
    finally:
        site.broker.kill(signal="SIGCONT")
    wait_for("recovery", lambda: "could not be read" not in site.get("/clusters/dev").text)


def test_with_nothing_there_at_all_every_page_answers_in_time() -> None:
    with console(
        KAFKA_CLUSTERS_0_NAME="dev",
        KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS="no-such-host.invalid:9092",
        KAFKA_CLUSTERS_0_SCHEMAREGISTRY="http://no-such-host.invalid:8081",
    ) as (url, _):
        for path in PAGES:
            started = time.monotonic()
            response = requests.get(url + path, timeout=30)
            assert time.monotonic() - started < PAGE_SECONDS, path
            assert response.status_code in (200, 503), path


def test_memory_stays_small_after_large_pages(site: Site) -> None:
    for _ in range(5):
        for path in PAGES:
            site.get(path)
    status = Path(f"/proc/{site.process.pid}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert match is not None
    assert int(match[1]) < RESIDENT_KIB
