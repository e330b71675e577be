"""Containers keep to themselves: no rights over the host, no open door that nobody guards."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from guardrails import reading
from guardrails.reading import CONTAINER, VOLUME
from guardrails.rule import ResourceRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_policy import ResourceValidationArgs

_SOCKETS = re.compile(
    r"(^|/)(docker|containerd|podman|crio)\.sock$"
    r"|^/(var/)?run(/(docker|containerd|podman|crio|user(/\d+)?))?$|^/(var)?$"
)
"""Sockets of engines, and folders that hold one."""
_UNCONFINED = re.compile(r"[=:]\s*(unconfined|disable)\s*$", re.IGNORECASE)
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - Docker's default, which is what is looked for
_SECURED = frozenset({"SSL", "SASL_SSL"})
_LISTENER = re.compile(r"(?P<name>[\w-]+)://[^,]*?:(?P<port>\d+)")


def _privileged(args: ResourceValidationArgs) -> Iterable[str]:
    who = reading.container_name(args)
    if args.props.get("privileged"):
        yield f"The container {who} is privileged; it must not be."
    added = [name for entry in _entries(args.props, "capabilities") for name in entry.get("adds") or ()]
    if added:
        yield f"The container {who} is given the capabilities {', '.join(added)}; none is allowed."
    for option in reading.items(args.props, "securityOpts"):
        if _UNCONFINED.search(option):
            yield (
                f"The container {who} has the security option {option}; the engine's own confinement or a "
                "narrower one is allowed."
            )


def _entries(props: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """What is one object in some versions of the provider and a list of them in others."""
    value = props.get(key)
    if not value:
        return []
    return list(value) if not hasattr(value, "keys") else [value]


def _host_namespaces(args: ResourceValidationArgs) -> Iterable[str]:
    for key in ("networkMode", "pidMode", "ipcMode", "usernsMode"):
        value = args.props.get(key) or ""
        if value == "host":
            yield (
                f"The container {reading.container_name(args)} has {key} host; a network of its own and no "
                "part of the host is allowed."
            )


def _docker_socket(args: ResourceValidationArgs) -> Iterable[str]:
    kind = "volume" if args.resource_type == VOLUME else "container"
    for source in _sources(args):
        if source and _SOCKETS.search(reading.path(source)):
            yield (
                f"The {kind} {reading.container_name(args)} mounts {source}; whoever holds an engine's "
                "socket is root on the host, so it must not be mounted."
            )


def _sources(args: ResourceValidationArgs) -> Iterable[str | None]:
    """What of the host is mounted: by a container, or by a volume under a name."""
    if args.resource_type == VOLUME:
        return [_device(args.props.get("driverOpts"))]
    # Docker takes a volume's name that begins with a slash for a folder of the host.
    volumes = reading.items(args.props, "volumes")
    mounts = reading.items(args.props, "mounts")
    return [
        *(entry.get(key) for entry in volumes for key in ("hostPath", "volumeName")),
        *(entry.get("source") for entry in mounts),
        *(
            _device(options.get("driverOptions"))
            for entry in mounts
            for options in _entries(entry, "volumeOptions")
        ),
    ]


def _device(options: Mapping[str, Any] | None) -> str | None:
    return options.get("device") if options else None


def _loopback(args: ResourceValidationArgs) -> Iterable[str]:
    who = reading.container_name(args)
    if args.props.get("publishAllPorts"):
        yield f"The container {who} publishes all ports; only single ones on 127.0.0.1 are allowed."
    guarded = {
        *_secured_ports(args.props),
        *(port for entry in args.get_config()["secured"] for port in _stated(entry, who)),
    }
    for entry in reading.items(args.props, "ports"):
        address = entry.get("ip") or _EVERYWHERE
        inside, outside = reading.number(entry["internal"]), reading.number(entry.get("external"))
        if not _is_loopback(address) and inside not in guarded:
            yield (
                f"The container {who} publishes its port {inside} as {address}:{outside}; only 127.0.0.1 is "
                "allowed for a listener that is not secured."
            )


def _stated(entry: str, container: str) -> Iterable[int]:
    name, _, port = entry.rpartition(":")
    return [int(port)] if name == container and port.isdigit() else []


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _protocols(props: Mapping[str, Any]) -> dict[str, str]:
    pairs = reading.node_settings(props).get("listener.security.protocol.map", "").split(",")
    return {name.strip(): protocol.strip() for name, _, protocol in (pair.partition(":") for pair in pairs)}


def _secured_ports(props: Mapping[str, Any]) -> set[int]:
    """The container's ports on which TLS is spoken, as far as it is told so."""
    protocols = _protocols(props)
    kafka = {
        int(found["port"])
        for found in _LISTENER.finditer(reading.node_settings(props).get("listeners", ""))
        if protocols.get(found["name"], found["name"]) in _SECURED
    }
    registry = {
        int(found["port"])
        for found in _LISTENER.finditer(reading.environment(props).get("SCHEMA_REGISTRY_LISTENERS", ""))
        if found["name"] == "https"
    }
    return kafka | registry


def _external_tls(args: ResourceValidationArgs) -> Iterable[str]:
    if not reading.is_broker(args.props):
        args.not_applicable("no broker")
    protocol = _protocols(args.props).get("EXTERNAL", "")
    if protocol and protocol not in _SECURED:
        yield (
            f"The node {reading.container_name(args)} speaks {protocol} on its EXTERNAL listener; anybody on "
            "the way can read it."
        )


RULES = (
    ResourceRule(
        name="no-privileged-container",
        what="A container has no rights over its host.",
        why="Whoever breaks into a privileged container owns the host with all brokers.",
        fix="Take privileged, added capabilities and unconfined security options out.",
        types=(CONTAINER,),
        judge=_privileged,
    ),
    ResourceRule(
        name="no-host-namespace",
        what="A container shares no namespace with its host.",
        why="On the host's network every port is open, past all that is published.",
        fix="Take networkMode, pidMode, ipcMode and usernsMode host out; publish the ports that are needed.",
        types=(CONTAINER,),
        judge=_host_namespaces,
    ),
    ResourceRule(
        name="no-docker-socket",
        what="No container can command the Docker engine.",
        why="The socket is root on the host.",
        fix="Take the mount out; what needs the engine runs on the host.",
        types=(CONTAINER, VOLUME),
        judge=_docker_socket,
    ),
    ResourceRule(
        name="ports-on-loopback",
        what="What is published beyond the host is secured.",
        why="A plaintext listener on every address lets anybody read, write and delete.",
        fix=(
            "Set messaging:listeners.bindAddress to 127.0.0.1, secure the listener, or name it under "
            "ports-on-loopback.secured in policies/prod.json if something before it secures it."
        ),
        types=(CONTAINER,),
        settings={
            "secured": {
                "type": "array",
                "items": {"type": "string", "pattern": r".+:\d+"},
                "default": [],
                "description": "Listeners that are secured in a way that cannot be seen, as container:port.",
            }
        },
        judge=_loopback,
    ),
    ResourceRule(
        name="external-tls",
        what="Clients outside the Docker network speak TLS.",
        why="Messages and passwords cross other people's networks.",
        fix="Switch TLS on for the EXTERNAL listener.",
        types=(CONTAINER,),
        judge=_external_tls,
    ),
)
