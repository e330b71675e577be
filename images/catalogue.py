"""Which images exist, what each is made of, and the name that follows from it.

An image is a folder here. What lies in the folder decides how it is built (:mod:`images.build`):

* ``packages``: names of Debian packages, one a line;
* ``pom.xml`` with ``artifacts.sha256``: artifacts from Maven repositories;
* ``requirements.lock``: hashed Python packages;
* ``Dockerfile``: how the rest comes together.

This module only reads files; it runs nothing and knows nothing of Docker.
"""

from __future__ import annotations

import hashlib
import platform
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROJECT = Path(__file__).resolve().parent.parent
"""The checkout."""

SUITE = "trixie"
"""The Debian release that all images are built on; the host may run another."""

NAMESPACE = "iot-platform"
"""First part of every image's name."""

LABEL = "com.iotplatform.messaging"
"""Prefix of the labels by which the images are known again."""

CHECKOUT = hashlib.sha256(str(PROJECT).encode()).hexdigest()[:12]
"""Stands for this checkout among those that build on the same engine."""

RECIPE = "2"
"""Raise it when a change of this package's code changes what ends up in an image."""

_NOT_INPUTS = frozenset({"__pycache__", "README.md"})


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image of the catalogue."""

    role: str
    """What it stands for: its folder's name and its repository under :data:`NAMESPACE`."""
    version: str
    """The product's version: first part of the tag, and Maven's ``revision``."""
    title: str
    """One line for ``docker inspect`` and for the list."""
    parent: str | None = None
    """The role of the image that it is built from; None for the one made from nothing."""
    tools: tuple[str, ...] = ()
    """Roles of images that its workshop takes files from; the Dockerfile's ``KAFKA`` is that of ``kafka``."""
    sources: tuple[str, ...] = ()
    """Paths of the project, from its root, that are copied in besides the folder."""
    site_key: str | None = None
    """Its key under ``images`` in the site file; None for an image that no container runs."""

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return PROJECT / "images" / self.role


IMAGES: tuple[Image, ...] = (
    Image(role="base", version=SUITE, title="Debian with the site's certificates"),
    Image(role="java", version="21", title="Java runtime", parent="base"),
    Image(
        role="kafka",
        version="4.1.2",
        title="Apache Kafka broker and controller",
        parent="java",
        site_key="kafka",
    ),
    Image(
        role="schema-registry",
        version="3.3.3",
        title="Apicurio Registry behind the paths of Confluent's",
        parent="java",
        tools=("kafka",),
        site_key="schemaRegistry",
    ),
    Image(
        role="haproxy",
        version="3.0",
        title="HAProxy load balancer",
        parent="base",
        site_key="loadBalancer",
    ),
    Image(
        role="console",
        version="0.1.0",
        title="Read-only web console of the platform",
        parent="base",
        sources=("messaging/__init__.py", "messaging/console"),
        site_key="console",
    ),
)
"""All images, each after its parent and its tools."""


@dataclass(frozen=True, kw_only=True)
class Named:
    """An image with the name that its inputs give it."""

    image: Image
    inputs: str
    """SHA-256 over everything that it is built from, its parents and tools included."""
    parent: Named | None = field(repr=False)
    tools: tuple[Named, ...] = field(default=(), repr=False)

    @property
    def reference(self) -> str:
        """Repository and tag, as containers are given it."""
        return f"{NAMESPACE}/{self.image.role}:{self.image.version}-{self.inputs[:12]}"


def name_all(
    certificates: Mapping[str, bytes], images: Iterable[Image] = IMAGES, *, project: Path = PROJECT
) -> dict[str, Named]:
    """Every image by role, named after what it would be built from now.

    Args:
        certificates: the host's extra CA certificates by file name; they are part of the base.
        images: parents and tools first.
        project: root of the checkout.
    """
    named: dict[str, Named] = {}
    for image in images:
        parent = named[image.parent] if image.parent else None
        tools = tuple(named[role] for role in image.tools)
        digest = hashlib.sha256()
        origin = parent.inputs if parent else f"{SUITE} {platform.machine()} {_certificates(certificates)}"
        inputs = (RECIPE, image.role, image.version, image.title, origin, *(tool.inputs for tool in tools))
        for part in inputs:
            digest.update(part.encode() + b"\0")
        for path in _files(image, project):
            digest.update(f"{path.relative_to(project)}\0{_executable(path)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        named[image.role] = Named(image=image, inputs=digest.hexdigest(), parent=parent, tools=tools)
    return named


def family(named: Named) -> list[Named]:
    """The image after all that it is built on, the oldest first."""
    return [*(family(named.parent) if named.parent else []), named]


def needs(named: Named) -> list[Named]:
    """What must be there before the image is built: its parent and its tools."""
    return [*([named.parent] if named.parent else []), *named.tools]


def package_names(image: Image, *, project: Path = PROJECT) -> list[str]:
    """The Debian packages of an image's ``packages`` file, without its comments; empty if it has none."""
    listing = project / "images" / image.role / "packages"
    if not listing.exists():
        return []
    return [name for line in listing.read_text().splitlines() for name in line.partition("#")[0].split()]


def _files(image: Image, project: Path) -> list[Path]:
    roots = [project / "images" / image.role, *(project / source for source in image.sources)]
    files: list[Path] = []
    for root in roots:
        found = [root] if root.is_file() else sorted(root.rglob("*"))
        files += [path for path in found if path.is_file() and not _NOT_INPUTS & set(path.parts)]
    return files


def _executable(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXUSR)


def _certificates(certificates: Mapping[str, bytes]) -> str:
    return " ".join(
        f"{name}={hashlib.sha256(content).hexdigest()}" for name, content in sorted(certificates.items())
    )
