"""Topics as people look for them: the list with its search and pages, and one topic in detail.

Choosing and paging are pure; offsets are asked for only where they are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from messaging.console.cluster import KafkaCluster
from messaging.console.model import ConfigEntry, Metadata, Partition, Topic, Watermarks
from messaging.console.parts import Deadline, NotFoundError, attempt

PAGE_ROWS = 100


@dataclass(frozen=True, kw_only=True)
class TopicRow:
    """One line of the list; `messages` is an estimate, None where the offsets could not be read."""

    name: str
    internal: bool
    partitions: int
    replication: int
    under_replicated: int
    offline: int
    messages: int | None


@dataclass(frozen=True, kw_only=True)
class TopicList:
    """One page of the topics that fit a search.

    Attributes:
        rows: The topics of this page, by name.
        page: This page's number, from 1.
        pages: Number of pages.
        found: Topics that fit, on all pages.
        hidden: Internal topics that were left out.
        problem: Why there are no message counts, or None.
    """

    rows: tuple[TopicRow, ...]
    page: int
    pages: int
    found: int
    hidden: int
    problem: str | None


@dataclass(frozen=True, kw_only=True)
class PartitionRow:
    """One partition with its offsets, None where they could not be read."""

    partition: Partition
    offsets: Watermarks | None


@dataclass(frozen=True, kw_only=True)
class TopicDetail:
    """One topic; `messages` is an estimate, None unless all partitions answered."""

    topic: Topic
    partitions: tuple[PartitionRow, ...]
    messages: int | None
    problem: str | None


def select(metadata: Metadata, search: str, *, internal: bool) -> tuple[list[Topic], int]:
    """Topics whose name contains `search` in any case, and how many internal ones of them were left out."""
    found = [topic for name, topic in metadata.topics.items() if search.lower() in name.lower()]
    shown = [topic for topic in found if internal or not topic.internal]
    return shown, len(found) - len(shown)


def page_of(topics: Sequence[Topic], number: int) -> tuple[Sequence[Topic], int, int]:
    """The topics of page `number` (from 1), that number brought into range, and the number of pages."""
    pages = max(1, -(-len(topics) // PAGE_ROWS))
    number = min(max(1, number), pages)
    return topics[(number - 1) * PAGE_ROWS : number * PAGE_ROWS], number, pages


def list_topics(
    cluster: KafkaCluster, search: str, number: int, deadline: Deadline, *, internal: bool
) -> TopicList:
    """Page `number` of the topics that fit; offsets are read for that page alone."""
    found, hidden = select(cluster.metadata(deadline), search, internal=internal)
    topics, number, pages = page_of(found, number)
    places = [place for topic in topics for place in topic.places]
    read, problem = attempt(lambda: cluster.watermarks(places, deadline))
    marks = read or {}
    return TopicList(
        rows=tuple(
            TopicRow(
                name=topic.name,
                internal=topic.internal,
                partitions=len(topic.partitions),
                replication=topic.replication,
                under_replicated=topic.under_replicated,
                offline=topic.offline,
                messages=_messages(topic, marks),
            )
            for topic in topics
        ),
        page=number,
        pages=pages,
        found=len(found),
        hidden=hidden,
        problem=problem,
    )


def find(cluster: KafkaCluster, name: str, deadline: Deadline) -> Topic:
    """The topic called `name`.

    Raises:
        NotFoundError: There is none.
        ReadError: Kafka did not answer.
    """
    topic = cluster.metadata(deadline).topics.get(name)
    if topic is None:
        raise NotFoundError(f"the cluster has no topic {name!r}")
    return topic


def detail(cluster: KafkaCluster, name: str, deadline: Deadline) -> TopicDetail:
    """The topic called `name` with the offsets of its partitions; raises as `find` does."""
    topic = find(cluster, name, deadline)
    read, problem = attempt(lambda: cluster.watermarks(topic.places, deadline))
    marks = read or {}
    return TopicDetail(
        topic=topic,
        partitions=tuple(
            PartitionRow(partition=one, offsets=marks.get((name, one.id))) for one in topic.partitions
        ),
        messages=_messages(topic, marks),
        problem=problem,
    )


def configuration(cluster: KafkaCluster, name: str, deadline: Deadline) -> tuple[ConfigEntry, ...]:
    """The topic's configuration: what was set for it first, then the rest, each by name."""
    entries = cluster.topic_config(name, deadline)
    return tuple(sorted(entries, key=lambda entry: (entry.default, entry.name)))


def _messages(topic: Topic, marks: dict[tuple[str, int], Watermarks]) -> int | None:
    known = [marks[place] for place in topic.places if place in marks]
    return sum(one.count for one in known) if len(known) == len(topic.partitions) else None
