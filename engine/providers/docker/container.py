"""Containers: created, brought up, changed in place, stopped in time and removed.

What goes into Docker's requests is written in `container_body`, what is kept of its answers in
`container_state`, and when an unrecorded container of an earlier run may be taken over in `adoption`.
"""

from __future__ import annotations

import dataclasses
import posixpath
from typing import TYPE_CHECKING, Any

from engine.providers import schema
from engine.providers.base import Lost, ProviderError, Unfinished, fault
from engine.providers.diff import Change, Kind, diff, empty
from engine.providers.docker import adoption, upload
from engine.providers.docker.connection import Missing, Refused
from engine.providers.docker.container_body import STEP_LABEL, create_body, limits
from engine.providers.docker.container_rules import faults
from engine.providers.docker.container_state import TIMES, outputs
from engine.providers.docker.image import Images
from engine.providers.docker.units import cpus, duration, nano_cpus, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.providers.base import Call
    from engine.providers.check import Failure
    from engine.providers.docker.connection import Connection
    from engine.values import Values

_LIMITS = {"restart", "maxRetryCount", "memory", "memoryReservation", "memorySwap", "cpuShares", "cpuSet"}
# Docker can change these limits while a container runs, but not lift them.
_CANNOT_BE_LIFTED = {"memory", "memoryReservation", "cpuShares", "cpuSet"}
_NOT_FOUND, _CONFLICT = 404, 409
_DELETED = 2
"""Docker's number for a path that the image has and the container has not any more."""
_WAIT_SECONDS = 60
_ATTACHED_SECONDS = 1200
_REMOVAL_SECONDS = 60
# Docker fills these in for every container, and both providers keep them once they have looked. One that was
# waited for in vain at its creation is kept without, as the official provider does: the next run replaces it.
_READ_BACK = {"networkDatas", "runtime"}
_AWAITED_IN_VAIN = Change("wait", Kind.UPDATE, replace=True)


class _NotHealthy(ProviderError):
    """A container was waited for in vain."""


class Container:
    """The resource ``docker:index/container:Container``."""

    def __init__(self, connection: Connection) -> None:
        self.type = schema.load("docker").resources["docker:index/container:Container"]
        self._connection = connection
        self._images = Images(connection)

    def check(self, olds: Values, news: Values) -> list[Failure]:  # noqa: ARG002 - judged alone
        """Find combinations that Docker would refuse, or worse, accept."""
        return faults(news)

    def diff(self, olds: Values, news: Values, ignored: Sequence[str]) -> list[Change]:
        """Compare; lifting a limit takes a new container, and so does one that never got healthy."""
        kinds = self.type.properties
        changes = [
            dataclasses.replace(change, replace=True)
            if change.top in _CANNOT_BE_LIFTED and empty(kinds[change.top], news.get(change.top))
            else change
            for change in diff(kinds, _spelled(olds), _spelled(news), ignored)
        ]
        if olds.get("wait") and olds.keys().isdisjoint(_READ_BACK):
            return [change for change in changes if change.path != "wait"] + [_AWAITED_IN_VAIN]
        return changes

    # --- life ---

    def create(self, inputs: Values, call: Call) -> tuple[str, Values]:
        """Create, connect, fill, start and wait, in this order."""
        self._images.ensure(inputs["image"], inputs.get("platform", ""), call)
        identifier = self._create(inputs, call)
        try:
            return identifier, self._bring_up(identifier, inputs, call)
        except Unfinished as error:
            if isinstance(error.__cause__, _NotHealthy):
                error.outputs = {name: value for name, value in inputs.items() if name not in _READ_BACK}
            raise

    def known_by(self, identifier: str) -> Values:  # noqa: ARG002 - Docker says the rest
        """Return nothing."""
        return {}

    def read(self, identifier: str, known: Values) -> Values | None:
        """Inspect."""
        found = self._inspect(identifier)
        return outputs(found, known) if found else None

    def left(self, inputs: Values, call: Call) -> str:
        """Look for the label of one of the steps."""
        found = self._inspect(inputs["name"])
        step = (found["Config"]["Labels"] or {}).get(STEP_LABEL) if found else None
        return str(found["Id"]) if found and step in call.orphans else ""

    def update(self, identifier: str, olds: Values, news: Values, call: Call) -> Values:
        """Change limits, start what had stopped, and finish what an earlier run left undone."""
        found = self._inspect(identifier)
        if found is None:
            raise ProviderError(
                f"container {news['name']} no longer exists: run `pulumi refresh`, then `pulumi up` creates "
                "it anew"
            )
        if any(change.top in _LIMITS for change in self.diff(olds, news, ())):
            with self._connection.saying(f"cannot change the limits of container {news['name']}"):
                self._connection.api.update_container(identifier, **limits(news))
        if news.get("mustRun") and olds.get("mustRun") is False:
            self._start(identifier, news)
        return self._bring_up(identifier, news, call)

    def delete(self, identifier: str, outputs: Values, call: Call) -> None:
        """Stop with the grace period that the state knows, then remove, and wait until it is gone."""
        name = outputs.get("name", identifier[:12])
        try:
            with self._connection.saying(f"cannot remove container {name}"), self._connection.leaving():
                api = self._connection.api
                if not outputs.get("attach"):
                    api.stop(identifier, timeout=outputs.get("destroyGraceSeconds", 0))
                api.remove_container(identifier, v=outputs.get("removeVolumes", True), force=True)
        except Missing:
            return
        except Refused as error:
            if error.status != _CONFLICT:  # it is being removed already: rm, or somebody else
                raise
        call.until_gone(
            lambda: self._inspect(identifier) is None,
            seconds=_REMOVAL_SECONDS,
            otherwise=f"container {name} is still being removed after {_REMOVAL_SECONDS} s: try again",
        )

    # --- creation ---

    def _create(self, inputs: Values, call: Call) -> str:
        body = create_body(inputs, call.step)
        try:
            with self._connection.saying(f"cannot create container {inputs['name']}"):
                made = self._connection.api.create_container_from_config(  # type: ignore[no-untyped-call] # untyped in the stubs
                    body, inputs["name"], inputs.get("platform")
                )
        except Refused as error:
            holder = self._inspect(inputs["name"]) if error.status == _CONFLICT else None
            if holder is None:
                raise
            return self._take_over(holder, inputs, call)
        return str(made["Id"])

    def _take_over(self, holder: dict[str, Any], inputs: Values, call: Call) -> str:
        """Deal with the container that has the name: ours from a run that died, or another's."""
        identifier = str(holder["Id"])
        if (holder["Config"]["Labels"] or {}).get(STEP_LABEL) not in call.orphans:
            raise ProviderError(_conflict(holder, inputs["name"]))
        if holder["State"]["Status"] != "created" and self._is_surely_wanted(holder, inputs):
            call.inform(f"adopting container {inputs['name']} of a run that was interrupted")
            return identifier
        self.delete(identifier, inputs, call)
        return self._create(inputs, dataclasses.replace(call, orphans=frozenset()))

    def _is_surely_wanted(self, holder: dict[str, Any], inputs: Values) -> bool:
        try:
            return self._is_wanted(holder, inputs)
        except Refused:  # some proxies before an engine let only some questions through
            return False

    def _is_wanted(self, holder: dict[str, Any], inputs: Values) -> bool:
        with self._connection.saying(f"cannot compare container {inputs['name']} with what is wanted"):
            api = self._connection.api
            image = api.inspect_image(inputs["image"])  # type: ignore[no-untyped-call] # untyped in the stubs
            around = adoption.Surroundings(image, docker=api.info())
        if not adoption.made_from(create_body(inputs), holder, around):
            return False
        return adoption.connected(inputs, holder) and self._has_files(holder, inputs.get("uploads", ()))

    def _has_files(self, holder: dict[str, Any], files: Sequence[Values]) -> bool:
        """Tell whether a container has these uploads, and none that the program no longer has."""
        if not all(self._has_file(holder["Id"], file) for file in files):
            return False
        with self._connection.saying("cannot list the files of a container"):
            differing = self._connection.api.diff(holder["Id"]) or ()
        there = {change["Path"] for change in differing if change["Kind"] != _DELETED}
        others = there - {posixpath.normpath(one["file"]) for one in files}
        return not any(self._was_put_in(holder, path) for path in sorted(others))

    def _has_file(self, identifier: str, file: Values) -> bool:
        try:
            with self._connection.saying(f"cannot read {file['file']} of a container"):
                packed, _ = self._connection.api.get_archive(identifier, file["file"])
                return upload.unpack(b"".join(packed)) == (upload.content(file), upload.mode(file))
        except Missing:
            return False

    def _was_put_in(self, holder: dict[str, Any], path: str) -> bool:
        """Tell whether a file is an upload of an earlier run; one that Docker tells nothing of may be."""
        with self._connection.saying(f"cannot look at {path} of a container"):
            api = self._connection.api
            place = f"{api.base_url}/v{api.api_version}/containers/{holder['Id']}/archive"
            answer = api.head(place, params={"path": path}, timeout=api.timeout)
        if answer.status_code == _NOT_FOUND:
            return False
        return not answer.ok or adoption.put_in(path, upload.described(answer.headers), holder)

    # --- bringing up ---

    def _bring_up(self, identifier: str, inputs: Values, call: Call) -> Values:
        """Do what is left between creation and the wanted state, and nothing twice.

        Raises:
            Unfinished: It exists, but is not up.
        """
        try:
            if self._status(identifier) == "created":
                self._connect(identifier, inputs)
                self._upload(identifier, inputs)
                if inputs.get("start", True):
                    self._start(identifier, inputs)
            if inputs.get("start", True) and inputs.get("wait"):
                self._await_health(identifier, inputs, call)
            logs = self._follow(identifier, inputs, call) if inputs.get("attach") else {}
        except ProviderError as error:
            raise self._left_undone(identifier, inputs, error) from error
        except Exception as error:
            raise self._left_undone(identifier, inputs, fault(error)) from error
        found = self._inspect(identifier)
        if found is None:
            raise ProviderError(
                f"container {inputs['name']} is gone right after it came up: has it removed itself (rm)?"
            )
        return outputs(found, inputs | logs)

    def _left_undone(self, identifier: str, inputs: Values, error: ProviderError) -> ProviderError:
        """Return what to say of a container that was created and could not be brought up."""
        try:
            found = self._inspect(identifier)
        except ProviderError:  # it was created, and nobody can say what has become of it
            return Lost(str(error))
        return Unfinished(str(error), identifier, outputs(found, inputs)) if found else error

    def _connect(self, identifier: str, inputs: Values) -> None:
        wanted = inputs.get("networksAdvanced", ())
        if not wanted:
            return
        found = self._inspect(identifier) or {"NetworkSettings": {"Networks": {}}}
        connected = found["NetworkSettings"]["Networks"]
        names = {*connected, *(at["NetworkID"] for at in connected.values())}
        if "bridge" in connected:
            with self._connection.saying(
                f"cannot take container {inputs['name']} off Docker's default network"
            ):
                self._connection.api.disconnect_container_from_network(identifier, "bridge")
        for network in wanted:
            if network["name"] in names - {"bridge"}:
                continue
            with self._connection.saying(
                f"cannot connect container {inputs['name']} to network {network['name']}"
            ):
                self._connection.api.connect_container_to_network(
                    identifier,
                    network["name"],
                    aliases=network.get("aliases"),
                    ipv4_address=network.get("ipv4Address"),
                    ipv6_address=network.get("ipv6Address"),
                    link_local_ips=network.get("linkLocalIps"),
                    mac_address=network.get("macAddress"),
                    driver_opt=dict(option.split("=", 1) for option in network.get("driverOpts", ())) or None,
                )

    def _upload(self, identifier: str, inputs: Values) -> None:
        for file in inputs.get("uploads", ()):
            what = f"cannot upload {file['file']} to container {inputs['name']}"
            try:
                packed = upload.archive(file)
            except OSError as error:
                raise ProviderError(f"{what}: {error.filename}: {error.strerror}") from None
            with self._connection.saying(what):
                self._connection.api.put_archive(identifier, "/", packed)

    def _start(self, identifier: str, inputs: Values) -> None:
        with self._connection.saying(f"cannot start container {inputs['name']}"):
            self._connection.api.start(identifier)

    def _await_health(self, identifier: str, inputs: Values, call: Call) -> None:
        name = inputs["name"]
        seconds = min(inputs.get("waitTimeout", _WAIT_SECONDS), call.seconds or float("inf"))
        status = "starting"

        def healthy() -> bool:
            nonlocal status
            state = (self._inspect(identifier) or {"State": {}})["State"]
            if not state.get("Running") and not state.get("Restarting"):
                code = state.get("ExitCode", "unknown")
                raise _NotHealthy(
                    f"container {name} ended with exit code {code} before it was healthy: see `docker logs "
                    f"{name}`"
                )
            if "Health" not in state:
                raise _NotHealthy(
                    f"container {name} cannot be waited for: neither it nor its image has a health check"
                )
            status = state["Health"]["Status"]
            return bool(status == "healthy")

        if not call.until(healthy, seconds=seconds, every=0.25):
            raise _NotHealthy(
                f"container {name} is not healthy after {seconds:g} s but {status}: see `docker logs "
                f"{name}` and "
                f"`docker inspect --format '{{{{json .State.Health}}}}' {name}`"
            )

    def _follow(self, identifier: str, inputs: Values, call: Call) -> Values:
        """Wait until it ends by itself, and return what it printed where that is wanted."""
        seconds = call.seconds or _ATTACHED_SECONDS
        if not call.until(lambda: self._status(identifier) in ("exited", "dead", ""), seconds=seconds):
            raise ProviderError(f"container {inputs['name']} has not ended within {seconds:g} s")
        if not inputs.get("logs"):
            return {}
        with self._connection.saying(f"cannot read the logs of container {inputs['name']}"):
            return {"containerLogs": self._connection.api.logs(identifier).decode(errors="replace")}

    def _status(self, identifier: str) -> str:
        found = self._inspect(identifier)
        return str(found["State"]["Status"]) if found else ""

    def _inspect(self, identifier: str) -> dict[str, Any] | None:
        try:
            with self._connection.saying(f"cannot look at container {identifier[:12]}"):
                found: dict[str, Any] = self._connection.api.inspect_container(identifier)
        except Missing:
            return None
        return found


def _conflict(holder: dict[str, Any], name: str) -> str:
    labels = holder["Config"]["Labels"] or {}
    known = ", ".join(
        f"{key}={value}" for key, value in sorted(labels.items()) if key.startswith("com.iotplatform.")
    )
    return (
        f"the name {name} is taken by container {holder['Id'][:12]} (image {holder['Config']['Image']}, "
        f"{holder['State']['Status']}"
        f"{', ' + known if known else ''}), which this stack does not know: choose another name, or if "
        "nobody needs that container "
        f"remove it with `docker rm -f {name}` and run again"
    )


def _spelled(values: Values) -> Values:
    """Spell what has several spellings as it is kept: 60s and 1m0s are the same, and so are 2 and 2.0."""
    result = dict(values)
    if isinstance(values.get("cpus"), str):
        result["cpus"] = cpus(nano_cpus(values["cpus"]))
    health = values.get("healthcheck")
    if isinstance(health, dict):
        times = {
            name: duration(nanoseconds(health[name])) for name in TIMES if isinstance(health.get(name), str)
        }
        result["healthcheck"] = health | times
    return result
