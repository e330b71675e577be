"""The development platform as its users meet it: commands, clients, a browser. Changes nothing that lasts."""

from __future__ import annotations

import io
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.e2e import harness

if TYPE_CHECKING:
    from tests.e2e.harness import Workspace

STREAMS = (
    "sensor-data",
    "device-events",
    "system-logs",
    "user-activity",
    "notifications",
    "metrics",
    "audit-logs",
)
DEAD_LETTERS = ("dlq", "dlq.validation_error", "dlq.processing_error", "dlq.poison")
TOPICS = set(STREAMS) | {f"{stream}.{queue}" for stream in STREAMS for queue in DEAD_LETTERS}
INSIDE = "localhost:29092"


def reading(sensor: str) -> dict[str, Any]:
    return {
        "sensor_id": sensor,
        "timestamp": int(time.time() * 1000),
        "value": 23.5,
        "unit": "celsius",
        "location": "room-101",
        "metadata": {"firmware": "1.4.2"},
    }


def produce(platform: Workspace, sensor: str) -> None:
    """Produces one reading from the host, with the serializer that applications use."""
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroSerializer

    schema = (platform.root / "schemas" / "sensor-data.avsc").read_text()
    with SchemaRegistryClient({"url": f"http://localhost:{platform.port(8081)}"}) as registry:
        serialize = AvroSerializer(registry, schema, conf={"auto.register.schemas": False})
        value = serialize(reading(sensor), SerializationContext("sensor-data", MessageField.VALUE))
    producer = Producer({"bootstrap.servers": f"localhost:{platform.port(9092)}", "acks": "all"})
    failures: list[Any] = []
    producer.produce(
        "sensor-data",
        key=sensor,
        value=value,
        on_delivery=lambda error, _: failures.append(error) if error else None,
    )
    assert producer.flush(30) == 0
    assert failures == []


def consume(platform: Workspace, sensor: str) -> dict[str, Any]:
    """Reads `sensor-data` from the start until the reading of this sensor comes, decoded by its schema."""
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroDeserializer

    consumer = Consumer(
        {
            "bootstrap.servers": f"localhost:{platform.port(9092)}",
            "group.id": f"test-{uuid.uuid4().hex[:8]}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe(["sensor-data"])
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is not None and not message.error() and message.key() == sensor.encode():
                with SchemaRegistryClient({"url": f"http://localhost:{platform.port(8081)}"}) as registry:
                    context = SerializationContext("sensor-data", MessageField.VALUE)
                    return dict(AvroDeserializer(registry)(message.value(), context))
    finally:
        consumer.close()
    raise AssertionError(f"no reading of {sensor} came back")


def test_the_outputs_name_every_address(platform: Workspace) -> None:
    outputs = platform.outputs()

    assert outputs["bootstrapServers"] == f"localhost:{platform.port(9092)}"
    assert outputs["schemaRegistryUrl"] == f"http://localhost:{platform.port(8081)}"
    assert outputs["uiUrl"] == f"http://localhost:{platform.port(8080)}"
    assert set(outputs["topics"]) == TOPICS


def healthy(platform: Workspace, name: str) -> bool:
    return bool(platform.container(name).attrs["State"]["Health"]["Status"] == "healthy")


@pytest.mark.parametrize("name", ["kafka-dev", "schema-registry-dev", "kafka-ui-dev"])
def test_docker_ps_shows_every_container_healthy(platform: Workspace, name: str) -> None:
    harness.wait_for(lambda: healthy(platform, name), f"{name} healthy")


def test_the_images_own_tools_list_the_topics(platform: Workspace) -> None:
    listed = platform.execute("kafka-dev", "kafka-topics", "--bootstrap-server", INSIDE, "--list").split()

    assert set(listed) >= TOPICS


@pytest.mark.parametrize(
    "command",
    [
        ("kafka-broker-api-versions", "--bootstrap-server", INSIDE),
        ("kafka-broker-api-versions", "--bootstrap-server", "localhost:9092"),
        ("kafka-consumer-groups", "--bootstrap-server", "localhost:9092", "--describe", "--all-groups"),
        ("kafka-log-dirs", "--bootstrap-server", "localhost:9092", "--describe"),
        ("df", "-h", "/var/lib/kafka/data"),
    ],
    ids=lambda command: f"{command[0]} {command[2] if len(command) > 2 else ''}",
)
def test_the_commands_that_operators_know_work(platform: Workspace, command: tuple[str, ...]) -> None:
    assert platform.execute("kafka-dev", *command).strip()


def test_the_brokers_log_is_on_docker_logs(platform: Workspace) -> None:
    assert "Kafka Server started" in platform.container("kafka-dev").logs().decode()


def test_the_registry_answers_as_operators_ask_it(platform: Workspace) -> None:
    address = f"http://localhost:{platform.port(8081)}"

    assert "sensor-data-value" in requests.get(f"{address}/subjects", timeout=10).json()
    assert requests.get(f"{address}/config", timeout=10).json()["compatibilityLevel"] == "BACKWARD"


def test_an_avro_reading_goes_from_host_to_host(platform: Workspace) -> None:
    sensor = f"sensor-{uuid.uuid4().hex[:8]}"

    produce(platform, sensor)

    assert consume(platform, sensor)["metadata"] == {"firmware": "1.4.2"}


def test_a_container_on_the_network_reads_and_writes_with_the_images_tools(platform: Workspace) -> None:
    broker = platform.container("kafka-dev")
    text = f"line-{uuid.uuid4().hex}"
    bootstrap = f"{platform.name('kafka-dev')}:9092"
    script = (
        f"echo {text} | kafka-console-producer --bootstrap-server {bootstrap} --topic system-logs && "
        f"kafka-console-consumer --bootstrap-server {bootstrap} --topic system-logs"
        " --from-beginning --timeout-ms 15000"
    )

    printed = harness.run_once(
        broker.image.tags[0],
        ["bash", "-c", script],
        name=platform.name("tools"),
        network=platform.name("iot-platform-dev"),
    )

    assert text in printed


def test_topics_carry_the_development_settings(platform: Workspace) -> None:
    described = platform.execute(
        "kafka-dev", "kafka-configs", "--bootstrap-server", INSIDE, "--describe", "--topic", "sensor-data"
    )
    metadata = AdminClient({"bootstrap.servers": f"localhost:{platform.port(9092)}"}).list_topics(timeout=10)

    assert f"retention.ms={7 * 24 * 3600 * 1000}" in described
    assert "compression.type=snappy" in described
    assert {topic: len(metadata.topics[topic].partitions) for topic in TOPICS} == dict.fromkeys(TOPICS, 1)


def test_a_topic_nobody_declared_is_not_made_by_writing_to_it(platform: Workspace) -> None:
    producer = Producer({"bootstrap.servers": f"localhost:{platform.port(9092)}", "message.timeout.ms": 4000})
    failures: list[Any] = []

    producer.produce("undeclared", value=b"x", on_delivery=lambda error, _: failures.append(error))
    producer.flush(15)

    assert failures
    assert failures[0] is not None


def test_jmx_answers_on_its_published_port(platform: Workspace) -> None:
    tool = platform.execute(
        "kafka-dev",
        "kafka-run-class",
        "org.apache.kafka.tools.JmxTool",
        "--jmx-url",
        f"service:jmx:rmi:///jndi/rmi://localhost:{platform.port(9101)}/jmxrmi",
        "--object-name",
        "kafka.server:type=app-info",
        "--one-time",
        "true",
    )

    assert "version" in tool
    assert not harness.is_free(platform.port(9101))


def test_an_unchanged_up_leaves_every_container_as_it_was(platform: Workspace) -> None:
    def identity() -> dict[str, tuple[str, str]]:
        containers = [
            platform.container(name) for name in ("kafka-dev", "schema-registry-dev", "kafka-ui-dev")
        ]
        return {one.name: (one.id, one.attrs["State"]["StartedAt"]) for one in containers}

    before = identity()

    platform.up()

    assert identity() == before


def test_a_preview_of_a_running_platform_expects_no_changes(platform: Workspace) -> None:
    platform.pulumi("preview", "--expect-no-changes")


def test_a_refresh_of_a_running_platform_finds_no_drift(platform: Workspace) -> None:
    platform.pulumi("refresh", "--preview-only", "--expect-no-changes")


def test_a_schema_registered_by_hand_does_not_trouble_the_next_preview(platform: Workspace) -> None:
    subject = f"hand-{uuid.uuid4().hex[:6]}-value"
    answer = requests.post(
        f"http://localhost:{platform.port(8081)}/subjects/{subject}/versions",
        json={"schema": json.dumps({"type": "record", "name": "Hand", "fields": []})},
        headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
        timeout=10,
    )

    assert answer.status_code == 200, answer.text
    platform.pulumi("preview", "--expect-no-changes")


def test_stop_and_start_lose_nothing(platform: Workspace) -> None:
    sensor = f"sensor-{uuid.uuid4().hex[:8]}"
    produce(platform, sensor)

    platform.command("messaging", "stop", "--stack", platform.stack)
    assert platform.container("kafka-dev").status == "exited"
    platform.command("messaging", "start", "--stack", platform.stack)

    assert consume(platform, sensor)["sensor_id"] == sensor
    platform.pulumi("preview", "--expect-no-changes")


@pytest.mark.parametrize("name", ["kafka-dev", "schema-registry-dev", "kafka-ui-dev"])
def test_a_restarted_container_comes_back_with_everything(platform: Workspace, name: str) -> None:
    sensor = f"sensor-{uuid.uuid4().hex[:8]}"
    produce(platform, sensor)

    platform.container(name).restart(timeout=60)

    harness.wait_for(lambda: healthy(platform, name), f"{name} healthy", 120)
    assert consume(platform, sensor)["sensor_id"] == sensor
    assert (
        requests.get(f"http://localhost:{platform.port(8080)}/actuator/health", timeout=10).json()["status"]
        == "UP"
    )


def test_the_broker_stops_gracefully(platform: Workspace) -> None:
    broker = platform.container("kafka-dev")

    broker.stop(timeout=60)
    broker.reload()

    try:
        assert broker.attrs["State"]["ExitCode"] == 143, "the JVM's answer to SIGTERM, not a kill"
    finally:
        broker.start()
        harness.wait_for(lambda: healthy(platform, "kafka-dev"), "kafka-dev healthy")


def test_memory_and_swap_of_every_container_are_limited(platform: Workspace) -> None:
    for name in ("kafka-dev", "schema-registry-dev", "kafka-ui-dev"):
        limits = platform.container(name).attrs["HostConfig"]

        assert limits["Memory"] > 0
        assert limits["MemorySwap"] == limits["Memory"]


def test_published_ports_are_on_loopback_alone(platform: Workspace) -> None:
    for name in ("kafka-dev", "schema-registry-dev", "kafka-ui-dev"):
        bindings = platform.container(name).attrs["HostConfig"]["PortBindings"]

        assert {binding["HostIp"] for ports in bindings.values() for binding in ports} == {"127.0.0.1"}


def test_the_export_of_the_state_is_the_clis_format(platform: Workspace) -> None:
    exported = json.load(io.StringIO(platform.pulumi("stack", "export").out))

    assert exported["version"] == 3
    types = {resource["type"] for resource in exported["deployment"]["resources"]}
    assert types >= {"pulumi:pulumi:Stack", "docker:index/container:Container", "kafka:index/topic:Topic"}
