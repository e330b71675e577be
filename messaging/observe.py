"""Looks at the nodes of a cluster: each at its own listener, and at its container.

What the facts mean is decided in :mod:`messaging.roll`.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from messaging import cluster, quorum
from messaging.naming import BUILT_FROM_LABEL
from messaging.protocol import Address, NodeError
from messaging.roll import MISSING, Container, Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from messaging.cluster import View
    from messaging.quorum import Quorum


_NANO = 10**9
_ADVERTISED = re.compile(r"(EXTERNAL|CLIENT)://([^:,]+):(\d+)")
_NO_LISTENER = "it has no listener for clients"
_NOWHERE = "another node has the address where it is to listen"


def facts(
    addresses: Mapping[str, Sequence[Address]],
    containers: Mapping[str, Container] | None,
    names: Iterable[str],
    *,
    cluster_id: str = "",
) -> dict[str, Fact]:
    """What each node says of the cluster now, all asked at the same time.

    Args:
        addresses: where each broker may be found, by name; the first that answers counts.
        containers: by the node's name; None if Docker does not say.
        names: of all nodes.
        cluster_id: the cluster that nodes must belong to; empty for any.
    """
    with ThreadPoolExecutor(max(len(addresses), 1)) as pool:
        asked = pool.map(lambda places: _ask(places, cluster_id), addresses.values())
        answers = dict(zip(addresses, asked, strict=True))
    found = {}
    for name in names:
        address, view, controllers = answers.get(name, (None, _NO_LISTENER, _NO_LISTENER))
        found[name] = Fact(
            container=containers[name] if containers else None, view=view, quorum=controllers, address=address
        )
    return found


def _ask(places: Sequence[Address], cluster_id: str) -> tuple[Address | None, View | str, Quorum | str]:
    reasons = []
    for address in places:
        try:
            view = cluster.look(address, cluster_id=cluster_id)
        except NodeError as error:
            reasons.append(str(error))
            continue
        try:
            return address, view, quorum.describe(address)
        except NodeError as error:
            return address, view, str(error)
    why = "; ".join(reasons) or _NOWHERE
    return None, why, why


def places(
    wanted: Mapping[str, Address], containers: Mapping[str, Container] | None
) -> dict[str, tuple[Address, ...]]:
    """Where brokers may be asked, each one's likeliest address first.

    A running container listens where it was told to when it was made, which need not be where the program
    wants it from now on. A load balancer before it may have moved already; and where neither address leads
    to it any more, its own on the Docker network may.

    Args:
        wanted: the addresses that the program wants, by the broker's name.
        containers: by the node's name; None if Docker does not say.
    """
    if containers is None:
        return {name: (address,) for name, address in wanted.items()}
    held = {one.advertised: name for name, one in containers.items() if one.advertised and one.runs}
    found = {}
    for name, address in wanted.items():
        own = containers[name]
        # What another of them listens at now would answer for the wrong one.
        free = address if held.get(address, name) == name else None
        tried = (own.advertised, free, own.inside) if own.runs else (free,)
        found[name] = tuple(dict.fromkeys(one for one in tried if one))
    return found


def advertised(details: Mapping[str, Any]) -> dict[str, Address]:
    """Where a node's container tells clients to find it, by the listener's name; empty for no broker.

    Args:
        details: what the Docker engine says of the container.
    """
    variables = dict(entry.partition("=")[::2] for entry in details["Config"].get("Env") or ())
    listeners = _ADVERTISED.findall(variables.get("KAFKA_ADVERTISED_LISTENERS", ""))
    return {name: Address(host=host, port=int(port)) for name, host, port in listeners}


def containers(docker_host: str, names: Iterable[str]) -> dict[str, Container] | None:
    """The containers with these names; None if the Docker engine does not answer."""
    # Imported here: most runs have nothing to roll, and the client takes its time.
    import docker.errors

    from messaging.docker_engine import EngineError, address_of, connected

    is_local = address_of(docker_host).startswith("unix://")
    found = {}
    try:
        with connected(docker_host) as client:
            for name in names:
                try:
                    details = client.inspect_container(name)
                except docker.errors.NotFound:
                    found[name] = Container(state=MISSING, built_from="")
                    continue
                found[name] = _container(details, is_local=is_local)
    except EngineError:
        return None
    return found


def _container(details: Mapping[str, Any], *, is_local: bool) -> Container:
    listeners = advertised(details)
    networks = (details.get("NetworkSettings") or {}).get("Networks") or {}
    numbers = [one["IPAddress"] for one in networks.values() if one.get("IPAddress")]
    client = listeners.get("CLIENT")
    return Container(
        state=str(details["State"]["Status"]),
        built_from=str((details["Config"].get("Labels") or {}).get(BUILT_FROM_LABEL, "")),
        cpus=details["HostConfig"].get("NanoCpus", 0) / _NANO,
        advertised=listeners.get("EXTERNAL"),
        inside=Address(host=numbers[0], port=client.port) if client and numbers and is_local else None,
    )


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
