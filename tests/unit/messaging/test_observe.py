"""How much replicas out of sync have still to fetch, from the sizes of logs that nodes tell."""

from __future__ import annotations

import pytest

from messaging import cluster, observe
from messaging.availability import Partition
from messaging.cluster import Broker, View
from messaging.protocol import Address, NodeError

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
