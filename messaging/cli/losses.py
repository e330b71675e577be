"""What a repair cannot bring back: how it is found and told, and how Kafka goes on without it."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import docker.errors
import requests

from messaging import cluster, unled
from messaging.availability import NO_BROKER
from messaging.cli.projects import ProjectError, document, mapping
from messaging.declared import SCHEMAS_TOPIC, Loss, Remains, Seen, lost, remains, unled_in
from messaging.docker_engine import address_of
from messaging.listing import some
from messaging.naming import SCHEMA_REGISTRY
from messaging.protocol import NodeError
from messaging.schema_registry import RegistryError, SchemaRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from messaging.cli.projects import Project
    from messaging.cli.stacks import StackOnHost
    from messaging.cli.states import State
    from messaging.cluster import View
    from messaging.declared import Declared
    from messaging.protocol import Address

LOOK_SECONDS = 2.0
"""After so long it is looked again for partitions that can be led."""
LOOKS = 4
"""So often nobody must lead a partition of which it was not known: its broker may just have come back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Harm:
    """What is lost for good."""

    loss: Loss
    """With the volumes that are gone."""
    left: Remains
    """By what was before."""
    waiting: int = 0
    """So many other partitions have no leader while a broker of theirs is not there: it may be on its way."""
    sure: bool = True
    """Whether that is all: a broker has said it, and nothing is on its way or forgotten by the state."""

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.loss or self.left)

    @property
    def topics(self) -> list[str]:
        """Those that are lost, or partitions of theirs."""
        return sorted({*self.loss.topics, *self.left.topics, *self.left.unled_topics} - {SCHEMAS_TOPIC})

    @property
    def subjects(self) -> list[str]:
        """Those that must be registered anew."""
        return sorted({*self.loss.subjects, *self.left.subjects})

    @property
    def is_of_schemas(self) -> bool:
        """Whether the Schema Registry may remember what is not kept any more."""
        return bool(self.subjects or self.loss.unsure)

    @property
    def things(self) -> str:
        """All of it in a few words."""
        return _things(self.topics, self.subjects) or "what nobody has declared"


def refuse_elsewhere(on_host: StackOnHost, project: Project, stack: str, declared: Declared) -> None:
    """Lets nobody take another Docker engine's host for one that has lost the stack.

    Raises:
        ProjectError: by two of three signs it is another one: its address, its id, and that it has nothing
            of the stack.
    """
    file = project.folder / f"Pulumi.{stack}.yaml"
    config = mapping(document(file).get("config")) if file.exists() else {}
    named = str(mapping(config.get(f"{project.name}:docker")).get("host") or declared.docker_host)
    at_another_address = bool(named) and address_of(named) != address_of()
    is_another = bool(declared.engine) and declared.engine != on_host.engine()
    if not (at_another_address or is_another):
        return
    if not (at_another_address and is_another) and on_host.items():
        return
    where = f"DOCKER_HOST={named}" if at_another_address else "DOCKER_HOST to its address"
    raise ProjectError(
        f"nothing was repaired: the stack {stack} is on another Docker engine than the one at "
        f"{address_of()}, so nobody knows here what is missing. Set {where} and repair again"
    )


def unmade(state: State, there: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
    """What nodes need that is not there, nor in the state any more: a repair was interrupted then."""
    return sorted(one for one in state.declared.of_nodes if one not in there and not state.knows(*one))


def assess(
    on_host: StackOnHost, state: State, volumes: Collection[str], *, unmade: Collection[tuple[str, str]] = ()
) -> Harm:
    """What is lost for good, as far as a broker says or the state can tell.

    Args:
        on_host: the stack.
        state: what there must be.
        volumes: those that are gone.
        unmade: what else is not there.
    """
    volumes = [*volumes, *(name for kind, name in unmade if kind == "volume")]
    declared = state.declared
    seen = _see(on_host, declared) if volumes or declared.complete else None
    keeps_schemas = any(one.kind == "container" and one.role == SCHEMA_REGISTRY for one in state.objects)
    loss = lost(declared, volumes, seen, keeps_schemas=keeps_schemas)
    if seen is None or loss.everything:
        return Harm(loss=loss, left=Remains(), sure=seen is not None and not unmade)
    left = remains(declared, seen, keeps_schemas=keeps_schemas)
    unled = {(one.topic, one.number) for one in seen.view.partitions if one.leader == NO_BROKER}
    waiting = len(unled - left.unled - loss.partitions)
    return Harm(loss=loss, left=left, waiting=waiting, sure=not (unmade or waiting))


def _see(on_host: StackOnHost, declared: Declared) -> Seen | None:
    """What a broker and the registry say; None if no broker answers."""
    try:
        address, view = _anyone(on_host)
    except NodeError:
        return None
    eligible: Mapping[tuple[str, int], tuple[int, ...]] = {}
    with suppress(NodeError):  # of an older Kafka, where brokers stay in sync when they are gone
        eligible = unled.eligible(address, {one.topic for one in view.partitions if not one.in_sync})
    return Seen(view=view, eligible=eligible, subjects=_registered(declared))


def _registered(declared: Declared) -> frozenset[str] | None:
    if not declared.registry or declared.registry_user:
        return None
    with suppress(RegistryError), closing(SchemaRegistry(declared.registry, attempts=2)) as registry:
        return frozenset(registry.subjects())
    return None


def told(harm: Harm, stack: str) -> str:
    """What is lost and what can be done about it."""
    loss, left = harm.loss, harm.left
    told_loss = f"with {' and '.join(loss.volumes)} {_what_went(loss)}" if loss else ""
    said = "; ".join((*([told_loss] if loss else []), *_what_is_left(left)))
    command = f"`messaging repair --accept-loss --stack {stack}`"
    if not loss and not left.unled:
        return f"{said}. {command} makes them again, topics empty"
    ways = (
        [f"Start what is stopped, `messaging start --stack {stack}`, and repair again"] if loss.unsure else []
    )
    if loss:
        it = "the volume" if len(loss.volumes) == 1 else "the volumes"
        ways.append(f"Put {it} back from a backup and repair again")
    else:
        ways.append("Kafka may yet elect who led last, which takes up to five minutes")
    return (
        f"{said}. {'. '.join(ways)}. Or let the data go: {command} makes the topics again, empty, lets what "
        "is left of partitions lead, and registers the subjects anew"
    )


def _what_went(loss: Loss) -> str:
    things = _things(loss.topics, loss.subjects)
    if loss.everything:
        return f"went all that Kafka knew: {things or 'what nobody has declared'}"
    if loss.unsure and not things:
        return "may have gone the only copy of anything, for no broker answers"
    more = ", and maybe more, for no broker answers" if loss.unsure else ""
    return f"went the only copy: {things or 'what nobody has declared'}{more}"


def _what_is_left(left: Remains) -> Iterator[str]:
    if left.unled:
        yield (
            f"{len(left.unled)} partitions of {len(left.unled_topics)} topics ({some(left.unled_topics)}) "
            "have no leader though all their brokers are there, for none has all that was acknowledged"
        )
    if left.topics or left.subjects:
        yield f"{_things(left.topics, left.subjects)} are not there"


def _things(topics: Sequence[str], subjects: Sequence[str]) -> str:
    named = (("topics", topics), ("subjects", subjects))
    return " and ".join(f"{len(names)} {what} ({some(names)})" for what, names in named if names)


@contextmanager
def given_up(on_host: StackOnHost, harm: Harm, tell: Callable[[str], None]) -> Iterator[None]:
    """Lets Kafka go on without what is lost, as soon as it can, while a repair brings back the rest.

    A partition is led by what survived of it on other brokers; if nothing did, by the replica that begins
    anew. What is not lost is left alone, also in the same topic. The Schema Registry's topic is deleted: what
    is not there can be seen by the next repair, if this one is interrupted.

    Args:
        on_host: the stack.
        harm: what somebody has agreed to lose.
        tell: gets a line for what is done.
    """
    known = harm.loss.partitions | harm.left.unled
    if harm.sure and not known:
        yield
        return
    _delete_schemas(on_host, harm.loss, tell)
    looks: Counter[tuple[str, int]] = Counter()

    def look() -> None:
        with suppress(ProjectError, docker.errors.DockerException, requests.RequestException, NodeError):
            address, view = _anyone(on_host)
            chosen = known & _leaderless(view, without=harm.loss.brokers)
            if not harm.sure:
                found = unled_in(view)
                for led in looks.keys() - found:
                    del looks[led]
                looks.update(found)
                chosen |= {one for one in found if looks[one] >= LOOKS}
            if chosen:
                tell(f"electing leaders for {len(chosen)} partitions from what is left of them")
                cluster.elect_any(address, chosen)

    over = threading.Event()

    def go_on() -> None:
        while not over.wait(LOOK_SECONDS):
            look()

    look()
    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _anyone(on_host: StackOnHost) -> tuple[Address, View]:
    """A broker that answers, and what it says. Raises NodeError if none does."""
    for address in on_host.addresses():
        with suppress(NodeError):
            return address, cluster.look(address)
    raise NodeError("no broker answers")


def _leaderless(view: View, *, without: Collection[int]) -> set[tuple[str, int]]:
    """Partitions that nobody leads and that can be led.

    Args:
        view: the cluster.
        without: brokers that begin anew. They are waited for only where no other one has a replica.
    """
    return {
        (one.topic, one.number)
        for one in view.partitions
        if one.leader == NO_BROKER
        and view.broker_ids.issuperset(set(one.replicas) - set(without) or one.replicas)
    }


def _delete_schemas(on_host: StackOnHost, loss: Loss, tell: Callable[[str], None]) -> None:
    """Deletes the registry's topic if no other broker has any of it."""
    if not any(topic == SCHEMAS_TOPIC for topic, _ in loss.partitions):
        return
    with suppress(NodeError):  # then it is led by an empty replica, as others are
        address, view = _anyone(on_host)
        replicas = {
            broker for one in view.partitions if one.topic == SCHEMAS_TOPIC for broker in one.replicas
        }
        if replicas <= loss.brokers:
            tell(f"deleting {SCHEMAS_TOPIC}, of which nothing is left")
            unled.delete(address, [SCHEMAS_TOPIC])
