"""Whether a cluster is complete and serves its partitions: decided from what its nodes say. Pure.

How long to wait for what is missing is left to the gate that asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging.listing import some
from messaging.quorum import NO_LEADER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from messaging.availability import Partition
    from messaging.quorum import Quorum

CAUGHT_UP_WITHIN_MS = 2_000
"""Voters that hear nothing from their leader for nearly as long elect another one."""
_NOBODY = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """The cluster at one moment, as its nodes describe it."""

    quorums: Mapping[str, Quorum | str]
    """By node, asked at its own listener: the quorum, or why there is no answer."""
    brokers: Collection[int] | str
    """The ids of the brokers that are registered and may serve, or why nobody says."""


def missing(view: View, *, brokers: Sequence[int], voters: Sequence[int]) -> list[str]:
    """What is still missing until the cluster is complete, as sentences without a full stop.

    Args:
        view: what the nodes say.
        brokers: the ids of all brokers that there must be.
        voters: the ids of all members of the quorum.
    """
    reasons = [f"{node}: {quorum}" for node, quorum in view.quorums.items() if isinstance(quorum, str)]
    for node, quorum in view.quorums.items():
        if not isinstance(quorum, str):
            reasons += [f"{node}: {reason}" for reason in _of_quorum(quorum, voters)]
    if isinstance(view.brokers, str):
        return [*reasons, view.brokers]
    absent = sorted(set(brokers) - set(view.brokers))
    if absent:
        listed = ", ".join(str(broker) for broker in absent)
        reasons.append(f"not registered or not yet let in as broker: {listed}")
    return reasons


def _of_quorum(quorum: Quorum, wanted: Sequence[int]) -> list[str]:
    present = {voter.id: voter.caught_up_ms for voter in quorum.voters}
    reasons = []
    if quorum.leader_id == NO_LEADER:
        reasons.append("the controllers have no leader")
    if set(present) != set(wanted):
        reasons.append(f"the controllers are {sorted(present)} instead of {sorted(wanted)}")
    latest = max(present.values(), default=0)
    behind = sorted(voter for voter, caught_up in present.items() if latest - caught_up > CAUGHT_UP_WITHIN_MS)
    if behind:
        reasons.append(f"behind the leader: {', '.join(f'controller {voter}' for voter in behind)}")
    return reasons


@dataclass(frozen=True, kw_only=True, slots=True)
class Lack:
    """What a cluster lacks, each as a sentence without a full stop."""

    needed: tuple[str, ...] = ()
    """Without it the cluster is not ready."""
    hoped: tuple[str, ...] = ()
    """What it recovers from by itself, and serves less until then."""
    lost: tuple[str, ...] = ()
    """What no waiting brings back."""


def unserved(partitions: Iterable[Partition], *, brokers: Collection[int]) -> Lack:
    """What of its partitions a complete cluster does not serve.

    Args:
        partitions: all of them, as a node says.
        brokers: the ids of all brokers that there must be. What only others could bring back is lost.
    """
    leaderless: list[str] = []
    below: list[str] = []
    lost: list[str] = []
    for partition in partitions:
        here = [replica for replica in partition.replicas if replica in brokers]
        least = min(partition.min_in_sync, len(partition.replicas))
        if partition.leader == _NOBODY:
            (leaderless if here else lost).append(partition.name)
        elif partition.is_under_min:
            (below if len(here) >= least else lost).append(partition.name)
    return Lack(
        needed=_named(leaderless, "without a leader, so that nobody can read or write them"),
        hoped=_named(below, "below their min.insync.replicas, so that acks=all is refused"),
        lost=_named(lost, "not served, with replicas on brokers that this stack does not have"),
    )


def _named(partitions: Sequence[str], what: str) -> tuple[str, ...]:
    if not partitions:
        return ()
    return (f"partitions {what}: {some(sorted(partitions))}",)
