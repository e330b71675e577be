"""Which Debian packages the platform and its tests need, and how the missing ones get installed.

Installs only as root on Debian or Ubuntu and only when ``DOCKER_HOST`` is unset: whoever points at a
Docker engine elsewhere, be it by a context, has set the machine up. It leaves starting Docker to
:mod:`host.daemon`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from host.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Need:
    """One package, and the command that proves it is there."""

    package: str
    """Debian's name of it, which every release has."""
    rather: str = ""
    """A package that is taken instead where apt offers it: releases differ."""
    why: str
    """What stops working without it, for the list that is shown."""
    command: str = ""
    """A command it brings; found on PATH (or in /usr/sbin), the package counts as installed."""
    file: str = ""
    """A file it brings, for a package without commands."""


_CLIENT = Need(package="docker.io", rather="docker-cli", command="docker", why="builds the images")
"""Older releases have Docker's command in the engine's package, newer ones in a package of its own."""
DOCKER: tuple[Need, ...] = (
    Need(package="docker.io", command="dockerd", why="runs the containers"),
    _CLIENT,
    Need(package="iptables", command="iptables", why="Docker's networks"),
)
"""What running a Docker engine on this machine needs."""

PLATFORM: tuple[Need, ...] = (
    *DOCKER,
    Need(package="python3-venv", why="the virtual environment"),
    Need(package="ca-certificates", command="update-ca-certificates", why="TLS to package mirrors"),
)
"""What ``make up`` needs on a bare machine."""

IMAGES: tuple[Need, ...] = (
    _CLIENT,
    Need(package="mmdebstrap", command="mmdebstrap", why="the images' base system"),
    Need(
        package="debian-archive-keyring",
        file="/usr/share/keyrings/debian-archive-keyring.gpg",
        why="the signatures of the images' packages",
    ),
    Need(package="maven", command="mvn", why="Kafka and the Schema Registry from their packages"),
    Need(package="default-jre-headless", rather="openjdk-17-jre-headless", command="java", why="runs Maven"),
)
"""What building the images from packages needs besides."""

TESTS: tuple[Need, ...] = (
    Need(package="chromium", command="chromium", why="the console seen in a browser"),
    Need(package="git", command="git", why="the tests on a fresh clone"),
    Need(package="jq", command="jq", why="the comment on pull requests as its workflow makes it"),
    Need(package="wget", command="wget", why="the health check of images without bash"),
    Need(package="curl", command="curl", why="the commands of the documentation"),
    Need(package="nodejs", command="node", why="the stream contract as a client in JavaScript keeps it"),
    Need(package="npm", command="npm", why="that client's packages"),
    Need(package="e2fsprogs", command="mkfs.ext4", why="the too-small-disk test's filesystem"),
    Need(package="mount", command="losetup", why="the too-small-disk test's filesystem"),
)
"""What ``make test`` needs besides."""

BENCHMARKS: tuple[Need, ...] = (
    Need(package="docker-compose", command="docker-compose", why="what the platform is measured against"),
)
"""What the benchmarks need besides."""


def missing(needs: Sequence[Need]) -> list[Need]:
    """The needs that this machine does not meet."""
    return [need for need in needs if not _met(need)]


def install(needs: Sequence[Need]) -> None:
    """Installs what is missing, with one line a package and apt's output only on failure.

    Raises:
        HostError: packages are missing and this machine or user cannot install them, or apt failed.
    """
    wanted = missing(needs)
    if not wanted:
        return
    reason = _cannot_install()
    if reason:
        wanted = _as_offered(wanted)
        names = " ".join(need.package for need in wanted)
        listed = "\n".join(f"  {need.package}: {need.why}" for need in wanted)
        raise HostError(
            f"These packages are missing:\n{listed}\nThey were not installed because {reason}.\n"
            f"Install them (on Debian: apt-get install {names}) and run the command again."
        )
    _apt_get("update")
    wanted = _as_offered(wanted)
    for need in wanted:
        sys.stderr.write(f"installing {need.package}: {need.why}\n")
    _apt_get("install", "-y", "--no-install-recommends", *(need.package for need in wanted))


def _apt_get(*words: str) -> None:
    command = ["apt-get", "-qq", *words]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise HostError(f"`{' '.join(command)}` failed with code {done.returncode}:\n{tail}")


def _as_offered(needs: Sequence[Need]) -> list[Need]:
    """The needs by the packages that this release has for them, each package once."""
    named: dict[str, Need] = {}
    for need in needs:
        package = need.rather if need.rather and _is_offered(need.rather) else need.package
        named.setdefault(package, replace(need, package=package))
    return list(named.values())


def _is_offered(package: str) -> bool:
    # Of a name that others only refer to, apt-cache shows nothing and still ends well.
    if shutil.which("apt-cache") is None:
        return False
    shown = ["apt-cache", "show", "--no-all-versions", package]
    return bool(subprocess.run(shown, capture_output=True, check=False).stdout.strip())


def _met(need: Need) -> bool:
    if need.package == "python3-venv":
        return _has_venv()
    if need.file:
        return Path(need.file).exists()
    return shutil.which(need.command, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _has_venv() -> bool:
    # Debian splits ensurepip out of python3; `import venv` alone succeeds without it.
    probe = subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    return probe.returncode == 0


def _cannot_install() -> str:
    if shutil.which("apt-get") is None:
        return "this is not Debian or Ubuntu (there is no apt-get)"
    if os.geteuid() != 0:
        return "you are not root"
    if os.environ.get("DOCKER_HOST"):
        return "DOCKER_HOST is set, or a Docker context chosen, so this machine is taken as set up by you"
    return ""
