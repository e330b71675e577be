"""The catalogue's model: one source for the reader, for editors and for the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from messaging import catalogue_keys, catalogue_rules

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"


def test_the_schema_for_editors_is_the_models() -> None:
    """Write it anew with `messaging docs`."""
    assert (SCHEMAS / "streams.schema.json").read_text() == catalogue_keys.json_schema_text()


def allows(schema: dict[str, Any], value: Any) -> bool:
    """What an editor's checker says, for the words of JSON schema that the model uses."""
    if "enum" in schema:
        return value in schema["enum"]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    by_kind: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
    }
    if not any(isinstance(value, by_kind[kind]) for kind in kinds):
        return False
    if isinstance(value, dict):
        known = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        return (
            set(schema.get("required", ())) <= set(value)
            and all(re.search(schema["propertyNames"]["pattern"], key) for key in value)
            if "propertyNames" in schema
            else set(schema.get("required", ())) <= set(value)
        ) and all(
            allows(known[key], one) if key in known else (others and allows(others, one))
            for key, one in value.items()
        )
    if isinstance(value, list):
        return all(allows(schema["items"], one) for one in value)
    if isinstance(value, int) and "minimum" in schema:
        return bool(schema["minimum"] <= value <= schema["maximum"])
    return bool(re.search(schema["pattern"], str(value)))


def test_editors_take_the_projects_own_catalogue_and_refuse_mistakes() -> None:
    ours = yaml.safe_load((SCHEMAS / "streams.yaml").read_text())
    schema = catalogue_keys.json_schema()

    assert allows(schema, ours)
    for key, wrong in (("volume", "huge"), ("owner", 7), ("key", "text"), ("unknown", "x"), ("value", None)):
        broken = {**ours["streams"]["metrics"], key: wrong}
        assert not allows(schema, {**ours, "streams": {**ours["streams"], "metrics": broken}}), key


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("segment.bytes", 1_048_576, 1_048_575),
        ("max.message.bytes", 2_147_483_647, 2_147_483_648),
        ("min.cleanable.dirty.ratio", 1, 5),
        ("retention.bytes", "-1", "much"),
        ("message.timestamp.type", "CreateTime", "CreationTime"),
    ],
)
def test_editors_refuse_a_setting_that_kafka_does_not_take(name: str, right: object, wrong: object) -> None:
    rule = catalogue_keys.TOPIC_SETTINGS[name]

    assert allows(rule.schema(), right)
    assert not allows(rule.schema(), wrong)


def test_every_key_says_what_it_means() -> None:
    def all_keys(keys: tuple[catalogue_rules.Key, ...]) -> list[catalogue_rules.Key]:
        found = list(keys)
        for key in keys:
            rule = key.rule.each if isinstance(key.rule, catalogue_rules.Named) else key.rule
            if isinstance(rule, catalogue_rules.Section):
                found += all_keys(rule.keys)
        return found

    for key in all_keys(catalogue_keys.CATALOGUE):
        assert key.means
        assert key.rule.allowed()
