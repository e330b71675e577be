"""Debian systems as images: the base from nothing, and a layer of more packages on top of an image.

Packages are downloaded on the host (:mod:`images.apt`) and installed in a container without network,
which is then committed. A Dockerfile could not do that: the classic builder has no mounts, so the
packages, or the sources with their credentials, would stay in a layer.
"""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from images import apt, daemon
from images import certificates as certs
from images.catalogue import SUITE
from images.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from images.steps import Log

# Manuals and translations are of no use in a container; the copyright files stay.
_DPKG_OPTIONS = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/info/*",
    "force-unsafe-io",
)

_LIST = "sources.list"
_NO_SOURCES = "Nothing in /etc/apt names a mirror of this host's Debian release: the default one is used."

# How this host reaches its mirror is nothing that an image should know.
_FORGET = """
cd "$1/etc/apt" && rm -rf auth.conf auth.conf.d/* apt.conf.d/99mmdebstrap sources.list sources.list.d/*
"""

# Runs in the container that becomes the layer. Java's packages put links into man1 and fail without it.
_INSTALL = """
set -e
export DEBIAN_FRONTEND=noninteractive
mkdir -p /usr/share/man/man1
apt-get install --yes --no-install-recommends --option=APT::Sandbox::User=root /tmp/packages/*.deb
rm -rf /tmp/packages /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old
rm -rf /var/log/apt /var/log/dpkg.log
"""


def bootstrap(
    packages: Sequence[str],
    certificates: Mapping[str, bytes],
    *,
    target: Path,
    trust: Path,
    log: Log,
) -> dict[str, str]:
    """Makes a minimal Debian root file system that trusts the site's certificates.

    Args:
        packages: what it has besides the essential packages and apt.
        certificates: CA certificates by file name.
        target: the tar file to write.
        trust: certificates for mirrors with TLS.
        log: gets the output.

    Returns:
        the versions of all packages in it.

    Raises:
        ImageError: the bootstrap failed.
    """
    sources = apt.sources(SUITE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reach = folder / "reach.conf"
        reach.touch(mode=0o600)
        reach.write_text("".join(f"{line}\n" for line in apt.options(trust)))
        own = folder / "certificates"
        own.mkdir()
        for file, content in certificates.items():
            (own / file).write_bytes(content)
            (own / file).chmod(0o644)  # whatever the umask: the file enters the image as it is
        status = folder / "status"
        hooks = [f"--setup-hook=copy-in {path} /etc/apt" for path in apt.credentials()]
        if certificates:
            files = " ".join(shlex.quote(str(file)) for file in own.iterdir())
            hooks.append(f"--customize-hook=copy-in {files} {certs.FOLDER}")
        if not sources:
            log.note(_NO_SOURCES)
        hooks += [
            '--customize-hook=chroot "$1" update-ca-certificates',
            f"--customize-hook=copy-out /var/lib/dpkg/status {folder}",
            f"--customize-hook={_FORGET}",
        ]
        try:
            log.run(
                [
                    "mmdebstrap",
                    "--variant=minbase",
                    f"--include={','.join(packages)}",
                    f"--aptopt={reach}",
                    *(f"--dpkgopt={option}" for option in _DPKG_OPTIONS),
                    *hooks,
                    SUITE,
                    target,
                    *(["-"] if sources else []),
                ],
                stdin=sources or None,
            )
        except ImageError as error:
            raise error if sources else ImageError(f"{error}\n{_NO_SOURCES}") from None
        return versions(status.read_text())


def add_packages(
    parent: str,
    packages: Sequence[str],
    *,
    cache: Path,
    trust: Path,
    labels: Callable[[Mapping[str, str]], Mapping[str, str]],
    reference: str,
    log: Log,
) -> str:
    """Makes an image that has more packages than its parent, as one layer.

    Args:
        parent: reference or id of the image to start from.
        packages: names of the packages to add.
        cache: keeps the package indexes.
        trust: certificates for mirrors with TLS.
        labels: makes the new image's labels from the versions of all packages in it.
        reference: its name; empty for an image without a name.
        log: gets the output.

    Returns:
        the new image's id.

    Raises:
        ImageError: a download or the installation failed.
    """
    status_path = "/var/lib/dpkg/status"
    with (
        tempfile.TemporaryDirectory() as name,
        daemon.container(parent, ["bash", "-c", _INSTALL]) as container,
    ):
        folder = Path(name)
        (folder / "status").write_bytes(daemon.read_file(container, status_path))
        apt.download(
            packages,
            sources=_sources(folder, cache, log),
            status=folder / "status",
            state=cache,
            target=folder / "packages",
            trust=trust,
            log=log,
        )
        log.run(["docker", "cp", folder / "packages", f"{container}:/tmp/packages"])
        log.run(["docker", "start", "--attach", container])
        installed = versions(daemon.read_file(container, status_path).decode())
        return daemon.commit(container, labels(installed), reference)


def _sources(folder: Path, cache: Path, log: Log) -> Path:
    """Writes the package sources into a private folder: the host's as they are now, with their passwords.

    Where the host names none they are those that the bootstrap tool takes by itself, as for the base.
    """
    target = folder / "sources"
    (target / f"{_LIST}.d").mkdir(parents=True)
    text = apt.sources(SUITE)
    if text:
        (target / _LIST).touch()
        (target / f"{_LIST}.d" / "host.sources").write_text(text)
    else:
        log.note(_NO_SOURCES)
        _write_default_sources(target, log)
    for old in (cache / _LIST, cache / f"{_LIST}.d"):  # of times when they were kept
        shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)
    return target


def _write_default_sources(target: Path, log: Log) -> None:
    """Asks the bootstrap tool, which sets up apt and then does nothing: it needs no network for that."""
    log.run(
        [
            "mmdebstrap",
            "--variant=custom",
            "--skip=update",
            "--format=null",
            # Either form may be used: lines in sources.list, or deb822 in sources.list.d.
            f'--setup-hook=touch "$1/etc/apt/{_LIST}"',
            f"--setup-hook=copy-out /etc/apt/{_LIST} /etc/apt/{_LIST}.d {shlex.quote(str(target))}",
            SUITE,
            "/dev/null",
        ]
    )


def versions(status: str) -> dict[str, str]:
    """The version of each installed package, from the text of dpkg's status file."""
    found = {}
    for stanza in status.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status|Version): (.*)$", stanza, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            found[fields["Package"]] = fields["Version"]
    return found
