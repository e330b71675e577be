"""A minimum of in-sync replicas that topics of Kafka and its services could not bear is not set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.dynamic.cluster_settings import ClusterSettingsProvider
from components.dynamic.provider import Refusal
from messaging.availability import Partition
from tests.unit.components.dynamic.fake_brokers import props

if TYPE_CHECKING:
    from tests.unit.components.dynamic.fake_brokers import Brokers

FIVE: list[dict[str, Any]] = [
    {"id": float(number), "host": "localhost", "port": 9091.0 + number} for number in range(1, 6)
]
MEND = "`messaging rebalance --stack STACK --copies 5 --execute`"


def copies(topic: str, *replicas: int, in_sync: int | None = None) -> Partition:
    return Partition(
        topic=topic, number=0, leader=1, replicas=replicas, in_sync=replicas[:in_sync], min_in_sync=2
    )


def minimum(least: int) -> dict[str, Any]:
    return props(min_insync_replicas=str(least)) | {"nodes": FIVE}


@pytest.fixture
def grown(brokers: Brokers) -> Brokers:
    """Five brokers whose own topic was given five copies, and the offsets not yet."""
    brokers.live = {"min.insync.replicas": "2"}
    brokers.partitions = [
        copies("sensor-data", 1, 2, 3, 4, 5),
        copies("__consumer_offsets", 1, 2, 3),
        copies("_schemas", 1, 2, 3, 4, 5),
    ]
    return brokers


def refused(olds: dict[str, Any], news: dict[str, Any]) -> list[str]:
    return [failure.reason for failure in ClusterSettingsProvider().check(olds, news).failures]


def test_a_minimum_that_leaves_an_internal_topic_no_copy_to_spare_is_refused_by_the_preview(
    grown: Brokers,
) -> None:
    (reason,) = refused(minimum(2), minimum(4))

    assert "from 2 to 4: __consumer_offsets (3 of 3 copies in sync) would have no copy to spare" in reason
    assert MEND in reason
    assert refused(minimum(2), minimum(2)) == []


def test_a_minimum_that_the_preview_could_not_ask_about_is_refused_by_the_update(grown: Brokers) -> None:
    grown.silent = {int(node["port"]) for node in FIVE}
    assert refused(minimum(2), minimum(4)) == []
    grown.silent = set()

    with pytest.raises(Refusal, match=r"__consumer_offsets \(3 of 3 copies in sync\) would have no copy"):
        ClusterSettingsProvider().update("settings", minimum(2), minimum(4))

    assert grown.told == []


def test_what_brokers_have_from_their_own_settings_is_no_raise(grown: Brokers) -> None:
    """A cluster that an earlier Kafka formed, and a state of an earlier version: neither knows of it."""
    grown.live, grown.keeps = {}, {"min.insync.replicas": "3"}
    olds = minimum(3) | {"settings": {"log.segment.bytes": "1"}}

    assert refused(olds, minimum(3)) == []
    assert "from 3 to 4: __consumer_offsets" in refused(olds, minimum(4))[0]
    ClusterSettingsProvider().update("settings", olds, minimum(3))
    assert grown.live == {"min.insync.replicas": "3"}


def test_a_raise_counts_from_the_broker_that_goes_by_the_least(grown: Brokers) -> None:
    grown.keeps_of = {9093: {"min.insync.replicas": "1"}}
    grown.silent = {9094}

    assert "from 1 to 3: __consumer_offsets" in refused(minimum(2), minimum(3))[0]


def test_nobody_is_told_to_go_back_to_a_minimum_of_one(grown: Brokers) -> None:
    grown.live = {"min.insync.replicas": "1"}
    (reason,) = refused(minimum(1), minimum(3))
    assert "Leave" not in reason
    assert "`messaging rebalance --stack STACK --copies 4 --execute`" in reason

    grown.live = {"min.insync.replicas": "2"}
    assert "Leave cluster.minInsyncReplicas at 2 until then" in refused(minimum(2), minimum(3))[0]


@pytest.mark.parametrize("in_sync", [4, 5])
def test_a_minimum_is_raised_where_one_copy_is_to_spare_though_its_broker_is_away(
    grown: Brokers, in_sync: int
) -> None:
    grown.partitions[1] = copies("__consumer_offsets", 1, 2, 3, 4, 5, in_sync=in_sync)

    assert refused(minimum(2), minimum(4)) == []
    ClusterSettingsProvider().update("settings", minimum(2), minimum(4))
    assert grown.live == {"min.insync.replicas": "4"}


def test_copies_that_are_only_being_made_do_not_count(grown: Brokers) -> None:
    grown.partitions[1] = copies("__consumer_offsets", 1, 2, 3, 4, 5, in_sync=3)

    (reason,) = refused(minimum(2), minimum(4))

    assert "__consumer_offsets (3 of 5 copies in sync)" in reason


def test_what_has_a_minimum_of_its_own_or_is_somebodys_own_topic_is_not_in_the_way(grown: Brokers) -> None:
    grown.minima = {"__consumer_offsets": "2"}
    grown.partitions.append(copies("made-by-hand", 1))

    assert refused(minimum(2), minimum(4)) == []


def test_where_no_broker_is_meant_to_be_away_nothing_is_in_the_way(grown: Brokers) -> None:
    grown.partitions[0] = copies("sensor-data", 1, 2, 3)

    assert refused(minimum(2), minimum(3)) == []
    assert refused(props(min_insync_replicas="1"), props(min_insync_replicas="2")) == []


def test_a_preview_names_what_already_has_no_copy_to_spare(
    grown: Brokers, capsys: pytest.CaptureFixture[str]
) -> None:
    grown.live = {"min.insync.replicas": "4"}

    assert not ClusterSettingsProvider().diff("settings", minimum(4), minimum(4)).changes
    assert refused(minimum(4), minimum(4)) == []

    told = capsys.readouterr().out
    assert told.startswith("no copy to spare at min.insync.replicas 4: __consumer_offsets (3 of 3 copies")
    assert MEND in told


def test_a_broker_that_is_away_is_no_missing_copy(grown: Brokers, capsys: pytest.CaptureFixture[str]) -> None:
    grown.live = {"min.insync.replicas": "4"}
    grown.partitions[1] = copies("__consumer_offsets", 1, 2, 3, 4, 5, in_sync=3)

    ClusterSettingsProvider().diff("settings", minimum(4), minimum(4))

    assert capsys.readouterr().out == ""
