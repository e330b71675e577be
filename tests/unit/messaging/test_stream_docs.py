"""What is generated from the catalogue: true to it, and complete."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
import pytest

from messaging import avro, avro_examples, catalogue, stream_docs

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
