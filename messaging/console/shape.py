"""Bounds how many values some bytes can unfold to under an Avro schema, before anything is decoded. Pure.

Avro has data of no bytes: nulls, empty records, records of them. An array of such items may claim any
length in a handful of bytes, and a schema of a few lines may nest records so that one byte stands for
millions of values. The bound has the form ``values <= fixed + per_byte * bytes``; each kind of schema has a
rule for its three numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LEAST = {"null": 0, "float": 4, "double": 8}


@dataclass(frozen=True)
class Bound:
    """A datum takes `least` bytes or more; n bytes hold at most ``fixed + per_byte * n`` values."""

    least: int
    fixed: float = 1.0
    per_byte: float = 0.0


class Shape:
    """The bound of one parsed schema; `named` holds the named types that it uses, by full name.

    Attributes:
        recursive: True if a record can hold itself, so that data may be nested as deeply as they are long.
    """

    def __init__(self, schema: Any, named: Mapping[str, Any]) -> None:
        self._named = named
        self._open: set[str] = set()
        self._known: dict[str, Bound] = {}
        self.recursive = False
        self._bound = self._of(schema)

    def values(self, size: int) -> float:
        """The most values that `size` bytes can hold; infinite if nothing bounds them."""
        levels = size + 1 if self.recursive else 1
        return self._bound.fixed * levels + self._bound.per_byte * size

    def _of(self, schema: Any) -> Bound:
        if isinstance(schema, list):
            return _one_of([self._of(branch) for branch in schema])
        if isinstance(schema, str):
            return self._of(self._named[schema]) if schema in self._named else Bound(_LEAST.get(schema, 1))
        match schema["type"]:
            case "record" | "error":
                bound = self._record(schema)
            case "array":
                bound = _many(self._of(schema["items"]), extra=0)
            case "map":
                bound = _many(self._of(schema["values"]), extra=1)
            case "fixed":
                bound = Bound(int(schema["size"]))
            case "enum":
                bound = Bound(1)
            case inner:
                bound = self._of(inner)
        return bound

    def _record(self, schema: Mapping[str, Any]) -> Bound:
        name = schema["name"]
        if name in self._open:
            self.recursive = True
            return Bound(1)  # a union's index or a count stands between the two, or no datum would end
        if name not in self._known:
            self._open.add(name)
            fields = [self._of(one["type"]) for one in schema["fields"]]
            self._open.remove(name)
            self._known[name] = Bound(
                sum(one.least for one in fields),
                1 + sum(one.fixed for one in fields),
                max((one.per_byte for one in fields), default=0.0),
            )
        return self._known[name]


def _one_of(branches: list[Bound]) -> Bound:
    """The bound of a union: a byte says which branch follows."""
    return Bound(
        1 + min((branch.least for branch in branches), default=0),
        max((branch.fixed for branch in branches), default=1.0),
        max((branch.per_byte for branch in branches), default=0.0),
    )


def _many(item: Bound, *, extra: int) -> Bound:
    """The bound of an array or map; `extra` is the least that a key takes, and counts as a value."""
    least = item.least + extra
    share = (item.fixed + extra) / least if least else float("inf")
    return Bound(1, 1.0, item.per_byte + share)
