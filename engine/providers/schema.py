"""What resources are made of, read from ``docker_schema.json`` and ``kafka_schema.json`` beside this module.

The data says of each property its type, whether changing it replaces the resource, what fills it when it is
left out, and which of the official provider's properties are refused. What is done with that is in `check`
and `diff`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_COLLECTIONS = {"list": "array", "set": "array", "map": "object"}


@dataclass(frozen=True)
class Property:
    """One property.

    Attributes:
        type: ``string``, ``integer``, ``boolean``, ``list``, ``set`` (a list whose order means nothing),
            ``map`` (of strings) or ``object``.
        name: An object's type name.
        items: What a list or set holds.
        properties: What an object holds.
        required: Whether it must be given.
        replace: Whether changing it replaces the resource.
        computed: Whether the system fills it in when it is left out. Taking it out of the program changes
            nothing.
        kept: Like computed, for what the official provider leaves alone although nothing fills it in.
        output: Whether it can only be read.
        default: What stands for it when it is left out.
        values: The only values allowed, if there is such a list.
        range: Lowest and, if there is one, highest number allowed.
        named: Whether it is made up from the resource's own name when it is left out.
        secret: Whether nobody may see it; engines keep it so, whatever the program says of it.
        refused: Why it is not supported and what to use instead; empty for all that are.
    """

    type: str = ""
    name: str = ""
    items: Property | None = None
    properties: Mapping[str, Property] = field(default_factory=dict)
    required: bool = False
    replace: bool = False
    computed: bool = False
    kept: bool = False
    output: bool = False
    default: Any = None
    values: tuple[str, ...] = ()
    range: tuple[int, ...] = ()
    named: bool = False
    secret: bool = False
    refused: str = ""

    @property
    def inputs(self) -> Mapping[str, Property]:
        """The properties of an object that may be given."""
        return _inputs(self.properties)

    @property
    def stays(self) -> bool:
        """Whether taking it out of the program leaves it as it is."""
        return self.computed or self.kept


@dataclass(frozen=True)
class ResourceType:
    """A kind of resource.

    Attributes:
        token: Its type, such as ``kafka:index/topic:Topic``.
        version: Of its layout in the state, as the official provider counts.
        properties: Every property, refused ones and outputs included.
    """

    token: str
    version: int
    properties: Mapping[str, Property]

    @property
    def noun(self) -> str:
        """Its short name, for messages."""
        return self.token.rsplit(":", 1)[-1]

    @property
    def inputs(self) -> Mapping[str, Property]:
        """The properties that may be given."""
        return _inputs(self.properties)


@dataclass(frozen=True)
class Schema:
    """A package: the configuration of its provider and its resource types by token."""

    package: str
    provider: Mapping[str, Property]
    resources: Mapping[str, ResourceType]


@cache
def load(package: str) -> Schema:
    """Read the schema of ``docker`` or ``kafka``."""
    data = json.loads(
        resources.files(__package__).joinpath(f"{package}_schema.json").read_text(encoding="utf-8")
    )
    return Schema(
        package=data["package"],
        provider=_properties(data["provider"]),
        resources={
            token: ResourceType(token, given["version"], _properties(given["properties"]))
            for token, given in data["resources"].items()
        },
    )


def document(schema: Schema, version: str) -> dict[str, Any]:
    """Write the schema down the way Pulumi's tools read it."""
    types: dict[str, Any] = {}
    return {
        "name": schema.package,
        "version": version,
        "provider": {"inputProperties": _described(schema.package, _inputs(schema.provider), types)},
        "resources": {
            token: {
                "inputProperties": _described(schema.package, given.inputs, types),
                "requiredInputs": _required(given.inputs),
                "properties": _described(
                    schema.package, {name: p for name, p in given.properties.items() if not p.refused}, types
                ),
            }
            for token, given in schema.resources.items()
        },
        "types": types,
    }


def _inputs(properties: Mapping[str, Property]) -> Mapping[str, Property]:
    return {name: given for name, given in properties.items() if not given.output and not given.refused}


def _properties(data: Mapping[str, Any]) -> Mapping[str, Property]:
    return {name: _property(given) for name, given in data.items()}


def _property(data: Mapping[str, Any]) -> Property:
    given = dict(data)
    if "items" in given:
        given["items"] = _property(given["items"])
    if "properties" in given:
        given["properties"] = _properties(given["properties"])
    for name in ("values", "range"):
        given[name] = tuple(given.get(name, ()))
    return Property(**given)


def _described(package: str, properties: Mapping[str, Property], types: dict[str, Any]) -> dict[str, Any]:
    described = {}
    for name, given in properties.items():
        described[name] = _type(package, given, types)
        if given.replace:
            described[name]["willReplaceOnChanges"] = True
        if given.secret:
            described[name]["secret"] = True
        if given.default is not None:
            described[name]["default"] = given.default
    return described


def _type(package: str, given: Property, types: dict[str, Any]) -> dict[str, Any]:
    if given.type == "object":
        token = f"{package}:index/{given.name}:{given.name}"
        types[token] = {
            "type": "object",
            "properties": _described(package, given.inputs, types),
            "required": _required(given.inputs),
        }
        return {"$ref": f"#/types/{token}"}
    described: dict[str, Any] = {"type": _COLLECTIONS.get(given.type, given.type)}
    if given.items:
        described["items"] = _type(package, given.items, types)
    if given.type == "map":
        described["additionalProperties"] = {"type": "string"}
    return described


def _required(properties: Mapping[str, Property]) -> list[str]:
    return [name for name, given in properties.items() if given.required]
