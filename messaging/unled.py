"""Partitions without a leader: who may have everything of them, and how a topic is given up.

As in :mod:`messaging.cluster`, each function asks the one node that it is given and judges nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messaging.protocol import NodeError, ask, error_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from messaging.protocol import Address

_UNKNOWN_TOPIC = 3


def eligible(address: Address, topics: Collection[str]) -> dict[tuple[str, int], tuple[int, ...]]:
    """The brokers that may lead partitions though they are not in sync, by topic and number.

    Those that have everything; where Kafka knows of none, the last leader.

    Raises:
        NodeError: it does not answer, or is older than the question.
    """
    from kafka.protocol.admin.topics import (
        DescribeTopicPartitionsRequest,
        DescribeTopicPartitionsResponse,
    )

    wanted = [DescribeTopicPartitionsRequest.TopicRequest(name=name) for name in sorted(topics)]
    found: dict[tuple[str, int], tuple[int, ...]] = {}
    cursor: Any = None
    while wanted:
        request = DescribeTopicPartitionsRequest(topics=wanted, cursor=cursor, version=0)
        answer = ask(address, request, DescribeTopicPartitionsResponse)
        for topic in answer.topics:
            for partition in topic.partitions:
                brokers = partition.eligible_leader_replicas or partition.last_known_elr or ()
                found[topic.name, partition.partition_index] = tuple(brokers)
        following = answer.next_cursor
        if following is None:
            break
        cursor = DescribeTopicPartitionsRequest.Cursor(
            topic_name=following.topic_name, partition_index=following.partition_index
        )
    return found


def delete(address: Address, topics: Collection[str]) -> None:
    """Deletes topics; one that is not there is left out.

    Raises:
        NodeError: it does not answer, or the controller refuses.
    """
    from kafka.protocol.admin.topics import DeleteTopicsRequest, DeleteTopicsResponse

    request = DeleteTopicsRequest(topic_names=sorted(topics), timeout_ms=10_000, version=5)
    for result in ask(address, request, DeleteTopicsResponse, timeout=15).responses:
        if result.error_code not in {0, _UNKNOWN_TOPIC}:
            reason = result.error_message or error_name(result.error_code)
            raise NodeError(f"{address} refuses to delete {result.name}: {reason}")
