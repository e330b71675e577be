"""Takes out of a text what a report must not show: addresses with passwords, passphrases and tokens. Pure.

Who reads a report need not be allowed to know the runner's secrets, and CI systems hide them in logs alone.
``python -m messaging.report.redact`` does it with standard input, by its own environment.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from messaging.report.case import Case, Caution
    from messaging.report.changes import Change
    from messaging.report.preview import Message, Step, Violation

_T = TypeVar("_T", bound="Step | Violation | Message | Caution")
HIDDEN = "***"
_ADDRESSES = ("SHARED_BACKEND", "PULUMI_BACKEND_URL")
_PASSPHRASES = ("SHARED_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE")
_SECRET = re.compile(
    r"(PASS|PASSWORD|PASSPHRASE|PASSWD|SECRET|TOKEN|CREDENTIAL|KEY|AUTH)S?(_|$)", re.IGNORECASE
)
"""Names of other variables that hold something secret."""
_SHORT, _GUESSED = 6, 8
"""Shorter values are hidden as whole words; those of variables that are known by their names, not at all."""
_USER = re.compile(r"(?<=://)[^\s'\"<>`]*@")
_QUERY = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>`?#]*\?)[^\s'\"<>`]+")


class Redactor:
    """Knows the secrets of an environment.

    Args:
        environment: its variables.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        found = {form for secret in _secrets(environment) for form in _forms(secret)}
        words = [_pattern(form) for form in sorted(found, key=len, reverse=True)]
        self._known = re.compile("|".join(words)) if words else None

    def text(self, given: str) -> str:
        """The text without secrets, and without users and queries of any address."""
        known = self._known.sub(HIDDEN, given) if self._known else given
        return _QUERY.sub(rf"\1{HIDDEN}", _USER.sub(f"{HIDDEN}@", known))

    def case(self, case: Case) -> Case:
        """All that a report tells in words and values; names, which its order rests on, stay."""
        return dataclasses.replace(
            case,
            preview=dataclasses.replace(
                case.preview,
                steps=tuple(self._texts(case.preview.steps, "old", "new")),
                violations=tuple(self._texts(case.preview.violations, "message")),
                messages=tuple(self._texts(case.preview.messages, "text")),
            ),
            changes=[self._change(change) for change in case.changes],
            compared=self.text(case.compared),
            refusals=self._texts(case.refusals, "text"),
            by_base=self._texts(case.by_base, "message"),
            cautions=self._texts(case.cautions, "text"),
        )

    def _change(self, change: Change) -> Change:
        [step] = self._texts([change.step], "old", "new")
        return dataclasses.replace(change, step=step, told=self.text(change.told))

    def _texts(self, found: Iterable[_T], *names: str) -> list[_T]:
        return [
            dataclasses.replace(one, **{name: self._value(getattr(one, name)) for name in names})
            for one in found
        ]

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {key: self._value(member) for key, member in value.items()}
            case list():
                return [self._value(member) for member in value]
        return value


def _secrets(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        if name in _ADDRESSES:
            yield value
            yield from _parts(value)
        elif name in _PASSPHRASES:
            yield value
        elif _SECRET.search(name):
            # Of a text of several lines, such as a key, each is one.
            yield from (line for line in map(str.strip, value.splitlines()) if len(line) >= _GUESSED)


def _parts(address: str) -> Iterator[str]:
    """What is secret in an address, for texts that name parts of it."""
    rest = address.partition("://")[2]
    user, _, password = rest.rpartition("@")[0].partition(":")
    if password:
        yield from (f"{user}:{password}", password)
    query = rest.partition("?")[2]
    if len(query) >= _GUESSED:
        yield query


def _forms(secret: str) -> set[str]:
    """A secret as it stands, and as it is written within JSON, Python and addresses."""
    forms = {secret, unquote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    return {form for form in forms if form.strip()}


def _pattern(form: str) -> str:
    return re.escape(form) if len(form) >= _SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"


def main() -> None:
    """Redacts standard input."""
    said = sys.stdin.buffer.read().decode(errors="replace")
    sys.stdout.buffer.write(Redactor(os.environ).text(said).encode())


if __name__ == "__main__":
    main()
