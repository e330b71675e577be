"""What builds make of Docker: nothing of the client's proxies, and nothing that stays for ever."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from images import cli, client, daemon
from images.catalogue import CHECKOUT, LABEL
from images.errors import ImageError
from images.prune import prune
from images.steps import Log

PROXY = "http://bob:s3cret@proxy.example:3128"

# Notes each command with what the client's configuration says, and answers as the engine would.
DOCKER = """\
import json, os, pathlib, sys
here, words = pathlib.Path({here!r}), sys.argv[1:]
configuration = pathlib.Path(os.environ["DOCKER_CONFIG"])
seen = json.loads((configuration / "config.json").read_text())
there = sorted(path.name for path in configuration.iterdir())
with (here / "calls").open("a") as calls:
    calls.write(json.dumps({{"words": words, "configuration": seen, "there": there}}) + "\\n")
answers = json.loads((here / "answers.json").read_text())
for beginning, (code, text) in answers.items():
    if " ".join(words).startswith(beginning):
        print(text, file=sys.stderr if code else sys.stdout)
        sys.exit(code)
"""


class Docker:
    """A stand-in for Docker's client."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers({"container inspect": [0, "[]"], "image inspect": [0, "[]"]})

    def answers(self, answers: dict[str, list[object]]) -> None:
        """What it says to commands that begin like this: exit code and text."""
        (self.folder / "answers.json").write_text(json.dumps(answers))

    def calls(self, *beginning: str) -> list[dict[str, Any]]:
        """The commands that began like this."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [call for call in map(json.loads, lines) if call["words"][: len(beginning)] == [*beginning]]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "docker"
    script.write_text(f"#!{sys.executable}\n" + DOCKER.format(here=str(tmp_path)))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    configuration = tmp_path / "client"
    (configuration / "contexts").mkdir(parents=True)
    (configuration / "config.json").write_text(
        json.dumps(
            {
                "auths": {"registry.example": {"auth": "c2VjcmV0"}},
                "currentContext": "site",
                "proxies": {"default": {"httpProxy": PROXY}},
            }
        )
    )
    monkeypatch.setenv("DOCKER_CONFIG", str(configuration))
    return Docker(tmp_path)


def build(folder: Path) -> None:
    context = folder / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\n")
    daemon.build(context, "a:1", arguments={}, labels={"a": "b"}, log=Log(folder / "log"))


def row(reference: str) -> str:
    repository, _, tag = reference.rpartition(":")
    return json.dumps({"ID": f"sha256:{tag}", "Repository": repository, "Tag": tag, "Size": "1MB"})


def test_containers_are_made_without_the_proxies_of_the_client(docker: Docker) -> None:
    with daemon.container("base", ["bash"]):
        pass

    [made] = docker.calls("container", "create")
    assert made["configuration"] == {"currentContext": "site"}


def test_dockerfiles_are_built_without_the_proxies_of_the_client(docker: Docker, tmp_path: Path) -> None:
    build(tmp_path)

    [built] = docker.calls("build")
    assert built["configuration"] == {"currentContext": "site"}


def test_the_rest_of_the_clients_configuration_counts(docker: Docker) -> None:
    with daemon.container("base", ["bash"]):
        pass

    [made] = docker.calls("container", "create")
    assert made["there"] == ["config.json", "contexts"]


def test_a_container_with_a_proxy_in_its_environment_becomes_no_image(docker: Docker) -> None:
    docker.answers({"container inspect": [0, json.dumps(["PATH=/bin", f"https_proxy={PROXY}"])]})

    with pytest.raises(ImageError, match=r"https_proxy.*must not hold a proxy") as refused:
        daemon.commit("c1", {})

    assert "s3cret" not in str(refused.value)
    assert docker.calls("container", "commit") == []


def test_a_built_image_with_a_proxy_in_its_environment_keeps_no_name(docker: Docker, tmp_path: Path) -> None:
    docker.answers({"image inspect": [0, json.dumps([f"HTTP_PROXY={PROXY}"])]})

    with pytest.raises(ImageError, match="HTTP_PROXY"):
        build(tmp_path)

    assert [call["words"] for call in docker.calls("image", "rm")] == [["image", "rm", "a:1"]]


def test_a_builds_container_is_known_by_its_name_when_its_build_is_killed(docker: Docker) -> None:
    with daemon.container("base", ["bash"]):
        pass
    [made] = docker.calls("container", "create")
    [name] = [word.removeprefix("--name=") for word in made["words"] if word.startswith("--name=")]

    docker.answers({"container ls": [0, "c1\nc2"]})
    daemon.remove_left_over()

    [asked] = docker.calls("container", "ls")
    [chosen] = [word for word in asked["words"] if word.startswith("--filter=name=^/?")]
    assert name.startswith(chosen.removeprefix("--filter=name=^/?"))
    assert docker.calls("container", "rm")[-1]["words"][-2:] == ["c1", "c2"]


def lists(docker: Docker, *, here: list[str], signed: list[str], everywhere: list[str]) -> None:
    """Says which images there are: of this checkout, of any that is named, and all of the project."""
    beginning = f"image ls --no-trunc --format={{{{json .}}}} --filter=label={LABEL}.inputs"
    answers = {
        f"{beginning} --filter=label={LABEL}.checkout={CHECKOUT}": here,
        f"{beginning} --filter=label={LABEL}.checkout": signed,
        beginning: everywhere,
    }
    docker.answers({words: [0, "\n".join(map(row, images))] for words, images in answers.items()})


OURS, THEIRS, OLD, DERIVED = (
    "iot-platform/kafka:a",
    "iot-platform/kafka:b",
    "iot-platform/kafka:c",
    "shop/kafka:d",
)


def test_images_that_do_not_say_who_built_them_are_pruned_and_those_of_other_checkouts_counted(
    docker: Docker,
) -> None:
    lists(docker, here=[OURS], signed=[OURS, THEIRS], everywhere=[OURS, THEIRS, OLD, DERIVED])

    pruned = prune(set())

    assert [image.reference for image in pruned.removed] == [OURS, OLD]
    assert pruned.others == 2
    assert [call["words"][-1] for call in docker.calls("image", "rm")] == [OURS, OLD]


def test_what_is_named_somewhere_is_neither_pruned_nor_counted(docker: Docker) -> None:
    lists(docker, here=[OURS], signed=[OURS, THEIRS], everywhere=[OURS, THEIRS, OLD])

    pruned = prune({OLD, THEIRS, OURS})

    assert (pruned.removed, pruned.others) == ([], 0)


def test_images_of_other_checkouts_are_pruned_where_all_are_asked_for(docker: Docker) -> None:
    lists(docker, here=[OURS], signed=[OURS, THEIRS], everywhere=[OURS, THEIRS, OLD, DERIVED])

    pruned = prune(set(), everyones=True)

    assert [image.reference for image in pruned.removed] == [OURS, THEIRS, OLD, DERIVED]
    assert pruned.others == 0


def test_superfluous_images_of_other_checkouts_are_told(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("images.build.LOGS", tmp_path / "logs")
    monkeypatch.setattr("images.site_file.read", dict)
    lists(docker, here=[OURS], signed=[OURS, THEIRS], everywhere=[OURS, THEIRS])

    cli.prune()

    assert "built by other checkouts: 1; --all removes them, too" in capsys.readouterr().out


def test_an_image_that_docker_keeps_is_told_with_its_reason(docker: Docker) -> None:
    docker.answers(
        {
            "image ls": [0, row("iot-platform/kafka:old")],
            "image rm": [1, "conflict: image is being used by running container 12ab"],
        }
    )

    pruned = prune(set())

    assert pruned.removed == []
    [(image, reason)] = pruned.kept
    assert image.reference == "iot-platform/kafka:old"
    assert "used by running container 12ab" in reason


def test_the_users_own_configuration_is_left_as_it_is(docker: Docker) -> None:
    with daemon.container("base", ["bash"]):
        pass

    kept = json.loads((docker.folder / "client" / "config.json").read_text())
    assert kept["proxies"]["default"]["httpProxy"] == PROXY
    assert os.environ["DOCKER_CONFIG"] == str(docker.folder / "client")


def test_a_user_without_a_home_has_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> None:
        raise KeyError("uid not found")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.chdir(tmp_path)

    with client.without_proxies({"PATH": "/bin"}) as environment:
        assert environment == {"PATH": "/bin"}


def test_the_home_of_the_given_environment_counts(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(
        json.dumps({"proxies": {"default": {"httpProxy": PROXY}}})
    )

    with client.without_proxies({"HOME": str(tmp_path)}) as environment:
        own = Path(environment["DOCKER_CONFIG"])
        assert json.loads((own / "config.json").read_text()) == {}
