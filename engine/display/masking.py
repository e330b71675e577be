"""Keeps secrets out of everything that is shown: known ones are replaced wherever they stand in a text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.values import Output, Secret, reveal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.values import Value

MASK = "[secret]"
SHORTEST = 3
"""Characters below which a secret is not looked for: hiding every "1" hides the message and no secret."""


class Masker:
    """Knows secrets and hides them.

    A secret also shows up encoded: as a JSON string inside a larger document, or line by line where a text is
    printed by lines. Each of those forms is hidden too.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._ordered: list[str] = []
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hides this text from now on."""
        encoded = json.dumps(secret)[1:-1]
        forms = {secret, secret.strip(), encoded, json.dumps(encoded)[1:-1], *secret.splitlines()}
        forms |= {line.strip() for line in secret.splitlines()}
        new = {form for form in forms if len(form) >= SHORTEST} - self._forms
        if new:
            self._forms |= new
            # Longest first, or a part would be hidden and the rest of the whole left standing.
            self._ordered = sorted(self._forms, key=len, reverse=True)

    def learn(self, value: Value) -> None:
        """Hides every secret inside a property value from now on."""
        match value:
            case Secret(value=inner):
                self._add_leaves(inner)
            case Output(value=inner, secret=secret):
                if secret:
                    self._add_leaves(inner)
                else:
                    self.learn(inner)
            case dict():
                for member in value.values():
                    self.learn(member)
            case list():
                for member in value:
                    self.learn(member)

    def mask(self, text: str) -> str:
        """The text with every known secret replaced."""
        for form in self._ordered:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def _add_leaves(self, value: Value) -> None:
        match reveal(value):
            case str() as text:
                self.add(text)
            case dict() as members:
                for member in members.values():
                    self._add_leaves(member)
            case list() as items:
                for item in items:
                    self._add_leaves(item)
