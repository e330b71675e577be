"""All rules as one policy pack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy

from guardrails import containers, durability, isolation, protection, rolling, secrets, streams, volumes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_policy import Policy, StackValidationArgs

    from guardrails.exceptions import Exceptions
    from guardrails.rule import Rule

NAME = "guardrails"
RULES: tuple[Rule, ...] = (
    *durability.RULES,
    *streams.RULES,
    *protection.RULES,
    *volumes.RULES,
    *rolling.RULES,
    *containers.RULES,
    *isolation.RULES,
    *secrets.RULES,
)
EXCEPTION_RULE = "exceptions-in-force"
EXCEPTION_RULE_SAYS = "Whoever looks at a change sees which exceptions it relies on."


def policies(exceptions: Exceptions) -> list[Policy]:
    """Every rule, and the one that tells of exceptions."""
    return [*(rule.policy(exceptions) for rule in RULES), _exceptions(exceptions)]


def serve(exceptions: Exceptions) -> None:
    """Serves the pack until it is ended. Without a configuration every rule is mandatory."""
    PolicyPack(NAME, policies(exceptions), enforcement_level=EnforcementLevel.MANDATORY)


def _exceptions(exceptions: Exceptions) -> Policy:
    def validate(_: StackValidationArgs, report: Callable[[str], None]) -> None:
        for one in exceptions.in_force():
            report(
                f"{one.resource} is excepted from {one.policy} until {one.until}: {one.reason} "
                f"(approved by {one.approved_by})."
            )
        for one in exceptions.run_out():
            report(
                f"The exception of {one.resource} from {one.policy} ran out on {one.until}; take it out of "
                "policies/exceptions.json."
            )

    return StackValidationPolicy(
        EXCEPTION_RULE, EXCEPTION_RULE_SAYS, validate, enforcement_level=EnforcementLevel.ADVISORY
    )
