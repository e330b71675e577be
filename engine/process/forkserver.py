"""The process that the others are forked from: it has loaded what they all need, so each starts in no time.

Run as ``engine.process.forkserver SOCKET``, with the number of an open socket. Each request is one JSON
object, after eight bytes that give its length: ``{"run": [MODULE, ARGUMENTS...], "cwd": ...,
"environment": {...}}`` with three descriptors for standard input, output and error, answered by a process id,
null where none can be made; or ``{"ended": PID}``, answered by an exit code, negative for a deadly signal,
null while it runs. It ends when the other side hangs up, and its children with it.

It has one thread, and what it loads starts none and opens no channel: only then may a process fork and go on.
Left to others: who asks (`forks`), and starting a process where nobody could be asked (`child`).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import socket
import sys
from contextlib import suppress
from typing import Any

from engine.process.child import die_with

# In the order in which a run needs it. What cannot be imported is for the process to report that needs it.
_LOADED = (
    "pulumi",
    "pulumi.dynamic",
    "pulumi.policy",
    "engine.program.outstanding",
    "pulumi_docker",
    "pulumi_kafka",
    "engine.providers.server",
    "engine.providers.docker.package",
    "engine.providers.kafka.package",
)
LENGTH = 8
"""Bytes of a request's length, and of an answer."""
_DESCRIPTORS = 3


class _Child(Exception):
    """This is the new process now."""

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__()
        self.request = request


def _serve(connection: socket.socket) -> bool:
    """Answer one request; tell whether the other side is still there."""
    head, descriptors, _, _ = socket.recv_fds(connection, LENGTH, _DESCRIPTORS)
    if not head:
        return False
    request = json.loads(connection.recv(int(head), socket.MSG_WAITALL))
    if "ended" in request:
        pid, status = os.waitpid(request["ended"], os.WNOHANG)
        answer = os.waitstatus_to_exitcode(status) if pid else None
    else:
        answer = _forked(request, connection, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
    connection.sendall(json.dumps(answer).encode().ljust(LENGTH))
    return True


def _forked(request: dict[str, Any], connection: socket.socket, descriptors: list[int]) -> int | None:
    """Return the id of a new process once it can be signalled; in that one, raise `_Child`."""
    gc.freeze()  # so that no collection in a child copies what it never changes
    server = os.getpid()
    ready, tell = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(ready)
        os.close(tell)
        return None
    if pid == 0:
        os.setsid()
        die_with(server)
        os.close(ready)
        os.close(tell)
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        connection.close()
        raise _Child(request)
    os.close(tell)
    os.read(ready, 1)  # until it has closed it, too: by then its group exists
    os.close(ready)
    return pid


def _serve_all(connection: socket.socket) -> None:
    """Load and serve, whichever is to be done, until the other side hangs up."""
    for name in _LOADED:
        while select.select([connection], [], [], 0)[0]:
            if not _serve(connection):
                return
        with suppress(Exception):
            importlib.import_module(name)
    while _serve(connection):
        pass


def _become(request: dict[str, Any], path: list[str]) -> None:
    """Go on as ``python -m`` would."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:] = [request["cwd"], *path]
    sys.argv = request["run"]
    gc.enable()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def main() -> None:
    """Serve; in a new process, become what was asked for."""
    path = sys.path[1:]
    gc.disable()
    try:
        with socket.socket(fileno=int(sys.argv[1])) as connection:
            _serve_all(connection)
    except _Child as child:
        request = child.request
    else:
        os._exit(0)
    _become(request, path)


if __name__ == "__main__":
    main()
