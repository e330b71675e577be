"""SchemaRegistry: the service that keeps the schemas of messages, in a Kafka topic of its own.

What is registered there is left to the event streams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.container import container

if TYPE_CHECKING:
    from components.service import ServiceArgs


class SchemaRegistry(pulumi.ComponentResource):
    """A Schema Registry. It needs a complete cluster. ``container`` answers seconds after its start."""

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("messaging:index:SchemaRegistry", name, None, opts)
        self.container = container(
            f"{name}-container", args.blueprint, args.owner, parent=self, depends_on=args.depends_on
        )
        self.register_outputs({"url": args.url})
