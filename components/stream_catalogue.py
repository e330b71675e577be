"""StreamCatalogue: the catalogue as a whole, looked at before anything else is made, and then its streams.

What is refused is decided in :mod:`components.dynamic.catalogue`, what a stream consists of in
:mod:`components.event_stream`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.dynamic.catalogue import CatalogueCheck
from components.event_stream import EventStream, EventStreamArgs
from components.shared_types import SharedTypes, SharedTypesArgs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.kafka_cluster import KafkaCluster
    from components.platform import StreamPlan
    from messaging.streams import Catalogue
    from settings import RegistryAccess


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamCatalogueArgs:
    """One catalogue."""

    catalogue: Catalogue
    """All streams and shared types."""
    registry: RegistryAccess
    """The Schema Registry that is asked about its schemas, and in which they are registered."""


class StreamCatalogue(pulumi.ComponentResource):
    """The streams that there are, and the consent to remove others."""

    checked: CatalogueCheck
    """Whatever touches the cluster depends on it."""

    def __init__(
        self, name: str, args: StreamCatalogueArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("messaging:index:StreamCatalogue", name, None, opts)
        self._args = args
        self.checked = CatalogueCheck(
            f"{name}-check", args.catalogue, args.registry, pulumi.ResourceOptions(parent=self)
        )
        self.register_outputs({"streams": [stream.name for stream in args.catalogue.streams]})

    def make_streams(
        self,
        plans: Mapping[str, StreamPlan],
        cluster: KafkaCluster,
        *,
        registry: Sequence[pulumi.Resource],
        protect_data: bool,
    ) -> None:
        """Makes the shared types and then each stream, as components of the stack.

        Args:
            plans: what the streams become, by their names.
            cluster: where their topics are.
            registry: what must be there before a schema can be registered.
            protect_data: whether topics and schemas refuse to be deleted.
        """
        if self._args.catalogue.types:
            types = SharedTypes(
                "types",
                SharedTypesArgs(
                    types=self._args.catalogue.types,
                    registry=self._args.registry,
                    depends_on=registry,
                    identity=cluster.identity,
                    protect_data=protect_data,
                ),
            )
            registry = [*registry, *types.registered]
        for name, plan in plans.items():
            EventStream(
                name,
                EventStreamArgs(
                    topics=plan.topics,
                    subjects=plan.subjects,
                    quotas=plan.quotas,
                    registry=self._args.registry,
                    depends_on=registry,
                    identity=cluster.identity,
                    about=plan.about,
                    protect_data=protect_data,
                ),
                pulumi.ResourceOptions(providers=[cluster.provider]),
            )
