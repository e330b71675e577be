"""All images from nothing, and again with nothing to do, with an empty Docker engine and without any cache.

Prints one row a figure, in seconds. Takes root on Debian: it starts an engine of its own and ends it again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.figures import Figures
from tests.e2e import harness, private_engine

AGAIN = 5


def main() -> int:
    """Measures one build from nothing and some that find everything there, and prints the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    figures = Figures()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for source in ("images", "messaging"):
            shutil.copytree(
                harness.ROOT / source, folder / source, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy(harness.ROOT / "requirements.lock", folder)
        with private_engine.running(folder / "docker") as address:

            def build() -> None:
                subprocess.run(
                    [sys.executable, "-m", "images", "build", "--source", "local"],
                    cwd=folder,
                    env=os.environ | {"DOCKER_HOST": address},
                    check=True,
                )

            figures.time("all images: from nothing", build)
            for _ in range(AGAIN):
                figures.time("all images: nothing to do", build)
    Console().print(figures.table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
