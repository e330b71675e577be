"""A stack's file: what the program gets of it, and edits that keep what people wrote around the values."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput, Unsupported
from engine.workspace import stackfile
from engine.workspace.config import StackConfig, looks_secret
from engine.workspace.passphrase import Passphrase
from engine.workspace.project import Project, parse_yaml
from engine.workspace.scalars import WHOLE

if TYPE_CHECKING:
    from pathlib import Path

STACK_FILE = """\
# The development stack.
encryptionsalt: v1:rCA6zNYBdO4=:v1:HZ20tE6SohzbOrW+:UrW6fwnh8r6F+cfkVe13LHFuEz/OUg==

config:
  # How big it is.
  shop:size: "3"  # small
  shop:cluster:
    memory: 512  # MB
    nodes: [1, 2]
  docker:host: unix:///run/docker.sock
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "Pulumi.yaml").write_text(
        "name: shop\nruntime: python\nconfig:\n"
        "  size: {type: integer, default: 1}\n  shop:color: {value: red}\n  fixed: 7\n"
    )
    return Project.find(tmp_path)


def config(project: Project, text: str = STACK_FILE) -> StackConfig:
    project.stack_file("dev").write_text(text)
    return StackConfig.load(project, "dev")


def untouched(text: str) -> str:
    raise AssertionError(f"nothing is secret here, and {text} was to be decrypted")


def test_the_program_gets_every_value_as_text_and_the_projects_defaults(project: Project) -> None:
    texts, secret = config(project).for_program(untouched)

    assert texts == {
        "shop:size": "3",
        "shop:color": "red",
        "shop:fixed": "7",
        "shop:cluster": '{"memory":512,"nodes":[1,2]}',
        "docker:host": "unix:///run/docker.sock",
    }
    assert secret == []


def test_a_key_without_a_namespace_is_the_projects(project: Project) -> None:
    assert config(project, "config:\n  size: 4\n").for_program(untouched)[0]["shop:size"] == "4"


def test_secrets_are_decrypted_wherever_they_stand_and_their_top_key_is_named(project: Project) -> None:
    passphrase = Passphrase.create("x")
    sealed = [{"secure": passphrase.encrypt(text)} for text in ("one", "two")]
    text = yaml.safe_dump(
        {"config": {"shop:token": sealed[0], "shop:deep": {"list": [1, sealed[1]]}, "shop:a": True}}
    )

    loaded = config(project, text)
    texts, secret = loaded.for_program(passphrase.decrypt)

    assert texts["shop:token"] == "one"
    assert texts["shop:deep"] == '{"list":[1,"two"]}'
    assert texts["shop:a"] == "true"
    assert sorted(secret) == ["shop:deep", "shop:token"]
    assert sorted(loaded.secrets(passphrase.decrypt)) == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("config: [1]", "mapping"),
        ("config: {", "not YAML"),
        ("[1]", "mapping"),
        ("secretsprovider: awskms://x", "awskms"),
        ("environment: [shared]", "`environment`"),
        ("config: {1: x}", "mapping"),
        ("config: {'a:b:c': 1}", "'a:b:c' is no configuration key"),
        ("config:\n  shop:a: 1\n  shop:b: 2\n  shop:a: 3", "'shop:a' twice, in lines 2 and 4"),
        ("config:\n  shop:a: {x: 1, x: 2}", "'x' twice, in lines 2 and 2"),
        ("config: {size: 1, 'shop:size': 2}", "has size and shop:size under `config`, which are one key"),
        ("config: {'shop:config:size': 1, 'shop:size': 2}", "which are one key"),
    ],
)
def test_a_stack_file_that_cannot_be_used_is_named_with_the_reason(
    project: Project, text: str, fault: str
) -> None:
    with pytest.raises(BadInput, match=fault) as told:
        config(project, text)

    assert "Pulumi.dev.yaml" in str(told.value)


def test_a_key_that_only_an_anchor_gives_twice_is_not_there_twice(project: Project) -> None:
    text = "config:\n  shop:a: &a {x: 1, y: 2}\n  shop:b: {<<: *a, x: 3}\n"

    assert config(project, text).values["shop:b"] == {"x": 3, "y": 2}


def test_numbers_are_read_in_the_cli_s_digits(project: Project) -> None:
    text = "config:\n  a: 1e3\n  b: 08901\n  c: 0o17\n  d: 1.5e-7\n  e: 0.25\n  f: {x: 1e3}\n  g: 1e21\n"

    texts, _ = config(project, text).for_program(untouched)

    assert [texts[f"shop:{key}"] for key in "abcdefg"] == [
        *("1000", "8901", "15", "1.5e-7", "0.25", '{"x":1000}', "1e+21")
    ]


def test_one_value_is_changed_and_nothing_else_in_the_file(project: Project) -> None:
    loaded = config(project)

    loaded.set("size", "5")
    loaded.set("docker:host", "ssh://other")

    assert loaded.file.read_text() == STACK_FILE.replace('"3"', "'5'").replace(
        "unix:///run/docker.sock", "ssh://other"
    )


def test_a_new_value_stands_behind_the_others(project: Project) -> None:
    loaded = config(project)

    loaded.set("shop:token", {"secure": "v1:a:b"})

    assert loaded.file.read_text() == STACK_FILE + "  shop:token:\n    secure: v1:a:b\n"


@pytest.mark.parametrize(
    "text", ["0123456789", "1e3", "12345e7", "08901", "1.5e5", "1_0e3", ".1e5", "0o17", "2024-1-5", "-5"]
)
def test_a_text_that_the_cli_would_take_for_a_number_or_a_date_is_quoted(project: Project, text: str) -> None:
    loaded = config(project)

    loaded.set("code", text)

    assert loaded.file.read_text().splitlines()[-1] == f"  shop:code: '{text}'"


def test_a_text_that_nobody_takes_for_a_number_stands_as_it_is(project: Project) -> None:
    loaded = config(project)

    loaded.set("memory", "4g")

    assert loaded.file.read_text().splitlines()[-1] == "  shop:memory: 4g"


@pytest.mark.parametrize("key", ["a:b:c", "a::b", "a:config:b:c"])
def test_a_key_that_would_make_the_file_unreadable_for_the_cli_is_refused(project: Project, key: str) -> None:
    loaded = config(project)

    with pytest.raises(BadInput, match="is no configuration key"):
        loaded.set(key, "v")

    assert loaded.file.read_text() == STACK_FILE


def test_a_key_s_older_spelling_is_the_same_key(project: Project) -> None:
    loaded = config(project, "config:\n  shop:config:size: 3\n")

    assert loaded.for_program(untouched)[0]["shop:size"] == "3"
    loaded.set("size", 4)
    assert loaded.file.read_text() == "config:\n  shop:config:size: 4\n"
    loaded.remove("shop:size")
    assert loaded.file.read_text() == "config:\n"


def test_a_value_between_braces_is_not_removed_but_named(project: Project) -> None:
    text = 'config: {shop:b: "1"}\n'
    loaded = config(project, text)

    with pytest.raises(BadInput, match="cannot be edited without harm"):
        loaded.remove("b")

    assert loaded.file.read_text() == text


def test_a_file_that_does_not_exist_is_made(project: Project) -> None:
    StackConfig.load(project, "new").set("size", "5")

    assert StackConfig.load(project, "new").values == {"shop:size": "5"}


def test_a_value_is_removed_with_nothing_else(project: Project) -> None:
    loaded = config(project)

    loaded.remove("docker:host")

    assert loaded.file.read_text() == STACK_FILE.replace("  docker:host: unix:///run/docker.sock\n", "")


def test_an_edit_that_would_lose_a_comment_is_refused_and_says_what_to_write(project: Project) -> None:
    loaded = config(project)

    with pytest.raises(BadInput, match=r"memory: 1024"):
        loaded.set("cluster", {"memory": 1024, "nodes": [1, 2]})

    assert loaded.file.read_text() == STACK_FILE


def test_a_salt_is_written_below_the_comments_at_the_head(project: Project) -> None:
    loaded = config(project, "# The production stack.\nconfig:\n  shop:size: 3\n")

    loaded.set_salt("v1:a:v1:b:c")

    assert loaded.file.read_text().splitlines()[:2] == [
        "# The production stack.",
        "encryptionsalt: v1:a:v1:b:c",
    ]
    assert StackConfig.load(project, "dev").salt == "v1:a:v1:b:c"


KEYS = st.from_regex(r"shop:[a-z]{1,8}", fullmatch=True)
SCALARS = (
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\x85\ufeff"),
        max_size=20,
    )
    | st.integers(WHOLE[0], WHOLE[-1])
    | st.booleans()
)


@given(
    st.dictionaries(KEYS, SCALARS, max_size=5),
    KEYS,
    SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text("ab", min_size=1), SCALARS),
)
def test_whatever_is_written_is_read_back_and_the_rest_with_it(
    before: dict[str, Any], key: str, value: Any
) -> None:
    text = yaml.safe_dump({"config": before}, sort_keys=False, allow_unicode=True, width=10_000)

    edited = stackfile.with_value(text, [key], value, where="x")

    assert yaml.safe_load(edited)["config"] == {**before, key: value}
    assert parse_yaml(edited, "x")["config"][key] == value


@pytest.mark.parametrize(
    ("text", "kind", "fault"),
    [
        ("runtime: python", BadInput, "name"),
        ("name: x\nruntime: nodejs", Unsupported, "nodejs"),
        ("name: x\nruntime: python\nmain: src", Unsupported, "main"),
        ("name: x\nruntime: python\nplugins: {providers: [{name: a, path: b}]}", Unsupported, "plugins"),
        ("- x", BadInput, "mapping"),
        ("name: x\nruntime: python\nname: y", BadInput, "'name' twice, in lines 1 and 3"),
    ],
)
def test_a_project_that_cannot_be_run_is_refused_with_the_reason(
    tmp_path: Path, text: str, kind: type[Exception], fault: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(text)

    with pytest.raises(kind, match=fault):
        Project.find(tmp_path)


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ("virtualenv: other", "'other'"),
        ("toolchain: uv", "toolchain"),
        ("typechecker: mypy", "typechecker"),
    ],
)
def test_another_way_to_run_the_program_is_refused_when_it_is_to_run_and_not_before(
    tmp_path: Path, option: str, fault: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: x\nruntime: {{name: python, options: {{{option}}}}}")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")

    config = StackConfig.load(Project.find(tmp_path), "dev")

    with pytest.raises(Unsupported, match=fault):
        config.check()


def test_a_project_that_names_the_virtual_environment_that_runs_it_is_run(tmp_path: Path) -> None:
    (tmp_path / "own").symlink_to(sys.prefix)
    (tmp_path / "Pulumi.yaml").write_text(
        "name: x\nruntime: {name: python, options: {virtualenv: own, toolchain: pip}}"
    )

    assert Project.find(tmp_path).name == "x"


def test_what_only_this_engine_refuses_is_no_hindrance_where_another_one_runs(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: nodejs\nmain: src\nbackend: {url: file:///s}")

    assert Project.read(tmp_path).backend == "file:///s"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("shop:dbPassword", "1415fc1f4eaeb5e096ee58c1480016638fff29bf"),
        ("apiToken", "tR0ub4dor&3"),
        ("pwd", "kX9vQ2mLzR"),
        ("cluster.secret", "kX9vQ2mLzR"),
    ],
)
def test_a_value_under_a_secret_s_name_that_is_hard_to_guess_looks_like_a_secret(key: str, text: str) -> None:
    assert looks_secret(key, text)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("shop:dbPassword", ""),
        ("shop:dbPassword", "password"),
        ("tokenLifetime", "3600"),
        ("passthrough", "true"),
        ("secrets:color", "1415fc1f4eaeb5e096ee58c1480016638fff29bf"),
        ("image", "1415fc1f4eaeb5e096ee58c1480016638fff29bf"),
    ],
)
def test_an_easy_value_or_one_under_another_name_does_not_look_like_a_secret(key: str, text: str) -> None:
    assert not looks_secret(key, text)


def test_a_project_is_found_from_a_folder_inside_it(project: Project) -> None:
    inner = project.root / "a" / "b"
    inner.mkdir(parents=True)

    assert Project.find(inner).root == project.root


def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"Pulumi\.yaml"):
        Project.find(tmp_path)


@pytest.mark.parametrize(
    "value",
    [
        "shop:b:\n    inner: 1\n    list:\n    - x\n",
        "shop:b:\n  - 1\n  - 2\n",
        "shop:b: {}\n",
        "shop:b: [1,\n    2]\n",
    ],
    ids=["mapping", "list at the key's column", "empty", "in brackets"],
)
@pytest.mark.parametrize("key", ["shop:a", "shop:b", "shop:c", "shop:d"])
def test_a_structured_value_between_others_stands_in_nobodys_way(value: str, key: str) -> None:
    text = f"config:\n  shop:a: 1\n  {value}  # about c\n  shop:c: 3\n"

    edited = stackfile.with_value(text, [key], {"x": 1}, where="x")

    assert yaml.safe_load(edited)["config"] == {**yaml.safe_load(text)["config"], key: {"x": 1}}
    assert "# about c" in edited
