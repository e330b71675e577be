"""The pack as a whole: its table is true, its levels name policies, exceptions are complete or refused."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from guardrails import exceptions, pack
from guardrails.rule import StackRule

FOLDER = Path(__file__).resolve().parents[2] / "policies"
TODAY = date(2026, 11, 25)
NAMES = [rule.name for rule in pack.RULES]
GRANTED = {
    "policy": "topic-min-isr",
    "stack": "prod",
    "resource": "scratch-topic",
    "reason": "It is rebuilt every night.",
    "approvedBy": "Ada Lovelace",
    "until": "2026-12-31",
}


def levels(environment: str) -> dict[str, str]:
    """The level of each policy in an environment."""
    given = json.loads((FOLDER / f"{environment}.json").read_text())
    said = {
        name: value if isinstance(value, str) else value["enforcementLevel"] for name, value in given.items()
    }
    names = [*(rule.name for rule in pack.RULES), pack.EXCEPTION_RULE]
    return {name: said.get(name, said["all"]) for name in names}


def table() -> str:
    """The table that README must hold."""
    prod, dev = levels("prod"), levels("dev")
    rows = [
        "| policy | prod | dev | what must be so | why | how to fix |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for rule in pack.RULES:
        off = {"disabled": "off"}
        cells = [f"`{rule.name}`", *(off.get(level, level) for level in (prod[rule.name], dev[rule.name]))]
        rows.append("| " + " | ".join([*cells, rule.what, rule.why, rule.fix]) + " |")
    return "\n".join(rows)


def test_the_readme_lists_every_policy_as_it_is() -> None:
    assert table() in (FOLDER / "README.md").read_text(), f"the table must be:\n{table()}"


def test_the_documentation_names_every_policy_that_speaks_only_after_an_update_without_preview() -> None:
    text = (FOLDER.parent / "docs" / "policies.md").read_text()
    told = text.partition("speak when the update is over")[2].partition("\n\n")[0]
    of_stacks = {rule.name for rule in pack.RULES if isinstance(rule, StackRule)}
    assert set(re.findall(r"`([a-z-]+)`", told)) == of_stacks


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_levels_are_given_to_policies_that_exist(environment: str) -> None:
    names = {"all", pack.EXCEPTION_RULE, *(rule.name for rule in pack.RULES)}
    given = json.loads((FOLDER / f"{environment}.json").read_text())
    assert set(given) <= names


def test_in_production_only_what_is_advice_by_design_is_not_mandatory() -> None:
    advice = {name for name, level in levels("prod").items() if level != "mandatory"}
    assert advice == {"image-digest", "external-tls", "stream-owner", pack.EXCEPTION_RULE}


def test_in_development_nothing_is_mandatory() -> None:
    assert "mandatory" not in levels("dev").values()


def test_no_exception_is_committed_without_being_complete() -> None:
    exceptions.load(FOLDER / exceptions.FILE, NAMES)


def test_a_complete_exception_is_taken() -> None:
    (granted,) = exceptions.read([GRANTED], NAMES, TODAY, "exceptions.json").granted
    assert (granted.policy, granted.resource, granted.until) == (
        "topic-min-isr",
        "scratch-topic",
        date(2026, 12, 31),
    )


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({}, "exceptions.json holds {}; a list of exceptions is allowed"),
        (
            ["all"],
            "exception 1 has 'all'; exactly the keys policy, stack, resource, reason, approvedBy, until",
        ),
        ([{"policy": "all"}], "exception 1 has policy; exactly the keys policy, stack,"),
        ([{**GRANTED, "resource": "*"}], "exception 1 is for *; one policy, one stack and one resource"),
        ([{**GRANTED, "reason": " "}], "exception 1: reason is ' '; text that is not empty"),
        ([{**GRANTED, "until": "soon"}], "exception 1: until is 'soon'; a day such as 2026-11-25 is allowed"),
        (
            [{**GRANTED, "until": "2027-11-25"}],
            "exception 1: until is 2027-11-25; at most 92 days from today are allowed, 2027-02-25",
        ),
        (
            [GRANTED, {**GRANTED, "policy": "topic-min-isrs"}],
            "README.md lists is allowed. Did you mean topic-min-isr?",
        ),
        ([{**GRANTED, "policy": "all"}], "exception 1: policy is 'all'; the name of a policy"),
    ],
)
def test_an_exception_that_is_not_one_change_is_refused(entries: Any, says: str) -> None:
    with pytest.raises(exceptions.ExceptionsError) as refused:
        exceptions.read(entries, NAMES, TODAY, "exceptions.json")
    assert says in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "exceptions.json").write_text("nonsense")
    with pytest.raises(exceptions.ExceptionsError, match="cannot be read"):
        exceptions.load(tmp_path / "exceptions.json", NAMES)
