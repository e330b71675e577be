"""What the kafka provider serves, and its configuration: which cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.providers import schema
from engine.providers.check import Failure, check
from engine.providers.kafka.cluster import Cluster
from engine.providers.kafka.settings import complete, faults
from engine.providers.kafka.topic import Topic

if TYPE_CHECKING:
    from engine.providers.base import Resource
    from engine.values import Values


class KafkaPackage:
    """Topics."""

    def __init__(self) -> None:
        self.schema = schema.load("kafka")
        self._cluster = Cluster()
        topic = Topic(self._cluster)
        self.resources: dict[str, Resource] = {topic.type.token: topic}

    def check_config(self, config: Values) -> list[Failure]:
        """Find unsupported settings, and what does not fit together."""
        _, failures = check(self.schema.provider, config, "kafka Provider")
        return failures or faults(complete(config, os.environ))

    def configure(self, config: Values) -> None:
        """Take servers and credentials."""
        self._cluster.configure(complete(config, os.environ))

    def close(self) -> None:
        """Do nothing: the client library ends with the process."""
