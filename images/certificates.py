"""The CA certificates that this site adds to Debian's: what downloads and images trust besides.

They are the host's and stay out of the repository: the base image's build copies them from the host.
"""

from __future__ import annotations

import hashlib
import re
import ssl
import tempfile
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

JAVA_PASSWORD = "changeit"  # noqa: S105 - a trust store must have one; certificates are no secret
"""What opens the store for Java."""

FOLDER = Path("/usr/local/share/ca-certificates")
"""Where Debian's administrators put them; in the images too."""


def of_host(folder: Path = FOLDER) -> dict[str, bytes]:
    """The added certificates by a file name for each, with its sub-folders in it; empty where none are."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*.crt")):
        if path.is_file():
            name = "-".join(path.relative_to(folder).parts)
            content = path.read_bytes()
            # Sub-folders may still lead to one name: no certificate takes another's place.
            found[f"{hashlib.sha256(content).hexdigest()[:8]}-{name}" if name in found else name] = content
    return found


def no_files(folder: Path = FOLDER) -> list[Path]:
    """What has a certificate's name and is none: a folder, or a link to nothing."""
    return [path for path in sorted(folder.rglob("*.crt")) if not path.is_file()]


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Files with all certificates that the host trusts and the added ones."""

    pem: Path
    """For apt and pip."""
    java: Path
    """The same for Java, which goes by a store of its own."""


@contextmanager
def bundle(added: Mapping[str, bytes]) -> Iterator[Trust]:
    """What downloads trust, for as long as the context lasts.

    The host's own lists may lack the added ones: they are only renewed by ``update-ca-certificates``.
    """
    system = ssl.get_default_verify_paths().cafile
    parts = [Path(system).read_bytes()] if system else []
    with tempfile.TemporaryDirectory(prefix="images-trust-") as name:
        folder = Path(name)
        trust = Trust(pem=folder / "trust.pem", java=folder / "trust.p12")
        trust.pem.write_bytes(b"\n".join([*parts, *added.values()]))
        trust.java.write_bytes(_java_store(trust.pem.read_bytes()))
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755)  # apt downloads as a user of its own
        yield trust


def _java_store(pem: bytes) -> bytes:
    # Imported here: only a build needs it, and it would slow every command's start.
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
    from cryptography.utils import CryptographyDeprecationWarning

    found = []
    for block in re.findall(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL):
        with warnings.catch_warnings():
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            # Old roots break today's rules for serial numbers; no site's certificate should.
            with suppress(ValueError, CryptographyDeprecationWarning):
                found.append(x509.load_pem_x509_certificate(block))
    entries = [pkcs12.PKCS12Certificate(one, str(number).encode()) for number, one in enumerate(found)]
    encryption = BestAvailableEncryption(JAVA_PASSWORD.encode())
    return pkcs12.serialize_java_truststore(entries, encryption)
