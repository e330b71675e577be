"""URNs: the names under which state knows resources, `urn:pulumi:STACK::PROJECT::TYPE$TYPE::NAME`.

Pure string work; what a resource is lies in :mod:`engine.resource`.
"""

from __future__ import annotations

import re
from functools import cache

STACK_TYPE = "pulumi:pulumi:Stack"
_PREFIX = "urn:pulumi:"
_PARTS = 4


def create(stack: str, project: str, parent: str | None, type_: str, name: str) -> str:
    """The URN of a resource: its parent's types stand before its own, the stack's type is left out."""
    chain = qualified_type(parent) if parent else ""
    if chain and chain != STACK_TYPE:
        type_ = f"{chain}${type_}"
    return f"{_PREFIX}{stack}::{project}::{type_}::{name}"


def is_urn(text: str) -> bool:
    """Whether the text has the shape of a URN."""
    return text.startswith(_PREFIX) and len(text.split("::", 3)) == _PARTS


def _parts(urn: str) -> list[str]:
    parts = urn.removeprefix(_PREFIX).split("::", 3)
    if len(parts) != _PARTS or not urn.startswith(_PREFIX):
        raise ValueError(
            f"{urn!r} is no URN; one looks like urn:pulumi:dev::messaging::kafka:index/topic:Topic::metrics"
        )
    return parts


def stack_of(urn: str) -> str:
    """The stack's name in a URN."""
    return _parts(urn)[0]


def project_of(urn: str) -> str:
    """The project's name in a URN."""
    return _parts(urn)[1]


def qualified_type(urn: str) -> str:
    """The types from the outermost parent down, joined with `$`."""
    return _parts(urn)[2]


def type_of(urn: str) -> str:
    """The resource's own type."""
    return qualified_type(urn).rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    """The resource's logical name."""
    return _parts(urn)[3]


def matches(urn: str, pattern: str) -> bool:
    """Whether a URN is the target that a pattern names: `*` stays within a part, `**` crosses `:`."""
    return _compiled(pattern).fullmatch(urn) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*|\*)", pattern)
    special = {"**": ".*", "*": "[^:]*"}
    return re.compile("".join(special.get(piece, re.escape(piece)) for piece in pieces), re.DOTALL)
