"""What the program itself refuses in production, whatever policies are passed: each way to lose messages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pulumi
import pytest

from components import durability, platform, refusals
from messaging import catalogue
from tests.conftest import PROJECT

if TYPE_CHECKING:
    from components.platform import Platform
    from settings import Settings


@pytest.fixture
def planned(prod: Settings) -> Platform:
    return platform.plan(prod, catalogue.load(PROJECT / "schemas", {"prod": prod.level.brokers}))


def refused(planned: Platform) -> str:
    return durability.refusal(planned.level, planned.nodes, planned.topics)


def broker(planned: Platform, variable: str, value: str | None) -> Platform:
    """The platform with another variable on its first node; without it for None."""
    first, *others = planned.nodes
    kept = {name: given for name, given in first.environment.items() if name != variable}
    changed = replace(first, environment=kept | ({variable: value} if value is not None else {}))
    return replace(planned, nodes=(changed, *others))


def test_the_production_platform_may_be_deployed(planned: Platform) -> None:
    assert refused(planned) == ""
    assert planned.refusal == ""


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("KAFKA_MIN_INSYNC_REPLICAS", "1", "kafka-1: min.insync.replicas is 1; at least 2 is allowed"),
        ("KAFKA_MIN_INSYNC_REPLICAS", None, "min.insync.replicas is not set; at least 2"),
        ("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1", "transaction.state.log.min.isr is 1; at least 2"),
        ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "2", "offsets.topic.replication.factor is 2; at least 3"),
        ("KAFKA_DEFAULT_REPLICATION_FACTOR", "many", "default.replication.factor is 0; at least 3"),
        (
            "KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE",
            "true",
            "unclean.leader.election.enable is true; only false",
        ),
        ("KAFKA_AUTO_CREATE_TOPICS_ENABLE", None, "auto.create.topics.enable is not set; only false"),
    ],
)
def test_a_broker_that_would_lose_messages_is_refused(
    planned: Platform, variable: str, value: str | None, says: str
) -> None:
    assert says in refused(broker(planned, variable, value))


def test_topics_that_would_lose_messages_are_refused_all_at_once(planned: Platform) -> None:
    (name, stream), *_ = planned.streams.items()
    first, second, third, *_ = stream.topics
    weak = replace(
        stream,
        topics=(
            replace(first, config={**first.config, "min.insync.replicas": "1"}),
            replace(second, replication_factor=2),
            replace(third, config={**third.config, "unclean.leader.election.enable": "true"}),
        ),
    )
    text = refused(replace(planned, streams={name: weak}))
    assert f"topic {first.name}: min.insync.replicas is 1; at least 2 is allowed" in text
    assert f"topic {second.name}: replication factor is 2; at least 3 is allowed" in text
    assert f"topic {third.name}: unclean.leader.election.enable is true; only false is allowed" in text
    assert text.endswith("Nothing was changed.")


def test_a_platform_that_need_not_be_durable_may_lose_what_it_likes(planned: Platform) -> None:
    weak = broker(planned, "KAFKA_MIN_INSYNC_REPLICAS", "1")
    assert refused(replace(weak, level=replace(weak.level, durable=False))) == ""


def test_an_update_is_refused_at_once_and_a_preview_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    with pytest.raises(pulumi.RunError, match="no"):
        refusals.before_an_update("no")
    refusals.before_an_update("")

    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    refusals.before_an_update("no")
    with pytest.raises(pulumi.RunError, match="no"):
        refusals.end_of_program("no", {"a": 1})


def test_a_program_that_may_be_deployed_ends_with_its_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, object] = {}
    monkeypatch.setattr(pulumi, "export", told.__setitem__)
    refusals.end_of_program("", {"a": 1, "b": 2})
    assert told == {"a": 1, "b": 2}
