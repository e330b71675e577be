"""ContainerHealthy: stands between two containers of a kind, so that they neither start nor stop together.

It waits until the first is healthy, when that is made and whenever it has become another; only then the
second may be made or replaced. Of two that begin at once, both would make what they share, and one would
fail.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.dynamic.provider import EmptyProvider, Refusal, differs, inputs_only, tell, told_plainly

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pulumi

READY_SECONDS = 180.0
PAUSE_SECONDS = 0.5
FIRST_WORD_SECONDS = 30.0


class ContainerHealthy(Resource, module="messaging", name="ContainerHealthy"):
    """Stands for a container that does its work again."""

    def __init__(
        self,
        name: str,
        *,
        container: str,
        container_id: pulumi.Input[str],
        docker_host: str,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declares the gate.

        Args:
            name: its logical name.
            container: the container's name in Docker.
            container_id: its id; another one makes the gate wait.
            docker_host: the Docker engine's address; empty for what the environment says.
            opts: the usual ones.
        """
        props = {"container": container, "containerId": container_id, "dockerHost": docker_host}
        super().__init__(ContainerHealthyProvider(), name, props, opts)


class ContainerHealthyProvider(EmptyProvider):
    """Waits on create and update; there is nothing to read or delete."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Another container makes it wait."""
        return DiffResult(changes=differs(_olds, _news), replaces=[])

    @told_plainly
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Waits until the container is healthy."""
        _wait(props)
        return CreateResult(str(props["container"]), inputs_only(props))

    @told_plainly
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Waits until the container is healthy."""
        _wait(_news)
        return UpdateResult(inputs_only(_news))


def _wait(props: Mapping[str, Any]) -> None:
    name = str(props["container"])
    wait_until_healthy(lambda: _health(name, props["dockerHost"]), name)


def wait_until_healthy(
    ask: Callable[[], str],
    name: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Asks until the container is healthy.

    Args:
        ask: Docker's word for its health.
        name: the container.
        clock: the time in seconds.
        sleep: how to pause.

    Raises:
        Refusal: it was not healthy in time.
    """
    began = clock()
    next_word = FIRST_WORD_SECONDS
    while (state := ask()) != "healthy":
        waited = clock() - began
        if waited > READY_SECONDS:
            raise Refusal(
                f"{name} is {state} {READY_SECONDS:.0f} s after its start, so the next of its kind is left "
                f"alone. Its log says why: docker logs {name} --tail 50. Then run `pulumi up` again"
            )
        if waited >= next_word:
            tell(f"waiting for {name} ({waited:.0f} s): it is {state}")
            next_word = waited + FIRST_WORD_SECONDS
        sleep(PAUSE_SECONDS)


def _health(name: str, docker_host: str) -> str:
    from messaging.docker_engine import EngineError, connected

    try:
        with connected(docker_host) as client:
            return str(client.inspect_container(name)["State"].get("Health", {}).get("Status", "unwatched"))
    except EngineError as error:
        return f"not to be seen: {error}"
