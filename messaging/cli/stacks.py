"""What a stack has on a Docker host, found by its labels: stopping, starting and removing it.

Which of it a state knows, and what to ask before something is removed, is left to the callers.
"""

from __future__ import annotations

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from messaging.cli.clusters import find, most_leading_first
from messaging.naming import (
    BROKER,
    CONTROLLER,
    LOAD_BALANCER,
    PROJECT_LABEL,
    ROLE_LABEL,
    SCHEMA_REGISTRY,
    STACK_LABEL,
    UI,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    import docker

    from messaging.naming import Owner
    from messaging.protocol import Address

START_ORDER = ((LOAD_BALANCER,), (CONTROLLER, BROKER), (SCHEMA_REGISTRY,), (UI,))
"""Groups of roles; each needs those before it. Kafka's nodes are one: a quorum forms only together."""
_ROLES = tuple(role for group in START_ORDER for role in group)
"""The order within groups, too; stopping goes the other way round."""
HEALTHY_SECONDS = 180.0
PAUSE_SECONDS = 0.5
_RUNNING = "running"
GRACE_SECONDS = 60
"""For a container that does not say itself how long it may take to stop."""


class UnhealthyError(Exception):
    """Containers were started and did not become healthy; the message names them."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Item:
    """A Docker object of a stack."""

    kind: str
    """``container``, ``network`` or ``volume``."""
    name: str
    role: str


class StackOnHost:
    """The objects of one stack on one Docker host."""

    def __init__(self, client: docker.APIClient, owner: Owner) -> None:
        """Looks for nothing yet.

        Args:
            client: the host's engine.
            owner: what the objects' labels say.
        """
        self._client = client
        self._owner = owner

    def items(self) -> list[Item]:
        """Everything that carries the stack's labels."""
        wanted = {"label": [f"{PROJECT_LABEL}={self._owner.project}", f"{STACK_LABEL}={self._owner.stack}"]}
        found: list[tuple[str, str, dict[str, str]]] = [
            *(
                ("container", container["Names"][0].removeprefix("/"), container["Labels"])
                for container in self._client.containers(all=True, filters=wanted)
            ),
            *(("network", one["Name"], one["Labels"]) for one in self._client.networks(filters=wanted)),
            *(
                ("volume", one["Name"], one["Labels"])
                for one in self._client.volumes(wanted)["Volumes"] or ()
            ),
        ]
        return sorted(
            Item(kind=kind, name=name, role=labels.get(ROLE_LABEL, ""))
            for kind, name, labels in found
            if self._owner.owns(labels)
        )

    def stop(self, tell: Callable[[str], None]) -> list[str]:
        """Stops the running containers, those that others need last; their names."""
        return self._stop(self.items(), reversed(_ROLES), tell)

    def start(self, tell: Callable[[str], None]) -> list[str]:
        """Starts the containers, and waits for all of one group before those of the next.

        Returns:
            The names of those that did not run.

        Raises:
            UnhealthyError: a container did not become healthy.
        """
        before = self.states()
        self.wake(before, tell)
        return [name for name, status in before.items() if status != _RUNNING]

    def restart(self, names: Collection[str], tell: Callable[[str], None]) -> None:
        """Stops containers and starts them again, so that they forget what they only remember.

        Raises:
            UnhealthyError: one of them did not become healthy.
        """
        items = [item for item in self.items() if item.kind == "container" and item.name in names]
        self._stop(items, reversed(_ROLES), tell)
        self.wake(names, tell)

    def addresses(self) -> list[Address]:
        """Where the brokers listen that have a container; none if there is no broker."""
        return list(find(self._client, self._owner, self._owner.stack, broker=False).addresses.values())

    def engine(self) -> str:
        """The id of the Docker engine."""
        return str(self._client.info().get("ID", ""))

    def states(self) -> dict[str, str]:
        """What each of the stack's containers is, in Docker's words, by name, in the order of starting."""
        return {
            name: str(self._client.inspect_container(name)["State"]["Status"])
            for name in _ordered(self.items(), _ROLES)
        }

    def wake(self, names: Collection[str], tell: Callable[[str], None], *, wait: bool = True) -> None:
        """Starts containers that were stopped or paused, group after group.

        Args:
            names: the containers.
            tell: gets a line for each.
            wait: whether to wait until all of a group are healthy before the next.

        Raises:
            UnhealthyError: one of them was waited for and did not become healthy.
        """
        items = self.items()
        for roles in START_ORDER:
            group = [name for name in _ordered(items, roles) if name in names]
            for name in group:
                state = self._client.inspect_container(name)["State"]
                if state["Status"] == _RUNNING:
                    continue
                tell(f"starting {name}")
                if state["Paused"]:
                    self._client.unpause(name)
                self._client.start(name)
            if wait:
                self.wait_for(group)

    def wait_for(self, names: Sequence[str]) -> None:
        """Waits until containers are healthy.

        Raises:
            UnhealthyError: one of them was not in time.
        """
        wait_until_healthy(names, self._health)

    def remove(self, items: Sequence[Item], tell: Callable[[str], None]) -> None:
        """Removes objects: all containers gracefully, then what they used, volumes with their data."""
        unknown = {item.role for item in items} - set(_ROLES)  # of a version that had other ones
        self._stop(items, [*sorted(unknown), *reversed(_ROLES)], tell)
        for item in sorted(items):
            if item.kind == "container":
                self._client.remove_container(item.name, v=True)
            elif item.kind == "network":
                self._client.remove_network(item.name)
            else:
                self._client.remove_volume(item.name)

    def _stop(self, items: Sequence[Item], roles: Iterable[str], tell: Callable[[str], None]) -> list[str]:
        """Stops what runs of these, one role after another; their names."""
        stopped: list[str] = []
        for role in roles:
            details = {name: self._client.inspect_container(name) for name in _ordered(items, [role])}
            voters = {name for name, found in details.items() if role == BROKER and _votes(found)}
            running = [name for name, found in details.items() if found["State"]["Running"]]
            quorum = [name for name in running if name in voters]
            if len(quorum) > 1:
                leading = most_leading_first(self._client, self._owner)
                quorum.sort(key=lambda name: leading.index(name) if name in leading else len(leading))
            # What is no voter needs the quorum, and the quorum does not need it.
            others = [name for name in running if name not in voters]
            for batch in (others, *batches(quorum, voters=len(voters))):
                self._stop_at_once(batch, details, tell)
                stopped += batch
        return stopped

    def _stop_at_once(
        self, names: Sequence[str], details: Mapping[str, Any], tell: Callable[[str], None]
    ) -> None:
        """Stops containers, each with its own grace."""

        def stop(name: str) -> None:
            self._client.stop(name, timeout=details[name]["Config"].get("StopTimeout") or GRACE_SECONDS)

        for name in names:
            tell(f"stopping {name}")
        with ThreadPoolExecutor(max(len(names), 1)) as pool:
            list(pool.map(stop, names))

    def _health(self, name: str) -> str:
        state: dict[str, Any] = self._client.inspect_container(name)["State"]
        if not state["Running"]:
            return f"ended with exit code {state['ExitCode']}"
        return str(state.get("Health", {}).get("Status", "healthy"))


def batches(running: Sequence[str], *, voters: int) -> list[Sequence[str]]:
    """Which members of a quorum are stopped together: one by one while the others are one, then the rest.

    A broker that is left without a quorum waits in vain to be let go, is killed when its grace is over, and
    must read its logs again at the next start. Therefore the last ones go at once. That does not do for all:
    of three, those that lead nothing are gone a second later, and the one that leads most partitions may need
    longer to hand them over. Stopped first, it leaves something to lead to each of the others, which then
    need about the same time: two or three of their heartbeats, while a broker that was let go needs about a
    second to end.

    Args:
        running: in the order in which they are best stopped.
        voters: how many the quorum has, running or not.
    """
    spare = max(len(running) - (voters // 2 + 1), 0)
    return [*([name] for name in running[:spare]), *([running[spare:]] if running else [])]


def wait_until_healthy(
    names: Sequence[str],
    health: Callable[[str], str],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Waits until all containers are healthy.

    Args:
        names: the containers.
        health: what a container is: ``healthy`` or something else.
        clock: the time in seconds.
        sleep: how to pause.

    Raises:
        UnhealthyError: one of them was not in time.
    """
    began = clock()
    while True:
        others = {name: state for name in names if (state := health(name)) != "healthy"}
        if not others:
            return
        if clock() - began > HEALTHY_SECONDS:
            listed = "".join(
                f"\n  {name} is {state}: docker logs {name} --tail 50" for name, state in others.items()
            )
            raise UnhealthyError(f"not healthy after {HEALTHY_SECONDS:.0f} s:{listed}")
        sleep(PAUSE_SECONDS)


def _votes(details: Mapping[str, Any]) -> bool:
    """Whether a broker's container is a controller, too."""
    variables = dict(entry.partition("=")[::2] for entry in details["Config"]["Env"] or ())
    return "controller" in variables.get("KAFKA_PROCESS_ROLES", "").split(",")


def _ordered(items: Iterable[Item], roles: Iterable[str]) -> list[str]:
    """Names of the containers with these roles, in the roles' order."""
    by_role = defaultdict(list)
    for item in items:
        if item.kind == "container":
            by_role[item.role].append(item.name)
    return [name for role in roles for name in by_role[role]]
