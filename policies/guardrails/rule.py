"""What a guardrail is: a name, a reason, a way out, and a judgement of one resource or of the whole stack.

A rule knows nothing of levels: which are mandatory is decided in the configuration of each environment.
Granted exceptions are taken out here, for every rule alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_policy import (
    PolicyConfigSchema,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pulumi_policy import Policy

    from guardrails.exceptions import Exceptions


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One thing that is not as it must be."""

    resource: str
    """The logical name of the resource that it is about."""
    message: str
    urn: str = ""
    """Of that resource, where a stack rule found it."""


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """One guardrail."""

    name: str
    what: str
    """What must be so, as a sentence: the first line of every violation."""
    why: str
    fix: str
    """What to change, and where."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """JSON schemas of the rule's thresholds, each with its default."""

    @abstractmethod
    def policy(self, exceptions: Exceptions) -> Policy:
        """The rule as the SDK knows it."""


@dataclass(frozen=True, kw_only=True)
class ResourceRule(Rule):
    """Judges one resource by its inputs."""

    types: tuple[str, ...]
    """Of the resources that it is about."""
    judge: Callable[[ResourceValidationArgs], Iterable[str]]
    """Yields what is wrong, each as half a message: who, what it has, and what is allowed."""

    def policy(self, exceptions: Exceptions) -> Policy:
        """The rule as the SDK knows it."""

        def validate(args: ResourceValidationArgs, report: Callable[[str], None]) -> None:
            if args.resource_type not in self.types:
                args.not_applicable(f"about {', '.join(self.types)} alone")
            for said in self.judge(args):
                if not exceptions.grants(self.name, args.name):
                    report(f"{said} {self.fix}")

        return ResourceValidationPolicy(
            self.name, self.what, validate, config_schema=_schema(self), remediation_steps=self.fix
        )


@dataclass(frozen=True, kw_only=True)
class StackRule(Rule):
    """Judges the stack by what all of its resources have become."""

    judge: Callable[[StackValidationArgs], Iterable[Violation]]

    def policy(self, exceptions: Exceptions) -> Policy:
        """The rule as the SDK knows it."""

        def validate(args: StackValidationArgs, report: Callable[[str, str | None], None]) -> None:
            for found in self.judge(args):
                if not exceptions.grants(self.name, found.resource):
                    report(f"{found.message} {self.fix}", found.urn or None)

        return StackValidationPolicy(
            self.name, self.what, validate, config_schema=_schema(self), remediation_steps=self.fix
        )


def whole(default: int, description: str, *, least: int = 1) -> dict[str, Any]:
    """The schema of a threshold that is a whole number."""
    return {"type": "integer", "default": default, "minimum": least, "description": description}


def _schema(rule: Rule) -> PolicyConfigSchema | None:
    return PolicyConfigSchema(properties={**rule.settings}) if rule.settings else None
