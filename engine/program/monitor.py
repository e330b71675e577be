"""The services that the program and the plugins talk to: Pulumi's ResourceMonitor and Engine.

Turns messages into goals and values, hands them to the run, and turns what comes back into messages. A
request ends with UNAVAILABLE when the run is over; what went wrong has been told to the user by then, not to
the program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from engine import rpc, values
from engine.errors import EngineError, StepFailed
from engine.events import Diagnostic
from engine.plugins.plugin import CallFailed
from engine.program import goal as goals

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.events import Sink
    from engine.program.goal import Goal
    from engine.resource import Resource
    from engine.values import Values
    from engine.workspace.run_info import RunInfo

_FEATURES = {
    "secrets": resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    "resourceReferences": resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    "outputValues": resource_pb2.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
    "aliasSpecs": resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    "deletedWith": resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
}
_SEVERITIES = {engine_pb2.INFO: "info", engine_pb2.WARNING: "warning", engine_pb2.ERROR: "error"}
_INSTEAD = "use the Pulumi CLI for this program (MESSAGING_ENGINE=cli)"


class Host(Protocol):
    """What the services need from a run."""

    def register(self, goal: Goal) -> Resource:
        """Bring a resource to its wanted state and return it.

        Raises:
            Aborted: The run is over.
        """

    def read(self, goal: Goal) -> Resource:
        """Look up a resource that somebody else made, and return it.

        Raises:
            Aborted: The run is over.
        """

    def register_outputs(self, urn: str, outputs: Values) -> None:
        """Take what a component or the stack has to show."""

    def invoke(self, token: str, arguments: Values, *, provider: str, version: str) -> Values:
        """Call a provider's function."""

    def fail(self, message: str, urn: str = "") -> None:
        """Take note that the run cannot succeed any more, and tell the user why."""


class ResourceMonitor(resource_pb2_grpc.ResourceMonitorServicer):
    """The program's view of a run.

    Args:
        host: The run.
        information: What the program may ask about it: project, stack, configuration.
    """

    def __init__(self, host: Host, information: resource_pb2.DeploymentInfo) -> None:
        self._host = host
        self._information = information

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802, D102
        return self._information

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802, D102
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802, D102
        def answer() -> Any:
            resource = self._host.register(goals.read(request))
            return resource_pb2.RegisterResourceResponse(
                urn=resource.urn,
                id=resource.id,
                object=values.to_struct(
                    resource.outputs if resource.custom else {},
                    secrets=request.acceptSecrets,
                    outputs=False,
                    references=request.acceptResources,
                ),
            )

        return self._guarded(context, answer, subject=f"{request.type} {request.name!r}")

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802, D102
        def answer() -> Any:
            resource = self._host.read(goals.read_existing(request))
            return resource_pb2.ReadResourceResponse(
                urn=resource.urn,
                properties=values.to_struct(
                    resource.outputs,
                    secrets=request.acceptSecrets,
                    outputs=False,
                    references=request.acceptResources,
                ),
            )

        return self._guarded(context, answer, subject=f"{request.type} {request.name!r}")

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802, D102
        def answer() -> Any:
            outputs = {
                key: values.flatten(value) for key, value in values.from_struct(request.outputs).items()
            }
            self._host.register_outputs(request.urn, outputs)
            return empty_pb2.Empty()

        return self._guarded(context, answer, subject=f"the outputs of {request.urn}")

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802, D102
        def answer() -> Any:
            arguments = {
                key: values.flatten(value) for key, value in values.from_struct(request.args).items()
            }
            result = self._host.invoke(
                request.tok, arguments, provider=request.provider, version=request.version
            )
            returned = values.to_struct(result, outputs=False, references=request.acceptResources)
            response = resource_pb2.ResourceInvokeResponse()
            getattr(response, "return").CopyFrom(returned)  # a keyword of Python
            return response

        return self._guarded(context, answer, subject=request.tok)

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802, D102
        # There are no hooks that the engine would call back for: the program may go.
        return empty_pb2.Empty()

    def ExistsResource(self, request: Any, context: Any) -> Any:  # noqa: N802, D102
        self._refuse(context, f"asking whether {request.type} {request.id!r} exists")

    def Call(self, request: Any, context: Any) -> Any:  # noqa: N802, D102
        self._refuse(context, f"the method call {request.tok}")

    def RegisterPackage(self, request: Any, context: Any) -> Any:  # noqa: N802, D102
        self._refuse(context, f"the parameterized package {request.name}")

    def RegisterStackTransform(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802, D102
        self._refuse(context, "a stack transform")

    def RegisterStackInvokeTransform(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802, D102
        self._refuse(context, "an invoke transform")

    def RegisterResourceHook(self, request: Any, context: Any) -> Any:  # noqa: N802, D102
        self._refuse(context, f"the resource hook {request.name!r}")

    def RegisterErrorHook(self, request: Any, context: Any) -> Any:  # noqa: N802, D102
        self._refuse(context, f"the error hook {request.name!r}")

    def _refuse(self, context: Any, what: str) -> NoReturn:
        self._host.fail(f"the program uses {what}, which the embedded engine does not support: {_INSTEAD}")
        _over(context)

    def _guarded(self, context: Any, answer: Callable[[], Any], *, subject: str) -> Any:
        try:
            return answer()
        except rpc.Aborted:
            pass
        except StepFailed as error:
            self._host.fail(str(error), error.urn)
        except (EngineError, CallFailed, ValueError) as error:
            self._host.fail(f"{subject}: {error}")
        except Exception as error:  # noqa: BLE001 - else the program would wait for an answer for ever
            self._host.fail(f"the engine failed at {subject}: {type(error).__name__}: {error}")
        return _over(context)


class Engine(engine_pb2_grpc.EngineServicer):
    """What programs and providers say besides: log lines, and which resource is the root."""

    def __init__(self, host: Host, sink: Sink) -> None:
        self._host = host
        self._sink = sink
        self._root = ""

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802, D102
        severity = _SEVERITIES.get(request.severity)  # debug lines, several a resource, go nowhere
        if severity:
            self._sink(
                Diagnostic(
                    severity=severity,  # type: ignore[arg-type] # one of the literals
                    message=request.message,
                    urn=request.urn,
                    stream=request.streamId,
                    ephemeral=request.ephemeral,
                )
            )
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802, D102
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802, D102
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: Any, context: Any) -> Any:  # noqa: N802, D102
        wanted = request.pulumi_version_range
        self._host.fail(
            f"the program requires the Pulumi CLI {wanted}, and the embedded engine is none: {_INSTEAD}"
        )
        _over(context)


def information(run: RunInfo) -> resource_pb2.DeploymentInfo:
    """Describe a run to the program."""
    return resource_pb2.DeploymentInfo(
        project=run.project.name,
        stack=run.stack,
        organization="organization",
        config=run.config,
        configSecretKeys=run.secret_keys,
        dryRun=run.preview,
        parallel=run.parallel,
        supportedFeatures=_FEATURES.values(),
    )


def serve(host: Host, about: resource_pb2.DeploymentInfo | None, sink: Sink) -> rpc.Server:
    """Serve plugins, and the program too where there is one to tell ``about`` the run.

    A program keeps at most four requests a slot of parallelism under way.
    """
    server = rpc.Server(4 * max(about.parallel if about else 1, 1) + 16)
    if about:
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(ResourceMonitor(host, about), server.grpc)
    engine_pb2_grpc.add_EngineServicer_to_server(Engine(host, sink), server.grpc)
    server.start()
    return server


def _over(context: Any) -> NoReturn:
    context.abort(grpc.StatusCode.UNAVAILABLE, "the run is over")
    raise AssertionError  # abort has raised
