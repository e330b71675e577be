"""Keeps secrets out of everything that is shown: known ones are replaced wherever they stand in a text.

What is shown, and how, is decided elsewhere; every display passes through here what it writes.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from engine.events import Inputs, Outputs, PolicyRemediation, StepEvent
from engine.values import Output, Secret, reveal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.events import Event
    from engine.values import Value

MASK = "[secret]"
_STRUCTURE = frozenset(
    {
        *("op", "urn", "type", "parent", "provider", "resourceUrn", "dependencies", "deletedWith"),
        *("kind", "diffKind"),
        *("severity", "enforcementLevel", "policyName", "policyPackName", "policyPackVersion"),
        *("policyPackVersionTag", "passed", "failed", "result", "color"),
    }
)
"""Members of events that say what happens, and to what; no value of a property is among them."""
_PROPERTIES = frozenset({"inputs", "outputs", "config", "before", "after"})
"""Members below which everything is a value."""
_BY_PATH = "detailedDiff"
"""The member whose names are paths of properties."""
SHORTEST = 3
"""Characters below which a secret is not looked for: hiding every "1" hides the message and no secret."""


class Masker:
    """Knows secrets and hides them. Not thread-safe on its own: a display calls it under its lock.

    A secret also shows up encoded: as a JSON string inside a larger document, or line by line where a text is
    printed by lines. Each of those forms is hidden too.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hides this text from now on."""
        new = {form for form in _forms(secret) if len(form) >= SHORTEST} - self._forms
        if new:
            self._forms |= new
            self._pattern = None

    def learn(self, value: Value) -> None:
        """Hides every secret inside a property value from now on."""
        match value:
            case Secret(value=inner) | Output(value=inner, secret=True):
                self._add_leaves(reveal(inner))
            case Output(value=inner):
                self.learn(inner)
            case dict():
                for member in value.values():
                    self.learn(member)
            case list():
                for member in value:
                    self.learn(member)

    def learn_event(self, event: Event) -> None:
        """Hides every secret that an event carries from now on."""
        match event:
            case StepEvent(old=old, new=new):
                for resource in (old, new):
                    if resource is not None:
                        self.learn(resource.inputs)
                        self.learn(resource.outputs)
            case Inputs(new=given):
                self.learn(given)
            case Outputs(old=before, new=after) | PolicyRemediation(before=before, after=after):
                self.learn(before)
                self.learn(after)

    def mask(self, text: str) -> str:
        """The text with every known secret replaced."""
        if not self._forms:
            return text
        if self._pattern is None:
            # Longest first, or a part would be hidden and the rest of the whole left standing.
            ordered = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, ordered)))
        return self._pattern.sub(MASK, text)

    def mask_document(self, document: Any, *, properties: bool = False) -> Any:
        """A JSON document with every known secret replaced in its values: strings, and numbers that are one.

        The document's own names stay, and so do the words that say what happens: a secret that is one of them
        must not change what a reader makes of the document. Below properties names are masked, too.
        """
        match document:
            case str():
                return self.mask(document)
            case dict():
                if properties:
                    return {
                        self.mask(key): self.mask_document(member, properties=True)
                        for key, member in document.items()
                    }
                return {key: self._masked_member(key, member) for key, member in document.items()}
            case list():
                return [self.mask_document(member, properties=properties) for member in document]
            case int() | float() if str(document) in self._forms:
                return MASK
        return document

    def _masked_member(self, key: str, member: Any) -> Any:
        if key in _STRUCTURE:
            return member
        if key == _BY_PATH and isinstance(member, dict):
            return {self.mask(path): self.mask_document(change) for path, change in member.items()}
        return self.mask_document(member, properties=key in _PROPERTIES)

    def _add_leaves(self, plain: Any) -> None:
        match plain:
            case str():
                self.add(plain)
            case dict():
                for member in plain.values():
                    self._add_leaves(member)
            case list():
                for item in plain:
                    self._add_leaves(item)


def _forms(secret: str) -> Iterator[str]:
    """How a secret may stand in a text."""
    yield secret
    yield secret.strip()
    for ascii_only in (True, False):
        encoded = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield encoded
        yield json.dumps(encoded, ensure_ascii=ascii_only)[1:-1]  # a document inside a document
    for line in secret.splitlines():
        yield line.strip()
