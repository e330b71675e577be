"""What the policies of a run said, as people read it: the CLI's section of that name. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from engine.display.rendering import short_type
from engine.events import PolicyRemediation, PolicyViolation
from engine.urn import is_urn, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LEVELS = ("mandatory", "advisory")
_SEVERITIES = ("critical", "high", "medium", "low", "")
_INDENT = "        "


class PolicyReport:
    """Collects violations and remediations until a run ends."""

    def __init__(self) -> None:
        self._violations: list[PolicyViolation] = []
        self._remediations: list[PolicyRemediation] = []

    def take(self, event: PolicyViolation | PolicyRemediation) -> None:
        """Keep one for the end."""
        if isinstance(event, PolicyViolation):
            self._violations.append(event)
        else:
            self._remediations.append(event)

    @property
    def forbids(self) -> bool:
        """Whether a mandatory policy is violated: then the changes that were planned will not be made."""
        return any(violation.level == "mandatory" for violation in self._violations)

    def lines(self, packs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """The section, as style and line; nothing without packs.

        Args:
            packs: Those that ran, as `Summary.policy_packs` has them.
        """
        if not packs:
            return
        yield "bold", "Policies:"
        for key in sorted(packs):
            name, _, folder = key.split("|", 2)
            version = packs[key]
            found = [one for one in self._violations if (one.pack, one.version) == (name, version)]
            yield "", f"    {_verdict(found)} {name}@v{version} (local: {folder})"
            for policy, count in sorted(self._mended(name, version).items()):
                yield "", f"{_INDENT}- [remediate]  {policy}  ({count} resource{'s' if count != 1 else ''})"
            for violation in sorted(found, key=_rank):
                yield from _violation(violation)
        yield "", ""

    def _mended(self, name: str, version: str) -> Counter[str]:
        return Counter(one.policy for one in self._remediations if (one.pack, one.version) == (name, version))


def _verdict(found: Sequence[PolicyViolation]) -> str:
    if any(one.level == "mandatory" for one in found):
        return "❌"
    return "⚠️" if found else "✅"


def _rank(violation: PolicyViolation) -> tuple[int, int, str, str]:
    return (
        _LEVELS.index(violation.level),
        _SEVERITIES.index(violation.severity),
        violation.policy,
        violation.urn,
    )


def _violation(violation: PolicyViolation) -> Iterator[tuple[str, str]]:
    severity = f" [severity: {violation.severity}]" if violation.severity else ""
    where = f"  ({short_type(violation.urn)}: {name_of(violation.urn)})" if is_urn(violation.urn) else ""
    style = "red" if violation.level == "mandatory" else "yellow"
    yield style, f"{_INDENT}- [{violation.level}]{severity}  {violation.policy}{where}"
    for line in violation.message.splitlines():
        yield "", f"{_INDENT}  {line}"
