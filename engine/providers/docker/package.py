"""What the docker provider serves, and its configuration: which Docker engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.providers import schema
from engine.providers.check import Failure, check
from engine.providers.docker.connection import Connection
from engine.providers.docker.container import Container
from engine.providers.docker.network import Network
from engine.providers.docker.volume import Volume

if TYPE_CHECKING:
    from engine.providers.base import Resource
    from engine.values import Values


class DockerPackage:
    """Containers, networks and volumes."""

    def __init__(self) -> None:
        self.schema = schema.load("docker")
        self._connection = Connection()
        self.resources: dict[str, Resource] = {
            made.type.token: made
            for made in (Container(self._connection), Network(self._connection), Volume(self._connection))
        }

    def check_config(self, config: Values) -> list[Failure]:
        """Find unsupported settings and hosts."""
        _, failures = check(self.schema.provider, config, "docker Provider")
        host = config.get("host")
        if isinstance(host, str) and host.startswith("ssh:"):
            hint = "forward its socket (ssh -L /tmp/docker.sock:/var/run/docker.sock HOST) and name that"
            failures.append(Failure("host", f"hosts behind ssh are not supported here: {hint}"))
        return failures

    def configure(self, config: Values) -> None:
        """Take host and certificates."""
        self._connection.configure(host=config.get("host", ""), certificates=config.get("certPath", ""))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
