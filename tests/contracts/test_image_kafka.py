"""The contract of the Kafka image, whichever is in use, and what breaking each clause looks like."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from tests.contracts.containers import LOCAL, Clause, Container, Lab, broken_together, docker, image_in_use

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk"
OTHER_CLUSTER = "NTU3OEVBNTcwNTJENDM2Qk"
RUN = "/etc/confluent/docker/run"
AGENT = "/opt/jmx-exporter/jmx_prometheus_javaagent.jar"
TOOLS = """
    acls broker-api-versions client-metrics cluster configs console-consumer console-producer consumer-groups
    consumer-perf-test delegation-tokens delete-records dump-log e2e-latency features get-offsets groups jmx
    leader-election log-dirs metadata-quorum producer-perf-test reassign-partitions run-class server-start
    server-stop storage streams-application-reset topics transactions verifiable-consumer verifiable-producer
"""
"""The commands that all public images have, without the prefix `kafka-`."""


def environment(**changes: str) -> dict[str, str]:
    """A combined node that is alone; its host name is not known yet, so it is localhost to itself."""
    return {
        "CLUSTER_ID": CLUSTER,
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:PLAINTEXT",
        "KAFKA_LISTENERS": "CONTROLLER://0.0.0.0:9093,INTERNAL://0.0.0.0:29092,CLIENT://0.0.0.0:9092",
        "KAFKA_ADVERTISED_LISTENERS": "INTERNAL://localhost:29092,CLIENT://localhost:9092",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INTERNAL",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_LOG4J_ROOT_LOGLEVEL": "INFO",
        **changes,
    }


def start(lab: Lab, *arguments: str, **changes: str) -> Container:
    """A node with 256 MB, waited for until it serves clients."""
    node = lab.start(RUN, "KAFKA_HEAP_OPTS=-Xmx256m", *arguments, env=environment(**changes))
    node.wait_until(lambda: node.listens(9092), seconds=60, what="the broker listens")
    return node


def node_of(lab: Lab) -> Container:
    """The node that clauses share as long as they change nothing of it."""
    return lab.kept(
        "node",
        lambda: start(
            lab,
            "KAFKA_OPTS=-Xlog:class+load:file=/tmp/classes",
            KAFKA_A_B__C___D="x",
            KAFKA_JMX_PORT="9101",
            KAFKA_JMX_HOSTNAME="localhost",
        ),
    )


def runs_as_uid_1000(lab: Lab) -> None:
    assert node_of(lab).out("id", "-u") == "1000"


def states_command_ports_and_volumes(lab: Lab) -> None:
    config = node_of(lab).inspect()["Config"]
    assert config["Entrypoint"] is None
    assert "9092/tcp" in config["ExposedPorts"]
    assert {"/var/lib/kafka/data", "/etc/kafka/secrets"} <= set(config["Volumes"])


def starts_without_arguments(lab: Lab) -> None:
    node = lab.start(env=environment(KAFKA_HEAP_OPTS="-Xmx256m"))
    node.wait_until(lambda: node.listens(9092), seconds=60, what="the broker listens")


def takes_arguments_for_the_server_alone(lab: Lab) -> None:
    node = node_of(lab)
    assert "KAFKA_HEAP_OPTS" not in node.out("env")
    assert "-Xmx256m" in node.out("cat", "/proc/1/cmdline").split("\0")


def has_java_as_process_1(lab: Lab) -> None:
    assert node_of(lab).out("cat", "/proc/1/comm") == "java"


def stops_in_order_on_sigterm(lab: Lab) -> None:
    node = start(lab)
    assert node.stop() == 143
    assert "shut down completed" in node.logs()


def has_every_tool_on_path(lab: Lab) -> None:
    wanted = [f"kafka-{tool}" for tool in TOOLS.split()]
    found = (
        node_of(lab).run("bash", "-c", f"for tool in {' '.join(wanted)}; do command -v $tool; done").stdout
    )
    assert {line.rpartition("/")[2] for line in found.splitlines()} == set(wanted)


def runs_tools_in_the_container(lab: Lab) -> None:
    node = node_of(lab)
    for server in ("localhost:29092", "localhost:9092"):
        node.out("kafka-topics", "--bootstrap-server", server, "--list")
    assert "ApiVersions" in node.out("kafka-broker-api-versions", "--bootstrap-server", "localhost:9092")


def turns_variables_into_properties(lab: Lab) -> None:
    properties = node_of(lab).out("cat", "/etc/kafka/kafka.properties").splitlines()
    assert "a.b_c-d=x" in properties
    assert "log.dirs=/var/lib/kafka/data" in properties
    assert not [line for line in properties if line.startswith(("opts=", "heap.opts=", "cluster.id="))]


def serves_remote_jmx(lab: Lab) -> None:
    node = node_of(lab)
    done = node.run(
        "kafka-jmx",
        "--jmx-url=service:jmx:rmi:///jndi/rmi://localhost:9101/jmxrmi",
        "--object-name=kafka.server:type=KafkaServer,name=BrokerState",
        "--one-time=true",
    )
    assert "BrokerState:Value" in done.stdout, done.stderr


def logs_to_the_containers_output(lab: Lab) -> None:
    assert "Kafka Server started" in node_of(lab).logs()


def keeps_its_data_over_containers(lab: Lab) -> None:
    volume = f"--volume={lab.volume()}:/var/lib/kafka/data"
    first = lab.start(RUN, env=environment(), options=[volume])
    first.wait_until(lambda: first.listens(9092), seconds=60, what="the broker listens")
    first.out("kafka-topics", "--bootstrap-server", "localhost:9092", "--create", "--topic", "kept")
    first.stop()
    second = lab.start(RUN, env=environment(), options=[volume])
    second.wait_until(lambda: second.listens(9092), seconds=60, what="the broker listens again")
    assert "kept" in second.out("kafka-topics", "--bootstrap-server", "localhost:9092", "--list").split()
    second.stop()
    stranger = lab.start(RUN, env=environment(CLUSTER_ID=OTHER_CLUSTER), options=[volume])
    assert stranger.exit_code() == 1


def starts_as_a_controller_alone(lab: Lab) -> None:
    node = lab.start(
        RUN,
        env=environment(
            KAFKA_PROCESS_ROLES="controller",
            KAFKA_LISTENERS="CONTROLLER://0.0.0.0:9093",
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT",
            KAFKA_ADVERTISED_LISTENERS="-",
        ),
    )
    node.wait_until(lambda: node.listens(9093), seconds=60, what="the controller listens")


def refuses_to_start_without_a_cluster_id(lab: Lab) -> None:
    node = lab.start(RUN, env=environment(CLUSTER_ID="-"))
    assert node.exit_code() == 1
    assert "CLUSTER_ID" in node.logs()


def has_what_operators_use(lab: Lab) -> None:
    node = node_of(lab)
    assert "/var/lib/kafka/data" in node.out("df", "-h", "/var/lib/kafka/data")
    assert node.run("bash", "-c", "command -v ps pgrep hostname find").stdout.count("\n") == 4


def serves_tls_from_named_stores(lab: Lab) -> None:
    make_store = (
        "cd /etc/kafka/secrets && printf made-up-word >word && keytool -genkeypair -alias node -keyalg EC "
        "-dname CN=contract-node -storetype PKCS12 -keystore node.p12 -storepass:file word"
    )
    secrets = lab.volume()
    maker = lab.start("bash", "-c", make_store, options=[f"--volume={secrets}:/etc/kafka/secrets"])
    assert maker.exit_code() == 0, maker.logs()
    node = lab.start(
        RUN,
        env=environment(
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,SSL:SSL",
            KAFKA_LISTENERS="CONTROLLER://0.0.0.0:9093,INTERNAL://0.0.0.0:29092,SSL://0.0.0.0:9092",
            KAFKA_ADVERTISED_LISTENERS="INTERNAL://localhost:29092,SSL://localhost:9092",
            KAFKA_SSL_KEYSTORE_TYPE="PKCS12",
            KAFKA_SSL_KEYSTORE_FILENAME="node.p12",
            KAFKA_SSL_KEYSTORE_CREDENTIALS="word",
            KAFKA_SSL_KEY_CREDENTIALS="word",
        ),
        options=[f"--volume={secrets}:/etc/kafka/secrets", "--publish=127.0.0.1::9092"],
    )
    node.wait_until(lambda: node.listens(9092), seconds=60, what="the broker listens")
    try:
        certificate = ssl.get_server_certificate(node.address(9092), timeout=5)
    except ssl.SSLError as error:
        raise AssertionError(f"no handshake: {error}") from error
    assert b"contract-node" in ssl.PEM_cert_to_DER_cert(certificate)


def keeps_the_servers_options_from_tools(lab: Lab) -> None:
    agent = f"-javaagent:{AGENT}=9404:/etc/kafka/agent.yml"
    prepared = lab.variant("RUN echo 'rules: [{pattern: \".*\"}]' >/etc/kafka/agent.yml")
    with prepared:
        node = start(prepared, KAFKA_OPTS=agent, KAFKA_HEAP_OPTS="-Xms200m -Xmx300m", KAFKA_JMX_PORT="9101")
        assert "jvm_memory_used_bytes" in node.out("curl", "-s", "localhost:9404/metrics")
        node.out("kafka-topics", "--bootstrap-server", "localhost:9092", "--list")
        given = node.run("kafka-topics", "--version", env={"KAFKA_OPTS": "-XX:NoSuchOption"})
        assert given.returncode != 0, "an option that the call itself was given must count"


def has_the_same_tools_with_their_ending(lab: Lab) -> None:
    names = " ".join(f"kafka-{tool}.sh" for tool in TOOLS.split())
    found = node_of(lab).run("bash", "-c", f"command -v {names}").stdout
    assert found.count("\n") == len(TOOLS.split())


def starts_by_the_path_of_apaches_image(lab: Lab) -> None:
    node = lab.start("/etc/kafka/docker/run", "KAFKA_HEAP_OPTS=-Xmx256m", env=environment())
    node.wait_until(lambda: node.listens(9092), seconds=60, what="the broker listens")


def says_all_faults_at_once(lab: Lab) -> None:
    node = lab.start(RUN, env=environment(CLUSTER_ID="-", KAFKA_ADVERTISED_LISTENERS="-", KAFKA_PORT="1"))
    assert node.exit_code() == 1
    faulty = ("CLUSTER_ID", "KAFKA_ADVERTISED_LISTENERS", "KAFKA_PORT")
    told = [name for name in faulty if name in node.logs()]
    assert len(told) == len(faulty), f"only these were told: {' '.join(told)}"


def maps_its_classes_from_the_archive(lab: Lab) -> None:
    loaded = node_of(lab).out("cat", "/tmp/classes").splitlines()
    archived = sum("shared objects file" in line for line in loaded)
    assert archived > 0.8 * len(loaded), f"{archived} of {len(loaded)} classes come from the archive"


def trusts_the_certificates_of_its_system(lab: Lab) -> None:
    node = node_of(lab)
    java = node.out("bash", "-c", "keytool -list -cacerts -storepass changeit | grep -c trustedCertEntry")
    system = node.out("bash", "-c", "grep -c BEGIN /etc/ssl/certs/ca-certificates.crt")
    assert int(java) >= int(system) > 0


def ends_when_it_is_stopped_before_the_server_runs(lab: Lab) -> None:
    with lab.variant(_edit(ENSURE, "1a sleep 8")) as slow:
        node = slow.start(RUN, env=environment())
        prepared = ("test", "-s", "/etc/kafka/log4j2.properties")
        node.wait_until(lambda: node.run(*prepared).returncode == 0, seconds=30, what="it is prepared")
        docker("kill", "--signal=TERM", node.id)
        assert node.exit_code() == 143
        assert "Kafka" not in node.logs(), "a server was started after the stop"


def with_two_directories(lab: Lab, change: str) -> Container:
    """A node with the log directories `a` and `b`: formatted, not run yet, and then changed."""
    volume = f"--volume={lab.volume()}:/var/lib/kafka/data"
    settings = "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@localhost:9093\n"
    settings += "controller.listener.names=CONTROLLER\nlisteners=CONTROLLER://:9093,PLAINTEXT://:9092\n"
    settings += "log.dirs=/var/lib/kafka/data/a,/var/lib/kafka/data/b\n"
    form = f"kafka-storage format --cluster-id={CLUSTER} --config /tmp/settings"
    words = f"set -e; printf '{settings}' >/tmp/settings; {form}; cd /var/lib/kafka/data; {change}"
    maker = lab.start("bash", "-c", words, options=[volume])
    assert maker.exit_code() == 0, maker.logs()
    directories = "/var/lib/kafka/data/a, /var/lib/kafka/data/b"
    return lab.start(
        RUN,
        "KAFKA_HEAP_OPTS=-Xmx256m",
        env=environment(KAFKA_LOG_DIRS=directories),
        options=[volume],
    )


def finishes_a_format_that_was_interrupted(lab: Lab) -> None:
    node = with_two_directories(lab, "rm b/meta.properties")
    node.wait_until(lambda: node.listens(9092), seconds=60, what="the broker listens")


def formats_no_directory_beside_data(lab: Lab) -> None:
    node = with_two_directories(lab, "rm b/meta.properties; mkdir a/readings-0")
    assert node.exit_code() == 1
    assert "are not formatted: /var/lib/kafka/data/b\n" in node.logs()
    assert "kafka-storage format --cluster-id" in node.logs()


def takes_directories_with_spaces_between(lab: Lab) -> None:
    node = lab.start(RUN, env=environment(KAFKA_LOG_DIRS="/var/lib/kafka/data/a, /proc/b"))
    assert node.exit_code() == 1
    assert "/proc/b is not writable for user 1000: No such file or directory" in node.logs()


def says_why_a_directory_is_not_writable(lab: Lab) -> None:
    node = lab.start(RUN, env=environment(), options=[f"--volume={lab.volume()}:/var/lib/kafka/data:ro"])
    assert node.exit_code() == 1
    assert "Read-only file system" in node.logs()
    assert "chown" not in node.logs()


def leaves_tools_their_options_beside_no_server(lab: Lab) -> None:
    unknown = {"KAFKA_OPTS": "-XX:NoSuchOption"}
    job = lab.start("bash", "-c", "kafka-topics --version; echo ended", env=unknown)
    assert job.exit_code() == 0
    assert "Unrecognized VM option" in job.logs()
    tool = lab.start("kafka-topics", "--version", env=unknown, options=["--init"])
    assert tool.exit_code() == 1


def _edit(file: str, expression: str) -> str:
    return f"RUN sed -i -E '{expression}' {file}"


CONFIGURE = "/etc/confluent/docker/configure"
ENSURE = "/etc/confluent/docker/ensure"
LAUNCH = "/etc/confluent/docker/launch"
NEVER_LISTENS = "the broker listens"

CLAUSES = [
    Clause(
        "cp-kafka: runs as uid 1000",
        runs_as_uid_1000,
        broken_by="RUN usermod -u 1001 appuser && chown -R 1001 /etc/kafka /opt/kafka/config\nUSER 1001:0",
        shows="'1001' == '1000'",
        alone=True,
    ),
    Clause(
        "cp-kafka: states its command, its port and its two volumes",
        states_command_ports_and_volumes,
        broken_by='ENTRYPOINT ["env"]',
        shows=r"\['env'\] is None",
        alone=True,
    ),
    Clause(
        "cp-kafka: its default command starts the node",
        starts_without_arguments,
        broken_by='CMD ["true"]',
        shows=NEVER_LISTENS,
    ),
    Clause(
        "cp-kafka, apache: NAME=VALUE arguments reach the server and nothing else",
        takes_arguments_for_the_server_alone,
        broken_by="ENV KAFKA_HEAP_OPTS=-Xmx200m",
        shows="'KAFKA_HEAP_OPTS' not in",
    ),
    Clause(
        "cp-kafka: java is process 1",
        has_java_as_process_1,
        broken_by=_edit(LAUNCH, "s/^exec //"),
        shows="'bash' == 'java'",
    ),
    Clause(
        "cp-kafka: SIGTERM is a controlled shutdown with code 143",
        stops_in_order_on_sigterm,
        broken_by="STOPSIGNAL SIGKILL",
        shows="137 == 143",
    ),
    Clause(
        "cp-kafka: the tools are on PATH without an ending",
        has_every_tool_on_path,
        broken_by="RUN rm /opt/kafka/bin/kafka-log-dirs",
        shows="kafka-log-dirs",
    ),
    Clause(
        "cp-kafka: the tools work in the container on every listener",
        runs_tools_in_the_container,
        broken_by=_edit("/opt/kafka/config/commands", "s/BrokerApiVersionsCommand/Nothing/"),
        shows="Could not find or load main class",
    ),
    Clause(
        "cp-kafka: KAFKA_A_B__C___D is the property a.b_c-d, and options of the JVM are none",
        turns_variables_into_properties,
        broken_by=_edit(CONFIGURE, r"s/name=\$\{name\/\/___\/-\}/:/"),
        shows="'a.b_c-d=x' in",
    ),
    Clause(
        "cp-kafka: KAFKA_JMX_PORT opens remote JMX on that port",
        serves_remote_jmx,
        broken_by=_edit(LAUNCH, "s/jmxremote.port=/jmxremote.nowhere=/"),
        shows="Could not connect to JMX",
    ),
    Clause(
        "cp-kafka: logs to standard output at the level that is asked for",
        logs_to_the_containers_output,
        broken_by=_edit("/opt/kafka/config/log4j2.properties", "/appenderRef/d"),
        shows="'Kafka Server started' in",
    ),
    Clause(
        "cp-kafka: formats a new volume, keeps a formatted one, refuses another cluster's",
        keeps_its_data_over_containers,
        broken_by=_edit(ENSURE, 's/"cluster.id=.*" "/"version=1" "/'),
        shows="ends",
    ),
    Clause(
        "cp-kafka: a controller alone starts without advertised listeners",
        starts_as_a_controller_alone,
        broken_by=_edit(CONFIGURE, "s/== controller/== nothing/"),
        shows="KAFKA_ADVERTISED_LISTENERS is not set",
    ),
    Clause(
        "cp-kafka: no CLUSTER_ID, no start",
        refuses_to_start_without_a_cluster_id,
        broken_by=_edit(CONFIGURE, f"s/^need (.*) CLUSTER_ID/need \\1; export CLUSTER_ID={CLUSTER}/"),
        shows="ends",
    ),
    Clause(
        "cp-kafka: bash, df, ps and find are there",
        has_what_operators_use,
        broken_by="RUN rm /bin/df",
        shows='"df": executable file not found',
    ),
    Clause(
        "cp-kafka: key stores by file name under /etc/kafka/secrets",
        serves_tls_from_named_stores,
        broken_by=_edit(CONFIGURE, "s/^  use_store KEYSTORE/  :/"),
        shows="no handshake",
    ),
    Clause(
        "agents and heaps in the container's environment do not reach `docker exec`",
        keeps_the_servers_options_from_tools,
        broken_by=_edit("/opt/kafka/bin/kafka-tool", 's/unset "\\$name"/true/'),
        shows="Prometheus JMX Exporter exiting",
        drop_in_only=True,
    ),
    Clause(
        "beside no server, tools get the options of the container's environment",
        leaves_tools_their_options_beside_no_server,
        broken_by=_edit("/opt/kafka/bin/kafka-tool", "s/^server=.*/server=1/"),
        shows="'Unrecognized VM option' in",
        alone=True,  # another change lets every tool have them
        drop_in_only=True,
    ),
    Clause(
        "SIGTERM before the server runs ends the container with code 143, and no server is started",
        ends_when_it_is_stopped_before_the_server_runs,
        broken_by=_edit(RUN, "/^trap .* TERM/d"),
        shows="ends",
        drop_in_only=True,
    ),
    Clause(
        "a format that was interrupted between two log directories is finished",
        finishes_a_format_that_was_interrupted,
        broken_by=_edit(ENSURE, "s/format\\+=\\(--ignore-formatted\\)/true/"),
        shows=NEVER_LISTENS,
        drop_in_only=True,
    ),
    Clause(
        "an unformatted log directory beside one with data is left alone, with the command that formats it",
        formats_no_directory_beside_data,
        broken_by=_edit(ENSURE, "s/used == yes/used == never/"),
        shows="are not formatted|ends",
        drop_in_only=True,
    ),
    Clause(
        "log directories may have spaces between them",
        takes_directories_with_spaces_between,
        broken_by=_edit(ENSURE, r"s/ \| sed .*/)/"),
        shows="/proc/b is not writable",
        alone=True,  # the names of all log directories change with it
        drop_in_only=True,
    ),
    Clause(
        "why a log directory is not writable is told",
        says_why_a_directory_is_not_writable,
        broken_by=_edit(ENSURE, r"s/: \$\{problem##[^}]*\}/. Try chown/"),
        shows="'Read-only file system' in",
        drop_in_only=True,
    ),
    Clause(
        "apache: the tools are there with .sh too",
        has_the_same_tools_with_their_ending,
        broken_by="RUN rm /opt/kafka/bin/kafka-topics.sh",
        shows="30 == 31",
        drop_in_only=True,
    ),
    Clause(
        "apache: /etc/kafka/docker/run starts the node too",
        starts_by_the_path_of_apaches_image,
        broken_by="RUN rm /etc/kafka/docker/run",
        shows="/etc/kafka/docker/run: no such file",
        drop_in_only=True,
    ),
    Clause(
        "every fault of the environment is told at once",
        says_all_faults_at_once,
        broken_by=_edit(CONFIGURE, "s/faults\\+=\\((.*)\\)$/{ echo \\1; exit 1; }/"),
        shows=r"told: CLUSTER_ID\n",
        alone=True,
        drop_in_only=True,
    ),
    Clause(
        "the class archive fits the server",
        maps_its_classes_from_the_archive,
        broken_by="RUN rm /opt/kafka/kafka.jsa",
        shows=r"^0 of \d+ classes",
        drop_in_only=True,
    ),
    Clause(
        "Java trusts what the system trusts",
        trusts_the_certificates_of_its_system,
        broken_by="RUN rm /etc/ssl/certs/java/cacerts",
        shows="keytool",
        drop_in_only=True,
    ),
]
"""The contract. A clause of the public images begins with the image that it comes from."""


@pytest.fixture(scope="module")
def source() -> str:
    """Where the image in use comes from."""
    return image_in_use("kafka")[0]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab for the image in use."""
    with Lab(image_in_use("kafka")[1]) as lab:
        yield lab


@pytest.mark.parametrize("clause", CLAUSES, ids=str)
def test_the_kafka_image_keeps(clause: Clause, lab: Lab, source: str) -> None:
    if clause.drop_in_only and source != LOCAL:
        pytest.skip("goes beyond the public images")
    clause.check(lab)


@pytest.fixture(scope="module")
def broken(lab: Lab) -> Iterator[Lab]:
    """A lab for an image that breaks every clause that can be broken beside others."""
    with lab.variant(broken_together(CLAUSES)) as broken:
        yield broken


@pytest.mark.parametrize("clause", CLAUSES, ids=str)
def test_a_variant_is_found_out_that_breaks(
    clause: Clause, lab: Lab, source: str, request: pytest.FixtureRequest
) -> None:
    if source != LOCAL:
        pytest.skip("the variants change the drop-in")
    if clause.alone:
        with lab.variant(clause.broken_by) as broken, pytest.raises(AssertionError, match=clause.shows):
            clause.check(broken)
    else:
        with pytest.raises(AssertionError, match=clause.shows):
            clause.check(request.getfixturevalue("broken"))
