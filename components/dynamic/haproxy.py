"""LoadBalancerConfig: the configuration on the load balancer's volume, in use.

A change is written beside the old one, judged by the HAProxy that is to run it, put in its place, and taken
up by a signal: the container stays, and connections of the old configuration end in their own time.
"""

from __future__ import annotations

import io
import tarfile
import time
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.dynamic.provider import EmptyProvider, Refusal, differs, inputs_only, told_plainly

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker
    import pulumi

READY_SECONDS = 30.0
PAUSE_SECONDS = 0.2
SIGNAL_AGAIN_SECONDS = 3.0
"""A process that has only just begun does not listen to signals yet."""
RELOAD = "kill -s USR2 1"
"""From inside. A container that got any signal through Docker counts as stopped by a person from then on: its
engine starts it again neither after a crash nor after a restart of its own."""
_NEXT = "next.cfg"


class LoadBalancerConfig(Resource, module="messaging", name="LoadBalancerConfig"):
    """A configuration that the load balancer has taken up."""

    def __init__(
        self,
        name: str,
        *,
        container: str,
        container_id: pulumi.Input[str],
        docker_host: str,
        path: str,
        config: str,
        version: str,
        version_url: str,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declares the configuration.

        Args:
            name: its logical name.
            container: the load balancer's name in Docker.
            container_id: its id; another one is asked whether it has taken the configuration up.
            docker_host: the Docker engine's address; empty for what the environment says.
            path: where HAProxy reads it.
            config: its text.
            version: what the load balancer answers when it has taken it up.
            version_url: where it answers so, as seen from inside the container.
            opts: the usual ones.
        """
        props = {
            "container": container,
            "containerId": container_id,
            "dockerHost": docker_host,
            "path": path,
            "config": config,
            "version": version,
            "versionUrl": version_url,
        }
        super().__init__(LoadBalancerConfigProvider(), name, props, opts)


class LoadBalancerConfigProvider(EmptyProvider):
    """Writes and reloads. All that it does may be done again; removing it removes nothing."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Whether something else is wanted, or lies on the volume."""
        changed = differs(_olds, _news)
        return DiffResult(changes=changed or _volume_differs(_news), replaces=[])

    @told_plainly
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Writes the configuration and waits until it is in use."""
        _take_up(props)
        return CreateResult(str(props["container"]), inputs_only(props))

    @told_plainly
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Writes the configuration and waits until it is in use."""
        _take_up(_news)
        return UpdateResult(inputs_only(_news))


def _volume_differs(props: dict[str, Any]) -> bool:
    """Whether the volume holds another text; a load balancer that cannot be asked is other faults' affair."""
    from messaging.docker_engine import EngineError, connected

    try:
        with connected(props["dockerHost"]) as client:
            return _holds_another(client, props)
    except EngineError:
        return False


def _holds_another(client: docker.APIClient, props: dict[str, Any]) -> bool:
    import docker.errors

    try:
        chunks, _ = client.get_archive(props["container"], props["path"])
    except docker.errors.NotFound:
        return False
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        member = archive.extractfile(archive.getmembers()[0])
        return member is None or member.read().decode(errors="replace") != props["config"]


def _take_up(props: dict[str, Any]) -> None:
    from messaging.docker_engine import EngineError, connected

    name = str(props["container"])
    try:
        with connected(props["dockerHost"]) as client:
            live = LiveProxy(client, name, path=props["path"], version_url=props["versionUrl"])
            live.write(props["config"])
            if live.version() == props["version"]:
                # Whoever altered the text may have had that taken up under the same version, and a run that
                # put it right may have been cut off before the signal: what is in use cannot be read.
                live.reload()
            wait_until_used(live.version, live.reload, str(props["version"]))
    except EngineError as error:
        raise Refusal(f"the load balancer {name} cannot be given its configuration: {error}") from None
    except TimeoutError:
        raise Refusal(
            f"the load balancer {name} did not take up its new configuration within {READY_SECONDS:.0f} s, "
            f"so the old one may still be in use. Its log says why: docker logs {name} --tail 50"
        ) from None


def wait_until_used(
    ask: Callable[[], str],
    reload: Callable[[], None],
    version: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Signals, and again after a while, until the wanted version answers.

    Args:
        ask: the version in use; empty if nothing answers.
        reload: sends the signal.
        version: the wanted one.
        clock: the time in seconds.
        sleep: how to pause.

    Raises:
        TimeoutError: another version or none answered to the end.
    """
    began = clock()
    next_signal = began
    while ask() != version:
        now = clock()
        if now - began > READY_SECONDS:
            raise TimeoutError
        if now >= next_signal:
            reload()
            next_signal = now + SIGNAL_AGAIN_SECONDS
        sleep(PAUSE_SECONDS)


class LiveProxy:
    """A load balancer's container."""

    def __init__(self, client: docker.APIClient, name: str, *, path: str, version_url: str) -> None:
        """Asks nothing yet.

        Args:
            client: the engine that runs it.
            name: the container.
            path: where HAProxy reads its configuration.
            version_url: where it says which one is in use, from inside the container.
        """
        self._client = client
        self._name = name
        self._folder, _, self._file = path.rpartition("/")
        address, _, page = version_url.removeprefix("http://").partition("/")
        self._host, _, self._port = address.partition(":")
        self._page = page

    def version(self) -> str:
        """The version of the configuration in use; empty if nothing answers."""
        request = rf"GET /{self._page} HTTP/1.0\r\n\r\n"
        script = (
            f"exec 3<>/dev/tcp/{self._host}/{self._port} && printf '{request}' >&3 && "
            'while read -r line; do :; done <&3; printf %s "$line"'
        )
        code, out = self._run("bash", "-c", script)
        return out.strip() if code == 0 else ""

    def write(self, text: str) -> None:
        """Puts a configuration in place, if HAProxy takes it.

        Raises:
            Refusal: it does not; the old one is untouched.
        """
        content = text.encode()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            entry = tarfile.TarInfo(_NEXT)
            entry.size, entry.mode, entry.mtime = len(content), 0o644, int(time.time())
            archive.addfile(entry, io.BytesIO(content))
        self._client.put_archive(self._name, self._folder, buffer.getvalue())
        next_file = f"{self._folder}/{_NEXT}"
        code, out = self._run("haproxy", "-c", "-f", next_file)
        if code == 0:
            code, out = self._run("mv", next_file, f"{self._folder}/{self._file}")
        if code != 0:
            raise Refusal(
                f"the load balancer {self._name} refuses its new configuration and keeps the old one:\n{out}"
            )

    def reload(self) -> None:
        """Makes HAProxy read its configuration again.

        Raises:
            Refusal: the signal cannot be sent.
        """
        code, out = self._run("bash", "-c", RELOAD)
        if code != 0:
            raise Refusal(
                f"the load balancer {self._name} cannot be told to read its configuration again:\n{out}"
            )

    def _run(self, *command: str) -> tuple[int, str]:
        started = self._client.exec_create(self._name, list(command), user="0")
        out = self._client.exec_start(started["Id"])
        code = self._client.exec_inspect(started["Id"])["ExitCode"]
        return int(code if code is not None else 1), bytes(out).decode(errors="replace")
