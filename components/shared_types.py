"""SharedTypes: the schemas that other schemas reference, each under a subject of its own name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.dynamic.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messaging import streams
    from settings import RegistryAccess


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedTypesArgs:
    """All shared types."""

    types: Sequence[streams.Subject]
    """Each after those that it references."""
    registry: RegistryAccess
    """Where they are registered."""
    depends_on: Sequence[pulumi.Resource]
    """What must be there before a schema can be registered."""
    identity: pulumi.Resource
    """The cluster's identity. When that goes, everything in the cluster goes with it, unasked."""
    protect_data: bool
    """Whether schemas refuse to be deleted."""


class SharedTypes(pulumi.ComponentResource):
    """The types that several schemas share."""

    registered: list[pulumi.Resource]
    """What a schema that references any of them depends on."""

    def __init__(self, name: str, args: SharedTypesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("messaging:index:SharedTypes", name, None, opts)
        self.registered = []
        for subject in args.types:
            made = Subject(
                f"{name}-{subject.name}-subject",
                registry=args.registry,
                subject=subject,
                opts=pulumi.ResourceOptions(
                    parent=self,
                    deleted_with=args.identity,
                    # One after another: a type may reference those before it.
                    depends_on=[*args.depends_on, *self.registered[-1:]],
                    protect=args.protect_data,
                ),
            )
            self.registered.append(made)
        self.register_outputs({"types": [subject.name for subject in args.types]})
