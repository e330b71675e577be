"""Whether schemas can read each other's data: Avro's rules of resolution, and the levels built on them.

Pure, so that a change is judged where no registry answers, and so that a registry's refusal can be explained
by field, rule and versions.
"""

from __future__ import annotations

from collections import deque
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
    AMBIGUOUS_FIELD = "AMBIGUOUS_FIELD"
    """Avro's own checker gives no verdict here, it fails; and so does the reader."""
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
    """Why data of the writer's schema cannot be read with the reader's; empty if it can.

    What is wrong inside a record is told once, at the place nearest to the top: records that contain each
    other are met at more places than anybody could read.
    """
    return list(dict.fromkeys(_Comparison().reasons(reader, writer)))


@dataclass(frozen=True, slots=True)
class _Records:
    """A reader's record and the writer's that it would read. Types are compared by identity."""

    reader: Type
    writer: Type


@dataclass(frozen=True, slots=True)
class _Inside:
    """Something is wrong inside two records."""

    records: _Records
    place: str


class _Comparison:
    """What is known of two schemas' records.

    Two records count as readable until something refutes them: a record inside itself is readable if
    everything else is. What relied on them is judged again then.
    """

    def __init__(self) -> None:
        self._unreadable: set[_Records] = set()
        # By two records, those whose judgement asked for theirs.
        self._relying: dict[_Records, set[_Records]] = {}
        self._waiting: list[_Records] = []
        self._judged: _Records | None = None

    def reasons(self, reader: Type, writer: Type) -> Iterator[Incompatibility]:
        """Everything that forbids the reading, what is nearest to the top first."""
        self._judge(reader, writer)
        told: set[_Records] = set()
        waiting = deque([self._compare(reader, writer, "the schema")])
        while waiting:
            for found in waiting.popleft():
                if isinstance(found, Incompatibility):
                    yield found
                elif found.records not in told:
                    told.add(found.records)
                    waiting.append(self._fields(found.records, found.place))

    def _judge(self, reader: Type, writer: Type) -> None:
        """Finds all records that cannot be read."""
        list(self._compare(reader, writer, ""))
        while self._waiting:
            records = self._judged = self._waiting.pop()
            if records not in self._unreadable and list(self._fields(records, "")):
                self._unreadable.add(records)
                self._waiting += self._relying[records]
        self._judged = None

    def _compare(self, reader: Type, writer: Type, place: str) -> Iterator[Incompatibility | _Inside]:
        if writer.kind == "union":
            for branch in writer.branches:
                yield from self._compare(reader, branch, place)
        elif reader.kind == "union":
            yield from self._any_branch(reader, writer, place)
        elif reader.kind != writer.kind:
            if reader.kind not in _PROMOTIONS.get(writer.kind, ()):
                yield _mismatch(reader, writer, place)
        elif reader.kind in {"array", "map"} and reader.inner is not None and writer.inner is not None:
            inside = f"{place}[]" if reader.kind == "array" else f"{place}{{}}"
            yield from self._compare(reader.inner, writer.inner, inside)
        elif reader.name:
            yield from self._named(reader, writer, place)
        else:
            yield from _logical(reader, writer, place)

    def _any_branch(self, reader: Type, writer: Type, place: str) -> Iterator[Incompatibility | _Inside]:
        # All branches are looked at, so that what stands inside them is judged even if an earlier one falls.
        reasons = [list(self._compare(branch, writer, place)) for branch in reader.branches]
        if not all(reasons):
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

    def _named(self, reader: Type, writer: Type, place: str) -> Iterator[Incompatibility | _Inside]:
        if reader.simple_name != writer.simple_name and writer.name not in reader.aliases:
            problem = (
                f"was the {writer.kind} {writer.name} and is {reader.name}. Keep the name, or add "
                f"{writer.name!r} to its aliases"
            )
            yield Incompatibility(place, Rule.NAME_MISMATCH, problem)
        elif reader.kind == "record":
            records = _Records(reader, writer)
            self._ask_for(records)
            if records in self._unreadable:
                yield _Inside(records, place)
        elif reader.kind == "enum":
            yield from _symbols(reader, writer, place)
        else:
            if reader.size != writer.size:
                problem = f"had {writer.size} bytes and has {reader.size}. A fixed type keeps its size"
                yield Incompatibility(place, Rule.FIXED_SIZE_MISMATCH, problem)
            yield from _logical(reader, writer, place)

    def _ask_for(self, records: _Records) -> None:
        if records not in self._relying:
            self._relying[records] = set()
            self._waiting.append(records)
        if self._judged is not None:
            self._relying[records].add(self._judged)

    def _fields(self, records: _Records, place: str) -> Iterator[Incompatibility | _Inside]:
        written = {field.name: field for field in records.writer.fields}
        for field in records.reader.fields:
            inside = f"field {field.name}" if place == "the schema" else f"{place}.{field.name}"
            found = [written[name] for name in (field.name, *field.aliases) if name in written]
            if len(found) > 1:
                yield _ambiguous(found, inside)
                continue
            if not found:
                if not field.has_default:
                    yield _missing(records.writer, inside)
                continue
            if found[0].name != field.name:
                yield from _alias_out_of_reach(records, found[0], inside)
            yield from self._compare(field.type, found[0].type, inside)


def _ambiguous(found: Sequence[Field], place: str) -> Incompatibility:
    names = " and ".join(repr(one.name) for one in found)
    problem = (
        f"would be read from {names}, which the writer has side by side. Leave one of them in its name and "
        "aliases"
    )
    return Incompatibility(place, Rule.AMBIGUOUS_FIELD, problem)


def _missing(writer: Type, place: str) -> Incompatibility:
    problem = (
        f"is not in the writer's {writer.simple_name} and has no default. Give it a default, or if "
        "it was renamed, name the old field in its aliases"
    )
    return Incompatibility(place, Rule.READER_FIELD_MISSING_DEFAULT_VALUE, problem)


def _alias_out_of_reach(records: _Records, written: Field, place: str) -> Iterator[Incompatibility]:
    """Readers look for a field's aliases under its record's full name, where simple names do for the rest.

    Avro's own checker leaves this to them: they take the default for what was written, or fail without one.
    """
    reader, writer = records.reader, records.writer
    if writer.name not in (reader.name, *reader.aliases):
        problem = (
            f"has the alias {written.name!r}, which no reader follows from {writer.name} to {reader.name}. "
            f"Keep the record's full name, or add {writer.name!r} to the record's aliases"
        )
        yield Incompatibility(place, Rule.NAME_MISMATCH, problem)


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
