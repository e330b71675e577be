"""The health checks as they run in a container: real commands against real sockets."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from components import health

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve = Callable[[bytes], int]

API_VERSIONS = bytes.fromhex("0000000a001200000000" + "0001" + "ffff")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a listener that answers its one connection with some bytes; its port."""
    listeners: list[tuple[socket.socket, threading.Thread]] = []

    def start(answer: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20)  # whoever does not ask at all must not hold up the tests

        def answer_once() -> None:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                return
            with connection:
                # Bash sends line by line; closing before all was read would reset the connection.
                asked = b""
                while len(asked) < len(API_VERSIONS) or (
                    asked.startswith(b"GET") and not asked.endswith(b"\r\n\r\n")
                ):
                    asked += connection.recv(1024)
                connection.sendall(answer)

        thread = threading.Thread(target=answer_once)
        thread.start()
        listeners.append((listener, thread))
        return int(listener.getsockname()[1])

    yield start
    for listener, thread in listeners:
        thread.join()
        listener.close()


def is_healthy(check: health.HealthCheck) -> bool:
    kind, *command = check.test
    if kind == "CMD-SHELL":
        if shutil.which("wget") is None:
            pytest.skip("not installed here: wget")
        command = ["sh", "-c", *command]
    return subprocess.run(command, check=False, capture_output=True, timeout=20).returncode == 0


@pytest.mark.parametrize(
    ("answer", "healthy"),
    [
        (bytes.fromhex("0000001000000001" + "0000") + b"more", True),
        (bytes.fromhex("0000001000000001" + "0023"), False),
        (bytes.fromhex("0000001000000002" + "0000"), False),
        (b"HTTP/1.1 400", False),
        (b"", False),
    ],
    ids=["answered", "error", "another request", "no kafka", "closed"],
)
def test_a_broker_is_healthy_when_it_answers_a_clients_first_request(
    serve: Serve, answer: bytes, healthy: bool
) -> None:
    assert is_healthy(health.kafka(serve(answer))) is healthy


def test_a_brokers_check_sends_a_whole_request() -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                return
            with connection:
                asked.append(connection.recv(len(API_VERSIONS), socket.MSG_WAITALL))

        thread = threading.Thread(target=listen)
        thread.start()
        is_healthy(health.kafka(int(listener.getsockname()[1])))
        thread.join()

    assert asked == [API_VERSIONS]


@pytest.mark.parametrize("check", [health.http, health.http_by_wget])
@pytest.mark.parametrize(("status", "healthy"), [("200 OK", True), ("503 Service Unavailable", False)])
def test_a_page_is_healthy_when_it_answers_200(
    serve: Serve, check: Callable[[int, str], health.HealthCheck], status: str, healthy: bool
) -> None:
    port = serve(f"HTTP/1.0 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    assert is_healthy(check(port, "/health")) is healthy


@pytest.mark.parametrize("check", [health.kafka(1), health.http(1, "/")])
def test_nobody_listening_is_unhealthy(check: health.HealthCheck) -> None:
    assert not is_healthy(check)
