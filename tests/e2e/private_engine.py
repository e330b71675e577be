"""A Docker engine beside the machine's own, on an empty or a small data root and without networks."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from host.daemon import Daemon
from tests.e2e import harness

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def running(data_root: Path) -> Iterator[str]:
    """Starts an engine that keeps its data there, and ends it; yields its address for DOCKER_HOST."""
    folder = Path(tempfile.mkdtemp(prefix="engine-"))  # a socket's path may not be long
    address = f"unix://{folder}/docker.sock"
    places = (f"--data-root={data_root}", f"--exec-root={folder}/run", f"--pidfile={folder}/pid")
    # In a network namespace of its own: an engine without a bridge removes the one that it finds.
    alone = ("unshare", "--net", "dockerd", "--bridge=none", "--iptables=false", f"--host={address}")
    with (folder / "log").open("wb") as log:
        engine = subprocess.Popen([*alone, *places], stdout=log, stderr=log)
    try:
        harness.wait_for(Daemon(socket=folder / "docker.sock").answers, "the engine answers", 90)
        yield address
    finally:
        engine.terminate()
        engine.wait(60)
        shutil.rmtree(folder)
