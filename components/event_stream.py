"""EventStream: one stream of the catalogue, with its topic, dead letter queues and subjects.

Names and settings are decided by :mod:`messaging.streams`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_kafka as kafka

from components.dynamic.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messaging import streams


@dataclass(frozen=True, kw_only=True, slots=True)
class EventStreamArgs:
    """One stream."""

    topics: Sequence[streams.Topic]
    """Its own topic and its dead letter queues."""
    subjects: Sequence[streams.Subject]
    """The schemas of its messages."""
    replication_factor: int
    """Of each topic."""
    registry_url: str
    """The Schema Registry, as reached from where Pulumi runs."""
    registries: Sequence[pulumi.Resource]
    """What must be there before a schema can be registered."""
    identity: pulumi.Resource
    """The cluster's identity. When that goes, everything in the cluster goes with it, unasked."""
    protect_data: bool
    """Whether topics refuse to be deleted."""


class EventStream(pulumi.ComponentResource):
    """A stream of events that one team owns. It is given a Kafka provider that waits for the cluster."""

    def __init__(self, name: str, args: EventStreamArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("messaging:index:EventStream", name, None, opts)
        for topic in args.topics:
            kafka.Topic(
                f"{topic.name}-topic",
                name=topic.name,
                partitions=topic.partitions,
                replication_factor=args.replication_factor,
                config=dict(topic.config),
                opts=pulumi.ResourceOptions(
                    parent=self, deleted_with=args.identity, protect=args.protect_data
                ),
            )
        for subject in args.subjects:
            Subject(
                f"{subject.name}-subject",
                registry_url=args.registry_url,
                subject=subject.name,
                schema=subject.schema.text,
                compatibility=subject.compatibility,
                opts=pulumi.ResourceOptions(
                    parent=self, deleted_with=args.identity, depends_on=list(args.registries)
                ),
            )
        self.register_outputs({"topics": [topic.name for topic in args.topics]})
