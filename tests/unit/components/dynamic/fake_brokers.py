"""Brokers that take what they are told, for tests of what they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messaging import cluster
from messaging.cluster import View
from messaging.protocol import NodeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messaging.availability import Partition
    from messaging.protocol import Address

NODES = [{"id": 1.0, "host": "localhost", "port": 9092.0}, {"id": 2.0, "host": "localhost", "port": 9093.0}]
SPELLED = {"10000000": "1.0E7", "compact, delete": "compact,delete"}
"""What a broker makes of values."""


class Brokers:
    """Two brokers that take what they are told."""

    def __init__(self) -> None:
        self.live = {"log.retention.ms": "5"}
        self.told: list[Mapping[str, str | None]] = []
        self.keeps: dict[str, str] = {}
        """What the brokers go on with, whatever the controllers have stored."""
        self.keeps_of: dict[int, dict[str, str]] = {}
        """The same of single brokers, by their ports."""
        self.silent: set[int] = set()
        """Ports that do not answer."""
        self.silent_once_told = False
        self.timeouts: list[float | None] = []
        self.strangers: set[int] = set()
        """Ports at which another cluster answers."""
        self.partitions: list[Partition] = []
        self.minima: dict[str, str] = {}
        """The min.insync.replicas that topics have of their own."""

    def confirm(self, address: Address, cluster_id: str, *, timeout: float) -> None:
        self.timeouts.append(timeout)
        if address.port in self.strangers and cluster_id:
            raise NodeError(f"{address} belongs to another Kafka cluster")
        if address.port in self.silent:
            raise NodeError(f"{address} does not answer")

    def configuration(
        self,
        address: Address,
        kind: int,
        names: list[str],
        *,
        dynamic: bool = False,
        timeout: float | None = None,
        **_: Any,
    ) -> dict[str, dict[str, str]]:
        self.timeouts.append(timeout)
        if address.port in self.silent:
            raise NodeError(f"{address} does not answer")
        if kind == cluster.TOPIC:
            minima = {name: self.minima.get(name) for name in names}
            return {name: {"min.insync.replicas": own} if own else {} for name, own in minima.items()}
        found = (
            self.live if dynamic else {name: SPELLED.get(value, value) for name, value in self.live.items()}
        )
        kept = self.keeps | self.keeps_of.get(address.port, {})
        return {name: dict(found) if dynamic else found | kept for name in names}

    def look(self, address: Address) -> View:
        if address.port in self.silent:
            raise NodeError(f"{address} does not answer")
        return View(cluster_id="ours", brokers=(), partitions=tuple(self.partitions))

    def configure(
        self, address: Address, _kind: int, changes: Mapping[str, Mapping[str, str | None]]
    ) -> None:
        if address.port in self.silent:
            raise NodeError(f"{address} does not answer")
        self.told.append(changes[""])
        for name, value in changes[""].items():
            self.live.pop(name, None)
            self.live |= {} if value is None else {name: value}
        if self.silent_once_told:
            self.silent = {9092, 9093}
            raise NodeError(f"{address} does not answer")


def props(**settings: str) -> dict[str, Any]:
    named = {name.replace("_", "."): value for name, value in settings.items()}
    return {"clusterId": "ours", "nodes": NODES, "settings": named}
