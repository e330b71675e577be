"""Downloads through Maven and pip on the host, checked against what the repository commits.

Both follow the host's own configuration (``settings.xml``, ``pip.conf``, their environment variables),
so no address stands here. What has been downloaded and still matches is not downloaded again.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from images import certificates
from images.errors import ImageError

if TYPE_CHECKING:
    from images.certificates import Trust
    from images.steps import Log

LIST = "artifacts.sha256"
"""File of an image's folder that names its artifacts and their checksums, as ``sha256sum -c`` reads it."""

PYTHON = "3.13"
"""The Python of the images' Debian release."""


def artifacts(folder: Path, *, version: str, cache: Path, repository: Path, trust: Trust, log: Log) -> Path:
    """The artifacts that a folder's ``pom.xml`` names, as a folder of files.

    A damaged file of the local repository is replaced by one that is downloaded anew.

    Args:
        folder: has ``pom.xml`` and ``artifacts.sha256``.
        version: the product's version: the pom's ``revision``.
        cache: where they are kept; holds exactly them afterwards.
        repository: Maven's local repository.
        trust: certificates for repositories with TLS.
        log: gets Maven's output.

    Raises:
        ImageError: Maven failed, or what it brought is not what the list says.
    """
    wanted = _read_list(folder / LIST)
    if not _differences(cache, wanted):
        return cache
    shutil.rmtree(cache, ignore_errors=True)
    download_artifacts(folder, version=version, target=cache, repository=repository, trust=trust, log=log)
    altered = _altered(cache, wanted)
    if altered:
        log.note(f"not what {LIST} says: {' '.join(altered)}; once more, past {repository}")
        shutil.rmtree(cache)
        repository.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=repository.parent) as fresh:
            download_artifacts(
                folder, version=version, target=cache, repository=Path(fresh), trust=trust, log=log
            )
        still = _altered(cache, wanted)
        for name in altered:
            if name not in still and (cache / name).exists():
                _replace(repository, cache / name)
    differences = _differences(cache, wanted)
    if differences:
        advice = "If a pin in pom.xml was changed on purpose: python -m images lock"
        if _altered(cache, wanted):
            advice = (
                "The altered ones were downloaded twice, the second time past all that is kept here: a "
                "repository sends other files than those that were locked. Find out why; "
                "`python -m images lock` would trust them."
            )
        raise ImageError(
            f"What Maven brought for {folder.name} differs from {folder.name}/{LIST}:\n"
            + "\n".join(f"  {line}" for line in differences)
            + f"\n{advice}"
        )
    return cache


def download_artifacts(
    folder: Path,
    *,
    version: str,
    target: Path,
    repository: Path,
    trust: Trust,
    log: Log,
    strict: bool = False,
) -> None:
    """Lets Maven copy a pom's artifacts into a folder, unchecked.

    Args:
        folder: has ``pom.xml``.
        version: the product's version: the pom's ``revision``.
        target: gets the artifacts.
        repository: Maven's local repository; Maven believes what lies in it.
        trust: certificates for repositories with TLS.
        log: gets Maven's output.
        strict: refuses a download that is not what its repository's own checksum says.
    """
    # The site's own options come last and win.
    options = (
        f"-Djavax.net.ssl.trustStore={trust.java}",
        f"-Djavax.net.ssl.trustStorePassword={certificates.JAVA_PASSWORD}",
        os.environ.get("MAVEN_OPTS", ""),
    )
    log.run(
        [
            "mvn",
            "--batch-mode",
            "--no-transfer-progress",
            *(["--strict-checksums"] if strict else []),
            f"--file={folder / 'pom.xml'}",
            f"-Dmaven.repo.local={repository}",
            f"-Drevision={version}",
            f"-DoutputDirectory={target}",
            "dependency:copy-dependencies",
        ],
        environment={**os.environ, "MAVEN_OPTS": " ".join(options).strip()},
    )


def write_list(target: Path, artifacts_folder: Path) -> None:
    """Writes an ``artifacts.sha256`` of the files in a folder, in the form that ``sha256sum -c`` reads."""
    lines = [f"{_sha256(path)}  {path.name}\n" for path in sorted(artifacts_folder.iterdir())]
    target.write_text("".join(lines))


def python_packages(lock: Path, *, target: Path, trust: Trust, log: Log) -> None:
    """Installs a lock's Python packages into a folder, for the images' Python and not for the host's.

    Only built packages are taken and every one must match its hash in the lock.

    Args:
        lock: the requirements, each with its hashes.
        target: the folder.
        trust: certificates for package indexes with TLS, unless ``PIP_CERT`` names others.
        log: gets pip's output.

    Raises:
        ImageError: pip failed; the message ends with its last lines.
    """
    machine = platform.machine()
    log.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--require-hashes",
            "--only-binary=:all:",
            "--no-deps",
            "--no-compile",
            f"--python-version={PYTHON}",
            "--implementation=cp",
            f"--platform=manylinux_2_28_{machine}",
            f"--platform=manylinux_2_17_{machine}",
            f"--platform=manylinux2014_{machine}",
            f"--target={target}",
            f"--requirement={lock}",
        ],
        environment={"PIP_CERT": str(trust.pem), **os.environ},
    )


def _read_list(path: Path) -> dict[str, str]:
    pairs = (line.split() for line in path.read_text().splitlines())
    return {name: digest for digest, name in pairs}


def _checksums(folder: Path) -> dict[str, str]:
    return {path.name: _sha256(path) for path in folder.iterdir()} if folder.exists() else {}


def _altered(folder: Path, wanted: dict[str, str]) -> list[str]:
    there = _checksums(folder)
    return [name for name in sorted(wanted.keys() & there.keys()) if there[name] != wanted[name]]


def _replace(repository: Path, good: Path) -> None:
    """Puts a checked file in the place of a damaged one; another build may be reading there."""
    for damaged in repository.rglob(good.name):
        aside = damaged.with_name(f"{damaged.name}.{os.getpid()}")
        shutil.copyfile(good, aside)
        aside.replace(damaged)


def _differences(folder: Path, wanted: dict[str, str]) -> list[str]:
    there = _checksums(folder)
    lines = [f"missing: {name}" for name in sorted(wanted.keys() - there)]
    lines += [f"not in the list: {name}" for name in sorted(there.keys() - wanted)]
    lines += [
        f"altered: {name} has {there[name]}, the list says {wanted[name]}"
        for name in _altered(folder, wanted)
    ]
    return lines


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
