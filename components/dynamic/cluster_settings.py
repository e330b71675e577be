"""ClusterSettings: what Kafka takes while it runs, given to all brokers and never to their containers.

So a change of these settings restarts nothing. What takes a roll instead is decided in
:mod:`messaging.broker_settings`.

Kafka keeps such a setting for good as soon as it was asked, whatever becomes of the run that asked. So the
state alone does not say what is to be done: what the brokers have is looked at as well.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    UpdateResult,
)

from components.dynamic.broker_gate import changes
from components.dynamic.provider import EmptyProvider, Refusal, differs, inputs_only, tell, told_plainly
from messaging import cluster
from messaging.availability import is_internal
from messaging.broker_settings import is_dynamic, same
from messaging.protocol import ANSWER_SECONDS, Address, NodeError
from messaging.report import retention

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from messaging.availability import Partition

LOOK_SECONDS = 2.0
"""All brokers' together: no preview waits longer for a platform that does not answer."""
APPLIED_SECONDS = 15.0
PAUSE_SECONDS = 0.1


class ClusterSettings(Resource, module="messaging", name="ClusterSettings"):
    """The settings of all brokers that change while they run."""

    def __init__(
        self,
        name: str,
        *,
        cluster_id: str,
        nodes: Sequence[Mapping[str, Any]],
        settings: Mapping[str, str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declares them.

        Args:
            name: its logical name.
            cluster_id: Kafka's, so that no other cluster is taken for this one.
            nodes: ``id``, ``host`` and ``port`` of each broker.
            settings: Kafka's names and values.
            opts: with the gate of the whole cluster among ``depends_on``.
        """
        props = {
            "clusterId": cluster_id,
            "nodes": [dict(one) for one in nodes],
            "settings": dict(settings),
        }
        super().__init__(ClusterSettingsProvider(), name, props, opts)


class ClusterSettingsProvider(EmptyProvider):
    """Sets what is wanted and takes back all else that could be; what is set otherwise stays as it is."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Says what changes without a roll, and refuses what would make each broker one too many to lose."""
        if not _olds:
            return CheckResult(news, [])
        _tell(_olds.get("settings", {}), news["settings"], "while the brokers run")
        seen = _look(news) if _least(news) > _least(_olds) else None
        refused = _too_much(seen[0], news, _look_seconds(news)) if seen else None
        return CheckResult(news, [CheckFailure("settings", refused)] if refused else [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Other values, in the state or in the cluster; where the brokers are reached is no setting."""
        seen = _look(_news)
        found, wanted = _strayed(_olds.get("settings", {}), seen[1], _news["settings"]) if seen else ({}, {})
        if seen and _least(_olds) == _least(_news):
            _tell_short(seen[0], _news)
        _tell(found, wanted, "while the brokers run: no finished run has left it so")
        return DiffResult(changes=found != wanted or differs(_olds, _news, ignoring=("nodes", "clusterId")))

    @told_plainly
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Sets all of it."""
        _apply({}, props)
        return CreateResult("settings", inputs_only(props))

    @told_plainly
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Sets what is wanted, and takes back what no longer is."""
        _apply(_olds.get("settings", {}), _news)
        return UpdateResult(inputs_only(_news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What the brokers really have, a setting that nobody wants included; as before if none answers."""
        try:
            _, live = _ask(props, timeout=ANSWER_SECONDS)
        except NodeError:
            return ReadResult(id_, dict(props))
        return ReadResult(id_, props | {"settings": _seen(live, props["settings"])})


def _ask(props: Mapping[str, Any], *, timeout: float) -> tuple[Address, dict[str, str]]:
    """The cluster's first broker that answers, and what is set for all of them.

    Raises:
        NodeError: none answers.
    """
    reasons = []
    for node in props["nodes"]:
        # Numbers arrive as floats.
        address = Address(host=str(node["host"]), port=int(node["port"]))
        try:
            # A state of an earlier version knows no id.
            cluster.confirm(address, str(props.get("clusterId", "")), timeout=timeout)
            found = cluster.configuration(
                address, cluster.BROKER, [cluster.WHOLE_CLUSTER], dynamic=True, timeout=timeout
            )
        except NodeError as error:
            reasons.append(str(error))
        else:
            return address, found[cluster.WHOLE_CLUSTER]
    raise NodeError("; ".join(reasons))


def _seen(live: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """What a program could have set, each value that is the wanted one in the program's spelling."""
    return {
        name: wanted[name] if name in wanted and same(value, wanted[name]) else value
        for name, value in live.items()
        if name in wanted or is_dynamic(name)
    }


def _tell(before: Mapping[str, str], after: Mapping[str, str], how: str) -> None:
    """Says what changes, and for itself what makes brokers keep messages for a shorter time."""
    shorter = retention.OF_BROKERS if retention.brokers_keep_less(before, after) else ()
    for said, told in ((retention.TOLD, True), ("dynamic: ", False)):
        old, new = (
            {name: value for name, value in one.items() if (name in shorter) is told}
            for one in (before, after)
        )
        if listed := changes(old, new):
            tell(f"{said}{', '.join(listed)} {how}")


def _look(props: Mapping[str, Any]) -> tuple[Address, dict[str, str]] | None:
    """As :func:`_ask`, for a preview: None if no broker answers soon."""
    try:
        return _ask(props, timeout=_look_seconds(props))
    except NodeError:
        return None


def _look_seconds(props: Mapping[str, Any]) -> float:
    return LOOK_SECONDS / len(props["nodes"])


def _strayed(
    olds: Mapping[str, str], live: Mapping[str, str], wanted: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """What the brokers have and should have, of what the program did not change."""
    seen = _seen(live, wanted)
    kept = {name for name in {*seen, *wanted} if olds.get(name) == wanted.get(name)}
    return (
        {name: value for name, value in seen.items() if name in kept},
        {name: value for name, value in wanted.items() if name in kept},
    )


def _least(props: Mapping[str, Any]) -> int:
    """Its min.insync.replicas; 0 where it says nothing of it."""
    return int(props.get("settings", {}).get(cluster.MIN_IN_SYNC, 0))


def _short(address: Address, props: Mapping[str, Any]) -> dict[str, Partition]:
    """Internal topics that have no copy to spare with what is wanted, each with its worst partition.

    Those with a minimum of their own are none of them. And there are none where the program's own topics
    have no copy to spare either: then no broker is meant to be.

    Raises:
        NodeError: it does not answer.
    """
    least = _least(props)
    if not 0 < least < len(props["nodes"]):
        return {}
    partitions = cluster.look(address).partitions
    copies = [len(one.replicas) for one in partitions if not is_internal(one.topic)]
    if copies and max(copies) <= least:
        return {}
    found: dict[str, Partition] = {}
    for one in partitions:
        # A broker that is away now may be the one to spare; a copy that is only being made is none.
        if is_internal(one.topic) and min(len(one.replicas), len(one.in_sync) + 1) <= least:
            worst = found.setdefault(one.topic, one)
            found[one.topic] = min(worst, one, key=lambda each: len(each.in_sync))
    own = cluster.configuration(address, cluster.TOPIC, found, keys=[cluster.MIN_IN_SYNC], dynamic=True)
    return {topic: one for topic, one in sorted(found.items()) if not own.get(topic)}


def _in_force(props: Mapping[str, Any], *, timeout: float) -> int:
    """The least min.insync.replicas that a broker goes by, wherever it has it from.

    A cluster that was formed by an earlier Kafka has it from the brokers' own settings alone.

    Raises:
        NodeError: no broker says it.
    """
    found, reasons = [], []
    for node in props["nodes"]:
        broker, address = str(int(node["id"])), Address(host=str(node["host"]), port=int(node["port"]))
        try:
            cluster.confirm(address, str(props.get("clusterId", "")), timeout=timeout)
            values = cluster.configuration(
                address, cluster.BROKER, [broker], keys=[cluster.MIN_IN_SYNC], timeout=timeout
            )
        except NodeError as error:
            reasons.append(str(error))
        else:
            found.append(int(values[broker].get(cluster.MIN_IN_SYNC, 1)))
    if not found:
        raise NodeError("; ".join(reasons))
    return min(found)


def _too_much(address: Address, props: Mapping[str, Any], timeout: float) -> str | None:
    """Why min.insync.replicas cannot be raised to what is wanted; None if it can, or nobody says more."""
    least = _least(props)
    try:
        before = _in_force(props, timeout=timeout) if least else 0
        short = _short(address, props) if least > before else {}
    except NodeError:
        return None
    if not short:
        return None
    # Production takes no less than 2: there is nothing to go back to.
    until = f"Leave cluster.minInsyncReplicas at {before} until then" if before > 1 else "Then run this again"
    return (
        f"min.insync.replicas cannot be raised from {before} to {least}: {_listed(short)} would have no copy "
        f"to spare, and with any of their brokers away nothing could be written to them. First: "
        f"{_mended(least)}. {until}"
    )


def _tell_short(address: Address, props: Mapping[str, Any]) -> None:
    """Says where the cluster already is as it could not be made."""
    least = _least(props)
    with suppress(NodeError):
        short = {topic: one for topic, one in _short(address, props).items() if len(one.replicas) <= least}
        if short:
            tell(
                f"no copy to spare at min.insync.replicas {least}: {_listed(short)}. With any of their "
                f"brokers away nothing can be written to them: {_mended(least)}"
            )


def _listed(short: Mapping[str, Partition]) -> str:
    return ", ".join(
        f"{topic} ({len(one.in_sync)} of {len(one.replicas)} copies in sync)" for topic, one in short.items()
    )


def _mended(least: int) -> str:
    copies = least + 1
    return f"`messaging rebalance --stack STACK --copies {copies} --execute`, which takes {copies} brokers"


def _apply(olds: Mapping[str, str], props: Mapping[str, Any]) -> None:
    """Makes the brokers have what is wanted, or has them go back to what they had.

    Raises:
        Refusal: they do not have it.
    """
    nodes, wanted = props["nodes"], props["settings"]
    try:
        address, live = _ask(props, timeout=ANSWER_SECONDS)
    except NodeError as error:
        raise Refusal(f"no broker takes settings now: {error}") from None
    if refused := _too_much(address, props, ANSWER_SECONDS):
        raise Refusal(refused)
    gone = {*olds, *_seen(live, wanted)} - wanted.keys()
    changed: dict[str, str | None] = wanted | dict.fromkeys(gone)
    if not changed:
        return
    try:
        cluster.configure(address, cluster.BROKER, {cluster.WHOLE_CLUSTER: changed})
        _wait_until_applied(nodes, wanted)
    except (NodeError, Refusal) as error:
        # What neither the state nor the program knows is not put back.
        before = {name: live.get(name) for name in changed if name in olds or name in wanted}
        raise Refusal(
            f"the brokers' settings were not changed: {error}. {_taken_back(props, before)}"
        ) from None


def _taken_back(props: Mapping[str, Any], before: Mapping[str, str | None]) -> str:
    """Gives the brokers what they had, and says whether they have it."""
    try:
        address, _ = _ask(props, timeout=ANSWER_SECONDS)
        cluster.configure(address, cluster.BROKER, {cluster.WHOLE_CLUSTER: before})
    except NodeError as error:
        return (
            f"Taking the change back failed as well: {error}. So the brokers may have it now or later; once "
            "one of them answers, `pulumi preview` says what they have other than the program"
        )
    return "It was taken back: they have the settings from before"


def _wait_until_applied(nodes: Sequence[Mapping[str, Any]], values: Mapping[str, str]) -> None:
    """Until every broker that answers has the values.

    Raises:
        Refusal: a broker did not take them.
    """
    deadline = time.monotonic() + APPLIED_SECONDS
    waiting = {int(node["id"]): Address(host=str(node["host"]), port=int(node["port"])) for node in nodes}
    missed: dict[int, list[str]] = {}
    while waiting:
        for broker, address in list(waiting.items()):
            try:
                found = cluster.configuration(address, cluster.BROKER, [str(broker)], keys=sorted(values))
            except NodeError:
                # It reads them when it starts.
                del waiting[broker]
                continue
            live = found[str(broker)]
            missed[broker] = [
                f"{name} ({live.get(name)} instead of {value})"
                for name, value in sorted(values.items())
                if name not in live or not same(live[name], value)
            ]
            if not missed[broker]:
                del waiting[broker]
        if waiting and time.monotonic() > deadline:
            told = "; ".join(f"broker {broker}: {', '.join(missed[broker])}" for broker in waiting)
            raise Refusal(
                f"not every broker took them: {told}. What was set for one broker alone goes before what is "
                "set for all: `kafka-configs --bootstrap-server ... --alter --entity-type brokers "
                "--entity-name ID --delete-config NAME` takes that back"
            )
        time.sleep(PAUSE_SECONDS if waiting else 0)
