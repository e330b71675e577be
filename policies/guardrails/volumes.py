"""What a Kafka node keeps outlives its container: it lies on a named volume of its own.

That the volume itself is not deleted is judged in :mod:`guardrails.protection`. Whether data of a running
node is still where it was is left to the program's ClusterIdentity, which knows the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guardrails import reading
from guardrails.reading import CONTAINER, VOLUME
from guardrails.rule import StackRule, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_policy import PolicyResource, StackValidationArgs

_FOLDERS = ("log.dirs", "log.dir", "metadata.log.dir")
_IN_MEMORY = ("tmpfs", "ramfs")
_BOUND = ("bind", "rbind")


@dataclass(frozen=True, kw_only=True)
class _Mount:
    """Something that lies over a part of a container's file system."""

    path: str
    volume: str = ""
    """The named volume; empty if it is anything else."""
    wrong: str = ""
    """What is wrong with it, as the end of a sentence about it."""


def _mounts(props: Mapping[str, Any]) -> Iterable[_Mount]:
    for entry in reading.items(props, "volumes"):
        path = reading.path(entry.get("containerPath") or "/")
        if entry.get("fromContainer"):
            yield _Mount(path="/", wrong=f"another container's volumes, those of {entry['fromContainer']}")
        elif entry.get("hostPath"):
            yield _Mount(path=path, wrong=f"the host's folder {entry['hostPath']}")
        else:
            yield _named(path, entry.get("volumeName"), is_read_only=bool(entry.get("readOnly")))
    for entry in reading.items(props, "mounts"):
        path, kind = reading.path(entry["target"]), entry.get("type")
        if kind == "volume":
            yield _named(path, entry.get("source"), is_read_only=bool(entry.get("readOnly")))
        else:
            yield _Mount(path=path, wrong=f"a mount of type {kind}")
    for path in props.get("tmpfs") or {}:
        yield _Mount(path=reading.path(path), wrong="memory (tmpfs)")


def _named(path: str, volume: str | None, *, is_read_only: bool) -> _Mount:
    if not volume:
        return _Mount(path=path, wrong="a volume without a name, which goes with its container")
    if volume.startswith("/"):  # Docker takes it for a folder of the host
        return _Mount(path=path, wrong=f"the host's folder {volume}")
    return _Mount(path=path, volume=volume, wrong=f"the volume {volume}, read-only" if is_read_only else "")


def _passing(volume: PolicyResource) -> str:
    """Why what is written to a volume does not stay on it; empty if it does."""
    given = volume.props.get("driverOpts") or {}
    options = {str(value).strip().lower() for value in str(given.get("o") or "").split(",")}
    kind = str(given.get("type") or "").strip().lower()
    if kind in _IN_MEMORY:
        return f"which is memory ({kind})"
    if kind in _BOUND or options & {*_BOUND}:
        return f"which is the host's folder {given.get('device')}"
    return ""


def _folders(settings: Mapping[str, str]) -> list[str]:
    given = [folder.strip() for name in _FOLDERS for folder in settings.get(name, "").split(",")]
    return list(dict.fromkeys(reading.path(folder) for folder in given if folder))


def _problems(
    node: PolicyResource, volumes: Mapping[str, PolicyResource], used: Mapping[str, str]
) -> Iterable[str]:
    """What is wrong with where a node keeps its data; each as the end of a sentence about the node."""
    folders = _folders(reading.node_settings(node.props))
    if not folders:
        yield "does not set log.dirs, so nothing says where its data is; a folder on a volume is allowed"
    mounts = list(_mounts(node.props))
    for folder in folders:
        above = [one for one in mounts if reading.is_within(folder, one.path)]
        near = [*above, *(one for one in mounts if one not in above and reading.is_within(one.path, folder))]
        if len(near) > 1:
            places = ", ".join(sorted(one.path for one in near))
            yield f"has {len(near)} mounts at its data in {folder}: {places}; exactly one is allowed"
        elif not above:
            yield f"keeps its data in {folder}, where no volume is mounted; a volume of its own is allowed"
        else:
            yield from (f"keeps its data in {folder} on {one}" for one in _faults(above[0], volumes, used))


def _faults(mount: _Mount, volumes: Mapping[str, PolicyResource], used: Mapping[str, str]) -> Iterable[str]:
    if mount.wrong:
        yield f"{mount.wrong}; a named volume is allowed"
    elif mount.volume not in volumes:
        yield f"the volume {mount.volume}, which is none of this stack's; one of its own is allowed"
    elif passing := _passing(volumes[mount.volume]):
        yield f"the volume {mount.volume}, {passing}; one that keeps what is written to it is allowed"
    if mount.volume in used:
        yield f"the volume {mount.volume}, which {used[mount.volume]} mounts, too; one of its own is allowed"


def _on_a_volume(args: StackValidationArgs) -> Iterable[Violation]:
    containers = reading.of_type(args.resources, CONTAINER)
    nodes = [one for one in containers if reading.is_node(one.props)]
    if not nodes:
        args.not_applicable("no Kafka node in this stack")
    volumes = {str(one.props.get("name")): one for one in reading.of_type(args.resources, VOLUME)}
    for node in nodes:
        used = {
            mount.volume: reading.container_name(other)
            for other in containers
            if other is not node
            for mount in _mounts(other.props)
            if mount.volume
        }
        for problem in _problems(node, volumes, used):
            said = f"The node {reading.container_name(node)} {problem}."
            yield Violation(resource=node.name, message=said, urn=node.urn)


RULES = (
    StackRule(
        name="data-on-volume",
        what="A Kafka node keeps its data on a named volume of its own.",
        why="What is in the container, in memory or on a nameless volume goes with the next replacement.",
        fix="Mount the node's docker.Volume at the folder that log.dirs names, and nothing else there.",
        judge=_on_a_volume,
    ),
)
