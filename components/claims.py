"""What a stack claims of its Docker host, and what of that the host cannot give. Pure.

Looking at the host is done in :mod:`components.host_facts`; when to look is decided by the preflight
resource.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from messaging.naming import Owner
from settings import LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.platform import Platform
    from settings import Settings

_WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
_GIB = 1024
_LOCKS_UP = "20.10."
"""Debian 12's Docker: moby/moby issue 46661, mended in 23.0 and never there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """A port of the host that a container publishes."""

    address: str
    port: int

    def clashes(self, other: Port) -> bool:
        """Whether the two cannot be bound at the same time."""
        everywhere = not _WILDCARDS.isdisjoint((self.address, other.address))
        return self.port == other.port and (everywhere or self.address == other.address)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Everything that a stack wants of one Docker host."""

    owner: Owner
    docker_host: str
    """The engine's address; empty for what the environment says."""
    containers: tuple[str, ...]
    networks: tuple[str, ...]
    volumes: tuple[str, ...]
    published: Mapping[str, tuple[Port, ...]]
    """Ports by container."""
    local_images: tuple[str, ...]
    """Images that must be on the host, because no registry has them."""
    memory_mib: Mapping[str, int]
    """Limit by container."""
    cpus: int
    """The largest limit of processors of any container; 0 for none."""
    free_disk_mib: int
    engine: str = ""
    """The id of the engine that the stack was made on; empty as long as nobody looked."""

    @property
    def ports(self) -> tuple[Port, ...]:
        """All ports that it publishes."""
        return tuple(port for ports in self.published.values() for port in ports)

    def to_inputs(self) -> dict[str, Any]:
        """The claim as a resource's inputs."""
        return {
            "project": self.owner.project,
            "stack": self.owner.stack,
            "instance": self.owner.instance,
            "dockerHost": self.docker_host,
            "containers": list(self.containers),
            "networks": list(self.networks),
            "volumes": list(self.volumes),
            "published": {
                name: [{"address": port.address, "port": port.port} for port in ports]
                for name, ports in self.published.items()
            },
            "localImages": list(self.local_images),
            "memoryMib": dict(self.memory_mib),
            "cpus": self.cpus,
            "freeDiskMib": self.free_disk_mib,
            "engine": self.engine,
        }

    @staticmethod
    def from_inputs(inputs: Mapping[str, Any]) -> Claim:
        """The claim that inputs hold; numbers may have become floats on their way."""
        return Claim(
            owner=Owner(project=inputs["project"], stack=inputs["stack"], instance=inputs["instance"]),
            docker_host=inputs["dockerHost"],
            containers=tuple(inputs["containers"]),
            networks=tuple(inputs["networks"]),
            volumes=tuple(inputs["volumes"]),
            published={
                name: tuple(Port(address=port["address"], port=int(port["port"])) for port in ports)
                # A state of an earlier version does not say which container a port is for.
                for name, ports in (inputs.get("published") or {"": inputs["ports"]}).items()
            },
            local_images=tuple(inputs["localImages"]),
            memory_mib={name: int(limit) for name, limit in inputs["memoryMib"].items()},
            # A state of an earlier version knows of none.
            cpus=int(inputs.get("cpus", 0)),
            free_disk_mib=int(inputs["freeDiskMib"]),
            engine=str(inputs.get("engine", "")),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerFact:
    """A container that is there."""

    labels: Mapping[str, str]
    ports: tuple[Port, ...] = ()
    """What it publishes now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A process that listens on a port."""

    pid: int | None
    """None if the system does not say which one it is."""
    command: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFacts:
    """What a Docker host has and holds, as far as it matters to one claim."""

    engine: str = ""
    """The id of the Docker engine."""
    address: str = ""
    """Where it was asked."""
    containers: Mapping[str, ContainerFact] = field(default_factory=dict)
    networks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Labels by name, for networks and volumes alike."""
    volumes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    processes: Mapping[Port, Process] = field(default_factory=dict)
    """Who holds a claimed port that no container publishes."""
    missing_images: frozenset[str] = frozenset()
    memory_mib: int = 0
    cpus: int = 0
    data_root: str = ""
    free_disk_mib: int | None = None
    """None if the engine's disk cannot be seen from here."""
    version: str = ""
    """The Docker engine's."""
    live_restore: bool = False
    """Whether containers go on while the engine is stopped."""


def claim(platform: Platform, settings: Settings) -> Claim:
    """What a platform wants of its host."""
    blueprints = platform.containers
    return Claim(
        owner=settings.owner,
        docker_host=settings.docker_host or "",
        containers=tuple(blueprint.name for blueprint in blueprints),
        networks=(platform.network,),
        volumes=tuple(blueprint.data_volume for blueprint in blueprints if blueprint.data_volume),
        published={
            blueprint.name: tuple(
                Port(address=blueprint.bind_address, port=port.outside) for port in blueprint.ports
            )
            for blueprint in blueprints
        },
        local_images=tuple(
            sorted({blueprint.image for blueprint in blueprints} if settings.images.source == LOCAL else ())
        ),
        memory_mib={blueprint.name: blueprint.memory_mib for blueprint in blueprints},
        cpus=max(blueprint.cpus for blueprint in blueprints),
        free_disk_mib=settings.free_disk_mib,
    )


def faults(wanted: Claim, held: Claim | None, facts: HostFacts) -> list[str]:
    """Everything that the host cannot give, as sentences.

    Args:
        wanted: what the stack is to have.
        held: what its state says that it has; None if the state knows nothing of it.
        facts: what is on the host.
    """
    return [
        *(_another_engine(held, facts) if held and not is_at_home(held, facts) else ()),
        *_strangers(wanted, facts),
        *(_forgotten(wanted, facts) if held is None else ()),
        *_ports(wanted, held, facts),
        *_swapped_ports(wanted, facts),
        *_images(facts),
        *_memory(wanted, facts),
        *_processors(wanted, facts),
        *_disk(wanted, held, facts),
    ]


def advice(wanted: Claim, facts: HostFacts) -> list[str]:
    """What the host would better have for a stack of several nodes, as sentences; it is no fault."""
    if len(wanted.volumes) <= 1:
        return []
    found = []
    if not facts.live_restore:
        found.append(
            "the Docker engine stops all its containers, every broker at once, when it is restarted or "
            'upgraded. Set "live-restore": true in its daemon.json (docs/production.md)'
        )
    if facts.version.startswith(_LOCKS_UP):
        found.append(
            f"the Docker engine {facts.version} can lock up for good when several containers leave a network "
            "at the same moment, and answers nobody then. Version 23 and later do not (docs/runbooks.md)"
        )
    return found


def is_at_home(held: Claim, facts: HostFacts) -> bool:
    """Whether this is the engine that a stack was made on, as far as anybody knows.

    One that was set up anew on the old data has another id, and some engines have another one in each answer:
    so what is there of the stack counts as well.
    """
    same = held.engine in {"", facts.engine}
    return same or any(held.owner.owns(labels) for _, _, labels in _named(held, facts))


def _another_engine(held: Claim, facts: HostFacts) -> Iterator[str]:
    stack = held.owner.stack
    yield (
        f"the Docker engine at {facts.address} is not the one that this stack was made on, and has nothing "
        "of it. Set DOCKER_HOST or messaging:docker.host to the address of that one. Only if that host is "
        f"lost with its data, begin anew here: `pulumi stack rm {stack} --force --preserve-config`, then "
        f"`pulumi stack init {stack}`"
    )


def _named(wanted: Claim, facts: HostFacts) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Kind, name and labels of everything on the host that has a claimed name."""
    containers = {name: fact.labels for name, fact in facts.containers.items()}
    for kind, names, found in (
        ("container", wanted.containers, containers),
        ("network", wanted.networks, facts.networks),
        ("volume", wanted.volumes, facts.volumes),
    ):
        yield from ((kind, name, found[name]) for name in names if name in found)


def _strangers(wanted: Claim, facts: HostFacts) -> Iterator[str]:
    for kind, name, labels in _named(wanted, facts):
        if not wanted.owner.owns(labels):
            remove = "docker rm -f" if kind == "container" else f"docker {kind} rm"
            yield (
                f"the {kind} {name} exists and is not this stack's. If nobody needs it: `{remove} {name}`; "
                "otherwise give this stack names of its own: `pulumi config set messaging:instance NAME`"
            )


def _forgotten(wanted: Claim, facts: HostFacts) -> Iterator[str]:
    ours = [(kind, name) for kind, name, labels in _named(wanted, facts) if wanted.owner.owns(labels)]
    if ours:
        listed = ", ".join(f"{kind} {name}" for kind, name in ours)
        way_out = f"`make reclaim STACK={wanted.owner.stack}`"
        if any(kind == "volume" for kind, _ in ours):
            way_out = f"`make reclaim STACK={wanted.owner.stack} VOLUMES=yes`, which takes the data with them"
        yield (
            f"{listed}: labelled as this stack's, but its state knows nothing of them, so the "
            f"state was lost or lies elsewhere. Bring it back, or remove them: {way_out}"
        )


def _ports(wanted: Claim, held: Claim | None, facts: HostFacts) -> Iterator[str]:
    # A stack that is renamed still has its containers under the old name; what that means, others say.
    owners = [wanted.owner, *([held.owner] if held else [])]
    strangers = {
        name: container
        for name, container in facts.containers.items()
        if not any(owner.owns(container.labels) for owner in owners)
    }
    free_it = "or shift all ports of this stack: `pulumi config set messaging:portOffset NUMBER`"
    for port in wanted.ports:
        for name, container in strangers.items():
            if any(port.clashes(other) for other in container.ports):
                yield (
                    f"port {port.port} on {port.address} is taken by the container {name}. Stop it: "
                    f"`docker stop {name}`, {free_it}"
                )
                break
        process = facts.processes.get(port)
        if process is not None:
            holder = (
                "another process" if process.pid is None else f"process {process.pid} ({process.command})"
            )
            yield f"port {port.port} on {port.address} is taken by {holder}. End it, {free_it}"


def _swapped_ports(wanted: Claim, facts: HostFacts) -> Iterator[str]:
    """What one container of the stack has now and another one is to have: they are replaced one by one."""
    for name, ports in wanted.published.items():
        for port in ports:
            for other, container in facts.containers.items():
                if other == name or not wanted.owner.owns(container.labels):
                    continue
                if any(port.clashes(held) for held in container.ports):
                    yield (
                        f"port {port.port} on {port.address} is to be {name}'s, but {other} has it now, and "
                        f"{name} could not start before that has moved. Move {other} to a free port with one "
                        "`pulumi up`, and then this; or choose another messaging:portOffset"
                    )


def _images(facts: HostFacts) -> Iterator[str]:
    for image in sorted(facts.missing_images):
        yield f"the image {image} is not on the Docker host, and no registry has it. Build it: `make images`"


def _memory(wanted: Claim, facts: HostFacts) -> Iterator[str]:
    limits = wanted.memory_mib
    total = sum(limits.values())
    if total > facts.memory_mib:
        each = ", ".join(f"{name} {_gib(limit)}" for name, limit in limits.items())
        yield (
            f"the containers may use {_gib(total)} of memory together ({each}), but the Docker host has "
            f"{_gib(facts.memory_mib)}. Lower the memory in messaging:cluster, messaging:schemaRegistry "
            "or messaging:ui"
        )


def _processors(wanted: Claim, facts: HostFacts) -> Iterator[str]:
    if wanted.cpus > facts.cpus:
        yield (
            f"a broker may use {wanted.cpus} processors, but the Docker host has {facts.cpus}, and Docker "
            "makes no container that may use more. Lower messaging:cluster.cpus"
        )


def _disk(wanted: Claim, held: Claim | None, facts: HostFacts) -> Iterator[str]:
    # Only for new volumes: a platform whose disk filled up must still be able to shrink what fills it.
    is_new = set(wanted.volumes) - set(held.volumes if held else ())
    if is_new and facts.free_disk_mib is not None and facts.free_disk_mib < wanted.free_disk_mib:
        yield (
            f"{_gib(facts.free_disk_mib)} of disk are free in {facts.data_root}, where Docker keeps its "
            f"data, and {_gib(wanted.free_disk_mib)} are wanted. Free some (`docker system df` says what "
            "takes it), or lower messaging:docker.freeDisk"
        )


def _gib(mib: int) -> str:
    return f"{mib / _GIB:.1f} GiB"
