"""What a running Schema Registry makes of a wanted schema: asked before anything is changed.

The registry's own verdict counts, and Avro's rules give the reason, for not every registry names field, rule
and version. Which subjects are asked about, and when, is decided by the callers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging import avro, avro_compatibility
from messaging.avro_compatibility import Version
from messaging.avro_types import walk
from messaging.schema_registry import RegistryError, SchemaReference, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from messaging.avro import AvroSchema
    from messaging.avro_types import Type
    from messaging.schema_registry import RegisteredSchema, SchemaRegistry

    Latest = Callable[[str], RegisteredSchema | None]

_KINDS = ("record", "enum", "fixed")


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedReference:
    """A type that a wanted schema takes from another subject."""

    name: str
    subject: str
    schema: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A schema that is to become the newest version of a subject."""

    subject: str
    schema: str
    compatibility: str
    references: tuple[WantedReference, ...] = ()
    """All types that it builds on, each after those that it needs itself."""

    def parsed(self) -> AvroSchema:
        """The schema with its references.

        Raises:
            avro.SchemaError: it is none.
        """
        known: dict[str, AvroSchema] = {}
        for one in self.references:
            known[one.name] = avro.parse(one.schema, known, kinds=_KINDS)
        return avro.parse(self.schema, known, kinds=_KINDS)


def refusal(registry: SchemaRegistry, wanted: Wanted, latest: Latest | None = None) -> str | None:
    """Why the registry would not take a schema; None if it would, or has it already.

    Args:
        registry: the one that is asked.
        wanted: what it is to take.
        latest: the newest version of a subject, for callers that ask about many which share types.

    Raises:
        UnreachableError: it does not answer.
        RegistryError: it cannot be asked.
    """
    subject, level = wanted.subject, wanted.compatibility
    newest_of = latest or registry.latest
    newest = newest_of(subject)
    if newest is None:
        return None
    references = registered_references(registry, wanted, newest_of)
    if references is not None and _is_there(registry, wanted, references, newest):
        return None
    reasons = [str(breach) for breach in _breaches(registry, wanted, newest)]
    if not reasons and references is not None and registry.compatibility(subject) == level:
        asked = _asked(registry, wanted, references)
        reasons = [f"the registry refuses it after version {newest.version}: {asked}"] if asked else []
    if not reasons:
        return None
    return (
        f"{subject}: the schema is not {level} compatible with what is registered: {'; '.join(reasons)}. "
        "Or use a new stream beside this one"
    )


def registered_references(
    registry: SchemaRegistry, wanted: Wanted, latest: Latest | None = None
) -> tuple[SchemaReference, ...] | None:
    """The versions of the types that a schema itself names; None if one is not registered yet.

    A type's text alone does not tell its version: it stays as it is when what it builds on changes.
    """
    if not wanted.references:
        return ()
    known: dict[str, AvroSchema] = {}
    found: dict[str, SchemaReference] = {}
    for one in wanted.references:
        schema = avro.parse(one.schema, known, kinds=_KINDS)
        below = {found[name] for name in schema.references}
        version = next(
            (
                there.version
                for there in _newest_first(registry, one.subject, latest or registry.latest)
                # Some registries leave references out of their answers.
                if avro.same(there.text, one.schema) and set(there.references) in (below, set())
            ),
            None,
        )
        if version is None:
            return None
        known[one.name] = schema
        found[one.name] = SchemaReference(name=one.name, subject=one.subject, version=version)
    named = avro.parse(wanted.schema, known, kinds=_KINDS).references
    return tuple(reference for name, reference in found.items() if name in named)


def fingerprint(schema: AvroSchema) -> str:
    """What all texts of a schema share, with the types that it takes from others. Documentation counts."""
    parts = [
        (one.kind, one.name, one.doc, one.aliases, one.symbols, one.default, one.size, _fields(one))
        for one in walk(schema.type)
        if one.kind in _KINDS
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _fields(record: Type) -> list[tuple[object, ...]]:
    return [
        (field.name, str(field.type), field.doc, field.aliases, field.has_default, field.default)
        for field in record.fields
    ]


def registered_fingerprint(registry: SchemaRegistry, there: RegisteredSchema) -> str | None:
    """The fingerprint of a registered schema; None if it, or what it builds on, is not to be had.

    Some registries leave references out of their answers.
    """
    try:
        return fingerprint(_parsed(registry, there))
    except (avro.SchemaError, RegistryError):
        return None


def _is_there(
    registry: SchemaRegistry,
    wanted: Wanted,
    references: Sequence[SchemaReference],
    newest: RegisteredSchema,
) -> bool:
    """Whether a version has the wanted text and takes the wanted types from others."""
    if avro.same(newest.text, wanted.schema) and set(newest.references) == set(references):
        return True
    there = registry.find(wanted.subject, wanted.schema, references)
    return there is not None and set(there.references) == set(references)


def _asked(registry: SchemaRegistry, wanted: Wanted, references: Sequence[SchemaReference]) -> str | None:
    try:
        return registry.incompatibility(wanted.subject, wanted.schema, references)
    except UnreachableError:
        raise
    except RegistryError:
        # Some registries cannot judge a schema with references before it is there.
        if references:
            return None
        raise


def _breaches(
    registry: SchemaRegistry, wanted: Wanted, newest: RegisteredSchema
) -> list[avro_compatibility.Breach]:
    """What Avro's rules say about the versions that count at the wanted level."""
    if wanted.compatibility == "NONE":
        return []
    counted = [newest]
    if wanted.compatibility.endswith("_TRANSITIVE"):
        counted = list(_newest_first(registry, wanted.subject, lambda _: newest))[::-1]
    versions: list[Version] = []
    for one in counted:
        try:
            versions.append(Version(one.version, _parsed(registry, one).type))
        except avro.SchemaError:
            # A registry may hold what these rules do not take; its own verdict remains.
            continue
    return avro_compatibility.breaches(wanted.compatibility, wanted.parsed().type, versions)


def _newest_first(registry: SchemaRegistry, subject: str, latest: Latest) -> Iterator[RegisteredSchema]:
    newest = latest(subject)
    if newest is None:
        return
    yield newest
    for number in reversed(registry.versions(subject)):
        version = registry.version(subject, number) if number < newest.version else None
        if version is not None:
            yield version


def _parsed(registry: SchemaRegistry, there: RegisteredSchema) -> AvroSchema:
    known: dict[str, AvroSchema] = {}
    _learn(registry, there.references, known)
    return avro.parse(there.text, known, kinds=_KINDS)


def _learn(
    registry: SchemaRegistry, references: Sequence[SchemaReference], known: dict[str, AvroSchema]
) -> None:
    """Adds the types that a registered schema builds on, also through others."""
    for one in references:
        there = registry.version(one.subject, one.version)
        if there is not None and one.name not in known:
            _learn(registry, there.references, known)
            known[one.name] = avro.parse(there.text, known, kinds=_KINDS)


def wanted_of(values: Mapping[str, object]) -> Wanted:
    """A wanted schema from plain values, as a resource's inputs hold them."""
    references = values.get("references") or ()
    assert isinstance(references, (list, tuple))  # noqa: S101 - written by the component alone
    return Wanted(
        subject=str(values["subject"]),
        schema=str(values["schema"]),
        compatibility=str(values["compatibility"]),
        references=tuple(
            WantedReference(name=one["name"], subject=one["subject"], schema=one["schema"])
            for one in references
        ),
    )
