"""The provider that the engine itself is: package ``pulumi``, whose only resource here is StackReference.

Speaks the provider protocol like a plugin, without a process: see `plugins.Connection`. How another stack's
outputs are found is the caller's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from engine import values
from engine.errors import EngineError
from engine.plugins.plugin import CallFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from engine.values import Values

_REFERENCE = "pulumi:pulumi:StackReference"


class Builtin:
    """Answers calls.

    Args:
        stack_outputs: The outputs of the stack with this name; raises `EngineError` where there is none.
    """

    def __init__(self, stack_outputs: Callable[[str], Values]) -> None:
        self._stack_outputs = stack_outputs

    def call(
        self,
        method: str,
        request: Any,
        metadata: tuple[tuple[str, str], ...] = (),  # noqa: ARG002 - nothing here takes time
        seconds: float | None = None,  # noqa: ARG002
    ) -> Any:
        """Make one call: see `plugins.Connection`."""
        answer = {
            "CheckConfig": self._check_config,
            "DiffConfig": self._same,
            "Configure": self._configure,
            "Diff": self._same,
            "Read": self._read,
        }.get(method)
        if answer is None:
            message = (
                f"the embedded engine has no {getattr(request, 'tok', '') or method} of its own: "
                "use the Pulumi CLI for this program (MESSAGING_ENGINE=cli)"
            )
            raise CallFailed(message, answered=True, code=grpc.StatusCode.UNIMPLEMENTED)
        return answer(request)

    def _check_config(self, request: Any) -> Message:
        from pulumi.runtime.proto import provider_pb2 as pb

        return pb.CheckResponse(inputs=request.news)

    def _configure(self, request: Any) -> Message:  # noqa: ARG002 - there is nothing to configure
        from pulumi.runtime.proto import provider_pb2 as pb

        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def _same(self, request: Any) -> Message:  # noqa: ARG002 - what is only read never differs
        from pulumi.runtime.proto import provider_pb2 as pb

        return pb.DiffResponse(changes=pb.DiffResponse.DIFF_NONE)

    def _read(self, request: Any) -> Message:
        from pulumi.runtime.proto import provider_pb2 as pb

        if request.type != _REFERENCE:
            raise CallFailed(f"the embedded engine cannot read a {request.type}", answered=True)
        try:
            outputs = self._stack_outputs(request.id)
        except EngineError as error:
            raise CallFailed(str(error), answered=True) from None
        secret = sorted(key for key, value in outputs.items() if values.contains_secret(value))
        found = {"name": request.id, "outputs": outputs, "secretOutputNames": secret}
        return pb.ReadResponse(id=request.id, inputs=request.inputs, properties=values.to_struct(found))
