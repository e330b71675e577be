"""A stack's configuration: what its file says, what the program gets of it, and how one value is changed.

How the file's text is edited, so that comments and order stay as people wrote them, is decided in
:mod:`engine.workspace.stackfile`. What the values mean is the program's affair.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import BadInput, Unsupported
from engine.workspace import stackfile
from engine.workspace.keys import full_key
from engine.workspace.members import is_secure
from engine.workspace.project import FILE, load_yaml, parse_yaml
from engine.workspace.scalars import number_text, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.workspace.declared import Declaration
    from engine.workspace.project import Project

_SECRET_NAMES = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)
_GUESSED_LENGTH = 16
_GUESSED_BITS = 40
"""From so many bits on, what stands under such a name is taken for made up by chance."""


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
        if document.get("environment"):
            raise BadInput(
                f"{file} has `environment`, which is a service of Pulumi Cloud. Take it out, and set its "
                "values with `pulumi config set`."
            )
        section = document.get("config") or {}
        if not isinstance(section, dict) or not all(isinstance(key, str) for key in section):
            raise BadInput(f"{file}: `config` has to be a mapping of keys to values.")
        spelled: dict[str, str] = {}
        for key in section:
            full = full_key(key, project.name, where=f"{file}: ")
            if full in spelled:
                raise BadInput(
                    f"{file} has {spelled[full]} and {key} under `config`, which are one key. "
                    "Take one of them out."
                )
            spelled[full] = key
        values = {full: section[key] for full, key in spelled.items()}
        return cls(project, file, values, str(document.get("encryptionsalt") or ""))

    def key(self, key: str) -> str:
        """The fully named key. Raises BadInput where it could be none."""
        return full_key(key, self.project.name)

    def for_program(self, decrypt: Callable[[str], str]) -> tuple[dict[str, str], list[str]]:
        """What the program is given: every value as a string, and which keys hold secrets."""
        texts: dict[str, str] = {}
        secret: list[str] = []
        for key, value in self._merged().items():
            if holds_secret(value):
                secret.append(key)
            texts[key] = as_text(revealed(value, decrypt))
        return texts, secret

    def check(self) -> None:
        """Holds the values against what Pulumi.yaml declares, as is done before a program runs.

        Of which type they are is left to the program, which tells all that is wrong with them at once.

        Raises:
            BadInput: values are missing, or not encrypted though they are secret.
            Unsupported: the file asks for another way to run the program than this engine's.
        """
        if self.project.unsupported:
            raise Unsupported(self.project.unsupported)
        values = self._merged()
        faults = [
            f"  {fault}"
            for key, declaration in self.project.declared.items()
            if (fault := _fault(key, declaration, values))
        ]
        if faults:
            lines = "\n".join(faults)
            raise BadInput(f"{self.file} does not keep to what {FILE} declares:\n{lines}")

    def _merged(self) -> dict[str, Any]:
        """What the file says and, where it says nothing, the project's defaults."""
        declared = self.project.declared.items()
        defaults = {key: one.default for key, one in declared if one.default is not None}
        return {**defaults, **self.values}

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
        """All ways in which the file may name a key; the first is the one to write."""
        full = self.key(key)
        namespace, _, short = full.partition(":")
        spellings = [full, f"{namespace}:config:{short}"]
        return [*spellings, short] if namespace == self.project.name else spellings

    def _text(self) -> str:
        return self.file.read_text(encoding="utf-8") if self.file.exists() else ""

    def _rewrite(self, text: str) -> None:
        file = self.file.resolve()
        written = file.with_name(f".{file.name}.new")
        written.write_text(text, encoding="utf-8")
        if file.exists():
            shutil.copymode(file, written)
        written.replace(file)


def looks_secret(key: str, text: str) -> bool:
    """Whether a value had better be encrypted: its key is named like a secret's, and it is hard to guess.

    This is an estimate: of different characters, each has as many bits as its kind has members.
    """
    if not _SECRET_NAMES.search(key.partition(":")[2] or key):
        return False
    seen = set(text[:_GUESSED_LENGTH])
    kinds = ((str.isdigit, 10), (str.islower, 26), (str.isupper, 26))
    members = sum(size for is_kind, size in kinds if any(map(is_kind, seen)))
    members += 33 * any(not letter.isalnum() for letter in seen)
    return len(seen) * math.log2(members or 1) >= _GUESSED_BITS


def as_text(value: Any) -> str:
    """A value of the stack's file as the program gets it: objects and lists as JSON."""
    match value:
        case str():
            return value
        case None:
            return ""
        case float():
            return number_text(value)
        case bool() | dict() | list() | int():
            return json.dumps(whole_numbers(value), separators=(",", ":"))
    return str(value)


def _fault(key: str, declaration: Declaration, values: Mapping[str, Any]) -> str | None:
    """In which way a key's value does not keep to its declaration; None if it does."""
    if key not in values:
        return f"{key} has no value and no default; give it one: `pulumi config set {key} VALUE`"
    if declaration.type and declaration.secret and not holds_secret(values[key]):
        return f"{key} must be encrypted as it's secret: `pulumi config set --secret {key}`"
    return None


def holds_secret(value: Any) -> bool:
    """Whether a value of the stack's file is a secret or has one in it."""
    match value:
        case dict() if is_secure(value):
            return True
        case dict():
            return any(map(holds_secret, value.values()))
        case list():
            return any(map(holds_secret, value))
    return False


def revealed(value: Any, decrypt: Callable[[str], str]) -> Any:
    """A value of the stack's file with its secrets decrypted."""
    match value:
        case dict() if is_secure(value):
            return decrypt(value["secure"])
        case dict():
            return {key: revealed(member, decrypt) for key, member in value.items()}
        case list():
            return [revealed(member, decrypt) for member in value]
    return value


def _secrets(value: Any, decrypt: Callable[[str], str]) -> list[str]:
    match value:
        case dict() if is_secure(value):
            return [decrypt(value["secure"])]
        case dict():
            return [secret for member in value.values() for secret in _secrets(member, decrypt)]
        case list():
            return [secret for member in value for secret in _secrets(member, decrypt)]
    return []
