"""A repair without data that is lost goes on where an earlier one was interrupted."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from messaging.availability import NO_BROKER
from messaging.cli import care, losses
from messaging.cli.projects import Project, ProjectError
from tests.unit.cli.fake_pulumi import CONTAINER, DYNAMIC, Pulumi, step
from tests.unit.cli.lost_volumes.platforms import TOPIC, VOLUME, mended, pair, repair, write

if TYPE_CHECKING:
    from tests.unit.cli.fake_engine import Engine


def test_a_repair_that_was_interrupted_goes_on_though_the_new_broker_is_not_there_yet(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    mended(engine, kafka)
    kafka.brokers = (1,)
    monkeypatch.setattr(losses, "LOOK_SECONDS", 0.02)
    waits: list[str] = []

    def wait_for_leaders(_place: object, arguments: list[str], *, shown: bool) -> None:
        assert shown or arguments[0] == "refresh"
        waits.append(arguments[0])
        kafka.brokers = (1, 2)
        deadline = time.monotonic() + 10
        while any(one.leader == NO_BROKER for one in kafka.partitions.values()):
            assert time.monotonic() < deadline, "nobody elected leaders"
            time.sleep(0.01)

    monkeypatch.setattr(care, "_pulumi", wait_for_leaders)

    done = repair(engine, project, accept=True)

    assert "wait for leaders of 2 partitions" in done
    assert waits[0] == "up"


def test_a_repair_that_was_interrupted_goes_on_though_no_volume_is_missing_any_more(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    mended(engine, kafka)

    with pytest.raises(ProjectError) as refused:
        repair(engine, project)
    done = repair(engine, project, accept=True)

    assert "2 partitions of 2 topics (_schemas, readings) have no leader" in str(refused.value)
    assert done[-1] == "bring back without what is lost: 1 topics (readings) and 1 subjects (readings-value)"
    assert kafka.calls == [("elect", {("readings", 0), ("_schemas", 0)})]
    assert pulumi.verbs == ["preview", "up", "refresh", "up"]
    assert ("start", "schema-registry-dev") in engine.calls


def test_what_the_state_was_told_is_lost_is_made_though_the_repair_was_interrupted_then(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    mended(engine, kafka)
    kafka.partitions = {}
    kafka.have("_schemas", (1,), in_sync=(1,))
    pulumi.will_say(
        step("create", TOPIC, "readings", new={"name": "readings"}),
        step("create", f"{DYNAMIC}:Subject", "readings-value", new={"subject": "readings-value"}),
    )

    with pytest.raises(ProjectError, match=r"1 topics \(readings\) are not there. `messaging repair"):
        repair(engine, project)

    assert repair(engine, project, accept=True) == ["bring back without what is lost: 1 topics (readings)"]
    assert pulumi.verbs == ["preview", "refresh", "up"]


def test_a_node_of_which_the_state_was_told_that_it_is_gone_is_made_before_the_rest_is_looked_at(
    engine: Engine, project: Project, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = pair(engine, project, monkeypatch)
    file = project.folder / ".pulumi" / "stacks" / "messaging" / "dev.json"
    known = json.loads(file.read_text())["checkpoint"]["latest"]["resources"]
    write(project, [one for one in known if one["inputs"].get("name") not in {"kafka-2", "kafka-2-data"}])
    pulumi.will_say(
        step("create", VOLUME, "kafka-2-data", new={"name": "kafka-2-data"}),
        step("create", CONTAINER, "kafka-2-container", new={"name": "kafka-2"}),
    )

    with pytest.raises(ProjectError, match="with kafka-2-data went the only copy: 1 topics"):
        repair(engine, project)
    done = repair(engine, project, accept=True)

    assert done[:2] == ["make the container kafka-2 again", "make the volume kafka-2-data again"]
    assert kafka.calls == [("delete", ["_schemas"])]
    assert pulumi.verbs == ["preview", "up", "refresh", "up"]
