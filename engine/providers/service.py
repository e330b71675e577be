"""Pulumi's resource provider protocol over a package: requests to values, results and faults to messages.

Inputs arrive without secret marks (the official providers take none either; the engine puts them back), so no
value from a resource may appear in a message here.
"""

# ruff: noqa: N802 - the methods have the names of the protocol
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, Self

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from engine import urn as urns
from engine import values
from engine.errors import EngineError
from engine.providers import schema
from engine.providers.base import Call, Lost, ProviderError, Unfinished, fault
from engine.providers.check import DEFAULTS, Failure, check, configuration, named, plain
from engine.providers.diff import Kind
from engine.values import UNKNOWN

if TYPE_CHECKING:
    import threading

    from google.protobuf.struct_pb2 import Struct

    from engine.providers.base import Package, Resource
    from engine.providers.diff import Change
    from engine.providers.informant import Informant
    from engine.providers.schema import ResourceType
    from engine.values import Values

_META = "__meta"
_STEP, _ORPHAN, _SINCE = "messaging-step", "messaging-adopt", "messaging-since"
_Diff = provider_pb2.PropertyDiff
_KINDS = {
    (Kind.ADD, False): _Diff.ADD,
    (Kind.ADD, True): _Diff.ADD_REPLACE,
    (Kind.DELETE, False): _Diff.DELETE,
    (Kind.DELETE, True): _Diff.DELETE_REPLACE,
    (Kind.UPDATE, False): _Diff.UPDATE,
    (Kind.UPDATE, True): _Diff.UPDATE_REPLACE,
}


class Service(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one package.

    Args:
        package: The resources.
        version: What the provider says its version is.
        cancelled: Set by Cancel; waits end then.
        informant: Shows messages to the user.
    """

    def __init__(
        self, package: Package, *, version: str, cancelled: threading.Event, informant: Informant
    ) -> None:
        self._package = package
        self._version = version
        self._cancelled = cancelled
        self._informant = informant

    # --- the plugin ---

    def GetPluginInfo(self, _request: Any, _context: grpc.ServicerContext) -> Any:
        """Report the version."""
        return plugin_pb2.PluginInfo(version=self._version)

    def Attach(self, request: Any, _context: grpc.ServicerContext) -> Empty:
        """Accept an engine that found this provider running."""
        self._informant.connect(request.address)
        return Empty()

    def Handshake(self, _request: Any, _context: grpc.ServicerContext) -> Any:
        """Say what this provider understands: plain values."""
        return provider_pb2.ProviderHandshakeResponse()

    def Cancel(self, _request: Any, _context: grpc.ServicerContext) -> Empty:
        """End what is waiting, then the process."""
        self._cancelled.set()
        return Empty()

    def GetSchema(self, _request: Any, _context: grpc.ServicerContext) -> Any:
        """Describe the package."""
        described = schema.document(self._package.schema, self._version)
        return provider_pb2.GetSchemaResponse(schema=json.dumps(described))

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse: there are no functions."""
        name = self._package.schema.package
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            f"the embedded {name} provider has no functions, so not {request.tok} either; write what it "
            "would look up "
            "into the program or its configuration, or use the Pulumi CLI with its own provider",
        )

    # --- the provider's configuration ---

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Validate the configuration; it is passed on as it is."""
        with _Answering(context):
            failures = self._package.check_config(self._config(request.news))
            return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Compare two configurations. No change of one replaces resources."""
        with _Answering(context):
            old = plain(values.from_struct(request.old_inputs))
            new = plain(values.from_struct(request.news))
            changed = sorted(name for name in {**old, **new} if old.get(name) != new.get(name))
            changes = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
            return provider_pb2.DiffResponse(changes=changes, diffs=changed)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Take the configuration."""
        with _Answering(context):
            self._package.configure(self._config(request.args))
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def _config(self, struct: Struct) -> Values:
        return configuration(self._package.schema.provider, _given(struct))

    # --- resources ---

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Validate and complete inputs."""
        with _Answering(context):
            resource = self._resource(request.urn)
            noun = f"{self._package.schema.package} {resource.type.noun}"
            olds, news, kinds = _given(request.olds), _given(request.news), resource.type.properties
            made_up = named(kinds, olds, news, urns.name_of(request.urn), request.randomSeed)
            inputs, failures = check(kinds, news | made_up, noun)
            inputs[DEFAULTS] = sorted({*inputs[DEFAULTS], *made_up})
            if not failures:
                failures = resource.check(olds, plain(inputs))
            return provider_pb2.CheckResponse(inputs=values.to_struct(inputs), failures=_failures(failures))

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Compare outputs from the state with new inputs."""
        with _Answering(context):
            resource = self._resource(request.urn)
            changes = resource.diff(_given(request.olds), _given(request.news), request.ignoreChanges)
            given = [name for name, kind in resource.type.properties.items() if kind.named]
            made_up = set(_given(request.news).get(DEFAULTS, ()))
            return _difference(changes, first=not made_up.issuperset(given) or not given)

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Create, or in preview say what it would look like."""
        with _Answering(context) as answering:
            resource = self._resource(request.urn)
            inputs = plain(_given(request.properties))
            if request.preview:
                return provider_pb2.CreateResponse(
                    properties=_outputs(resource.type, _planned(resource.type, {}, inputs))
                )
            answering.type = resource.type
            identifier, outputs = resource.create(inputs, self._call(request, context))
            return provider_pb2.CreateResponse(id=identifier, properties=_outputs(resource.type, outputs))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Read a resource that the state knows, or only an id of; no id back: there is none."""
        with _Answering(context):
            resource = self._resource(request.urn)
            known = plain(_given(request.properties))
            outputs = resource.read(request.id, known or resource.known_by(request.id))
            if outputs is None:
                return provider_pb2.ReadResponse()
            if known:
                inputs = _seen(resource, _given(request.inputs), outputs)
            else:
                inputs = {name: outputs[name] for name in resource.type.inputs if name in outputs}
            return provider_pb2.ReadResponse(
                id=request.id, properties=_outputs(resource.type, outputs), inputs=values.to_struct(inputs)
            )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Change in place, or in preview say what it would look like."""
        with _Answering(context) as answering:
            resource = self._resource(request.urn)
            olds, news = plain(_given(request.olds)), plain(_given(request.news))
            if request.preview:
                outputs = _planned(resource.type, olds, news)
            else:
                answering.type = resource.type
                outputs = resource.update(request.id, olds, news, self._call(request, context))
            return provider_pb2.UpdateResponse(properties=_outputs(resource.type, outputs))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Empty:
        """Remove."""
        with _Answering(context):
            resource = self._resource(request.urn)
            call = self._call(request, context)
            identifier, known = request.id, plain(_given(request.properties))
            if not identifier:  # what an interrupted creation left, if anything
                known = plain(_given(request.old_inputs))
                identifier = resource.left(known, call)
            if identifier:
                resource.delete(identifier, known, call)
        return Empty()

    def _call(self, request: Any, context: grpc.ServicerContext) -> Call:
        metadata = [(key, str(value)) for key, value in context.invocation_metadata()]
        return Call(
            self._cancelled,
            lambda message: self._informant.say(request.urn, message),
            seconds=request.timeout,
            step=next((value for key, value in metadata if key == _STEP), ""),
            orphans=frozenset(value for key, value in metadata if key == _ORPHAN),
            since=next((value for key, value in metadata if key == _SINCE), ""),
        )

    def _resource(self, urn: str) -> Resource:
        token = urns.type_of(urn)
        if token not in self._package.resources:
            served = ", ".join(sorted(self._package.resources))
            raise ProviderError(
                f"the embedded {self._package.schema.package} provider does not serve {token}; it serves "
                f"{served}. "
                "For this resource use the Pulumi CLI with its own provider."
            )
        return self._package.resources[token]


class _Answering:
    """Turns what a resource raises into what the caller is told.

    Attributes:
        type: Of the resource, where the call may leave it half done.
    """

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._context = context
        self.type: ResourceType | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Unfinished) and self.type:
            self._half_done(error, self.type)
        if isinstance(error, Lost):  # engines take this for an outcome that nobody knows
            self._context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        if isinstance(error, ProviderError | EngineError):
            self._context.abort(grpc.StatusCode.UNKNOWN, str(error))
        if isinstance(error, Exception):
            self._context.abort(grpc.StatusCode.INTERNAL, str(fault(error)))

    def _half_done(self, error: Unfinished, kind: ResourceType) -> NoReturn:
        # Without inputs: the engine has them, and knows which of them are secret.
        packed = Packed()
        packed.Pack(
            provider_pb2.ErrorResourceInitFailed(
                id=error.id, properties=_outputs(kind, error.outputs), reasons=[str(error)]
            )
        )
        status = status_pb2.Status(
            code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[packed]
        )
        self._context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        self._context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _given(struct: Struct) -> Values:
    revealed: Values = values.reveal(values.from_struct(struct))
    return revealed


def _failures(failures: list[Failure]) -> list[Any]:
    return [
        provider_pb2.CheckFailure(property=failure.property, reason=failure.reason) for failure in failures
    ]


def _difference(changes: list[Change], *, first: bool) -> Any:
    """Describe changes; ``first`` if a replacement can only be made once the old one is gone."""
    replaces = sorted({change.top for change in changes if change.replace})
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=replaces,
        diffs=sorted({change.top for change in changes}),
        detailedDiff={
            change.path: _Diff(kind=_KINDS[change.kind, change.replace], inputDiff=False)
            for change in changes
        },
        hasDetailedDiff=True,
        # A name that the program gives must be free before the new one can take it.
        deleteBeforeReplace=bool(replaces) and first,
    )


def _planned(kind: ResourceType, olds: Values, news: Values) -> Values:
    """Foresee outputs: what the program wants, and what the system fills in as it is or unknown."""
    planned = dict(news)
    for name, given in kind.properties.items():
        if name not in planned and (given.output or given.stays):
            if olds:
                planned.update({name: olds[name]} if name in olds else {})
            elif not given.kept:
                planned[name] = UNKNOWN
    return planned


def _seen(resource: Resource, inputs: Values, outputs: Values) -> Values:
    """Bring inputs up to what was read; those that say the same stay as the program wrote them.

    A default that no longer holds is left out, so that the next check fills it in again.
    """
    seen = {}
    defaults = set(inputs.get(DEFAULTS, ()))
    changed = {change.top for change in resource.diff(outputs, plain(inputs), ())}
    for name, value in inputs.items():
        if name not in changed:
            seen[name] = value
        elif name in outputs and name not in defaults:
            seen[name] = outputs[name]
    if DEFAULTS in inputs:
        seen[DEFAULTS] = sorted(defaults & seen.keys())
    return seen


def _outputs(kind: ResourceType, outputs: Values) -> Struct:
    meta = (
        {_META: json.dumps({"schema_version": str(kind.version)}, separators=(",", ":"))}
        if kind.version
        else {}
    )
    return values.to_struct(outputs | meta)
