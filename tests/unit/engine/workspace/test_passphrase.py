"""The passphrase secrets provider, held against the format written out a second time with the primitives."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadInput, WrongPassphrase
from engine.workspace import passphrase as phrases
from engine.workspace.passphrase import Passphrase

if TYPE_CHECKING:
    from pathlib import Path

SALT = b"\x01\x02\x03\x04\x05\x06\x07\x08"


def encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@cache
def key_of(passphrase: str) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), SALT, 1_000_000, 32)


def seal(passphrase: str, text: str) -> str:
    nonce = os.urandom(12)
    return f"v1:{encode(nonce)}:{encode(AESGCM(key_of(passphrase)).encrypt(nonce, text.encode(), None))}"


@pytest.fixture(scope="module")
def salt() -> str:
    return f"v1:{encode(SALT)}:{seal('correct horse', 'pulumi')}"


@pytest.fixture(scope="module")
def known(salt: str) -> Passphrase:
    return Passphrase("correct horse", salt)


def test_the_right_passphrase_fits_a_salt_that_another_tool_wrote(known: Passphrase) -> None:
    known.verify()


def test_what_another_tool_sealed_is_opened(known: Passphrase) -> None:
    assert known.decrypt(seal("correct horse", "geheim ✓")) == "geheim ✓"


@settings(max_examples=50)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_is_opened_by_someone_with_the_same_passphrase(text: str) -> None:
    sealed = SHARED.encrypt(text)

    assert SHARED_AGAIN.decrypt(sealed) == text


SHARED = Passphrase("", f"v1:{encode(SALT)}:v1::")
SHARED_AGAIN = Passphrase("", f"v1:{encode(SALT)}:v1::")


def test_an_unchanged_secret_keeps_its_ciphertext(known: Passphrase) -> None:
    sealed = seal("correct horse", "unchanged")

    assert known.encrypt(known.decrypt(sealed)) == sealed


def test_another_passphrase_is_told_so_with_the_variables_to_set(salt: str) -> None:
    with pytest.raises(WrongPassphrase, match="PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"):
        Passphrase("battery staple", salt).verify()


@pytest.mark.parametrize("sealed", ["", "hunter2", "v1:AAAA:AAAA", "v2:AAAA:AAAA", "v1:!:!"])
def test_a_damaged_ciphertext_is_no_traceback(known: Passphrase, sealed: str) -> None:
    with pytest.raises(WrongPassphrase, match="cannot be decrypted"):
        known.decrypt(sealed)


def test_a_changed_ciphertext_is_noticed(known: Passphrase) -> None:
    head, nonce, body = seal("correct horse", "amount=1").split(":")
    raw = bytearray(base64.b64decode(body))
    raw[7] ^= 1

    with pytest.raises(WrongPassphrase):
        known.decrypt(f"{head}:{nonce}:{encode(bytes(raw))}")


def test_a_new_salt_fits_its_passphrase_the_empty_one_too() -> None:
    made = Passphrase.create("")

    Passphrase("", made.salt).verify()
    with pytest.raises(WrongPassphrase):
        Passphrase("x", made.salt).verify()


@pytest.mark.parametrize("salt", ["", "v1:", "v2:AAAA:v1:a:b", "AAAA"])
def test_a_salt_that_is_none_is_refused_before_any_work(salt: str) -> None:
    with pytest.raises(BadInput, match="The encryptionsalt"):
        Passphrase("x", salt)


def test_an_empty_passphrase_in_the_environment_is_one_and_an_unset_one_is_none() -> None:
    assert phrases.from_environment({"PULUMI_CONFIG_PASSPHRASE": ""}) == ""
    assert phrases.from_environment({}) is None
    assert phrases.from_environment({"PULUMI_CONFIG_PASSPHRASE_FILE": ""}) is None


def test_the_passphrase_wins_over_the_file_and_a_files_white_space_is_not_part_of_it(tmp_path: Path) -> None:
    file = tmp_path / "phrase"
    file.write_text("  correct horse \n\n")

    from_file = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}
    assert phrases.from_environment(from_file) == "correct horse"
    assert phrases.from_environment({**from_file, "PULUMI_CONFIG_PASSPHRASE": "battery"}) == "battery"


def test_a_passphrase_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"missing.*cannot be read: No such file"):
        phrases.from_environment({"PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "missing")})
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not text in UTF-8"):
        phrases.from_environment({"PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "binary")})


def test_the_key_that_was_derived_ahead_is_the_one_that_is_used(tmp_path: Path, salt: str) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(f"encryptionsalt: {salt}\nconfig: {{}}\n")

    phrases.derive_ahead(file, {phrases.VARIABLE: "correct horse"})

    before = Passphrase.of.cache_info()
    Passphrase.of("correct horse", salt).verify()
    after = Passphrase.of.cache_info()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)


def test_no_process_is_taken_apart_while_its_key_is_being_derived(salt: str) -> None:
    script = (
        "import atexit, sys\n"
        "from engine.workspace.passphrase import Passphrase\n"
        "made = Passphrase('correct horse', sys.argv[1])\n"
        "atexit.register(lambda: print('derived' if made._key else 'under way'))\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script, salt], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "derived\n", "")


@pytest.mark.parametrize(
    ("content", "environment"),
    [
        (None, {phrases.VARIABLE: "x"}),
        ("config: {}\n", {phrases.VARIABLE: "x"}),
        ("encryptionsalt: none\n", {phrases.VARIABLE: "x"}),
        ("encryptionsalt: v1:AAAA:v1:AAAA:AAAA\n", {}),
        ("encryptionsalt: v1:AAAA:v1:AAAA:AAAA\n", {phrases.FILE_VARIABLE: "/nowhere"}),
    ],
)
def test_what_keeps_a_key_from_being_derived_ahead_is_left_to_whoever_needs_the_key(
    tmp_path: Path, content: str | None, environment: dict[str, str]
) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    if content is not None:
        file.write_text(content)

    phrases.derive_ahead(file, environment)
