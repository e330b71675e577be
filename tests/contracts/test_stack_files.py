"""Project file and stack files: described keys, known keys, no secret in clear, the documented salt."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import levels
import settings

PROJECT = Path(__file__).resolve().parents[2]
STACK_FILES = sorted(path.name for path in PROJECT.glob("Pulumi.*.yaml"))
LOOKS_SECRET = re.compile(r"password|secret|token|credential|private", re.IGNORECASE)


def document(name: str) -> dict[str, Any]:
    content = yaml.safe_load((PROJECT / name).read_text())
    assert isinstance(content, dict)
    return content


def declared() -> dict[str, dict[str, Any]]:
    return dict(document("Pulumi.yaml")["config"])


def test_there_is_a_stack_for_development_and_one_for_production() -> None:
    assert {"Pulumi.dev.yaml", "Pulumi.prod.yaml"} <= set(STACK_FILES)


def test_every_key_of_the_project_has_a_type_and_a_description() -> None:
    for key, declaration in declared().items():
        assert key.startswith("messaging:")
        assert declaration["type"] in {"string", "integer", "object"}
        assert declaration["description"]


def test_only_the_environment_must_be_stated() -> None:
    """The CLI asks every stack for a declared key without a default."""
    assert [key for key, one in declared().items() if "default" not in one] == ["messaging:environment"]


def test_the_project_declares_what_the_settings_read() -> None:
    scalars = {"environment", "instance", "portOffset", "rollFirst", "schemaRegistryPassword"}

    assert {key.removeprefix("messaging:") for key in declared()} == scalars | set(settings._SECTIONS)


@pytest.mark.parametrize("name", STACK_FILES)
def test_a_stack_file_has_known_keys_only(name: str) -> None:
    assert set(document(name)["config"]) <= set(declared())


@pytest.mark.parametrize("name", STACK_FILES)
def test_a_stack_file_states_its_environment_and_nothing_that_is_the_default(name: str) -> None:
    config = document(name)["config"]

    assert config["messaging:environment"] in levels.LEVELS
    for key, value in config.items():
        assert value != declared()[key].get("default"), key


@pytest.mark.parametrize("name", STACK_FILES)
def test_a_stack_file_holds_no_secret_in_clear(name: str) -> None:
    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                assert not LOOKS_SECRET.search(key) or set(inner) == {"secure"}, f"{path}.{key}"
                walk(inner, f"{path}.{key}")

    walk(document(name)["config"], name)


def test_the_development_stacks_salt_is_that_of_the_empty_passphrase() -> None:
    _, salt, _, nonce, ciphertext = document("Pulumi.dev.yaml")["encryptionsalt"].split(":")
    key = hashlib.pbkdf2_hmac("sha256", b"", base64.b64decode(salt), 1_000_000, 32)

    opened = AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(ciphertext), None)

    assert opened == b"pulumi"
