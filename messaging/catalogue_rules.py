"""Rules for the values of a document's keys. Each reads a value, and tells itself as schema and in words.

Which keys the stream catalogue has is in :mod:`messaging.catalogue_keys`. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from messaging.fields import DURATION_UNITS_MS, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messaging.fields import Fields


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text."""

    rule: re.Pattern[str] | None = None
    says: str

    def read(self, fields: Fields, key: str, default: Any) -> str:
        """The value of a key; a fault if it breaks the rule."""
        return fields.text(key, default, rule=self.rule, says=self.says)

    def schema(self) -> dict[str, Any]:
        """The rule as JSON schema."""
        pattern = f"^({self.rule.pattern})$" if self.rule else r"\S"
        return {"type": "string", "pattern": pattern}

    def allowed(self) -> str:
        """The rule in words."""
        return self.says


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    def read(self, fields: Fields, key: str, default: Any) -> str:
        """The value of a key; a fault if it breaks the rule."""
        return fields.choice(key, self.words, default)

    def takes(self, value: str) -> bool:
        """Whether a text is one of them."""
        return value in self.words

    def as_shown(self, value: str) -> str:
        """A text that is one of them, as Kafka shows it."""
        return value

    def schema(self) -> dict[str, Any]:
        """The rule as JSON schema."""
        return {"enum": list(self.words)}

    def allowed(self) -> str:
        """The rule in words."""
        return f"one of {', '.join(self.words)}"


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A whole number."""

    least: int
    most: int

    def read(self, fields: Fields, key: str, default: Any) -> int:
        """The value of a key; a fault if it breaks the rule."""
        if default == 0 and not fields.has(key):
            return 0
        given = None if default == 0 else default
        return fields.whole(key, given, least=self.least, most=self.most)

    def schema(self) -> dict[str, Any]:
        """The rule as JSON schema."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def allowed(self) -> str:
        """The rule in words."""
        return f"a whole number from {self.least} to {self.most}"


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number with a unit."""

    units: Mapping[str, int]
    example: str

    def read(self, fields: Fields, key: str, default: Any) -> int:
        """The value of a key; a fault if it breaks the rule."""
        if default == 0 and not fields.has(key):
            return 0
        given = None if default == 0 else default
        return (
            fields.duration_ms(key, given) if self.units is DURATION_UNITS_MS else fields.size_mib(key, given)
        )

    def schema(self) -> dict[str, Any]:
        """The rule as JSON schema."""
        return {"type": "string", "pattern": f"^[1-9][0-9]{{0,8}}[{''.join(self.units)}]$"}

    def allowed(self) -> str:
        """The rule in words."""
        return f"a number with one of the units {', '.join(self.units)}, such as {self.example}"


@dataclass(frozen=True, kw_only=True)
class Section:
    """A mapping of known keys."""

    keys: tuple[Key, ...]

    def read(self, fields: Fields, key: str, _default: Any) -> dict[str, Any]:
        """The value of a key; a fault if it breaks the rule."""
        return read(fields.section(key), self.keys)

    def schema(self) -> dict[str, Any]:
        """The rule as JSON schema."""
        return object_schema(self.keys)

    def allowed(self) -> str:
        """The rule in words."""
        return f"the keys {', '.join(key.name for key in self.keys)}"


@dataclass(frozen=True, kw_only=True)
class Named:
    """A mapping of names that the writer chooses."""

    rule: re.Pattern[str]
    says: str
    each: Section

    def read(self, fields: Fields, key: str, _default: Any) -> dict[str, dict[str, Any]]:
        """The value of a key; a fault if it breaks the rule."""
        section = fields.section(key)
        return {name: self._one(section, name) for name in section.names()}

    def _one(self, section: Fields, name: str) -> dict[str, Any]:
        if not self.rule.fullmatch(name):
            section.fault(name, f"is no {self.says}")
        return read(section.section(name), self.each.keys)

    def schema(self) -> dict[str, Any]:
        """The rule as JSON schema."""
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^({self.rule.pattern})$"},
            "additionalProperties": self.each.schema(),
        }

    def allowed(self) -> str:
        """The rule in words."""
        return f"by {self.says}: {self.each.allowed()}"


_DIGITS = re.compile(r"-?\d{1,19}", re.ASCII)
_SHARE = re.compile(r"0(\.\d+)?|1(\.0+)?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Number:
    """A setting that is a whole number, given as such or as text."""

    least: int
    most: int

    def takes(self, value: str) -> bool:
        """Whether a text is one."""
        return bool(_DIGITS.fullmatch(value)) and self.least <= int(value) <= self.most

    def as_shown(self, value: str) -> str:
        """A text that is one, as Kafka shows it, so that a refresh finds no difference."""
        return str(int(value))

    def schema(self) -> dict[str, Any]:
        """The rule as JSON schema, which compares numbers alone, and not those that are texts."""
        return {
            "type": ["string", "integer"],
            "pattern": f"^{_DIGITS.pattern}$",
            "minimum": self.least,
            "maximum": self.most,
        }

    def allowed(self) -> str:
        """The rule in words."""
        return f"a whole number from {self.least} to {self.most}"


@dataclass(frozen=True, kw_only=True)
class Share:
    """A setting that is a number from 0 to 1, given as such or as text."""

    def takes(self, value: str) -> bool:
        """Whether a text is one."""
        return bool(_SHARE.fullmatch(value))

    def as_shown(self, value: str) -> str:
        """A text that is one, as Kafka shows it, so that a refresh finds no difference."""
        return str(float(value))

    def schema(self) -> dict[str, Any]:
        """The rule as JSON schema."""
        return {
            "type": ["string", "number"],
            "pattern": f"^({_SHARE.pattern})$",
            "minimum": 0,
            "maximum": 1,
        }

    def allowed(self) -> str:
        """The rule in words."""
        return "a number from 0 to 1, such as 0.5"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Values by names that Kafka decides, each a number or a text in either spelling."""

    known: Mapping[str, Number | Share | Choice]

    def read(self, fields: Fields, key: str, _default: Any) -> dict[str, str]:
        """What is right of the value of a key, and a fault for what breaks its rule."""
        section = fields.section(key)
        found = {}
        for name in section.names():
            rule = self.known.get(name)
            if rule is None:
                section.fault(
                    name, f"is not a setting that a stream may state. Valid here: {', '.join(self.known)}"
                )
                continue
            value = section.plain(name)
            if rule.takes(value):
                found[name] = rule.as_shown(value)
            elif value:
                section.fault(name, f"is {shown(value)}. It must be {rule.allowed()}")
        return found

    def schema(self) -> dict[str, Any]:
        """The rule as JSON schema."""
        settings = {name: rule.schema() for name, rule in self.known.items()}
        return {"type": "object", "properties": settings, "additionalProperties": False}

    def allowed(self) -> str:
        """The rule in words."""
        return f"any of {', '.join(self.known)}"


@dataclass(frozen=True, kw_only=True)
class Names:
    """A list of names."""

    rule: re.Pattern[str]
    says: str

    def read(self, fields: Fields, key: str, _default: Any) -> tuple[str, ...]:
        """The value of a key; a fault if it breaks the rule."""
        return fields.texts(key, rule=self.rule, says=self.says)

    def schema(self) -> dict[str, Any]:
        """The rule as JSON schema."""
        items = {"type": "string", "pattern": f"^({self.rule.pattern})$"}
        return {"type": "array", "items": items, "uniqueItems": True}

    def allowed(self) -> str:
        """The rule in words."""
        return f"a list of {self.says}"


REQUIRED = object()
"""The default of a key that must be there."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key of the catalogue."""

    name: str
    means: str
    """Part of a sentence, for the documentation and for editors."""
    rule: Text | Choice | Whole | Measure | Section | Named | Settings | Names
    default: Any = REQUIRED
    shown_default: str = ""
    """What to say of the default where it follows from something else."""

    @property
    def required(self) -> bool:
        """Whether it must be there."""
        return self.default is REQUIRED


def read(fields: Fields, keys: tuple[Key, ...]) -> dict[str, Any]:
    """The values of some keys, by name. Faults are noted; what is wrong gets a value that would be right."""
    values = {
        key.name: key.rule.read(fields, key.name, None if key.required else key.default) for key in keys
    }
    fields.done()
    return values


def object_schema(keys: tuple[Key, ...]) -> dict[str, Any]:
    """An object of some keys as JSON schema."""
    properties: dict[str, Any] = {}
    for key in keys:
        properties[key.name] = {"description": _sentence(key), **key.rule.schema()}
        if not key.required and key.default:
            properties[key.name]["default"] = key.default
    return {
        "type": "object",
        "properties": properties,
        "required": [key.name for key in keys if key.required],
        "additionalProperties": False,
    }


def _sentence(key: Key) -> str:
    words = f"{key.means[0].upper()}{key.means[1:]}."
    return f"{words} Without it: {key.shown_default}." if key.shown_default else words
