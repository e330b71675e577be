"""Finding and starting a Docker engine, with a stand-in for dockerd; the real one runs in the e2e tier."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from host import daemon as module
from host.daemon import Daemon
from host.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWERING = """\
import http.server, os, socketserver, sys

class Ping(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
    def address_string(self):
        return "unix"

class Server(socketserver.UnixStreamServer):
    pass

arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
open("/proc/self/comm", "w").write("dockerd")
open(arguments["--pidfile"], "w").write(str(os.getpid()))
print("listening", flush=True)
Server(arguments["--host"].removeprefix("unix://"), Ping).serve_forever()
"""
FAILING = "import sys\nprint('failed to mount overlay', flush=True)\nsys.exit(3)\n"


def daemon(folder: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    script = folder / "dockerd"
    script.write_text(f"#!{sys.executable}\n{program}")
    script.chmod(0o755)
    return Daemon(
        socket=folder / "docker.sock",
        pid_file=folder / "docker.pid",
        log=folder / "docker.log",
        command=str(script),
    )


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[int]:
    """The pid of a dockerd that was killed and that nobody waits for."""
    named = "open('/proc/self/comm', 'w').write('dockerd'); print(flush=True); import sys; sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", named], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and still there
    yield process.pid
    process.stdin.close()
    process.stdout.close()
    process.wait()


def test_a_daemon_is_started_once_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = daemon(tmp_path, ANSWERING, monkeypatch)

    assert engine.ensure() is True
    assert engine.ensure() is False, "one that answers is used as it is"

    engine.stop()

    assert not engine.answers()
    assert "listening" in (tmp_path / "docker.log").read_text()


def test_a_stale_pid_file_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = daemon(tmp_path, ANSWERING, monkeypatch)
    (tmp_path / "docker.pid").write_text(str(os.getpid()))  # a live process, but no dockerd

    try:
        assert engine.ensure() is True
    finally:
        engine.stop()


def test_a_daemon_that_dies_is_reported_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = daemon(tmp_path, FAILING, monkeypatch)

    with pytest.raises(HostError, match=r"ended with code 3(.|\n)*failed to mount overlay"):
        engine.ensure()


def test_with_docker_host_set_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = daemon(tmp_path, ANSWERING, monkeypatch)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")

    with pytest.raises(HostError, match="DOCKER_HOST"):
        engine.ensure()

    assert not (tmp_path / "docker.log").exists()


def test_a_user_who_is_not_root_is_told_the_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = daemon(tmp_path, ANSWERING, monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(HostError, match=r"root.*group `docker`.*DOCKER_HOST"):
        engine.ensure()


def test_a_killed_daemon_that_nobody_has_waited_for_is_no_obstacle(
    tmp_path: Path, killed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "START_TIMEOUT", 5.0)
    engine = daemon(tmp_path, ANSWERING, monkeypatch)
    (tmp_path / "docker.pid").write_text(str(killed))

    try:
        assert engine.ensure() is True
    finally:
        engine.stop()


def test_a_daemon_is_stopped_by_another_process_than_the_one_that_started_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = daemon(tmp_path, ANSWERING, monkeypatch)
    places = {name: str(getattr(engine, name)) for name in ("socket", "pid_file", "log")}
    starting = (
        "import os, pathlib, host.daemon\n"
        "os.geteuid = lambda: 0\n"
        f"places = {{name: pathlib.Path(place) for name, place in {places}.items()}}\n"
        f"assert host.daemon.Daemon(command={engine.command!r}, **places).ensure()\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", starting], check=True)
    assert engine.answers()

    engine.stop()

    assert not engine.answers()


def test_a_daemon_that_someone_else_started_is_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = daemon(tmp_path, ANSWERING, monkeypatch)
    engine.ensure()
    engine.stop()
    arguments = ("--host", f"unix://{engine.socket}", "--pidfile", str(engine.pid_file))
    engine.socket.unlink()
    theirs = subprocess.Popen([engine.command, *arguments], stdout=subprocess.PIPE)
    try:
        assert theirs.stdout is not None
        theirs.stdout.readline()

        with pytest.raises(HostError, match=rf"{theirs.pid} goes on: it was not started by"):
            engine.stop()

        assert theirs.poll() is None
    finally:
        theirs.kill()
        theirs.communicate()


def test_a_process_that_is_no_daemon_is_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = daemon(tmp_path, ANSWERING, monkeypatch)
    bystander = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    try:
        (tmp_path / "docker.pid").write_text(str(bystander.pid))

        engine.stop()

        assert bystander.poll() is None
    finally:
        assert bystander.stdin is not None
        bystander.stdin.close()
        bystander.wait()
