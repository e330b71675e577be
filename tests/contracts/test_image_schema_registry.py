"""The contract of the Schema Registry image, whichever is in use, and what breaking a clause looks like."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.contracts.containers import (
    LOCAL,
    Clause,
    Container,
    Lab,
    broken_together,
    docker,
    eventually,
    image_in_use,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

JSON = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
PASSWORD = 'a"b${c}=d'
"""Everything that quoting can get wrong: a quotation mark, a reference, an equals sign."""
QUOTED = PASSWORD.replace('"', r'\\"')
"""As it stands in a login configuration that stands in a properties file: each takes one backslash away."""
JAAS = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="registry" '
PROTOCOLS = "CONTROLLER:PLAINTEXT,CLIENT:PLAINTEXT,LOGIN:SASL_PLAINTEXT"


def schema(*fields: str) -> dict[str, str]:
    """A request with an Avro record of string fields."""
    record = {
        "type": "record",
        "name": "Reading",
        "fields": [{"name": field, "type": "string"} for field in fields],
    }
    return {"schema": json.dumps(record)}


class Api:
    """The registry's API at the root of its port."""

    def __init__(self, container: Container, port: int = 8081) -> None:
        host, published = container.address(port)
        self.root = f"http://{host}:{published}"

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Status and body of an answer, read as JSON if it is; status 0 where nothing listens."""
        try:
            answer = requests.request(method, self.root + path, json=body, headers=JSON, timeout=30)
        except requests.ConnectionError:
            return 0, None
        try:
            return answer.status_code, answer.json()
        except requests.JSONDecodeError:
            return answer.status_code, answer.text

    def get(self, path: str) -> Any:
        """JSON of an answer that must be good."""
        status, body = self.ask("GET", path)
        assert status == 200, f"GET {path}: {status} {body}"
        return body

    def register(self, subject: str, *fields: str) -> int:
        """The id of a schema that must be accepted."""
        status, body = self.ask("POST", f"/subjects/{subject}/versions", schema(*fields))
        assert status == 200, f"registering {fields} for {subject}: {status} {body}"
        return int(body["id"])


def launch(
    lab: Lab, *, topic: str = "", port: int = 8081, options: Sequence[str] = (), **changes: str
) -> Container:
    """A registry that may still be starting."""
    env = {
        "SCHEMA_REGISTRY_HOST_NAME": "registry",
        "SCHEMA_REGISTRY_LISTENERS": f"http://0.0.0.0:{port}",
        "SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS": "PLAINTEXT://kafka:9092",
        "SCHEMA_REGISTRY_KAFKASTORE_TOPIC": topic or f"_{lab.prefix}",
        "SCHEMA_REGISTRY_KAFKASTORE_TOPIC_REPLICATION_FACTOR": "1",
        **changes,
    }
    published = f"--publish=127.0.0.1::{port}"
    return lab.start(env=env, options=[f"--network={lab.backing}", published, *options])


def start(lab: Lab, *, topic: str = "", port: int = 8081, **changes: str) -> Container:
    """A registry that serves."""
    registry = launch(lab, topic=topic, port=port, **changes)
    api = Api(registry, port)
    registry.wait_until(lambda: api.ask("GET", "/subjects")[0] == 200, seconds=60, what="/subjects answers")
    return registry


def registry_of(lab: Lab) -> Container:
    """The registry that clauses share; each uses subjects of its own."""
    return lab.kept("registry", lambda: start(lab, SCHEMA_REGISTRY_OPTS="-Xlog:class+load:file=/tmp/classes"))


def some_subject() -> str:
    return f"s{uuid.uuid4().hex[:8]}-value"


def runs_as_uid_1000(lab: Lab) -> None:
    assert registry_of(lab).out("id", "-u") == "1000"


def serves_the_api_at_the_root(lab: Lab) -> None:
    api = Api(registry_of(lab))
    assert api.get("/") == {}
    answer = requests.get(f"{api.root}/subjects", timeout=10)
    assert answer.headers["Content-Type"] == JSON["Content-Type"]


def registers_and_finds_schemas(lab: Lab) -> None:
    api, subject, other = Api(registry_of(lab)), some_subject(), some_subject()
    number = api.register(subject, "one")
    assert api.register(subject, "one") == number
    assert api.register(other, "one") == number
    assert api.get(f"/subjects/{subject}/versions") == [1]
    latest = api.get(f"/subjects/{subject}/versions/latest")
    assert (latest["id"], latest["version"], latest["subject"]) == (number, 1, subject)
    assert api.get(f"/subjects/{subject}/versions/1/schema") == json.loads(schema("one")["schema"])
    assert json.loads(api.get(f"/schemas/ids/{number}")["schema"])["name"] == "Reading"
    assert api.ask("POST", f"/subjects/{subject}", schema("one"))[1]["version"] == 1
    assert {subject, other} <= set(api.get("/subjects"))


def judges_compatibility(lab: Lab) -> None:
    api, subject = Api(registry_of(lab)), some_subject()
    assert api.get("/config") == {"compatibilityLevel": "BACKWARD"}
    api.register(subject, "one")
    path = f"/compatibility/subjects/{subject}/versions/latest"
    assert api.ask("POST", path, schema())[1]["is_compatible"] is True
    assert api.ask("POST", path, schema("one", "two"))[1]["is_compatible"] is False
    status, body = api.ask("POST", f"/subjects/{subject}/versions", schema("one", "two"))
    assert (status, body["error_code"]) == (409, 409)
    assert api.ask("PUT", f"/config/{subject}", {"compatibility": "NONE"})[0] == 200
    assert api.get(f"/config/{subject}") == {"compatibilityLevel": "NONE"}
    api.register(subject, "one", "two")


def deletes_softly_and_for_good(lab: Lab) -> None:
    api, subject = Api(registry_of(lab)), some_subject()
    api.register(subject, "one")
    status, body = api.ask("DELETE", f"/subjects/{subject}")
    assert (status, body) == (200, [1])
    assert subject not in api.get("/subjects")
    assert subject in api.get("/subjects?deleted=true")
    assert api.ask("DELETE", f"/subjects/{subject}?permanent=true")[0] == 200
    assert subject not in api.get("/subjects?deleted=true")


def names_errors_by_their_codes(lab: Lab) -> None:
    api, subject = Api(registry_of(lab)), some_subject()
    api.register(subject, "one")
    cases = {
        40401: ("GET", "/subjects/no-such-subject/versions/1", None),
        40402: ("GET", f"/subjects/{subject}/versions/9", None),
        40403: ("GET", "/schemas/ids/99999", None),
        42201: ("POST", f"/subjects/{subject}/versions", {"schema": '{"type": "no-such-type"}'}),
        42203: ("PUT", "/config", {"compatibility": "SOMETIMES"}),
    }
    answers = {code: api.ask(*case) for code, case in cases.items()}
    told = {
        code: body["error_code"] if isinstance(body, dict) else None for code, (_, body) in answers.items()
    }
    assert told == {code: code for code in cases}
    assert [status for status, _ in answers.values()] == [404, 404, 404, 422, 422]


def serves_nothing_before_its_topic_is_read(lab: Lab) -> None:
    topic, subject = f"_{lab.prefix}-kept", some_subject()
    first = start(lab, topic=topic)
    Api(first).register(subject, "one")
    assert Api(first).ask("PUT", "/config", {"compatibility": "FULL"})[0] == 200
    first.stop()
    second = launch(lab, topic=topic)
    api = Api(second)
    answers: list[tuple[int, Any]] = []

    def answers_well() -> bool:
        answers.append(api.ask("GET", "/subjects"))
        return answers[-1][0] == 200

    # Asked without a pause, for what it must not do lasts moments.
    deadline = time.monotonic() + 40
    while not answers_well():
        assert time.monotonic() < deadline, f"/subjects does not answer: {second.logs()}"
    assert answers[-1][1] == [subject], f"the first good answer is {answers[-1][1]}"
    assert {status for status, _ in answers[:-1]} <= {0, 503}
    assert api.get("/config") == {"compatibilityLevel": "FULL"}


def keeps_its_schemas_in_the_named_topic(lab: Lab) -> None:
    registry = registry_of(lab)
    topics = docker("exec", lab.backing, "kafka-topics", "--bootstrap-server", "kafka:9092", "--list").split()
    assert f"_{lab.prefix}" in topics, registry.logs()


def listens_where_it_is_told(lab: Lab) -> None:
    registry = start(lab, port=8085, SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL="full_transitive")
    assert Api(registry, 8085).get("/config") == {"compatibilityLevel": "FULL_TRANSITIVE"}


def stops_on_sigterm(lab: Lab) -> None:
    registry = start(lab)
    began = time.monotonic()
    assert registry.stop() == 143
    assert time.monotonic() - began < 10


def stops_without_kafka(lab: Lab) -> None:
    registry = start(lab)
    docker("network", "disconnect", lab.backing, registry.id)
    assert registry.stop() == 143


def refuses_to_start_without_kafka(lab: Lab) -> None:
    unreachable = launch(
        lab,
        SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS="localhost:1",
        SCHEMA_REGISTRY_CUB_KAFKA_TIMEOUT="2",
    )
    assert unreachable.exit_code() == 1


def refuses_to_start_without_its_settings(lab: Lab) -> None:
    unset = launch(lab, SCHEMA_REGISTRY_HOST_NAME="-")
    assert unset.exit_code() == 1
    assert "SCHEMA_REGISTRY_HOST_NAME" in unset.logs()


def logs_in_to_kafka(lab: Lab) -> None:
    registry = start(
        lab,
        SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS="SASL_PLAINTEXT://kafka:9094",
        SCHEMA_REGISTRY_KAFKASTORE_SECURITY_PROTOCOL="SASL_PLAINTEXT",
        SCHEMA_REGISTRY_KAFKASTORE_SASL_MECHANISM="PLAIN",
        SCHEMA_REGISTRY_KAFKASTORE_SASL_JAAS_CONFIG=f'{JAAS}password="{QUOTED}";',
    )
    Api(registry).register(some_subject(), "one")
    arguments = registry.out("bash", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert "${c}" not in arguments + registry.logs(), "the password is shown"


def is_up_within_20_seconds(lab: Lab) -> None:
    # Once more where it did not: a machine may be busy with something else once.
    took: list[float] = []
    while not took or (min(took) >= 20 and len(took) < 2):
        began = time.monotonic()
        start(lab)
        took.append(time.monotonic() - began)
    assert min(took) < 20, f"up after {min(took):.0f} s"


def takes_less_than_300_megabytes(lab: Lab) -> None:
    usage = docker("stats", "--no-stream", "--format={{.MemUsage}}", registry_of(lab).id)
    found = re.match(r"([\d.]+)MiB", usage)
    assert found, f"uses {usage}"
    assert float(found[1]) < 300, f"uses {usage}"


def says_what_has_no_effect(lab: Lab) -> None:
    assert re.search(r"Without effect.*KAFKASTORE_TOPIC_REPLICATION_FACTOR", registry_of(lab).logs())


def maps_its_classes_from_the_archive(lab: Lab) -> None:
    loaded = registry_of(lab).out("cat", "/tmp/classes").splitlines()
    archived = sum("shared objects file" in line for line in loaded)
    assert archived > 0.9 * len(loaded), f"{archived} of {len(loaded)} classes come from the archive"


def ends_when_its_proxy_ends(lab: Lab) -> None:
    registry = start(lab)
    registry.run("bash", "-c", "kill -9 $(pgrep -o haproxy)")
    assert registry.exit_code() != 0


def ends_when_it_is_not_ready_in_time(lab: Lab) -> None:
    registry = launch(lab, SCHEMA_REGISTRY_KAFKASTORE_INIT_TIMEOUT_MS="1000")
    assert registry.exit_code() == 1
    assert "was not ready within 1000 ms" in registry.logs()


def ends_at_once_while_it_looks_for_kafka(lab: Lab) -> None:
    nobody = "--dns=192.0.2.1"  # an address that no machine has: a look at a name takes long
    registry = launch(
        lab, options=[nobody], SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS="nowhere.invalid:9092"
    )
    prepared = ("test", "-s", "/etc/schema-registry/registry.properties")
    registry.wait_until(lambda: registry.run(*prepared).returncode == 0, seconds=30, what="it is prepared")
    docker("kill", "--signal=TERM", registry.id)
    began = time.monotonic()
    assert registry.exit_code() == 143
    took = time.monotonic() - began
    assert took < 3, f"ended after {took:.0f} s"


def asks_itself_without_a_proxy(lab: Lab) -> None:
    nobody = "http://127.0.0.1:9"
    registry = start(lab, http_proxy=nobody, HTTP_PROXY=nobody, ALL_PROXY=nobody)
    script = ("pgrep", "--full", "--count", f"^bash {RUN}")
    eventually(
        lambda: registry.run(*script).stdout.strip() == "1",
        seconds=30,
        what="the wait for the registry is over",
    )


def tells_numbers_that_are_none(lab: Lab) -> None:
    unusual = launch(
        lab, SCHEMA_REGISTRY_CUB_KAFKA_TIMEOUT="40s", SCHEMA_REGISTRY_KAFKASTORE_INIT_TIMEOUT_MS="2m"
    )
    assert unusual.exit_code() == 1
    told = re.findall(r"SCHEMA_REGISTRY_(\w+) is '\w+': whole", unusual.logs())
    assert told == ["CUB_KAFKA_TIMEOUT", "KAFKASTORE_INIT_TIMEOUT_MS"]


def takes_addresses_in_brackets(lab: Lab) -> None:
    unreachable = launch(
        lab,
        SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS="PLAINTEXT://[::1]:1",
        SCHEMA_REGISTRY_CUB_KAFKA_TIMEOUT="2",
    )
    assert unreachable.exit_code() == 1
    assert "has an address" not in unreachable.logs()


def _edit(file: str, expression: str) -> str:
    return f"RUN sed -i -E '{expression}' {file}"


CONFIGURE = "/etc/confluent/docker/configure"
ENSURE = "/etc/confluent/docker/ensure"
RUN = "/etc/confluent/docker/run"
DEFAULTS = "/opt/apicurio/config/defaults.properties"
PROXY = "/opt/apicurio/config/haproxy.cfg"

CLAUSES = [
    Clause(
        "cp-schema-registry: runs as uid 1000",
        runs_as_uid_1000,
        broken_by="RUN usermod -u 1001 appuser && chown -R 1001 /etc/schema-registry\nUSER 1001:0",
        shows="'1001' == '1000'",
        alone=True,
    ),
    Clause(
        "cp-schema-registry: the API is at the root, an empty object at /",
        serves_the_api_at_the_root,
        broken_by=_edit(PROXY, "/path . /d"),
        shows="GET /: 404|Apicurio Registry APIs",
    ),
    Clause(
        "cp-schema-registry: a schema has one id, in all subjects and however often it is registered",
        registers_and_finds_schemas,
        broken_by=f"RUN echo apicurio.ccompat.legacy-id-mode.enabled=true >>{DEFAULTS}",
        shows=r"assert \d+ == \d+",
    ),
    Clause(
        "cp-schema-registry: refuses incompatible schemas, backward by default",
        judges_compatibility,
        broken_by=_edit(CONFIGURE, "s/LEVEL:-backward/LEVEL:-none/"),
        shows="'NONE'",
    ),
    Clause(
        "cp-schema-registry: deletes softly, and for good when asked",
        deletes_softly_and_for_good,
        broken_by=_edit(PROXY, "s/^(frontend api)/\\1\\n  http-request deny deny_status 403 if METH_DELETE/"),
        shows="403",
    ),
    Clause(
        "cp-schema-registry: errors carry their codes",
        names_errors_by_their_codes,
        broken_by=_edit(
            PROXY, "s/^(backend registry)/\\1\\n  http-response return status 404 if { status 404 }/"
        ),
        shows="None",
    ),
    Clause(
        "cp-schema-registry: serves nothing before its topic is read, and keeps what it was told",
        serves_nothing_before_its_topic_is_read,
        # Without retries: a proxy that waits before it asks again would miss the moment.
        broken_by=_edit(PROXY, "s/ check port 9000.*//; s/timeout check .*/retries 0/"),
        shows=r"first good answer is \[\]|<= \{0, 503\}",
        alone=True,
    ),
    Clause(
        "cp-schema-registry: keeps its schemas in the named topic",
        keeps_its_schemas_in_the_named_topic,
        broken_by=_edit(CONFIGURE, "s/^topic=.*/topic=elsewhere/"),
        shows="in .'",
    ),
    Clause(
        "cp-schema-registry: listens where it is told, at the level that it is told",
        listens_where_it_is_told,
        broken_by=_edit(CONFIGURE, "s/REGISTRY_BIND=.*/REGISTRY_BIND=:8081/"),
        shows="/subjects answers",
    ),
    Clause(
        "cp-schema-registry: SIGTERM ends it within seconds with code 143",
        stops_on_sigterm,
        broken_by="STOPSIGNAL SIGKILL",
        shows="137 == 143",
    ),
    Clause(
        "SIGTERM ends it with code 143 within 20 s when Kafka is gone",
        stops_without_kafka,
        broken_by=_edit(RUN, "s/^farewell=.*/farewell=60/"),
        shows="137 == 143",
        alone=True,  # it is stopped as the one above is
        drop_in_only=True,
    ),
    Clause(
        "cp-schema-registry: gives up when Kafka cannot be reached in time",
        refuses_to_start_without_kafka,
        broken_by=_edit(RUN, r"s/reached \|\| return/true/"),
        shows="ends|== 1",
    ),
    Clause(
        "cp-schema-registry: no host name, no start",
        refuses_to_start_without_its_settings,
        broken_by=_edit(CONFIGURE, "s/^need SCHEMA_REGISTRY_HOST_NAME/need/"),
        shows="ends",
    ),
    Clause(
        "cp-schema-registry: logs in to Kafka with the kafkastore settings, and shows no password",
        logs_in_to_kafka,
        broken_by=_edit(CONFIGURE, "s/SCHEMA_REGISTRY_KAFKASTORE_SASL_\\*/SCHEMA_REGISTRY_NOTHING/"),
        shows="/subjects answers",
    ),
    Clause(
        "is up within 20 seconds",
        is_up_within_20_seconds,
        broken_by=_edit(ENSURE, "1a sleep 20"),
        shows="up after",
        alone=True,
        drop_in_only=True,
    ),
    Clause(
        "takes less than 300 MB",
        takes_less_than_300_megabytes,
        broken_by='ENV SCHEMA_REGISTRY_HEAP_OPTS="-Xms300M -Xmx300M -XX:+AlwaysPreTouch"',
        shows="uses ",
        drop_in_only=True,
    ),
    Clause(
        "says which variables have no effect",
        says_what_has_no_effect,
        broken_by=_edit(CONFIGURE, "s/without_effect\\+=.*;;/;;/"),
        shows="search",
        drop_in_only=True,
    ),
    Clause(
        "the class archive fits the registry",
        maps_its_classes_from_the_archive,
        broken_by="RUN rm /opt/apicurio/apicurio.jsa",
        shows=r"^\d+ of \d+ classes",
        drop_in_only=True,
    ),
    Clause(
        "the container ends when one of its two processes ends",
        ends_when_its_proxy_ends,
        broken_by=_edit(RUN, 's/^wait -n .*/wait "$registry"/'),
        shows="ends",
        drop_in_only=True,
    ),
    Clause(
        "a registry that does not become ready ends, to be started once more",
        ends_when_it_is_not_ready_in_time,
        broken_by=_edit(RUN, "s/^initialised &/sleep 1000 \\&/"),
        shows="ends",
        drop_in_only=True,
    ),
    Clause(
        "SIGTERM ends it with code 143 while it looks for Kafka",
        ends_at_once_while_it_looks_for_kafka,
        broken_by=_edit(RUN, "/^trap .exit/d"),
        shows="ends",
        drop_in_only=True,
    ),
    Clause(
        "a name that nobody answers for delays no stop",
        ends_at_once_while_it_looks_for_kafka,
        broken_by=_edit(ENSURE, "s/^named &/named/; /^wait/d"),
        shows="ends|ended after",
        alone=True,  # the same check as the one before
        drop_in_only=True,
    ),
    Clause(
        "a proxy in its environment does not stand between the registry and its own health",
        asks_itself_without_a_proxy,
        broken_by=_edit(RUN, "s/ --noproxy [^ ]+//"),
        shows="the wait for the registry is over",
        alone=True,  # another change replaces that wait
        drop_in_only=True,
    ),
    Clause(
        "numbers that are none are told at once",
        tells_numbers_that_are_none,
        broken_by=_edit(CONFIGURE, "s/faults.*CUB_KAFKA_TIMEOUT.*/kafka_timeout=40/"),
        shows=r"^assert \['KAFKASTORE_INIT_TIMEOUT_MS'\] ==",
        drop_in_only=True,
    ),
    Clause(
        "an IPv6 address of Kafka stands in brackets",
        takes_addresses_in_brackets,
        broken_by=_edit(ENSURE, "s/host#\\[/host/; s/host%\\]/host/"),
        shows="'has an address' not in",
        drop_in_only=True,
    ),
]
"""The contract. A clause of the public image begins with its name."""


@pytest.fixture(scope="module")
def source() -> str:
    """Where the image in use comes from."""
    return image_in_use("schemaRegistry")[0]


@pytest.fixture(scope="module")
def kafka() -> Iterator[str]:
    """A network with a broker: plain on kafka:9092, with a login on kafka:9094."""
    with Lab(image_in_use("kafka")[1]) as lab:
        name = f"{lab.prefix}-kafka"
        docker("network", "create", name)
        try:
            broker = lab.start(
                "/etc/confluent/docker/run",
                "KAFKA_HEAP_OPTS=-Xmx256m",
                name=name,
                options=[f"--network={name}", "--network-alias=kafka"],
                env={
                    "CLUSTER_ID": "MkU3OEVBNTcwNTJENDM2Qk",
                    "KAFKA_NODE_ID": "1",
                    "KAFKA_PROCESS_ROLES": "broker,controller",
                    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
                    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
                    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": PROTOCOLS,
                    "KAFKA_LISTENERS": "CONTROLLER://0.0.0.0:9093,CLIENT://0.0.0.0:9092,LOGIN://0.0.0.0:9094",
                    "KAFKA_ADVERTISED_LISTENERS": "CLIENT://kafka:9092,LOGIN://kafka:9094",
                    "KAFKA_INTER_BROKER_LISTENER_NAME": "CLIENT",
                    "KAFKA_LISTENER_NAME_LOGIN_SASL_ENABLED_MECHANISMS": "PLAIN",
                    "KAFKA_LISTENER_NAME_LOGIN_PLAIN_SASL_JAAS_CONFIG": f'{JAAS}user_registry="{QUOTED}";',
                    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
                    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "1",
                    # Long enough for a registry to listen before it has read its topic.
                    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "1000",
                },
            )
            broker.wait_until(lambda: broker.listens(9092), seconds=60, what="the broker listens")
            yield name
        finally:
            docker("rm", "--force", "--volumes", name)
            docker("network", "rm", name)


@pytest.fixture(scope="module")
def lab(kafka: str) -> Iterator[Lab]:
    """A lab for the image in use, beside a broker."""
    with Lab(image_in_use("schemaRegistry")[1], backing=kafka) as lab:
        yield lab


@pytest.mark.parametrize("clause", CLAUSES, ids=str)
def test_the_schema_registry_image_keeps(clause: Clause, lab: Lab, source: str) -> None:
    if clause.drop_in_only and source != LOCAL:
        pytest.skip("goes beyond the public image")
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
