"""Takes a broker that is gone for good out of the cluster's list.

Kafka goes on counting on every broker that was ever registered, and may place replicas of new topics on one
that is gone. No client library at hand knows this one request, so its few bytes are written here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from messaging.protocol import NodeError, ask, error_name

if TYPE_CHECKING:
    from messaging.protocol import Address

_API_KEY, _VERSION = 64, 0
_NOT_REGISTERED = 102
_NO_TAGS = b"\0"


def unregister(address: Address, broker: int) -> None:
    """Lets the cluster forget a broker; one that it does not know is no mistake.

    Args:
        address: who passes it on to the active controller.
        broker: its id; its process has ended.

    Raises:
        NodeError: the node does not answer, or the controller refuses.
    """
    answer = ask(address, _Request(broker), _Response)
    if answer.error_code not in (0, _NOT_REGISTERED):
        raise NodeError(f"{address} refuses to forget broker {broker}: {error_name(answer.error_code)}")


class _Request:
    version = _VERSION

    def __init__(self, broker: int) -> None:
        self._broker = broker
        self._header = b""

    def with_header(self, *, correlation_id: int, client_id: str) -> None:
        client = client_id.encode()
        self._header = (
            struct.pack(">hhih", _API_KEY, _VERSION, correlation_id, len(client)) + client + _NO_TAGS
        )

    def encode(self, *, header: bool, framed: bool) -> bytes:
        content = (self._header if header else b"") + struct.pack(">i", self._broker) + _NO_TAGS
        return (struct.pack(">i", len(content)) if framed else b"") + content


@dataclass(frozen=True, kw_only=True, slots=True)
class _Response:
    error_code: int

    @classmethod
    def decode(cls, content: bytes, *, version: int, header: bool) -> Self:  # noqa: ARG003 - as others' are
        """A header is the correlation id and no tags; the answer begins with the time of a throttle."""
        offset = 5 if header else 0
        (code,) = struct.unpack_from(">h", content, offset + 4)
        return cls(error_code=code)
