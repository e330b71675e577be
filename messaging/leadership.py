"""Leaders go back to where they belong while a cluster is rolled, a few at a time.

A broker that was away leads nothing when it is back, and Kafka gives its partitions back only minutes later
(``leader.imbalance.check.interval.seconds``). Until then the others lead more than their share, and the one
that is stopped next hands over that much more at once: to clients, the time that it takes is a pause. A few
at a time, nobody notices; and the broker that has just started does what it does for the first time with
little at stake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from messaging.cluster import View, elect_preferred
from messaging.protocol import NodeError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from messaging.availability import Partition
    from messaging.protocol import Address
    from messaging.roll import Fact

AT_ONCE = 40
"""Partitions whose leaders go back together; a broker takes over that many in a fraction of a second."""


class Homecoming:
    """Gives leaders back, each partition's once."""

    def __init__(self, addresses: Mapping[str, Address], ids: Mapping[str, int], leaving: int) -> None:
        """Asks nobody yet.

        Args:
            addresses: of the brokers, by name.
            ids: of all nodes, by name.
            leaving: the broker that is stopped next, which is given nothing back.
        """
        self._addresses = addresses
        self._ids = ids
        self._leaving = leaving
        self._tried: set[tuple[str, int]] = set()

    def go_on(self, facts: Mapping[str, Fact]) -> bool:
        """Gives the next few back; whether it did, so that there may be more.

        A node that refuses or does not answer ends it: leaders that stay where they are harm nobody.
        """
        answering = {
            self._ids[name]: fact.view for name, fact in facts.items() if isinstance(fact.view, View)
        }
        view = next(iter(answering.values()), None)
        if view is None:
            return False
        away = astray(view.partitions, set(answering) - {self._leaving}, self._tried)[:AT_ONCE]
        if not away:
            return False
        name = next(name for name in self._addresses if self._ids[name] in answering)
        self._tried.update(away)
        try:
            elect_preferred(self._addresses[name], away)
        except NodeError:
            return False
        return True


def astray(
    partitions: Iterable[Partition], homes: Collection[int], tried: Collection[tuple[str, int]] = ()
) -> list[tuple[str, int]]:
    """Partitions that another broker leads than the first of their replicas, though that one could.

    Args:
        partitions: as a node sees them.
        homes: ids of the brokers that may be given something back: they answer, and are to stay.
        tried: what is not to be tried again.
    """
    return [
        (one.topic, one.number)
        for one in partitions
        if one.replicas
        and one.leader != (home := one.replicas[0])
        and home in homes
        and home in one.in_sync
        and (one.topic, one.number) not in tried
    ]
