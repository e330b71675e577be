"""The engine that the `docker` command would talk to, in the variables that libraries know."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from host import context
from host.__main__ import main
from host.daemon import Daemon

ROOT = Path(__file__).resolve().parents[3]
SOCKET = "unix:///nowhere/docker.sock"


def made(folder: Path, name: str, engine: dict[str, Any] | None, *, certificates: bool = False) -> Path:
    """A client's folder with one context; the path of its certificates."""
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / key
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": engine}}))
    tls = folder / "contexts" / "tls" / key / "docker"
    if certificates:
        tls.mkdir(parents=True)
    return tls


def chosen(folder: Path, name: str) -> None:
    """What `docker context use` writes."""
    (folder / "config.json").write_text(json.dumps({"currentContext": name}))


def followed(**environment: str) -> dict[str, str]:
    """What following adds to an environment or changes in it."""
    after = dict(environment)
    context.follow(after)
    return {name: value for name, value in after.items() if environment.get(name) != value}


def test_the_context_in_use_says_where_the_engine_is(tmp_path: Path) -> None:
    made(tmp_path, "rootless", {"Host": SOCKET})
    chosen(tmp_path, "rootless")

    assert followed(DOCKER_CONFIG=str(tmp_path)) == {"DOCKER_HOST": SOCKET}


def test_the_users_own_folder_counts_where_none_is_named(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    made(tmp_path / ".docker", "rootless", {"Host": SOCKET})
    chosen(tmp_path / ".docker", "rootless")

    assert followed(HOME=str(tmp_path)) == {"DOCKER_HOST": SOCKET}


def test_a_context_named_in_the_environment_comes_before_the_one_in_use(tmp_path: Path) -> None:
    made(tmp_path, "rootless", {"Host": SOCKET})
    made(tmp_path, "site", {"Host": "tcp://docker.example:2376"})
    chosen(tmp_path, "rootless")

    found = followed(DOCKER_CONFIG=str(tmp_path), DOCKER_CONTEXT="site")

    assert found == {"DOCKER_HOST": "tcp://docker.example:2376"}
    assert followed(DOCKER_CONFIG=str(tmp_path), DOCKER_CONTEXT="default") == {}


@pytest.mark.parametrize(
    ("unverified", "variables"),
    [(False, {"DOCKER_TLS_VERIFY": "1"}), (True, {})],
    ids=["verified", "unverified"],
)
def test_a_context_brings_its_certificates(
    tmp_path: Path, unverified: bool, variables: dict[str, str]
) -> None:
    engine = {"Host": "tcp://docker.example:2376", "SkipTLSVerify": unverified}
    certificates = made(tmp_path, "site", engine, certificates=True)
    chosen(tmp_path, "site")

    expected = {"DOCKER_HOST": "tcp://docker.example:2376", "DOCKER_CERT_PATH": str(certificates)}
    assert followed(DOCKER_CONFIG=str(tmp_path)) == expected | variables


def test_an_address_in_the_environment_comes_before_every_context(tmp_path: Path) -> None:
    made(tmp_path, "rootless", {"Host": SOCKET})
    chosen(tmp_path, "rootless")

    assert (
        followed(DOCKER_CONFIG=str(tmp_path), DOCKER_HOST="tcp://127.0.0.1:1", DOCKER_CONTEXT="rootless")
        == {}
    )


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"currentContext": 1}', '{"currentContext": "gone"}', "{}"]
)
def test_what_cannot_be_read_changes_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)

    assert followed(DOCKER_CONFIG=str(tmp_path)) == {}
    assert followed(DOCKER_CONFIG=str(tmp_path / "missing")) == {}


@pytest.mark.parametrize("engine", [None, {}, {"Host": ""}])
def test_a_context_without_an_engine_changes_nothing(tmp_path: Path, engine: dict[str, Any] | None) -> None:
    made(tmp_path, "other", engine)
    chosen(tmp_path, "other")

    assert followed(DOCKER_CONFIG=str(tmp_path)) == {}


def test_no_engine_is_started_beside_that_of_a_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, "rootless", {"Host": SOCKET})
    chosen(tmp_path, "rootless")
    for name, value in {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "", "DOCKER_HOST": ""}.items():
        monkeypatch.setenv(name, value)

    def ensure(_: Daemon) -> bool:
        raise AssertionError("the local engine is looked for")

    monkeypatch.setattr(Daemon, "ensure", ensure)

    assert main(["docker", "start"]) == 0
    assert capsys.readouterr().out == "running\n"


PULUMI = "#!/bin/sh\nif [ $1 = version ]; then echo v3.259.0; else echo asks $DOCKER_HOST; fi\n"
"""Stands in for the Pulumi CLI; what plugins would be given is what it says."""


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("-m", "images", "list"), SOCKET.removeprefix("unix://")),
        (
            ("-c", "from messaging.cli.main import main; main()", "stop", "--stack", "dev"),
            f"engine at {SOCKET} does not answer",
        ),
        (("-c", "from launcher.main import main; main()", "preview", "--stack", "dev"), f"asks {SOCKET}"),
    ],
    ids=["images", "messaging", "pulumi"],
)
def test_every_command_follows_it(tmp_path: Path, command: tuple[str, ...], says: str) -> None:
    made(tmp_path, "rootless", {"Host": SOCKET})
    chosen(tmp_path, "rootless")
    cli = tmp_path / "bin" / "pulumi"
    cli.parent.mkdir()
    cli.write_text(PULUMI)
    cli.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "PULUMI_"))}
    own = {
        "DOCKER_CONFIG": str(tmp_path),
        "PATH": f"{cli.parent}:{os.environ['PATH']}",
        "PULUMI_HOME": str(tmp_path / "home"),
    }

    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=kept | own, capture_output=True, text=True, check=False
    )

    assert says in done.stdout + done.stderr
