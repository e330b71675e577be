"""Talks to the Docker engine through its command line: which images there are, and making new ones.

The command line and not the SDK, because it follows the user's context and starts in a fraction of the
time. Builds use the classic builder, which every engine since 20.10 has, without network: all downloads
happened before, on the host.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from images import client
from images.catalogue import CHECKOUT, LABEL
from images.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from images.steps import Log


WORKSHOP = "assembled"
"""The stage of a Dockerfile that only makes files for the last one."""

# By their names and not by a label, which the images made of them would inherit.
_CONTAINERS = f"images-build-{CHECKOUT}-"


@dataclass(frozen=True, kw_only=True)
class Present:
    """An image that the engine has."""

    id: str
    reference: str
    """Repository and tag; the id for an image without a tag."""
    size: str
    """As Docker prints it, such as ``312MB``."""


def present(*, ours: bool = False, signed: bool = False, built_here: bool = False) -> list[Present]:
    """The engine's images.

    Args:
        ours: only those that carry this project's labels.
        signed: only those that say which checkout built them.
        built_here: only those that this checkout built.
    """
    chosen = [f"--filter=label={LABEL}.inputs"] if ours else []
    chosen += [f"--filter=label={LABEL}.checkout"] if signed else []
    chosen += [f"--filter=label={LABEL}.checkout={CHECKOUT}"] if built_here else []
    output = _ask("image", "ls", "--no-trunc", "--format={{json .}}", *chosen)
    rows = [json.loads(line) for line in output.splitlines()]
    return [
        Present(
            id=row["ID"],
            reference=row["ID"] if "<none>" in row["Tag"] else f"{row['Repository']}:{row['Tag']}",
            size=row["Size"],
        )
        for row in rows
    ]


def in_use() -> set[str]:
    """What containers, running or not, were made from: image references and ids."""
    containers = _ask("container", "ls", "--all", "--quiet", "--no-trunc").split()
    if not containers:
        return set()
    return set(_ask("inspect", "--format={{.Image}} {{.Config.Image}}", *containers).split())


def remove(reference: str) -> None:
    """Removes an image's name, and the image with its last name."""
    _ask("image", "rm", reference)


def load_root(tarball: Path, reference: str, labels: Mapping[str, str], log: Log) -> None:
    """Makes an image of a root file system in a tar file."""
    changes = [f"--change=LABEL {name}={json.dumps(value)}" for name, value in labels.items()]
    log.run(["docker", "import", *changes, tarball, reference])


def build(
    context: Path,
    reference: str,
    *,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    log: Log,
) -> None:
    """Builds a folder's Dockerfile, to which it adds the labels."""
    words = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    recipe = context / "Dockerfile"
    workshop = f"{LABEL}.workshop"
    # As options, each label would be a step with a container of its own.
    recipe.write_text(
        re.sub(rf"(?m)^(FROM .* AS {WORKSHOP})$", rf'\1\nLABEL {workshop}="{reference}"', recipe.read_text())
        + f"LABEL {' '.join(f'{name}={json.dumps(value)}' for name, value in labels.items())}\n"
    )
    with client.without_proxies(os.environ) as environment:
        log.run(
            ["docker", "build", "--network=none", "--force-rm", f"--tag={reference}", *words, context],
            environment={**environment, "DOCKER_BUILDKIT": "0"},
        )
    try:
        _refuse_proxies("image", reference)
    except ImageError:
        remove(reference)
        raise
    # The classic builder keeps the stages' images, without a name, for a next build that never comes.
    unnamed = ["--filter=dangling=true", f"--filter=label={workshop}={reference}"]
    for left_over in _ask("image", "ls", "--quiet", "--no-trunc", *unnamed).split():
        remove(left_over)


@contextmanager
def container(image: str, command: Sequence[str]) -> Iterator[str]:
    """A container without network that is made but not started; removed at the end. Yields its id."""
    name = f"{_CONTAINERS}{uuid.uuid4().hex[:8]}"
    with client.without_proxies(os.environ) as environment:
        words = ["--network=none", "--user=0", f"--name={name}", image, *command]
        made = _ask("container", "create", *words, environment=environment).strip()
    try:
        yield made
    finally:
        _ask("container", "rm", "--force", "--volumes", made)


def remove_left_over() -> None:
    """Removes the containers of this checkout's builds that were killed; none may be running."""
    left = _ask("container", "ls", "--all", "--quiet", f"--filter=name=^/?{_CONTAINERS}").split()
    if left:
        _ask("container", "rm", "--force", "--volumes", *left)


def read_file(container_id: str, path: str) -> bytes:
    """A file's content in a container."""
    with tarfile.open(
        fileobj=io.BytesIO(_output("container", "cp", f"{container_id}:{path}", "-"))
    ) as archive:
        member = archive.extractfile(archive.next() or tarfile.TarInfo())
        return member.read() if member else b""


def commit(container_id: str, labels: Mapping[str, str], reference: str = "") -> str:
    """Makes an image of a container's file system; returns its id.

    Raises:
        ImageError: it would hold the address of a proxy.
    """
    _refuse_proxies("container", container_id)
    changes = [f"--change=LABEL {name}={json.dumps(value)}" for name, value in labels.items()]
    changes += ['--change=CMD ["bash"]', "--change=USER 0"]
    return _ask("container", "commit", *changes, container_id, *filter(None, [reference])).strip()


def _refuse_proxies(kind: str, name: str) -> None:
    """A proxy's address may hold a password, and is wrong wherever the image goes."""
    environment = json.loads(_ask(kind, "inspect", "--format={{json .Config.Env}}", name)) or []
    found = sorted({key for key in (pair.partition("=")[0] for pair in environment) if _is_proxy(key)})
    if found:
        raise ImageError(
            f"Docker puts {', '.join(found)} into what it builds, and an image must not hold a proxy: "
            "take it out of the configuration of Docker's client or engine."
        )


def _is_proxy(variable: str) -> bool:
    return variable.lower().endswith("_proxy")


def _ask(*words: str, environment: Mapping[str, str] | None = None) -> str:
    return _output(*words, environment=environment).decode()


def _output(*words: str, environment: Mapping[str, str] | None = None) -> bytes:
    try:
        # In a session of its own: an interrupted `create` that goes on says what to remove.
        done = subprocess.run(
            ["docker", *words], capture_output=True, check=False, env=environment, start_new_session=True
        )
    except FileNotFoundError:
        raise ImageError(
            "`docker` is not installed. `make up` installs it as root on Debian and Ubuntu; "
            "otherwise install Docker's command line and engine."
        ) from None
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip()
        raise ImageError(f"`docker {' '.join(words[:2])}` failed: {message}")
    return done.stdout
