"""Whether a container that an interrupted run left behind is the one that is wanted now. Pure.

Docker shows what was asked for, what the image says and what it has filled in itself, all in one. What none
of these explains is a wish of the earlier run that the program no longer has, or a default unknown here: the
container is not taken over then. It gives way to a new one, which is never wrong, only slower.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.providers.docker.container_body import STEP_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.values import Values

_MEBIBYTE = 1024 * 1024
_SHORT_ID = 12
_FROM_IMAGE = ("User", "Entrypoint", "Cmd", "WorkingDir", "StopSignal", "Shell", "OnBuild", "ArgsEscaped")
_JOINED_WITH_IMAGE = ("Labels", "ExposedPorts", "Volumes")
_TERMINAL = "ConsoleSize"
_HIDDEN = ("MaskedPaths", "ReadonlyPaths")


@dataclass(frozen=True)
class Surroundings:
    """What Docker fills in from, as it describes both.

    Attributes:
        image: The image that the request names.
        docker: The engine itself.
    """

    image: dict[str, Any]
    docker: dict[str, Any]


def made_from(body: dict[str, Any], found: dict[str, Any], around: Surroundings) -> bool:
    """Tell whether a container is what a create request makes, no more and no less.

    Args:
        body: The request.
        found: Docker's description of the container.
        around: What says the rest.
    """
    if found["Image"] != around.image["Id"]:  # the name means another image by now
        return False
    return _config(body, found, around) and _host_config(body["HostConfig"], found["HostConfig"], around)


def connected(inputs: Values, found: dict[str, Any]) -> bool:
    """Tell whether a container is on the networks that its inputs name, as they say, and on no other.

    An address of the hardware that nobody asks for is not judged: Docker makes one up and shows it alike.
    """
    left = dict(found["NetworkSettings"]["Networks"] or {})
    for wanted in inputs.get("networksAdvanced") or _own_network(inputs):
        name = next((name for name, at in left.items() if wanted["name"] in (name, at["NetworkID"])), None)
        if name is None or not _as_wanted(wanted, left.pop(name), found):
            return False
    return not left


def put_in(path: str, described: dict[str, Any], found: dict[str, Any]) -> bool:
    """Tell whether a file that the image does not have must have been uploaded: it is older than the start.

    Args:
        path: Where it is in the container.
        described: What Docker says of it.
        found: Docker's description of the container.
    """
    if any(path == at["Destination"] for at in found["Mounts"]):
        return False
    # Docker makes empty files to mount others on. The type of a plain file is 0 to Go, but for its mode bits.
    plain = described["mode"] == stat.S_IMODE(described["mode"])
    written = datetime.fromisoformat(described["mtime"])
    return bool(plain and described["size"]) and written < datetime.fromisoformat(found["State"]["StartedAt"])


# --- configuration ---


def _config(body: dict[str, Any], found: dict[str, Any], around: Surroundings) -> bool:
    wanted = _with_image(body, around.image.get("Config") or {})
    shown = dict(found["Config"])
    shown["Labels"] = {key: text for key, text in (shown["Labels"] or {}).items() if key != STEP_LABEL}
    shown["Env"], wanted["Env"] = sorted(shown["Env"] or ()), sorted(wanted["Env"])
    shown["Healthcheck"] = _said(shown.get("Healthcheck"))
    if "Hostname" not in wanted and shown["Hostname"] in _own_names(body, found, around):
        del shown["Hostname"]
    return all(_same(wanted.get(key), shown.get(key)) for key in {**wanted, **shown})


def _with_image(body: dict[str, Any], image: dict[str, Any]) -> dict[str, Any]:
    """Add what Docker takes from the image where the request leaves it open."""
    wanted = {key: value for key, value in body.items() if key not in ("HostConfig", "Healthcheck")}
    for key in _FROM_IMAGE:
        if key == "Cmd" and "Entrypoint" in body:  # the image's command belongs to its own entrypoint
            continue
        wanted.setdefault(key, image.get(key))
    for key in _JOINED_WITH_IMAGE:
        wanted[key] = {**(image.get(key) or {}), **body.get(key, {})}
    given = body.get("Env", [])
    names = {_name(variable) for variable in given}
    wanted["Env"] = [*given, *(one for one in image.get("Env") or () if _name(one) not in names)]
    wanted["Healthcheck"] = _said(image.get("Healthcheck")) | _said(body.get("Healthcheck"))
    return wanted


def _own_names(body: dict[str, Any], found: dict[str, Any], around: Surroundings) -> Iterable[str]:
    yield found["Id"][:_SHORT_ID]
    if body["HostConfig"].get("NetworkMode") == "host":
        yield around.docker["Name"]


def _name(variable: str) -> str:
    return variable.partition("=")[0]


def _said(health: dict[str, Any] | None) -> dict[str, Any]:
    """Leave out what a health check leaves open."""
    return {key: value for key, value in (health or {}).items() if value}


# --- the host's side ---


def _host_config(asked: dict[str, Any], found: dict[str, Any], around: Surroundings) -> bool:
    wanted = _filled_in(around.docker) | _swap(asked) | asked
    wanted["LogConfig"] = _logs(asked["LogConfig"], around.docker)
    shown = {key: value for key, value in found.items() if key not in (_TERMINAL, *_HIDDEN)}
    for key in ("CapAdd", "CapDrop"):
        wanted[key], shown[key] = _capabilities(wanted.get(key)), _capabilities(shown.get(key))
    wanted["SecurityOpt"] = sorted(asked.get("SecurityOpt", ()))
    shown["SecurityOpt"] = sorted(_security(asked, shown.get("SecurityOpt") or ()))
    if not all(_hides_as_wanted(asked, found, key) for key in _HIDDEN):
        return False
    keys = {**wanted, **shown}.keys() - set(_HIDDEN)
    return all(_same(wanted.get(key), shown.get(key)) for key in keys)


def _filled_in(docker: dict[str, Any]) -> dict[str, Any]:
    """Return what Docker fills in where nobody has configured it otherwise."""
    return {
        "ShmSize": 64 * _MEBIBYTE,
        "Runtime": docker["DefaultRuntime"],
        "IpcMode": "private",
        "CgroupnsMode": "private" if docker.get("CgroupVersion") == "2" else "host",
    }


def _swap(asked: dict[str, Any]) -> dict[str, Any]:
    return {"MemorySwap": 2 * asked.get("Memory", 0)}


def _logs(asked: dict[str, Any], docker: dict[str, Any]) -> dict[str, Any]:
    return {"Type": asked["Type"] or docker["LoggingDriver"], "Config": asked["Config"]}


def _capabilities(names: list[str] | None) -> list[str]:
    """Spell each in one way: Docker writes CAP_CHOWN for CHOWN."""
    return sorted(name.upper().removeprefix("CAP_") for name in names or ())


def _security(asked: dict[str, Any], shown: Iterable[str]) -> Iterator[str]:
    """Leave out what Docker adds for containers that share so much that labels would stand in their way."""
    shares = asked.get("Privileged") or "host" in (asked.get("PidMode"), asked.get("IpcMode"))
    wanted = asked.get("SecurityOpt", ())
    return (one for one in shown if one in wanted or not (shares and one == "label=disable"))


def _hides_as_wanted(asked: dict[str, Any], found: dict[str, Any], key: str) -> bool:
    """Tell whether parts of the kernel's file systems are hidden, or not where the request says so."""
    if asked.get("Privileged"):
        return True
    return bool(found.get(key)) is (key not in asked)


# --- networks ---


def _own_network(inputs: Values) -> list[Values]:
    """Return the one that a container is created on."""
    mode = inputs.get("networkMode", "bridge")
    if mode.startswith("container:"):
        return []
    return [{"name": "bridge" if mode == "default" else mode}]


def _as_wanted(wanted: Values, at: dict[str, Any], found: dict[str, Any]) -> bool:
    own = {found["Id"][:_SHORT_ID], found["Config"]["Hostname"]}  # Docker adds these
    addresses = at.get("IPAMConfig") or {}
    options = dict(option.split("=", 1) for option in wanted.get("driverOpts", ()))
    hardware = wanted.get("macAddress", at["MacAddress"])
    return (
        set(at.get("Aliases") or ()) - own == set(wanted.get("aliases", ())) - own
        and set(addresses.get("LinkLocalIPs") or ()) == set(wanted.get("linkLocalIps", ()))
        and _same(wanted.get("ipv4Address"), addresses.get("IPv4Address"))
        and _same(wanted.get("ipv6Address"), addresses.get("IPv6Address"))
        and _same(options, at.get("DriverOpts"))
        and hardware.lower() == at["MacAddress"].lower()
    )


def _same(wanted: Any, shown: Any) -> bool:
    """Compare; Docker shows nothing in many ways."""
    return bool(wanted == shown or not (wanted or shown))
