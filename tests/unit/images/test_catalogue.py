"""What gives an image its name: everything that it is built from, and nothing else."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from images.build import missing
from images.catalogue import IMAGES, PROJECT, family, name_all, package_names
from images.daemon import Present

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from images.catalogue import Named


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the images are made from."""
    for folder in ("images", "messaging"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def references(checkout: Path, certificates: Mapping[str, bytes] | None = None) -> dict[str, str]:
    named = name_all(certificates or {}, project=checkout)
    return {role: one.reference for role, one in named.items()}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {role for role in before if before[role] != after[role]}


def there(named: Named) -> Present:
    return Present(id=f"sha256:{named.inputs}", reference=named.reference, size="1MB")


def test_the_same_files_give_the_same_names(checkout: Path) -> None:
    assert references(checkout) == references(checkout)


def test_a_changed_file_renames_its_image_alone(checkout: Path) -> None:
    before = references(checkout)

    with (checkout / "images" / "schema-registry" / "docker" / "run").open("a") as file:
        file.write("# changed\n")

    assert changed(before, references(checkout)) == {"schema-registry"}


def test_a_changed_source_of_the_project_renames_the_image_that_holds_it(checkout: Path) -> None:
    before = references(checkout)

    (checkout / "messaging" / "console" / "static" / "console.css").write_text("body { color: red }")

    assert changed(before, references(checkout)) == {"console"}


def test_code_that_no_image_holds_renames_nothing(checkout: Path) -> None:
    before = references(checkout)

    (checkout / "messaging" / "cli" / "main.py").write_text("")
    (checkout / "images" / "kafka" / "README.md").write_text("about it")
    (checkout / "images" / "kafka" / "__pycache__").mkdir()
    (checkout / "images" / "kafka" / "__pycache__" / "x.pyc").write_text("")

    assert changed(before, references(checkout)) == set()


def test_a_changed_base_renames_everything_on_it(checkout: Path) -> None:
    before = references(checkout)

    (checkout / "images" / "base" / "packages").write_text("ca-certificates\n")

    assert changed(before, references(checkout)) == set(before)


def test_a_changed_java_renames_what_runs_on_it_and_not_the_console(checkout: Path) -> None:
    before = references(checkout)

    (checkout / "images" / "java" / "packages").write_text("openjdk-25-jre-headless\n")

    assert changed(before, references(checkout)) == {"java", "kafka", "schema-registry"}


def test_a_bit_that_makes_a_file_executable_is_an_input(checkout: Path) -> None:
    before = references(checkout)

    (checkout / "images" / "console" / "Dockerfile").chmod(0o755)

    assert changed(before, references(checkout)) == {"console"}


def test_a_changed_tool_renames_what_was_made_with_it(checkout: Path) -> None:
    before = references(checkout)

    with (checkout / "images" / "kafka" / "docker" / "launch").open("a") as file:
        file.write("# changed\n")

    assert changed(before, references(checkout)) == {"kafka", "schema-registry"}


def test_the_sites_certificates_are_an_input_of_every_image(checkout: Path) -> None:
    before = references(checkout)

    assert changed(before, references(checkout, {"site.crt": b"one"})) == set(before)
    assert references(checkout, {"site.crt": b"one"}) != references(checkout, {"site.crt": b"two"})


def test_every_image_comes_after_its_parent_and_its_tools() -> None:
    seen: set[str | None] = {None}
    for image in IMAGES:
        assert {image.parent, *image.tools} <= seen, image.role
        seen.add(image.role)


def test_package_lists_may_hold_comments(checkout: Path) -> None:
    (checkout / "images" / "console" / "packages").write_text("# what it needs\npython3  # runs it\n\nwget\n")
    console = next(image for image in IMAGES if image.role == "console")

    assert package_names(console, project=checkout) == ["python3", "wget"]


def test_nothing_is_missing_where_all_images_are_there() -> None:
    named = list(name_all({}).values())

    assert missing(named, [there(one) for one in named]) == []


def test_parents_are_built_before_their_children_and_each_once() -> None:
    named = name_all({})

    order = [one.image.role for one in missing([named["kafka"], named["schema-registry"]], [])]

    assert order == ["base", "java", "kafka", "schema-registry"]


def test_tools_are_built_before_what_needs_them_unless_they_are_there() -> None:
    named = name_all({})
    registry = [named["schema-registry"]]

    assert [one.image.role for one in missing(registry, [])] == ["base", "java", "kafka", "schema-registry"]
    assert [one.image.role for one in missing(registry, [there(named["kafka"])])] == [
        "base",
        "java",
        "schema-registry",
    ]


def test_an_image_that_is_there_needs_no_parents() -> None:
    named = name_all({})

    assert missing([named["kafka"]], [there(named["kafka"])]) == []
    assert missing([named["schema-registry"]], [there(named["schema-registry"])]) == []


def test_of_an_images_family_only_the_absent_are_built() -> None:
    named = name_all({})
    assert [one.image.role for one in family(named["kafka"])] == ["base", "java", "kafka"]

    todo = missing([named["kafka"]], [there(named["base"])])

    assert [one.image.role for one in todo] == ["java", "kafka"]
