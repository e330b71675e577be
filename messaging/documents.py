"""Reads YAML and JSON documents that people write, with the place of a mistake in the message."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from json.decoder import JSONDecoder
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # the scanner that asks for each object
from typing import TYPE_CHECKING, Any

import yaml

from messaging.fields import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

# The parser that is written in C reads a catalogue of a thousand streams in a tenth of the time.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TOO_DEEP = "not usable: it is nested too deeply"
# What YAML 1.1, as it is read here, and YAML 1.2, as editors read it, take for the same number: 010 is 8 or
# 10, and 1:10 is 70 or a text.
_PLAIN = {"int": re.compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+"), "float": re.compile(r"[^:_]*")}


class DocumentError(ValueError):
    """A text is not the document that it should be; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Places:
    """The lines of a YAML text on which the parts of its document stand."""

    _lines: dict[tuple[str, ...], int] = field(default_factory=dict)

    def line(self, path: tuple[str, ...]) -> int:
        """The line of what keys lead to, or where that is missing, of the nearest thing around it."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)


@dataclass(frozen=True, slots=True)
class ObjectPlaces:
    """The lines of a JSON text on which its objects begin."""

    _lines: dict[int, tuple[object, int]] = field(default_factory=dict)

    def line(self, value: object) -> int:
        """The line of an object of the document; 1 for anything else."""
        return self._lines.get(id(value), (None, 1))[1]


class _UniqueKeysLoader(_SafeLoader):  # type: ignore[misc]  # one of two classes of the same interface
    """A safe loader that takes a key given twice for a mistake; YAML's own lets the last one win silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise DocumentError(f"{_place(key.start_mark)}the key {key.value!r} is given twice")
                seen.add(key.value)
        made: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return made


def _placed(construct: Callable[[Any, Any], object], tag: str, kind: str) -> Callable[[Any, Any], object]:
    """A constructor that refuses with the place; PyYAML's own fail with whatever the text leads them to."""
    plain = _PLAIN.get(tag)

    def constructed(loader: Any, node: Any) -> object:
        given = f"{_place(node.start_mark)}{shown(node.value)}"
        try:
            made = construct(loader, node)
        except (ValueError, LookupError, AttributeError, OverflowError):
            raise DocumentError(f"{given} is no {kind}; put it in quotes if it is a text") from None
        if plain is None or plain.fullmatch(node.value):
            return made
        raise DocumentError(
            f"{given} is {shown(made)} in one version of YAML and something else in another, or no number; "
            "write it in decimal digits without a leading 0, or put it in quotes if it is a text"
        )

    return constructed


for _tag, _kind in (("bool", "truth"), ("int", "number"), ("float", "number"), ("timestamp", "date")):
    _name = f"tag:yaml.org,2002:{_tag}"
    _UniqueKeysLoader.add_constructor(_name, _placed(_SafeLoader.yaml_constructors[_name], _tag, _kind))


def _place(mark: yaml.Mark) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: "


def read_yaml(text: str) -> object:
    """The document in a YAML text; None for an empty one.

    Raises:
        DocumentError: it is not YAML, a mapping has a key twice, a date or number is none, or a number is
            another one in another version of YAML.
    """
    return read_placed_yaml(text)[0]


def read_placed_yaml(text: str) -> tuple[object, Places]:
    """The document in a YAML text, and where its parts stand.

    Raises:
        DocumentError: as for :func:`read_yaml`.
    """
    lines: dict[tuple[str, ...], int] = {}
    try:
        loader = _UniqueKeysLoader(text)
        try:
            node = loader.get_single_node()
            document = None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
        if node is not None:
            _note_lines(node, (), lines, set())
    except yaml.MarkedYAMLError as error:
        place = _place(error.problem_mark) if error.problem_mark else ""
        raise DocumentError(f"{place}not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise DocumentError(f"not YAML: {error}") from None
    except RecursionError:
        raise DocumentError(_TOO_DEEP) from None
    return document, Places(lines)


def _note_lines(node: Any, path: tuple[str, ...], lines: dict[tuple[str, ...], int], seen: set[int]) -> None:
    """Notes the line of every key and item; what an alias repeats is noted where it stands first."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            lines[below] = key.start_mark.line + 1
            _note_lines(value, below, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            below = (*path, str(number))
            lines[below] = value.start_mark.line + 1
            _note_lines(value, below, lines, seen)


class _UnusableError(ValueError):
    """A number that JSON does not have, or a value that could not be written again."""


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _UnusableError(f"the number {shown(text)} is too large")
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _UnusableError(f"a number has {len(text)} digits") from None


def _no_constant(text: str) -> None:
    raise _UnusableError(f"JSON has no {text}")


def _writable(text: str) -> str:
    """JSON can escape one half of a character, which no file or message can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _UnusableError(
            f"the text {shown(text)} has half a character. Write the character itself"
        ) from None
    return text


_NUMBERS: Any = {"parse_float": _finite, "parse_int": _whole, "parse_constant": _no_constant}


def read_json(text: str) -> object:
    """The document in a JSON text.

    Raises:
        DocumentError: it is not JSON.
    """
    return _decoded(text, JSONDecoder(**_NUMBERS))


def read_placed_json(text: str) -> tuple[object, ObjectPlaces]:
    """The document in a JSON text, and the lines on which its objects begin.

    Raises:
        DocumentError: it is not JSON, an object has a key twice, or a text could not be written again.
    """
    lines: dict[int, tuple[object, int]] = {}
    decoder = JSONDecoder(object_pairs_hook=_unique_keys, **_NUMBERS)
    parse = decoder.parse_object  # type: ignore[attr-defined]  # how the scanner reads an object
    parse_text = decoder.parse_string  # type: ignore[attr-defined]

    def noting(text_and_start: tuple[str, int], *others: Any) -> tuple[object, int]:
        line = text.count("\n", 0, text_and_start[1]) + 1
        try:
            made, end = parse(text_and_start, *others)
        except _UnusableError as error:
            raise DocumentError(f"not usable, in the object on line {line}: {error}") from None
        # The object itself is kept, so that its identity stays its own.
        lines[id(made)] = made, line
        return made, end

    def checked(*text_and_start: Any) -> tuple[str, int]:
        made, end = parse_text(*text_and_start)
        return _writable(made), end

    decoder.parse_object = noting  # type: ignore[attr-defined]
    decoder.parse_string = checked  # type: ignore[attr-defined]
    decoder.scan_once = py_make_scanner(decoder)  # type: ignore[attr-defined]
    return _decoded(text, decoder), ObjectPlaces(lines)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = {_writable(key): value for key, value in pairs}
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DocumentError(f"not JSON for a schema: the key {twice!r} is given twice in one object")
    return made


def _decoded(text: str, decoder: JSONDecoder) -> object:
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise DocumentError(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except _UnusableError as error:
        raise DocumentError(f"not usable: {error}") from None
    except RecursionError:
        raise DocumentError(_TOO_DEEP) from None
