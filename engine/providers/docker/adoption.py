"""Whether a container that an interrupted run left behind is the one that is wanted now. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.values import Values

# Docker adds to these what the image says, and writes capabilities its own way.
_GROWING = {"Env", "CapAdd", "CapDrop", "SecurityOpt"}


def made_from(body: dict[str, Any], found: dict[str, Any]) -> bool:
    """Tell whether Docker's description of a container agrees with everything that a create request says.

    Args:
        body: The request.
        found: The description; it may say more.
    """
    config = {key: value for key, value in body.items() if key != "HostConfig"}
    return _agrees(config, found["Config"]) and _agrees(body["HostConfig"], found["HostConfig"])


def connected(inputs: Values, found: dict[str, Any]) -> bool:
    """Tell whether a container is connected to every network that its inputs name, under all its aliases."""
    networks = found["NetworkSettings"]["Networks"] or {}
    by_id = {at["NetworkID"]: at for at in networks.values()}
    for wanted in inputs.get("networksAdvanced", ()):
        at = networks.get(wanted["name"]) or by_id.get(wanted["name"])
        if at is None or not set(wanted.get("aliases", ())) <= set(at.get("Aliases") or ()):
            return False
        address = (at.get("IPAMConfig") or {}).get("IPv4Address")
        if wanted.get("ipv4Address") not in (None, address):
            return False
    return True


def _agrees(wanted: Any, found: Any, key: str = "") -> bool:
    if not wanted:  # the request leaves it to Docker
        return True
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(_agrees(value, found.get(name), name) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        if key in _GROWING:
            return {_canonical(item) for item in wanted} <= {_canonical(item) for item in found}
        return len(wanted) == len(found) and all(map(_agrees, wanted, found))
    return bool(wanted == found)


def _canonical(item: str) -> str:
    return item.removeprefix("CAP_")
