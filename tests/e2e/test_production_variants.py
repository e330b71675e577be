"""The other production platform: controllers of their own, and a load balancer that carries the data."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient

from tests.e2e import harness
from tests.e2e.production import assert_unnoticed
from tests.e2e.test_bad_input import assert_refused
from tests.e2e.test_production import (
    BROKERS,
    PASSPHRASE,
    bootstrap,
    healthy,
    small,
    version,
    write_and_read,
)
from tests.e2e.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.harness import Workspace

CONTROLLERS = ("kafka-controller-1", "kafka-controller-2", "kafka-controller-3")


pytestmark = [pytest.mark.in_order, pytest.mark.whole_machine]


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    workspace = harness.new_workspace(
        tmp_path_factory.mktemp("variants"),
        f"v{uuid.uuid4().hex[:6]}",
        stack="prod",
        environment=PASSPHRASE,
    )
    try:
        small(workspace)
        workspace.configure("cluster.controllers", "dedicated")
        workspace.configure("cluster.controllerNodes.heap", "256m")
        workspace.configure("cluster.controllerNodes.memory", "512m")
        workspace.configure("loadBalancer.mode", "proxy")
        workspace.up(timeout=400)
        yield workspace
        workspace.pulumi("state", "unprotect", "--all", "--yes")
        workspace.pulumi("destroy", "--yes")
        assert workspace.remains() == []
    finally:
        workspace.remove()


def test_every_node_is_healthy(production: Workspace) -> None:
    for name in (*CONTROLLERS, *BROKERS):
        harness.wait_for(partial(healthy, production, name), f"{name} healthy", 120)


def test_the_controllers_alone_are_the_quorum(production: Workspace) -> None:
    status = production.execute(
        "kafka-1", "kafka-metadata-quorum", "--bootstrap-server", "localhost:29092", "describe", "--status"
    )
    brokers = AdminClient({"bootstrap.servers": bootstrap(production)}).list_topics(timeout=20).brokers

    voters = next(line for line in status.splitlines() if line.startswith("CurrentVoters"))
    assert all(str(number) in voters for number in (101, 102, 103))
    assert set(brokers) == {1, 2, 3}


def test_clients_are_told_the_load_balancers_ports_and_nothing_else(production: Workspace) -> None:
    metadata = AdminClient({"bootstrap.servers": bootstrap(production)}).list_topics(timeout=20)

    told = {number: (broker.host, broker.port) for number, broker in metadata.brokers.items()}
    assert told == {number: ("localhost", production.port(9200 + number)) for number in (1, 2, 3)}
    assert all(harness.is_free(production.port(port)) for port in (9092, 9093, 9094))


def test_clients_write_and_read_through_the_load_balancer(production: Workspace) -> None:
    write_and_read(production)


def test_a_reload_of_the_load_balancer_that_carries_all_messages_loses_none(production: Workspace) -> None:
    before, balancer = version(production), production.container("kafka-lb")
    proxied = ",".join(f"localhost:{production.port(9200 + number)}" for number in (1, 2, 3))
    file = production.root / "Pulumi.prod.yaml"
    settings = file.read_text()
    production.configure("loadBalancer.drain", "17s")
    try:
        with Traffic(production, proxied, list(BROKERS)) as traffic, traffic.stretch() as stretch:
            production.up()
            # The old process goes when its connections have had their time.
            harness.wait_for(lambda: len(balancer.top()["Processes"]) == 2, "one master with one worker", 90)
        changed = version(production)
    finally:
        file.write_text(settings)
        production.up()

    assert_unnoticed(stretch, nodes=0)
    assert changed != before
    after = production.container("kafka-lb")
    assert (after.id, after.attrs["State"]["StartedAt"]) == (
        balancer.id,
        balancer.attrs["State"]["StartedAt"],
    )


def test_nothing_is_left_to_change_after_it_was_made(production: Workspace) -> None:
    production.pulumi("preview", "--expect-no-changes")


def test_the_other_kind_of_controllers_is_refused_on_a_stack_with_data(production: Workspace) -> None:
    path = production.root / "Pulumi.prod.yaml"
    before = path.read_text()
    production.configure("cluster.controllers", "combined")
    try:
        refused = production.pulumi("preview", check=False)
    finally:
        path.write_text(before)

    assert_refused(refused, "controllers")
