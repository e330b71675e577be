"""A policy pack as a process: the SDK's own analyzer server, configured, and asked about resources.

Speaks the protocol and gives plain answers; which resources it is asked about, and what becomes of a
violation, is decided in `policies`, what it is configured with in `pack`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc

from engine import urn as urns
from engine.errors import BadInput
from engine.events import Diagnostic
from engine.plugins.plugin import CallFailed, Plugin
from engine.policy.pack import LEVELS, Policy, PolicySettings, reconcile
from engine.values import from_struct, to_struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.message import Message
    from google.protobuf.struct_pb2 import Struct

    from engine.events import Sink
    from engine.policy.pack import Pack
    from engine.process.processes import Processes
    from engine.resource import Resource
    from engine.values import Values
    from engine.workspace.run_info import RunInfo

_SEVERITIES = ("", "low", "medium", "high", "critical")
_ORGANIZATION = "organization"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a policy has to say about a resource, or about the stack where ``urn`` is empty."""

    policy: str
    message: str
    level: str
    severity: str = ""
    urn: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a pack says about one resource or one stack, with the policies that did not apply to it."""

    findings: Sequence[Finding] = ()
    not_applicable: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What a policy makes of a resource's inputs, or why it cannot say."""

    policy: str
    properties: Values = field(repr=False)
    diagnostic: str = ""


class PolicyServer(Plugin):
    """One pack's process.

    Args:
        pack: What it runs.
    """

    def __init__(self, pack: Pack) -> None:
        super().__init__(f"policy pack {pack.given}")
        self.title = f'policy pack "{pack.given}"'
        self.pack = pack
        self.name = ""
        self.version = ""
        self.policies: Sequence[Policy] = ()
        """With the levels that are in force."""

    def open(self, processes: Processes, engine: str, run: RunInfo, sink: Sink) -> PolicyServer:
        """Start the process, configure it and learn its policies.

        Raises:
            CallFailed: It did not start or refuses its configuration.
            BadInput: The configuration does not fit the policies.
        """
        start = processes.program if self.pack.python else processes.module
        module = ["pulumi.policy", engine, "."]
        command = [str(self.pack.python), "-u", "-m", *module] if self.pack.python else module
        self._child = start(
            command[0],
            command[1:],
            cwd=self.pack.folder,
            environment=_environment(run),
            on_line=lambda line, error: _pass_on(sink, line, error),
            on_first_line=self._port.set_result,
        )
        self._connect(self._wait_for_port())
        self._configure(run, sink)
        return self

    def _stub_of(self, channel: grpc.Channel) -> Any:
        from pulumi.runtime.proto import analyzer_pb2_grpc  # kept from every command that runs no policies

        return analyzer_pb2_grpc.AnalyzerStub(channel)

    # --- configuration ---

    def _configure(self, run: RunInfo, sink: Sink) -> None:
        from google.protobuf import empty_pb2
        from pulumi.runtime.proto import analyzer_pb2 as pb

        self._tolerant(
            "ConfigureStack",
            pb.AnalyzerStackConfigureRequest(
                stack=run.stack,
                project=run.project.name,
                organization=_ORGANIZATION,
                dry_run=run.preview,
                config=run.config,
                config_secret_keys=run.secret_keys,
            ),
        )
        info = self.call("GetAnalyzerInfo", empty_pb2.Empty())
        self.name, self.version = info.name, self.pack.version or info.version
        policies = [_policy(one) for one in info.policies]
        initial = {
            name: PolicySettings(
                level=LEVELS[given.enforcementLevel], properties=from_struct(given.properties)
            )
            for name, given in info.initialConfig.items()
        }
        if unknown := sorted(set(self.pack.config) - {"all"} - {one.name for one in policies}):
            names = ", ".join(unknown)
            message = f"the configuration of {self.title} names policies that it does not have: {names}"
            sink(Diagnostic(severity="warning", message=message))
        wanted, faults = reconcile(policies, initial, self.pack.config)
        if faults:
            listed = "\n".join(f"  {fault}" for fault in faults)
            raise BadInput(f"validating policy config: {self.name} {self.version}\n{listed}")
        self.policies = [
            Policy(name=one.name, level=wanted[one.name].level, stack=one.stack) for one in policies
        ]
        self.call(
            "Configure",
            pb.ConfigureAnalyzerRequest(
                policyConfig={
                    name: pb.PolicyConfig(
                        enforcementLevel=LEVELS.index(given.level),  # type: ignore[arg-type] # a protocol enum
                        properties=to_struct(given.properties),
                    )
                    for name, given in wanted.items()
                }
            ),
        )

    def _tolerant(self, method: str, request: Message) -> None:
        """Make a call that older packs do not know."""
        try:
            self.call(method, request)
        except CallFailed as error:
            if error.code is not grpc.StatusCode.UNIMPLEMENTED:
                raise

    # --- questions ---

    @property
    def remedies_any(self) -> bool:
        """Whether some policy may change what it looks at."""
        return any(one.level == "remediate" for one in self.policies)

    def remedies(self, resource: Resource, provider: Resource | None) -> list[Remedy]:
        """Ask what the policies make of a resource's checked inputs, in their order."""
        from pulumi.runtime.proto import analyzer_pb2 as pb

        answer = self.call("Remediate", pb.AnalyzeRequest(**_described(resource, resource.inputs, provider)))
        return [
            Remedy(policy=one.policyName, properties=from_struct(one.properties), diagnostic=one.diagnostic)
            for one in answer.remediations
        ]

    def analyze(self, resource: Resource, provider: Resource | None) -> Answer:
        """Ask about a resource's checked inputs."""
        from pulumi.runtime.proto import analyzer_pb2 as pb

        return _answer(
            self.call("Analyze", pb.AnalyzeRequest(**_described(resource, resource.inputs, provider)))
        )

    def analyze_stack(self, resources: Mapping[str, Resource], providers: Mapping[str, Resource]) -> Answer:
        """Ask about everything that the program registered, by URN, with each resource's outputs."""
        from pulumi.runtime.proto import analyzer_pb2 as pb

        described = [
            pb.AnalyzerResource(
                **_described(one, one.outputs, providers.get(one.urn)),
                parent=one.parent,
                dependencies=one.dependencies,
                propertyDependencies={
                    key: pb.AnalyzerPropertyDependencies(urns=given)
                    for key, given in one.property_dependencies.items()
                    if given
                },
            )
            for one in resources.values()
        ]
        return _answer(self.call("AnalyzeStack", pb.AnalyzeStackRequest(resources=described)))


def _environment(run: RunInfo) -> dict[str, str]:
    return {
        "PULUMI_CONFIG": json.dumps(run.config),
        "PULUMI_ORGANIZATION": _ORGANIZATION,
        "PULUMI_PROJECT": run.project.name,
        "PULUMI_STACK": run.stack,
        "PULUMI_DRY_RUN": "true" if run.preview else "false",
        "no_grpc_proxy": "127.0.0.1",
    }


def _pass_on(sink: Sink, line: str, error: bool) -> None:
    if line.strip():
        sink(Diagnostic(severity="info#err" if error else "info", message=line))


def _policy(info: Any) -> Policy:
    from pulumi.runtime.proto import analyzer_pb2 as pb

    return Policy(
        name=info.name,
        level=LEVELS[info.enforcementLevel],
        stack=info.policy_type == pb.POLICY_TYPE_STACK,
        schema=from_struct(info.configSchema.properties),
        required=tuple(info.configSchema.required),
    )


def _described(resource: Resource, properties: Values, provider: Resource | None) -> dict[str, Any]:
    from pulumi.runtime.proto import analyzer_pb2 as pb

    timeouts = resource.custom_timeouts
    options = pb.AnalyzerResourceOptions(
        protect=resource.protect,
        ignoreChanges=resource.ignore_changes,
        deleteBeforeReplace=bool(resource.delete_before_replace),
        deleteBeforeReplaceDefined=resource.delete_before_replace is not None,
        additionalSecretOutputs=resource.additional_secret_outputs,
        aliases=resource.aliases,
        customTimeouts=pb.AnalyzerResourceOptions.CustomTimeouts(
            create=timeouts.create, update=timeouts.update, delete=timeouts.delete
        ),
        parent=resource.parent,
    )
    described: dict[str, Any] = {
        "urn": resource.urn,
        "type": resource.type,
        "name": urns.name_of(resource.urn),
        "properties": _struct(properties),
        "options": options,
    }
    if provider:
        described["provider"] = pb.AnalyzerProviderResource(
            urn=provider.urn,
            type=provider.type,
            name=urns.name_of(provider.urn),
            properties=_struct(provider.inputs),
        )
    return described


def _struct(properties: Values) -> Struct:
    return to_struct(public(properties), outputs=False, references=False)


def public(value: Any) -> Any:
    """The value without the members that only engine and SDK understand: those that begin with ``__``."""
    match value:
        case dict():
            return {key: public(member) for key, member in value.items() if not key.startswith("__")}
        case list():
            return [public(member) for member in value]
    return value


def _answer(response: Any) -> Answer:
    findings = [
        Finding(
            policy=one.policyName,
            message=one.message,
            # What a remedy did not mend, and what a stack policy finds, nobody will mend: it stops the run.
            level="mandatory"
            if LEVELS[one.enforcementLevel] == "remediate"
            else LEVELS[one.enforcementLevel],
            severity=_SEVERITIES[one.severity],
            urn=one.urn,
        )
        for one in response.diagnostics
    ]
    return Answer(
        findings=findings,
        not_applicable=frozenset(one.policy_name for one in response.not_applicable),
    )
