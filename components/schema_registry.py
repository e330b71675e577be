"""SchemaRegistry: the service that keeps the schemas of messages, in a Kafka topic of its own.

Several of them read and write the same topic; who asks which is decided by the load balancer. What is
registered there is left to the event streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.container import container
from components.dynamic.healthy import ContainerHealthy

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi_docker as docker

    from components.blueprint import Blueprint
    from messaging.naming import Owner


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaRegistryArgs:
    """One registry, of one container or several."""

    blueprints: Sequence[Blueprint]
    """Its containers, in the order in which they are replaced."""
    owner: Owner
    """The stack that its labels name."""
    url: str
    """Where clients outside the Docker network find it."""
    docker_host: str
    """The Docker engine's address; empty for what the environment says."""
    depends_on: Sequence[pulumi.Resource]
    """What must be there before the containers."""


class SchemaRegistry(pulumi.ComponentResource):
    """A Schema Registry. It needs a complete cluster.

    Its ``containers`` answer seconds after their start; whoever registers something depends on them.
    """

    def __init__(
        self, name: str, args: SchemaRegistryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("messaging:index:SchemaRegistry", name, None, opts)
        made: list[docker.Container] = []
        before: list[pulumi.Resource] = []
        for number, blueprint in enumerate(args.blueprints, start=1):
            # The first keeps the name that a platform with a single one has given it.
            logical = f"{name}-container" if number == 1 else f"{name}-{number}-container"
            made.append(
                container(logical, blueprint, args.owner, parent=self, depends_on=[*args.depends_on, *before])
            )
            if number < len(args.blueprints):
                healthy = ContainerHealthy(
                    f"{name}-{number}-healthy",
                    container=blueprint.name,
                    container_id=made[-1].id,
                    docker_host=args.docker_host,
                    opts=pulumi.ResourceOptions(parent=self),
                )
                before = [healthy]
        self.containers = made
        self.register_outputs({"url": args.url})
