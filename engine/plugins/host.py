"""The plugins of a run: found by package, started ahead of need, left to the run after it.

A preview's can serve the update that follows. How one is spoken to is left to `plugin`.
"""

from __future__ import annotations

import importlib.util
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from engine.errors import Unsupported
from engine.plugins.dynamic import DynamicServers
from engine.plugins.plugin import BUILTIN, DYNAMIC, MODULES, Plugin, overridden
from engine.process.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.events import Sink
    from engine.plugins.plugin import Connection


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
        if not overridden(plugin.package):
            with self._lock:
                self._idle.setdefault(plugin.package, []).append(plugin)

    def close(self) -> None:
        """End all of them."""
        self.processes.close()


def expected() -> list[str]:
    """Return the packages that a first run will most likely need: those whose SDK its program can import."""
    return [name for name in MODULES if name == DYNAMIC or importlib.util.find_spec(f"pulumi_{name}")]


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
    def unknown(packages: Sequence[str]) -> list[str]:
        """Return the packages that this engine has no provider for."""
        return sorted(set(packages) - {*MODULES, BUILTIN})

    @staticmethod
    def check(packages: Sequence[str]) -> None:
        """Refuse the packages that this engine has no provider for, all at once.

        Raises:
            Unsupported: Names them, and what there is.
        """
        if unknown := Plugins.unknown(packages):
            msg = (
                f"the embedded engine has no provider for {', '.join(unknown)}, only for "
                f"{', '.join(sorted(MODULES))}: use the Pulumi CLI for this program (MESSAGING_ENGINE=cli)"
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
