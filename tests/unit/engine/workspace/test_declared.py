"""What Pulumi.yaml declares about configuration: read, refused, and held against a stack's values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import BadInput
from engine.workspace.config import StackConfig
from engine.workspace.passphrase import Passphrase
from engine.workspace.project import Project

if TYPE_CHECKING:
    from pathlib import Path

DECLARED = """\
name: shop
runtime: python
config:
  region: {type: string}
  size: {type: integer, default: 1}
  open: {type: boolean, default: false}
  pw: {type: string, secret: true, default: ""}
  parts: {type: object, default: {}}
  ports: {type: array, items: {type: integer}, default: []}
  free: {description: of any kind, default: 1}
  docker:host: {value: "unix:///run"}
"""


def declared(folder: Path, section: str) -> Project:
    (folder / "Pulumi.yaml").write_text(f"name: shop\nruntime: python\nconfig:\n  {section}\n")
    return Project.find(folder)


def check(folder: Path, text: str) -> None:
    """Holds a stack's file against DECLARED, as a run does."""
    (folder / "Pulumi.yaml").write_text(DECLARED)
    project = Project.find(folder)
    project.stack_file("dev").write_text(text)
    StackConfig.load(project, "dev").check()


def test_a_stack_that_says_all_that_is_declared_is_run(tmp_path: Path) -> None:
    passphrase = Passphrase.create("x")
    sealed = passphrase.encrypt("hush")

    check(
        tmp_path,
        "config:\n  region: 7\n  size: '12'\n  open: 'true'\n  parts: {a: 1}\n  ports: [1, '2', 3.0]\n"
        f"  free: [x]\n  other: 1\n  pw: {{secure: '{sealed}'}}\n",
    )


def test_of_which_type_a_value_is_the_program_judges_with_all_else(tmp_path: Path) -> None:
    check(tmp_path, "config: {region: x, size: lots, pw: {secure: v1}}\n")


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as told:
        check(tmp_path, "config:\n  pw: open\n")

    assert "Pulumi.dev.yaml" in str(told.value)
    assert str(told.value).splitlines()[1:] == [
        "  shop:region has no value and no default; give it one: `pulumi config set shop:region VALUE`",
        "  shop:pw must be encrypted as it's secret: `pulumi config set --secret shop:pw`",
    ]


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ("a: {type: number}", "`type` is one of string, integer, boolean, object, array, not 'number'"),
        ("a: {type: array}", "an array has `items`"),
        ("a: {type: array, items: {type: [x]}}", "`type` is one of"),
        ("a: {type: integer, default: lots}", "its `default` 'lots' is not of the type integer"),
        ("a: {type: string, default: 7}", "its `default` 7 is not of the type string"),
        ("a: {value: 1, default: 2}", "both a `default` and a `value`"),
        ("a: {secret: 'yes'}", "`secret` is true or false, not 'yes'"),
        ("a: {typ: string}", "typ is none of type, items, description, secret, default, value"),
        ("docker:host: {type: string}", "a key of another namespace has a `value`"),
        ("docker:host: {default: x}", "a key of another namespace has a `value`"),
        ("{a: 1, 'shop:a': 2}", "declares shop:a twice"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused(tmp_path: Path, section: str, fault: str) -> None:
    with pytest.raises(BadInput) as told:
        declared(tmp_path, section)

    assert fault in str(told.value)
    assert "Pulumi.yaml" in str(told.value)


def test_a_value_alone_is_a_default(tmp_path: Path) -> None:
    project = declared(tmp_path, "{a: 7, docker:host: tcp://x, b: {value: v}, c: {default: d}, e: [1]}")

    texts, _ = StackConfig.load(project, "dev").for_program(str)

    assert texts == {
        "shop:a": "7",
        "docker:host": "tcp://x",
        "shop:b": "v",
        "shop:c": "d",
        "shop:e": "[1]",
    }
