"""A provider as a process: prints its port, serves until it is told to stop, ends in time.

What it serves is in `service`. It listens on 127.0.0.1 alone, on a port that the kernel chooses.
"""

from __future__ import annotations

import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import TYPE_CHECKING

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from engine.providers.informant import Informant
from engine.providers.service import Service

if TYPE_CHECKING:
    from engine.providers.base import Package

# Calls that wait (for health, for a topic) hold a worker each, and an engine may run dozens of steps at once.
_WORKERS = 128
_GRACE_SECONDS = 5.0
_OPTIONS = (
    ("grpc.max_receive_message_length", 400 * 1024 * 1024),
    ("grpc.max_send_message_length", 400 * 1024 * 1024),
    ("grpc.so_reuseport", 0),
)


def serve(package: Package, distribution: str) -> None:
    """Serve a package until Cancel or SIGTERM; started as ``python -m MODULE [ENGINE-ADDRESS]``.

    Args:
        package: What to serve.
        distribution: The SDK whose version it reports: engines match the two.
    """
    cancelled = threading.Event()
    service = Service(
        package,
        version=metadata.version(distribution),
        cancelled=cancelled,
        informant=Informant(sys.argv[1] if len(sys.argv) > 1 else ""),
    )
    server = grpc.server(ThreadPoolExecutor(_WORKERS, thread_name_prefix="call"), options=_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: cancelled.set())
    # Ctrl-C reaches the whole process group; the engine decides what still has to be finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(port, flush=True)  # noqa: T201 - the plugin protocol: the first line is the port
    cancelled.wait()
    server.stop(_GRACE_SECONDS).wait()
    package.close()
