"""Provider plugins as processes: found by package, started ahead of need, called, missed when they die.

What the calls mean is `provider`'s business; this module only carries them. A plugin's protocol is the CLI's
own: it prints the port it serves on as its first line, and gets the engine's address as its first argument.
Those of a preview can serve the update after it.
"""

from __future__ import annotations

import importlib.util
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import grpc

from engine import rpc
from engine.dynamic import DynamicServers, words
from engine.errors import Unsupported
from engine.events import Diagnostic
from engine.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from google.protobuf.message import Message

    from engine.events import Sink
    from engine.processes import Child

DYNAMIC = "pulumi-python"
BUILTIN = "pulumi"
_MODULES = {
    "docker": "engine.providers.docker",
    "kafka": "engine.providers.kafka",
    DYNAMIC: "pulumi.dynamic",
}
_START_SECONDS = 60.0

Metadata = tuple[tuple[str, str], ...]


class CallFailed(Exception):
    """A provider refused, or died before it could answer.

    Attributes:
        answered: Whether the provider itself said so: then nothing of that call is still under way.
        code: gRPC's status, None when the provider died.
        details: ``ErrorResourceInitFailed`` messages that came with the answer: at most one.
    """

    def __init__(
        self,
        message: str,
        *,
        answered: bool,
        code: grpc.StatusCode | None = None,
        details: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(message)
        self.answered = answered
        self.code = code
        self.details = details


class Connection(Protocol):
    """Something that carries calls to a provider."""

    def call(
        self, method: str, request: Message, metadata: Metadata = (), seconds: float | None = None
    ) -> Any:
        """Make one call and return its response.

        Args:
            method: Its name in the protocol.
            request: What is asked.
            metadata: What travels beside it.
            seconds: How long it may take; None is for ever.

        Raises:
            CallFailed: The provider refused, died, or did not answer in time.
        """


class Plugin:
    """One plugin process."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.title = f"the {package} provider"
        self.sink: Sink
        """Gets what it prints."""
        self._child: Child
        self._stub: Any
        self._port: Future[str] = Future()

    def start(
        self, processes: Processes, engine: str, root: Path, environment: dict[str, str], sink: Sink
    ) -> Plugin:
        """Start the process and wait until it serves.

        Raises:
            CallFailed: It ended, or said nothing, within a minute.
        """
        self.sink = sink

        def on_line(line: str, error: bool) -> None:
            if line.strip():
                self.sink(Diagnostic(severity="info#err" if error else "info", message=line))

        override = _override(self.package)
        start = processes.program if override else processes.module
        self._child = start(
            override or _MODULES[self.package],
            [engine],
            cwd=root,
            environment=environment,
            on_line=on_line,
            on_first_line=self._port.set_result,
        )
        self._connect(self._wait_for_port())
        return self

    def _wait_for_port(self) -> str:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            try:
                return self._port.result(0.05)
            except TimeoutError:
                if self._child.wait(0) is not None and not self._port.done():
                    raise self._death("before it was ready") from None
        msg = f"{self.title} did not say within {_START_SECONDS:.0f} s which port it serves on"
        raise CallFailed(msg, answered=False)

    def _connect(self, port: str) -> None:
        if not port.strip().isdigit():
            msg = f"the first line of {self.title} must be the port it serves on, not {port!r}"
            raise CallFailed(msg, answered=False)
        self._stub = self._stub_of(rpc.channel(f"127.0.0.1:{port.strip()}"))

    def _stub_of(self, channel: grpc.Channel) -> Any:
        from pulumi.runtime.proto import provider_pb2_grpc  # kept from every command that starts no plugin

        return provider_pb2_grpc.ResourceProviderStub(channel)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._child.wait(0) is None

    def call(
        self, method: str, request: Message, metadata: Metadata = (), seconds: float | None = None
    ) -> Any:
        """Make one call: see `Connection`."""
        try:
            return getattr(self._stub, method)(request, metadata=metadata, timeout=seconds)
        except grpc.RpcError as error:
            failed = rpc.answer(error)
            if seconds and failed.code is grpc.StatusCode.DEADLINE_EXCEEDED:
                message = f"the {self.package} provider hangs: no answer to {method} within {seconds:.0f} s"
                raise CallFailed(message, answered=False) from None
            # A call that was under way when the process ended fails before the exit code is known.
            lost = failed.code is grpc.StatusCode.UNAVAILABLE
            if (lost and self._child.wait(1) is not None) or not self.alive:
                raise self._death(f"during {method}") from None
            raise CallFailed(
                words(failed.message), answered=not lost, code=failed.code, details=failed.details
            ) from None

    def _death(self, when: str) -> CallFailed:
        code = self._child.wait(0) or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        message = f"{self.title} {how} {when}; anything that it printed stands above"
        return CallFailed(message, answered=False)


class Pool:
    """Plugin processes that outlive a run, so that a preview's can serve the update after it.

    A plugin that somebody put in place of ours serves one run, as with the CLI: nobody knows whether it can
    be configured twice.
    """

    def __init__(self) -> None:
        self.processes = Processes()
        self._idle: dict[str, list[Plugin]] = {}
        self._lock = threading.Lock()

    def take(self, package: str, engine: str, sink: Sink) -> Plugin | None:
        """Return an idle plugin that from now on speaks to this engine and audience, if there is one."""
        with self._lock:
            idle = self._idle.get(package)
            plugin = idle.pop() if idle else None
        if plugin is None or not plugin.alive:
            return None
        plugin.sink = sink
        if package != DYNAMIC:  # its server knows no engine
            from pulumi.runtime.proto import plugin_pb2  # kept from every command that starts no plugin

            plugin.call("Attach", plugin_pb2.PluginAttach(address=engine))
        return plugin

    def put(self, plugin: Plugin) -> None:
        """Keep a plugin that a run is done with."""
        if not _override(plugin.package):
            with self._lock:
                self._idle.setdefault(plugin.package, []).append(plugin)

    def close(self) -> None:
        """End all of them."""
        self.processes.close()


def _override(package: str) -> str | None:
    """The executable that the user wants in place of our own plugin."""
    return os.environ.get(f"MESSAGING_PROVIDER_{package.upper()}")


def expected() -> list[str]:
    """Return the packages that a first run will most likely need: those whose SDK its program can import."""
    return [name for name in _MODULES if name == DYNAMIC or importlib.util.find_spec(f"pulumi_{name}")]


class Plugins:
    """Starts the plugins of one run, or takes them over from the run before.

    Args:
        pool: Where they live, and where they are left.
        engine: The address of the engine's own services.
        root: The project's folder, their working directory.
        project: The project's name, for the dynamic provider.
        sink: Gets what they print.
        builtin: Serves the package that is the engine's own.
    """

    def __init__(
        self,
        pool: Pool,
        engine: str,
        root: Path,
        project: str,
        sink: Sink,
        *,
        builtin: Connection,
    ) -> None:
        self._pool = pool
        self._engine = engine
        self._root = root
        self._environment = {"PULUMI_PROJECT": project, "no_grpc_proxy": "127.0.0.1"}
        self._sink = sink
        self._builtin = builtin
        self._starter = ThreadPoolExecutor(4, thread_name_prefix="plugin")
        self._ahead: dict[str, list[Future[Plugin]]] = {}
        self._started: list[Plugin] = []
        self._lock = threading.Lock()

    @staticmethod
    def check(packages: Sequence[str]) -> None:
        """Refuse the packages that this engine has no provider for, all at once.

        Raises:
            Unsupported: Names them, and what there is.
        """
        if unknown := sorted(set(packages) - {*_MODULES, BUILTIN}):
            msg = (
                f"the embedded engine has no provider for {', '.join(unknown)}, only for "
                f"{', '.join(sorted(_MODULES))}: use the Pulumi CLI for this program (MESSAGING_ENGINE=cli)"
            )
            raise Unsupported(msg)

    def warm(self, package: str) -> None:
        """Start a plugin that will be needed soon; the next `start` of the package takes it."""
        if package == BUILTIN:
            return
        with self._lock:
            self._ahead.setdefault(package, []).append(self._starter.submit(self._start, package))

    def start(self, package: str) -> Plugin:
        """Return a plugin process of this package that nobody else uses.

        Raises:
            Unsupported: There is no such provider.
            CallFailed: It did not start.
        """
        self.check([package])
        with self._lock:
            ahead = self._ahead.get(package)
            waiting = ahead.pop(0) if ahead else None
        return waiting.result() if waiting else self._start(package)

    def connect(self, package: str) -> Connection:
        """Return a connection of its own: one process, for dynamic resources as many as needed."""
        if package == DYNAMIC:
            return DynamicServers(lambda: self.start(DYNAMIC))
        if package == BUILTIN:
            return self._builtin
        return self.start(package)

    def _start(self, package: str) -> Plugin:
        plugin = self._pool.take(package, self._engine, self._sink) or Plugin(package).start(
            self._pool.processes, self._engine, self._root, self._environment, self._sink
        )
        with self._lock:
            self._started.append(plugin)
        return plugin

    def close(self) -> None:
        """Start no more, and leave those that run to the pool."""
        self._starter.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for plugin in self._started:
                self._pool.put(plugin)
