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
    from collections.abc import Mapping, Sequence

    from messaging import streams
    from settings import RegistryAccess


@dataclass(frozen=True, kw_only=True, slots=True)
class EventStreamArgs:
    """One stream."""

    topics: Sequence[streams.Topic]
    """Its own topic and its dead letter queues."""
    subjects: Sequence[streams.Subject]
    """The schemas of its messages."""
    quotas: Sequence[streams.Quota]
    """What its clients may move."""
    registry: RegistryAccess
    """Where its schemas are registered."""
    depends_on: Sequence[pulumi.Resource]
    """What must be there before a schema can be registered."""
    identity: pulumi.Resource
    """The cluster's identity. When that goes, everything in the cluster goes with it, unasked."""
    about: Mapping[str, str]
    """Its owner and purpose, for whoever looks at the stack."""
    protect_data: bool
    """Whether topics and schemas refuse to be deleted."""


class EventStream(pulumi.ComponentResource):
    """A stream of events that one team owns. It is given a Kafka provider that waits for the cluster."""

    def __init__(self, name: str, args: EventStreamArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("messaging:index:EventStream", name, dict(args.about), opts)
        topics = [
            kafka.Topic(
                f"{topic.name}-topic",
                name=topic.name,
                partitions=topic.partitions,
                replication_factor=topic.replication_factor,
                config=dict(topic.config),
                opts=pulumi.ResourceOptions(
                    parent=self, deleted_with=args.identity, protect=args.protect_data
                ),
            )
            for topic in args.topics
        ]
        for quota in args.quotas:
            kafka.Quota(
                f"{name}-{quota.client}-quota",
                entity_name=quota.client,
                entity_type="client-id",
                config=quota.config(),
                # Changed in place, Kafka's provider erases it.
                opts=pulumi.ResourceOptions(
                    parent=self, deleted_with=args.identity, delete_before_replace=True
                ),
            )
        for subject in args.subjects:
            Subject(
                f"{subject.name}-subject",
                registry=args.registry,
                subject=subject,
                opts=pulumi.ResourceOptions(
                    parent=self,
                    deleted_with=args.identity,
                    # A subject may wait for its registry, and an engine does only so many things at once:
                    # those that wait must not keep the topics from being made.
                    depends_on=[*args.depends_on, *topics],
                    protect=args.protect_data,
                ),
            )
        self.register_outputs({"topics": [topic.name for topic in args.topics]})
