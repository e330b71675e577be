"""Preflight: what a stack claims of its Docker host, checked in every preview before anything is made.

A preview may run where no Docker engine is, to look at a change: then it says that nothing could be checked.
An update needs the engine.

A resource, because only a resource's check is given the old inputs: they tell this stack's own containers and
ports from a stranger's, and a state that was lost from one that never was. It makes nothing itself.
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from components.claims import Claim, advice, faults, is_at_home
from components.dynamic.provider import EmptyProvider, differs, inputs_only, tell


class Preflight(Resource, module="messaging", name="Preflight"):
    """The claim of one stack on one Docker host. Everything else on that host depends on it."""

    def __init__(self, name: str, claim: Claim, opts: pulumi.ResourceOptions) -> None:
        """Declares the claim.

        Args:
            name: its logical name.
            claim: names, ports, memory, disk and images.
            opts: the usual ones.
        """
        props = claim.to_inputs() | {_PREVIEWING: pulumi.runtime.is_dry_run()}
        super().__init__(PreflightProvider(), name, props, opts)


class PreflightProvider(EmptyProvider):
    """Looks at the host in its check; the other operations only remember the claim."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuses what the host cannot give, all of it at once."""
        # Imported here: the Docker client is needed in this one place.
        from components.host_facts import observe
        from messaging.docker_engine import EngineError, NoAnswerError

        # Not kept: it says nothing of the claim, and differs between a preview and its update.
        previewing = bool(news.pop(_PREVIEWING, False))
        wanted = Claim.from_inputs(news)
        held = Claim.from_inputs(_olds) if _olds else None
        # A preview may run where the engine is not: what is known of it stays known.
        news["engine"] = held.engine if held else ""
        try:
            facts = observe(wanted)
            found = faults(wanted, held, facts)
        except EngineError as error:
            if previewing and isinstance(error, NoAnswerError):
                tell(f"{error}. This preview cannot say whether the host has what the stack claims")
                return CheckResult(news, [])
            return CheckResult(news, [CheckFailure("dockerHost", str(error))])
        if not (held and held.engine and is_at_home(held, facts)):
            news["engine"] = facts.engine
        if held is None:
            # Once, while the host can still be set up without a cluster on it.
            for sentence in advice(wanted, facts):
                tell(sentence)
        return CheckResult(news, [CheckFailure(_PROPERTY, fault) for fault in found])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Another claim is an update."""
        return DiffResult(changes=differs(_olds, _news), replaces=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Remembers the claim."""
        return CreateResult(f"{props['project']}-{props['stack']}", inputs_only(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Remembers the new claim."""
        return UpdateResult(inputs_only(_news))


_PROPERTY = "host"
_PREVIEWING = "previewing"
