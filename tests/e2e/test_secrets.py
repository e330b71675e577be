"""Secrets of every shape go through a run, and no place that anyone can look at holds one of them."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
import yaml

if TYPE_CHECKING:
    from tests.e2e.harness import Workspace

PROGRAM = """\
import pulumi
import pulumi_docker as docker
from keeper import Keeper

config = pulumi.Config()
name = config.require("instance")
plain = config.require_secret("password")
key = config.require_secret("key")
Keeper(
    "keeper",
    {
        "nested": {"inner": {"password": plain}},
        "array": [1, {"password": plain}, key],
        "text": pulumi.Output.concat("jdbc:kafka://admin:", plain, "@host"),
    },
)
docker.Container(
    "container",
    name=f"{name}-container",
    image=config.require("image"),
    command=["sleep", "3600"],
    destroy_grace_seconds=1,
    uploads=[docker.ContainerUploadArgs(file="/etc/kafka/secrets/key.pem", content=key)],
)
plain.apply(lambda text: pulumi.log.info(f"the password is {text}"))
key.apply(lambda text: print(text))
pulumi.export("nested", {"list": [plain, {"deep": key}]})
pulumi.export("joined", pulumi.Output.concat("a-", plain))
"""
KEEPER = '''\
"""A dynamic resource that keeps what it is given."""

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider


class KeeperProvider(ResourceProvider):
    serialize_as_secret_always = False

    def diff(self, _id, olds, news):
        return DiffResult(changes=False)

    def create(self, props):
        return CreateResult("kept", {**props})


class Keeper(Resource):
    def __init__(self, name, props):
        super().__init__(KeeperProvider(), name, props)
'''
PASSWORD = 'correct horse "battery" staple'
KEY = "-----BEGIN KEY-----\nMIIBVAIBADANBgkqhkiG9w0\nBAQEFAASCAT4wggE6AgEAAkEA\n-----END KEY-----"
FORMS = [
    PASSWORD,
    json.dumps(PASSWORD)[1:-1],
    "MIIBVAIBADANBgkqhkiG9w0",
    "BAQEFAASCAT4wggE6AgEAAkEA",
]
"""How the secrets would look: as they are, inside JSON, and line by line."""


@pytest.fixture
def secretive(workspace: Workspace) -> Workspace:
    """A copy with a program full of secrets."""
    image = yaml.safe_load((workspace.root / ".site.yaml").read_text())["images"]["kafka"]
    (workspace.root / "__main__.py").write_text(PROGRAM)
    (workspace.root / "keeper.py").write_text(KEEPER)
    workspace.configure("image", image)
    for name, secret in (("password", PASSWORD), ("key", KEY)):
        workspace.pulumi("config", "set", "--secret", name, text=secret)
    return workspace


def assert_clean(where: str, text: str) -> None:
    for form in FORMS:
        assert form not in text, f"a secret stands in {where}"


class Watch:
    """Reads the command lines of all processes until it is stopped."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.02):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(file.read_text().replace("\0", " "))
                except (OSError, UnicodeDecodeError):
                    continue


def test_no_place_that_anyone_can_look_at_holds_a_secret(secretive: Workspace) -> None:
    with Watch() as watch:
        runs = [
            secretive.pulumi("preview", "--diff"),
            secretive.pulumi("preview", "--json"),
            secretive.up(),
            secretive.up("--json"),
            secretive.pulumi("preview", "--json"),
            secretive.pulumi("refresh", "--yes"),
            secretive.pulumi("stack", "output"),
            secretive.pulumi("stack", "output", "--json"),
            secretive.pulumi("stack", "export"),
            secretive.pulumi("config"),
        ]
    assert any("pulumi" in line for line in watch.seen), "the watch saw the runs"

    for run in runs:
        assert_clean(f"the output of {' '.join(run.arguments)}", run.text)
    for file in (secretive.root / ".pulumi").rglob("*"):
        if file.is_file():
            assert_clean(str(file), file.read_text())
    assert_clean("the stack's file", (secretive.root / "Pulumi.dev.yaml").read_text())
    assert_clean("a command line", "\n".join(watch.seen))
    container = secretive.container("container")
    assert_clean("docker inspect", json.dumps(container.attrs, ensure_ascii=False))
    assert_clean("docker logs", container.logs().decode())

    shown = secretive.pulumi("stack", "output", "joined", "--show-secrets").out
    assert shown.strip() == f"a-{PASSWORD}", "whoever asks for them gets them"
    content = container.exec_run(["cat", "/etc/kafka/secrets/key.pem"]).output.decode()
    assert content.strip() == KEY, "and the program gets them whole"
    secretive.pulumi("destroy", "--yes")


def test_the_harness_itself_would_find_a_secret(secretive: Workspace) -> None:
    """The search is only worth something if it finds what is there."""
    with pytest.raises(AssertionError, match="a secret stands in"):
        assert_clean("the outputs", secretive.pulumi("config", "get", "password").out)
