"""When policies are asked, and what becomes of what they say.

Each pack sees every resource between its check and its comparison with the state, first to mend it, then to
judge it; at the end it sees the whole stack. A mandatory violation fails the run: an update right at that
resource, a preview at its end, so that it shows them all. Packs start while the program does.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine import graph, values
from engine.errors import EngineError
from engine.events import PolicyPacksLoad, PolicyRemediation, PolicySummary, PolicyViolation
from engine.plugins.plugin import CallFailed
from engine.policy.server import PolicyServer, public

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from engine.events import Sink
    from engine.policy.pack import Pack
    from engine.policy.server import Answer, Finding
    from engine.process.processes import Processes
    from engine.resource import Resource
    from engine.workspace.run_info import RunInfo

FORBIDDEN = "a mandatory policy forbids it; its message stands under Policies"


class Policies:
    """The packs of one run.

    Args:
        packs: What judges it.
        run: What the run is about.
        processes: Where they live.
        engine: The address of the engine's own services.
        sink: Gets what they find.
    """

    def __init__(
        self, packs: Sequence[Pack], run: RunInfo, processes: Processes, engine: str, sink: Sink
    ) -> None:
        self._sink = sink
        self._preview = run.preview
        starter = ThreadPoolExecutor(4, thread_name_prefix="policy")
        self._starting: list[tuple[Pack, Future[PolicyServer]]] = []
        for pack in packs:
            sink(PolicyPacksLoad())
            starting = starter.submit(PolicyServer(pack).open, processes, engine, run, sink)
            self._starting.append((pack, starting))
        starter.shutdown(wait=False)

    def ready(self) -> Sequence[PolicyServer]:
        """Return the packs once all of them serve.

        Raises:
            EngineError: One did not start, or its configuration does not fit it.
        """
        found = []
        for pack, starting in self._starting:
            try:
                found.append(starting.result())
            except CallFailed as error:
                raise EngineError(f'policy pack "{pack.folder}" failed to start: {error}') from error
        return found

    def names(self) -> dict[str, str]:
        """The packs that ran, as the CLI's summary names them, and their versions."""
        return {
            f"{server.name}|local|{pack.given}": server.version
            for pack, starting in self._starting
            if starting.done() and not starting.exception()
            for server in [starting.result()]
        }

    # --- one resource ---

    def mend(self, resource: Resource, provider: Resource | None, *, quiet: bool = False) -> None:
        """Let the policies change a resource's checked inputs.

        Args:
            resource: Gets the new inputs.
            provider: The provider resource that serves it.
            quiet: Whether the same has been told before.

        Raises:
            EngineError: A policy failed.
        """
        for server in self.ready():
            if not server.remedies_any:
                continue
            with _asking():
                remedies = server.remedies(resource, provider)
            for remedy in remedies:
                finding = {"urn": resource.urn, "pack": server.name, "version": server.version}
                if remedy.diagnostic:
                    if not quiet:
                        said = {"policy": remedy.policy, "message": remedy.diagnostic, "level": "advisory"}
                        self._sink(PolicyViolation(**finding, **said))
                    continue
                before = resource.inputs
                hidden = {key: value for key, value in before.items() if key.startswith("__")}
                # A pack that copies inputs gets them bare; what was secret stays it.
                resource.inputs = {**values.remark_secrets(remedy.properties, before), **hidden}
                if not quiet:
                    self._sink(
                        PolicyRemediation(
                            **finding,
                            policy=remedy.policy,
                            before=public(before),
                            after=public(resource.inputs),
                        )
                    )

    def allow(self, resource: Resource, provider: Resource | None) -> bool:
        """Judge a resource's checked inputs, and tell whether no mandatory policy is violated.

        Raises:
            EngineError: A policy failed.
        """
        allowed = True
        for server in self.ready():
            with _asking():
                answer = server.analyze(resource, provider)
            for finding in answer.findings:
                allowed = allowed and finding.level != "mandatory"
                self._tell(server, finding, resource.urn)
            self._sink(_summary(server, answer, urn=resource.urn, stack=False))
        return allowed

    # --- the stack ---

    def allow_stack(self, resources: Mapping[str, Resource], root: str) -> bool:
        """Judge everything that the program registered, and tell whether no mandatory policy is violated.

        Args:
            resources: By URN.
            root: The stack's own URN, for findings about no resource.

        Raises:
            EngineError: A policy failed.
        """
        providers = {
            one.urn: found
            for one in resources.values()
            if one.provider and (found := resources.get(graph.provider_urn(one.provider)))
        }
        allowed = True
        for server in self.ready():
            with _asking():
                answer = server.analyze_stack(resources, providers)
            for finding in answer.findings:
                allowed = allowed and finding.level != "mandatory"
                self._tell(server, finding, finding.urn if finding.urn in resources else root)
            self._sink(_summary(server, answer, urn="", stack=True))
        return allowed

    def _tell(self, server: PolicyServer, finding: Finding, urn: str) -> None:
        self._sink(
            PolicyViolation(
                urn=urn,
                policy=finding.policy,
                pack=server.name,
                version=server.version,
                level=finding.level,
                severity=finding.severity,
                message=finding.message,
            )
        )


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except CallFailed as error:
        raise EngineError(f"failed to run policy: {error}") from error


def _summary(server: PolicyServer, answer: Answer, *, urn: str, stack: bool) -> PolicySummary:
    failed = {finding.policy for finding in answer.findings}
    asked = {one.name for one in server.policies if one.stack == stack and one.level != "disabled"}
    return PolicySummary(
        urn=urn,
        pack=server.name,
        version=server.version,
        passed=tuple(sorted(asked - failed - answer.not_applicable)),
        failed=tuple(sorted(failed)),
    )
