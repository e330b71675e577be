"""Where nodes are asked and which answers count; how much replicas out of sync have still to fetch."""

from __future__ import annotations

import pytest

from messaging import cluster, observe, quorum
from messaging.availability import Partition
from messaging.cluster import Broker, View
from messaging.protocol import Address, NodeError
from messaging.quorum import Quorum
from messaging.roll import Container

SIZES = {
    9091: {("orders", 0): 1000, ("orders", 1): 500},
    9092: {("orders", 0): 400, ("orders", 1): 500},
}


@pytest.fixture(autouse=True)
def logs(monkeypatch: pytest.MonkeyPatch) -> None:
    def log_sizes(address: Address) -> dict[tuple[str, int], int]:
        if address.port not in SIZES:
            raise NodeError("silence")
        return SIZES[address.port]

    monkeypatch.setattr(cluster, "log_sizes", log_sizes)


def view(*in_sync: tuple[int, ...]) -> View:
    partitions = tuple(
        Partition(topic="orders", number=number, leader=1, replicas=(1, 2, 3), in_sync=one, min_in_sync=2)
        for number, one in enumerate(in_sync)
    )
    return View(cluster_id="c", brokers=(Broker(id=1, rack=None),), partitions=partitions)


ADDRESSES = {number: Address(host="h", port=9090 + number) for number in (1, 2, 3)}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (view((1, 2, 3), (1, 2, 3)), 0),
        (view((1, 3), (1, 2, 3)), 600),
        (view((1, 3), (1, 3)), 600),
        (view((1, 2), (1, 2, 3)), 1000),
        (view((1,), (1,)), 600 + 1000 + 500),
    ],
    ids=[
        "none behind",
        "one behind",
        "one as long as its leader",
        "a silent one has all to fetch",
        "two behind",
    ],
)
def test_bytes_behind_are_what_the_leaders_have_more(seen: View, expected: int) -> None:
    assert observe.bytes_behind(ADDRESSES, [seen]) == expected


def test_without_any_view_nothing_is_known_to_be_behind() -> None:
    assert observe.bytes_behind(ADDRESSES, []) == 0


def at(port: int) -> Address:
    return Address(host="localhost", port=port)


def container(port: int, *, state: str = "running", inside: str = "") -> Container:
    """One that tells clients to find it at this port."""
    return Container(
        state=state,
        built_from="old",
        advertised=at(port),
        inside=Address(host=inside, port=9092) if inside else None,
    )


def test_a_running_node_is_asked_where_it_listens_now_before_where_it_is_to_listen() -> None:
    wanted = {"kafka-1": at(10092), "kafka-2": at(10093)}
    running = {"kafka-1": container(9092), "kafka-2": container(9093, inside="172.18.0.3")}

    found = observe.places(wanted, running)

    assert found["kafka-1"] == (at(9092), at(10092))
    assert found["kafka-2"] == (at(9093), at(10093), Address(host="172.18.0.3", port=9092))


def test_an_address_that_does_not_change_is_asked_once() -> None:
    assert observe.places({"kafka-1": at(9092)}, {"kafka-1": container(9092)}) == {"kafka-1": (at(9092),)}


def test_a_node_is_not_asked_where_another_one_listens_now() -> None:
    wanted = {"kafka-1": at(9093), "kafka-2": at(9092)}
    running = {"kafka-1": container(9092), "kafka-2": container(9093)}

    assert observe.places(wanted, running) == {"kafka-1": (at(9092),), "kafka-2": (at(9093),)}


def test_a_node_that_stopped_is_not_asked_where_another_one_listens_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running = {"kafka-1": container(9092), "kafka-2": container(9093, state="exited")}
    monkeypatch.setattr(cluster, "look", lambda address, **_: view((1, 2, 3)))
    monkeypatch.setattr(quorum, "describe", lambda _address: Quorum(leader_id=1, voters=()))

    places = observe.places({"kafka-1": at(9092), "kafka-2": at(9092)}, running)
    found = observe.facts(places, running, places)

    assert places["kafka-2"] == ()
    assert found["kafka-2"].view == "another node has the address where it is to listen"


@pytest.mark.parametrize("containers", [None, {"kafka-1": Container(state="missing", built_from="")}])
def test_without_a_running_container_the_wanted_address_is_all_there_is(
    containers: dict[str, Container] | None,
) -> None:
    assert observe.places({"kafka-1": at(9092)}, containers) == {"kafka-1": (at(9092),)}


def test_a_container_that_stopped_is_not_asked_where_it_listened() -> None:
    running = {"kafka-1": container(9092, state="exited")}

    assert observe.places({"kafka-1": at(10092)}, running) == {"kafka-1": (at(10092),)}


def test_the_first_answer_of_the_cluster_itself_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = view((1, 2, 3))
    answers: dict[int, View | str] = {9092: "silence", 10092: ours, 9093: "another cluster"}

    def look(address: Address, *, cluster_id: str) -> View:
        answer = answers[address.port]
        if isinstance(answer, str):
            raise NodeError(f"{address}: {answer}, not {cluster_id}")
        return answer

    monkeypatch.setattr(cluster, "look", look)
    monkeypatch.setattr(quorum, "describe", lambda _address: Quorum(leader_id=1, voters=()))
    places = {"kafka-1": (at(9092), at(10092)), "kafka-2": (at(9093),)}

    found = observe.facts(places, None, places, cluster_id="c")

    assert (found["kafka-1"].view, found["kafka-1"].address) == (ours, at(10092))
    assert not found["kafka-2"].answers
    assert found["kafka-2"].view == "localhost:9093: another cluster, not c"


def test_a_container_says_where_clients_find_it() -> None:
    told = (
        "KAFKA_ADVERTISED_LISTENERS=INTERNAL://kafka-1:29092,CLIENT://kafka-1:9092,EXTERNAL://h.example:9201"
    )

    found = observe.advertised({"Config": {"Env": ["A=b", told]}})

    assert found == {
        "CLIENT": Address(host="kafka-1", port=9092),
        "EXTERNAL": Address(host="h.example", port=9201),
    }
    assert observe.advertised({"Config": {"Env": None}}) == {}
