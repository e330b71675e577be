"""Follows the context of the ``docker`` command to its engine, so that both mean the same one.

Docker's libraries and Pulumi's provider know ``DOCKER_HOST`` alone. Choosing and making contexts is left to
``docker context``; one that cannot be read changes nothing, and the ``docker`` command itself says why.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_DEFAULT = "default"


def follow(environment: MutableMapping[str, str]) -> None:
    """Sets ``DOCKER_HOST``, and where its certificates are, to what the chosen context says.

    Does nothing where ``DOCKER_HOST`` is set, as the ``docker`` command does.

    Args:
        environment: environment variables; changed in place, for this process and its children.
    """
    if environment.get("DOCKER_HOST"):
        return
    folder = _folder(environment)
    name = environment.get("DOCKER_CONTEXT") or _read(folder / "config.json").get("currentContext")
    if not isinstance(name, str) or name in {"", _DEFAULT}:
        return
    key = hashlib.sha256(name.encode()).hexdigest()
    endpoints = _read(folder / "contexts" / "meta" / key / "meta.json").get("Endpoints")
    engine = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(engine, dict) or not engine.get("Host"):
        return
    environment["DOCKER_HOST"] = str(engine["Host"])
    certificates = folder / "contexts" / "tls" / key / "docker"
    if certificates.is_dir():
        environment["DOCKER_CERT_PATH"] = str(certificates)
        if not engine.get("SkipTLSVerify"):
            environment["DOCKER_TLS_VERIFY"] = "1"


def _folder(environment: MutableMapping[str, str]) -> Path:
    named = environment.get("DOCKER_CONFIG")
    return Path(named) if named else Path(environment.get("HOME") or "/") / ".docker"


def _read(path: Path) -> dict[str, Any]:
    """A file's JSON object; empty if there is none."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
