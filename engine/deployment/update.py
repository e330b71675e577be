"""An update or its preview: the program runs, what it wants is made so, what it no longer has is deleted."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from engine import urn as urns
from engine.deployment.run import Result, Run, Settings
from engine.errors import EngineError, StepFailed
from engine.events import Diagnostic, Inputs, Outputs
from engine.planning.planner import Planner
from engine.plugins import registry
from engine.plugins.host import expected
from engine.plugins.plugin import DYNAMIC, CallFailed
from engine.policy.policies import Policies
from engine.program import launch, monitor
from engine.program.goal import Goal, Names
from engine.program.launch import Program
from engine.rpc import Aborted
from engine.values import Secret

if TYPE_CHECKING:
    from engine.deployment.executor import Cancellation
    from engine.events import Sink
    from engine.resource import Resource
    from engine.state.snapshot import Snapshot
    from engine.values import Values

# How long a program may go on by itself once the run is over and nothing runs any more.
_LINGER_SECONDS = 5.0
_POLL_SECONDS = 0.2


def update(settings: Settings, snapshot: Snapshot, sink: Sink, cancellation: Cancellation) -> Result:
    """Run the program and bring the stack to what it says, or in preview say what that would do.

    A failed step stops the run: what is under way finishes, nothing is deleted, and the result says so.

    Raises:
        EngineError: The run could not begin: there is no program, or the state file cannot be written.
    """
    with Update(settings, snapshot, sink, cancellation) as run:
        run.run_program()
        run.delete_what_is_left()
        run.judge_stack()
        run.finish_outputs()
    return run.result()


class Update(Run):
    """A run with a program; its requests arrive in several threads at once."""

    def __init__(
        self, settings: Settings, snapshot: Snapshot, sink: Sink, cancellation: Cancellation
    ) -> None:
        super().__init__(settings, snapshot, sink, cancellation)
        self._planner: Planner
        self._policies: Policies
        self._program = Program(self.processes, self.sink)
        self._defaults: dict[str, Future[str]] = {}
        self._registered: dict[str, Resource] = {}
        self._stack_outputs: Values | None = None
        self._lock = threading.Lock()

    def _about(self) -> Any:
        return monitor.information(self.settings)

    def __enter__(self) -> Self:
        super().__enter__()
        self._policies = Policies(
            self.settings.policy_packs, self.settings, self.processes, self.server.address, self.sink
        )
        self._planner = Planner(
            Names(self.settings.stack, self.settings.project.name),
            self.olds,
            self.registry,
            deleted=self.deleted,
            preview=self.settings.preview,
            policies=self._policies,
            settle=self.settle,
            begun=self.adoptable(),
            sink=self.sink,
        )
        self._warn_of_interrupted_calls()
        self.settle_interrupted()
        return self

    def _warn_of_interrupted_calls(self) -> None:
        if not self.snapshot.base.pending or self.settings.preview:
            return
        listed = "\n".join(
            f"  {pending.kind} {pending.resource.urn}" for pending in self.snapshot.base.pending
        )
        message = (
            f"an earlier run was cut off, and nobody knows how these calls ended:\n{listed}\n"
            "What the program still has is brought to an end now, and what it no longer has is removed. A "
            "dynamic resource that it no longer has must be removed by hand; then run: "
            "pulumi refresh --clear-pending-creates"
        )
        self.sink(Diagnostic(severity="warning", message=message))

    # --- the course of the run ---

    def run_program(self) -> None:
        """Run the program to its end."""
        self.registry.warm(otherwise=expected())
        self._program.start(self.settings, self.server.address)
        while (code := self._program.wait(_POLL_SECONDS)) is None:
            if self.executor.stopped and self.executor.idle:
                self._program.end(_LINGER_SECONDS)
        if code and not self.executor.stopped:
            self._program_failed(code)
        self.executor.drain()

    def _program_failed(self, code: int) -> None:
        if message := launch.failure(code):
            self.fail(message)
        else:
            self.executor.failed = True

    def delete_what_is_left(self) -> None:
        """Delete what the program no longer has, if all went well until here."""
        if not self.executor.stopped:
            try:
                groups = self._planner.deletions(self.orphans())
            except StepFailed as error:
                self.fail(str(error), error.urn)
            else:
                self.executor.run_groups(groups)

    def judge_stack(self) -> None:
        """Let the policies judge the stack as a whole, if all went well until here."""
        if not self.executor.stopped:
            resources = {urn: self._registered[urn] for urn in sorted(self._registered)}
            root = next((urn for urn, one in resources.items() if one.type == urns.STACK_TYPE), "")
            try:
                allowed = self._policies.allow_stack(resources, root)
            except EngineError as error:
                self.fail(str(error))
            else:
                self.executor.failed |= not allowed
        if self._planner.failed:  # with faults that a preview goes on after
            self.executor.failed = True

    def policy_packs(self) -> dict[str, str]:
        """Return the policy packs that ran: see `Run`."""
        return self._policies.names()

    def finish_outputs(self) -> None:
        """Keep the stack's outputs; after a failure, those that were not reached stay as they were."""
        stack = next((one for one in self._registered.values() if one.type == urns.STACK_TYPE), None)
        before = next((one.outputs for one in self.olds if one.type == urns.STACK_TYPE), {})
        new = self._stack_outputs or {}
        self.outputs = {**before, **new} if self.executor.stopped else new
        if stack:
            self.snapshot.outputs(stack, self.outputs)
        self.sink(Outputs(before, self.outputs))

    # --- what the program asks for ---

    def register(self, goal: Goal) -> Resource:
        """Bring a resource to its wanted state and return it: see `Host`."""
        self.executor.check()
        self._policies_ready()
        self.sink(Inputs(goal.inputs))
        goal = self._with_provider(self._planner.inherit(goal))
        if registry.is_provider(goal.type):
            self._load(self._planner.urn(goal))
        with self._planner.lock:
            self.executor.check()
            steps = self._planner.plan(goal)
        self.executor.run(steps)
        resource = steps[-1].resource
        self._registered[resource.urn] = resource
        return resource

    def _policies_ready(self) -> None:
        """Wait for the policy packs before the planner's lock is taken, and end the run without them."""
        try:
            self._policies.ready()
        except EngineError as error:
            self.fail(str(error))
            raise Aborted from error

    def read(self, goal: Goal) -> Resource:
        """Look up a resource that somebody else made: see `Host`."""
        return self.register(goal)

    def _load(self, urn: str) -> None:
        """Start a provider's plugin before the planner's lock is taken, so that nobody waits for it there."""
        try:
            self.registry.load(urn)
        except CallFailed as error:
            raise StepFailed(urn, str(error)) from error

    def register_outputs(self, urn: str, outputs: Values) -> None:
        """Take what a component or the stack has to show: see `Host`."""
        self.executor.check()
        if urns.type_of(urn) == urns.STACK_TYPE:
            self._stack_outputs = outputs
            return
        self.snapshot.outputs(self._registered[urn], outputs)

    def invoke(self, token: str, arguments: Values, *, provider: str, version: str) -> Values:
        """Call a provider's function: see `Host`."""
        self.executor.check()
        reference = provider or self._default(registry.package_of(token), version)
        result, failures = self.registry.get(reference).invoke(token, arguments)
        if failures:
            raise ValueError("; ".join(f"{failure.property}: {failure.reason}" for failure in failures))
        return result

    # --- providers that the program does not name ---

    def _with_provider(self, goal: Goal) -> Goal:
        if registry.is_provider(goal.type):
            return replace(goal, provider="", inputs=_versioned(goal.inputs, goal.version))
        if not goal.custom:
            return replace(goal, provider="")
        return (
            goal
            if goal.provider
            else replace(goal, provider=self._default(registry.package_of(goal.type), goal.version))
        )

    def _default(self, package: str, version: str) -> str:
        """Return the reference of a package's default provider, registered the first time it is needed."""
        self._plugins.check([package])
        name = registry.default_name(version)
        with self._lock:
            known = self._defaults.get(f"{package}@{name}")
            mine = known or self._defaults.setdefault(f"{package}@{name}", Future())
        if known is None:
            try:
                made = self.register(
                    Goal(
                        type=registry.provider_type(package),
                        name=name,
                        custom=True,
                        version=version,
                        inputs=self._configuration(package),
                    )
                )
            except BaseException as error:
                mine.set_exception(error)
                raise
            mine.set_result(f"{made.urn}::{made.id}")
        return mine.result()

    def _configuration(self, package: str) -> Values:
        """Return the stack's configuration of a package; dynamic providers get all of it, under full keys."""
        secret = set(self.settings.secret_keys)
        found: Values = {}
        for key, value in self.settings.config.items():
            namespace, _, name = key.partition(":")
            if package in (DYNAMIC, namespace):
                found[key if package == DYNAMIC else name] = Secret(value) if key in secret else value
        return found


def _versioned(inputs: Values, version: str) -> Values:
    return {**inputs, "version": version, registry.INTERNAL: {}} if version else inputs
