"""The one request that this project speaks itself, against a socket that answers as Kafka does."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

import pytest
from kafka.protocol.admin.cluster import DescribeQuorumResponse

from messaging import quorum
from messaging.protocol import Address, NodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

Topic = DescribeQuorumResponse.TopicData
Partition = Topic.PartitionData
Replica = Partition.ReplicaState


def answer(*, error: int = 0, partition_error: int = 0, leader: int = 2) -> bytes:
    voters = [
        Replica(
            replica_id=voter, log_end_offset=9, last_fetch_timestamp=1, last_caught_up_timestamp=voter * 10
        )
        for voter in (3, 1, 2)
    ]
    partition = Partition(
        partition_index=0,
        error_code=partition_error,
        leader_id=leader,
        leader_epoch=4,
        high_watermark=9,
        current_voters=voters,
        observers=[],
    )
    topics = [] if error else [Topic(topic_name="__cluster_metadata", partitions=[partition])]
    response = DescribeQuorumResponse(error_code=error, topics=topics, version=1)
    response.with_header(correlation_id=1)
    return bytes(response.encode(header=True, framed=True))


class Node:
    """A listener that gives each connection one prepared answer."""

    def __init__(self) -> None:
        self.prepared = b""
        self.asked = b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            (length,) = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))
            self.asked = connection.recv(length, socket.MSG_WAITALL)
            connection.sendall(self.prepared)

    def close(self) -> None:
        self._thread.join()
        self._socket.close()


@pytest.fixture
def node() -> Iterator[Node]:
    made = Node()
    yield made
    made.close()


def describe(node: Node) -> quorum.Quorum:
    return quorum.describe(Address(host="127.0.0.1", port=node.port), timeout=5)


def test_leader_and_voters_are_read(node: Node) -> None:
    node.prepared = answer()

    found = describe(node)

    assert found.leader_id == 2
    assert [(voter.id, voter.caught_up_ms) for voter in found.voters] == [(1, 10), (2, 20), (3, 30)]
    assert struct.unpack(">hh", node.asked[:4]) == (55, 1), "DescribeQuorum, version 1"


@pytest.mark.parametrize(
    ("prepared", "words"),
    [
        (answer(error=31), "ClusterAuthorizationFailed"),
        (answer(partition_error=3), "UnknownTopicOrPartition"),
        (b"", "closed the connection"),
        (answer()[:20], "closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not as Kafka does"),
        (b"\0\0\0\x05abcde", "not as Kafka does"),
    ],
    ids=["refused", "unknown", "silent", "cut off", "http", "garbage"],
)
def test_anything_else_is_an_error_that_names_the_node(node: Node, prepared: bytes, words: str) -> None:
    node.prepared = prepared

    with pytest.raises(NodeError, match=words) as refused:
        describe(node)
    assert f"127.0.0.1:{node.port}" in str(refused.value)


def test_a_node_that_does_not_listen_is_named() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port: Any = holder.getsockname()[1]

        with pytest.raises(NodeError, match=f"127.0.0.1:{port} does not answer: Connection refused"):
            quorum.describe(Address(host="127.0.0.1", port=port), timeout=5)
