"""Looks at a Docker host: what has which name, who holds which port, what memory and disk there are.

It changes nothing and judges nothing; :mod:`components.claims` does.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker.errors

from components.claims import ContainerFact, HostFacts, Port, Process
from messaging.docker_engine import address_of, connected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from components.claims import Claim

_MIB = 1024 * 1024
_PROC = Path("/proc")
_LISTENING = "0A"
_LONGEST_COMMAND = 80


def observe(claim: Claim) -> HostFacts:
    """The facts of the Docker host that matter to a claim.

    Raises:
        EngineError: the engine does not answer, or not to this user.
    """
    with connected(claim.docker_host) as client:
        return _observe(claim, client, address_of(claim.docker_host))


def _observe(claim: Claim, client: docker.APIClient, address: str) -> HostFacts:
    information = client.info()
    containers = {
        name.removeprefix("/"): _container(container)
        for container in client.containers(all=True)
        for name in container["Names"][:1]
    }
    published = [port for container in containers.values() for port in container.ports]
    is_local = address.startswith("unix://")
    data_root = str(information.get("DockerRootDir", ""))
    return HostFacts(
        engine=str(information.get("ID", "")),
        address=address,
        containers=containers,
        networks={network["Name"]: network.get("Labels") or {} for network in client.networks()},
        volumes={volume["Name"]: volume.get("Labels") or {} for volume in client.volumes()["Volumes"] or ()},
        processes=_processes(claim.ports, published) if is_local else {},
        missing_images=frozenset(image for image in claim.local_images if not _has_image(client, image)),
        memory_mib=int(information["MemTotal"]) // _MIB,
        cpus=int(information["NCPU"]),
        data_root=data_root,
        free_disk_mib=_free_disk(data_root) if is_local else None,
        version=str(information.get("ServerVersion", "")),
        live_restore=bool(information.get("LiveRestoreEnabled")),
    )


def _container(container: Mapping[str, Any]) -> ContainerFact:
    ports = tuple(
        Port(address=port.get("IP", ""), port=int(port["PublicPort"]))
        for port in container.get("Ports") or ()
        if port.get("PublicPort") and port.get("Type") == "tcp"
    )
    return ContainerFact(labels=container.get("Labels") or {}, ports=ports)


def _has_image(client: docker.APIClient, image: str) -> bool:
    try:
        client.inspect_image(image)  # type: ignore[no-untyped-call]  # its stub is incomplete
    except docker.errors.ImageNotFound:
        return False
    return True


def _processes(wanted: Iterable[Port], published: Iterable[Port]) -> dict[Port, Process]:
    """Who holds those of the wanted ports that no container publishes."""
    published = tuple(published)
    taken = [
        port for port in wanted if not any(port.clashes(other) for other in published) and not _can_bind(port)
    ]
    return {port: _listener(port.port) for port in taken}


def _can_bind(port: Port) -> bool:
    with socket.socket() as probe:
        # As Docker does: a connection that is only waiting to be forgotten does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.address, port.port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
        return True


def _listener(port: int) -> Process:
    """The process that listens on a port, where the system tells this user."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for folder in _PROC.glob("[0-9]*"):
        if sockets.isdisjoint(_open_files(folder)):
            continue
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            break
        text = command.replace(b"\0", b" ").decode(errors="replace").strip()
        return Process(pid=int(folder.name), command=text[:_LONGEST_COMMAND])
    return Process(pid=None)


def _open_files(process: Path) -> Iterable[str]:
    """What a process has open; nothing if it ended meanwhile or belongs to another user."""
    with contextlib.suppress(OSError):
        for link in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                yield str(link.readlink())


def _listening_inodes(port: int) -> Iterable[str]:
    for table in ("tcp", "tcp6"):
        try:
            rows = (_PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[3] == _LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                yield columns[9]


def _free_disk(folder: str) -> int | None:
    try:
        status = os.statvfs(folder)
    except OSError:
        # Docker Desktop keeps its data inside a machine of its own; other users may not look at all.
        return None
    return status.f_bavail * status.f_frsize // _MIB
