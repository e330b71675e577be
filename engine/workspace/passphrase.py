"""The passphrase secrets provider: AES-256-GCM under a key that PBKDF2 derives from a passphrase.

Byte for byte the CLI's: `encryptionsalt` is `v1:<salt>:<ciphertext of "pulumi">`, a ciphertext is
`v1:<nonce>:<sealed>`, all in base64. Which strings are secrets is decided elsewhere.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadInput, WrongPassphrase

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUNDS = 1_000_000
"""The CLI's; about a third of a second."""
VARIABLE = "PULUMI_CONFIG_PASSPHRASE"
FILE_VARIABLE = "PULUMI_CONFIG_PASSPHRASE_FILE"
_PROOF = "pulumi"


class Passphrase:
    """Encrypts and decrypts one stack's secrets. Safe to use from several threads.

    Deriving the key starts at once in the background, so that other work can go on meanwhile.

    Args:
        passphrase: may be empty.
        salt: the stack file's `encryptionsalt`.

    Raises:
        BadInput: the salt is not one.
    """

    def __init__(self, passphrase: str, salt: str) -> None:
        self.salt = salt
        self._parts = _split_salt(salt)
        self._key: bytes | None = None
        self._known: dict[str, str] = {}
        self._sealed: dict[str, str] = {}
        # Waited for at the interpreter's end: a thread that comes out of the cryptography library during that
        # aborts the process, whose exit code is then lost.
        self._ready = threading.Thread(target=self._derive, args=(passphrase,))
        self._ready.start()

    @classmethod
    def create(cls, passphrase: str) -> Passphrase:
        """A passphrase provider with a new salt."""
        raw = secrets.token_bytes(8)
        head = f"v1:{_b64(raw)}"
        made = cls(passphrase, f"{head}:v1::")
        made.salt = f"{head}:{made.encrypt(_PROOF)}"
        made._parts = _split_salt(made.salt)
        return made

    @classmethod
    @cache
    def of(cls, passphrase: str, salt: str) -> Passphrase:
        """The one provider of a passphrase and a salt, so that a key is derived once. Raises BadInput."""
        return cls(passphrase, salt)

    def verify(self) -> None:
        """Checks the passphrase against the salt.

        Raises:
            WrongPassphrase: it is not the one with which the salt was made.
        """
        try:
            if self.decrypt(self._parts[1]) == _PROOF:
                return
        except WrongPassphrase:
            pass
        raise WrongPassphrase(
            f"The passphrase does not fit this stack's secrets. Set {VARIABLE} or {FILE_VARIABLE} to the one "
            "with which the stack was created."
        )

    def encrypt(self, text: str) -> str:
        """The ciphertext; the same text keeps its ciphertext, so that unchanged state stays unchanged."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # heavy, and rarely needed

        sealed = self._sealed.get(text)
        if sealed is None:
            nonce = os.urandom(12)
            sealed = f"v1:{_b64(nonce)}:{_b64(AESGCM(self._derived()).encrypt(nonce, text.encode(), None))}"
            self._remember(sealed, text)
        return sealed

    def decrypt(self, sealed: str) -> str:
        """The text.

        Raises:
            WrongPassphrase: it was sealed with another passphrase, or it is damaged.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if sealed in self._known:
            return self._known[sealed]
        shape = re.fullmatch(r"v1:([^:]+):([^:]+)", sealed)
        try:
            nonce, body = map(base64.b64decode, shape.groups() if shape else ())
            text = AESGCM(self._derived()).decrypt(nonce, body, None).decode()
        except (ValueError, InvalidTag) as error:
            raise WrongPassphrase(
                "A secret cannot be decrypted: the passphrase is another one, or the ciphertext is damaged."
            ) from error
        self._remember(sealed, text)
        return text

    def _remember(self, sealed: str, text: str) -> None:
        self._known[sealed] = text
        self._sealed[text] = sealed

    def _derived(self) -> bytes:
        self._ready.join()
        if self._key is None:
            raise WrongPassphrase("No key could be derived from the passphrase.")
        return self._key

    def _derive(self, passphrase: str) -> None:
        # In less than half the time of hashlib's, which comes with an older OpenSSL.
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

        self._key = PBKDF2HMAC(SHA256(), 32, self._parts[0], ROUNDS).derive(passphrase.encode())


def from_environment(environment: Mapping[str, str]) -> str | None:
    """The passphrase that the environment gives, a file's without white space around it; None if none.

    Raises:
        BadInput: the file that it names cannot be read.
    """
    if VARIABLE in environment:
        return environment[VARIABLE]
    name = environment.get(FILE_VARIABLE)
    if not name:
        return None
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadInput(f"{FILE_VARIABLE} names {name!r}, which cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{FILE_VARIABLE} names {name!r}, which is not text in UTF-8.") from error


def derive_ahead(stack_file: Path, environment: Mapping[str, str]) -> None:
    """Starts deriving a stack's key while the engine still loads; whatever is wrong is told when it is used.

    Args:
        stack_file: the stack's configuration, with its `encryptionsalt`.
        environment: gives the passphrase; from a terminal it cannot be known yet.
    """
    with suppress(BadInput, OSError, UnicodeDecodeError):
        given = from_environment(environment)
        salt = re.search(
            r"^encryptionsalt:[ ]*(\S+)[ ]*$", stack_file.read_text(encoding="utf-8"), re.MULTILINE
        )
        if given is not None and salt:
            Passphrase.of(given, salt[1])


def _split_salt(salt: str) -> tuple[bytes, str]:
    shape = re.fullmatch(r"v1:([A-Za-z0-9+/=]+):(v1:.*)", salt)
    if shape is None:
        raise BadInput(
            f"The encryptionsalt {salt!r} is not one; it looks like v1:<base64>:v1:<base64>:<base64>. "
            "Take it from the stack's file in version control."
        )
    return base64.b64decode(shape[1]), shape[2]


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
