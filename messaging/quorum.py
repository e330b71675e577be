"""Asks a Kafka node for the state of its controller quorum.

What the answer means for a gate is decided in :mod:`messaging.readiness` and :mod:`messaging.availability`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging.protocol import ANSWER_SECONDS, NodeError, ask, error_name

if TYPE_CHECKING:
    from kafka.protocol.admin.cluster import DescribeQuorumResponse

    from messaging.protocol import Address

NO_LEADER = -1

_METADATA_TOPIC = "__cluster_metadata"
_VERSION = 1
"""The first that says when a voter was last caught up; Kafka 3.4 and later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Voter:
    """A member of the quorum, as the leader sees it."""

    id: int
    caught_up_ms: int
    """When it last had everything that the leader had, by the leader's clock; -1 if never."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quorum:
    """The controllers of a cluster at one moment."""

    leader_id: int
    """:data:`NO_LEADER` while an election is on."""
    voters: tuple[Voter, ...]


def describe(address: Address, *, timeout: float = ANSWER_SECONDS) -> Quorum:
    """The quorum, as the node at this listener says: it passes the question to the active controller.

    Raises:
        NodeError: there is no answer, or it says that something is wrong.
    """
    # Imported here because the message classes are compiled at import, which a program that asks
    # nothing need not wait for.
    from kafka.protocol.admin.cluster import DescribeQuorumRequest, DescribeQuorumResponse

    topic = DescribeQuorumRequest.TopicData
    request = DescribeQuorumRequest(
        topics=[topic(topic_name=_METADATA_TOPIC, partitions=[topic.PartitionData(partition_index=0)])],
        version=_VERSION,
    )
    return _quorum(ask(address, request, DescribeQuorumResponse, timeout=timeout), address)


def _quorum(answer: DescribeQuorumResponse, address: Address) -> Quorum:
    partitions = [partition for topic in answer.topics for partition in topic.partitions]
    for code in (answer.error_code, *(partition.error_code for partition in partitions)):
        if code:
            raise NodeError(f"{address} has no answer about the quorum yet: {error_name(code)}")
    if not partitions:
        raise NodeError(f"{address} says nothing about the quorum")
    (partition,) = partitions
    return Quorum(
        leader_id=partition.leader_id,
        voters=tuple(
            Voter(id=voter.replica_id, caught_up_ms=voter.last_caught_up_timestamp)
            for voter in sorted(partition.current_voters, key=lambda voter: voter.replica_id)
        ),
    )
