"""What is generated from the catalogue: true to it, and complete."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
import pytest

from messaging import avro, avro_examples, catalogue, stream_docs
from messaging.streams import Catalogue

if TYPE_CHECKING:
    from messaging.streams import Subject

ROOT = Path(__file__).resolve().parents[3]
OURS = catalogue.load(ROOT / "schemas")


def test_the_generated_files_are_what_the_catalogue_says() -> None:
    """Write them anew with `make docs`."""
    generated = stream_docs.generate(OURS)

    assert {path for path in generated if (ROOT / path).read_text() != generated[path]} == set()
    there = {str(file.relative_to(ROOT)) for file in (ROOT / stream_docs.FOLDER).iterdir()}
    assert there == {path for path in generated if path.startswith(stream_docs.FOLDER)}


def test_every_stream_has_a_page_with_owner_fields_dead_letters_and_an_example() -> None:
    pages = stream_docs.generate(OURS)
    for stream in OURS.streams:
        page = pages[f"{stream_docs.FOLDER}/{stream.name}.md"]
        assert f"Owner: {stream.owner}." in page
        assert f"`{stream.name}.dlq.poison`" in page
        for subject in stream.subjects:
            assert f"Subject `{subject.name}`" in page
            for field in subject.schema.type.fields:
                assert f"| `{field.name}` |" in page
                assert field.doc in page
        assert page.count("```json") == len(stream.subjects)


@pytest.mark.parametrize("name", ["catalogue", "catalogue-keys", "catalogue.keys", "asyncapi"])
def test_a_stream_may_be_called_like_a_page_that_is_none_of_a_stream(name: str) -> None:
    named = Catalogue(streams=(replace(OURS.streams[0], name=name), *OURS.streams[1:]))

    pages = stream_docs.generate(named)

    assert len(pages) == len(stream_docs.generate(OURS))
    assert f"# {name}\n" in pages[f"{stream_docs.FOLDER}/{name}.md"]
    assert "# What the catalogue may say" in pages[f"{stream_docs.FOLDER}/{stream_docs.KEYS_PAGE}"]


def test_the_page_of_keys_has_each_setting_of_a_topic_with_its_rule() -> None:
    page = stream_docs.generate(OURS)[f"{stream_docs.FOLDER}/{stream_docs.KEYS_PAGE}"]

    assert "| `segment.bytes` | a whole number from 1048576 to 2147483647 |" in page
    assert "| `message.timestamp.type` | one of CreateTime, LogAppendTime |" in page


@pytest.mark.parametrize("subject", OURS.subjects, ids=lambda subject: subject.name)
def test_the_example_of_a_schema_is_one_of_its_records(subject: Subject) -> None:
    schema = fastavro.parse_schema(json.loads(subject.schema.text))
    example = json.loads(json.dumps(avro_examples.example(subject.schema.type)))
    written = io.BytesIO()

    fastavro.schemaless_writer(written, schema, example)

    written.seek(0)
    read: Any = fastavro.schemaless_reader(written, schema, None)
    assert set(read) == set(example)


def test_an_example_of_every_type_is_one_of_it() -> None:
    kinds: list[Any] = ["boolean", "int", "long", "float", "double", "bytes", "string"]
    kinds += [{"type": "fixed", "name": "F", "size": 3}, {"type": "enum", "name": "E", "symbols": ["A"]}]
    kinds += [{"type": "array", "items": "int"}, {"type": "map", "values": "int"}]
    fields = [{"name": f"f{number}", "type": kind} for number, kind in enumerate(kinds)]
    fields.append({"name": "next", "type": ["null", "Node"], "default": None})
    schema = avro.parse(json.dumps({"type": "record", "name": "Node", "fields": fields}))

    example = avro_examples.example(schema.type)

    assert set(example) == {field["name"] for field in fields}
    assert example["next"]["next"] is not None, "a record inside itself is shown, and ends"
    json.dumps(example)


def nodes(*fields: tuple[str, Any]) -> dict[str, Any]:
    return {
        "type": "record",
        "name": "Node",
        "fields": [{"name": name, "type": kind} for name, kind in fields],
    }


LEAF = {"type": "record", "name": "Leaf", "fields": [{"name": "value", "type": "double"}]}
HOLDER = {"type": "record", "name": "Holder", "fields": [{"name": "node", "type": ["null", "Node"]}]}


@pytest.mark.parametrize(
    "schema",
    [
        nodes(("children", {"type": "array", "items": "Node"})),
        nodes(("children", {"type": "map", "values": "Node"})),
        nodes(("left", ["Node", LEAF]), ("right", ["Node", "Leaf"])),
        nodes(("child", ["Node", HOLDER])),
        nodes(*((f"child_{number}", ["null", "Node"]) for number in range(8))),
    ],
    ids=["array", "map", "union", "union of records alone", "many"],
)
def test_an_example_of_records_inside_themselves_is_one_of_them_that_people_can_read(
    schema: dict[str, Any],
) -> None:
    example = avro_examples.example(avro.parse(json.dumps(schema)).type)

    assert len(json.dumps(example)) < 20_000
    assert '{"' in json.dumps(list(example.values())), "a record inside itself is shown"
    fastavro.schemaless_writer(io.BytesIO(), fastavro.parse_schema(schema), example)


def test_an_example_ends_also_where_no_value_does() -> None:
    schema = avro.parse(json.dumps(nodes(("child", "Node"), ("number", "int"))))

    assert avro_examples.example(schema.type)["number"] == 42


def test_asyncapi_has_every_stream_with_its_schema() -> None:
    document = stream_docs.asyncapi(OURS)

    assert document["asyncapi"].startswith("3.")
    assert list(document["channels"]) == [stream.name for stream in OURS.streams]
    for stream in OURS.streams:
        (message,) = document["channels"][stream.name]["messages"].values()
        assert message["payload"]["schema"] == json.loads(stream.subjects[-1].schema.text)
        assert document["operations"][f"read-{stream.name}"]["channel"]["$ref"].endswith(stream.name)


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(86_400_000, "1 day"), (7 * 86_400_000, "7 days"), (5_400_000, "90 minutes"), (1_500, "1500 ms")],
)
def test_durations_are_told_in_their_largest_whole_unit(milliseconds: int, words: str) -> None:
    assert stream_docs.duration(milliseconds) == words
