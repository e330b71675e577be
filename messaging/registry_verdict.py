"""What a running Schema Registry makes of a wanted schema: asked before anything is changed.

The registry's own verdict counts, and Avro's rules give the reason, for not every registry names field, rule
and version. Which subjects are asked about, and when, is decided by the callers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging import avro, avro_compatibility
from messaging.avro_compatibility import Version
from messaging.schema_registry import RegistryError, SchemaReference, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from messaging.avro import AvroSchema
    from messaging.schema_registry import RegisteredSchema, SchemaRegistry

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


def refusal(registry: SchemaRegistry, wanted: Wanted) -> str | None:
    """Why the registry would not take a schema; None if it would, or has it already.

    Raises:
        UnreachableError: it does not answer.
        RegistryError: it cannot be asked.
    """
    subject, level = wanted.subject, wanted.compatibility
    latest = registry.latest(subject)
    if latest is None or avro.same(latest.text, wanted.schema):
        return None
    references = registered_references(registry, wanted)
    if references is not None and registry.find(subject, wanted.schema, references) is not None:
        return None
    reasons = [str(breach) for breach in _breaches(registry, wanted, latest)]
    if not reasons and references is not None and registry.compatibility(subject) == level:
        asked = _asked(registry, wanted, references)
        reasons = [f"the registry refuses it after version {latest.version}: {asked}"] if asked else []
    if not reasons:
        return None
    return (
        f"{subject}: the schema is not {level} compatible with what is registered: {'; '.join(reasons)}. "
        "Or use a new stream beside this one"
    )


def registered_references(registry: SchemaRegistry, wanted: Wanted) -> tuple[SchemaReference, ...] | None:
    """The versions of the types that a schema itself names; None if one is not registered yet."""
    named = wanted.parsed().references
    found: list[SchemaReference] = []
    for one in wanted.references:
        if one.name not in named:
            continue
        version = next(
            (
                there.version
                for there in _newest_first(registry, one.subject)
                if avro.same(there.text, one.schema)
            ),
            None,
        )
        if version is None:
            return None
        found.append(SchemaReference(name=one.name, subject=one.subject, version=version))
    return tuple(found)


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
    registry: SchemaRegistry, wanted: Wanted, latest: RegisteredSchema
) -> list[avro_compatibility.Breach]:
    """What Avro's rules say about the versions that count at the wanted level."""
    if wanted.compatibility == "NONE":
        return []
    counted = [latest]
    if wanted.compatibility.endswith("_TRANSITIVE"):
        counted = list(_newest_first(registry, wanted.subject))[::-1]
    versions: list[Version] = []
    for one in counted:
        try:
            known: dict[str, AvroSchema] = {}
            _learn(registry, one.references, known)
            versions.append(Version(one.version, avro.parse(one.text, known, kinds=_KINDS).type))
        except avro.SchemaError:
            # A registry may hold what these rules do not take; its own verdict remains.
            continue
    return avro_compatibility.breaches(wanted.compatibility, wanted.parsed().type, versions)


def _newest_first(registry: SchemaRegistry, subject: str) -> Iterator[RegisteredSchema]:
    for number in reversed(registry.versions(subject)):
        version = registry.version(subject, number)
        if version is not None:
            yield version


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
