"""The versions of each subject that are kept in git: ``schemas/history/<subject>/<number>.avsc``. Pure.

They are what a change is judged by where no registry answers. A version is recorded when it is released, and
never changed afterwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging import avro, avro_compatibility

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from messaging.avro import AvroSchema
    from messaging.avro_compatibility import Breach

FOLDER = "history"
"""Inside the folder of the catalogue."""

_VERSION_FILE = re.compile(r"([1-9]\d{0,5})\.avsc")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """One version that git keeps."""

    number: int
    schema: AvroSchema


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


def versions(
    folder: Path, subject: str, known: Mapping[str, AvroSchema] | None = None
) -> tuple[Recorded, ...]:
    """The recorded versions of a subject, the oldest first; empty if there are none.

    Args:
        folder: the catalogue's.
        subject: the subject's name.
        known: schemas that they may reference, by their types' names.

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
            schema = avro.parse(file.read_text(encoding="utf-8"), known, kinds=("record", "enum", "fixed"))
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


def breaches(level: str, wanted: AvroSchema, recorded: tuple[Recorded, ...]) -> list[Breach]:
    """Why a schema may not follow the recorded versions; empty if it may, or if it is one of them.

    As in a registry, what is a version already is not judged again when the level changes.
    """
    if any(avro.same(one.schema.text, wanted.text) for one in recorded):
        return []
    earlier = [avro_compatibility.Version(one.number, one.schema.type) for one in recorded]
    return avro_compatibility.breaches(level, wanted.type, earlier)


def is_recorded(wanted: AvroSchema, recorded: tuple[Recorded, ...]) -> bool:
    """Whether the newest version in git is the wanted schema."""
    return bool(recorded) and avro.same(recorded[-1].schema.text, wanted.text)


def record(folder: Path, subject: str, text: str, number: int) -> Path:
    """Keeps a schema as a version of a subject; its file, which was not there before.

    Args:
        folder: the catalogue's.
        subject: the subject's name.
        text: the schema's file as people wrote it.
        number: the version.
    """
    place = folder / FOLDER / subject
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{number}.avsc"
    with file.open("x", encoding="utf-8") as opened:
        opened.write(text)
    return file
