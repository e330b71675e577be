"""Decides what is to be done: a goal, what the state knows of it and what its provider says become steps.

Nothing here changes a resource or the state file; preview and update plan alike, which is why they agree. One
goal is planned at a time. Deciding about the whole state (deletions) follows at the end, when every goal is
known. Left to others: what a step does (`deployment.workshop`), and what is deleted along with a replaced
resource (`cascade`).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from engine import graph
from engine.errors import StepFailed
from engine.events import Diagnostic, Inputs, Operation
from engine.planning import comparison, paths
from engine.planning.cascade import Cascade
from engine.planning.deletion import deletions, is_protected, refusal, stuck
from engine.planning.step import Step, recreate, replace_after
from engine.plugins.plugin import CallFailed
from engine.plugins.provider import UNKNOWN_CONFIGURATION, CheckFailure, ConfigurationUnknown, Diff
from engine.plugins.registry import is_provider
from engine.policy.policies import FORBIDDEN
from engine.program.goal import resource
from engine.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.events import Sink
    from engine.plugins.registry import Registry
    from engine.policy.policies import Policies
    from engine.program.goal import Goal, Names
    from engine.resource import Resource
    from engine.values import Values

_DEFAULTS = "__defaults"
"""Where providers list which inputs they have filled in."""


class Planner:
    """Plans one run.

    Args:
        names: Makes URNs and aliases.
        olds: The state of the last run, in its order.
        registry: Knows the providers.
        deleted: Gets the URNs whose deletion is planned: what is ``deleted_with`` them needs no call of its
            own.
        preview: Whether faults that an update would stop at are only reported.
        policies: Mend and judge what the goals' inputs have become.
        settle: Finds out what a resource of the state has become, where an earlier run left that open.
        begun: The record of each creation whose outcome was never recorded, by its URN.
        sink: Gets warnings and, in preview, faults.
    """

    def __init__(
        self,
        names: Names,
        olds: Sequence[Resource],
        registry: Registry,
        *,
        deleted: set[str],
        preview: bool,
        policies: Policies,
        settle: Callable[[Resource], None],
        begun: Mapping[str, Resource],
        sink: Sink,
    ) -> None:
        self.lock = threading.Lock()
        self.failed = False
        """Whether a fault was reported that did not stop the planning."""
        self.deleted = deleted
        self._names = names
        self._all = olds
        self._olds = {old.urn: old for old in olds if not old.delete}
        self._registry = registry
        self._preview = preview
        self._policies = policies
        self._settle = settle
        self._begun = begun
        self._sink = sink
        self._goals: dict[str, Goal] = {}
        self._news: dict[str, Resource] = {}
        self._planned: set[str] = set()
        self._replaced: set[str] = set()
        self._aliased: dict[str, str] = {}
        self._cascade = Cascade(olds, registry)

    def inherit(self, goal: Goal) -> Goal:
        """Give a goal what its parent passes on."""
        parent = self._goals.get(goal.parent)
        return goal.inherit(parent) if parent else goal

    def urn(self, goal: Goal) -> str:
        """Return the URN that a goal's resource has or will have."""
        return self._names.urn(goal)

    def plan(self, goal: Goal) -> list[Step]:
        """Return the steps for one goal, the last of which yields its resource. Call it with the lock held.

        Raises:
            StepFailed: The goal cannot be reached; nothing was changed.
        """
        urn = self._admit(goal)
        try:
            return self._plan(urn, goal)
        except CallFailed as error:
            raise StepFailed(urn, f"its provider could not check it: {error}") from error

    def _plan(self, urn: str, goal: Goal) -> list[Step]:
        old, alias = self._find_old(urn, goal)
        recreated = old is not None and old.urn in self.deleted
        if old and not recreated:
            self._look_at(old)
        new = resource(urn, goal, old, alias)
        self._news[urn] = new
        inputs = goal.inputs
        if old:
            inputs = self._ignore(urn, goal, old)
        if goal.existing is not None:
            new.inputs = goal.inputs
        elif goal.custom:
            known = None if recreated or old is None or old.external else old.inputs
            if old and old.pending_replacement and not recreated:  # what is gone binds nobody, but for a name
                known, inputs = _made_up(old.inputs), goal.inputs
            new.inputs = self._check(new, known, goal.inputs if known is None else inputs)
        else:
            new.inputs = inputs
        self._judge(new)
        self._planned.add(urn)
        if goal.existing is not None:
            return [self._reading(goal, old, new)]
        if old is None:
            return [Step(Operation.CREATE, urn, new=new)]
        self._planned.add(old.urn)
        if recreated:
            self.deleted.discard(old.urn)
            self._replaced.add(urn)
            diff = Diff(changes=True, replaces=self._cascade.keys.get(old.urn, ()))
            return recreate(old, new, diff, after=self._cascade.going.get(old.urn))
        if old.external:
            return replace_after(old, new, Diff(changes=True))
        return self._from_diff(goal, old, new)

    # --- what the goal stands for ---

    def _admit(self, goal: Goal) -> str:
        urn = self.urn(goal)
        if urn in self._goals:
            raise StepFailed(
                urn, f"two resources of type {goal.type} have the name {goal.name!r}: rename one of them"
            )
        if goal.parent and goal.parent not in self._goals:
            raise StepFailed(urn, f"its parent {goal.parent} has not been registered")
        for option in ("ignore_changes", "replace_on_changes"):
            try:
                list(map(paths.parse, getattr(goal, option)))
            except ValueError as error:
                raise StepFailed(urn, f"{option}: {error}") from None
        self._goals[urn] = goal
        return urn

    def _find_old(self, urn: str, goal: Goal) -> tuple[Resource | None, str]:
        """Find the resource in the state, under its URN or an alias; the second is empty for the former."""
        if claimed := self._aliased.get(urn):
            raise StepFailed(urn, f"{claimed} has an alias that is this resource's URN: remove the alias")
        for candidate in [urn, *self._names.aliases(goal)]:
            old = self._olds.get(candidate)
            if old is None:
                continue
            if candidate == urn:
                return old, ""
            taken = candidate if candidate in self._goals else self._aliased.get(candidate)
            if taken:
                raise StepFailed(urn, f"its alias {candidate} is taken by {taken}: remove one of the two")
            self._aliased[candidate] = urn
            self._names.before[urn] = candidate
            if is_provider(old.type):
                self._registry.rename(old, urn)
            return old, candidate
        return None, ""

    def _look_at(self, old: Resource) -> None:
        """Let it be known what an interrupted call has done before anything is decided about the resource."""
        try:
            self._settle(old)
        except CallFailed as error:
            message = f"an earlier run was cut off at it, and what has become of it is unknown: {error}"
            if not self._preview:
                raise StepFailed(old.urn, message) from error
            self._sink(Diagnostic(severity="warning", message=message, urn=old.urn))

    def _ignore(self, urn: str, goal: Goal, old: Resource) -> Values:
        inputs, refused = paths.restore(goal.inputs, old.inputs, goal.ignore_changes)
        if refused:
            text = f"cannot ignore changes in added or removed elements of {', '.join(refused)}"
            self._sink(Diagnostic(severity="info", message=text, urn=urn))
        return inputs

    def _check(self, new: Resource, olds: Values | None, news: Values) -> Values:
        if is_provider(new.type):
            checked, failures = self._registry.check(new.urn, olds, news)
        else:
            olds = self._begun_as(new.urn) if olds is None else olds
            checked, failures = self._registry.get(new.provider).check(new.urn, olds, news)
        if failures:
            raise StepFailed(new.urn, _words(failures))
        self._sink(Inputs(checked))
        return checked

    def _begun_as(self, urn: str) -> Values:
        """Return the names that a provider made up for an interrupted creation, to find what that left."""
        old, begun = self._olds.get(urn), self._begun.get(urn)
        if begun is None or (old and not old.pending_replacement and urn not in self.deleted):
            return {}
        return _made_up(begun.inputs)

    def _judge(self, new: Resource) -> None:
        """Let the policies mend what was checked, and stop an update that a mandatory one forbids."""
        provider = self._provider(new)
        self._policies.mend(new, provider)
        if not self._policies.allow(new, provider):
            self.failed = True
            if not self._preview:
                raise StepFailed(new.urn, FORBIDDEN)

    def _provider(self, new: Resource) -> Resource | None:
        return self._news.get(graph.provider_urn(new.provider)) if new.provider else None

    # --- from a comparison to steps ---

    @staticmethod
    def _reading(goal: Goal, old: Resource | None, new: Resource) -> Step:
        """Return the step that looks up what somebody else made; never in place of what the stack manages."""
        if old and not old.external:
            raise StepFailed(
                new.urn,
                "the program only reads it now, and this stack still manages it. To leave it to others, "
                f"run: pulumi state delete '{old.urn}'",
            )
        new.external, new.id = True, "" if goal.existing is UNKNOWN else goal.existing
        return Step(Operation.READ, new.urn, old=old, new=new)

    def _from_diff(self, goal: Goal, old: Resource, new: Resource) -> list[Step]:
        try:
            diff = self._compare(goal, old, new)
        except ConfigurationUnknown:
            self._sink(Diagnostic(severity="warning", message=UNKNOWN_CONFIGURATION, urn=new.urn))
            diff = Diff(changes=True)
        diff = comparison.replace_on_changes(diff, goal.replace_on_changes, init_errors=bool(old.init_errors))
        if old.pending_replacement or (diff.changes and diff.replace):
            return self._replace(goal, old, new, diff)
        if diff.changes or old.init_errors:
            return [Step(Operation.UPDATE, new.urn, old=old, new=new, diff=diff)]
        return [Step(Operation.SAME, new.urn, old=old, new=new)]

    def _compare(self, goal: Goal, old: Resource, new: Resource) -> Diff:
        if new.deleted_with in self._replaced:
            return Diff(changes=True, replaces=("deletedWith",))
        if self._provider_replaces(old, new):
            return Diff(changes=True, replaces=("provider",))
        if not new.custom:
            return comparison.inputs(old.inputs, new.inputs)
        if is_provider(new.type):
            return self._registry.diff(old, new.inputs, urn=new.urn)
        return comparison.ask(self._registry.get(new.provider), new.urn, old, new.inputs, goal.ignore_changes)

    def _provider_replaces(self, old: Resource, new: Resource) -> bool:
        """Tell whether the resource must be replaced because another provider serves it now."""
        if old.provider == new.provider:
            return False
        if not old.provider or not new.provider:
            return True
        urn = graph.provider_urn(new.provider)
        if self._aliased.get(graph.provider_urn(old.provider)) == urn:
            return False
        if old.pending_replacement:  # it has gone already, and its provider may have gone with it
            return True
        return self._registry.replaces_resources(new.provider, old.provider, self._news[urn].inputs)

    def _replace(self, goal: Goal, old: Resource, new: Resource, diff: Diff) -> list[Step]:
        if old.protect and new.protect and not old.pending_replacement:
            self._refuse(
                new.urn,
                "it must be replaced, and it is protected. To allow that, set protect=False in the program "
                f"and deploy, or run: pulumi state unprotect '{new.urn}'",
            )
        self._replaced.add(new.urn)
        # The old resource's defaults do not carry over to its replacement.
        new.inputs = self._check(new, None, goal.inputs) if goal.custom else goal.inputs
        self._policies.mend(new, self._provider(new), quiet=True)
        first = (
            diff.delete_before_replace if goal.delete_before_replace is None else goal.delete_before_replace
        )
        # What is pending has been deleted already: whatever the provider prefers, only the creation is left.
        if not first and not old.pending_replacement:
            return replace_after(old, new, diff)
        steps = self._cascade_steps(old, new.urn)
        if not old.pending_replacement:
            self.deleted.add(old.urn)
            steps.append(Step(Operation.DELETE_REPLACED, old.urn, old=old, comes_back=True))
        return steps + recreate(old, new, diff)

    def _cascade_steps(self, old: Resource, cause: str) -> list[Step]:
        """Return the deletions of what cannot stay when this is deleted first, last dependents first."""
        steps = []
        condemned = self._cascade.condemn(old, registered=self._planned | self.deleted)
        for dependent in reversed(condemned):
            if is_protected(dependent):
                raise StepFailed(
                    cause,
                    f"replacing it means replacing {dependent.urn}, which is protected. To allow that, set "
                    "protect=False in the program and deploy, or run: "
                    f"pulumi state unprotect '{dependent.urn}'",
                )
            if dependent.delete:  # what has its URN now stays
                steps.append(Step(Operation.DELETE, dependent.urn, old=dependent))
                continue
            self.deleted.add(dependent.urn)
            if dependent.pending_replacement:  # an earlier run got that far
                continue
            step = Step(Operation.DELETE_REPLACED, dependent.urn, old=dependent, comes_back=True)
            self._cascade.going[dependent.urn] = step
            steps.append(step)
        return steps

    def _refuse(self, urn: str, message: str) -> None:
        """In preview report a fault and go on, so that all are seen at once; stop an update right here."""
        if not self._preview:
            raise StepFailed(urn, message)
        self.failed = True
        self._sink(Diagnostic(severity="error", message=message, urn=urn))

    # --- what is left at the end ---

    def deletions(self, orphans: Sequence[Resource] = ()) -> list[list[Step]]:
        """Return the deletions of what the program no longer has, in groups that may each go at once.

        Args:
            orphans: What creations of unknown outcome may have left, and the program no longer has.

        Raises:
            StepFailed: Some of it is protected, or has no provider here; the message names them all.
        """
        condemned = [old for old in self._all if self._is_left(old)]
        protected = [old.urn for old in condemned if is_protected(old)]
        if protected:
            listed = "\n".join(f"  {urn}" for urn in protected)
            self._refuse(
                protected[0],
                f"the program no longer has these protected resources:\n{listed}\n"
                "To delete them, run for each: pulumi state unprotect URN. "
                "To keep them, put them back into the program.",
            )
        # What an earlier run left of a replaced resource takes nothing along that is with its successor.
        self.deleted |= {old.urn for old in condemned if self._olds.get(old.urn) is old}
        if left := stuck(condemned, self.deleted, self._registry):
            self._refuse(left[0].urn, refusal(left))
        return deletions(self._all, condemned, orphans)

    def _is_left(self, old: Resource) -> bool:
        if self._cascade.has(old):
            # Deleted early and never registered again: nothing but its mark in the state is left.
            return old.urn in self.deleted and not old.delete
        return old.delete or (old.urn not in self._planned and old.urn not in self._aliased)


def _made_up(inputs: Values) -> Values:
    """Return the inputs that the provider filled in by itself, such as a name."""
    names = inputs.get(_DEFAULTS, ())
    return {key: value for key, value in inputs.items() if key == _DEFAULTS or key in names}


def _words(failures: Sequence[CheckFailure]) -> str:
    return "\n".join(
        f"{failure.property}: {failure.reason}" if failure.property else failure.reason
        for failure in failures
    )
