"""Builds what is missing of the images: what one needs before it, the rest side by side.

An image is missing when the engine has no image of the name that its inputs give it, so an unchanged
build asks the engine once and does nothing. Downloads do not wait.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for_all
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from images import certificates, daemon, debian, downloads, steps
from images.catalogue import CHECKOUT, LABEL, PROJECT, Named, family, needs, package_names
from images.errors import ImageError, told
from images.steps import Log

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from images.certificates import Trust
    from images.display import Display

LOGS = PROJECT / "build" / "images"
"""Gets one log an image, and the folders that builds work in."""

CACHE = PROJECT / ".cache"
"""Downloads, kept between builds; safe to remove."""

_PLAIN, _EXECUTABLE = 0o644, 0o755


def missing(wanted: Iterable[Named], present: Iterable[daemon.Present]) -> list[Named]:
    """Which images must be built: the wanted ones that are absent, after what they need and is absent."""
    there = {image.reference for image in present}
    absent: dict[str, Named] = {}

    def collect(named: Named) -> None:
        if named.reference in there or named.reference in absent:
            return  # one that is there needs nothing: its parents are layers of it, their names may be gone
        for needed in needs(named):
            collect(needed)
        absent[named.reference] = named

    for named in wanted:
        collect(named)
    return list(absent.values())


def build(wanted: Iterable[Named], display: Display) -> None:
    """Builds images and what they are built from, as far as the engine lacks them.

    Raises:
        ImageError: at least one build failed; the message holds the end of each failed build's log. What
            did not depend on it has been built.
    """
    wanted = list(wanted)
    if not missing(wanted, daemon.present()):
        return
    with alone(display):
        todo = missing(wanted, daemon.present())  # another build may just have made them
        if not todo:
            return
        daemon.remove_left_over()
        with (
            certificates.bundle(certificates.of_host()) as trust,
            display,
            ThreadPoolExecutor(max_workers=len(todo)) as pool,
        ):
            running: dict[str, Future[None]] = {}
            try:
                for named in todo:
                    before = {needed.image.role: running.get(needed.image.role) for needed in needs(named)}
                    running[named.image.role] = pool.submit(_build_one, named, before, trust, display)
                wait_for_all(running.values())
            except KeyboardInterrupt:
                display.note("Interrupted: nothing half-built gets a name.")
                steps.stop()
                raise
        failures = [error for future in running.values() if (error := future.exception())]
        for error in failures:
            if not isinstance(error, ImageError):
                raise error
        if failures:
            raise ImageError("\n\n".join(str(error) for error in failures if not isinstance(error, _Blocked)))


class _Blocked(ImageError):
    """Not built because one that it needs was not: that one's failure says why."""


def _build_one(
    named: Named, before: Mapping[str, Future[None] | None], trust: Trust, display: Display
) -> None:
    role = named.image.role
    started = time.monotonic()
    log = Log(LOGS / f"{role}.log")
    work = LOGS / f"{role}.work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        _prepare(named, work, trust, log, display)
        _wait_for(before, named, display)
        _assemble(named, work, trust, log, display)
    except _Blocked:
        display.failed(role, "not built")
        raise
    except (ImageError, OSError) as error:
        display.failed(role, "failed")
        reason = told(error) if isinstance(error, OSError) else error
        raise ImageError(f"The image {role} was not built: {reason}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    display.done(role, time.monotonic() - started)


def _wait_for(before: Mapping[str, Future[None] | None], named: Named, display: Display) -> None:
    """Waits for what the image needs, each by its role; None for what is there."""
    for role, build in before.items():
        if build is None:
            continue
        display.step(named.image.role, f"waiting for {role}")
        if build.exception():
            raise _Blocked(f"{role} was not built")


def _prepare(named: Named, work: Path, trust: Trust, log: Log, display: Display) -> None:
    """Collects the build's folder: the image's files, its sources, its downloads."""
    image = named.image
    ignored = shutil.ignore_patterns("__pycache__")
    if (image.folder / "Dockerfile").exists():
        shutil.copytree(image.folder, work, ignore=ignored, dirs_exist_ok=True)
    for source in image.sources:
        path = PROJECT / source
        target = work / "sources" / source
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, target, ignore=ignored)
        else:
            shutil.copy2(path, target)
    if (image.folder / "pom.xml").exists():
        display.step(image.role, "downloading Maven artifacts")
        artifacts = downloads.artifacts(
            image.folder,
            version=image.version,
            cache=CACHE / "artifacts" / image.role,
            repository=CACHE / "maven",
            trust=trust,
            log=log,
        )
        shutil.copytree(artifacts, work / "maven", copy_function=_link)
    if (image.folder / "requirements.lock").exists():
        display.step(image.role, "downloading Python packages")
        downloads.python_packages(
            image.folder / "requirements.lock", target=work / "site-packages", trust=trust, log=log
        )
    normalise(work)


def _link(source: str, target: str) -> None:
    """Gives a kept download a second name where the file system can, for it may be big; else copies it."""
    # Its mode is that of all its names, and belongs to the first one.
    if stat.S_IMODE(Path(source).stat().st_mode) == _PLAIN:
        try:
            os.link(source, target)
        except OSError:
            pass
        else:
            return
    shutil.copy2(source, target)


def normalise(folder: Path) -> None:
    """Gives files the modes that an image's name stands for, whatever umask the checkout was made under."""
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        wanted = _EXECUTABLE if path.is_dir() or mode & stat.S_IXUSR else _PLAIN
        if stat.S_IMODE(mode) != wanted:
            path.chmod(wanted)


def _assemble(named: Named, work: Path, trust: Trust, log: Log, display: Display) -> None:
    """Makes the image of its parent and of what :func:`_prepare` collected."""
    image = named.image
    packages = package_names(image)
    has_recipe = (image.folder / "Dockerfile").exists()
    if named.parent is None:
        display.step(image.role, "bootstrapping Debian")
        tarball = work / "root.tar"
        installed = debian.bootstrap(
            packages, certificates.of_host(), target=tarball, trust=trust.pem, log=log
        )
        display.step(image.role, "importing")
        daemon.load_root(tarball, named.reference, _labels(named, installed), log)
        return
    parent = named.parent.reference
    if packages:
        display.step(image.role, "installing Debian packages")
        parent = debian.add_packages(
            parent,
            packages,
            cache=CACHE / "apt",
            trust=trust.pem,
            labels=lambda installed: _labels(named, installed),
            reference="" if has_recipe else named.reference,
            log=log,
        )
    if has_recipe:
        display.step(image.role, "building")
        daemon.build(
            work,
            named.reference,
            arguments={"PARENT": parent, "VERSION": image.version}
            | {tool.image.role.replace("-", "_").upper(): tool.reference for tool in named.tools},
            labels=_labels(named, {}),
            log=log,
        )


def _labels(named: Named, installed: Mapping[str, str]) -> dict[str, str]:
    """An image's labels; the packages' only where some were installed, as children inherit it."""
    image = named.image
    labels = {
        "org.opencontainers.image.title": image.title,
        "org.opencontainers.image.version": image.version,
        "org.opencontainers.image.ref.name": named.reference,
        f"{LABEL}.role": image.role,
        f"{LABEL}.inputs": named.inputs,
        f"{LABEL}.checkout": CHECKOUT,
    }
    if named.parent:
        labels["org.opencontainers.image.base.name"] = named.parent.reference
    chosen = [name for part in family(named) for name in package_names(part.image)]
    recorded = " ".join(f"{name}={installed[name]}" for name in chosen if name in installed)
    return labels | ({f"{LABEL}.packages": recorded} if recorded else {})


@contextmanager
def alone(display: Display) -> Iterator[None]:
    """Holds the lock under which images are built and removed; waits for another build of this checkout."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            display.note("Another build of this checkout is running: waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
