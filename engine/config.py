"""A stack's configuration: what its file says, what the program gets of it, and how one value is changed.

The file is edited line by line, so that comments and order stay as people wrote them. What the values mean is
the program's affair.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from engine.errors import BadInput
from engine.project import load_yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.project import Project


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
            if _holds_secret(value):
                secret.append(key)
            texts[key] = _text(_revealed(value, decrypt))
        return texts, secret

    def secrets(self, decrypt: Callable[[str], str]) -> list[str]:
        """Every decrypted secret, for masking."""
        return [secret for value in self.values.values() for secret in _secrets(value, decrypt)]

    def set(self, key: str, value: Any) -> None:
        """Writes one value into the stack's file.

        Args:
            key: with or without its namespace.
            value: a string, number, boolean, or `{"secure": ciphertext}`.
        """
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        self.file.write_text("\n".join(_set_line(lines, self.key(key), value)) + "\n")

    def remove(self, key: str) -> None:
        """Takes one value out of the stack's file."""
        lines = self.file.read_text().splitlines()
        self.file.write_text("\n".join(_set_line(lines, key, None, remove=True)) + "\n")

    def set_salt(self, salt: str) -> None:
        """Writes the `encryptionsalt` at the head of the stack's file."""
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        kept = [line for line in lines if not line.startswith("encryptionsalt:")]
        self.file.write_text("\n".join([f"encryptionsalt: {salt}", *kept]) + "\n")


def parse_value(text: str) -> Any:
    """What the CLI makes of a value on the command line: booleans and integers are recognised."""
    if text in {"true", "false"}:
        return text == "true"
    if (
        text.isascii()
        and text.lstrip("-").isdigit()
        and (text == "0" or not text.lstrip("-").startswith("0"))
    ):
        return int(text)
    return text


def set_path(value: Any, path: list[str], new: Any) -> Any:
    """A copy of a nested value with one member set; missing objects are made.

    Raises:
        BadInput: something on the way is not an object.
    """
    if not path:
        return new
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise BadInput(f"{path[0]!r} cannot be set: what holds it is {value!r}, not an object.")
    return {**value, path[0]: set_path(value.get(path[0]), path[1:], new)}


def _set_line(lines: list[str], key: str, value: Any, *, remove: bool = False) -> list[str]:
    entry = [] if remove else [f"  {line}" for line in _dump({key: value}).splitlines()]
    start = next((place for place, line in enumerate(lines) if line.rstrip() == "config:"), None)
    if start is None:
        return [*lines, "config:", *entry]
    place = start + 1
    while place < len(lines) and (not lines[place].strip() or lines[place].startswith((" ", "#"))):
        if lines[place].strip().startswith((f"{key}:", f'"{key}":', f"'{key}':")):
            end = place + 1
            indent = len(lines[place]) - len(lines[place].lstrip())
            while end < len(lines) and lines[end].startswith(" " * (indent + 1)):
                end += 1
            return [*lines[:place], *entry, *lines[end:]]
        place += 1
    while place > start + 1 and not lines[place - 1].strip():
        place -= 1
    return [*lines[:place], *entry, *lines[place:]]


def _dump(document: Any) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)).rstrip()


def _text(value: Any) -> str:
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


def _holds_secret(value: Any) -> bool:
    match value:
        case dict() if _is_secure(value):
            return True
        case dict():
            return any(map(_holds_secret, value.values()))
        case list():
            return any(map(_holds_secret, value))
    return False


def _revealed(value: Any, decrypt: Callable[[str], str]) -> Any:
    match value:
        case dict() if _is_secure(value):
            return decrypt(value["secure"])
        case dict():
            return {key: _revealed(member, decrypt) for key, member in value.items()}
        case list():
            return [_revealed(member, decrypt) for member in value]
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
