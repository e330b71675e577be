"""Asks one Kafka node one thing, over a connection of its own.

confluent-kafka asks whichever broker it likes and has no call for quorums, reassignments, sizes of logs and
features; a gate must ask a certain node. So this module sends single requests, made of kafka-python's message
classes, to the listener that it is given. What is asked is left to :mod:`messaging.quorum` and
:mod:`messaging.cluster`.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Any

CLIENT_ID = "messaging"
ANSWER_SECONDS = 3.0
_LARGEST_ANSWER = 1 << 26


class NodeError(Exception):
    """A node did not say what it was asked; the message names the node and says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a node listens for clients."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def ask(address: Address, request: Any, response: Any, *, timeout: float = ANSWER_SECONDS) -> Any:
    """The node's answer.

    Args:
        address: a plaintext listener.
        request: an instance of kafka-python's request class, its ``version`` given.
        response: the class of the answer.
        timeout: seconds for connecting, and again for each part of the answer.

    Raises:
        NodeError: there is no answer, or it is not Kafka's.
    """
    request.with_header(correlation_id=1, client_id=CLIENT_ID)
    try:
        with socket.create_connection((address.host, address.port), timeout=timeout) as connection:
            connection.sendall(request.encode(header=True, framed=True))
            (length,) = struct.unpack(">i", _receive(connection, 4))
            content = _receive(connection, length) if 0 < length <= _LARGEST_ANSWER else b""
        return response.decode(content, version=request.version, header=True)
    except (ValueError, IndexError, struct.error):
        raise NodeError(f"{address} answers, but not as Kafka does") from None
    except ConnectionResetError:
        # The Docker engine takes connections to a published port before anyone listens behind it.
        raise NodeError(f"{address} does not answer yet: it closed the connection") from None
    except OSError as error:
        raise NodeError(f"{address} does not answer: {error.strerror or error}") from None


def error_name(code: int) -> str:
    """Kafka's name of an error, such as ``InvalidReplicaAssignment``."""
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
