"""What a repair says and does about data whose only copy was on a volume that is gone."""

from __future__ import annotations

import time

import pytest

from messaging.cli import losses, states
from messaging.cli.projects import Project, ProjectError
from messaging.cli.stacks import StackOnHost
from messaging.declared import Loss, Remains
from tests.unit.cli.fake_engine import OWNER, Engine
from tests.unit.cli.fake_pulumi import CONTAINER, DYNAMIC, Pulumi, step
from tests.unit.cli.lost_volumes.platforms import pair, production, repair, resource, state_of, write

LOST = "with kafka-dev-data went all that Kafka knew: 1 topics (readings) and 1 subjects (readings-value)"


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_loss_of_the_only_copy_is_told_and_nothing_is_done_without_consent(
    engine: Engine, project: Project, pulumi: Pulumi, *, dry_run: bool
) -> None:
    with pytest.raises(ProjectError) as refused:
        repair(engine, project, dry_run=dry_run)

    assert LOST in str(refused.value)
    assert "Put the volume back from a backup" in str(refused.value)
    assert "`messaging repair --accept-loss --stack dev`" in str(refused.value)
    assert (pulumi.commands, engine.calls) == ([], [])


def test_with_consent_topics_and_subjects_are_told_to_the_state_and_made_again_by_a_fresh_registry(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    done = repair(engine, project, accept=True)

    assert done[-1] == (
        "bring back without what is lost: 1 topics (readings) and 1 subjects (readings-value)"
    )
    assert [call[:2] for call in engine.calls] == [
        ("stop", "schema-registry-dev"),
        ("start", "schema-registry-dev"),
    ]
    assert pulumi.commands == [
        "preview --json --stack dev",
        "refresh --yes --target urn:kafka-dev --target urn:kafka-dev-data --stack dev",
        "up --yes --skip-preview --stack dev",
        "refresh --yes --target urn:readings --target urn:readings-value --stack dev",
        "up --yes --skip-preview --stack dev",
    ]


def test_a_dry_run_with_consent_says_what_would_be_lost(
    engine: Engine, project: Project, pulumi: Pulumi
) -> None:
    done = repair(engine, project, accept=True, dry_run=True)

    assert done[-2:] == [
        "restart schema-registry-dev, which answers from memory",
        "bring back without what is lost: 1 topics (readings) and 1 subjects (readings-value)",
    ]
    assert (pulumi.verbs, engine.calls) == (["preview"], [])


def test_where_others_have_a_copy_a_lost_volume_is_made_again_unasked(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    production(engine, project, monkeypatch, 1, 2)

    assert repair(engine, project) == [
        "make the container kafka-2 again",
        "make the volume kafka-2-data again",
    ]
    assert pulumi.verbs == ["preview", "refresh", "up"]


def test_a_topic_with_its_only_copy_on_the_lost_volume_is_named_though_nobody_declared_it(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    production(engine, project, monkeypatch, 2)

    with pytest.raises(ProjectError, match=r"with kafka-2-data went the only copy: 1 topics \(by-hand\)"):
        repair(engine, project)

    assert pulumi.commands == []


LOST_OF_PAIR = "with kafka-2-data went the only copy: 1 topics (readings) and 1 subjects (readings-value)"


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_partition_of_which_nobody_is_in_sync_any_more_is_lost_with_its_only_volume(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> None:
    pair(engine, project, monkeypatch)

    with pytest.raises(ProjectError) as refused:
        repair(engine, project, dry_run=dry_run)

    assert LOST_OF_PAIR in str(refused.value)
    assert pulumi.commands == []


def test_with_consent_kafka_goes_on_without_what_is_lost_before_the_last_gate_asks_for_it(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    kafka.have("half", (1, 2), in_sync=())

    done = repair(engine, project, accept=True)

    assert (
        done[-1]
        == "bring back without what is lost: 2 topics (half, readings) and 1 subjects (readings-value)"
    )
    assert kafka.calls == [("delete", ["_schemas"]), ("elect", {("half", 0)})]
    assert pulumi.verbs == ["preview", "refresh", "up", "refresh", "up"]


def test_a_replica_that_begins_anew_leads_as_soon_as_its_broker_is_back(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    monkeypatch.setattr(losses, "LOOK_SECONDS", 0.01)
    on_host = StackOnHost(engine, OWNER)  # type: ignore[arg-type]  # it has what is used
    harm = losses.assess(on_host, states.find(project, "dev", {}).whole(), ["kafka-2-data"])

    with losses.given_up(on_host, harm, lambda _: None):
        before = list(kafka.calls)
        kafka.brokers = (1, 2)
        deadline = time.monotonic() + 10
        while kafka.calls == before and time.monotonic() < deadline:
            time.sleep(0.01)

    assert before == [("delete", ["_schemas"])]
    assert kafka.calls[1:] == [("elect", {("readings", 0)})]


def test_of_what_is_not_known_to_be_lost_only_what_stays_without_a_leader_is_led_by_what_is_there(
    engine: Engine, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    kafka.partitions = {}
    kafka.have("late", (1, 2), in_sync=())
    kafka.have("stays", (1,), in_sync=())
    kafka.have("comes", (1,), in_sync=())
    monkeypatch.setattr(losses, "LOOK_SECONDS", 0.05)
    on_host = StackOnHost(engine, OWNER)  # type: ignore[arg-type]  # it has what is used
    harm = losses.Harm(loss=Loss(), left=Remains(), sure=False)

    with losses.given_up(on_host, harm, lambda _: None):
        kafka.have("comes", (1,), in_sync=(1,))
        deadline = time.monotonic() + 10
        while not kafka.calls and time.monotonic() < deadline:
            time.sleep(0.01)
        looked = kafka.looks
        while kafka.looks < looked + losses.LOOKS and time.monotonic() < deadline:
            time.sleep(0.01)

    assert kafka.calls == [("elect", {("stays", 0)})]


def test_another_change_of_the_checkout_is_refused_also_with_consent(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    pulumi.will_say(step("create", CONTAINER, "kafka-3-container", new={"name": "kafka-3"}))

    with pytest.raises(ProjectError, match="this checkout is not what is deployed"):
        repair(engine, project, accept=True)

    assert kafka.calls == []


def test_while_no_broker_answers_nobody_knows_what_was_only_on_a_volume_that_is_gone(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    production(engine, project, monkeypatch, 1, 3)
    monkeypatch.setattr(StackOnHost, "addresses", lambda _: [])

    with pytest.raises(ProjectError) as refused:
        repair(engine, project)

    assert "with kafka-2-data may have gone the only copy of anything, for no broker answers" in str(
        refused.value
    )
    assert "`messaging start --stack dev`" in str(refused.value)
    assert pulumi.commands == []


@pytest.mark.parametrize(
    ("engine_id", "host", "has_some", "refused"),
    [
        ("here", "", False, False),
        ("there", "", False, True),
        ("there", "", True, False),
        ("here", "tcp://10.9.9.9:2375", False, True),
        ("here", "tcp://10.9.9.9:2375", True, False),
        ("there", "tcp://10.9.9.9:2375", True, True),
        ("", "", False, False),
    ],
)
def test_an_engine_that_is_not_the_stacks_has_lost_nothing(
    engine: Engine,
    project: Project,
    pulumi: Pulumi,
    monkeypatch: pytest.MonkeyPatch,
    engine_id: str,
    host: str,
    *,
    has_some: bool,
    refused: bool,
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    claim = resource(f"{DYNAMIC}:Preflight", "preflight", engine=engine_id, dockerHost="")
    write(project, [*state_of({1: "kafka-dev"}, copies=1), claim])
    if host:
        (project.folder / "Pulumi.dev.yaml").write_text(f"config:\n  messaging:docker:\n    host: {host}\n")
    if not has_some:
        engine.lose("schema-registry-dev")
        engine.network_names = []

    with pytest.raises(ProjectError) as raised:
        repair(engine, project)

    assert ("is on another Docker engine than the one at unix:///" in str(raised.value)) == refused
    assert ("--accept-loss" in str(raised.value)) != refused
    assert pulumi.commands == []
