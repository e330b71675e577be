"""The versions of each subject that are kept in git: ``schemas/history/<subject>/<number>.avsc``. Pure.

They are what a change is judged by where no registry answers. A version is recorded when it is released, and
never changed afterwards: it has the shared types that it names inside, as they were then.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging import avro, avro_compatibility

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from messaging.avro import AvroSchema
    from messaging.avro_compatibility import Breach
    from messaging.streams import Subject

FOLDER = "history"
"""Inside the folder of the catalogue."""

_VERSION_FILE = re.compile(r"([1-9]\d{0,5})\.avsc")
_TYPE_NAME = re.compile(r"\w+(\.\w+)*")
"""A stream's subject has a dash."""
_KINDS = ("record", "enum", "fixed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """One version that git keeps."""

    number: int
    schema: AvroSchema
    """With everything that it builds on inside."""


class HistoryError(Exception):
    """The versions in git cannot be used; ``faults`` has the file, its line and the problem of each."""

    def __init__(self, faults: list[tuple[str, int, str]]) -> None:
        """Takes the faults."""
        super().__init__("\n".join(f"{file}:{line}: {problem}" for file, line, problem in faults))
        self.faults = faults


def subjects(folder: Path) -> tuple[str, ...]:
    """The subjects that have versions in git, sorted.

    Args:
        folder: the catalogue's.
    """
    place = folder / FOLDER
    return tuple(sorted(one.name for one in place.iterdir() if one.is_dir())) if place.is_dir() else ()


def types(folder: Path, wanted: Mapping[str, AvroSchema]) -> dict[str, AvroSchema]:
    """What a version means that only names its types: the newest one of each in git, else the wanted one.

    A type that is shared no more is still what it was.

    Args:
        folder: the catalogue's.
        wanted: the shared types of today, by their names.
    """
    found = dict(wanted)
    waiting = {name: text for name in subjects(folder) if (text := _newest_of_type(folder, name))}
    while waiting:
        ready = {}
        for name, text in waiting.items():
            others = {other: schema for other, schema in found.items() if other not in waiting}
            try:
                ready[name] = avro.parse_whole(text, others, kinds=_KINDS)
            except avro.SchemaError:
                # It may need one that waits, too. What is wrong with it is told with its own versions.
                continue
        if not ready:
            break
        found |= ready
        waiting = {name: text for name, text in waiting.items() if name not in ready}
    return found


def _newest_of_type(folder: Path, name: str) -> str | None:
    """The newest version of a shared type as a text; None for what is no type, or cannot be read."""
    if not _TYPE_NAME.fullmatch(name):
        return None
    numbers = [
        int(match[1])
        for file in (folder / FOLDER / name).iterdir()
        if (match := _VERSION_FILE.fullmatch(file.name))
    ]
    try:
        return (folder / FOLDER / name / f"{max(numbers)}.avsc").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def versions(
    folder: Path, subject: str, types: Mapping[str, AvroSchema] | None = None
) -> tuple[Recorded, ...]:
    """The recorded versions of a subject, the oldest first; empty if there are none.

    Args:
        folder: the catalogue's.
        subject: the subject's name.
        types: what they may name, by :func:`types`.

    Raises:
        HistoryError: a file is no version, cannot be read, or a number is left out.
    """
    place = folder / FOLDER / subject
    if not place.is_dir():
        return ()
    faults: list[tuple[str, int, str]] = []
    found: list[Recorded] = []
    for file in sorted(place.iterdir()):
        shown = f"{folder.name}/{FOLDER}/{subject}/{file.name}"
        match = _VERSION_FILE.fullmatch(file.name)
        if match is None:
            faults.append((shown, 1, "is no version. Its name must be a number and .avsc, such as 1.avsc"))
            continue
        try:
            schema = avro.parse_whole(file.read_text(encoding="utf-8"), types or {}, kinds=_KINDS)
        except avro.SchemaError as error:
            faults += [(shown, line, f"cannot be used: {problem}") for line, problem in error.faults]
            continue
        except (OSError, UnicodeDecodeError) as error:
            faults.append((shown, 1, f"cannot be read: {error}"))
            continue
        found.append(Recorded(number=int(match[1]), schema=schema))
    found.sort(key=lambda one: one.number)
    numbers = [one.number for one in found]
    if not faults and numbers != list(range(1, len(numbers) + 1)):
        problem = (
            f"has the versions {', '.join(map(str, numbers))}; they must be 1, 2 and so on, none left out"
        )
        faults.append((f"{folder.name}/{FOLDER}/{subject}", 1, problem))
    if faults:
        raise HistoryError(faults)
    return tuple(found)


def breaches(subject: Subject, recorded: tuple[Recorded, ...]) -> list[Breach]:
    """Why a subject's schema may not follow the recorded versions; empty if it may, or if it is one of them.

    As in a registry, what is a version already is not judged again when the level changes. A shared type that
    changes is a change of what names it.
    """
    wanted = _whole(subject)
    if any(avro.same(one.schema.text, wanted.text) for one in recorded):
        return []
    earlier = [avro_compatibility.Version(one.number, one.schema.type) for one in recorded]
    return avro_compatibility.breaches(subject.compatibility, wanted.type, earlier)


def is_recorded(subject: Subject, recorded: tuple[Recorded, ...]) -> bool:
    """Whether the newest version in git is the subject's schema, with the shared types as they are now."""
    return bool(recorded) and avro.same(recorded[-1].schema.text, _whole(subject).text)


def record(folder: Path, subject: Subject, number: int) -> Path:
    """Keeps a subject's schema as a version; its file, which was not there before.

    Args:
        folder: the catalogue's.
        subject: whose schema is kept.
        number: the version.
    """
    if subject.references:
        text = json.dumps(json.loads(_whole(subject).text), indent=2, ensure_ascii=False) + "\n"
    else:
        text = (folder / subject.file).read_text(encoding="utf-8")
    place = folder / FOLDER / subject.name
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{number}.avsc"
    with file.open("x", encoding="utf-8") as opened:
        opened.write(text)
    return file


def _whole(subject: Subject) -> AvroSchema:
    if not subject.references:
        return subject.schema
    types = {one.name: one.schema for one in subject.references}
    return avro.parse_whole(subject.schema.text, types, kinds=_KINDS)
