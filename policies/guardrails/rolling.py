"""A change reaches one broker after the other, and none takes the others with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import reading
from guardrails.rule import StackRule, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_policy import PolicyResource, StackValidationArgs


def _nodes(args: StackValidationArgs) -> list[PolicyResource]:
    found = [
        one for one in args.resources if one.resource_type == reading.CONTAINER and reading.is_node(one.props)
    ]
    if not found:
        args.not_applicable("no Kafka node in this stack")
    return sorted(found, key=lambda one: one.name)


def _behind(resource: PolicyResource, known: dict[str, frozenset[str]]) -> frozenset[str]:
    """The URNs of everything that must be there before this resource, at whatever distance."""
    if resource.urn not in known:
        known[resource.urn] = frozenset()  # a circle ends here; the engine allows none
        found: set[str] = set()
        for before in resource.dependencies:
            found |= {before.urn} | _behind(before, known)
        known[resource.urn] = frozenset(found)
    return known[resource.urn]


def _one_after_another(args: StackValidationArgs) -> Iterable[Violation]:
    nodes = _nodes(args)
    known: dict[str, frozenset[str]] = {}
    for position, node in enumerate(nodes):
        for other in nodes[position + 1 :]:
            if node.urn in _behind(other, known) or other.urn in _behind(node, known):
                continue
            said = (
                f"The nodes {reading.container_name(node)} and {reading.container_name(other)} wait for "
                "neither of each other, so one update may take both down; each node must wait for the one "
                "before it."
            )
            yield Violation(resource=other.name, message=said, urn=other.urn)


def _plain_values(args: StackValidationArgs) -> Iterable[Violation]:
    for node in _nodes(args):
        for key, sources in sorted(node.property_dependencies.items()):
            for source in sources:
                said = (
                    f"The node {reading.container_name(node)} takes {key} from {source.name}, so replacing "
                    "that one deletes this one first; only plain values are allowed."
                )
                yield Violation(resource=node.name, message=said, urn=node.urn)


RULES = (
    StackRule(
        name="nodes-one-by-one",
        what="Kafka nodes are changed one after another.",
        why="Two brokers down at once are fewer in-sync replicas than a write needs.",
        fix="Name the node before in depends_on.",
        judge=_one_after_another,
    ),
    StackRule(
        name="nodes-of-plain-values",
        what="A Kafka node is built from plain values alone.",
        why="An output in a property makes the engine delete all later nodes before it replaces one.",
        fix="Use the literal name or address, and order by depends_on.",
        judge=_plain_values,
    ),
)
