"""Containers for the image contracts: started by the command line that operators use, gone afterwards.

A contract is a set of clauses. Each clause is a function that takes a :class:`Lab` and fails where the
lab's image does not keep it. The same clause runs against the image in use and against a variant that
breaks it, so a clause that cannot fail is found out.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]

LOCAL = "local"


def image_in_use(role: str, public: str = "") -> tuple[str, str]:
    """The source (local, registry) and the reference of a role's image on this machine; skips without one.

    `public` names the role of the public image where it is another one.
    """
    path = ROOT / ".site.yaml"
    site = yaml.safe_load(path.read_text()) if path.exists() else {}
    source = site.get("imageSource", "registry")
    pins = yaml.safe_load((ROOT / "images" / "registry.yaml").read_text())
    reference = site.get("images", {}).get(role) if source == LOCAL else pins.get(public or role)
    if not reference:
        pytest.skip(f"there is no {source} image for {role} here: make images")
    found = subprocess.run(["docker", "image", "inspect", reference], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"Docker has no image {reference}: make images, or docker pull")
    return source, reference


def docker(*words: str, stdin: str | None = None) -> str:
    """Runs docker; its standard output."""
    done = subprocess.run(["docker", *words], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {' '.join(words[:3])}: {done.stderr}"
    return done.stdout.strip()


def eventually(holds: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Waits until a condition holds."""
    deadline = time.monotonic() + seconds
    pause = 0.1
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(pause)  # between two looks at the condition


@dataclass(frozen=True)
class Container:
    """One container."""

    id: str
    name: str

    def inspect(self) -> dict[str, Any]:
        """What Docker knows of it."""
        return dict(json.loads(docker("inspect", self.id))[0])

    def run(
        self, *command: str, user: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in it."""
        words = [f"--env={name}={value}" for name, value in (env or {}).items()]
        words += [f"--user={user}"] if user else []
        return subprocess.run(
            ["docker", "exec", *words, self.id, *command], capture_output=True, text=True, check=False
        )

    def out(self, *command: str) -> str:
        """Standard output of a command that must succeed in it."""
        done = self.run(*command)
        assert done.returncode == 0, (
            f"{' '.join(command)}: code {done.returncode}: {done.stdout}{done.stderr}"
        )
        return done.stdout.strip()

    def logs(self) -> str:
        """All that it has written."""
        done = subprocess.run(["docker", "logs", self.id], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def is_running(self) -> bool:
        """Whether its process 1 runs."""
        return bool(self.inspect()["State"]["Running"])

    def exit_code(self) -> int:
        """Waits until it has ended; its code."""
        eventually(lambda: not self.is_running(), seconds=20, what=f"{self.name} ends\n{self.logs()}")
        return int(self.inspect()["State"]["ExitCode"])

    def address(self, port: int) -> tuple[str, int]:
        """Where one of its published ports is found on this machine."""
        published = self.inspect()["NetworkSettings"]["Ports"][f"{port}/tcp"][0]
        return published["HostIp"], int(published["HostPort"])

    def stop(self) -> int:
        """Stops it as `docker stop` does; its exit code."""
        docker("stop", "--time=20", self.id)
        return int(self.inspect()["State"]["ExitCode"])

    def wait_until(self, holds: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Waits for a condition as long as it runs."""

        def holds_or_ended() -> bool:
            assert self.is_running(), f"{self.name} ended before: {what}\n{self.logs()}"
            return holds()

        eventually(holds_or_ended, seconds=seconds, what=f"{what}\n{self.logs()[-2000:]}")

    def listens(self, port: int) -> bool:
        """Whether something accepts connections on a port inside."""
        return self.run("bash", "-c", f"</dev/tcp/127.0.0.1/{port}").returncode == 0


@dataclass
class Lab(AbstractContextManager["Lab"]):
    """Starts containers of one image and removes what it made."""

    image: str
    backing: str = ""
    """A network with what the image needs to run, shared with the variants' labs."""
    prefix: str = field(default_factory=lambda: f"contract-{uuid.uuid4().hex[:8]}")
    _containers: list[str] = field(default_factory=list)
    _images: list[str] = field(default_factory=list)
    _volumes: list[str] = field(default_factory=list)
    _kept: dict[str, Container] = field(default_factory=dict)

    def __exit__(self, *_: object) -> None:
        # One by one: several that leave a network at the same moment can lock Docker 20.10 up for good.
        for container in self._containers:
            docker("rm", "--force", "--volumes", container)
        for volume in self._volumes:
            docker("volume", "rm", volume)
        for image in self._images:
            docker("image", "rm", image)

    def variant(self, instructions: str) -> Self:
        """A lab for this image with a change, as instructions of a Dockerfile."""
        reference = f"{self.prefix}-{uuid.uuid4().hex[:6]}"
        user = "" if "USER" in instructions else "USER 1000"
        recipe = f"FROM {self.image}\nUSER 0\n{instructions}\n{user}\n"
        subprocess.run(
            ["docker", "build", "--quiet", "--force-rm", f"--tag={reference}", "-"],
            input=recipe,
            capture_output=True,
            text=True,
            check=True,
            env={"DOCKER_BUILDKIT": "0", "PATH": "/usr/bin:/bin:/usr/local/bin"},
        )
        lab = type(self)(reference, backing=self.backing)
        lab._images.append(reference)
        return lab

    def volume(self) -> str:
        """A new volume."""
        name = f"{self.prefix}-{uuid.uuid4().hex[:6]}"
        docker("volume", "create", name)
        self._volumes.append(name)
        return name

    def start(
        self,
        *command: str,
        env: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        image: str = "",
        name: str = "",
    ) -> Container:
        """Starts a container; its host name is its name. A variable with the value "-" is taken out of it."""
        name = name or f"{self.prefix}-{len(self._containers)}"
        words = [
            f"--env={key}" if value == "-" else f"--env={key}={value}" for key, value in (env or {}).items()
        ]
        words += [f"--name={name}", f"--hostname={name}", *options]
        self._containers.append(name)
        return Container(docker("run", "--detach", *words, image or self.image, *command), name)

    def kept(self, key: str, make: Callable[[], Container]) -> Container:
        """A container that several clauses look at without changing it."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


@dataclass(frozen=True)
class Clause:
    """One sentence of a contract, its check, and a change of the image that breaks it."""

    says: str
    check: Callable[[Lab], None]
    broken_by: str
    """Instructions of a Dockerfile."""
    shows: str
    """A pattern of what the check then says: that it fails for the reason that is meant."""
    alone: bool = False
    """Whether the change must be the variant's only one, because it would hide what others show."""
    drop_in_only: bool = False
    """Whether it goes beyond what the public images share."""

    def __str__(self) -> str:
        return re.sub(r"\W+", "-", self.says).strip("-")


def broken_together(clauses: Sequence[Clause]) -> str:
    """Instructions that break all clauses whose changes do not hide each other's effects."""
    return "\n".join(clause.broken_by for clause in clauses if not clause.alone)
