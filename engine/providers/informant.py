"""Messages to the user while a call goes on, such as that an image is being pulled."""

from __future__ import annotations

from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class Informant:
    """Speaks to the engine that uses this provider, where there is one.

    Args:
        address: The engine's services; empty for none.
    """

    def __init__(self, address: str = "") -> None:
        self._engine: Any = None
        if address:
            self.connect(address)

    def connect(self, address: str) -> None:
        """Speak to the engine at this address from now on."""
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def say(self, urn: str, message: str) -> None:
        """Show a message beside a resource; one that cannot be delivered is dropped."""
        if self._engine:
            request = engine_pb2.LogRequest(
                severity=engine_pb2.INFO, message=message, urn=urn, ephemeral=True
            )
            self._engine.Log.future(request, timeout=5)
