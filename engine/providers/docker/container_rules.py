"""What a container's inputs must fulfil beyond their types. Pure; messages show no possible secret."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from engine.providers.check import Failure
from engine.providers.docker.units import nano_cpus, nanoseconds
from engine.providers.files import is_file
from engine.values import UNKNOWN, contains_unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.values import Values

_PERMISSIONS = re.compile(r"0[0-7]{3}\Z")
_CPU_SET = re.compile(r"\d+([,-]\d+)*\Z")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*\Z")
_CONTENTS = ("content", "contentBase64", "source")


def faults(inputs: Values) -> list[Failure]:
    """Find every fault in a container's inputs; what is still unknown passes."""
    return [
        *_texts(inputs),
        *_uploads(inputs),
        *_volumes(inputs),
        *_networks(inputs),
        *_ports(inputs),
        *_combinations(inputs),
    ]


def _known(value: Any) -> TypeGuard[Any]:
    return value is not None and value is not UNKNOWN


def _texts(inputs: Values) -> Iterator[Failure]:
    """Judge values that are written in a notation."""
    if _known(name := inputs.get("name")) and not _NAME.match(name):
        reason = f"'{name}' is no container name: use letters, digits, '_', '.', '-', the first no sign"
        yield Failure("name", reason)
    if _known(cpu_set := inputs.get("cpuSet")) and not _CPU_SET.match(cpu_set):
        yield Failure("cpuSet", f"'{cpu_set}' is no set of processors; write it like 0-2,4")
    yield from _parsed("cpus", inputs.get("cpus"), nano_cpus)
    health = inputs.get("healthcheck")
    if _known(health):
        for name in ("interval", "timeout", "startPeriod", "startInterval"):
            yield from _parsed(f"healthcheck.{name}", health.get(name), nanoseconds)
    if "" in _list(inputs, "command"):
        yield Failure("command", "'command' holds an empty string; leave it out")
    for index, variable in enumerate(_list(inputs, "envs")):
        if _known(variable) and "=" not in variable:
            yield Failure(f"envs[{index}]", f"'envs[{index}]' must be NAME=VALUE; it has no '='")


def _parsed(path: str, value: Any, parse: Callable[[str], int]) -> Iterator[Failure]:
    if not _known(value):
        return
    try:
        parse(value)
    except ValueError as error:
        yield Failure(path, str(error))


def _uploads(inputs: Values) -> Iterator[Failure]:
    for index, upload in enumerate(_list(inputs, "uploads")):
        if not _known(upload):
            continue
        path = f"uploads[{index}]"
        given = [name for name in _CONTENTS if upload.get(name)]
        if len(given) != 1:
            reason = (
                f"'{path}' gives {' and '.join(given)}; give one of them"
                if given
                else f"'{path}' needs one of {', '.join(_CONTENTS)}, and an empty file cannot be uploaded"
            )
            yield Failure(path, reason)
        if _known(permissions := upload.get("permissions")) and not _PERMISSIONS.match(permissions):
            yield Failure(f"{path}.permissions", f"'{permissions}' are no permissions; write them like 0644")
        if _known(file := upload.get("file")) and not file.startswith("/"):
            yield Failure(f"{path}.file", f"'{file}' must be an absolute path in the container")
        if _known(source := upload.get("source")) and source and not is_file(source):
            reason = f"there is no file {source} that may be read, seen from {Path.cwd()}"
            yield Failure(f"{path}.source", reason)
        if _known(encoded := upload.get("contentBase64")) and not _is_base64(encoded):
            yield Failure(f"{path}.contentBase64", f"'{path}.contentBase64' is not base64")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:  # also letters beyond ASCII
        return False
    return True


def _volumes(inputs: Values) -> Iterator[Failure]:
    for index, volume in enumerate(_list(inputs, "volumes")):
        if contains_unknown(volume):
            continue
        path = f"volumes[{index}]"
        here, other = volume.get("containerPath"), volume.get("fromContainer")
        if bool(here) == bool(other):
            yield Failure(path, f"'{path}' needs containerPath or fromContainer, and not both")
        if volume.get("hostPath") and volume.get("volumeName"):
            yield Failure(path, f"'{path}' has a hostPath and a volumeName: one place cannot be both")
        if (host := volume.get("hostPath")) and not host.startswith("/"):
            yield Failure(f"{path}.hostPath", f"'{host}' must be an absolute path on Docker's host")


def _networks(inputs: Values) -> Iterator[Failure]:
    for index, network in enumerate(_list(inputs, "networksAdvanced")):
        if not _known(network):
            continue
        for at, option in enumerate(_list(network, "driverOpts")):
            if _known(option) and "=" not in option:
                path = f"networksAdvanced[{index}].driverOpts[{at}]"
                yield Failure(path, f"'{path}' must be NAME=VALUE; it has no '='")


def _ports(inputs: Values) -> Iterator[Failure]:
    taken: dict[tuple[Any, ...], int] = {}
    for index, port in enumerate(_list(inputs, "ports")):
        if contains_unknown(port) or not port.get("external"):
            continue
        key = (port["ip"], port["external"], port["protocol"])
        if key in taken:
            reason = f"{port['ip']}:{port['external']} is published by 'ports[{taken[key]}]' already"
            yield Failure(f"ports[{index}]", reason)
        taken.setdefault(key, index)


def _combinations(inputs: Values) -> Iterator[Failure]:
    mode = inputs.get("networkMode")
    if _list(inputs, "networksAdvanced") and _known(mode) and mode != "bridge":
        reason = f"networkMode '{mode}' and networksAdvanced exclude each other: leave out networkMode"
        yield Failure("networkMode", reason)
    if inputs.get("rm") is True and inputs.get("restart") not in (None, UNKNOWN, "no"):
        yield Failure(
            "rm", "a container that removes itself when it ends (rm) cannot restart: leave out one of the two"
        )
    if inputs.get("maxRetryCount", 0) not in (0, UNKNOWN) and inputs.get("restart") not in (
        UNKNOWN,
        "on-failure",
    ):
        yield Failure("maxRetryCount", "maxRetryCount only means something with restart 'on-failure'")
    memory, swap = inputs.get("memory", 0), inputs.get("memorySwap", 0)
    if UNKNOWN not in (memory, swap) and swap > 0 and not 0 < memory <= swap:
        reason = f"memorySwap limits memory and swap together: memory must be 1 to {swap}, not {memory}"
        yield Failure("memorySwap", reason)
    if inputs.get("wait") is True and inputs.get("start") is False:
        yield Failure(
            "wait", "a container that is not started (start: false) cannot become healthy: leave out wait"
        )


def _list(inputs: Values, name: str) -> list[Any]:
    value = inputs.get(name)
    return value if isinstance(value, list) else []
