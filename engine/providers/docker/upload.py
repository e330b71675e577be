"""Files put into a container before it starts."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.values import Values

_EXECUTABLE, _READABLE = 0o744, 0o644


def content(upload: Values) -> bytes:
    """Return what the file holds.

    Raises:
        OSError: Its source cannot be read.
    """
    if encoded := upload.get("contentBase64"):
        return base64.b64decode(encoded)
    if source := upload.get("source"):
        return Path(source).read_bytes()
    return str(upload["content"]).encode()


def mode(upload: Values) -> int:
    """Return the file's permissions."""
    if permissions := upload.get("permissions"):
        return int(permissions, 8)
    return _EXECUTABLE if upload.get("executable") else _READABLE


def archive(upload: Values) -> bytes:
    """Pack a file, owned by root, the way Docker takes it at the container's root folder.

    Raises:
        OSError: Its source cannot be read.
    """
    data = content(upload)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo(str(upload["file"]).lstrip("/"))
        member.size, member.mode, member.mtime = len(data), mode(upload), int(time.time())
        tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def unpack(packed: bytes) -> tuple[bytes, int]:
    """Return content and permissions of the one file in an archive from Docker."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        member = tar.getmembers()[0]
        file = tar.extractfile(member)
        return (file.read() if file else b""), member.mode & 0o777


def described(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return what Docker says of a file in a container without sending it."""
    found: dict[str, Any] = json.loads(base64.b64decode(headers["X-Docker-Container-Path-Stat"]))
    return found
