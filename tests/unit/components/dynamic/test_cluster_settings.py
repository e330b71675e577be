"""What the brokers are told while they run: what is compared, said and set, and what is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.dynamic.cluster_settings import ClusterSettingsProvider
from components.dynamic.provider import Refusal
from tests.unit.components.dynamic.fake_brokers import NODES, props

if TYPE_CHECKING:
    from tests.unit.components.dynamic.fake_brokers import Brokers


def test_another_cluster_at_a_brokers_address_is_told_nothing(brokers: Brokers) -> None:
    brokers.strangers = {9092, 9093}

    with pytest.raises(Refusal, match="localhost:9093 belongs to another Kafka cluster"):
        ClusterSettingsProvider().create(props(log_retention_ms="1000"))

    assert brokers.told == []


def test_settings_are_read_from_the_brokers_that_are_the_clusters(brokers: Brokers) -> None:
    brokers.strangers = {9092}

    ClusterSettingsProvider().create(props(log_retention_ms="1000"))

    assert brokers.told == [{"log.retention.ms": "1000"}]


def test_dangers_that_were_set_by_hand_for_all_brokers_are_seen(
    brokers: Brokers, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = props(min_insync_replicas="2", unclean_leader_election_enable="false")
    brokers.live = {"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}

    assert ClusterSettingsProvider().diff("settings", wanted, wanted).changes

    told = capsys.readouterr().out
    assert "min.insync.replicas (1 -> 2)" in told
    assert "unclean.leader.election.enable (true -> false)" in told


def test_all_settings_are_given_at_once(brokers: Brokers) -> None:
    wanted = {"log.retention.ms": "1000", "compression.type": "zstd"}

    ClusterSettingsProvider().create({"nodes": NODES, "settings": wanted})

    assert brokers.told == [wanted]


def test_what_is_no_longer_wanted_is_taken_back(brokers: Brokers) -> None:
    olds, news = props(log_retention_ms="5", log_roll_ms="9"), props(log_retention_ms="5")

    ClusterSettingsProvider().update("settings", olds, news)

    assert brokers.told == [{"log.retention.ms": "5", "log.roll.ms": None}]


def test_another_address_of_a_broker_changes_no_setting(brokers: Brokers) -> None:
    olds = props(log_retention_ms="5")

    assert not ClusterSettingsProvider().diff("settings", olds, olds | {"nodes": NODES[:1]}).changes
    assert ClusterSettingsProvider().diff("settings", olds, props(log_retention_ms="6")).changes
    assert brokers.told == []


def test_a_preview_says_what_changes_without_a_roll(
    brokers: Brokers, capsys: pytest.CaptureFixture[str]
) -> None:
    olds, news = props(log_retention_ms="5"), props(log_retention_ms="6")

    ClusterSettingsProvider().check(olds, news)
    ClusterSettingsProvider().diff("settings", olds, news)

    assert brokers.told == []
    assert capsys.readouterr().out == "dynamic: log.retention.ms (5 -> 6) while the brokers run\n"


def test_a_preview_says_that_messages_are_kept_for_a_shorter_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    olds = props(log_retention_ms="6", log_roll_ms="1")
    news = props(log_retention_ms="5", log_roll_ms="2")

    ClusterSettingsProvider().check(olds, news)

    assert capsys.readouterr().out.splitlines() == [
        "shorter retention: log.retention.ms (6 -> 5) while the brokers run",
        "dynamic: log.roll.ms (1 -> 2) while the brokers run",
    ]


def test_without_any_broker_nothing_is_set_and_each_one_is_named() -> None:
    nodes = [{"id": 1.0, "host": "127.0.0.1", "port": 1.0}, {"id": 2.0, "host": "127.0.0.1", "port": 2.0}]

    with pytest.raises(Refusal, match=r"no broker takes settings now: 127.0.0.1:1 .*; 127.0.0.1:2 "):
        ClusterSettingsProvider().create({"nodes": nodes, "settings": {"log.retention.ms": "6"}})


@pytest.mark.parametrize(
    "wanted",
    [props(log_cleaner_io_max_bytes_per_second="10000000"), props(log_cleanup_policy="compact, delete")],
)
def test_what_the_brokers_spell_in_their_way_has_been_applied(
    brokers: Brokers, wanted: dict[str, Any]
) -> None:
    ClusterSettingsProvider().create(wanted)

    assert len(brokers.told) == 1


# --- a run that does not get to its end ---


def test_what_the_brokers_do_not_apply_is_taken_back(brokers: Brokers) -> None:
    brokers.keeps = {"log.retention.bytes": "-1"}
    olds = props(log_retention_ms="5")

    with pytest.raises(
        Refusal,
        match=r"broker 1: log\.retention\.bytes \(-1 instead of 1000\); broker 2: .*It was taken back",
    ):
        ClusterSettingsProvider().update(
            "settings", olds, props(log_retention_ms="6", log_retention_bytes="1000")
        )

    assert brokers.told[-1] == {"log.retention.ms": "5", "log.retention.bytes": None}
    assert brokers.live == {"log.retention.ms": "5"}
    assert not ClusterSettingsProvider().diff("settings", olds, olds).changes


def test_a_first_run_that_fails_puts_back_what_was_there_before_it(brokers: Brokers) -> None:
    brokers.keeps = {"log.retention.ms": "5"}

    with pytest.raises(Refusal, match="It was taken back"):
        ClusterSettingsProvider().create(props(log_retention_ms="6"))

    assert brokers.live == {"log.retention.ms": "5"}


def test_what_cannot_be_taken_back_is_not_said_to_be(brokers: Brokers) -> None:
    brokers.silent_once_told = True

    with pytest.raises(
        Refusal, match=r"Taking the change back failed as well: .*`pulumi preview` says"
    ) as said:
        ClusterSettingsProvider().update("settings", props(log_retention_ms="5"), props(log_retention_ms="6"))

    assert "It was taken back" not in str(said.value)


def test_what_a_killed_run_has_left_is_a_change_and_is_taken_back(
    brokers: Brokers, capsys: pytest.CaptureFixture[str]
) -> None:
    brokers.live |= {"log.retention.bytes": "1000"}
    wanted = props(log_retention_ms="5")

    assert ClusterSettingsProvider().diff("settings", wanted, wanted).changes
    assert "dynamic: log.retention.bytes (1000 -> nothing) while the brokers run" in capsys.readouterr().out
    ClusterSettingsProvider().update("settings", wanted, wanted)

    assert brokers.live == {"log.retention.ms": "5"}
    assert not ClusterSettingsProvider().diff("settings", wanted, wanted).changes


@pytest.mark.parametrize(
    ("live", "kind"),
    [
        ({"log.retention.ms": "4"}, "dynamic"),
        ({"log.retention.ms": "6"}, "shorter retention"),
        ({}, "shorter retention"),
    ],
)
def test_a_value_that_the_brokers_have_otherwise_is_a_change(
    brokers: Brokers, capsys: pytest.CaptureFixture[str], live: dict[str, str], kind: str
) -> None:
    brokers.live = live
    wanted = props(log_retention_ms="5")

    assert ClusterSettingsProvider().diff("settings", wanted, wanted).changes
    was = live.get("log.retention.ms", "nothing")
    assert f"{kind}: log.retention.ms ({was} -> 5) while the brokers run" in capsys.readouterr().out


def test_a_refresh_shows_what_nobody_wants_and_leaves_the_program_its_spelling(brokers: Brokers) -> None:
    brokers.live = {"log.retention.ms": "5.0", "log.retention.bytes": "1000", "log.roll.ms": "8"}

    found = ClusterSettingsProvider().read("settings", props(log_retention_ms="5", log_roll_ms="9")).outs

    assert found == props(log_retention_ms="5", log_retention_bytes="1000", log_roll_ms="8")


def test_settings_that_no_program_could_have_set_are_left_to_those_who_did(brokers: Brokers) -> None:
    brokers.live |= {"leader.replication.throttled.rate": "1", "min.insync.replicas": "2"}
    wanted = props(log_retention_ms="5")

    assert not ClusterSettingsProvider().diff("settings", wanted, wanted).changes
    assert ClusterSettingsProvider().read("settings", wanted).outs == wanted
    ClusterSettingsProvider().update("settings", wanted, wanted)
    assert brokers.told == [{"log.retention.ms": "5"}]


def test_the_first_broker_that_answers_is_asked_once_and_not_for_long(brokers: Brokers) -> None:
    brokers.silent = {9092}
    brokers.live = {"log.retention.ms": "6"}
    wanted = props(log_retention_ms="5")

    assert ClusterSettingsProvider().diff("settings", wanted, wanted).changes
    assert brokers.timeouts == [1.0, 1.0, 1.0]


def test_without_any_broker_a_preview_compares_state_and_program(brokers: Brokers) -> None:
    brokers.silent = {9092, 9093}
    olds = props(log_retention_ms="5")

    assert not ClusterSettingsProvider().diff("settings", olds, olds).changes
    assert ClusterSettingsProvider().diff("settings", olds, props(log_retention_ms="6")).changes
    assert ClusterSettingsProvider().read("settings", olds).outs == olds
