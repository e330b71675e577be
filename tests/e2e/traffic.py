"""A producer and a consumer that never stop, a look at the cluster four times a second, and a pulse.

What was acknowledged must be consumed: that is counted here, id by id. What else must be true while a
platform changes is the tests' affair.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from messaging.protocol import Address, NodeError, ask
from tests.e2e import harness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.harness import Workspace

TOPIC = "traffic"
RATE = 1200
"""Messages a second that are handed to the producer."""
TICK_SECONDS = 0.02
"""How often they are. A client that waits for `linger.ms` itself is busy all the while."""
PARTITIONS = 6
MIN_IN_SYNC = 2
QUIET: dict[str, Any] = {"log_level": 0, "error_cb": lambda _: None}
CLIENT: dict[str, Any] = QUIET | {
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 500,
    "topic.metadata.refresh.fast.interval.ms": 100,
    "socket.connection.setup.timeout.ms": 3000,
}
PRODUCER: dict[str, Any] = CLIENT | {
    "acks": "all",
    "enable.idempotence": True,
    "compression.type": "snappy",
    # Messages are handed over many at a time: see TICK_SECONDS.
    "linger.ms": 0,
    "retry.backoff.ms": 50,
    "retry.backoff.max.ms": 200,
    "delivery.timeout.ms": 120_000,
}
SAMPLE_SECONDS = 0.25
PULSE_SECONDS = 0.05


@dataclass
class Stretch:
    """What was seen from one moment to another."""

    acknowledged: int = 0
    lost: int = 0
    """Acknowledged and not consumed."""
    failed: int = 0
    """Neither acknowledged nor in the topic, as far as the producer knows."""
    longest_gap: float = 0.0
    """Seconds between two acknowledgements."""
    samples: int = 0
    most_down: int = 0
    """The most brokers that did not run in any one sample."""
    most_under_min: int = 0
    """The most partitions below their minimum of in-sync replicas in any one sample."""
    slowest_recovery: float = 0.0
    """The longest time from a broker's end until all replicas were in sync again."""
    stood_still: float = 0.0
    """How many seconds too late a thread that only waits was woken, at most: the machine stood still."""
    sessions_ended: list[str] = field(default_factory=list)
    """What the nodes' logs say of brokers that were taken for dead."""

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} acknowledged, {self.lost} lost, {self.failed} refused, longest gap "
            f"{self.longest_gap:.2f} s; {self.samples} samples: at most {self.most_down} down and "
            f"{self.most_under_min} under min ISR; full ISR within {self.slowest_recovery:.1f} s; "
            f"the machine stood still for {self.stood_still:.2f} s"
            + "".join(f"\n{line}" for line in self.sessions_ended)
        )


@dataclass
class _Sample:
    at: float
    down: int
    under_min: int
    whole: bool


@dataclass
class Traffic:
    """Runs as long as its context."""

    workspace: Workspace
    bootstrap: str
    containers: list[str]
    _acknowledged: list[tuple[int, float]] = field(default_factory=list)
    _failed: int = 0
    _consumed: set[int] = field(default_factory=set)
    _samples: list[_Sample] = field(default_factory=list)
    _pulse: list[tuple[float, float]] = field(default_factory=list)
    """When the machine was found to have woken a thread too late, and by how many seconds."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._make_topic()
        for work in (self._produce, self._consume, self._watch, self._feel_pulse):
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            self._threads.append(thread)
        harness.wait_for(lambda: len(self._consumed) > RATE, "a first second of traffic")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    @contextlib.contextmanager
    def stretch(self, *, at_least: int = 5000, settle: float = 90, whole: bool = True) -> Iterator[Stretch]:
        """Measures what happens inside; filled in when it ends, after all replicas are in sync again.

        Args:
            at_least: goes on until so many messages have been acknowledged.
            settle: seconds in which all replicas must be in sync again.
            whole: whether they must be, at its end.
        """
        found = Stretch()
        first, first_sample, failed = len(self._acknowledged), len(self._samples), self._failed
        began, began_at = time.monotonic(), dt.datetime.now(tz=dt.UTC)
        yield found
        ended = time.monotonic()
        if whole:
            harness.wait_for(lambda: self._is_whole(since=ended), "all replicas in sync", settle)
        harness.wait_for(lambda: len(self._acknowledged) - first >= at_least, "enough traffic", 60)
        mine = self._acknowledged[first:]
        with contextlib.suppress(AssertionError):
            harness.wait_for(lambda: {one for one, _ in mine} <= self._consumed, "all consumed", 60)
        times = [began, *(at for _, at in mine)]
        samples = self._samples[first_sample:]
        found.acknowledged = len(mine)
        found.lost = len({one for one, _ in mine} - self._consumed)
        found.failed = self._failed - failed
        found.longest_gap = max(after - before for before, after in itertools.pairwise(times))
        found.samples = len(samples)
        found.most_down = max(sample.down for sample in samples)
        found.most_under_min = max(sample.under_min for sample in samples)
        found.slowest_recovery = _slowest_recovery(samples)
        found.stood_still = max((late for at, late in self._pulse if at >= began), default=0.0)
        found.sessions_ended = self._sessions_ended(began_at)

    def _is_whole(self, *, since: float) -> bool:
        later = [sample for sample in self._samples if sample.at > since]
        return len(later) >= 3 and all(sample.whole for sample in later[-3:])

    def _sessions_ended(self, since: dt.datetime) -> list[str]:
        nodes = harness.client().containers.list(filters={"name": f"^/{self.workspace.instance}-kafka"})
        return [
            f"{node.name}: {line}"
            for node in nodes
            for line in node.logs(since=since).decode(errors="replace").splitlines()
            if "because its session has timed out" in line
        ]

    def _make_topic(self) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap} | QUIET)
        settings = {"min.insync.replicas": str(MIN_IN_SYNC)}
        topic = NewTopic(TOPIC, num_partitions=PARTITIONS, replication_factor=3, config=settings)
        admin.create_topics([topic])[TOPIC].result(30)

    def _produce(self) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap} | PRODUCER)

        def delivered(number: int, error: object) -> None:
            if error is None:
                self._acknowledged.append((number, time.monotonic()))
            else:
                self._failed += 1

        began, number = time.monotonic(), 0
        while not self._stop.is_set():
            due = int((time.monotonic() - began) * RATE)
            for one in range(number, due):
                while True:
                    try:
                        producer.produce(
                            TOPIC,
                            key=str(one),
                            value=f"{one:012d}".ljust(100, "."),
                            on_delivery=lambda error, _, one=one: delivered(one, error),
                        )
                        break
                    except BufferError:
                        producer.poll(0.05)
            number = max(number, due)
            producer.poll(0)
            self._stop.wait(TICK_SECONDS)
        producer.flush(30)

    def _consume(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "traffic-reader",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": True,
                "session.timeout.ms": 10_000,
                "fetch.min.bytes": 10_000,
                "fetch.wait.max.ms": 100,
            }
            | CLIENT
        )
        consumer.subscribe([TOPIC])
        try:
            while not self._stop.is_set():
                for message in consumer.consume(1000, 0.1):
                    value = message.value()
                    if not message.error() and value:
                        self._consumed.add(int(bytes(value)[:12]))
        finally:
            consumer.close()

    def _watch(self) -> None:
        """Looks at the containers, and at the partitions as each broker sees them.

        After a hard kill the others take the broker for whole, so all is whole only if each one says so.
        """
        engine = harness.client().api
        addresses = [_address(one) for one in self.bootstrap.split(",")]
        filters = {"name": f"^/{self.workspace.instance}-kafka"}
        while not self._stop.is_set():
            at = time.monotonic()
            names = {name.lstrip("/") for one in engine.containers(filters=filters) for name in one["Names"]}
            down = sum(self.workspace.name(name) not in names for name in self.containers)
            views = [view for address in addresses if (view := _view(address)) is not None]
            under = [sum(in_sync < MIN_IN_SYNC for _, in_sync in view) for view in views]
            whole = len(views) == len(addresses) and all(
                in_sync == replicas for view in views for replicas, in_sync in view
            )
            # The worst that any broker sees counts.
            self._samples.append(
                _Sample(at=at, down=down, under_min=max(under, default=0), whole=whole and down == 0)
            )
            self._stop.wait(max(0.0, SAMPLE_SECONDS - (time.monotonic() - at)))

    def _feel_pulse(self) -> None:
        """Notes when even a thread that only waits is not woken in time: then nothing here ran."""
        while not self._stop.is_set():
            at = time.monotonic()
            self._stop.wait(PULSE_SECONDS)
            woken = time.monotonic()
            if (late := woken - at - PULSE_SECONDS) > PULSE_SECONDS:
                self._pulse.append((woken, late))


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host=host, port=int(port))


def _view(address: Address) -> list[tuple[int, int]] | None:
    """Of each partition as a broker sees it: how many replicas it has, and how many of them are in sync.

    Asks for no more than that: whoever measures should not be what the machine is busy with.
    """
    from kafka.protocol.metadata import MetadataRequest, MetadataResponse

    request = MetadataRequest(topics=None, allow_auto_topic_creation=False, version=7)
    try:
        answer = ask(address, request, MetadataResponse)
    except NodeError:
        return None
    return [
        (len(partition.replica_nodes), len(partition.isr_nodes))
        for topic in answer.topics
        for partition in topic.partitions
    ]


def _slowest_recovery(samples: list[_Sample]) -> float:
    """From the first sample with a broker down to the next where all is whole, the longest of them."""
    slowest, since = 0.0, None
    for sample in samples:
        if since is None and sample.down:
            since = sample.at
        elif since is not None and sample.whole:
            slowest, since = max(slowest, sample.at - since), None
    return slowest
