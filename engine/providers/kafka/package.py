"""What the kafka provider serves, and its configuration: which cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.providers import schema
from engine.providers.check import Failure, check
from engine.providers.kafka.acl import Acl
from engine.providers.kafka.cluster import Cluster
from engine.providers.kafka.credential import UserScramCredential
from engine.providers.kafka.quota import Quota
from engine.providers.kafka.settings import complete, faults
from engine.providers.kafka.topic import Topic

if TYPE_CHECKING:
    from engine.providers.base import Resource
    from engine.values import Values


class KafkaPackage:
    """Topics, access rules, credentials and quotas."""

    def __init__(self) -> None:
        self.schema = schema.load("kafka")
        self._cluster = Cluster()
        made: tuple[Resource, ...] = (
            Topic(self._cluster),
            Acl(self._cluster),
            UserScramCredential(self._cluster),
            Quota(self._cluster),
        )
        self.resources: dict[str, Resource] = {one.type.token: one for one in made}

    def check_config(self, config: Values) -> list[Failure]:
        """Find unsupported settings, and what does not fit together."""
        _, failures = check(self.schema.provider, config, "kafka Provider")
        return failures or faults(complete(config, os.environ))

    def configure(self, config: Values) -> None:
        """Take servers and credentials."""
        self._cluster.configure(complete(config, os.environ))

    def close(self) -> None:
        """Let go of connections."""
        self._cluster.close()
