"""Streams on a running platform: real serializers, real verdicts of the registry, the life of a stream."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from messaging import avro_examples, catalogue
from messaging.registry_verdict import Wanted, WantedReference, refusal, registered_references
from messaging.schema_registry import IncompatibleError, RegistryError, SchemaRegistry
from tests.e2e import harness
from tests.evolution import DECIMAL_ROW, ROWS, Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.harness import Workspace

OURS = catalogue.load(harness.ROOT / "schemas")
STREAMS = {stream.name: stream for stream in OURS.streams}
LEVELS = ("BACKWARD", "FORWARD", "FULL")


@pytest.fixture
def address(platform: Workspace) -> str:
    return f"http://localhost:{platform.port(8081)}"


@pytest.fixture
def client(address: str) -> Iterator[SchemaRegistryClient]:
    """What the serializers of applications ask."""
    with SchemaRegistryClient({"url": address}) as opened:
        yield opened


@pytest.fixture
def registry(address: str) -> Iterator[SchemaRegistry]:
    client = SchemaRegistry(address)
    yield client
    client.close()


@pytest.fixture
def subject(registry: SchemaRegistry) -> Iterator[str]:
    """A name that no stream has."""
    name = f"evolution-{uuid.uuid4().hex}-value"
    yield name
    registry.delete(name)


# --- round trips ---


def example(stream: str) -> dict[str, Any]:
    return {
        subject.name.rpartition("-")[2]: avro_examples.example(subject.schema.type)
        for subject in STREAMS[stream].subjects
    }


def last_message(platform: Workspace, topic: str) -> Any:
    consumer = Consumer(
        {
            "bootstrap.servers": f"localhost:{platform.port(9092)}",
            "group.id": f"test-{uuid.uuid4().hex}",
            "enable.auto.commit": False,
        }
    )
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)
        consumer.assign([TopicPartition(topic, 0, end - 1)])
        message = consumer.poll(30)
    finally:
        consumer.close()
    assert message is not None
    assert message.error() is None
    return message


def send(platform: Workspace, topic: str, key: bytes, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": f"localhost:{platform.port(9092)}", "acks": "all"})
    failures: list[Any] = []
    producer.produce(topic, key=key, value=value, on_delivery=lambda error, _: failures.append(error))
    assert producer.flush(30) == 0
    assert failures == [None]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_record_of_each_stream_goes_through_the_serializers_of_python(
    platform: Workspace, client: SchemaRegistryClient, stream: str
) -> None:
    parts = {"key": MessageField.KEY, "value": MessageField.VALUE}
    contexts = {part: SerializationContext(stream, field) for part, field in parts.items()}
    settings = {"auto.register.schemas": False, "use.latest.version": True}
    serialize = {
        subject.name.rpartition("-")[2]: AvroSerializer(client, subject.schema.text, conf=settings)
        for subject in STREAMS[stream].subjects
    }
    record = example(stream)
    written = {part: serialize[part](record[part], contexts[part]) for part in parts}

    send(platform, stream, written["key"], written["value"])
    message = last_message(platform, stream)

    deserialize = AvroDeserializer(client)
    for part, raw in (("key", message.key()), ("value", message.value())):
        assert raw == written[part]
        read = deserialize(raw, contexts[part])
        assert serialize[part](read, contexts[part]) == raw, "what is read is what was written"
        assert set(read) == set(record[part])


@pytest.fixture(scope="module")
def javascript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the JavaScript application with what it needs installed."""
    folder = tmp_path_factory.mktemp("kafkajs") / "application"
    shutil.copytree(
        harness.ROOT / "tests" / "e2e" / "kafkajs", folder, ignore=shutil.ignore_patterns("node_modules")
    )
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@harness.needs("node", "npm")
def test_a_record_of_each_stream_goes_through_the_serializers_of_javascript(
    platform: Workspace, address: str, client: SchemaRegistryClient, javascript: Path
) -> None:
    given = {name: example(name) for name in STREAMS}
    told = {"bootstrap": f"localhost:{platform.port(9092)}", "registry": address, "streams": given}

    done = subprocess.run(
        ["node", "round-trip.js"],
        cwd=javascript,
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == set(STREAMS)
    for name, record in given.items():
        assert found[name]["key"] == record["key"]
        assert found[name]["value"] == record["value"]
        read = AvroDeserializer(client)(
            last_message(platform, name).value(), SerializationContext(name, MessageField.VALUE)
        )
        assert set(read) == set(record["value"]), "Python reads what JavaScript wrote"


def test_javas_console_tool_shows_a_record_of_a_stream(platform: Workspace) -> None:
    text = f"device-{uuid.uuid4().hex}"
    send(platform, "device-events", b"\0\0\0\0\1" + text.encode(), b"\0\0\0\0\1" + text.encode())

    shown = platform.execute(
        "kafka-dev",
        "kafka-console-consumer",
        "--bootstrap-server",
        "localhost:29092",
        "--topic",
        "device-events",
        "--from-beginning",
        "--timeout-ms",
        "8000",
    )

    assert text in shown


# --- evolution ---


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_registry_gives_the_verdict_of_avros_rules(
    registry: SchemaRegistry, subject: str, row: Row
) -> None:
    old, new = row.texts()
    registry.register(subject, old)
    for level in LEVELS:
        registry.set_compatibility(subject, level)
        assert (registry.incompatibility(subject, new) is None) == row.compatible(level), level
        ours = refusal(registry, Wanted(subject=subject, schema=new, compatibility=level))
        assert (ours is None) == row.compatible(level), ours
        if ours is not None:
            assert "version 1" in ours
            assert str(row.backward if level == "BACKWARD" else row.forward or row.backward) in ours


def test_a_decimal_that_counts_otherwise_is_refused_where_the_registry_does_not_look(
    registry: SchemaRegistry, subject: str
) -> None:
    old, new = DECIMAL_ROW.texts()
    registry.register(subject, old)

    told = refusal(registry, Wanted(subject=subject, schema=new, compatibility="BACKWARD"))

    assert told is not None
    assert "DECIMAL_MISMATCH" in told


def test_what_the_registry_refuses_is_passed_on_with_its_words(
    registry: SchemaRegistry, subject: str
) -> None:
    old = {"type": "record", "name": "A", "fields": []}
    registry.register(subject, json.dumps(old))

    with pytest.raises(IncompatibleError, match="409"):
        registry.register(subject, json.dumps(old | {"fields": [{"name": "x", "type": "int"}]}))
    with pytest.raises(RegistryError, match="error 42201"):
        registry.register(subject, '{"type": "record"')


def test_a_deleted_subject_comes_back_with_the_ids_that_it_had(
    registry: SchemaRegistry, subject: str
) -> None:
    text = json.dumps({"type": "record", "name": "A", "fields": []})
    before = registry.register(subject, text)

    registry.delete(subject)
    assert registry.latest(subject) is None
    again = registry.register(subject, text)

    assert again.id == before.id
    assert registry.versions(subject) == (again.version,)


def test_a_schema_is_registered_with_what_it_references(registry: SchemaRegistry, subject: str) -> None:
    unit = f"com.example.Unit{uuid.uuid4().hex[:8]}"
    shared = json.dumps({"type": "enum", "name": unit, "symbols": ["K"]})
    registry.register(unit, shared)

    def wanted(*fields: dict[str, Any]) -> Wanted:
        schema = {"type": "record", "name": "A", "fields": [{"name": "unit", "type": unit}, *fields]}
        reference = WantedReference(name=unit, subject=unit, schema=shared)
        return Wanted(
            subject=subject, schema=json.dumps(schema), compatibility="BACKWARD", references=(reference,)
        )

    references = registered_references(registry, wanted())
    assert references is not None
    made = registry.register(subject, wanted().schema, references)

    assert [(one.name, one.version) for one in made.references] == [(unit, 1)]
    assert refusal(registry, wanted({"name": "x", "type": "int", "default": 0})) is None
    told = refusal(registry, wanted({"name": "x", "type": "int"}))
    assert told is not None
    assert "field x" in told
    with pytest.raises(RegistryError, match="error 42206"):
        registry.delete(unit)


# --- the life of a stream ---


class Streams:
    """The catalogue of a running platform, as its teams edit it."""

    def __init__(self, platform: Workspace) -> None:
        self.platform = platform
        self.folder = platform.root / "schemas"
        self.file = self.folder / "streams.yaml"
        self.before = self.file.read_text()

    def edit(self, **sections: Any) -> None:
        document = yaml.safe_load(self.before)
        for name, content in sections.items():
            document[name] = {**document.get(name, {}), **content} if isinstance(content, dict) else content
        self.file.write_text(yaml.safe_dump(document, sort_keys=False))

    def schema(self, *fields: dict[str, Any]) -> None:
        document = {"type": "record", "name": "DoorEvent", "doc": "A door.", "fields": list(fields)}
        (self.folder / "door-events.avsc").write_text(json.dumps(document))

    def topic(self, name: str) -> str:
        return self.platform.execute(
            "kafka-dev",
            "kafka-configs",
            "--bootstrap-server",
            "localhost:29092",
            "--describe",
            "--topic",
            name,
        )


@pytest.fixture
def streams(platform: Workspace) -> Iterator[Streams]:
    made = Streams(platform)
    yield made
    shutil.rmtree(made.folder)
    shutil.copytree(harness.ROOT / "schemas", made.folder)
    made.file.write_text(made.before + "deleted: [door-events]\n")
    platform.up()
    made.file.write_text(made.before)
    platform.up()


DOOR = {"name": "door", "type": "string", "doc": "Which one."}
OPEN = {"name": "is_open", "type": "boolean", "doc": "Whether it is open."}
ENTRY = {
    "owner": "devices",
    "purpose": "Doors that were opened and closed.",
    "key": "string",
    "value": "door-events.avsc",
    "compatibility": "BACKWARD",
    "volume": "low",
    "environments": {
        "dev": {"partitions": 1, "retention": "7d"},
        "prod": {"partitions": 6, "retention": "30d"},
    },
    "deadLetters": {"retention": {"dev": "14d", "prod": "60d"}},
}
MADE = {
    *(f"door-events{queue}-topic" for queue in ("", ".dlq", ".dlq.validation_error")),
    *(f"door-events.dlq.{queue}-topic" for queue in ("processing_error", "poison")),
    "door-events-value-subject",
    "door-events",
}


@pytest.mark.timeout(900)
def test_the_life_of_a_stream(streams: Streams, platform: Workspace, registry: SchemaRegistry) -> None:
    """One entry and one file; previewed, made, documented, defended, and removed by consent alone."""
    streams.schema(DOOR)
    streams.edit(streams={"door-events": ENTRY})

    planned = platform.operations()
    platform.up()

    assert {name for operation, name in planned if operation == "create"} == MADE
    assert {name for operation, name in planned if operation != "create"} == {
        "streams-check",
        "kafka-identity",
    }
    first = registry.latest("door-events-value")
    assert first is not None
    platform.command("messaging", "schema", "record")
    platform.command("messaging", "docs")
    assert "Doors that were opened" in (platform.root / "docs/streams/door-events.md").read_text()

    # An incompatible change: offline by the versions in git, and by the registry where git has none.
    streams.schema(DOOR, OPEN)
    streams.edit(streams={"door-events": ENTRY | {"settings": {"max.message.bytes": 900_000}}})
    by_git = platform.pulumi("preview", check=False)
    shutil.rmtree(streams.folder / "history" / "door-events-value")
    by_registry = platform.pulumi("preview", check=False)
    applied = platform.up("--skip-preview", check=False)

    for run, wrote in ((by_git, "version 1"), (by_registry, "version 1"), (applied, "version 1")):
        assert run.code != 0, run.text
        assert f"cannot read what {wrote} wrote: field is_open" in run.text, run.text
        assert "READER_FIELD_MISSING_DEFAULT_VALUE" in run.text
        assert "Traceback" not in run.text
    assert "schemas/door-events.avsc:1" in by_git.text
    assert registry.versions("door-events-value") == (1,)
    assert "max.message.bytes" not in streams.topic("door-events"), "nothing was touched"

    # A compatible one, with a key that another tool set.
    platform.execute(
        "kafka-dev", "kafka-configs", "--bootstrap-server", "localhost:29092", "--alter",
        "--topic", "door-events", "--add-config", "segment.bytes=1048576",
    )  # fmt: skip
    streams.schema(DOOR, {**OPEN, "default": False})
    platform.up()
    described = streams.topic("door-events")
    assert registry.versions("door-events-value") == (1, 2)
    assert "max.message.bytes=900000" in described
    assert "segment.bytes=1048576" in described, "what another tool set is kept"

    # Undoing is refused until consent is given.
    streams.edit()
    (streams.folder / "door-events.avsc").unlink()
    refused = platform.up(check=False)
    assert refused.code != 0
    assert "the stream door-events is no longer in the catalogue" in refused.text
    assert "retention.ms" in streams.topic("door-events")
    streams.edit(deleted=["door-events"])
    platform.up()
    listed = platform.execute("kafka-dev", "kafka-topics", "--bootstrap-server", "localhost:29092", "--list")
    assert "door-events" not in listed
    assert registry.latest("door-events-value") is None


def limits(platform: Workspace, client: str) -> dict[str, float]:
    """What a client may move, as the broker says it."""
    described = platform.execute(
        "kafka-dev", "kafka-configs", "--bootstrap-server", "localhost:29092", "--describe",
        "--entity-type", "clients", "--entity-name", client,
    )  # fmt: skip
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.E]+)", described)}


def test_quotas_of_a_stream_are_set_changed_and_taken_back(streams: Streams, platform: Workspace) -> None:
    entry = yaml.safe_load(streams.before)["streams"]["sensor-data"]
    client = "quota-probe"

    def deploy(**quota: str) -> list[tuple[str, str]]:
        quotas = {"quotas": {client: quota}} if quota else {}
        streams.edit(streams={"sensor-data": entry | quotas})
        planned = platform.operations()
        platform.up("--skip-preview")
        return [(operation, name) for operation, name in planned if name.endswith("-quota")]

    assert deploy(produce="4m") == [("create", f"sensor-data-{client}-quota")]
    assert limits(platform, client) == {"producer_byte_rate": 4 * 2**20}

    deploy(produce="2m", consume="8m")
    assert limits(platform, client) == {"producer_byte_rate": 2 * 2**20, "consumer_byte_rate": 8 * 2**20}

    platform.execute(
        "kafka-dev", "kafka-configs", "--bootstrap-server", "localhost:29092", "--alter",
        "--entity-type", "clients", "--entity-name", client, "--add-config", "request_percentage=50",
    )  # fmt: skip
    deploy(consume="8m")
    assert limits(platform, client) == {"consumer_byte_rate": 8 * 2**20, "request_percentage": 50}
    platform.pulumi("preview", "--expect-no-changes")

    assert deploy() == [("delete", f"sensor-data-{client}-quota")]
    assert limits(platform, client) == {"request_percentage": 50}, "what another tool set is kept"
    platform.execute(
        "kafka-dev", "kafka-configs", "--bootstrap-server", "localhost:29092", "--alter",
        "--entity-type", "clients", "--entity-name", client, "--delete-config", "request_percentage",
    )  # fmt: skip


def test_a_version_registered_by_hand_is_shown_and_kept(platform: Workspace, address: str) -> None:
    subject = "metrics-key"
    version = {
        "type": "record",
        "name": "MetricKey",
        "namespace": "com.iotplatform.messaging",
        "fields": [
            {"name": "service", "type": "string"},
            {"name": "name", "type": "string"},
            {"name": "site", "type": "string", "default": ""},
        ],
    }
    answer = requests.post(
        f"{address}/subjects/{subject}/versions",
        json={"schema": json.dumps(version)},
        headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    number = requests.get(f"{address}/subjects/{subject}/versions/latest", timeout=20).json()["version"]
    try:
        shown = platform.pulumi("preview", "--expect-no-changes")
        platform.up()

        assert f"{subject}: version {number}" in shown.text
        assert requests.get(f"{address}/subjects/{subject}/versions/{number}", timeout=20).ok
    finally:
        requests.delete(f"{address}/subjects/{subject}/versions/{number}", timeout=20)
