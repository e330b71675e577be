"""Reads YAML and JSON documents that people write, with the place of a mistake in the message."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Hashable


class DocumentError(ValueError):
    """A text is not the document that it should be; the message says where and why."""


class _UniqueKeysLoader(yaml.SafeLoader):
    """A safe loader that takes a key given twice for a mistake; YAML's own lets the last one win silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    line, column = key.start_mark.line + 1, key.start_mark.column + 1
                    raise DocumentError(f"line {line}, column {column}: the key {key.value!r} is given twice")
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def read_yaml(text: str) -> object:
    """The document in a YAML text; None for an empty one.

    Raises:
        DocumentError: it is not YAML, or a mapping has a key twice.
    """
    try:
        return yaml.load(text, _UniqueKeysLoader)  # noqa: S506 - it is a safe loader with one more rule
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise DocumentError(f"{place}not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise DocumentError(f"not YAML: {error}") from None


def read_json(text: str) -> object:
    """The document in a JSON text.

    Raises:
        DocumentError: it is not JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
