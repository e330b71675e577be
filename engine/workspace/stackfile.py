"""Edits of a stack's file, made in its text so that comments and order stay as people wrote them.

An edit is only returned after the new text was read back and says exactly what it should; where that cannot
be had, or a comment would be lost, it is refused with what to write by hand. Pure: reading and writing the
file is the business of :mod:`engine.workspace.config`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from engine.errors import BadInput
from engine.workspace.project import parse_yaml
from engine.workspace.scalars import is_mistakable

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONFIG = "config"
_SALT = "encryptionsalt"


def with_value(text: str, spellings: Sequence[str], value: Any, *, where: str) -> str:
    """The text with one member of `config` set.

    Args:
        text: the file's content; may be empty.
        spellings: the ways in which the key may stand there; where it does not yet, the first is used.
        value: what YAML can say.
        where: the file, for messages.

    Raises:
        BadInput: the file has a shape in which this cannot be edited safely.
    """
    document = parse_yaml(text, where)
    config = dict(document.get(_CONFIG) or {})
    key = next((spelling for spelling in spellings if spelling in config), spellings[0])
    entry = _dump({key: value})
    wanted = {**document, _CONFIG: {**config, key: value}}
    lines = text.splitlines()
    members = _members(text, lines)
    if members is None:
        edited = [*lines, f"{_CONFIG}:", *(f"  {line}" for line in entry)]
    elif key in members.places:
        start, end = members.places[key]
        new = members.indented(entry)
        comments = [comment for at, comment in _comments(text) if start <= at < end]
        if len(new) == end - start == len(comments) == 1:
            new[0] += f"  {comments[0]}"
        edited = [*lines[:start], *new, *lines[end:]]
    else:
        edited = [*lines[: members.end], *members.indented(entry), *lines[members.end :]]
    lost = [comment for _, comment in _comments(text)]
    return _proven(edited, wanted, kept=lost, where=where, advice="\n".join([f"{_CONFIG}:", *entry]))


def without_value(text: str, key: str, *, where: str) -> str:
    """The text without one member of `config`, which must be there; comments inside it go with it.

    Raises:
        BadInput: the file has a shape in which this cannot be edited safely.
    """
    document = parse_yaml(text, where)
    wanted = {
        **document,
        _CONFIG: {name: value for name, value in document[_CONFIG].items() if name != key},
    }
    lines = text.splitlines()
    members = _members(text, lines)
    # Between braces it has no lines of its own.
    start, end = members.places.get(key, (0, 0)) if members else (0, 0)
    edited = [*lines[:start], *lines[end:]]
    return _proven(edited, wanted, kept=[], where=where, advice=f"nothing for {key}")


def with_salt(text: str, salt: str, *, where: str) -> str:
    """The text with this `encryptionsalt`; a new one stands first, after the comments at the head.

    Raises:
        BadInput: the file has a shape in which this cannot be edited safely.
    """
    wanted = {**parse_yaml(text, where), _SALT: salt}
    line = f"{_SALT}: {salt}"
    lines = text.splitlines()
    old = next((at for at, found in enumerate(lines) if found.startswith(f"{_SALT}:")), None)
    if old is not None:
        edited = [*lines[:old], line, *lines[old + 1 :]]
    else:
        bodies = (
            at for at, found in enumerate(lines) if found.strip() and not found.startswith(("#", "---"))
        )
        head = next(bodies, len(lines))
        edited = [*lines[:head], line, *lines[head:]]
    kept = [comment for _, comment in _comments(text)]
    return _proven(edited, wanted, kept=kept, where=where, advice=line)


class _Members:
    """Where the members of `config` stand: for each key its first line and the one after its last."""

    def __init__(self, lines: list[str], key: yaml.Node, section: yaml.Node) -> None:
        self.places: dict[str, tuple[int, int]] = {}
        self.end: int = key.start_mark.line + 1
        self._indent = 2
        if isinstance(section, yaml.MappingNode) and section.flow_style and not section.value:
            # `config: {}` says that there is nothing: members follow once the braces are gone.
            start, end = section.start_mark, section.end_mark
            if start.line == end.line == key.start_mark.line:
                line = lines[start.line]
                lines[start.line] = line[: start.column].rstrip() + line[end.column :]
        if not isinstance(section, yaml.MappingNode) or section.flow_style:
            return
        for name, value in section.value:
            start, end = name.start_mark.line, value.end_mark.line + 1
            is_block = isinstance(value, yaml.CollectionNode) and not value.flow_style
            if is_block or value.end_mark.column == 0 or end > len(lines):
                end -= 1  # the mark stands where the next thing begins
            while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
                end -= 1
            self.places[str(name.value)] = (start, end)
            self.end = end
            self._indent = name.start_mark.column

    def indented(self, entry: Sequence[str]) -> list[str]:
        return [f"{' ' * self._indent}{line}" for line in entry]


def _members(text: str, lines: list[str]) -> _Members | None:
    """The members of `config`, if the text has it; `lines` lose the braces of an empty one."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for key, section in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == _CONFIG:
            return _Members(lines, key, section)
    return None


def _comments(text: str) -> list[tuple[int, str]]:
    """Every comment with its line: what follows the last token of a line."""
    lines = text.splitlines()
    covered = dict.fromkeys(range(len(lines)), 0)
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        first, last = token.start_mark, token.end_mark
        for at in range(first.line, min(last.line + 1, len(lines))):
            covered[at] = max(covered[at], last.column if at == last.line else len(lines[at]))
    rests = ((at, line[covered[at] :].strip()) for at, line in enumerate(lines))
    return [(at, rest) for at, rest in rests if rest.startswith("#")]


class _Dumper(yaml.SafeDumper):
    """Quotes what the CLI would not take for a text."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "'" if is_mistakable(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _dump(document: Any) -> list[str]:
    written = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return str(written).splitlines()


def _proven(lines: list[str], wanted: dict[str, Any], *, kept: list[str], where: str, advice: str) -> str:
    """The lines as a text, if it says what is wanted and has all the comments that are to be kept."""
    text = "\n".join(lines) + "\n"
    try:
        said = parse_yaml(text, where)
        comments = [comment for _, comment in _comments(text)]
    except BadInput:
        said, comments = {}, []
    if _plain(said) != _plain(wanted) or any(comment not in comments for comment in kept):
        raise BadInput(
            f"{where} cannot be edited without harm to its layout or comments. "
            f"Write there yourself:\n{advice}"
        )
    return text


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """Without members that say nothing: an empty `config` is as good as none."""
    return {key: value for key, value in document.items() if value not in (None, {})}
