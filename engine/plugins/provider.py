"""One configured provider, spoken to in property values: check, diff, create, read, update, delete, invoke.

Hides what differs between providers: whether they take secrets, simulate in preview, implement optional
calls, or know their configuration yet. Which provider serves a resource is decided in `registry`, how a call
travels in `plugin`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc

from engine import urn as urns
from engine import values
from engine.plugins.plugin import CallFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.struct_pb2 import Struct

    from engine.plugins.plugin import Connection, Metadata
    from engine.values import Values

UNKNOWN_CONFIGURATION = (
    "The provider for this resource has inputs that are not known during preview.\n"
    "This preview may not correctly represent the changes that will be applied during an update."
)
_PLANNING_SECONDS = 300.0
"""For a call that changes nothing: who has not answered by then never will."""
_GRACE_SECONDS = 60.0
"""What a call gets beyond the time that the program allows it: its provider should be the one to give up."""
_KINDS = ("add", "add-replace", "delete", "delete-replace", "update", "update-replace")


@dataclass(frozen=True)
class CheckFailure:
    """Why an input is refused; an empty property means the resource as a whole."""

    property: str
    reason: str


@dataclass(frozen=True)
class Diff:
    """What a provider says about the way from the old state to the new inputs.

    Attributes:
        changes: Whether anything is to be done; None when the provider does not know.
        replaces: Properties that force a replacement.
        changed: Properties that differ.
        detail: Path to kind (``add``, ``update-replace``, ...).
        delete_before_replace: Whether the old one must go first.
    """

    changes: bool | None
    replaces: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    detail: Mapping[str, str] = field(default_factory=dict)
    delete_before_replace: bool = False

    @property
    def replace(self) -> bool:
        """Whether the resource must be replaced."""
        return bool(self.replaces) or any(kind.endswith("-replace") for kind in self.detail.values())


class ConfigurationUnknown(Exception):
    """In preview, this provider's own inputs depend on something that does not exist yet."""


@dataclass(frozen=True)
class Live:
    """A resource as its provider reports it; no ``id`` after a read means that it is gone.

    ``inputs`` is None where the provider does not read them. ``init_errors`` are the reasons why it exists
    but is not ready.
    """

    id: str
    outputs: Values
    inputs: Values | None = None
    init_errors: tuple[str, ...] = ()


class Provider:
    """A provider behind a connection.

    Every method raises `CallFailed` when the provider refuses or dies.

    Args:
        connection: Carries the calls.
        preview: Whether nothing may be changed; unknown values are only legal then.
    """

    def __init__(self, connection: Connection, *, preview: bool) -> None:
        self._connection = connection
        self._preview = preview
        self._known = True
        self._accepts_secrets = False
        self._simulates = False

    # --- configuration ---

    def check_config(self, urn: str, olds: Values, news: Values) -> tuple[Values, list[CheckFailure]]:
        """Validate the provider's own inputs."""
        from pulumi.runtime.proto import provider_pb2 as pb

        request = pb.CheckRequest(**_named(urn), olds=_plain(olds), news=_plain(news))
        try:
            answer = self._connection.call("CheckConfig", request, seconds=_PLANNING_SECONDS)
        except CallFailed as error:
            if error.code is grpc.StatusCode.UNIMPLEMENTED:
                return news, []
            raise
        return values.remark_secrets(values.from_struct(answer.inputs), news), _failures(answer)

    def diff_config(self, urn: str, old_inputs: Values, old_outputs: Values, news: Values) -> Diff:
        """Compare two configurations; ``changes`` is None where the provider has no opinion."""
        from pulumi.runtime.proto import provider_pb2 as pb

        request = pb.DiffRequest(
            **_named(urn), old_inputs=_plain(old_inputs), olds=_plain(old_outputs), news=_plain(news)
        )
        try:
            return _diff(self._connection.call("DiffConfig", request, seconds=_PLANNING_SECONDS))
        except CallFailed as error:
            if error.code is grpc.StatusCode.UNIMPLEMENTED:
                return Diff(changes=None)
            raise

    def configure(self, urn: str, identifier: str, inputs: Values) -> None:
        """Configure it, unless its configuration is not known yet: then it will be asked nothing."""
        from pulumi.runtime.proto import provider_pb2 as pb

        if values.contains_unknown(inputs):
            self._known = False
            return
        arguments = values.to_struct(inputs, outputs=False)
        answer = self._connection.call(
            "Configure",
            pb.ConfigureRequest(
                **_named(urn),
                id=identifier,
                args=arguments,
                acceptSecrets=True,
                acceptResources=True,
                sends_old_inputs=True,
                sends_old_inputs_to_delete=True,
            ),
            seconds=_PLANNING_SECONDS,
        )
        self._accepts_secrets = answer.acceptSecrets
        self._simulates = answer.supportsPreview

    # --- resources ---

    def check(self, urn: str, olds: Values | None, news: Values) -> tuple[Values, list[CheckFailure]]:
        """Validate and complete inputs; ``olds`` is None for a new resource."""
        from pulumi.runtime.proto import provider_pb2 as pb

        if not self._known:
            return news, []
        answer = self._connection.call(
            "Check",
            pb.CheckRequest(
                **_named(urn),
                olds=self._struct(olds or {}),
                news=self._struct(news),
                randomSeed=os.urandom(32),
            ),
            seconds=_PLANNING_SECONDS,
        )
        return self._values(answer.inputs, news), _failures(answer)

    def diff(
        self,
        urn: str,
        identifier: str,
        *,
        old_inputs: Values,
        old_outputs: Values,
        news: Values,
        ignore_changes: Sequence[str] = (),
    ) -> Diff:
        """Compare a resource with new inputs.

        Raises:
            ConfigurationUnknown: It cannot say before it is configured.
        """
        from pulumi.runtime.proto import provider_pb2 as pb

        if not self._known:
            raise ConfigurationUnknown
        return _diff(
            self._connection.call(
                "Diff",
                pb.DiffRequest(
                    **_named(urn),
                    id=identifier,
                    old_inputs=self._struct(old_inputs),
                    olds=self._struct(old_outputs),
                    news=self._struct(news),
                    ignoreChanges=ignore_changes,
                ),
                seconds=_PLANNING_SECONDS,
            )
        )

    def create(self, urn: str, inputs: Values, *, seconds: float = 0, metadata: Metadata = ()) -> Live:
        """Create a resource, or in preview say what it would be. ``seconds`` 0 leaves it to the provider."""
        from pulumi.runtime.proto import provider_pb2 as pb

        if self._preview and not (self._known and self._simulates):
            return Live("", inputs if self._known else {})
        request = pb.CreateRequest(
            **_named(urn), properties=self._struct(inputs), timeout=seconds, preview=self._preview
        )
        try:
            answer = self._connection.call("Create", request, metadata, _limit(seconds))
        except CallFailed as error:
            return self._half_done(error, outputs_like=inputs)
        if not answer.id and not self._preview:
            msg = "the provider created it without giving it an id"
            raise CallFailed(msg, answered=True)
        return Live(answer.id, self._values(answer.properties, inputs))

    def update(
        self,
        urn: str,
        identifier: str,
        *,
        old_inputs: Values,
        old_outputs: Values,
        news: Values,
        ignore_changes: Sequence[str] = (),
        seconds: float = 0,
    ) -> Live:
        """Change a resource in place, or in preview say what it would look like."""
        from pulumi.runtime.proto import provider_pb2 as pb

        if self._preview and not (self._known and self._simulates):
            return Live(identifier, news if self._known else {})
        request = pb.UpdateRequest(
            **_named(urn),
            id=identifier,
            old_inputs=self._struct(old_inputs),
            olds=self._struct(old_outputs),
            news=self._struct(news),
            ignoreChanges=ignore_changes,
            timeout=seconds,
            preview=self._preview,
        )
        try:
            answer = self._connection.call("Update", request, seconds=_limit(seconds))
        except CallFailed as error:
            return self._half_done(error, outputs_like=news, identifier=identifier)
        return Live(identifier, self._values(answer.properties, news))

    def read(self, urn: str, identifier: str, *, inputs: Values, outputs: Values) -> Live:
        """Read a resource as it is now; before the provider is configured, nothing is known of it."""
        from pulumi.runtime.proto import provider_pb2 as pb

        if not self._known:
            return Live(identifier, {})
        request = pb.ReadRequest(
            **_named(urn), id=identifier, inputs=self._struct(inputs), properties=self._struct(outputs)
        )
        try:
            answer = self._connection.call("Read", request, seconds=_PLANNING_SECONDS)
        except CallFailed as error:
            return self._half_done(error, outputs_like=outputs, identifier=identifier)
        read_inputs = self._values(answer.inputs, inputs) if answer.HasField("inputs") else None
        return Live(answer.id, self._values(answer.properties, outputs), read_inputs)

    def delete(
        self,
        urn: str,
        identifier: str,
        *,
        inputs: Values,
        outputs: Values,
        seconds: float = 0,
        metadata: Metadata = (),
    ) -> None:
        """Delete a resource; without an id, what an interrupted creation left of it, if anything."""
        from pulumi.runtime.proto import provider_pb2 as pb

        request = pb.DeleteRequest(
            **_named(urn),
            id=identifier,
            old_inputs=self._struct(inputs),
            properties=self._struct(outputs),
            timeout=seconds,
        )
        self._connection.call("Delete", request, metadata, _limit(seconds))

    def invoke(self, token: str, arguments: Values) -> tuple[Values, list[CheckFailure]]:
        """Call a function of the provider; before it is configured, nothing is known of the result."""
        from pulumi.runtime.proto import provider_pb2 as pb

        if not self._known:
            return {}, []
        request = pb.InvokeRequest(tok=token, args=self._struct(arguments), preview=self._preview)
        answer = self._connection.call("Invoke", request)
        return values.from_struct(getattr(answer, "return")), _failures(answer)

    # --- borders ---

    def _struct(self, given: Values) -> Struct:
        return values.to_struct(given, secrets=self._accepts_secrets, outputs=False, references=False)

    def _values(self, struct: Struct, like: Values) -> Values:
        """Read what a provider says; one that knows no secrets returns plain what was secret in ``like``."""
        read = values.from_struct(struct)
        return read if self._accepts_secrets else values.remark_secrets(read, like)

    def _half_done(self, error: CallFailed, *, outputs_like: Values, identifier: str = "") -> Live:
        """Return the resource that exists although the call failed, or raise the error again."""
        if not error.details:
            raise error
        state = error.details[0]
        inputs = values.from_struct(state.inputs) if state.HasField("inputs") else None
        outputs = self._values(state.properties, outputs_like)
        return Live(state.id or identifier, outputs, inputs, tuple(state.reasons) or (str(error),))


def _limit(seconds: float) -> float | None:
    return seconds + _GRACE_SECONDS if seconds else None


def _named(urn: str) -> dict[str, Any]:
    return {"urn": urn, "name": urns.name_of(urn), "type": urns.type_of(urn)}


def _plain(given: Values) -> Struct:
    return values.to_struct(given, secrets=False, outputs=False, references=False)


def _failures(answer: Any) -> list[CheckFailure]:
    return [CheckFailure(failure.property, failure.reason) for failure in answer.failures]


def _diff(answer: Any) -> Diff:
    known = {answer.DIFF_NONE: False, answer.DIFF_SOME: True}
    detail = (
        {path: _KINDS[change.kind] for path, change in answer.detailedDiff.items()}
        if answer.hasDetailedDiff
        else {}
    )
    return Diff(
        changes=known.get(answer.changes),
        replaces=tuple(answer.replaces),
        changed=tuple(answer.diffs),
        detail=detail,
        delete_before_replace=answer.deleteBeforeReplace,
    )
