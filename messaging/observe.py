"""Looks at the nodes of a cluster: each at its own listener, and at its container.

What the facts mean is decided in :mod:`messaging.roll`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from messaging import cluster, quorum
from messaging.naming import BUILT_FROM_LABEL
from messaging.protocol import NodeError
from messaging.roll import MISSING, Container, Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from messaging.cluster import View
    from messaging.protocol import Address
    from messaging.quorum import Quorum


_NANO = 10**9
_NO_LISTENER = "it has no listener for clients"


def facts(
    addresses: Mapping[str, Address], containers: Mapping[str, Container] | None, names: Iterable[str]
) -> dict[str, Fact]:
    """What each node says of the cluster now, all asked at the same time.

    Args:
        addresses: of the brokers, by name.
        containers: by the node's name; None if Docker does not say.
        names: of all nodes.
    """
    with ThreadPoolExecutor(len(addresses)) as pool:
        answers = dict(zip(addresses, pool.map(_ask, addresses.values()), strict=True))
    found = {}
    for name in names:
        view, controllers = answers.get(name, (_NO_LISTENER, _NO_LISTENER))
        found[name] = Fact(container=containers[name] if containers else None, view=view, quorum=controllers)
    return found


def _ask(address: Address) -> tuple[View | str, Quorum | str]:
    try:
        view = cluster.look(address)
    except NodeError as error:
        return str(error), str(error)
    try:
        return view, quorum.describe(address)
    except NodeError as error:
        return view, str(error)


def containers(docker_host: str, names: Iterable[str]) -> dict[str, Container] | None:
    """The containers with these names; None if the Docker engine does not answer."""
    # Imported here: most runs have nothing to roll, and the client takes its time.
    import docker.errors

    from messaging.docker_engine import EngineError, connected

    found = {}
    try:
        with connected(docker_host) as client:
            for name in names:
                try:
                    details = client.inspect_container(name)
                except docker.errors.NotFound:
                    found[name] = Container(state=MISSING, built_from="")
                    continue
                labels = details["Config"].get("Labels") or {}
                found[name] = Container(
                    state=str(details["State"]["Status"]),
                    built_from=str(labels.get(BUILT_FROM_LABEL, "")),
                    cpus=details["HostConfig"].get("NanoCpus", 0) / _NANO,
                )
    except EngineError:
        return None
    return found


def bytes_behind(addresses: Mapping[int, Address], views: Iterable[View]) -> int:
    """Bytes by which logs of replicas out of sync are shorter than their leaders', as far as nodes answer.

    Args:
        addresses: by the broker's id.
        views: what nodes say; the first counts.
    """
    view = next(iter(views), None)
    if view is None:
        return 0
    lagging = [partition for partition in view.partitions if partition.missing]
    asked = {broker for partition in lagging for broker in (partition.leader, *partition.missing)}
    sizes: dict[int, dict[tuple[str, int], int]] = {}
    for broker in asked & set(addresses):
        try:
            sizes[broker] = cluster.log_sizes(addresses[broker])
        except NodeError:
            sizes[broker] = {}
    total = 0
    for partition in lagging:
        key = partition.topic, partition.number
        whole = sizes.get(partition.leader, {}).get(key, 0)
        total += sum(max(0, whole - sizes.get(broker, {}).get(key, 0)) for broker in partition.missing)
    return total
