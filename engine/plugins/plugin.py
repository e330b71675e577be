"""One provider plugin: its process, the calls it takes, and how they fail.

Which plugins there are when is left to `host`, what the calls mean to `provider`. A plugin's protocol is the
CLI's own: it prints the port it serves on as its first line, and gets the engine's address as its first
argument.
"""

from __future__ import annotations

import builtins
import os
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

import grpc

from engine import rpc
from engine.events import Diagnostic

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

    from engine.events import Sink
    from engine.process.processes import Child, Processes

DYNAMIC = "pulumi-python"
BUILTIN = "pulumi"
MODULES = {
    "docker": "engine.providers.docker",
    "kafka": "engine.providers.kafka",
    DYNAMIC: "pulumi.dynamic",
}
_START_SECONDS = 60.0
_TRACEBACK = "Traceback (most recent call last):\n"
# Raised by mistakes in code: then its author needs the whole traceback.
_MISTAKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    NotImplementedError,
    SyntaxError,
    TypeError,
)

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

        override = overridden(self.package)
        start = processes.program if override else processes.module
        self._child = start(
            override or MODULES[self.package],
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
                _words(failed.message), answered=not lost, code=failed.code, details=failed.details
            ) from None

    def _death(self, when: str) -> CallFailed:
        code = self._child.wait(0) or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        message = f"{self.title} {how} {when}; anything that it printed stands above"
        return CallFailed(message, answered=False)


def overridden(package: str) -> str | None:
    """The executable that the user wants in place of our own plugin."""
    return os.environ.get(f"MESSAGING_PROVIDER_{package.upper()}")


def _words(message: str) -> str:
    """Return what an error wants to say: dynamic servers report an exception with its whole traceback.

    A mistake in the provider's code keeps the traceback, an exception that was raised on purpose does not.
    """
    _, found, rest = message.rpartition(_TRACEBACK)
    if not found:
        return message
    lines = rest.splitlines()
    while lines and lines[0].startswith("  "):
        lines.pop(0)
    kind, _, said = "\n".join(lines).partition(": ")
    known = getattr(builtins, kind, None)
    mistake = isinstance(known, type) and issubclass(known, _MISTAKES)
    return said.strip() if said and not mistake else message
