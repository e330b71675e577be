"""An exception lets one resource pass one guardrail until its day, and is told in every preview."""

from __future__ import annotations

from datetime import date

import pytest
from guardrails import pack
from guardrails.exceptions import Exceptions, Granted
from pulumi_policy import StackValidationArgs

from tests.policies.judging import TODAY, TOPIC, config, judged


@pytest.fixture
def granted(monkeypatch: pytest.MonkeyPatch) -> Exceptions:
    monkeypatch.setattr("pulumi.get_stack", lambda: "prod")
    one = {
        "policy": "topic-min-isr",
        "stack": "prod",
        "resource": "it",
        "reason": "It is rebuilt every night.",
        "approved_by": "Ada",
    }
    return Exceptions(
        today=TODAY,
        granted=(
            Granted(**one, until=date(2026, 12, 1)),
            Granted(**{**one, "policy": "topic-retention"}, until=date(2026, 11, 24)),
            Granted(**{**one, "stack": "staging", "policy": "topic-replication"}, until=date(2026, 12, 1)),
        ),
    )


def test_an_exception_lets_one_resource_pass_one_rule_on_one_stack_until_its_day(granted: Exceptions) -> None:
    weak = config("min.insync.replicas", "1") | {"replicationFactor": 1.0}
    assert judged("topic-min-isr", TOPIC, weak, exceptions=granted) == []
    assert judged("topic-replication", TOPIC, weak, exceptions=granted)
    assert judged("topic-retention", TOPIC, config("retention.ms", "1"), exceptions=granted)


def test_exceptions_are_told_in_every_preview(granted: Exceptions) -> None:
    (told,) = [one for one in pack.policies(granted) if one.name == pack.EXCEPTION_RULE]
    said: list[str] = []
    told.validate(StackValidationArgs([]), said.append)
    assert said == [
        "it is excepted from topic-min-isr until 2026-12-01: It is rebuilt every night. (approved by Ada).",
        (
            "The exception of it from topic-retention ran out on 2026-11-24; take it out of "
            "policies/exceptions.json."
        ),
    ]
