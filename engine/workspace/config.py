"""A stack's configuration: what its file says, what the program gets of it, and how one value is changed.

How the file's text is edited, so that comments and order stay as people wrote them, is decided in
:mod:`engine.workspace.stackfile`. What the values mean is the program's affair.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import BadInput
from engine.workspace import stackfile
from engine.workspace.project import load_yaml, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engine.workspace.project import Project


@dataclass(frozen=True)
class StackConfig:
    """One stack's configuration.

    Attributes:
        project: whose namespace a key without one has.
        file: Pulumi.<stack>.yaml, which need not exist.
        values: fully named keys and what the file says, secrets as `{"secure": ciphertext}`.
        salt: its `encryptionsalt`, or empty.
    """

    project: Project
    file: Path
    values: dict[str, Any]
    salt: str = ""

    @classmethod
    def load(cls, project: Project, stack: str) -> StackConfig:
        """Reads a stack's file; one that is not there is empty.

        Raises:
            BadInput: the file cannot be used.
        """
        file = project.stack_file(stack)
        document = load_yaml(file) if file.exists() else {}
        provider = document.get("secretsprovider")
        if provider not in (None, "", "passphrase"):
            raise BadInput(
                f"{file} says `secretsprovider: {provider}`; the embedded engine supports `passphrase` alone."
            )
        declared = document.get("config") or {}
        if not isinstance(declared, dict):
            raise BadInput(f"{file}: `config` has to be a mapping of keys to values.")
        values = {key if ":" in key else f"{project.name}:{key}": value for key, value in declared.items()}
        return cls(project, file, values, str(document.get("encryptionsalt") or ""))

    def key(self, key: str) -> str:
        """The fully named key."""
        return key if ":" in key else f"{self.project.name}:{key}"

    def for_program(self, decrypt: Callable[[str], str]) -> tuple[dict[str, str], list[str]]:
        """What the program is given: every value as a string, and which keys hold secrets."""
        texts: dict[str, str] = {}
        secret: list[str] = []
        for key, value in {**self.project.defaults, **self.values}.items():
            if holds_secret(value):
                secret.append(key)
            texts[key] = as_text(revealed(value, decrypt))
        return texts, secret

    def secrets(self, decrypt: Callable[[str], str]) -> list[str]:
        """Every decrypted secret, for masking."""
        return [secret for value in self.values.values() for secret in _secrets(value, decrypt)]

    def set(self, key: str, value: Any) -> None:
        """Writes one value into the stack's file.

        Args:
            key: with or without its namespace.
            value: what YAML can say; a secret is `{"secure": ciphertext}`.

        Raises:
            BadInput: the file cannot be edited without harm; it is left as it is.
        """
        self._rewrite(stackfile.with_value(self._text(), self._spellings(key), value, where=str(self.file)))

    def remove(self, key: str) -> None:
        """Takes one value, which must be there, out of the stack's file. Raises BadInput as `set` does."""
        text = self._text()
        for spelling in self._spellings(key):
            if spelling in (parse_yaml(text, str(self.file)).get("config") or {}):
                text = stackfile.without_value(text, spelling, where=str(self.file))
        self._rewrite(text)

    def set_salt(self, salt: str) -> None:
        """Writes the `encryptionsalt` into the stack's file. Raises BadInput as `set` does."""
        self._rewrite(stackfile.with_salt(self._text(), salt, where=str(self.file)))

    def _spellings(self, key: str) -> list[str]:
        """The key with its namespace and, if that is the project's, without it."""
        full = self.key(key)
        namespace, _, short = full.partition(":")
        return [full, short] if namespace == self.project.name else [full]

    def _text(self) -> str:
        return self.file.read_text(encoding="utf-8") if self.file.exists() else ""

    def _rewrite(self, text: str) -> None:
        file = self.file.resolve()
        written = file.with_name(f".{file.name}.new")
        written.write_text(text, encoding="utf-8")
        if file.exists():
            shutil.copymode(file, written)
        written.replace(file)


def parse_value(text: str) -> Any:
    """What the CLI makes of a value inside an object: booleans and integers are recognised."""
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if re.fullmatch(r"0|-?[1-9][0-9]*", text) else text


def set_path(value: Any, path: Sequence[str | int], new: Any) -> Any:
    """A copy of a nested value with one member set; missing objects and lists are made.

    Raises:
        BadInput: something on the way is of another kind, or a list has no such place.
    """
    if not path:
        return new
    head, *rest = path
    if isinstance(head, int):
        items = [] if value is None else value
        if not isinstance(items, list) or head > len(items):
            raise BadInput(f"[{head}] cannot be set: what should hold it is {value!r}.")
        inner = set_path(items[head] if head < len(items) else None, rest, new)
        return [*items[:head], inner, *items[head + 1 :]]
    members = {} if value is None else value
    if not isinstance(members, dict) or _is_secure(members):
        raise BadInput(f"{head!r} cannot be set: what should hold it is {value!r}.")
    return {**members, head: set_path(members.get(head), rest, new)}


def without_path(value: Any, path: Sequence[str | int]) -> Any:
    """A copy of a nested value without one member; what comes after it in a list moves up.

    Raises:
        KeyError: there is none.
    """
    *outer, last = path
    holder = get_path(value, outer)
    get_path(holder, [last])
    kept = (
        [item for at, item in enumerate(holder) if at != last]
        if isinstance(holder, list)
        else {key: item for key, item in holder.items() if key != last}
    )
    return set_path(value, outer, kept)


def get_path(value: Any, path: Sequence[str | int]) -> Any:
    """The member of a nested value at a path.

    Raises:
        KeyError: there is none.
    """
    for part in path:
        try:
            value = value[part]
        except (IndexError, TypeError) as error:
            raise KeyError(part) from error
    return value


def as_text(value: Any) -> str:
    """A value of the stack's file as the program gets it: objects and lists as JSON."""
    match value:
        case str():
            return value
        case bool() | dict() | list() | int() | float():
            return json.dumps(value, separators=(",", ":"))
        case None:
            return ""
    return str(value)


def _is_secure(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"} and isinstance(value["secure"], str)


def holds_secret(value: Any) -> bool:
    """Whether a value of the stack's file is a secret or has one in it."""
    match value:
        case dict() if _is_secure(value):
            return True
        case dict():
            return any(map(holds_secret, value.values()))
        case list():
            return any(map(holds_secret, value))
    return False


def revealed(value: Any, decrypt: Callable[[str], str]) -> Any:
    """A value of the stack's file with its secrets decrypted."""
    match value:
        case dict() if _is_secure(value):
            return decrypt(value["secure"])
        case dict():
            return {key: revealed(member, decrypt) for key, member in value.items()}
        case list():
            return [revealed(member, decrypt) for member in value]
    return value


def _secrets(value: Any, decrypt: Callable[[str], str]) -> list[str]:
    match value:
        case dict() if _is_secure(value):
            return [decrypt(value["secure"])]
        case dict():
            return [secret for member in value.values() for secret in _secrets(member, decrypt)]
        case list():
            return [secret for member in value for secret in _secrets(member, decrypt)]
    return []
