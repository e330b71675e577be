"""The Docker client's configuration for builds: the user's own, without what it would put into containers.

The client hands the ``proxies`` of its ``config.json`` to every container it makes and to every step of a
Dockerfile, and a container's environment becomes that of the image committed from it.
"""

from __future__ import annotations

import json
import os
import pwd
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FILE = "config.json"
# A build pulls nothing, so passwords for container registries stay where they are, too.
_LEFT_OUT = frozenset({"proxies", "auths"})


@contextmanager
def without_proxies(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Environment variables under which the client knows no proxies, for as long as the context lasts.

    Contexts, certificates and plugins of the user's configuration count as ever.
    """
    folder = Path(environment.get("DOCKER_CONFIG") or _home(environment) / ".docker").absolute()
    content = _read(folder / _FILE)
    # Docker's client takes a key in any case.
    if not any(key.lower() == "proxies" for key in content):
        yield dict(environment)
        return
    with tempfile.TemporaryDirectory(prefix="images-docker-") as name:
        own = Path(name)
        for path in folder.iterdir():
            if path.name != _FILE:
                (own / path.name).symlink_to(path)
        kept = {key: value for key, value in content.items() if key.lower() not in _LEFT_OUT}
        (own / _FILE).touch(mode=0o600)
        (own / _FILE).write_text(json.dumps(kept))
        yield {**environment, "DOCKER_CONFIG": name}


def _home(environment: Mapping[str, str]) -> Path:
    """Where the client looks for the user's folder; without one, where it runs."""
    if named := environment.get("HOME"):
        return Path(named)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path()


def _read(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}  # the client does without what it cannot read, and says so itself
    return content if isinstance(content, dict) else {}
