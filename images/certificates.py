"""The CA certificates that this site adds to Debian's: what downloads and images trust besides.

They are the host's and stay out of the repository: the base image's build copies them from the host.
"""

from __future__ import annotations

import ssl
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = Path("/usr/local/share/ca-certificates")
"""Where Debian's administrators put them; in the images too."""


def of_host(folder: Path = FOLDER) -> dict[str, bytes]:
    """The added certificates by file name; empty where there are none."""
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.crt"))}


@contextmanager
def bundle(added: Mapping[str, bytes]) -> Iterator[Path]:
    """A file with all certificates that the host trusts and the added ones, for as long as the context lasts.

    The host's own list may lack the added ones: it is only renewed by ``update-ca-certificates``.
    """
    system = ssl.get_default_verify_paths().cafile
    parts = [Path(system).read_bytes()] if system else []
    with tempfile.NamedTemporaryFile(prefix="images-trust-", suffix=".pem") as file:
        file.write(b"\n".join([*parts, *added.values()]))
        file.flush()
        path = Path(file.name)
        path.chmod(0o644)  # apt downloads as a user of its own
        yield path
