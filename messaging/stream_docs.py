"""The documentation that follows from the catalogue: a page a stream, the keys, an AsyncAPI export.

Pure: what is generated is text by its path, from the project's folder. Writing and comparing is left to the
command line.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from messaging import avro_examples, dead_letters
from messaging.avro_types import walk
from messaging.catalogue_keys import CATALOGUE, ENVIRONMENTS, TOPIC_SETTINGS, json_schema_text
from messaging.catalogue_rules import Named, Section
from messaging.fields import DURATION_UNITS_MS
from messaging.streams import LOW_VOLUME_SEGMENT_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messaging.catalogue_rules import Key
    from messaging.streams import Catalogue, Stream, Subject

FOLDER = "docs/streams"
"""Where the pages are. Nothing else is there."""
KEYS_PAGE = "catalogue_keys.md"
"""The page of keys: a stream's page is called like the stream, and no stream's name has such a character."""
EDITOR_SCHEMA = "schemas/streams.schema.json"

_GENERATED = "<!-- Generated from schemas/ by `messaging docs`. Change it there. -->\n\n"
_CLASSES = {
    dead_letters.DeadLetterClass.GENERAL: "no known class of error",
    dead_letters.DeadLetterClass.VALIDATION_ERROR: "does not match its schema, or breaks a rule",
    dead_letters.DeadLetterClass.PROCESSING_ERROR: "is fine, but what it set off failed",
    dead_letters.DeadLetterClass.POISON: "cannot be read, or ends the consumer",
}


def generate(catalogue: Catalogue) -> dict[str, str]:
    """Every generated file: its text by its path from the project's folder."""
    pages = {f"{FOLDER}/{stream.name}.md": page(stream) for stream in catalogue.streams}
    return {
        EDITOR_SCHEMA: json_schema_text(),
        f"{FOLDER}/README.md": _index(catalogue),
        f"{FOLDER}/{KEYS_PAGE}": _keys_page(),
        f"{FOLDER}/asyncapi.json": json.dumps(asyncapi(catalogue), indent=2, ensure_ascii=False) + "\n",
        **pages,
    }


# --- pages ---


def _index(catalogue: Catalogue) -> str:
    rows = [
        f"| [{stream.name}]({stream.name}.md) | {stream.owner} | {stream.purpose} |"
        for stream in catalogue.streams
    ]
    return (
        f"{_GENERATED}# Streams\n\n"
        "One page each, from [the catalogue](../../schemas/streams.yaml) and its schemas. "
        f"[streams.md](../streams.md) says how streams are added and changed, [{KEYS_PAGE}]({KEYS_PAGE}) "
        "what the catalogue may say, and [asyncapi.json](asyncapi.json) is all of it as AsyncAPI.\n\n"
        "| stream | owner | purpose |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n"
    )


def page(stream: Stream) -> str:
    """The page of one stream."""
    parts = [
        f"{_GENERATED}# {stream.name}\n\n{stream.purpose}\n\nOwner: {stream.owner}.\n",
        _sizes(stream),
        *(_schema(subject) for subject in stream.subjects),
        _dead_letters(stream),
    ]
    return "\n".join(parts)


def _sizes(stream: Stream) -> str:
    rows = [
        f"| {name} | {size.partitions} | {duration(size.retention_ms)} | "
        f"{duration(size.dead_letter_retention_ms)} |"
        for name, size in stream.sizes.items()
    ]
    segments = f"after {duration(LOW_VOLUME_SEGMENT_MS)}" if stream.low_volume else "when they are full"
    lines = [
        "| environment | partitions | messages are kept | dead letters are kept |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"Cleanup: `{stream.cleanup}`. Segments are closed {segments}.",
    ]
    lines += [f"Setting: `{name}={value}`." for name, value in stream.settings.items()]
    for quota in stream.quotas:
        limits = ", ".join(f"`{name}={value}`" for name, value in quota.config().items())
        lines.append(f"Quota of the client `{quota.client}`: {limits}.")
    return "\n".join(lines) + "\n"


def _schema(subject: Subject) -> str:
    part = subject.name.rpartition("-")[2].capitalize()
    sections = [
        f"## {part}\n",
        f"{subject.schema.type.doc or subject.schema.name}\n",
        (
            f"Subject `{subject.name}`, {subject.compatibility}, type `{subject.schema.name}`, "
            f"[{subject.file}](../../schemas/{subject.file}).\n"
        ),
    ]
    for type_ in walk(subject.schema.type):
        if type_.kind == "record":
            if type_ is not subject.schema.type:
                sections.append(f"### {type_.simple_name}\n\n{type_.doc}\n")
            sections.append("| field | type | default | meaning |\n| --- | --- | --- | --- |")
            sections[-1] += "".join(
                f"\n| `{field.name}` | {_cell(str(field.type))} | "
                f"{f'`{json.dumps(field.default, ensure_ascii=False)}`' if field.has_default else ''} | "
                f"{_cell(field.doc)} |"
                for field in type_.fields
            )
            sections[-1] += "\n"
        elif type_.kind == "enum":
            known = ", ".join(f"`{symbol}`" for symbol in type_.symbols)
            unknown = f" What a reader does not know is `{type_.default}`." if type_.default else ""
            sections.append(f"### {type_.simple_name}\n\n{type_.doc} One of {known}.{unknown}\n")
    shown = json.dumps(avro_examples.example(subject.schema.type), indent=2, ensure_ascii=False)
    sections.append(f"Example, as plain JSON:\n\n```json\n{shown}\n```\n")
    return "\n".join(sections)


def _dead_letters(stream: Stream) -> str:
    rows = [
        f"| `{dead_letters.queue_name(stream.name, error_class)}` | {meaning} |"
        for error_class, meaning in _CLASSES.items()
    ]
    return (
        "## Dead letters\n\nWhat a message there was, and what is added to it: "
        "[the contract](../streams.md#dead-letters).\n\n| queue | the message |\n| --- | --- |\n"
        + "\n".join(rows)
        + "\n"
    )


def _keys_page() -> str:
    sections = [
        (
            f"{_GENERATED}# What the catalogue may say\n\n"
            "Every key of [streams.yaml](../../schemas/streams.yaml), from the model that reads it. Editors "
            "check and complete the file by [streams.schema.json](../../schemas/streams.schema.json), which "
            "it names in its first line.\n"
        )
    ]
    for title, keys in _key_tables("the top of the file", CATALOGUE):
        rows = [
            f"| `{key.name}` | {_cell(_allowed(key))} | {_default(key)} | {_cell(key.means)} |"
            for key in keys
        ]
        table = "| key | value | without it | meaning |\n| --- | --- | --- | --- |\n" + "\n".join(rows)
        sections.append(f"## {title[0].upper()}{title[1:]}\n\n{table}\n")
    sections.append(_topic_settings())
    return "\n".join(sections)


def _topic_settings() -> str:
    rows = [f"| `{name}` | {_cell(rule.allowed())} |" for name, rule in TOPIC_SETTINGS.items()]
    return (
        "## Each of `streams`, `settings`\n\n| setting | value |\n| --- | --- |\n"
        + "\n".join(rows)
        + "\n\n`min.compaction.lag.ms` is not more than `max.compaction.lag.ms` where both are stated.\n"
    )


def _key_tables(title: str, keys: tuple[Key, ...]) -> Iterator[tuple[str, tuple[Key, ...]]]:
    yield title, keys
    for key in keys:
        named = isinstance(key.rule, Named)
        rule = key.rule.each if isinstance(key.rule, Named) else key.rule
        if isinstance(rule, Section):
            below = f"`{key.name}`" if title.startswith("the top") else f"{title}, `{key.name}`"
            yield from _key_tables(f"each of {below}" if named else below, rule.keys)


def _allowed(key: Key) -> str:
    if isinstance(key.rule, Named):
        return f"a mapping by {key.rule.says.partition('. ')[0]}"
    return key.rule.allowed()


def _default(key: Key) -> str:
    if key.required:
        return "must be there"
    return key.shown_default or (f"`{key.default}`" if key.default else "nothing")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def duration(milliseconds: int) -> str:
    """A duration in its largest whole unit, in words."""
    words = {"d": "day", "h": "hour", "m": "minute", "s": "second"}
    for unit, word in words.items():
        count, rest = divmod(milliseconds, DURATION_UNITS_MS[unit])
        if not rest:
            return f"{count} {word}{'' if count == 1 else 's'}"
    return f"{milliseconds} ms"


# --- AsyncAPI ---


def asyncapi(catalogue: Catalogue) -> dict[str, Any]:
    """The catalogue as an AsyncAPI document, version 3."""
    channels = {stream.name: _channel(stream) for stream in catalogue.streams}
    operations = {
        f"{verb}-{stream.name}": {
            "action": action,
            "channel": {"$ref": f"#/channels/{stream.name}"},
            "summary": stream.purpose,
        }
        for stream in catalogue.streams
        for verb, action in (("write", "send"), ("read", "receive"))
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "IoT platform messaging",
            "version": "1",
            "description": "The event streams of the platform. Keys and values are Avro in the wire format "
            "of Schema Registry clients.",
        },
        "defaultContentType": "application/vnd.apache.avro",
        "channels": channels,
        "operations": operations,
    }


def _channel(stream: Stream) -> dict[str, Any]:
    payloads = {subject.name.rpartition("-")[2]: subject for subject in stream.subjects}
    value = payloads["value"]
    message: dict[str, Any] = {
        "name": value.schema.type.simple_name,
        "summary": value.schema.type.doc,
        "payload": _multi_format(value),
        "examples": [{"payload": avro_examples.example(value.schema.type)}],
    }
    key: dict[str, Any] = {"type": "string"}
    if "key" in payloads:
        key = json.loads(payloads["key"].schema.text)
    binding = {"key": key, "schemaIdLocation": "payload", "bindingVersion": "0.5.0"}
    message["bindings"] = {"kafka": binding}
    sizes = {name: stream.sizes[name] for name in ENVIRONMENTS}
    return {
        "address": stream.name,
        "description": stream.purpose,
        "tags": [{"name": f"owner:{stream.owner}"}],
        "messages": {value.schema.type.simple_name: message},
        "x-dead-letters": list(dead_letters.queue_names(stream.name)),
        "x-environments": {
            name: {"partitions": size.partitions, "retentionMs": size.retention_ms}
            for name, size in sizes.items()
        },
    }


def _multi_format(subject: Subject) -> dict[str, Any]:
    return {
        "schemaFormat": "application/vnd.apache.avro+json;version=1.11.0",
        "schema": json.loads(subject.schema.text),
    }
