"""Decides where images come from: public ones from their registries, or drop-ins built here.

A decision stays once it is made: a stack with data refuses to change its images' source.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from images import daemon
from images.catalogue import PROJECT
from images.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VARIABLE = "MESSAGING_IMAGE_SOURCE"
"""The environment's word on it."""

LOCAL = "local"
REGISTRY = "registry"
AUTO = "auto"

PINS = PROJECT / "images" / "registry.yaml"

_SECONDS = 3


@dataclass(frozen=True)
class Decision:
    """A source and the reason for it."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


def decide(
    asked: str | None,
    *,
    site: Mapping[str, Any],
    environment: Mapping[str, str],
    unreachable: Callable[[], Mapping[str, str]],
) -> Decision:
    """Chooses a source.

    Args:
        asked: what the command line says: ``local``, ``registry``, ``auto`` to decide anew, or None.
        site: content of the site file, with an earlier decision.
        environment: environment variables.
        unreachable: finds out which registries do not answer, and why; called only where needed.

    Raises:
        ImageError: a word that counts is neither of the two sources.
    """
    if asked in {LOCAL, REGISTRY}:
        return Decision(asked, "asked for on the command line")
    if asked not in {None, AUTO}:
        raise ImageError(f"--source is '{asked}': it must be {LOCAL}, {REGISTRY} or {AUTO}")
    word = environment.get(VARIABLE)
    if word:
        if word not in {LOCAL, REGISTRY}:
            raise ImageError(f"{VARIABLE} is '{word}': it must be {LOCAL} or {REGISTRY}, or not be set")
        return Decision(word, f"{VARIABLE} says so")
    earlier = site.get("imageSource")
    if asked is None and earlier is not None:
        if earlier not in (LOCAL, REGISTRY):
            raise ImageError(
                f"imageSource in .site.yaml is '{earlier}': it must be {LOCAL} or {REGISTRY}, "
                "or not be there to be decided"
            )
        return Decision(earlier, "decided earlier, in .site.yaml (`--source auto` decides anew)")
    silent = unreachable()
    if silent:
        reasons = "; ".join(f"{registry}: {reason}" for registry, reason in silent.items())
        return Decision(LOCAL, f"not every container registry answers ({reasons})")
    return Decision(REGISTRY, "the container registries answer")


def current(asked: str | None, site: Mapping[str, Any]) -> Decision:
    """:func:`decide` for this machine."""
    return decide(asked, site=site, environment=os.environ, unreachable=unreachable_registries)


def pins() -> dict[str, str]:
    """The pinned public images by role."""
    return dict(yaml.safe_load(PINS.read_text()))


def unreachable_registries() -> dict[str, str]:
    """The registries of the pinned images that do not answer the Docker engine, with the reason.

    The engine is asked, and not the network from here: it has its own proxy and mirrors. A registry
    counts as answering for images that the engine already has.
    """
    there = {image.reference for image in daemon.present()}
    # One image stands for its registry: Docker's own holds the names without a host.
    one_each = {_registry(pin): pin for pin in pins().values() if pin not in there}
    with ThreadPoolExecutor(max_workers=max(1, len(one_each))) as pool:
        answers = pool.map(_why_silent, one_each.values())
    return {registry: reason for registry, reason in zip(one_each, answers, strict=True) if reason}


def _registry(reference: str) -> str:
    first, _, rest = reference.partition("/")
    return first if rest and ("." in first or ":" in first) else "docker.io"


def _why_silent(reference: str) -> str:
    """Why the engine gets no answer about an image from its registry; empty if it does."""
    # Imported here: only a first decision needs it, and it would double every command's start.
    import docker
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        client = docker.from_env(timeout=_SECONDS)
        client.api.inspect_distribution(reference)  # type: ignore[no-untyped-call]
    except APIError as error:
        explanation = str(error.explanation or error)
        return explanation.rstrip('")').rpartition(": ")[2] or explanation
    except (DockerException, RequestException):
        return f"no answer within {_SECONDS} s"
    return ""
