"""A plan as a state: what is asked, and all that it needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from messaging.report import presumed

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "urn:pulumi:prod::messaging::"
STACK = f"{PREFIX}pulumi:pulumi:Stack::messaging-prod"
CLUSTER = f"{PREFIX}messaging:index:KafkaCluster::kafka"
PROVIDER = f"{PREFIX}messaging:index:KafkaCluster$pulumi:providers:kafka::kafka-provider"
TOPIC = f"{PREFIX}messaging:index:EventStream$kafka:index/topic:Topic::metrics-topic"
IDENTITY = (
    f"{PREFIX}messaging:index:KafkaCluster$pulumi-python:dynamic/messaging:ClusterIdentity::kafka-identity"
)
PYTHON = f"{PREFIX}pulumi:providers:pulumi-python::default"
SUBJECT = f"{PREFIX}pulumi-python:dynamic/messaging:Subject::metrics-value-subject"


def event(urn: str, *, custom: bool = True, **state: Any) -> str:
    kind = urn.split("::")[2].rpartition("$")[2]
    new = {"urn": urn, "type": kind, "custom": custom, "id": "", "inputs": {"a": 1}, "outputs": {}, **state}
    return json.dumps({"resourcePreEvent": {"metadata": {"op": "create", "urn": urn, "new": new}}})


LINES = [
    "pulumi: no Pulumi CLI is used",
    event(STACK, custom=False),
    event(CLUSTER, custom=False, parent=STACK),
    event(PROVIDER, parent=CLUSTER, id="p1"),
    event(IDENTITY, parent=CLUSTER, provider=f"{PYTHON}::d1", dependencies=[SUBJECT], protect=True),
    event(SUBJECT, provider=f"{PYTHON}::d1"),
    event(TOPIC, parent=STACK, provider=f"{PROVIDER}::p1", protect=True, deletedWith=IDENTITY),
    json.dumps({"summaryEvent": {}}),
]


def test_the_state_holds_what_is_asked_with_its_parents_and_providers_and_nothing_that_asks_what_runs() -> (
    None
):
    found = {one["urn"]: one for one in presumed.resources(LINES)}
    assert list(found) == [STACK, PYTHON, CLUSTER, PROVIDER, IDENTITY, TOPIC]
    assert found[PYTHON]["id"] == "d1"
    assert found[TOPIC]["id"] == "metrics-topic"
    assert found[TOPIC]["outputs"] == {"a": 1}


def test_nothing_in_it_is_protected_or_waits_for_what_is_left_out() -> None:
    found = {one["urn"]: one for one in presumed.resources(LINES)}
    assert not any(one.get("protect") for one in found.values())
    assert "dependencies" not in found[IDENTITY]
    assert "deletedWith" not in found[TOPIC]


def test_it_is_written_into_a_state_file(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("\n".join(LINES))
    (tmp_path / "state").write_text('{"version": 3, "checkpoint": {"latest": {"manifest": {}}}}')
    presumed.main(str(tmp_path / "events"), str(tmp_path / "state"))
    written = json.loads((tmp_path / "state").read_text())
    assert len(written["checkpoint"]["latest"]["resources"]) == 6
    assert written["version"] == 3
