"""gRPC as the engine uses it: servers and channels of one size, and errors turned into words.

Knows nothing of resources. Who speaks which service is said in `monitor` and `provider`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc

# What the SDK and the providers use: a message may carry a whole state.
_OPTIONS = (
    ("grpc.max_receive_message_length", 400 * 1024 * 1024),
    ("grpc.max_send_message_length", 400 * 1024 * 1024),
    # Two engines on one host must never share a port by accident.
    ("grpc.so_reuseport", 0),
    # The other end is this host; a site's proxy is not asked.
    ("grpc.enable_http_proxy", 0),
)


class Aborted(Exception):
    """The run is over: the caller only learns that the monitor is gone."""


@dataclass(frozen=True)
class Answer:
    """What a failed call said.

    Attributes:
        code: gRPC's status.
        message: The provider's own words.
        details: ``ErrorResourceInitFailed`` messages that came along: the state of a half created resource.
    """

    code: grpc.StatusCode
    message: str
    details: tuple[Any, ...] = ()


class Server:
    """A server on a port of 127.0.0.1 that the kernel chooses; add services to `grpc`, then start it.

    Args:
        workers: Requests that may be under way at once. Those that wait for a step hold one each.
    """

    def __init__(self, workers: int) -> None:
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="monitor")
        self.grpc = grpc.server(self._workers, options=_OPTIONS)
        self.address = f"127.0.0.1:{self.grpc.add_insecure_port('127.0.0.1:0')}"

    def start(self) -> None:
        """Serve."""
        self.grpc.start()

    def stop(self) -> None:
        """Serve no more; what is under way is cut off."""
        self.grpc.stop(grace=None).wait()
        self._workers.shutdown()


def channel(address: str) -> grpc.Channel:
    """Open a channel to a plugin on this host."""
    return grpc.insecure_channel(address, options=_OPTIONS)


def answer(error: grpc.RpcError) -> Answer:
    """Read what a failed call said, with the details that gRPC hides in its trailing metadata."""
    # A failed unary call is both an error and a call; the stubs know only the first.
    code, message = error.code(), error.details() or ""
    trailing: Any = error.trailing_metadata() or ()
    packed = dict(trailing).get("grpc-status-details-bin")
    return Answer(code, message.strip(), _unpack(packed) if isinstance(packed, bytes) else ())


def _unpack(packed: bytes) -> tuple[Any, ...]:
    from pulumi.runtime.proto import provider_pb2, status_pb2  # kept from every command that starts no plugin

    found = []
    for detail in status_pb2.Status.FromString(packed).details:
        state = provider_pb2.ErrorResourceInitFailed()
        if detail.Unpack(state):
            found.append(state)
    return tuple(found)
