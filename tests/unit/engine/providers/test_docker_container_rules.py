"""Faults in a container's inputs: found in preview, or none where a value is not known yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engine.providers.check import check, plain
from engine.providers.docker.package import DockerPackage
from engine.values import UNKNOWN

if TYPE_CHECKING:
    from pathlib import Path

CONTAINER = DockerPackage().resources["docker:index/container:Container"]
BARE = {"name": "it", "image": "any"}


def faults(**inputs: Any) -> dict[str, str]:
    checked, failures = check(CONTAINER.type.properties, BARE | inputs, "Container")
    return {one.property: one.reason for one in failures or CONTAINER.check({}, plain(checked))}


@pytest.mark.parametrize("name", [*CONTAINER.type.inputs])
def test_a_property_that_is_not_known_yet_has_no_fault(name: str) -> None:
    assert faults(**{name: UNKNOWN}) == {}


@pytest.mark.parametrize(
    "given",
    [
        {"rm": UNKNOWN, "restart": "always"},
        {"rm": True, "restart": UNKNOWN},
        {"wait": UNKNOWN, "start": False},
        {"networksAdvanced": UNKNOWN, "networkMode": "host"},
    ],
    ids=str,
)
def test_what_is_not_known_yet_excludes_nothing(given: dict[str, Any]) -> None:
    assert faults(**given) == {}


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({"rm": True, "restart": "always"}, "rm"),
        ({"wait": True, "start": False}, "wait"),
        ({"networksAdvanced": [{"name": "a"}], "networkMode": "host"}, "networkMode"),
        ({"maxRetryCount": 1}, "maxRetryCount"),
    ],
    ids=str,
)
def test_what_excludes_each_other_is_refused(given: dict[str, Any], at: str) -> None:
    assert list(faults(**given)) == [at]


def test_an_empty_word_of_a_command_is_refused() -> None:
    assert faults(command=["echo", ""]) == {"command": "'command' holds an empty string; leave it out"}


@pytest.mark.parametrize("text", ["no base64", "é", "QQ"])
def test_what_is_not_base64_is_refused_without_being_shown(text: str) -> None:
    path = "uploads[0].contentBase64"

    assert faults(uploads=[{"file": "/x", "contentBase64": text}]) == {path: f"'{path}' is not base64"}


@pytest.mark.parametrize("source", ["missing", "x" * 5000, "a\0b"])
def test_a_source_that_is_no_file_is_refused(source: str) -> None:
    (reason,) = faults(uploads=[{"file": "/x", "source": source}]).values()

    assert "there is no file" in reason


def test_a_source_that_is_a_file_has_no_fault(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("x")

    assert faults(uploads=[{"file": "/x", "source": str(tmp_path / "conf")}]) == {}


def test_an_option_of_a_network_without_a_value_is_refused() -> None:
    networks = [{"name": "a"}, {"name": "b", "driverOpts": ["mtu=1400", UNKNOWN, "nope"]}]
    path = "networksAdvanced[1].driverOpts[2]"

    assert faults(networksAdvanced=networks) == {path: f"'{path}' must be NAME=VALUE; it has no '='"}
