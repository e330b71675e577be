"""The pages as a browser gets them: what they show and refuse, and that no payload leaves its place."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from messaging.console.app import create_app
from messaging.console.model import Broker, ConfigEntry, Group, Member
from messaging.console.views import Cluster

EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
SCHEMA = {"type": "record", "name": "R", "doc": EVIL, "fields": [{"name": "a", "type": "string"}]}
PATHS = (
    "/",
    "/clusters/dev",
    "/clusters/dev/topics",
    "/clusters/dev/topics/readings",
    "/clusters/dev/topics/readings/messages",
    "/clusters/dev/groups",
    "/clusters/dev/group?id=ingest",
    "/clusters/dev/subjects",
    "/clusters/dev/subject?name=readings-value",
    "/clusters/dev/dead-letters",
    "/clusters/dev/dead-letters/readings/poison",
)


class Tags(HTMLParser):
    """The elements of a page as a browser makes them: tag and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def addresses(self) -> set[str]:
        return {
            str(attrs[name]) for _, attrs in self.found for name in ("href", "src", "action") if name in attrs
        }

    def dangers(self) -> list[str]:
        """What could run or load something: elements, attributes and addresses."""
        tags = [tag for tag, _ in self.found if tag in ("script", "style", "iframe", "object", "base", "svg")]
        names = [
            name for _, attrs in self.found for name in attrs if name == "style" or name.startswith("on")
        ]
        return tags + names + [one for one in self.addresses() if not re.match(r"/(?!/)|#main$", one)]


def status_of(client: FlaskClient, address: str) -> int:
    with client.get(address) as response:
        return int(response.status_code)


def api(path: str) -> str:
    return "/api/clusters" if path == "/" else f"/api{path}"


@pytest.fixture
def make_client(kafka: Any, registry_stub: Any) -> Callable[..., FlaskClient]:
    def make(context_path: str = "", *, registry: bool = True) -> FlaskClient:
        cluster = Cluster(name="dev", kafka=kafka, registry=registry_stub.registry() if registry else None)
        return create_app((cluster,), context_path).test_client()

    return make


@pytest.fixture
def client(make_client: Callable[..., FlaskClient], kafka: Any, registry_stub: Any) -> FlaskClient:
    """A cluster with one stream, its dead letters, a group and a subject."""
    kafka.add_topic("readings", partitions=2)
    for error_class in ("validation_error", "processing_error"):
        kafka.add_topic(f"readings.dlq.{error_class}")
    kafka.add_topic("readings.dlq")
    kafka.add_record("readings", b'{"a":1}', key=b"k1", headers=(("trace", b"abc"),))
    kafka.add_record(
        "readings.dlq.poison",
        b"\xff\xfe",
        headers=(("dlq.error.class", b"BadMagic"), ("dlq.source.topic", b"readings")),
    )
    member = Member(id="m-1", client_id="worker", host="/10.0.0.9", assigned=(("readings", 0),))
    kafka.found_groups.append(Group(id="ingest", state="stable", members=(member,)))
    kafka.offsets["ingest"] = {("readings", 0): 0}
    kafka.config = (
        ConfigEntry(
            name="retention.ms", value="1", source="dynamic topic config", default=False, read_only=False
        ),
        ConfigEntry(name="a.secret", value=None, source="default config", default=True, read_only=False),
    )
    registry_stub.add("readings-value", 1, SCHEMA)
    return make_client()


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_there_for_people_and_for_machines(client: FlaskClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    document = client.get(api(path))
    assert document.status_code == 200
    assert document.get_json()["errors"] == {}


@pytest.mark.parametrize("path", PATHS)
def test_every_page_names_its_own_json(client: FlaskClient, path: str) -> None:
    link = re.search(r'<a href="([^"]+)">This page as JSON', client.get(path).text)
    assert link is not None
    assert client.get(link[1].replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_every_link_of_a_page_leads_somewhere(client: FlaskClient, path: str) -> None:
    links = Tags(client.get(path).text).addresses() - {"#main"}
    assert len(links) > 3
    assert {link: status for link in links if (status := status_of(client, link)) != 200} == {}


def test_pages_show_what_was_read(client: FlaskClient) -> None:
    assert "kafka-1:9092" in client.get("/clusters/dev").text
    assert "readings.dlq.poison" in client.get("/clusters/dev/topics").text
    topic = client.get("/clusters/dev/topics/readings").text
    assert "dynamic topic config" in topic
    assert "not shown" in topic
    assert "ingest" in topic
    letters = client.get("/clusters/dev/dead-letters/readings/poison").text
    assert "BadMagic" in letters
    assert "ff fe" in letters
    group = client.get("/api/clusters/dev/group?id=ingest").get_json()["group"]
    assert (group["lag"], group["partitions"][0]["client_id"]) == (1, "worker")


def test_messages_carry_their_decoded_parts_in_json(client: FlaskClient) -> None:
    document = client.get("/api/clusters/dev/topics/readings/messages?limit=5").get_json()
    (message,) = document["messages"]["messages"]
    assert json.loads(message["value"]["text"]) == {"a": 1}
    assert message["key"]["text"] == "k1"
    assert message["headers"][0]["name"] == "trace"
    assert document["query"]["limit"] == 5


def test_headers_that_are_not_shown_are_counted(make_client: Callable[..., FlaskClient], kafka: Any) -> None:
    kafka.add_record("many", b"v", headers=tuple((f"h{one}", b"x" * 9_000) for one in range(1_000)))
    page = make_client().get("/clusters/dev/topics/many/messages").text
    more = re.search(r"(\d+) more headers are not shown", page)
    assert more is not None
    assert page.count('<th scope="row" class="mono">h') + int(more[1]) == 1_000


def test_all_but_get_and_head_is_refused_on_every_route(client: FlaskClient) -> None:
    rules = list(client.application.url_map.iter_rules())
    assert len(rules) > 20
    for rule in rules:
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
            response = client.open(path, method=method)
            assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD"), (method, path)


def test_no_route_takes_anything_but_reads(client: FlaskClient) -> None:
    assert all(
        (rule.methods or set()) <= {"GET", "HEAD", "OPTIONS"}
        for rule in client.application.url_map.iter_rules()
    )
    assert client.head("/clusters/dev").status_code == 200


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "/metrics", "/actuator/health", "/static/console.css"])
def test_every_answer_forbids_scripts_and_sniffing(client: FlaskClient, path: str) -> None:
    with client.get(path) as response:
        headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", PATHS)
def test_pages_hold_no_script_no_inline_style_and_nothing_from_elsewhere(
    client: FlaskClient, path: str
) -> None:
    assert Tags(client.get(path).text).dangers() == []


def test_payloads_cannot_leave_their_place(
    make_client: Callable[..., FlaskClient], kafka: Any, registry_stub: Any
) -> None:
    evil = EVIL.encode()
    stream = f"t{EVIL.replace('/', '')}"  # Kafka allows far less; a slash would only lead to no page at all
    kafka.brokers = (Broker(id=1, host=EVIL, port=1, rack=EVIL),)
    headers = tuple(
        (name, evil) for name in (EVIL, "dlq.error.class", "dlq.error.message", "dlq.source.topic")
    )
    for topic in (stream, f"{stream}.dlq"):
        kafka.add_record(
            topic, evil, key=evil, headers=(*headers, ("dlq.service", evil), ("dlq.group", evil))
        )
        kafka.add_record(topic, json.dumps({EVIL: [EVIL]}).encode(), key=json.dumps([EVIL]).encode())
        kafka.add_record(topic, b"\x00\x00\x00\x00\x01\xff", key=None)
    member = Member(id=EVIL, client_id=EVIL, host=EVIL, assigned=((stream, 0),))
    kafka.found_groups.append(Group(id=EVIL, state="stable", assignor=EVIL, members=(member,)))
    kafka.config = (ConfigEntry(name=EVIL, value=EVIL, source=EVIL, default=False, read_only=False),)
    registry_stub.add(quote(EVIL, safe=""), 1, SCHEMA)
    client = make_client()
    name, group, subject = (quote(one, safe="") for one in (stream, EVIL, quote(EVIL, safe="")))
    paths = [
        "/",
        "/clusters/dev",
        "/clusters/dev/topics",
        f"/clusters/dev/topics?q={group}",
        f"/clusters/dev/topics/{name}",
        f"/clusters/dev/topics/{name}/messages",
        f"/clusters/dev/topics/x/messages?mode=time&time={group}&partition={group}",
        "/clusters/dev/groups",
        f"/clusters/dev/group?id={group}",
        "/clusters/dev/subjects",
        f"/clusters/dev/subjects?q={group}",
        f"/clusters/dev/subject?name={subject}",
        "/clusters/dev/dead-letters",
        f"/clusters/dev/dead-letters/{name}/general",
        f"/clusters/dev/dead-letters/x/{group}",
        f"/clusters/{group}",
        f"/{group}",
    ]
    shown = 0
    for path in paths:
        response = client.get(path)
        assert response.content_type == "text/html; charset=utf-8"
        assert Tags(response.text).dangers() == [], path
        shown += "&lt;script&gt;" in response.text
        machine = client.get(api(path))
        assert machine.content_type == "application/json" or machine.status_code == 404
    assert shown > 10


@pytest.mark.parametrize(
    "path",
    [
        "/clusters/dev/topics/halves/messages",
        "/clusters/dev/topics/halves/messages?mode=offset&partition=0&offset=0&limit=1",
        "/clusters/dev/dead-letters/halves/general",
        "/clusters/dev/subject?name=halves-value",
    ],
)
def test_half_of_a_character_is_shown_as_its_escape(
    make_client: Callable[..., FlaskClient], kafka: Any, registry_stub: Any, path: str
) -> None:
    half = rb'["\ud800"]'
    headers = tuple((name, half) for name in ("dlq.error.class", "dlq.error.message", "dlq.source.topic"))
    place = (("dlq.source.partition", b"0"), ("dlq.source.offset", b"0"))
    for topic in ("halves", "halves.dlq"):
        kafka.add_record(topic, rb'{"a": "\ud800"}', key=half, headers=(*headers, *place))
    registry_stub.add("halves-value", 7, SCHEMA | {"doc": "\ud800"})
    client = make_client()

    page, machine = client.get(path), client.get(api(path))

    assert (page.status_code, machine.status_code) == (200, 200)
    assert "\\ud800" in page.text
    assert "ud800" in machine.text
    assert json.loads(machine.data)["errors"] == {}


def test_a_broker_that_is_down_is_said_and_the_rest_is_shown(client: FlaskClient, kafka: Any) -> None:
    kafka.down = "Kafka did not answer: no route (bootstrap kafka-dev:9092)"
    page = client.get("/clusters/dev")
    assert page.status_code == 200
    assert "bootstrap kafka-dev:9092" in page.text
    assert "Subjects" in page.text
    assert client.get("/clusters/dev/subjects").status_code == 200
    assert client.get("/clusters/dev/topics").status_code == 503
    document = client.get("/api/clusters/dev").get_json()
    assert set(document["errors"]) == {"summary", "groups", "dead_letters"}
    assert document["subjects"] == ["readings-value"]


def test_a_registry_that_is_down_is_said_and_messages_are_still_shown(
    make_client: Callable[..., FlaskClient], kafka: Any, registry_stub: Any
) -> None:
    kafka.add_record("t", b"\x00\x00\x00\x00\x01abc")
    for path in ("/subjects", "/schemas/ids/1"):
        registry_stub.raw[path] = (500, b'{"message":"starting"}')
    client = make_client()
    assert "answered 500: starting" in client.get("/clusters/dev").text
    messages = client.get("/clusters/dev/topics/t/messages")
    assert messages.status_code == 200
    assert "00 00 00 00 01 61 62 63" in messages.text


def test_a_cluster_without_a_registry_says_how_to_name_one(make_client: Callable[..., FlaskClient]) -> None:
    page = make_client(registry=False).get("/clusters/dev/subjects")
    assert page.status_code == 404
    assert "SCHEMAREGISTRY" in page.text


def test_health_is_up_whatever_happens_to_kafka(client: FlaskClient, kafka: Any) -> None:
    kafka.down = "gone"
    response = client.get("/actuator/health")
    assert (response.status_code, response.get_json()) == (200, {"status": "UP"})


def test_metrics_tell_lag_and_which_cluster_is_up(client: FlaskClient, kafka: Any) -> None:
    response = client.get("/metrics")
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert (
        'kafka_consumergroup_lag{cluster="dev",consumergroup="ingest",topic="readings",partition="0"} 1'
        in response.text.splitlines()
    )
    kafka.down = "gone"
    assert 'console_cluster_up{cluster="dev"} 0' in client.get("/metrics").text.splitlines()


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/nowhere", 404, "Not Found"),
        ("/clusters/prod", 404, "there is no cluster"),
        ("/clusters/dev/topics/none", 404, "the cluster has no topic"),
        ("/clusters/dev/topics/none/messages", 404, "the cluster has no topic"),
        ("/clusters/dev/group?id=none", 404, "no consumer group"),
        ("/clusters/dev/group", 400, "id is missing"),
        ("/clusters/dev/subject?name=none", 404, "Subject not found"),
        ("/clusters/dev/subject?name=readings-value&version=0", 400, "version is"),
        ("/clusters/dev/dead-letters/readings/other", 404, "the classes are general"),
        ("/clusters/dev/topics/readings/messages?limit=501", 400, "allowed: 1 to 500"),
        ("/clusters/dev/topics?page=x", 400, "page is"),
    ],
)
def test_what_does_not_exist_is_told_with_what_does(
    client: FlaskClient, path: str, status: int, said: str
) -> None:
    page = client.get(path)
    assert page.status_code == status
    assert said in page.text
    document = client.get(f"/api{path}")
    assert document.status_code == status
    assert said.lower() in json.dumps(document.get_json()).lower()


def test_a_defect_shows_no_insides(client: FlaskClient, kafka: Any, caplog: pytest.LogCaptureFixture) -> None:
    kafka.metadata = None
    page = client.get("/clusters/dev/topics")
    assert page.status_code == 503
    assert "NoneType" not in page.text
    assert "NoneType" in caplog.text


def test_everything_is_under_the_context_path(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client("/kafka-ui")
    assert client.get("/kafka-ui/actuator/health").status_code == 200
    assert client.get("/actuator/health").status_code == 404
    addresses = Tags(client.get("/kafka-ui/").text).addresses() - {"#main"}
    assert "/kafka-ui/api/clusters" in addresses
    assert {address for address in addresses if not address.startswith("/kafka-ui/")} == set()


def test_the_style_sheet_and_the_icon_are_its_own_and_load_nothing(client: FlaskClient) -> None:
    assets = {one for one in Tags(client.get("/").text).addresses() if one.startswith("/static/")}
    assert len(assets) == 2
    for asset in assets:
        with client.get(asset) as response:
            assert response.status_code == 200
            assert "public" in response.headers["Cache-Control"]
            assert not re.search(rb"url\(|@import|href", response.get_data())
