"""Networks. Docker keeps names unique only on request, so creation asks for it."""

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

_CONFLICT, _FORBIDDEN = 409, 403
_REMOVAL_SECONDS = 30
# What Docker makes of these where nothing is said.
_LEFT_OUT: Values = {"driver": "bridge", "internal": False, "options": {}}
_IPAM = {"subnet": "Subnet", "ipRange": "IPRange", "gateway": "Gateway", "auxAddress": "AuxiliaryAddresses"}


class Network:
    """The resource ``docker:index/network:Network``."""

    def __init__(self, connection: Connection) -> None:
        self.type = schema.load("docker").resources["docker:index/network:Network"]
        self._connection = connection

    def check(self, olds: Values, news: Values) -> list[Failure]:  # noqa: ARG002 - the table says it all
        """Find nothing: the table says it all."""
        return []

    def diff(self, olds: Values, news: Values, ignored: Sequence[str]) -> list[Change]:
        """Compare."""
        return diff(self.type.properties, olds, news, ignored)

    def create(self, inputs: Values, call: Call) -> tuple[str, Values]:
        """Create, or take over the one that an interrupted run of this stack created."""
        name = inputs["name"]
        try:
            with self._connection.saying(f"cannot create network {name}"):
                made = self._connection.api.create_network(
                    name,
                    driver=inputs.get("driver"),
                    options=inputs.get("options"),
                    ipam=_ipam(inputs),
                    check_duplicate=True,
                    internal=inputs.get("internal", False),
                    labels=labels.to_docker(inputs) or None,
                    enable_ipv6=inputs.get("ipv6", False),
                    attachable=inputs.get("attachable"),
                    ingress=inputs.get("ingress"),
                )
        except Refused as error:
            found = self._inspect(name) if error.status == _CONFLICT else None
            if found is None:
                raise
            if not (call.orphans and self._is_wanted(found, inputs)):
                raise ProviderError(_taken(found)) from None
            return str(found["Id"]), _outputs(found, inputs)
        found = self._inspect(made["Id"])
        if found is None:
            raise ProviderError(
                f"network {name} is gone right after it was created: is something removing networks?"
            )
        return str(found["Id"]), _outputs(found, inputs)

    def _is_wanted(self, found: dict[str, Any], inputs: Values) -> bool:
        """Tell whether a network is what these inputs make, also where they leave it to Docker."""
        explicit = _LEFT_OUT | inputs
        shown = _outputs(found, explicit)
        if "ipamConfigs" not in inputs and any(
            _is_asked_for(given) for given in found["IPAM"]["Config"] or ()
        ):
            return False
        same = all(shown[name] == explicit[name] for name in _LEFT_OUT)
        return same and not self.diff(shown, inputs, ())

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
        if found is None or not self._is_wanted(found, inputs):
            return ""
        return str(found["Id"]) if call.could_have_made(found["Created"]) else ""

    def update(self, identifier: str, olds: Values, news: Values, call: Call) -> Values:  # noqa: ARG002
        """Change nothing: every change takes a new network."""
        found = self._inspect(identifier)
        if found is None:
            raise ProviderError(f"network {news['name']} no longer exists: run `pulumi refresh`")
        return _outputs(found, news)

    def delete(self, identifier: str, outputs: Values, call: Call) -> None:
        """Remove, after waiting for the containers on it to go."""
        name = outputs.get("name", identifier[:12])

        def removed() -> bool:
            try:
                with self._connection.saying(f"cannot remove network {name}"):
                    self._connection.api.remove_network(identifier)
            except Missing:
                return True
            except Refused as error:
                # Docker says Forbidden while containers are connected.
                if error.status not in (_CONFLICT, _FORBIDDEN) or "endpoints" not in error.reason:
                    raise
                return False
            return True

        if not call.until(removed, seconds=call.seconds or _REMOVAL_SECONDS, every=0.5):
            there = (self._inspect(identifier) or {}).get("Containers") or {}
            names = ", ".join(sorted(container["Name"] for container in there.values())) or "a container"
            raise ProviderError(
                f"network {name} is still used by {names}: disconnect with `docker network disconnect "
                f"{name} CONTAINER` or remove "
                "the container, then run again"
            )

    def _inspect(self, name: str) -> dict[str, Any] | None:
        try:
            with self._connection.saying(f"cannot look at network {name[:12]}"):
                found: dict[str, Any] = self._connection.api.inspect_network(name)
        except Missing:
            return None
        return found


def _ipam(inputs: Values) -> Any:
    return {
        "Driver": inputs.get("ipamDriver", "default"),
        "Options": inputs.get("ipamOptions"),
        "Config": [
            {theirs: given[ours] for ours, theirs in _IPAM.items() if given.get(ours)}
            for given in inputs.get("ipamConfigs", ())
        ],
    }


def _outputs(found: dict[str, Any], known: Values) -> Values:
    ipam = found["IPAM"]
    result: Values = {
        "name": found["Name"],
        "driver": found["Driver"],
        "scope": found["Scope"],
        "internal": found["Internal"],
        "options": found["Options"] or {},
        "ipamDriver": ipam["Driver"],
        "ipamConfigs": [_config(given) for given in ipam["Config"] or ()],
    }
    further = {
        "attachable": found["Attachable"],
        "ingress": found["Ingress"],
        "ipv6": found["EnableIPv6"],
        "ipamOptions": ipam["Options"] or {},
        "labels": labels.from_docker(found["Labels"]),
    }
    return result | {name: value for name, value in further.items() if value or name in known}


def _config(given: dict[str, Any]) -> Values:
    return {ours: given[theirs] for ours, theirs in _IPAM.items() if given.get(theirs)}


def _is_asked_for(given: dict[str, Any]) -> bool:
    """Tell whether an address range is more than what Docker chooses by itself."""
    return bool(given.get("IPRange") or given.get("AuxiliaryAddresses"))


def _taken(found: dict[str, Any]) -> str:
    name = found["Name"]
    return (
        f"the name {name} is taken by network {found['Id'][:12]} (labels: "
        f"{labels.described(found['Labels'])}), which this stack does "
        "not know: choose another name, or if nobody needs that network remove it with `docker network rm "
        f"{name}` and run again"
    )
