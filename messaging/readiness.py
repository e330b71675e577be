"""Whether a cluster is complete: decided from what its nodes say. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging.quorum import NO_LEADER

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from messaging.quorum import Quorum

CAUGHT_UP_WITHIN_MS = 2_000
"""Voters that hear nothing from their leader for nearly as long elect another one."""


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
