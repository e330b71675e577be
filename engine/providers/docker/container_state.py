"""A container as Docker describes it, turned into the outputs that the official provider keeps. Pure.

Creation and every later read go through the same function, so a refresh right after sees no change. Durations
and processors are spelled as the official provider does, whatever the program's spelling. What
Docker does not tell apart from the image's settings (variables, labels) or cannot tell at all (uploads, how
to stop) is taken over from what is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.providers.docker.units import cpus, duration, nanoseconds

if TYPE_CHECKING:
    from engine.values import Values

_MEBIBYTE = 1024 * 1024
# Kept even when empty or off: the official provider takes a missing one as a change, at once or together with
# the next one, and most of these replace the container.
_ALWAYS = {
    "hostname": ("Config", "Hostname", ""),
    "command": ("Config", "Cmd", []),
    "entrypoints": ("Config", "Entrypoint", []),
    "stopSignal": ("Config", "StopSignal", ""),
    "stopTimeout": ("Config", "StopTimeout", 0),
    "runtime": ("HostConfig", "Runtime", ""),
    "ipcMode": ("HostConfig", "IpcMode", ""),
    "init": ("HostConfig", "Init", False),
    "networkMode": ("HostConfig", "NetworkMode", "bridge"),
    "tty": ("Config", "Tty", False),
    "stdinOpen": ("Config", "OpenStdin", False),
    "rm": ("HostConfig", "AutoRemove", False),
    "readOnly": ("HostConfig", "ReadonlyRootfs", False),
    "privileged": ("HostConfig", "Privileged", False),
    "publishAllPorts": ("HostConfig", "PublishAllPorts", False),
}
# Switches that Docker does not know; off, they are kept for the same reason.
_SWITCHES = ("attach", "logs", "wait")
# Read back; nothing is kept where Docker has nothing, unless the program gave that nothing itself.
_WHERE_SET = {
    "domainname": ("Config", "Domainname", ""),
    "user": ("Config", "User", ""),
    "workingDir": ("Config", "WorkingDir", ""),
    "tmpfs": ("HostConfig", "Tmpfs", {}),
    "dns": ("HostConfig", "Dns", []),
    "dnsOpts": ("HostConfig", "DnsOptions", []),
    "dnsSearches": ("HostConfig", "DnsSearch", []),
    "usernsMode": ("HostConfig", "UsernsMode", ""),
    "sysctls": ("HostConfig", "Sysctls", {}),
    "groupAdds": ("HostConfig", "GroupAdd", []),
    "storageOpts": ("HostConfig", "StorageOpt", {}),
    "cpuShares": ("HostConfig", "CpuShares", 0),
    "cpuSet": ("HostConfig", "CpusetCpus", ""),
}
_UNSEEN = (
    "attach",
    "cgroupParent",
    "cgroupnsMode",
    "containerLogs",
    "containerReadRefreshTimeoutMilliseconds",
    "cpuPeriod",
    "cpuQuota",
    "destroyGraceSeconds",
    "logs",
    "networksAdvanced",
    "removeVolumes",
    "start",
    "uploads",
    "volumes",
    "wait",
    "waitTimeout",
)


def outputs(found: dict[str, Any], known: Values) -> Values:
    """Describe a container.

    Args:
        found: Docker's description.
        known: The inputs it was made from, or its last outputs.
    """
    result: Values = dict.fromkeys(_SWITCHES, False) | {
        name: known[name] for name in _UNSEEN if name in known
    }
    for name, (part, key, nothing) in _ALWAYS.items():
        result[name] = found[part].get(key) or nothing
    for name, (part, key, nothing) in _WHERE_SET.items():
        value = found[part].get(key) or nothing
        if value or name in known:
            result[name] = value
    host, config = found["HostConfig"], found["Config"]
    # Docker adds options of its own to the list (label=disable for privileged containers), the official
    # provider keeps them.
    result["securityOpts"] = known.get("securityOpts") or host.get("SecurityOpt") or []
    result["envs"] = known.get("envs", [])
    result["labels"] = known.get("labels", [])
    result["name"] = found["Name"].removeprefix("/")
    result["image"] = _image(found, known)
    result["platform"] = known.get("platform") or found.get("Platform", "")
    result["restart"] = host["RestartPolicy"]["Name"] or "no"
    result["logDriver"] = host["LogConfig"]["Type"]
    result["shmSize"] = host.get("ShmSize", 0) // _MEBIBYTE
    result.update(_life(found, known))
    result.update(_limits(host, known))
    result.update(_places(found, known))
    if "capabilities" in known or host.get("CapAdd") or host.get("CapDrop"):
        result["capabilities"] = _capabilities(host, known.get("capabilities", {}))
    if config.get("Healthcheck"):
        result["healthcheck"] = _healthcheck(config["Healthcheck"], known.get("healthcheck", {}))
    return result


def _image(found: dict[str, Any], known: Values) -> Any:
    by_id = str(known.get("image", "")).startswith("sha256:")
    return found["Image"] if by_id else found["Config"]["Image"]


def _life(found: dict[str, Any], known: Values) -> Values:
    """Tell whether it runs. One that should but does not is said not to have to: a change to make."""
    running = found["State"]["Running"]
    must_run = known.get("mustRun", True)
    stopped = not running and known.get("start", True) and not known.get("attach")
    return {"exitCode": found["State"]["ExitCode"], "mustRun": must_run and not stopped}


def _limits(host: dict[str, Any], known: Values) -> Values:
    result: Values = {}
    for name, key in (("memory", "Memory"), ("memoryReservation", "MemoryReservation")):
        result[name] = (host.get(key) or 0) // _MEBIBYTE
    swap = host.get("MemorySwap") or 0
    # Twice the memory is Docker's own choice: kept as if it were the program's, it would be a change at every
    # run.
    if "memorySwap" in known or swap not in (0, -1, 2 * (host.get("Memory") or 0)):
        result["memorySwap"] = swap // _MEBIBYTE if swap > 0 else swap
    retries = host["RestartPolicy"].get("MaximumRetryCount") or 0
    if retries or "maxRetryCount" in known:
        result["maxRetryCount"] = retries
    if nanos := host.get("NanoCpus"):
        result["cpus"] = cpus(nanos)
    if "ulimits" in known:
        result["ulimits"] = [
            {"name": limit["Name"], "soft": limit["Soft"], "hard": limit["Hard"]}
            for limit in host["Ulimits"] or ()
        ]
    if "logOpts" in known:
        result["logOpts"] = host["LogConfig"]["Config"] or {}
    if "pidMode" in known:
        result["pidMode"] = host["PidMode"]
    return result


def _places(found: dict[str, Any], known: Values) -> Values:
    """Describe hosts, networks and ports."""
    settings = found["NetworkSettings"]
    networks = sorted((settings.get("Networks") or {}).items())
    result: Values = {"bridge": settings.get("Bridge", "")}
    result["networkDatas"] = [
        {
            "networkName": name,
            "ipAddress": at["IPAddress"],
            "ipPrefixLength": at["IPPrefixLen"],
            "gateway": at["Gateway"],
            "globalIpv6Address": at["GlobalIPv6Address"],
            "globalIpv6PrefixLength": at["GlobalIPv6PrefixLen"],
            "ipv6Gateway": at["IPv6Gateway"],
            "macAddress": at["MacAddress"],
        }
        for name, at in networks
    ]
    if hosts := [_host(entry) for entry in found["HostConfig"].get("ExtraHosts") or ()]:
        result["hosts"] = hosts
    if "ports" in known:
        # A stopped container publishes nothing; that must not look as if its ports had been taken away.
        result["ports"] = _ports(settings, known["ports"]) if found["State"]["Running"] else known["ports"]
    return result


def _host(entry: str) -> Values:
    name, _, address = entry.partition(":")
    return {"host": name, "ip": address}


def _ports(settings: dict[str, Any], known: list[Values]) -> list[Values]:
    """List what is published, in the known order, without the IPv6 twin of a binding to every address."""
    left = [
        {"internal": int(number), "external": int(at["HostPort"]), "ip": at["HostIp"], "protocol": protocol}
        for key, bindings in sorted((settings.get("Ports") or {}).items())
        for number, protocol in [key.split("/")]
        for at in bindings or ()
    ]
    ports = []
    for port in known:
        match = next((found for found in left if _same_port(port, found)), None)
        if match:
            left.remove(match)
            ports.append(match)
    return ports + [port for port in left if port["ip"] != "::"]


def _same_port(known: Values, found: Values) -> bool:
    same = all(known.get(name) == found[name] for name in ("internal", "ip", "protocol"))
    return same and known.get("external") in (None, 0, found["external"])


def _capabilities(host: dict[str, Any], known: Values) -> Values:
    result = {}
    for name, key in (("adds", "CapAdd"), ("drops", "CapDrop")):
        found, wanted = host.get(key) or [], known.get(name, [])
        # Docker writes CAP_CHOWN for what may also be called CHOWN.
        same = {_capability(c) for c in found} == {_capability(c) for c in wanted}
        if found or wanted:
            result[name] = wanted if same else found
    return result


def _capability(name: str) -> str:
    return name.upper().removeprefix("CAP_")


TIMES = {
    "interval": "Interval",
    "timeout": "Timeout",
    "startPeriod": "StartPeriod",
    "startInterval": "StartInterval",
}
"""A health check's durations, and what Docker calls them."""


def _healthcheck(found: dict[str, Any], known: Values) -> Values:
    result: Values = {}
    for name, key in TIMES.items():
        # Zero means the image's own time, and is what the program said.
        wanted = known.get(name, "0s") if known else None
        inherited = wanted is not None and nanoseconds(wanted) == 0
        result[name] = duration(0 if inherited else found.get(key, 0))
    result["tests"] = (found.get("Test") or []) if known.get("tests") or not known else []
    return result | {"retries": known.get("retries") or (0 if known else found.get("Retries", 0))}
