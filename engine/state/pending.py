"""Records of calls whose outcome nobody knows: their kinds, and which speak of the same object. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import graph, values
from engine import urn as urns

if TYPE_CHECKING:
    from engine.resource import Resource
    from engine.values import Values

CREATING = "creating"
UPDATING = "updating"
DELETING = "deleting"
# Under this key a begin-record of a creation carries the ids that our providers write on what they create.
STEP_IDS = "messagingSteps"
_DYNAMIC = "pulumi:providers:pulumi-python"
# The inputs by which our providers tell their objects apart.
_NAMES = {"name", "username", "scramMechanism", "entityName", "entityType", "resourcePatternTypeFilter"} | {
    f"acl{part}"
    for part in ("Principal", "Host", "Operation", "PermissionType", "ResourceType", "ResourceName")
}


def is_traceable(creation: Resource) -> bool:
    """Whether its provider can look for what it left: a dynamic one finds nothing that it knows no id of."""
    return STEP_IDS in creation.extra and urns.type_of(graph.provider_urn(creation.provider)) != _DYNAMIC


def is_repeated(creation: Resource, later: Resource) -> bool:
    """Whether a later creation looks for all that an earlier one can have left, or nobody could."""
    same = (creation.provider, creation.inputs) == (later.provider, later.inputs)
    return same or not is_traceable(creation)


def is_same(creation: Resource, other: Resource) -> bool:
    """Whether a resource may stand for the object of an earlier creation, whatever the two want it to be.

    Their providers say nothing of that: one that has another reference by now may well speak to the same
    server. What is forgotten on another server does no harm; what is deleted on the same one does.
    """
    if names := _names(creation):
        return (creation.type, names) == (other.type, _names(other))
    later = creation.created <= other.created
    return later and (creation.urn, creation.inputs) == (other.urn, other.inputs)


def _names(resource: Resource) -> Values:
    return {key: values.reveal(value) for key, value in resource.inputs.items() if key in _NAMES}
