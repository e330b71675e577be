"""What the stream catalogue may say: every key with its meaning, its rule and its default. Pure.

The one model of ``schemas/streams.yaml``. The reader, the JSON schema for editors and the table of keys in
the documentation all follow it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from messaging.avro_compatibility import LEVELS
from messaging.catalogue_rules import (
    Choice,
    Key,
    Measure,
    Named,
    Names,
    Number,
    Section,
    Settings,
    Share,
    Text,
    Whole,
    object_schema,
)
from messaging.fields import DURATION_UNITS_MS, SIZE_UNITS_MIB
from messaging.naming import TOPIC_RULE

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENTS = ("dev", "prod")
"""The environments that every stream states its size for."""
STRING_KEY = "string"
"""The key is UTF-8 text and has no schema."""
CLEANUP = ("delete", "compact", "compact,delete")

SCHEMA_FILE = re.compile(r"[a-z0-9][a-z0-9.-]*\.avsc")
KEY_RULE = re.compile(rf"{STRING_KEY}|{SCHEMA_FILE.pattern}")
CLIENT_RULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
WORD_RULE = re.compile(r"[a-z][a-z0-9-]*")

MOST_PARTITIONS = 1000
MOST_REPLICAS = 32

_MOST_INT = 2**31 - 1
_MOST_LONG = 2**63 - 1

TOPIC_SETTINGS: Mapping[str, Number | Share | Choice] = {
    "delete.retention.ms": Number(least=0, most=_MOST_LONG),
    "file.delete.delay.ms": Number(least=0, most=_MOST_LONG),
    "max.compaction.lag.ms": Number(least=1, most=_MOST_LONG),
    "max.message.bytes": Number(least=1024, most=_MOST_INT),
    "message.timestamp.type": Choice(words=("CreateTime", "LogAppendTime")),
    "min.cleanable.dirty.ratio": Share(),
    "min.compaction.lag.ms": Number(least=0, most=_MOST_LONG),
    "retention.bytes": Number(least=-1, most=_MOST_LONG),
    "segment.bytes": Number(least=1024 * 1024, most=_MOST_INT),
    "segment.ms": Number(least=60_000, most=_MOST_LONG),
}
"""Kafka's topic settings that a stream may state besides those that its other keys decide.

What they do not take, the broker refuses: that is known only when everything else is made already. It would
take two that leave a topic useless, a message of less than 1 KiB and a segment of less than a minute: there,
no message fits, or a broker runs out of files.
"""


def settings_fault(settings: Mapping[str, str]) -> tuple[str, str] | None:
    """What Kafka refuses of settings together that are right alone: the name of one, and the problem."""
    least, most = settings.get("min.compaction.lag.ms"), settings.get("max.compaction.lag.ms")
    if least is None or most is None or int(least) <= int(most):
        return None
    return "min.compaction.lag.ms", f"is {least}. It must not be more than max.compaction.lag.ms, {most}"


_DURATION = Measure(units=DURATION_UNITS_MS, example="7d")
_SIZE = Measure(units=SIZE_UNITS_MIB, example="5m")

STREAM_NAME_SAYS = "name for a stream. It must be lower-case words joined by - or ., such as sensor-data"
_SCHEMA_SAYS = "an .avsc file in the same folder, such as sensor-data.avsc"

_SIZE_OF_ENVIRONMENT = Section(
    keys=(
        Key(
            name="partitions",
            means="how many partitions the stream's topics have; they only grow",
            rule=Whole(least=1, most=MOST_PARTITIONS),
        ),
        Key(name="retention", means="how long messages are kept", rule=_DURATION),
        Key(
            name="replicas",
            means="how many brokers have each partition",
            rule=Whole(least=1, most=MOST_REPLICAS),
            default=0,
            shown_default="what the environment decides",
        ),
    )
)

STREAM = Section(
    keys=(
        Key(
            name="owner",
            means="the team to ask",
            rule=Text(rule=WORD_RULE, says="a team's name, such as telemetry"),
        ),
        Key(name="purpose", means="what it is for", rule=Text(says="one sentence")),
        Key(
            name="key",
            means=f"the schema of keys, or `{STRING_KEY}` for UTF-8 text without a schema",
            rule=Text(rule=KEY_RULE, says=f"{_SCHEMA_SAYS}, or the word {STRING_KEY}"),
        ),
        Key(
            name="value",
            means="the schema of values",
            rule=Text(rule=SCHEMA_FILE, says=_SCHEMA_SAYS),
        ),
        Key(
            name="compatibility",
            means="what versions of the value's schema owe each other",
            rule=Choice(words=LEVELS),
        ),
        Key(
            name="keyCompatibility",
            means="the same for the key's schema",
            rule=Choice(words=LEVELS),
            default="FULL",
        ),
        Key(
            name="volume",
            means="`low` closes a segment each day, because retention removes closed segments only; `high` "
            "closes them by size",
            rule=Choice(words=("low", "high")),
        ),
        Key(
            name="cleanup",
            means="what becomes of old messages: `delete` by age, `compact` to the newest of each key",
            rule=Choice(words=CLEANUP),
            default="delete",
        ),
        Key(
            name="settings",
            means="further settings of the stream's own topic",
            rule=Settings(known=TOPIC_SETTINGS),
            default=None,
        ),
        Key(
            name="environments",
            means="the stream's size in each environment",
            rule=Section(
                keys=tuple(
                    Key(name=name, means=f"its size in {name}", rule=_SIZE_OF_ENVIRONMENT)
                    for name in ENVIRONMENTS
                )
            ),
        ),
        Key(
            name="deadLetters",
            means="its dead letters",
            rule=Section(
                keys=(
                    Key(
                        name="retention",
                        means="how long they are kept, longer than the stream's own messages",
                        rule=Section(
                            keys=tuple(
                                Key(name=name, means=f"how long in {name}", rule=_DURATION)
                                for name in ENVIRONMENTS
                            )
                        ),
                    ),
                )
            ),
        ),
        Key(
            name="quotas",
            means="what a client may move each second, in MiB, by its `client.id`",
            rule=Named(
                rule=CLIENT_RULE,
                says="client id, such as sensor-gateway",
                each=Section(
                    keys=(
                        Key(name="produce", means="how much it may write", rule=_SIZE, default=0),
                        Key(name="consume", means="how much it may read", rule=_SIZE, default=0),
                    )
                ),
            ),
            default=None,
        ),
    )
)

SHARED_TYPE = Section(
    keys=(
        Key(
            name="owner",
            means="the team to ask",
            rule=Text(rule=WORD_RULE, says="a team's name, such as telemetry"),
        ),
        Key(
            name="compatibility",
            means="what versions of it owe each other",
            rule=Choice(words=LEVELS),
        ),
    )
)

CATALOGUE = (
    Key(
        name="types",
        means="schemas that other schemas reference by name; each has a subject of its type's name",
        rule=Named(rule=SCHEMA_FILE, says="name of an .avsc file in the same folder", each=SHARED_TYPE),
        default=None,
    ),
    Key(
        name="streams",
        means="the streams by name, which is their topic's name, too",
        rule=Named(rule=TOPIC_RULE, says=STREAM_NAME_SAYS, each=STREAM),
    ),
    Key(
        name="deleted",
        means="streams whose topics, with all messages, and subjects may be removed: the consent without "
        "which an entry cannot be taken out",
        rule=Names(rule=TOPIC_RULE, says="names of streams that are no longer among `streams`"),
        default=None,
    ),
)
"""The keys at the top of the file."""


def json_schema() -> dict[str, Any]:
    """The model as a JSON schema, with which editors check and complete the catalogue."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Stream catalogue",
        "description": "The streams of the platform: topics, dead letters, schemas. See docs/streams.md.",
        **object_schema(CATALOGUE),
    }


def json_schema_text() -> str:
    """The JSON schema as its file holds it."""
    return json.dumps(json_schema(), indent=2) + "\n"
