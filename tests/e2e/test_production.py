"""The production platform as its users and operators meet it: commands, clients, load balancer, registries.

One platform with small heaps serves all tests, which leave it as they found it. What is asked of a roll is
tested beside it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import pytest
import requests
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from tests.e2e import harness
from tests.e2e.test_bad_input import assert_refused
from tests.e2e.test_platform import DEAD_LETTERS, STREAMS, TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.harness import Workspace

BROKERS = ("kafka-1", "kafka-2", "kafka-3")
REGISTRIES = ("schema-registry-1", "schema-registry-2")
CONTAINERS = (*BROKERS, *REGISTRIES, "kafka-lb", "kafka-ui")
INSIDE = "localhost:29092"
PASSPHRASE = {"PULUMI_CONFIG_PASSPHRASE": "correct horse battery staple"}


def small(workspace: Workspace) -> None:
    """Memory for a machine that runs other things besides."""
    workspace.configure("cluster.heap", "512m")
    workspace.configure("cluster.memory", "1g")
    workspace.configure("docker.freeDisk", "2g")


pytestmark = [pytest.mark.in_order, pytest.mark.whole_machine]


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    workspace = harness.new_workspace(
        tmp_path_factory.mktemp("production"),
        f"q{uuid.uuid4().hex[:6]}",
        stack="prod",
        environment=PASSPHRASE,
    )
    try:
        small(workspace)
        shutil.copy(harness.ROOT / "Makefile", workspace.root)
        # What makes tools and images ready is there already.
        workspace.command("/usr/bin/make", "--old-file=ready", "up", "STACK=prod", timeout=400)
        yield workspace
        workspace.command("messaging", "stop", "--stack", "prod", timeout=120)
        workspace.pulumi("state", "unprotect", "--all", "--yes")
        workspace.pulumi("destroy", "--yes")
        assert workspace.remains() == []
    finally:
        workspace.remove()


def bootstrap(workspace: Workspace) -> str:
    """Where clients on the host begin: the load balancer."""
    return f"localhost:{workspace.port(9095)}"


def registry(workspace: Workspace) -> str:
    return f"http://localhost:{workspace.port(8081)}"


def healthy(workspace: Workspace, name: str) -> bool:
    return bool(workspace.container(name).attrs["State"]["Health"]["Status"] == "healthy")


def servers(workspace: Workspace) -> dict[tuple[str, str], str]:
    """The load balancer's word for each server, by backend and name."""
    page = requests.get(f"http://localhost:{workspace.port(8404)}/stats;csv", timeout=10).text
    head, *rows = page.removeprefix("# ").splitlines()
    columns = head.split(",")
    found = [dict(zip(columns, row.split(","), strict=False)) for row in rows]
    return {
        (row["pxname"], row["svname"]): row["status"]
        for row in found
        if row.get("svname") not in {"FRONTEND", "BACKEND", None}
    }


class Asking:
    """Asks the same thing again and again as long as its context lasts, and remembers what went wrong."""

    def __init__(self, ask: Callable[[], object]) -> None:
        self._ask = ask
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.answers = 0
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        harness.wait_for(lambda: self.answers, "a first answer")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._ask()
                self.answers += 1
            except Exception as error:  # noqa: BLE001 - whatever goes wrong is what is looked for
                self.failures.append(repr(error))
            self._stop.wait(0.05)


def test_the_outputs_lead_to_the_load_balancer(production: Workspace) -> None:
    outputs = production.outputs()

    assert outputs["bootstrapServers"] == bootstrap(production)
    assert outputs["schemaRegistryUrl"] == registry(production)
    assert outputs["loadBalancerUrl"] == f"http://localhost:{production.port(8404)}/stats"
    assert set(outputs["topics"]) == TOPICS


@pytest.mark.parametrize("name", CONTAINERS)
def test_docker_ps_shows_every_container_healthy(production: Workspace, name: str) -> None:
    harness.wait_for(lambda: healthy(production, name), f"{name} healthy", 120)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("kafka-2", ("kafka-broker-api-versions", "--bootstrap-server", INSIDE)),
        ("kafka-3", ("kafka-broker-api-versions", "--bootstrap-server", "localhost:9092")),
        (
            "kafka-1",
            ("kafka-consumer-groups", "--bootstrap-server", "localhost:9092", "--describe", "--all-groups"),
        ),
        ("kafka-1", ("kafka-log-dirs", "--bootstrap-server", "localhost:9092", "--describe")),
        ("kafka-1", ("df", "-h", "/var/lib/kafka/data")),
        ("kafka-1", ("kafka-metadata-quorum", "--bootstrap-server", INSIDE, "describe", "--status")),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_the_commands_that_operators_know_work(
    production: Workspace, name: str, command: tuple[str, ...]
) -> None:
    assert production.execute(name, *command).strip()


def test_the_brokers_logs_are_on_docker_logs(production: Workspace) -> None:
    for name in BROKERS:
        assert "Kafka Server started" in production.container(name).logs().decode()


def test_a_container_on_the_network_begins_at_the_load_balancer(production: Workspace) -> None:
    listed = harness.run_once(
        production.container("kafka-1").image.tags[0],
        ["kafka-topics", "--bootstrap-server", f"{production.name('kafka-lb')}:9095", "--list"],
        name=production.name("tools"),
        network=production.name("iot-platform-prod"),
    )

    assert set(listed.split()) >= TOPICS


def test_streams_have_their_partitions_their_copies_and_their_minimum(production: Workspace) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap(production)})
    topics = admin.list_topics(timeout=20).topics
    resource = ConfigResource(ResourceType.TOPIC, "sensor-data")
    described = admin.describe_configs([resource])[resource].result(20)

    for name in TOPICS:
        partitions = topics[name].partitions.values()
        assert len(partitions) == 6, name
        # Each broker is a rack of its own, so that every rack has a copy.
        assert all(sorted(one.replicas) == [1, 2, 3] for one in partitions), name
    assert described["retention.ms"].value == str(30 * 24 * 3600 * 1000)
    assert described["min.insync.replicas"].value == "2"
    assert described["compression.type"].value == "snappy"
    assert described["unclean.leader.election.enable"].value == "false"


def test_each_broker_is_in_a_rack_of_its_own(production: Workspace) -> None:
    for number, name in enumerate(BROKERS, start=1):
        assert f"KAFKA_BROKER_RACK=rack-{number}" in production.container(name).attrs["Config"]["Env"]


def write_and_read(workspace: Workspace) -> None:
    """A message goes in and out by way of the load balancer's address."""
    text = uuid.uuid4().hex.encode()
    producer = Producer(
        {"bootstrap.servers": bootstrap(workspace), "acks": "all", "enable.idempotence": True}
    )
    failures: list[Any] = []
    producer.produce(
        "system-logs", value=text, on_delivery=lambda error, _: failures.append(error) if error else None
    )
    assert producer.flush(30) == 0
    assert failures == []
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap(workspace),
            "group.id": f"test-{uuid.uuid4().hex[:8]}",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe(["system-logs"])
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is not None and not message.error() and message.value() == text:
                return
    finally:
        consumer.close()
    raise AssertionError("the message did not come back")


def test_clients_on_the_host_write_and_read_by_way_of_the_load_balancer(production: Workspace) -> None:
    write_and_read(production)


def test_kafkas_own_topics_have_three_copies_and_need_two(production: Workspace) -> None:
    write_and_read(production)
    admin = AdminClient({"bootstrap.servers": bootstrap(production)})
    topics = admin.list_topics(timeout=20).topics
    offsets = ConfigResource(ResourceType.TOPIC, "__consumer_offsets")

    for name, topic in topics.items():
        assert all(len(one.replicas) == 3 for one in topic.partitions.values()), name
    assert admin.describe_configs([offsets])[offsets].result(20)["min.insync.replicas"].value == "2"


def test_every_broker_answers_on_its_own_port_too(production: Workspace) -> None:
    for port in (9092, 9093, 9094):
        admin = AdminClient({"bootstrap.servers": f"localhost:{production.port(port)}"})
        assert set(admin.list_topics(timeout=20).brokers) == {1, 2, 3}


def test_jmx_answers_on_each_brokers_port(production: Workspace) -> None:
    for number, name in enumerate(BROKERS):
        port = production.port(9101 + number)
        assert not harness.is_free(port)
        tool = production.execute(
            name, "kafka-run-class", "org.apache.kafka.tools.JmxTool",
            "--jmx-url", f"service:jmx:rmi:///jndi/rmi://localhost:{port}/jmxrmi",
            "--object-name", "kafka.server:type=app-info", "--one-time", "true",
        )  # fmt: skip
        assert "version" in tool


def test_limits_of_memory_processors_and_files_hold(production: Workspace) -> None:
    for name in CONTAINERS:
        limits = production.container(name).attrs["HostConfig"]
        assert limits["Memory"] == limits["MemorySwap"] > 0, name
    for name in BROKERS:
        assert production.container(name).attrs["HostConfig"]["NanoCpus"] == 2 * 10**9
        assert production.execute(name, "bash", "-c", "ulimit -n").strip() == "16384"


def test_the_statistics_page_shows_every_server_up(production: Workspace) -> None:
    page = f"http://localhost:{production.port(8404)}/stats"

    def all_up() -> bool:
        return all(status.startswith("UP") for status in servers(production).values())

    harness.wait_for(all_up, f"every server up on {page}")
    shown = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom",
            f"--user-data-dir={production.root}/.chromium", page,
        ],
        capture_output=True, text=True, timeout=90, check=False,
    ).stdout  # fmt: skip
    assert "brokers-outside" in shown
    assert all(production.name(name) in shown for name in (*BROKERS, *REGISTRIES))


def test_the_load_balancer_has_metrics_for_prometheus(production: Workspace) -> None:
    text = requests.get(f"http://localhost:{production.port(8404)}/metrics", timeout=10).text

    server = production.name("kafka-2")
    assert f'haproxy_server_check_status{{proxy="brokers-inside",server="{server}",state="L7OK"}} 1' in text


def register(workspace: Workspace, subject: str, field: str) -> int:
    """The id of a schema that must be accepted at the one address, and be there at once."""
    schema = json.dumps({"type": "record", "name": "R", "fields": [{"name": field, "type": "string"}]})
    answer = requests.post(
        f"{registry(workspace)}/subjects/{subject}/versions",
        json={"schema": schema},
        headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    number = int(answer.json()["id"])
    read = requests.get(f"{registry(workspace)}/schemas/ids/{number}", timeout=30)
    assert read.status_code == 200, "what was written is not read at the same address"
    assert json.loads(read.json()["schema"])["fields"][0]["name"] == field
    return number


@pytest.mark.parametrize("lost", REGISTRIES)
def test_the_loss_of_either_registry_is_not_noticed(production: Workspace, lost: str) -> None:
    for name in REGISTRIES:
        harness.wait_for(partial(healthy, production, name), f"{name} healthy", 120)
    harness.wait_for(
        lambda: all(
            status.startswith("UP")
            for (backend, _), status in servers(production).items()
            if backend == "registries"
        ),
        "both registries up",
    )

    def ask() -> None:
        word = f"f{uuid.uuid4().hex}"
        register(production, f"lost-{word}-value", word)

    try:
        with Asking(ask) as asking:
            production.container(lost).kill()
            there = asking.answers
            harness.wait_for(lambda: asking.answers >= there + 20, "answers after the loss")
    finally:
        production.container(lost).start()

    assert asking.failures == []
    harness.wait_for(lambda: healthy(production, lost), f"{lost} healthy", 120)


def version(workspace: Workspace) -> str:
    return requests.get(f"http://localhost:{workspace.port(8404)}/version", timeout=10).text


def test_another_configuration_is_taken_up_without_a_new_container_or_a_lost_client(
    production: Workspace,
) -> None:
    balancer = production.container("kafka-lb")
    started = balancer.attrs["State"]["StartedAt"]
    before = version(production)
    client = {"bootstrap.servers": bootstrap(production), "socket.timeout.ms": 10_000, "log_level": 0}
    file = production.root / "Pulumi.prod.yaml"
    settings = file.read_text()
    production.configure("loadBalancer.drain", "17s")
    try:
        with Asking(lambda: AdminClient(client).list_topics(timeout=10)) as asking:
            done = production.up()
            there = asking.answers
            harness.wait_for(lambda: asking.answers >= there + 10, "answers of the new configuration")
    finally:
        file.write_text(settings)

    assert asking.failures == []
    assert "load-balancer-config" in done.text
    assert version(production) != before
    after = production.container("kafka-lb")
    assert (after.id, after.attrs["State"]["StartedAt"]) == (balancer.id, started)
    production.up()
    assert version(production) == before


@harness.needs(root=True)
def test_a_load_balancer_that_took_up_configurations_is_started_again_when_it_crashes(
    production: Workspace,
) -> None:
    before = production.container("kafka-lb").attrs["State"]
    used = version(production)

    os.kill(before["Pid"], signal.SIGKILL)

    def is_back() -> bool:
        state = production.container("kafka-lb").attrs["State"]
        return bool(state["Running"]) and state["StartedAt"] != before["StartedAt"]

    harness.wait_for(is_back, "another start of the load balancer", 60)
    harness.wait_for(lambda: version(production) == used, "the same configuration", 60)


def test_a_configuration_that_was_changed_by_hand_is_put_right(production: Workspace) -> None:
    file = "/etc/kafka-lb/haproxy.cfg"
    before = production.execute("kafka-lb", "cat", file)
    done = production.container("kafka-lb").exec_run(
        ["bash", "-c", f"echo '# by hand' >> {file}"], user="0", demux=False
    )
    assert done.exit_code == 0

    assert production.operations() == [("update", "load-balancer-config")]
    production.up()

    assert production.execute("kafka-lb", "cat", file) == before


@contextlib.contextmanager
def squatting(workspace: Workspace, image: str) -> Iterator[None]:
    """A container that takes the next free address of the network."""
    taker = harness.client().containers.run(
        image, ["sleep", "300"], name=workspace.name("taker"),
        network=workspace.name("iot-platform-prod"), detach=True,
    )  # fmt: skip
    try:
        yield
    finally:
        taker.remove(force=True, v=True)


def address(workspace: Workspace, name: str) -> str:
    networks = workspace.container(name).attrs["NetworkSettings"]["Networks"]
    return str(networks[workspace.name("iot-platform-prod")]["IPAddress"])


def test_a_broker_that_stops_in_peace_and_comes_back_at_another_address_is_found_again(
    production: Workspace,
) -> None:
    broker = production.container("kafka-2")
    server = ("brokers-outside", production.name("kafka-2"))
    harness.wait_for(lambda: servers(production)[server].startswith("UP"), "kafka-2 up")
    before = address(production, "kafka-2")
    broker.stop(timeout=60)
    broker.reload()
    assert broker.attrs["State"]["ExitCode"] == 143, "the JVM's answer to SIGTERM, not a kill"
    harness.wait_for(lambda: servers(production)[server].startswith(("DOWN", "MAINT")), "kafka-2 down")
    try:
        with squatting(production, broker.image.tags[0]):
            broker.start()
            assert address(production, "kafka-2") != before
            harness.wait_for(lambda: servers(production)[server].startswith("UP"), "kafka-2 up again", 90)
    finally:
        broker.start()
        harness.wait_for(lambda: healthy(production, "kafka-2"), "kafka-2 healthy", 120)


def test_an_unchanged_platform_is_left_as_it_is(production: Workspace) -> None:
    production.pulumi("preview", "--expect-no-changes")
    before = {name: production.container(name).attrs["State"]["StartedAt"] for name in CONTAINERS}

    production.up()

    assert {name: production.container(name).attrs["State"]["StartedAt"] for name in CONTAINERS} == before


def test_both_environments_run_side_by_side(production: Workspace, platform: Workspace) -> None:
    assert {name: healthy(production, name) for name in BROKERS} == dict.fromkeys(BROKERS, True)
    harness.wait_for(lambda: healthy(platform, "kafka-dev"), "kafka-dev healthy", 60)
    for one in (production, platform):
        one.pulumi("preview", "--expect-no-changes")


def test_destroying_what_holds_data_is_refused(production: Workspace) -> None:
    refused = production.pulumi("destroy", "--yes", check=False)

    assert_refused(refused, "protect", "kafka-1-data")
    assert all(production.container(name).status == "running" for name in BROKERS)


def test_faults_of_the_cluster_are_refused_together_with_the_yaml_to_paste(production: Workspace) -> None:
    path = production.root / "Pulumi.prod.yaml"
    before = path.read_text()
    production.configure("cluster.minInsyncReplicas", "3")
    production.configure("cluster.quorum", "4")
    production.configure("cluster.nodes.2.port", "9092")
    try:
        refused = production.pulumi("preview", check=False)
    finally:
        path.write_text(before)

    assert_refused(
        refused, "Pulumi.prod.yaml has", "minInsyncReplicas is 3 of 3", "even number", "port 9092 twice",
        "minInsyncReplicas: 2",
    )  # fmt: skip


def test_memory_that_the_host_does_not_have_is_refused_with_the_sum(production: Workspace) -> None:
    path = production.root / "Pulumi.prod.yaml"
    before = path.read_text()
    production.configure("cluster.memory", "900g")
    try:
        refused = production.pulumi("preview", check=False)
    finally:
        path.write_text(before)

    assert_refused(refused, "2701.", "the Docker host has", f"{production.name('kafka-1')} 900.0 GiB")


def test_an_empty_passphrase_makes_no_production_stack(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("passphrase")
    workspace = harness.Workspace(root=root, instance="none", offset=0, stack="prod")
    for name in ("Pulumi.yaml", "Pulumi.prod.yaml"):
        (root / name).write_text((harness.ROOT / name).read_text())

    refused = workspace.command(
        "pulumi", "stack", "select", "--create", "prod",
        check=False, environment={"PULUMI_CONFIG_PASSPHRASE": ""},
    )  # fmt: skip
    unasked = workspace.command("pulumi", "stack", "select", "--create", "prod", check=False)

    assert_refused(refused, "passphrase for the stack prod is empty", "PULUMI_CONFIG_PASSPHRASE")
    assert_refused(unasked, "PULUMI_CONFIG_PASSPHRASE")
    assert not (root / ".pulumi" / "stacks").exists()
    assert "encryptionsalt" not in (root / "Pulumi.prod.yaml").read_text()


def test_a_production_stack_is_made_with_the_operators_passphrase(production: Workspace) -> None:
    assert "encryptionsalt: v1:" in (production.root / "Pulumi.prod.yaml").read_text()
    refused = production.up(check=False, environment={"PULUMI_CONFIG_PASSPHRASE": "another one"})

    assert_refused(refused, "passphrase")


def test_dead_letters_are_as_durable_as_their_stream(production: Workspace) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap(production)})
    resources = [
        ConfigResource(ResourceType.TOPIC, f"{stream}.{queue}")
        for stream in STREAMS
        for queue in DEAD_LETTERS
    ]

    for future in admin.describe_configs(resources).values():
        assert future.result(20)["min.insync.replicas"].value == "2"
