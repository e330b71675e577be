"""Looking at a host: against a Docker engine's HTTP interface in memory, real ports and a real /proc."""

from __future__ import annotations

import gc
import json
import os
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from components import host_facts, platform
from components.claims import Claim, Port, claim
from messaging.docker_engine import EngineError
from messaging.streams import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from settings import Settings

ANYWHERE = "0.0.0.0"  # noqa: S104 - read, not bound
ANSWERS: dict[str, Any] = {
    "/version": {"ApiVersion": "1.41"},
    "/info": {
        "ID": "engine-1",
        "NCPU": 4,
        "MemTotal": 2048 * 1024 * 1024,
        "DockerRootDir": "/",
        "ServerVersion": "20.10.24",
        "LiveRestoreEnabled": True,
    },
    "/containers/json": [
        {
            "Names": ["/web"],
            "Labels": {"a": "b"},
            "Ports": [
                {"IP": ANYWHERE, "PrivatePort": 80, "PublicPort": 8081, "Type": "tcp"},
                {"PrivatePort": 81, "Type": "tcp"},
                {"IP": ANYWHERE, "PrivatePort": 82, "PublicPort": 9092, "Type": "udp"},
            ],
        },
        {"Names": ["/idle"], "Labels": None, "Ports": None},
    ],
    "/networks": [{"Name": "bridge", "Labels": None}],
    "/volumes": {"Volumes": [{"Name": "data", "Labels": {"c": "d"}}]},
    "/images/i/kafka:1/json": {"Id": "sha256:1"},
}


class _UnixServer(ThreadingHTTPServer):
    address_family = socket.AF_UNIX
    daemon_threads = True

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)


@pytest.fixture
def engine_socket(tmp_path: Path) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            path = path if path == "/version" else "/" + path.split("/", 2)[2]
            content = ANSWERS.get(path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content or {"message": f"no such image {path}"}).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            return

    path = tmp_path / "docker.sock"
    with _UnixServer(str(path), Handler) as server:  # type: ignore[arg-type]  # a path is a Unix socket's address
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"unix://{path}"
        server.shutdown()
        thread.join()


@pytest.fixture
def wanted(dev: Settings, engine_socket: str) -> Claim:
    nothing = platform.plan(dev, Catalogue(streams=()))
    return replace(claim(nothing, dev), docker_host=engine_socket, published={})


def test_names_labels_ports_and_sizes_are_read(wanted: Claim) -> None:
    facts = host_facts.observe(wanted)

    assert facts.engine == "engine-1"
    assert facts.address.startswith("unix://")
    assert set(facts.containers) == {"web", "idle"}
    assert facts.containers["web"].labels == {"a": "b"}
    assert facts.containers["web"].ports == (Port(address=ANYWHERE, port=8081),)
    assert facts.networks == {"bridge": {}}
    assert facts.volumes == {"data": {"c": "d"}}
    assert facts.memory_mib == 2048
    assert facts.version == "20.10.24"
    assert facts.live_restore
    assert facts.free_disk_mib is not None


def test_only_images_that_are_not_there_are_missing(wanted: Claim) -> None:
    assert host_facts.observe(wanted).missing_images == {"i/console:1", "i/registry:1"}


def test_a_port_that_this_process_holds_is_found_with_its_process(wanted: Claim) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = Port(address="127.0.0.1", port=held.getsockname()[1])

        facts = host_facts.observe(replace(wanted, published={"web": (port,)}))

    assert facts.processes[port].pid == os.getpid()
    assert "python" in facts.processes[port].command or "pytest" in facts.processes[port].command


def test_a_free_port_has_no_process(wanted: Claim) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        number = held.getsockname()[1]

    port = Port(address="127.0.0.1", port=number)
    assert host_facts.observe(replace(wanted, published={"web": (port,)})).processes == {}


def test_certificates_that_are_not_there_are_named(
    wanted: Claim, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))

    with pytest.raises(EngineError, match=rf"DOCKER_CERT_PATH \({tmp_path}\) must be a folder with ca\.pem"):
        host_facts.observe(replace(wanted, docker_host=""))


def test_an_engine_that_is_not_there_is_named(wanted: Claim) -> None:
    with pytest.raises(EngineError, match=r"tcp://127\.0\.0\.1:9 does not answer: Connection refused"):
        host_facts.observe(replace(wanted, docker_host="tcp://127.0.0.1:9"))


# The Docker client forgets the socket with which it could not connect.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_environments_engine_is_used_when_none_is_configured(
    wanted: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    with pytest.raises(EngineError, match=r"unix:///nowhere/docker\.sock does not answer: No such file"):
        host_facts.observe(replace(wanted, docker_host=""))
    gc.collect()
