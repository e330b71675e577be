"""An image of a shell and a few commands, packed from this host: no registry and no build is needed."""

from __future__ import annotations

import io
import subprocess
import tarfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

COMMANDS = ("/bin/sh", "/bin/sleep", "/bin/cat", "/bin/test", "/bin/true")


@contextmanager
def small_image(engine: docker.DockerClient) -> Iterator[str]:
    """The image's name while it is there."""
    files = {path: Path(path).resolve() for path in COMMANDS}
    for binary in list(files.values()):
        listed = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=True).stdout
        for word in listed.split():
            if word.startswith("/"):
                files[word] = Path(word).resolve()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, file in files.items():
            tar.add(file, arcname=name)
    repository = f"messaging-test-{uuid.uuid4().hex[:8]}"
    changes = ['CMD ["/bin/sleep", "600"]', "ENV FROM_IMAGE=1"]
    engine.api.import_image_from_data(packed.getvalue(), repository=repository, tag="1", changes=changes)
    try:
        yield f"{repository}:1"
    finally:
        engine.images.remove(f"{repository}:1", force=True)
