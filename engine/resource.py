"""What state knows of a resource, and of a whole stack. Data alone; rules about it lie in `snapshot`.

Field by field this is the CLI's resource record of deployment version 3. How it is written to a file is the
business of :mod:`engine.state.checkpoint`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from engine.urn import STACK_TYPE

if TYPE_CHECKING:
    from engine.values import Values


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a provider may take, in seconds; 0 leaves it to the provider."""

    create: float = 0
    update: float = 0
    delete: float = 0


@dataclass(slots=True)
class Resource:
    """One resource as it was last seen."""

    urn: str
    type: str
    custom: bool = True
    """Whether a provider looks after it; components and the stack are not custom."""
    id: str = ""
    """The provider's name for it. Empty for components, and in a preview for what does not exist yet."""
    parent: str = ""
    provider: str = ""
    """The provider's URN and id, joined with `::`."""
    inputs: Values = field(default_factory=dict)
    outputs: Values = field(default_factory=dict)
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = False
    external: bool = False
    retain_on_delete: bool = False
    deleted_with: str = ""
    delete: bool = False
    """Replaced already, and still to be deleted."""
    pending_replacement: bool = False
    """Deleted already, and still to be created again."""
    init_errors: list[str] = field(default_factory=list)
    """What went wrong after its creation; an update tries again."""
    additional_secret_outputs: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    custom_timeouts: Timeouts = field(default_factory=Timeouts)
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    delete_before_replace: bool | None = None
    created: str = ""
    """RFC 3339."""
    modified: str = ""
    """RFC 3339."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Members of its record that this engine does not know, written back unchanged."""

    def copy(self, **changes: Any) -> Resource:
        """The same resource with some fields changed; values are shared."""
        return replace(self, **changes)


@dataclass(slots=True)
class PendingOperation:
    """A call that was begun and whose outcome is not recorded."""

    resource: Resource
    kind: str
    """creating, updating, deleting or reading."""


@dataclass(slots=True)
class Deployment:
    """All that state knows of a stack."""

    resources: list[Resource] = field(default_factory=list)
    """Every resource stands behind its parent, its provider and what it depends on."""
    pending: list[PendingOperation] = field(default_factory=list)
    salt: str = ""
    """The passphrase's `encryptionsalt` with which the secrets were written."""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> Values:
        """What the program exported: the outputs of the stack's own resource."""
        return {
            name: value
            for resource in self.resources
            if resource.type == STACK_TYPE
            for name, value in resource.outputs.items()
        }
