"""A cluster that answers from plain values, and a Schema Registry that answers over real HTTP."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from messaging.console.model import (
    Broker,
    ConfigEntry,
    Group,
    Groups,
    Metadata,
    Partition,
    Place,
    Topic,
    Watermarks,
)
from messaging.console.parts import Deadline, ReadError
from messaging.console.records import Fetched, Range, Record
from messaging.console.registry import Registry
from messaging.console.settings import RegistrySettings


@dataclass
class FakeKafka:
    """Answers as a running cluster would; `down` makes every read fail with that sentence."""

    brokers: tuple[Broker, ...] = (Broker(id=1, host="kafka-1", port=9092, rack="a"),)
    topics: dict[str, Topic] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    found_groups: list[Group] = field(default_factory=list)
    offsets: dict[str, dict[Place, int]] = field(default_factory=dict)
    config: tuple[ConfigEntry, ...] = ()
    down: str | None = None
    no_offsets: str | None = None
    asked_ranges: list[Range] = field(default_factory=list)
    reads: int = 0

    def add_topic(self, name: str, partitions: int = 1, leader: int | None = 1) -> Topic:
        topic = Topic(
            name=name,
            partitions=tuple(
                Partition(id=one, leader=leader, replicas=(1,), isr=(1,)) for one in range(partitions)
            ),
        )
        self.topics[name] = topic
        return topic

    def add_record(self, topic: str, value: bytes | None, **more: Any) -> Record:
        if topic not in self.topics:
            self.add_topic(topic)
        partition = more.pop("partition", 0)
        offset = sum((one.topic, one.partition) == (topic, partition) for one in self.records)
        more = {"timestamp": 1_700_000_000_000 + offset, "key": None} | more
        record = Record(topic=topic, partition=partition, offset=offset, value=value, **more)
        self.records.append(record)
        return record

    def metadata(self, deadline: Deadline) -> Metadata:
        self._answer()
        return Metadata(cluster_id="cluster", controller=1, brokers=self.brokers, topics=self.topics)

    def topic_config(self, topic: str, deadline: Deadline) -> tuple[ConfigEntry, ...]:
        self._answer()
        return self.config

    def broker_configs(
        self, brokers: Iterable[int], deadline: Deadline
    ) -> dict[int, tuple[ConfigEntry, ...]]:
        self._answer()
        return dict.fromkeys(brokers, self.config)

    def watermarks(self, places: Sequence[Place], deadline: Deadline) -> dict[Place, Watermarks]:
        self._answer()
        if self.no_offsets is not None:
            raise ReadError(self.no_offsets)
        return {
            place: Watermarks(low=0, high=sum((one.topic, one.partition) == place for one in self.records))
            for place in places
        }

    def newest(self, places: Sequence[Place], deadline: Deadline) -> dict[Place, int]:
        self._answer()
        stamps: dict[Place, int] = {}
        for one in self.records:
            if (one.topic, one.partition) in places:
                stamps[one.topic, one.partition] = one.timestamp or 0
        return stamps

    def offsets_at(self, places: Sequence[Place], timestamp: int, deadline: Deadline) -> dict[Place, int]:
        self._answer()
        found: dict[Place, int] = {}
        for one in reversed(self.records):
            if (one.topic, one.partition) in places and (one.timestamp or 0) >= timestamp:
                found[one.topic, one.partition] = one.offset
        return found

    def groups(self, deadline: Deadline) -> Groups:
        self._answer()
        return Groups(groups=tuple(self.found_groups))

    def describe(self, groups: Sequence[str], deadline: Deadline) -> Groups:
        self._answer()
        known = {group.id: group for group in self.found_groups}
        return Groups(groups=tuple(known.get(group, Group(id=group, state="dead")) for group in groups))

    def committed(self, groups: Iterable[str], deadline: Deadline) -> dict[str, dict[Place, int]]:
        self._answer()
        return {group: self.offsets.get(group, {}) for group in groups}

    @contextmanager
    def reading(self, deadline: Deadline) -> Iterator[None]:
        self.reads += 1
        try:
            yield
        finally:
            self.reads -= 1

    def fetch(self, ranges: Sequence[Range], deadline: Deadline) -> Fetched:
        self._answer()
        self.asked_ranges += ranges
        return Fetched(
            records=tuple(
                record
                for record in self.records
                for one in ranges
                if (record.topic, record.partition) == (one.topic, one.partition)
                and one.start <= record.offset < one.end
            )
        )

    def _answer(self) -> None:
        if self.down is not None:
            raise ReadError(self.down)


@dataclass
class RegistryStub:
    """Subjects with their versions, as (schema id, kind, text), and references by schema id."""

    url: str = ""
    subjects: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    references: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    raw: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def add(self, subject: str, schema_id: int, schema: Any, kind: str = "AVRO") -> None:
        text = schema if isinstance(schema, str) else json.dumps(schema)
        self.subjects.setdefault(subject, []).append((schema_id, kind, text))

    def registry(self) -> Registry:
        return Registry(RegistrySettings(url=self.url))

    def answer(self, path: str) -> tuple[int, Any]:
        if path == "/subjects":
            return 200, list(self.subjects)
        if path == "/config":
            return 200, {"compatibilityLevel": "BACKWARD"}
        if match := re.fullmatch(r"/subjects/([^/]+)/versions(?:/(\w+))?", path):
            versions = self.subjects.get(match[1])
            number = match[2]
            if versions is not None and number is None:
                return 200, list(range(1, len(versions) + 1))
            if versions is not None and (number == "latest" or int(number) <= len(versions)):
                place = len(versions) if number == "latest" else int(number)
                return 200, {"subject": match[1], "version": place} | self._schema(*versions[place - 1])
        if match := re.fullmatch(r"/schemas/ids/(\d+)", path):
            for versions in self.subjects.values():
                for version in versions:
                    if version[0] == int(match[1]):
                        return 200, self._schema(*version)
        return 404, {"error_code": 40401, "message": "Subject not found."}

    def _schema(self, schema_id: int, kind: str, text: str) -> dict[str, Any]:
        return {
            "id": schema_id,
            "schemaType": kind,
            "schema": text,
            "references": self.references.get(schema_id, []),
        }


@pytest.fixture
def kafka() -> FakeKafka:
    return FakeKafka()


@pytest.fixture
def registry_stub() -> Iterator[RegistryStub]:
    stub = RegistryStub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer: two would wait for each other

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            stub.requests.append((self.command, path))
            status, body = stub.raw.get(path) or (0, b"")
            if not status:
                status, answer = stub.answer(path)
                body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield stub
    server.shutdown()
    server.server_close()
    thread.join()
