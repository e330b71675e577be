"""Reads the stream catalogue: ``schemas/streams.yaml``, its Avro files and their versions in git. Pure.

Every fault of all of them is found in one pass, with its file, line and what is allowed. What a stream
becomes is decided in :mod:`messaging.streams`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messaging import avro, dead_letters, schema_history
from messaging.avro_types import walk
from messaging.catalogue_keys import CATALOGUE, ENVIRONMENTS, SCHEMA_FILE, STRING_KEY, settings_fault
from messaging.catalogue_rules import read
from messaging.documents import DocumentError, Places, read_placed_yaml
from messaging.fields import Fault, Fields
from messaging.streams import Catalogue, Quota, Reference, Size, Stream, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from messaging.avro import AvroSchema

FILE = "streams.yaml"
"""The catalogue, in its folder."""
KINDS = ("record", "enum", "fixed")
"""What a shared type may be."""


class CatalogueError(Exception):
    """The catalogue or its schemas cannot be used; the message lists every fault."""


def load(folder: Path, brokers: Mapping[str, int] | None = None) -> Catalogue:
    """The catalogue in a folder.

    Args:
        folder: holds ``streams.yaml``, the Avro files and their versions.
        brokers: how many brokers an environment has, for those where it is known.

    Raises:
        CatalogueError: anything in the catalogue, its schemas or their versions is wrong.
    """
    reader = _Reader(folder, brokers or {})
    catalogue = reader.catalogue()
    if reader.faults:
        listed = "\n".join(
            f"  {folder.name}/{file}:{line}: {problem}." for file, line, problem in sorted(reader.faults)
        )
        count = "1 fault" if len(reader.faults) == 1 else f"{len(reader.faults)} faults"
        raise CatalogueError(f"the stream catalogue has {count}:\n{listed}")
    return catalogue


class _Reader:
    """One pass over the folder."""

    def __init__(self, folder: Path, brokers: Mapping[str, int]) -> None:
        self._folder = folder
        self._brokers = brokers
        self.faults: set[tuple[str, int, str]] = set()
        self._places = Places()
        self._schemas: dict[str, AvroSchema | None] = {}
        """By file; None for one that cannot be used."""
        self._types: dict[str, Subject] = {}
        """Shared types by their names."""

    def catalogue(self) -> Catalogue:
        try:
            text = (self._folder / FILE).read_text(encoding="utf-8")
            document, self._places = read_placed_yaml(text)
        except (OSError, UnicodeDecodeError, DocumentError) as error:
            self.faults.add((FILE, 1, f"cannot be read: {error}"))
            return Catalogue(streams=())
        found: list[Fault] = []
        values = read(Fields(document, found), CATALOGUE)
        for fault in found:
            self._fault(fault.path, fault.problem)
        entries, deleted = values["streams"], values["deleted"]
        if not entries and not found:
            self._fault(("streams",), "must name at least one stream")
        for number, name in enumerate(deleted):
            if name in entries:
                self._fault(
                    ("deleted", str(number)),
                    f"is {name}, which is still among the streams: remove one of them",
                )
        self._refuse_collisions(entries)
        self._read_types(values["types"])
        streams = tuple(self._stream(name, entry) for name, entry in entries.items())
        self._refuse_shared_quotas(streams)
        types = tuple(self._types.values())
        made = Catalogue(streams=streams, types=types, deleted=deleted)
        self._refuse_unused_files()
        self._compare_with_history(made)
        return made

    # --- streams ---

    def _stream(self, name: str, entry: Mapping[str, Any]) -> Stream:
        at = ("streams", name)
        subjects = [
            subject
            for part in ("key", "value")
            if (subject := self._subject(at, name, part, entry)) is not None
        ]
        quotas = tuple(
            Quota(client=client, produce_mib=limits["produce"] or None, consume_mib=limits["consume"] or None)
            for client, limits in entry["quotas"].items()
        )
        for quota in quotas:
            if not quota.config():
                self._fault((*at, "quotas", quota.client), "limits nothing. It must have produce or consume")
        if (wrong := settings_fault(entry["settings"])) is not None:
            self._fault((*at, "settings", wrong[0]), wrong[1])
        return Stream(
            name=name,
            owner=entry["owner"],
            purpose=entry["purpose"],
            low_volume=entry["volume"] == "low",
            cleanup=entry["cleanup"],
            sizes={environment: self._size(at, environment, entry) for environment in ENVIRONMENTS},
            subjects=tuple(subjects),
            settings=entry["settings"],
            quotas=quotas,
        )

    def _subject(self, at: tuple[str, ...], name: str, part: str, entry: Mapping[str, Any]) -> Subject | None:
        file = entry[part]
        if file == STRING_KEY or not SCHEMA_FILE.fullmatch(file):
            return None
        schema = self._schema(file, (*at, part))
        if schema is None:
            return None
        level = entry["compatibility" if part == "value" else "keyCompatibility"]
        return self._made(f"{name}-{part}", file, schema, level)

    def _size(self, at: tuple[str, ...], environment: str, entry: Mapping[str, Any]) -> Size:
        values = entry["environments"][environment]
        size = Size(
            partitions=values["partitions"],
            retention_ms=values["retention"],
            dead_letter_retention_ms=entry["deadLetters"]["retention"][environment],
            replicas=values["replicas"] or None,
        )
        if size.dead_letter_retention_ms < size.retention_ms:
            problem = "is shorter than the stream's own retention; dead letters must outlast it"
            self._fault((*at, "deadLetters", "retention", environment), problem)
        brokers = self._brokers.get(environment)
        if brokers is not None and size.replicas is not None and size.replicas > brokers:
            problem = f"is {size.replicas}, more than the {brokers} brokers of {environment}"
            self._fault((*at, "environments", environment, "replicas"), problem)
        return size

    def _refuse_collisions(self, entries: Mapping[str, object]) -> None:
        """Kafka's metrics replace dots by underscores, so names that differ in these alone become one."""
        owners: dict[str, str] = {}
        for name in entries:
            for topic in (name, *dead_letters.queue_names(name)):
                other = owners.setdefault(topic.replace(".", "_"), name)
                if other != name:
                    problem = f"has the topic {topic}, whose name collides with one of the stream {other}"
                    self._fault(("streams", name), problem)

    def _refuse_shared_quotas(self, streams: tuple[Stream, ...]) -> None:
        """Kafka has one quota a client, whatever it reads or writes."""
        owners: dict[str, str] = {}
        for stream in streams:
            for quota in stream.quotas:
                other = owners.setdefault(quota.client, stream.name)
                if other != stream.name:
                    at = ("streams", stream.name, "quotas", quota.client)
                    self._fault(at, f"has its quota in the stream {other} already; a client has one")

    # --- schemas ---

    def _read_types(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Reads the shared types, in whatever order they need each other."""
        waiting = dict(entries)
        while waiting:
            ready = {}
            for file, entry in waiting.items():
                before = len(self.faults)
                schema = self._parsed(file, report=False)
                if schema is not None and len(self.faults) == before:
                    ready[file] = (schema, entry)
            if not ready:
                for file in waiting:
                    self._schema(file, ("types", file))
                return
            for file, (schema, entry) in ready.items():
                self._schemas[file] = schema
                self._types[schema.name] = self._made(schema.name, file, schema, entry["compatibility"])
                del waiting[file]

    def _made(self, name: str, file: str, schema: AvroSchema, level: str) -> Subject:
        references = tuple(
            Reference(name=one, subject=self._types[one].name, schema=self._types[one].schema)
            for one in avro.with_references(schema, self._known())
        )
        return Subject(name=name, schema=schema, compatibility=level, file=file, references=references)

    def _known(self) -> dict[str, AvroSchema]:
        return {name: subject.schema for name, subject in self._types.items()}

    def _schema(self, file: str, at: tuple[str, ...]) -> AvroSchema | None:
        """The schema that an entry names; None if it cannot be used."""
        if not (self._folder / file).is_file():
            self._fault(at, f"is {file}, but there is no {self._folder.name}/{file}")
            return None
        if file not in self._schemas:
            self._schemas[file] = self._parsed(file, report=True, is_type=at[0] == "types")
        return self._schemas[file]

    def _parsed(self, file: str, *, report: bool, is_type: bool = True) -> AvroSchema | None:
        kinds = KINDS if is_type else KINDS[:1]
        try:
            text = (self._folder / file).read_text(encoding="utf-8")
            return avro.parse(text, self._known(), kinds=kinds)
        except avro.SchemaError as error:
            faults = error.faults
        except (OSError, UnicodeDecodeError) as error:
            faults = [(1, f"cannot be read: {error}")]
        if report:
            self.faults |= {(file, line, problem) for line, problem in faults}
        return None

    def _refuse_unused_files(self) -> None:
        for file in sorted(self._folder.glob("*.avsc")):
            if file.name not in self._schemas:
                problem = f"is used by no stream. Name it in {FILE}, or remove it"
                self.faults.add((file.name, 1, problem))

    # --- versions ---

    def _compare_with_history(self, catalogue: Catalogue) -> None:
        types = schema_history.types(self._folder, self._known())
        inside: set[str] = set()
        for subject in catalogue.subjects:
            try:
                recorded = schema_history.versions(self._folder, subject.name, types)
            except schema_history.HistoryError as error:
                within = f"{self._folder.name}/"
                self.faults |= {(file.removeprefix(within), line, said) for file, line, said in error.faults}
                # Whatever it names may be needed once it can be read.
                inside |= set(types)
                continue
            inside |= {type_.name for one in recorded for type_ in walk(one.schema.type)}
            for breach in schema_history.breaches(subject, recorded):
                problem = (
                    f"{subject.name} must stay {subject.compatibility} compatible: {breach}. Or use a new "
                    "stream beside this one: docs/streams.md, «A breaking change»"
                )
                self.faults.add((subject.file, 1, problem))
        owners = {subject.name for subject in catalogue.subjects}
        gone = {f"{name}-{part}" for name in catalogue.deleted for part in ("key", "value")}
        for name in schema_history.subjects(self._folder):
            # A type that is shared no more may be named by old versions.
            if name not in owners | gone | inside:
                problem = "holds versions of a subject that no stream has. Remove it, or add its stream"
                self.faults.add((f"{schema_history.FOLDER}/{name}", 1, problem))

    def _fault(self, path: tuple[str, ...], problem: str) -> None:
        named = ".".join(path) or "the file"
        self.faults.add((FILE, self._places.line(path), f"{named} {problem}"))
