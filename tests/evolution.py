"""Changes of a schema, each with what Avro's rules of resolution say of it: one table for both ways to judge.

The unit tests hold the checker against it, the e2e tests a running registry.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from messaging.avro_compatibility import Rule


@dataclass(frozen=True)
class Row:
    """One change."""

    name: str
    old: dict[str, Any]
    new: dict[str, Any]
    backward: Rule | None
    """What forbids the new schema to read old data; None if nothing does."""
    forward: Rule | None
    """What forbids the old schema to read new data."""

    def compatible(self, level: str) -> bool:
        """The verdict at a level, with the old schema as the only version."""
        direction = level.partition("_")[0]
        return not (
            (direction in {"BACKWARD", "FULL"} and self.backward)
            or (direction in {"FORWARD", "FULL"} and self.forward)
        )

    def texts(self) -> tuple[str, str]:
        """Both schemas as JSON."""
        return json.dumps(self.old), json.dumps(self.new)


def record(*fields: dict[str, Any], name: str = "Reading", **more: Any) -> dict[str, Any]:
    """A record schema."""
    return {"type": "record", "name": name, "namespace": "com.example", "fields": list(fields), **more}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    """A field of a record."""
    return {"name": name, "type": kind, **more}


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    """An enum schema."""
    return {"type": "enum", "name": "Kind", "symbols": list(symbols), **more}


ID = field("id", "string")
INNER = {"type": "record", "name": "Inner"}
NO_DEFAULT = Rule.READER_FIELD_MISSING_DEFAULT_VALUE
TYPE = Rule.TYPE_MISMATCH
BRANCH = Rule.MISSING_UNION_BRANCH
SYMBOLS = Rule.MISSING_ENUM_SYMBOLS


def of(kind: Any, **more: Any) -> dict[str, Any]:
    """A record whose one interesting field is of a type."""
    return record(ID, field("value", kind, **more))


def promotion(written: str, read: str) -> Row:
    """A primitive that becomes another one, which reads it and not the other way round."""
    return Row(f"widen {written} to {read}", of(written), of(read), None, TYPE)


ROWS = (
    Row("nothing", of("int"), of("int"), None, None),
    Row("documentation", of("int"), of("int", doc="What was measured."), None, None),
    Row("order of fields", record(ID, field("a", "int")), record(field("a", "int"), ID), None, None),
    Row(
        "add a field with a default",
        record(ID),
        record(ID, field("unit", "string", default="")),
        None,
        None,
    ),
    Row("add a field without a default", record(ID), record(ID, field("unit", "string")), NO_DEFAULT, None),
    Row(
        "add a nullable field",
        record(ID),
        record(ID, field("unit", ["null", "string"], default=None)),
        None,
        None,
    ),
    Row(
        "remove a field with a default",
        record(ID, field("unit", "string", default="")),
        record(ID),
        None,
        None,
    ),
    Row(
        "remove a field without a default",
        record(ID, field("unit", "string")),
        record(ID),
        None,
        NO_DEFAULT,
    ),
    Row(
        "rename a field",
        record(ID, field("unit", "string")),
        record(ID, field("measure", "string")),
        NO_DEFAULT,
        NO_DEFAULT,
    ),
    Row(
        "rename a field with an alias",
        record(ID, field("unit", "string")),
        record(ID, field("measure", "string", aliases=["unit"])),
        None,
        NO_DEFAULT,
    ),
    Row(
        "rename a field with an alias and defaults",
        record(ID, field("unit", "string", default="")),
        record(ID, field("measure", "string", aliases=["unit"], default="")),
        None,
        None,
    ),
    Row("rename the record", record(ID), record(ID, name="Sample"), Rule.NAME_MISMATCH, Rule.NAME_MISMATCH),
    Row(
        "rename the record with an alias",
        record(ID),
        record(ID, name="Sample", aliases=["com.example.Reading"]),
        None,
        Rule.NAME_MISMATCH,
    ),
    Row(
        "move the record to another namespace",
        record(ID),
        {**record(ID), "namespace": "com.example.other"},
        None,
        None,
    ),
    promotion("int", "long"),
    promotion("int", "float"),
    promotion("int", "double"),
    promotion("long", "float"),
    promotion("long", "double"),
    promotion("float", "double"),
    Row("narrow long to int", of("long"), of("int"), TYPE, None),
    Row("narrow double to float", of("double"), of("float"), TYPE, None),
    Row("string to bytes", of("string"), of("bytes"), None, None),
    Row("bytes to string", of("bytes"), of("string"), None, None),
    Row("int to string", of("int"), of("string"), TYPE, TYPE),
    Row("boolean to int", of("boolean"), of("int"), TYPE, TYPE),
    Row("scalar to array", of("int"), of({"type": "array", "items": "int"}), TYPE, TYPE),
    Row(
        "widen the items of an array",
        of({"type": "array", "items": "int"}),
        of({"type": "array", "items": "long"}),
        None,
        TYPE,
    ),
    Row(
        "change the values of a map",
        of({"type": "map", "values": "string"}),
        of({"type": "map", "values": "int"}),
        TYPE,
        TYPE,
    ),
    Row(
        "array to map",
        of({"type": "array", "items": "int"}),
        of({"type": "map", "values": "int"}),
        TYPE,
        TYPE,
    ),
    Row("add an enum symbol", of(enum("A", "B")), of(enum("A", "B", "C")), None, SYMBOLS),
    Row("remove an enum symbol", of(enum("A", "B")), of(enum("A")), SYMBOLS, None),
    Row(
        "add an enum symbol where the enum has a default",
        of(enum("A", "B", default="A")),
        of(enum("A", "B", "C", default="A")),
        None,
        None,
    ),
    Row(
        "remove an enum symbol where the enum has a default",
        of(enum("A", "B", default="A")),
        of(enum("A", default="A")),
        None,
        None,
    ),
    Row("order of enum symbols", of(enum("A", "B")), of(enum("B", "A")), None, None),
    Row("enum to string", of(enum("A", "B")), of("string"), TYPE, TYPE),
    Row("make a field nullable", of("int"), of(["null", "int"]), None, TYPE),
    Row("make a nullable field required", of(["null", "int"]), of("int"), TYPE, None),
    Row("add a branch to a union", of(["null", "int"]), of(["null", "int", "string"]), None, BRANCH),
    Row("remove a branch of a union", of(["null", "int", "string"]), of(["null", "int"]), BRANCH, None),
    Row("order of a union's branches", of(["null", "int"]), of(["int", "null"]), None, None),
    Row("widen a union's branch", of(["null", "int"]), of(["null", "long"]), None, BRANCH),
    Row(
        "change the size of a fixed",
        of({"type": "fixed", "name": "Digest", "size": 16}),
        of({"type": "fixed", "name": "Digest", "size": 32}),
        Rule.FIXED_SIZE_MISMATCH,
        Rule.FIXED_SIZE_MISMATCH,
    ),
    Row(
        "add a field with a default to a record inside",
        of({**INNER, "fields": [field("a", "int")]}),
        of({**INNER, "fields": [field("a", "int"), field("b", "int", default=0)]}),
        None,
        None,
    ),
    Row(
        "add a field without a default to a record inside",
        of({**INNER, "fields": [field("a", "int")]}),
        of({**INNER, "fields": [field("a", "int"), field("b", "int")]}),
        NO_DEFAULT,
        None,
    ),
    Row(
        "a record that contains itself",
        of({**INNER, "fields": [field("a", "int"), field("next", ["null", "Inner"], default=None)]}),
        of({**INNER, "fields": [field("a", "long"), field("next", ["null", "Inner"], default=None)]}),
        None,
        TYPE,
    ),
    Row(
        "a logical type for the type below it",
        of("long"),
        of({"type": "long", "logicalType": "timestamp-millis"}),
        None,
        None,
    ),
    Row(
        "an equal decimal",
        of({"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 2}),
        of({"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 2}),
        None,
        None,
    ),
)
"""Every change on which Avro's specification and a registry must agree."""

DECIMAL_ROW = Row(
    "another scale of a decimal",
    of({"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 2}),
    of({"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 3}),
    Rule.DECIMAL_MISMATCH,
    Rule.DECIMAL_MISMATCH,
)
"""The specification refuses this, registries do not look at it."""
