"""Everything the console asks of one Kafka cluster, as plain values; nothing here changes anything in Kafka.

One admin client a cluster is kept and shared by all threads. Each call has a timeout and turns the client's
exceptions into ReadError. What the values mean together (lag, dead letters, a topic's health) is decided by
the modules that use them.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource, OffsetSpec, ResourceType

from messaging.console import records
from messaging.console.model import (
    Broker,
    ConfigEntry,
    Group,
    Groups,
    Member,
    Metadata,
    Partition,
    Place,
    Topic,
    Watermarks,
)
from messaging.console.parts import Cache, Deadline, ReadError, attempt
from messaging.console.settings import ClusterSettings

CALL_SECONDS = 2.5
METADATA_SECONDS = 3.0
RACK_SECONDS = 1.0
# Reads of records that may run at once: each may hold some ten megabytes.
READERS = 2


class KafkaCluster:
    """One Kafka cluster, read only. All methods may be called from several threads and raise ReadError."""

    def __init__(self, settings: ClusterSettings) -> None:
        self._bootstrap = settings.bootstrap
        self._client = client_settings(settings)
        self._lock = threading.Lock()
        self._admin: AdminClient | None = None
        self._metadata: Cache[Metadata] = Cache(METADATA_SECONDS)
        self._readers = threading.BoundedSemaphore(READERS)

    def metadata(self, deadline: Deadline) -> Metadata:
        """Brokers and topics, at most METADATA_SECONDS old."""
        return self._metadata.get("metadata", lambda: self._read_or_reconnect(deadline), deadline)

    def topic_config(self, topic: str, deadline: Deadline) -> tuple[ConfigEntry, ...]:
        """The configuration in force for `topic`, by name."""
        return _entries(_answer(self._config(ResourceType.TOPIC, topic, deadline), deadline))

    def broker_configs(
        self, brokers: Iterable[int], deadline: Deadline
    ) -> dict[int, tuple[ConfigEntry, ...]]:
        """The configuration in force on each of `brokers`; one that does not answer is left out."""
        # A broker tells only its own configuration, so each is asked by itself, all at once.
        futures = {broker: self._config(ResourceType.BROKER, str(broker), deadline) for broker in brokers}
        return {broker: _entries(answer) for broker, answer in _answers(futures, deadline).items()}

    def watermarks(self, places: Sequence[Place], deadline: Deadline) -> dict[Place, Watermarks]:
        """Low and high watermark of each of `places`; one that does not answer is left out."""
        low = self._offsets(places, OffsetSpec.earliest(), deadline)
        high = self._offsets(places, OffsetSpec.latest(), deadline)
        lows, highs = _answers(low, deadline), _answers(high, deadline)
        return {
            place: Watermarks(low=lows[place].offset, high=highs[place].offset)
            for place in highs
            if place in lows
        }

    def newest(self, places: Sequence[Place], deadline: Deadline) -> dict[Place, int]:
        """Highest timestamp (ms since 1970) in each of `places` that holds a record."""
        answers = _answers(self._offsets(places, OffsetSpec.max_timestamp(), deadline), deadline)
        return {place: answer.timestamp for place, answer in answers.items() if answer.timestamp >= 0}

    def offsets_at(self, places: Sequence[Place], timestamp: int, deadline: Deadline) -> dict[Place, int]:
        """First offset at or after `timestamp` (ms since 1970) of each of `places` that has one."""
        answers = _answers(self._offsets(places, OffsetSpec.for_timestamp(timestamp), deadline), deadline)
        return {place: answer.offset for place, answer in answers.items() if answer.offset >= 0}

    def groups(self, deadline: Deadline) -> Groups:
        """All consumer groups, without their members."""
        listing = _answer(
            self._ask(lambda admin, seconds: admin.list_consumer_groups(request_timeout=seconds), deadline),
            deadline,
        )
        groups = [Group(id=one.group_id, state=_state(one.state)) for one in listing.valid or ()]
        if not groups and listing.errors:
            raise ReadError(_failure(listing.errors[0]))
        return Groups(
            groups=tuple(sorted(groups, key=lambda group: group.id)),
            problems=tuple(sorted({_failure(error) for error in listing.errors or ()})),
        )

    def describe(self, groups: Sequence[str], deadline: Deadline) -> Groups:
        """The given groups with their members; Kafka describes an unknown one as dead."""
        if not groups:
            return Groups(groups=())
        futures = self._ask(
            lambda admin, seconds: admin.describe_consumer_groups(list(groups), request_timeout=seconds),
            deadline,
        )
        found, problems = [], set()
        for future in futures.values():
            try:
                found.append(_group(_answer(future, deadline)))
            except ReadError as error:
                problems.add(str(error))
        return Groups(groups=tuple(found), problems=tuple(sorted(problems)))

    def committed(self, groups: Iterable[str], deadline: Deadline) -> dict[str, dict[Place, int]]:
        """Committed offsets of each group; a group that does not answer is left out."""
        futures: dict[str, Future[Any]] = {}
        for group in groups:
            request = [ConsumerGroupTopicPartitions(group)]
            futures |= self._ask(
                lambda admin, seconds, request=request: admin.list_consumer_group_offsets(
                    request, request_timeout=seconds
                ),
                deadline,
            )
        return {
            group: {
                (one.topic, one.partition): one.offset for one in answer.topic_partitions if one.offset >= 0
            }
            for group, answer in _answers(futures, deadline).items()
        }

    @contextmanager
    def reading(self, deadline: Deadline) -> Iterator[None]:
        """Room to fetch records and to decode them; READERS may have it at once."""
        if not self._readers.acquire(timeout=deadline.left()):
            raise ReadError(f"{READERS} other reads of records are under way; try again in a moment")
        try:
            yield
        finally:
            self._readers.release()

    def fetch(self, ranges: Sequence[records.Range], deadline: Deadline) -> records.Fetched:
        """Read the records of `ranges`, within the bounds that `records` sets; whoever asks is `reading`."""
        return records.fetch(self._client, ranges, seconds=deadline.left())

    def _read_or_reconnect(self, deadline: Deadline) -> Metadata:
        try:
            return self._read_metadata(deadline)
        except ReadError:
            # A client that was once told of no brokers, as a broker just back from a freeze may do, drops the
            # connection that it has and never finds another; a new one starts from the bootstrap list.
            with self._lock:
                self._admin = None
            raise

    def _read_metadata(self, deadline: Deadline) -> Metadata:
        described = self._call(
            lambda admin, seconds: admin.describe_cluster(request_timeout=seconds), deadline
        )
        # Always all topics: asking for one by name may create it where auto-creation is on.
        listed = self._call(lambda admin, seconds: admin.list_topics(timeout=seconds), deadline)
        if not listed.brokers:
            raise ReadError(f"Kafka named no broker (bootstrap {self._bootstrap})")
        # Only the description knows racks, and while there is no controller it does not come.
        answer, _ = attempt(lambda: _answer(described, Deadline(deadline.left(RACK_SECONDS))))
        racks = {node.id: node.rack for node in answer.nodes} if answer else {}
        brokers = sorted(listed.brokers.values(), key=lambda broker: broker.id)
        return Metadata(
            cluster_id=listed.cluster_id,
            controller=listed.controller_id if listed.controller_id >= 0 else None,
            brokers=tuple(
                Broker(id=one.id, host=one.host, port=one.port, rack=racks.get(one.id)) for one in brokers
            ),
            topics={name: _topic(topic) for name, topic in sorted(listed.topics.items())},
        )

    def _config(self, kind: ResourceType, name: str, deadline: Deadline) -> Future[Any]:
        resource = ConfigResource(kind, name)
        futures = self._ask(
            lambda admin, seconds: admin.describe_configs([resource], request_timeout=seconds), deadline
        )
        future: Future[Any] = futures[resource]
        return future

    def _offsets(
        self, places: Sequence[Place], spec: OffsetSpec, deadline: Deadline
    ) -> dict[Place, Future[Any]]:
        if not places:
            return {}
        wanted = {TopicPartition(topic, partition): spec for topic, partition in places}
        futures = self._ask(
            lambda admin, seconds: admin.list_offsets(wanted, request_timeout=seconds), deadline
        )
        return {(place.topic, place.partition): future for place, future in futures.items()}

    def _ask(self, call: Any, deadline: Deadline) -> Any:
        """What `call` gives for the admin client and a timeout in seconds, if the cluster is there at all.

        With a cluster that is down, all parts of a page so wait together and once: for its metadata.
        """
        self.metadata(deadline)
        return self._call(call, deadline)

    def _call(self, call: Any, deadline: Deadline) -> Any:
        seconds = deadline.left(CALL_SECONDS)
        if seconds <= 0:
            raise ReadError("no answer in time")
        try:
            return call(self._connected(), seconds)
        except KafkaException as error:
            raise ReadError(f"{_failure(error)} (bootstrap {self._bootstrap})") from error

    def _connected(self) -> AdminClient:
        with self._lock:
            if self._admin is None:
                self._admin = AdminClient(self._client)
            return self._admin


def client_settings(settings: ClusterSettings) -> dict[str, Any]:
    """The librdkafka settings by which `settings`' cluster is reached; they hold the password."""
    client: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap,
        "client.id": "console",
        "security.protocol": settings.protocol,
        "socket.connection.setup.timeout.ms": 2000,
        "reconnect.backoff.max.ms": 1000,  # a broker that is back is seen soon
        "metadata.recovery.strategy": "none",  # a client that lost its way is replaced, sooner than by itself
        "topic.metadata.refresh.interval.ms": -1,  # metadata are asked for when a page needs them
        "log_level": 0,  # what fails is said on the page, not every second in the log
        "log.connection.close": False,
    }
    optional = {
        "sasl.mechanism": settings.mechanism,
        "sasl.username": settings.username,
        "sasl.password": settings.password,
        "ssl.ca.location": settings.ca_file,
    }
    return client | {name: value for name, value in optional.items() if value is not None}


def _topic(topic: Any) -> Topic:
    return Topic(
        name=topic.topic,
        partitions=tuple(
            Partition(
                id=one.id,
                leader=one.leader if one.leader >= 0 else None,
                replicas=tuple(one.replicas),
                isr=tuple(sorted(one.isrs)),
            )
            for _, one in sorted(topic.partitions.items())
        ),
    )


def _entries(answer: Mapping[str, Any]) -> tuple[ConfigEntry, ...]:
    return tuple(
        ConfigEntry(
            name=entry.name,
            value=None if entry.is_sensitive else entry.value,
            source=ConfigSource(entry.source).name.lower().replace("_", " "),
            default=bool(entry.is_default),
            read_only=bool(entry.is_read_only),
        )
        for _, entry in sorted(answer.items())
    )


def _group(found: Any) -> Group:
    return Group(
        id=found.group_id,
        state=_state(found.state),
        assignor=found.partition_assignor or "",
        coordinator=found.coordinator.id if found.coordinator else None,
        members=tuple(
            Member(
                id=member.member_id,
                client_id=member.client_id,
                host=member.host,
                assigned=tuple(
                    sorted((one.topic, one.partition) for one in member.assignment.topic_partitions or ())
                ),
            )
            for member in found.members
        ),
    )


def _state(state: Any) -> str:
    return str(state.name).lower().replace("_", " ")


def _answer(future: Future[Any], deadline: Deadline) -> Any:
    try:
        return future.result(timeout=deadline.left())
    except KafkaException as error:
        raise ReadError(_failure(error)) from error
    except TimeoutError as error:
        raise ReadError("Kafka gave no answer in time") from error


def _answers(futures: Mapping[Any, Future[Any]], deadline: Deadline) -> dict[Any, Any]:
    """The answers that came; ReadError if there are futures and not one of them answered."""
    answers, error = {}, None
    for key, future in futures.items():
        try:
            answers[key] = _answer(future, deadline)
        except ReadError as failed:
            error = failed
    if error is not None and not answers:
        raise error
    return answers


def _failure(error: KafkaException | KafkaError) -> str:
    cause = error.args[0] if isinstance(error, KafkaException) else error
    text = cause.str() if isinstance(cause, KafkaError) else str(cause)
    return f"Kafka did not answer: {text}"
