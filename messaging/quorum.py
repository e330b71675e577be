"""Asks a Kafka node for the state of its controller quorum.

confluent-kafka has no call for it, so this module speaks the one request itself, with kafka-python's message
classes and a socket of its own. What the answer means for a gate is decided in :mod:`messaging.readiness`.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kafka.protocol.admin.cluster import DescribeQuorumResponse

NO_LEADER = -1

_METADATA_TOPIC = "__cluster_metadata"
_VERSION = 1
"""The first that says when a voter was last caught up; Kafka 3.4 and later."""
_LARGEST_ANSWER = 1 << 20


class QuorumError(Exception):
    """The node did not say how its quorum is; the message says why."""


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


def describe(host: str, port: int, *, timeout: float) -> Quorum:
    """The quorum, as the node at this plaintext listener answers for it.

    Args:
        host: where the node listens.
        port: a listener for clients; the node passes the question to the active controller.
        timeout: seconds for connecting, and again for the answer.

    Raises:
        QuorumError: there is no answer, or it says that something is wrong.
    """
    # Imported here because the message classes are compiled at import, which a program that asks
    # nothing need not wait for.
    from kafka.protocol.admin.cluster import DescribeQuorumRequest, DescribeQuorumResponse

    topic = DescribeQuorumRequest.TopicData
    request = DescribeQuorumRequest(
        topics=[topic(topic_name=_METADATA_TOPIC, partitions=[topic.PartitionData(partition_index=0)])],
        version=_VERSION,
    )
    request.with_header(correlation_id=1, client_id="messaging")
    try:
        with socket.create_connection((host, port), timeout=timeout) as connection:
            connection.sendall(request.encode(header=True, framed=True))
            (length,) = struct.unpack(">i", _receive(connection, 4))
            content = _receive(connection, length) if 0 < length <= _LARGEST_ANSWER else b""
        answer = DescribeQuorumResponse.decode(content, version=_VERSION, header=True)
    except (ValueError, IndexError, struct.error):
        raise QuorumError(f"{host}:{port} answers, but not as Kafka does") from None
    except ConnectionResetError:
        # The Docker engine takes connections to a published port before anyone listens behind it.
        raise QuorumError(f"{host}:{port} does not answer yet: it closed the connection") from None
    except OSError as error:
        raise QuorumError(f"{host}:{port} does not answer: {error.strerror or error}") from None
    return _quorum(answer, f"{host}:{port}")


def _quorum(answer: DescribeQuorumResponse, address: str) -> Quorum:
    partitions = [partition for topic in answer.topics for partition in topic.partitions]
    for code in (answer.error_code, *(partition.error_code for partition in partitions)):
        if code:
            raise QuorumError(f"{address} has no answer about the quorum yet: {_error_name(code)}")
    if not partitions:
        raise QuorumError(f"{address} says nothing about the quorum")
    (partition,) = partitions
    return Quorum(
        leader_id=partition.leader_id,
        voters=tuple(
            Voter(id=voter.replica_id, caught_up_ms=voter.last_caught_up_timestamp)
            for voter in sorted(partition.current_voters, key=lambda voter: voter.replica_id)
        ),
    )


def _error_name(code: int) -> str:
    from kafka.errors import for_code

    return str(for_code(code).__name__).removesuffix("Error")


def _receive(connection: socket.socket, count: int) -> bytes:
    parts: list[bytes] = []
    while count > 0:
        part = connection.recv(count)
        if not part:
            raise ConnectionResetError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
