"""The decision table of the preflight: wanted and observed facts, and what is said about them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from components import platform
from components.claims import Claim, ContainerFact, HostFacts, Port, Process, advice, claim, faults
from messaging.naming import Owner
from messaging.streams import Catalogue

if TYPE_CHECKING:
    from settings import Settings

OURS = Owner(project="messaging", stack="dev", instance="").labels()
THEIRS = Owner(project="messaging", stack="dev", instance="other").labels()
ROOMY = HostFacts(memory_mib=16_384, cpus=4, data_root="/var/lib/docker", free_disk_mib=50_000)
REGISTRY_PORT = Port(address="127.0.0.1", port=8081)

NO_STREAMS = Catalogue(streams=())


@pytest.fixture
def wanted(dev: Settings) -> Claim:
    return claim(platform.plan(dev, NO_STREAMS), dev)


def only(found: list[str]) -> str:
    assert len(found) == 1, found
    return found[0]


def test_a_free_host_gives_everything(wanted: Claim) -> None:
    assert faults(wanted, None, ROOMY) == []


def test_a_claim_survives_being_a_resources_inputs(wanted: Claim) -> None:
    as_floats: dict[str, Any] = wanted.to_inputs()
    as_floats["freeDiskMib"] = float(as_floats["freeDiskMib"])
    as_floats["published"] = {
        name: [port | {"port": float(port["port"])} for port in ports]
        for name, ports in as_floats["published"].items()
    }

    assert Claim.from_inputs(as_floats) == wanted


def test_the_claim_of_an_earlier_version_still_names_its_ports(wanted: Claim) -> None:
    earlier: dict[str, Any] = wanted.to_inputs()
    del earlier["published"], earlier["engine"]
    earlier["ports"] = [{"address": "127.0.0.1", "port": 8081.0}]

    assert Claim.from_inputs(earlier).ports == (REGISTRY_PORT,)


def test_another_engine_that_has_nothing_of_the_stack_is_refused_with_the_ways_out(wanted: Claim) -> None:
    held = replace(wanted, engine="ours")
    elsewhere = replace(ROOMY, engine="theirs", address="tcp://other:2375")

    told = only(faults(wanted, held, elsewhere))

    assert told.startswith("the Docker engine at tcp://other:2375 is not the one that this stack was made on")
    assert "DOCKER_HOST or messaging:docker.host" in told
    assert "`pulumi stack rm dev --force --preserve-config`" in told


@pytest.mark.parametrize(
    ("known", "facts"),
    [
        ("ours", replace(ROOMY, engine="ours")),
        ("", replace(ROOMY, engine="theirs")),
        ("ours", replace(ROOMY, engine="anew", volumes={"kafka-dev-data": OURS})),
    ],
    ids=["the same", "never looked", "set up anew on the old data"],
)
def test_the_engine_that_has_the_stack_is_taken(wanted: Claim, known: str, facts: HostFacts) -> None:
    assert faults(wanted, replace(wanted, engine=known), facts) == []


def test_a_port_that_moves_from_one_container_to_another_is_refused(wanted: Claim) -> None:
    held = replace(ROOMY, containers={"kafka-dev": ContainerFact(labels=OURS, ports=(REGISTRY_PORT,))})

    told = only(faults(wanted, wanted, held))

    assert told.endswith("or choose another messaging:portOffset")
    assert told.startswith("port 8081 on 127.0.0.1 is to be schema-registry-dev's, but kafka-dev has it now")
    assert "Move kafka-dev to a free port with one `pulumi up`" in told


@pytest.mark.parametrize("labels", [{}, THEIRS], ids=["unlabelled", "of another instance"])
@pytest.mark.parametrize("held", [True, False], ids=["known stack", "new stack"])
def test_a_name_that_someone_else_has_is_refused_with_the_way_out(
    wanted: Claim, labels: dict[str, str], held: bool
) -> None:
    facts = replace(
        ROOMY,
        containers={"kafka-dev": ContainerFact(labels=labels)},
        networks={"iot-platform-dev": labels},
        volumes={"kafka-dev-data": labels},
    )

    found = faults(wanted, wanted if held else None, facts)

    assert len(found) == 3
    assert "the container kafka-dev exists and is not this stack's" in found[0]
    assert "docker rm -f kafka-dev" in found[0]
    assert "docker network rm iot-platform-dev" in found[1]
    assert "docker volume rm kafka-dev-data" in found[2]
    assert all("messaging:instance" in fault for fault in found)


def test_what_a_stack_holds_is_its_own(wanted: Claim) -> None:
    facts = replace(
        ROOMY,
        containers={"schema-registry-dev": ContainerFact(labels=OURS, ports=(REGISTRY_PORT,))},
        networks={"iot-platform-dev": OURS},
        volumes={"kafka-dev-data": OURS},
    )

    assert faults(wanted, wanted, facts) == []


def test_what_a_lost_state_left_behind_is_named_with_the_command_that_removes_it(wanted: Claim) -> None:
    facts = replace(
        ROOMY,
        containers={"schema-registry-dev": ContainerFact(labels=OURS, ports=(REGISTRY_PORT,))},
        volumes={"kafka-dev-data": OURS},
    )

    told = only(faults(wanted, None, facts))

    assert "container schema-registry-dev, volume kafka-dev-data" in told
    assert "make reclaim STACK=dev" in told


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])  # noqa: S104 - compared, not bound
def test_a_port_that_another_container_publishes_is_refused_by_its_name(wanted: Claim, address: str) -> None:
    holder = ContainerFact(labels={}, ports=(Port(address=address, port=8081),))

    told = only(faults(wanted, None, replace(ROOMY, containers={"web": holder})))

    assert "port 8081 on 127.0.0.1 is taken by the container web" in told
    assert "docker stop web" in told
    assert "messaging:portOffset" in told


def test_a_stack_that_is_renamed_is_not_in_its_own_way(wanted: Claim) -> None:
    held = replace(wanted, owner=Owner(project="messaging", stack="dev", instance="other"))
    holder = ContainerFact(labels=THEIRS, ports=(REGISTRY_PORT,))

    assert faults(wanted, held, replace(ROOMY, containers={"other-schema-registry-dev": holder})) == []


def test_the_same_port_of_another_address_is_free(wanted: Claim) -> None:
    holder = ContainerFact(labels={}, ports=(Port(address="192.168.7.7", port=8081),))

    assert faults(wanted, None, replace(ROOMY, containers={"web": holder})) == []


@pytest.mark.parametrize(
    ("process", "words"),
    [
        (Process(pid=4711, command="python -m http.server"), "process 4711 (python -m http.server)"),
        (Process(pid=None), "another process"),
    ],
)
def test_a_port_that_a_process_holds_is_refused_with_the_process(
    wanted: Claim, process: Process, words: str
) -> None:
    told = only(faults(wanted, wanted, replace(ROOMY, processes={REGISTRY_PORT: process})))

    assert f"port 8081 on 127.0.0.1 is taken by {words}" in told
    assert "messaging:portOffset" in told


def test_an_image_that_is_not_there_is_to_be_built(wanted: Claim) -> None:
    told = only(faults(wanted, None, replace(ROOMY, missing_images=frozenset({"i/kafka:1"}))))

    assert "i/kafka:1" in told
    assert "make images" in told


def test_more_memory_than_the_host_has_is_refused_with_sum_and_parts(wanted: Claim) -> None:
    told = only(faults(wanted, wanted, replace(ROOMY, memory_mib=1024)))

    assert "1.6 GiB of memory" in told
    assert "kafka-dev 1.0 GiB" in told
    assert "the Docker host has 1.0 GiB" in told


def test_as_much_memory_as_the_host_has_is_allowed(wanted: Claim) -> None:
    assert faults(wanted, None, replace(ROOMY, memory_mib=sum(wanted.memory_mib.values()))) == []


def test_too_little_disk_is_refused_before_a_volume_is_made(wanted: Claim) -> None:
    told = only(faults(wanted, None, replace(ROOMY, free_disk_mib=100)))

    assert "0.1 GiB of disk are free in /var/lib/docker" in told
    assert "2.0 GiB" in told


def test_a_full_disk_does_not_stop_the_change_that_may_empty_it(wanted: Claim) -> None:
    assert faults(wanted, wanted, replace(ROOMY, free_disk_mib=100)) == []


def test_a_disk_that_cannot_be_seen_is_no_fault(wanted: Claim) -> None:
    assert faults(wanted, None, replace(ROOMY, free_disk_mib=None)) == []


def test_everything_that_is_wrong_is_said_at_once(wanted: Claim) -> None:
    facts = HostFacts(
        volumes={"kafka-dev-data": {}},
        processes={REGISTRY_PORT: Process(pid=1)},
        missing_images=frozenset({"i/kafka:1"}),
        memory_mib=1,
        free_disk_mib=1,
    )

    assert len(faults(wanted, None, facts)) == 5


def test_public_images_need_not_be_there(dev: Settings) -> None:
    public = replace(dev, images=replace(dev.images, source="registry"))

    assert claim(platform.plan(public, NO_STREAMS), public).local_images == ()


def test_more_processors_than_the_host_has_are_refused(prod: Settings) -> None:
    wanted = claim(platform.plan(prod, NO_STREAMS), prod)

    told = only(faults(wanted, None, replace(ROOMY, cpus=1)))

    assert "2 processors" in told
    assert "messaging:cluster.cpus" in told


def test_the_memory_of_all_containers_counts(prod: Settings) -> None:
    wanted = claim(platform.plan(prod, NO_STREAMS), prod)

    told = only(faults(wanted, None, replace(ROOMY, memory_mib=8_192)))

    for name in ("kafka-1 3.0 GiB", "kafka-lb 0.2 GiB", "schema-registry-2 0.5 GiB", "8.0 GiB"):
        assert name in told


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"version": "28.2.2", "live_restore": True}, ()),
        ({"version": "28.2.2"}, ("live-restore",)),
        ({"version": "20.10.24", "live_restore": True}, ("20.10.24 can lock up",)),
        ({"version": "20.10.24"}, ("live-restore", "20.10.24 can lock up")),
    ],
)
def test_a_host_of_several_brokers_is_told_what_it_would_better_have(
    prod: Settings, facts: dict[str, Any], words: tuple[str, ...]
) -> None:
    found = advice(claim(platform.plan(prod, NO_STREAMS), prod), replace(ROOMY, **facts))

    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found, strict=True))


def test_a_host_of_one_broker_needs_no_advice(wanted: Claim) -> None:
    assert advice(wanted, replace(ROOMY, version="20.10.24")) == []
