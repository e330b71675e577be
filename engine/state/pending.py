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


def is_same(one: Resource, other: Resource) -> bool:
    """Whether two resources surely stand for one object, whatever they want it to be."""
    return bool(names := _identity(one)) and (one.type, names) == (other.type, _identity(other))


def _identity(resource: Resource) -> Values:
    names = {key: values.reveal(value) for key, value in resource.inputs.items() if key in _NAMES}
    return names and {**names, "provider": resource.provider.rpartition("::")[2]}
