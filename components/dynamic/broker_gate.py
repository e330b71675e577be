"""BrokerGate: stands before each node's container, and lets it be replaced only when nobody would notice.

It runs when the running container is not built from what is wanted, which is when the container behind it is
about to be replaced; a pass that was not followed by the replacement is therefore asked for again. A gate
that refuses stops the run, and everything behind it stays as it is; the next run begins there. While it
looks, brokers that were replaced before get back what they led (:mod:`messaging.leadership`).

It is removed after its container, when a broker goes for good: then the cluster is told to forget the broker.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from components.dynamic.provider import EmptyProvider, Refusal, differs, inputs_only, tell, told_plainly
from messaging import cluster, observe, roll
from messaging.cluster import View
from messaging.leadership import Homecoming
from messaging.protocol import Address, NodeError
from messaging.unregistration import unregister

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pulumi

TIMES_IN_A_ROW = 4
"""After a hard kill the others still count the node as in sync for a moment."""
PAUSE_SECONDS = 0.4
HOPELESS_SECONDS = 12.0
FIRST_WORD_SECONDS = 3.0
NEXT_WORD_SECONDS = 5.0


class BrokerGate(Resource, module="messaging", name="BrokerGate"):
    """Stands before one node's container."""

    def __init__(
        self,
        name: str,
        *,
        node: str,
        cluster_id: str,
        nodes: Sequence[Mapping[str, Any]],
        previous: Sequence[pulumi.Input[str]],
        settings: Mapping[str, str],
        docker_host: str,
        timeout_seconds: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declares the gate.

        Args:
            name: its logical name.
            node: the node that it stands before.
            cluster_id: Kafka's, so that no other cluster's answer is taken for this one's.
            nodes: each one's ``id``, ``name``, ``host``, ``port``, ``broker``, ``voter``, ``wanted``, the
                hash of what its container is built from, and ``cpus``, its limit of processors.
            previous: the id of the container that is replaced before this one.
            settings: what the container is built from, so that a preview can say what changes.
            docker_host: the Docker engine's address; empty for what the environment says.
            timeout_seconds: how long to wait while nothing gets better.
            opts: with the previous container among ``depends_on``, and ``deleted_with`` the cluster.
        """
        props = {
            "node": node,
            "clusterId": cluster_id,
            "nodes": [dict(one) for one in nodes],
            "previous": list(previous),
            "settings": dict(settings),
            "dockerHost": docker_host,
            "timeoutSeconds": timeout_seconds,
        }
        super().__init__(BrokerGateProvider(), name, props, opts)


class BrokerGateProvider(EmptyProvider):
    """Waits on create and update; there is nothing to read."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Says what of the node can only change with its container."""
        changed = changes(_olds.get("settings", {}), news["settings"])
        if _olds and changed:
            tell(f"rolling: {news['node']} is replaced for {', '.join(changed)}")
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Whether the running container is another than the wanted one."""
        running = observe.containers(_news["dockerHost"], [_news["node"]])
        if running is None:
            return DiffResult(changes=differs(_olds, _news, ignoring=("previous", "timeoutSeconds")))
        own = next(node for node in _nodes(_news) if node.name == _news["node"])
        return DiffResult(changes=not own.is_built(running[own.name]))

    @told_plainly
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Waits: the container may be there already, made before there were gates."""
        _wait(props)
        return CreateResult(str(props["node"]), inputs_only(props))

    @told_plainly
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Waits until the node may be stopped."""
        _wait(_news)
        return UpdateResult(inputs_only(_news))

    @told_plainly
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Lets the cluster forget the broker, whose container is gone: new topics could be placed on it."""
        own = next(node for node in _props["nodes"] if node["name"] == _props["node"])
        if not own["broker"]:
            return
        others = {name: address for name, address in _addresses(_props).items() if name != own["name"]}
        found = observe.places(others, observe.containers(_props["dockerHost"], others))
        reasons = []
        for address in (one for places in found.values() for one in places):
            try:
                cluster.confirm(address, _cluster_id(_props))
                unregister(address, int(own["id"]))
            except NodeError as error:
                reasons.append(str(error))
            else:
                return
        raise Refusal(
            f"{own['name']} is gone, but the cluster still counts on it: {'; '.join(reasons)}. `messaging "
            "health` shows why; run `pulumi up` again when the cluster answers"
        )


def changes(olds: Mapping[str, str], news: Mapping[str, str]) -> list[str]:
    """What differs between two nodes' settings, each as ``name`` with the old and the new value."""
    found = []
    for name in sorted(set(olds) | set(news)):
        old, new = olds.get(name), news.get(name)
        if old != new:
            found.append(f"{name} ({_shown(old)} -> {_shown(new)})")
    return found


def _shown(value: str | None) -> str:
    return "nothing" if value is None else value


def _nodes(props: Mapping[str, Any]) -> list[roll.Node]:
    # Numbers arrive as floats.
    return [
        roll.Node(
            id=int(node["id"]),
            name=str(node["name"]),
            broker=bool(node["broker"]),
            voter=bool(node["voter"]),
            wanted=str(node["wanted"]),
            cpus=float(node["cpus"]),
        )
        for node in props["nodes"]
    ]


def _addresses(props: Mapping[str, Any]) -> dict[str, Address]:
    """Where the program wants the brokers, by name."""
    return {
        str(node["name"]): Address(host=str(node["host"]), port=int(node["port"]))
        for node in props["nodes"]
        if node["broker"]
    }


def _cluster_id(props: Mapping[str, Any]) -> str:
    return str(props.get("clusterId", ""))  # a state of an earlier version knows of none


def _wait(props: Mapping[str, Any]) -> None:
    nodes = _nodes(props)
    wanted = _addresses(props)
    addresses = dict(wanted)
    names = [node.name for node in nodes]
    target = next(node for node in nodes if node.name == props["node"])

    homecoming = Homecoming(addresses, {node.name: node.id for node in nodes}, leaving=target.id)
    facts: dict[str, roll.Fact] = {}

    def ask() -> roll.Verdict:
        containers = observe.containers(props["dockerHost"], names)
        places = observe.places(wanted, containers)
        found = observe.facts(places, containers, names, cluster_id=_cluster_id(props))
        facts.update(found)
        addresses.update({name: fact.address for name, fact in found.items() if fact.address})
        verdict = roll.decide(target, nodes, found)
        if verdict.passes:
            return verdict
        views = [fact.view for fact in found.values() if isinstance(fact.view, View)]
        behind = observe.bytes_behind({node.id: addresses[node.name] for node in nodes if node.broker}, views)
        return roll.decide(target, nodes, found, behind=behind)

    wait_until_safe(
        ask, target.name, timeout=float(props["timeoutSeconds"]), settle=lambda: homecoming.go_on(facts)
    )


def wait_until_safe(
    ask: Callable[[], roll.Verdict],
    name: str,
    *,
    timeout: float,
    settle: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Asks until the node may be stopped several times in a row, and says meanwhile why it may not.

    Args:
        ask: the verdict now.
        name: the node's.
        timeout: seconds in which nothing gets better.
        settle: does a part of what is to be done while the node may be stopped; whether there may be more.
        clock: the time in seconds.
        sleep: how to pause.

    Raises:
        Refusal: it may still not be stopped.
    """
    began = clock()
    patience = roll.Patience(seconds=timeout, hopeless_seconds=HOPELESS_SECONDS, now=began)
    next_word = FIRST_WORD_SECONDS
    passed = 0
    while True:
        verdict = ask()
        passed = passed + 1 if verdict.passes else 0
        looked = verdict.passes and bool(verdict.progress)
        busy = looked and settle()
        if verdict.passes and not busy and (passed >= TIMES_IN_A_ROW or not looked):
            for reason in verdict.reasons:
                tell(f"{name}: {reason}")
            return
        now = clock()
        if not verdict.passes and patience.is_over(verdict, now):
            raise Refusal(_refusal(name, verdict, now - began))
        if not verdict.passes and now - began >= next_word:
            progress = f"; {verdict.progress[-1] / 1e6:.1f} MB to copy" if verdict.progress[-1] else ""
            reasons = "; ".join(verdict.reasons[:3])
            tell(f"{name} is not stopped yet ({now - began:.0f} s): {reasons}{progress}")
            next_word = now - began + NEXT_WORD_SECONDS
        sleep(PAUSE_SECONDS)


def _refusal(name: str, verdict: roll.Verdict, waited: float) -> str:
    reasons = "".join(f"\n  - {reason}" for reason in verdict.reasons)
    advice = f"{verdict.advice}.\n" if verdict.advice else ""
    return (
        f"{name} was not replaced, and nothing behind it: stopping it now would be noticed. After "
        f"{waited:.0f} s:{reasons}\n{advice}"
        "The cluster goes on as it is. `messaging health` shows it; when it has recovered, `pulumi up` goes "
        f"on from here. If {name} itself will never recover: `docker stop {name}`, then `pulumi up`."
    )
