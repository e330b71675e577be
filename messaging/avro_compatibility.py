"""Whether schemas can read each other's data: Avro's rules of resolution, and the levels built on them.

Pure, so that a change is judged where no registry answers, and so that a registry's refusal can be explained
by field, rule and versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from messaging.avro_types import Field, Type

LEVELS = (
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
    "NONE",
)
"""What the versions of a subject may owe each other. Without TRANSITIVE, only the newest one counts."""

NEW = "the new schema"
"""What a breach calls the schema that is no version yet."""

_PROMOTIONS = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}
"""By a writer's type, what else may read it."""


class Rule(StrEnum):
    """The rules of resolution that two schemas can break, by the names that Avro's own checker gives."""

    NAME_MISMATCH = "NAME_MISMATCH"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    FIXED_SIZE_MISMATCH = "FIXED_SIZE_MISMATCH"
    DECIMAL_MISMATCH = "DECIMAL_MISMATCH"
    """Avro's own checker leaves this to the reader, where it fails or gives wrong numbers."""
    MISSING_ENUM_SYMBOLS = "MISSING_ENUM_SYMBOLS"
    MISSING_UNION_BRANCH = "MISSING_UNION_BRANCH"
    READER_FIELD_MISSING_DEFAULT_VALUE = "READER_FIELD_MISSING_DEFAULT_VALUE"


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One reason why a reader cannot read what a writer wrote."""

    place: str
    """Such as ``field location.city``."""
    rule: Rule
    problem: str
    """The rest of a sentence that begins with the place."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One reason why a schema cannot become the next version."""

    reader: str
    """Such as ``version 3``, or :data:`NEW`."""
    writer: str
    reason: Incompatibility

    def __str__(self) -> str:
        reason = self.reason
        return (
            f"{self.reader} cannot read what {self.writer} wrote: {reason.place} {reason.problem} "
            f"({reason.rule})"
        )


@dataclass(frozen=True, slots=True)
class Version:
    """A schema that a subject has already."""

    number: int
    type: Type


def breaches(level: str, new: Type, versions: Sequence[Version]) -> list[Breach]:
    """Why a schema may not follow the versions; empty if it may.

    Args:
        level: one of :data:`LEVELS`.
        new: the wanted schema.
        versions: those that are there, the oldest first.
    """
    direction, _, transitive = level.partition("_")
    found: list[Breach] = []
    for version in versions if transitive else versions[-1:]:
        there = f"version {version.number}"
        if direction in {"BACKWARD", "FULL"}:
            found += [Breach(NEW, there, reason) for reason in unreadable(new, version.type)]
        if direction in {"FORWARD", "FULL"}:
            found += [Breach(there, NEW, reason) for reason in unreadable(version.type, new)]
    return found


def unreadable(reader: Type, writer: Type) -> list[Incompatibility]:
    """Why data of the writer's schema cannot be read with the reader's; empty if it can."""
    return list(dict.fromkeys(_Comparison().compare(reader, writer, "the schema")))


class _Comparison:
    """One walk over two schemas at once."""

    def __init__(self) -> None:
        # A record inside itself is readable if everything else is.
        self._under_way: set[tuple[int, int]] = set()

    def compare(self, reader: Type, writer: Type, place: str) -> Iterator[Incompatibility]:
        if writer.kind == "union":
            for branch in writer.branches:
                yield from self.compare(reader, branch, place)
        elif reader.kind == "union":
            yield from self._any_branch(reader, writer, place)
        elif reader.kind != writer.kind:
            if reader.kind not in _PROMOTIONS.get(writer.kind, ()):
                yield _mismatch(reader, writer, place)
        elif reader.kind in {"array", "map"} and reader.inner is not None and writer.inner is not None:
            inside = f"{place}[]" if reader.kind == "array" else f"{place}{{}}"
            yield from self.compare(reader.inner, writer.inner, inside)
        elif reader.name:
            yield from self._named(reader, writer, place)
        else:
            yield from _logical(reader, writer, place)

    def _any_branch(self, reader: Type, writer: Type, place: str) -> Iterator[Incompatibility]:
        reasons = [list(self.compare(branch, writer, place)) for branch in reader.branches]
        if any(not found for found in reasons):
            return
        alike = [
            found
            for branch, found in zip(reader.branches, reasons, strict=True)
            if branch.kind == writer.kind and branch.simple_name == writer.simple_name
        ]
        if len(alike) == 1:
            # The branch that was meant says more than that none fits.
            yield from alike[0]
            return
        problem = f"was {writer}, which is none of {reader}. Keep a type that reads {writer}"
        yield Incompatibility(place, Rule.MISSING_UNION_BRANCH, problem)

    def _named(self, reader: Type, writer: Type, place: str) -> Iterator[Incompatibility]:
        if reader.simple_name != writer.simple_name and writer.name not in reader.aliases:
            problem = (
                f"was the {writer.kind} {writer.name} and is {reader.name}. Keep the name, or add "
                f"{writer.name!r} to its aliases"
            )
            yield Incompatibility(place, Rule.NAME_MISMATCH, problem)
            return
        pair = (id(reader), id(writer))
        if pair in self._under_way:
            return
        self._under_way.add(pair)
        if reader.kind == "record":
            for field in reader.fields:
                yield from self._field(field, writer, place)
        elif reader.kind == "enum":
            yield from _symbols(reader, writer, place)
        else:
            if reader.size != writer.size:
                problem = f"had {writer.size} bytes and has {reader.size}. A fixed type keeps its size"
                yield Incompatibility(place, Rule.FIXED_SIZE_MISMATCH, problem)
            yield from _logical(reader, writer, place)
        self._under_way.discard(pair)

    def _field(self, field: Field, writer: Type, place: str) -> Iterator[Incompatibility]:
        inside = f"field {field.name}" if place == "the schema" else f"{place}.{field.name}"
        names = (field.name, *field.aliases)
        written = {one.name: one for one in writer.fields}
        counterpart = next((written[name] for name in names if name in written), None)
        if counterpart is not None:
            yield from self.compare(field.type, counterpart.type, inside)
        elif not field.has_default:
            problem = (
                f"is not in the writer's {writer.simple_name} and has no default. Give it a default, or if "
                "it was renamed, name the old field in its aliases"
            )
            yield Incompatibility(inside, Rule.READER_FIELD_MISSING_DEFAULT_VALUE, problem)


def _symbols(reader: Type, writer: Type, place: str) -> Iterator[Incompatibility]:
    missing = [symbol for symbol in writer.symbols if symbol not in reader.symbols]
    if missing and reader.default is None:
        problem = (
            f"has no {', '.join(missing)} in its reader's {reader.simple_name}. Keep the symbols, or give "
            "the enum a default for those that it does not know"
        )
        yield Incompatibility(place, Rule.MISSING_ENUM_SYMBOLS, problem)


def _logical(reader: Type, writer: Type, place: str) -> Iterator[Incompatibility]:
    """Other logical types fall back to the type below them; two decimals must agree in what they count."""
    if reader.logical == writer.logical == "decimal" and (
        (reader.precision, reader.scale) != (writer.precision, writer.scale)
    ):
        problem = f"was {writer} and is {reader}. A decimal keeps its precision and scale"
        yield Incompatibility(place, Rule.DECIMAL_MISMATCH, problem)


def _mismatch(reader: Type, writer: Type, place: str) -> Incompatibility:
    readers = ", ".join([writer.kind, *sorted(_PROMOTIONS.get(writer.kind, ()))])
    problem = f"was written as {writer} and would be read as {reader}. What reads {writer.kind}: {readers}"
    return Incompatibility(place, Rule.TYPE_MISMATCH, problem)
