"""What two checkouts say of policies and secrets that no event shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messaging.report import sources

if TYPE_CHECKING:
    from pathlib import Path

STACK = """\
encryptionsalt: v1:a:b
config:
  messaging:environment: prod
  messaging:docker: {{host: tcp://h:1}}
  messaging:schemaRegistryPassword:
    secure: {secret}
"""


def project(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_a_changed_level_is_told_with_both_sides(tmp_path: Path) -> None:
    before = project(
        tmp_path / "a",
        {
            "policies/prod.json": '{"all": "mandatory", "p": {"enforcementLevel": "mandatory"}}',
            "policies/PulumiPolicy.yaml": "x",
            "policies/guardrails/rules.py": "1",
            "policies/same.json": "{}",
        },
    )
    after = project(
        tmp_path / "b",
        {
            "policies/prod.json": '{"all": "advisory", "q": "disabled"}',
            "policies/guardrails/rules.py": "2",
            "policies/same.json": "{}",
        },
    )
    assert sources.policies(before, after) == [
        "policies/PulumiPolicy.yaml goes",
        "policies/guardrails/rules.py changes",
        'policies/prod.json: all "mandatory" -> "advisory"',
        'policies/prod.json: p {"enforcementLevel": "mandatory"} -> nothing',
        'policies/prod.json: q nothing -> "disabled"',
    ]


def test_a_file_of_levels_that_cannot_be_read_has_changed(tmp_path: Path) -> None:
    before = project(tmp_path / "a", {"policies/prod.json": "{}"})
    after = project(tmp_path / "b", {"policies/prod.json": "{"})
    assert sources.policies(before, after) == ["policies/prod.json changes"]


def test_words_and_compiled_files_are_no_policies(tmp_path: Path) -> None:
    rules = {"policies/rules.py": "1", "policies/README.md": "a", "policies/__pycache__/rules.pyc": "a"}
    before = project(tmp_path / "a", rules)
    after = project(tmp_path / "__pycache__" / "b", dict.fromkeys(rules, "1"))
    assert sources.policies(before, after) == []


def test_what_a_change_must_not_choose_is_told_to_a_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = project(tmp_path / "a", {"policies/rules.py": "1"})
    after = project(
        tmp_path / "b", {"policies/rules.py": "2", "policies/exceptions.json": '[{"policy": "p"}]'}
    )
    sources.main("judges", str(before), str(after))
    assert capsys.readouterr().out == "policies/rules.py changes\n"
    sources.main("judges", str(after), str(after))
    assert capsys.readouterr().out == ""


def test_a_secret_is_another_one_where_its_encrypted_text_is(tmp_path: Path) -> None:
    one, same, other = (
        project(tmp_path / name, {"Pulumi.prod.yaml": STACK.format(secret=secret)})
        for name, secret in (("a", "v1:x"), ("b", "v1:x"), ("c", "v1:y"))
    )
    assert sources.changed_secrets(one, same, "prod") == []
    assert sources.changed_secrets(one, other, "prod") == ["messaging:schemaRegistryPassword"]
    assert sources.changed_secrets(tmp_path, other, "prod") == ["messaging:schemaRegistryPassword"]
    assert sources.environments(tmp_path, other, "prod") == ("", "prod")


@pytest.mark.parametrize("text", ["", "a: [1", "- a", "config: 1", "config: {a: {secure: 1, b: 2}}"])
def test_a_file_that_says_nothing_of_it_has_no_secret(text: str) -> None:
    assert sources.secrets(text) == {}
    assert sources.environment(text) == ""


def test_a_script_is_told_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project(tmp_path, {"Pulumi.prod.yaml": STACK.format(secret="v1:x")}) / "Pulumi.prod.yaml"
    sources.main("environment", str(file))
    sources.main("secrets", str(file))
    sources.main("secrets", str(tmp_path / "none"))
    assert capsys.readouterr().out == "prod\nmessaging:schemaRegistryPassword\n"
