"""Volumes. One that exists already is only taken over when its labels and settings are those wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.providers import schema
from engine.providers.base import ProviderError
from engine.providers.diff import Change, diff
from engine.providers.docker import labels
from engine.providers.docker.connection import Missing, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.providers.base import Call
    from engine.providers.check import Failure
    from engine.providers.docker.connection import Connection
    from engine.values import Values

_CONFLICT = 409
_REMOVAL_SECONDS = 30
_DEFAULT_DRIVER = "local"


class Volume:
    """The resource ``docker:index/volume:Volume``."""

    def __init__(self, connection: Connection) -> None:
        self.type = schema.load("docker").resources["docker:index/volume:Volume"]
        self._connection = connection

    def check(self, olds: Values, news: Values) -> list[Failure]:  # noqa: ARG002 - the table says it all
        """Find nothing: the table says it all."""
        return []

    def diff(self, olds: Values, news: Values, ignored: Sequence[str]) -> list[Change]:
        """Compare."""
        return diff(self.type.properties, olds, news, ignored)

    def create(self, inputs: Values, call: Call) -> tuple[str, Values]:
        """Create, or take over the one that an earlier run or an earlier life of this stack left.

        Docker itself would hand over any volume of that name, with its data.
        """
        name = inputs["name"]
        found = self._inspect(name)
        if found is None:
            with self._connection.saying(f"cannot create volume {name}"):
                found = self._connection.api.create_volume(
                    name, inputs.get("driver"), inputs.get("driverOpts"), labels.to_docker(inputs)
                )
        elif not self._is_wanted(found, inputs, call):
            raise ProviderError(
                f"volume {name} exists already, and not as this one would be made ({_described(found)}): "
                "choose another name, or if nobody needs its data remove it with "
                f"`docker volume rm {name}` and run again"
            )
        return name, _outputs(found, inputs)

    @staticmethod
    def _is_wanted(found: dict[str, Any], inputs: Values, call: Call) -> bool:
        wanted = labels.to_docker(inputs)
        driver = inputs.get("driver", _DEFAULT_DRIVER)
        same = (found["Labels"] or {}) == wanted and found["Driver"] == driver
        options = (found["Options"] or {}) == inputs.get("driverOpts", {})
        return same and options and bool(wanted or call.orphans)

    def known_by(self, identifier: str) -> Values:  # noqa: ARG002 - Docker says the rest
        """Return nothing."""
        return {}

    def read(self, identifier: str, known: Values) -> Values | None:
        """Inspect."""
        found = self._inspect(identifier)
        return _outputs(found, known) if found else None

    def left(self, inputs: Values, call: Call) -> str:
        """Look for one that is as wanted and was created since."""
        found = self._inspect(inputs["name"])
        if found is None or not self._is_wanted(found, inputs, call):
            return ""
        return str(found["Name"]) if call.could_have_made(found["CreatedAt"]) else ""

    def update(self, identifier: str, olds: Values, news: Values, call: Call) -> Values:  # noqa: ARG002
        """Change nothing: every change takes a new volume."""
        found = self._inspect(identifier)
        if found is None:
            raise ProviderError(f"volume {identifier} no longer exists: run `pulumi refresh`")
        return _outputs(found, news)

    def delete(self, identifier: str, outputs: Values, call: Call) -> None:  # noqa: ARG002
        """Remove, after waiting for containers that still use it to go."""

        def removed() -> bool:
            try:
                with self._connection.saying(f"cannot remove volume {identifier}"):
                    self._connection.api.remove_volume(identifier, force=True)
            except Missing:
                return True
            except Refused as error:
                if error.status != _CONFLICT:
                    raise
                return False
            return True

        if not call.until(removed, seconds=call.seconds or _REMOVAL_SECONDS, every=0.5):
            raise ProviderError(
                f"volume {identifier} is still in use by {self._users(identifier)}: remove or stop using it "
                "there, then run again"
            )

    def _users(self, name: str) -> str:
        with self._connection.saying(f"cannot list the containers that use volume {name}"):
            users = self._connection.api.containers(all=True, filters={"volume": name})
        return (
            ", ".join(sorted(user["Names"][0].removeprefix("/") for user in users))
            or "a container that is gone"
        )

    def _inspect(self, name: str) -> dict[str, Any] | None:
        try:
            with self._connection.saying(f"cannot look at volume {name}"):
                found: dict[str, Any] = self._connection.api.inspect_volume(name)
        except Missing:
            return None
        return found


def _described(found: dict[str, Any]) -> str:
    """Write for a message how a volume was made, but not its options' values: there may be passwords."""
    options = ", ".join(sorted(found["Options"] or ())) or "none"
    return f"labels: {labels.described(found['Labels'])}; driver: {found['Driver']}; options: {options}"


def _outputs(found: dict[str, Any], known: Values) -> Values:
    result: Values = {"name": found["Name"], "driver": found["Driver"], "mountpoint": found["Mountpoint"]}
    if found["Labels"] or "labels" in known:
        result["labels"] = labels.from_docker(found["Labels"])
    if found["Options"] or "driverOpts" in known:
        result["driverOpts"] = found["Options"] or {}
    return result
