"""A container's inputs as the body of Docker's create request. Pure; what follows is in `container`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.providers.docker.units import nano_cpus, nanoseconds

if TYPE_CHECKING:
    from engine.values import Values

# Marks which creation a container comes from, so that the next run knows one whose creation was never
# recorded. Labels of containers are never read back, so neither engine sees a difference.
STEP_LABEL = "com.iotplatform.messaging.step"
_MEBIBYTE = 1024 * 1024
_PLAIN_CONFIG = {
    "image": "Image",
    "hostname": "Hostname",
    "domainname": "Domainname",
    "user": "User",
    "workingDir": "WorkingDir",
    "tty": "Tty",
    "stdinOpen": "OpenStdin",
    "envs": "Env",
    "command": "Cmd",
    "entrypoints": "Entrypoint",
    "stopSignal": "StopSignal",
    "stopTimeout": "StopTimeout",
}
_PLAIN_HOST = {
    "privileged": "Privileged",
    "publishAllPorts": "PublishAllPorts",
    "runtime": "Runtime",
    "rm": "AutoRemove",
    "readOnly": "ReadonlyRootfs",
    "tmpfs": "Tmpfs",
    "dns": "Dns",
    "dnsOpts": "DnsOptions",
    "dnsSearches": "DnsSearch",
    "cpuShares": "CpuShares",
    "cpuSet": "CpusetCpus",
    "networkMode": "NetworkMode",
    "usernsMode": "UsernsMode",
    "pidMode": "PidMode",
    "ipcMode": "IpcMode",
    "sysctls": "Sysctls",
    "groupAdds": "GroupAdd",
    "cgroupnsMode": "CgroupnsMode",
    "cgroupParent": "CgroupParent",
    "storageOpts": "StorageOpt",
}
_UNCONFINED_PATHS = "systempaths=unconfined"


def create_body(inputs: Values, step: str = "") -> dict[str, Any]:
    """Write the request.

    Args:
        inputs: Checked inputs.
        step: Which creation this is; empty when that is not known.
    """
    body = _renamed(inputs, _PLAIN_CONFIG)
    labels = {label["label"]: label["value"] for label in inputs.get("labels", ())}
    if step:
        labels[STEP_LABEL] = step
    if labels:
        body["Labels"] = labels
    if health := inputs.get("healthcheck"):
        body["Healthcheck"] = _healthcheck(health)
    if ports := inputs.get("ports"):
        body["ExposedPorts"] = {_port(port): {} for port in ports}
    if paths := [
        volume["containerPath"] for volume in inputs.get("volumes", ()) if volume.get("containerPath")
    ]:
        body["Volumes"] = {path: {} for path in paths}
    body["HostConfig"] = _host_config(inputs)
    return body


def limits(inputs: Values) -> dict[str, Any]:
    """Write the settings that can be changed in a running container, as arguments of `update_container`."""
    memory = _memory(inputs)
    if "Memory" in memory:
        # Docker's own default, which it fills in only at creation: without it a higher limit is refused.
        memory.setdefault("MemorySwap", 2 * memory["Memory"])
    return {
        "restart_policy": _restart(inputs),
        "cpu_shares": inputs.get("cpuShares"),
        "cpuset_cpus": inputs.get("cpuSet"),
        "mem_limit": memory.get("Memory"),
        "mem_reservation": memory.get("MemoryReservation"),
        "memswap_limit": memory.get("MemorySwap"),
    }


def _restart(inputs: Values) -> dict[str, Any]:
    return {"Name": inputs.get("restart", "no"), "MaximumRetryCount": inputs.get("maxRetryCount", 0)}


def _renamed(inputs: Values, names: dict[str, str]) -> dict[str, Any]:
    return {theirs: inputs[ours] for ours, theirs in names.items() if inputs.get(ours)}


def _host_config(inputs: Values) -> dict[str, Any]:
    host: dict[str, Any] = {
        **_renamed(inputs, _PLAIN_HOST),
        **_memory(inputs),
        **_processors(inputs),
        **_security(inputs),
        "Init": bool(inputs.get("init")),
        "LogConfig": {"Type": inputs.get("logDriver", ""), "Config": inputs.get("logOpts", {})},
        "RestartPolicy": _restart(inputs),
    }
    if hosts := inputs.get("hosts"):
        host["ExtraHosts"] = [f"{entry['host']}:{entry['ip']}" for entry in hosts]
    if ulimits := inputs.get("ulimits"):
        host["Ulimits"] = [{"Name": u["name"], "Soft": u["soft"], "Hard": u["hard"]} for u in ulimits]
    if shm := inputs.get("shmSize"):
        host["ShmSize"] = shm * _MEBIBYTE
    for port in inputs.get("ports", ()):
        binding = {"HostIp": port["ip"], "HostPort": str(port.get("external", 0))}
        host.setdefault("PortBindings", {}).setdefault(_port(port), []).append(binding)
    for volume in inputs.get("volumes", ()):
        if other := volume.get("fromContainer"):
            host.setdefault("VolumesFrom", []).append(other)
        elif place := volume.get("hostPath") or volume.get("volumeName"):
            host.setdefault("Binds", []).append(_bind(place, volume))
    return host


def _memory(inputs: Values) -> dict[str, int]:
    """Write memory limits, which are in MiB in inputs; -1 is unlimited swap."""
    names = {"memory": "Memory", "memoryReservation": "MemoryReservation", "memorySwap": "MemorySwap"}
    return {
        theirs: -1 if inputs[ours] < 0 else inputs[ours] * _MEBIBYTE
        for ours, theirs in names.items()
        if inputs.get(ours)
    }


def _processors(inputs: Values) -> dict[str, int]:
    if cpus := inputs.get("cpus"):
        return {"NanoCpus": nano_cpus(cpus)}
    return _renamed(inputs, {"cpuPeriod": "CpuPeriod", "cpuQuota": "CpuQuota"})


def _security(inputs: Values) -> dict[str, Any]:
    body: dict[str, Any] = {}
    capabilities = inputs.get("capabilities", {})
    if adds := capabilities.get("adds"):
        body["CapAdd"] = adds
    if drops := capabilities.get("drops"):
        body["CapDrop"] = drops
    if options := inputs.get("securityOpts"):
        body["SecurityOpt"] = [option for option in options if option != _UNCONFINED_PATHS]
        if _UNCONFINED_PATHS in options:  # an option of Docker's command line, not of its engine
            body["MaskedPaths"], body["ReadonlyPaths"] = [], []
    return body


def _healthcheck(health: Values) -> dict[str, Any]:
    times = {
        "interval": "Interval",
        "timeout": "Timeout",
        "startPeriod": "StartPeriod",
        "startInterval": "StartInterval",
    }
    body: dict[str, Any] = {theirs: nanoseconds(health.get(ours, "0s")) for ours, theirs in times.items()}
    return body | {"Test": health.get("tests", []), "Retries": health.get("retries", 0)}


def _port(port: Values) -> str:
    return f"{port['internal']}/{port['protocol']}"


def _bind(place: str, volume: Values) -> str:
    options = ["ro" if volume.get("readOnly") else "rw", volume.get("selinuxRelabel")]
    return f"{place}:{volume['containerPath']}:{','.join(option for option in options if option)}"
