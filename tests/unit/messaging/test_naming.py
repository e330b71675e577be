"""Names and labels: the same on every run, apart for stacks that share a host."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.naming import INSTANCE_RULE, Owner, numbered


def owner(stack: str = "dev", instance: str = "") -> Owner:
    return Owner(project="messaging", stack=stack, instance=instance)


def test_an_instance_goes_before_every_name() -> None:
    assert owner().name("kafka-dev") == "kafka-dev"
    assert owner(instance="team-a").name("kafka-dev") == "team-a-kafka-dev"


def test_one_thing_has_no_number_and_several_have() -> None:
    assert numbered("kafka", 1, "-dev") == ("kafka-dev",)
    assert numbered("kafka", 3) == ("kafka-1", "kafka-2", "kafka-3")


@given(st.text(), st.text(), st.text())
def test_a_cluster_id_is_what_kafka_takes_for_one(project: str, stack: str, instance: str) -> None:
    identifier = Owner(project=project, stack=stack, instance=instance).cluster_id()

    assert len(identifier) == 22
    assert not identifier.startswith("-"), "a command line would take it for an option"
    assert len(base64.urlsafe_b64decode(identifier + "==")) == 16


def test_a_cluster_id_is_the_same_on_every_run() -> None:
    assert owner().cluster_id() == owner().cluster_id() == "P94paLLKpfN-hg5-dac_Yw"


def test_each_stack_and_instance_has_a_cluster_id_of_its_own() -> None:
    identifiers = {owner(stack, instance).cluster_id() for stack in ("dev", "prod") for instance in ("", "a")}

    assert len(identifiers) == 4


def test_an_owner_knows_its_objects_by_all_of_its_labels() -> None:
    labels = owner(instance="a").labels("broker")

    assert owner(instance="a").owns(labels | {"other": "label"})
    assert not owner(instance="b").owns(labels)
    assert not owner(instance="").owns(labels)
    assert not owner(instance="a").owns({})
    assert not owner(instance="a").owns(None)


@pytest.mark.parametrize("name", ["a", "team-a", "t123", "a" * 20])
def test_an_instance_is_a_short_host_name(name: str) -> None:
    assert INSTANCE_RULE.fullmatch(name)


@pytest.mark.parametrize("name", ["A", "1a", "-a", "a-", "a_b", "a.b", "a" * 21, "ä"])
def test_what_would_be_no_host_name_is_no_instance(name: str) -> None:
    assert not INSTANCE_RULE.fullmatch(name)
