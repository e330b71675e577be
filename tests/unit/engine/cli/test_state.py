"""State looked at and edited by hand: what others need stays, what is damaged or foreign does not get in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engine.values import SECRET, SIGNATURE
from engine.workspace.passphrase import Passphrase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.engine.cli.conftest import Project

CHAIN = """
    first = Thing("first", value=pulumi.Output.secret("hush"))
    Thing("second", pulumi.ResourceOptions(depends_on=[first], protect=True))
    pulumi.export("key", pulumi.Output.secret("hush"))
"""


def exported(urn: str, **members: object) -> str:
    """What an export of one component looks like."""
    record = {"urn": urn, "type": "a:b:C", "custom": False, **members}
    return json.dumps({"version": 3, "deployment": {"resources": [record]}})


def test_an_exported_state_comes_back_as_it_was(project: Project, tmp_path: Path) -> None:
    project.up(CHAIN)
    file = tmp_path / "export.json"
    project.run("stack", "export", "--file", str(file))
    before = file.read_text()
    assert "hush" not in before
    project.run("state", "delete", project.urn("second"), "--force", "--yes")

    project.run("stack", "import", "--file", str(file))

    after = project.run("stack", "export").json()["deployment"]
    assert after["resources"] == json.loads(before)["deployment"]["resources"]
    assert project.run("stack", "output", "key", "--show-secrets").out == "hush\n"


def test_secrets_in_plain_text_are_encrypted_on_the_way_in(project: Project, tmp_path: Path) -> None:
    project.up(CHAIN)
    file = tmp_path / "export.json"
    project.run("stack", "export", "--show-secrets", "--file", str(file))
    assert "hush" in file.read_text()

    project.run("stack", "import", "--file", str(file))

    assert "hush" not in project.state.read_text()
    assert project.run("stack", "output", "key", "--show-secrets").out == "hush\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{ no json", "is not what `pulumi stack export` writes"),
        ("[]", "is not what `pulumi stack export` writes"),
        ('{"version": 4, "deployment": {}}', "is of version 4; this engine reads version 3"),
        ('{"version": 3, "deployment": {"resources": [{"urn": 1}]}}', "has it in another shape"),
        (
            exported("urn:pulumi:dev::other::a:b:C::x"),
            "holds resources of another stack or project",
        ),
        (
            exported("urn:pulumi:dev::tiny::a:b:C::x", dependencies=["urn:pulumi:dev::tiny::a:b:C::gone"]),
            "which it depends on and which does not stand before it",
        ),
        (exported("urn:pulumi:dev::tiny::a:b:C:x"), "'urn:pulumi:dev::tiny::a:b:C:x' is no URN"),
        (exported("urn:pulumi:dev::tiny::a:b:C::\ud800"), "has half of a surrogate pair in it"),
        (
            exported("urn:pulumi:dev::tiny::a:b:C::x", provider=5),
            "provider of urn:pulumi:dev::tiny::a:b:C::x is 5",
        ),
        (
            exported(
                "urn:pulumi:dev::tiny::a:b:C::x", inputs={"key": {SIGNATURE: SECRET, "plaintext": "new"}}
            ),
            "inputs of urn:pulumi:dev::tiny::a:b:C::x: a secret is not kept as JSON",
        ),
    ],
    ids=[
        *("no json", "no object", "newer", "another shape", "another project", "dangling"),
        *("no urn", "half a letter", "no text", "secret without quotes"),
    ],
)
def test_what_is_no_whole_state_of_this_stack_does_not_get_in(
    project: Project, tmp_path: Path, content: str, words: str
) -> None:
    before = project.state.read_text()
    file = tmp_path / "import.json"
    file.write_text(content)

    refused = project.run("stack", "import", "--file", str(file), code=1)

    assert words in refused.err
    assert project.state.read_text() == before


def test_a_file_that_is_no_text_does_not_get_in(project: Project, tmp_path: Path) -> None:
    before = project.state.read_text()
    file = tmp_path / "import.json"
    file.write_bytes(exported("urn:pulumi:dev::tiny::a:b:C::x").encode() + b"\xe9")

    refused = project.run("stack", "import", "--file", str(file), code=1)

    assert f"{file} is not text in UTF-8" in refused.err
    assert project.state.read_text() == before


def test_nothing_is_sealed_with_a_passphrase_that_is_not_the_stack_s(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.up(CHAIN)
    file = str(tmp_path / "export.json")
    project.run("stack", "export", "--show-secrets", "--file", file)
    project.run("stack", "init", "second")
    empty = project.state.with_name("second.json").read_text()

    with monkeypatch.context() as changed:
        changed.setenv("PULUMI_CONFIG_PASSPHRASE", "a slip of the pen")
        refused = project.run("stack", "import", "--stack", "second", "--force", "--file", file, code=1)

    assert "The passphrase does not fit" in refused.err
    assert project.state.with_name("second.json").read_text() == empty
    project.run("stack", "import", "--stack", "second", "--force", "--file", file)
    assert project.run("stack", "output", "key", "--show-secrets", "--stack", "second").out == "hush\n"


def seal_otherwise(project: Project) -> None:
    """Seals the secrets in the state with another key than the stack's."""
    document = json.loads(project.state.read_text())
    latest = document["checkpoint"]["latest"]
    other = Passphrase("another one", latest["secrets_providers"]["state"]["salt"])
    secret = {SIGNATURE: SECRET, "ciphertext": other.encrypt('"hush"')}
    latest["resources"][0]["outputs"] = {"key": secret}
    project.state.write_text(json.dumps(document))


@pytest.mark.parametrize("command", ["import", "rm"])
def test_a_state_that_was_sealed_with_another_key_is_replaced_or_forgotten_by_force_alone(
    project: Project, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.up(CHAIN)
    file = tmp_path / "export.json"
    project.run("stack", "export", "--file", str(file))
    seal_otherwise(project)
    arguments = ("stack", "rm", "--yes") if command == "rm" else ("stack", "import", "--file", str(file))

    assert "A secret cannot be decrypted" in project.run(*arguments, code=1).err
    with monkeypatch.context() as changed:
        changed.setenv("PULUMI_CONFIG_PASSPHRASE", "another one")
        assert "The passphrase does not fit" in project.run(*arguments, "--force", code=1).err
    project.run(*arguments, "--force")

    if command == "import":
        assert project.run("stack", "output", "key", "--show-secrets").out == "hush\n"
    else:
        assert project.run("stack", "ls", "--json").json() == []


def test_a_state_that_nobody_can_read_is_forgotten_by_force_alone(project: Project) -> None:
    project.state.write_text("{ no json")

    assert "is not JSON" in project.run("stack", "rm", "--yes", code=1).err
    project.run("stack", "rm", "--yes", "--force")

    assert project.run("stack", "ls", "--json").json() == []


@pytest.mark.parametrize("command", [("stack",), ("state", "unprotect", "--all", "--yes")])
def test_a_state_that_names_something_else_than_a_urn_is_told_and_kept(
    project: Project, command: tuple[str, ...]
) -> None:
    project.up('Thing("only")')
    damaged = project.state.read_text().replace(project.urn("only"), "only")
    project.state.write_text(damaged)

    refused = project.run(*command, code=1)

    assert "'only' is no URN" in refused.err
    assert f"The state before the last change is in {project.state}.bak" in refused.err
    assert project.state.read_text() == damaged


@pytest.mark.parametrize("command", ["delete", "unprotect"])
def test_a_urn_that_is_there_twice_stands_for_neither(project: Project, tmp_path: Path, command: str) -> None:
    project.up('Thing("only")')
    file = tmp_path / "export.json"
    project.run("stack", "export", "--file", str(file))
    document = json.loads(file.read_text())
    resources = document["deployment"]["resources"]
    resources.append({**resources[-1], "delete": True, "id": "before"})
    file.write_text(json.dumps(document))
    project.run("stack", "import", "--file", str(file))
    urns = project.urns()

    refused = project.run("state", command, urns[-1], "--yes", code=1)

    assert "  only\n  before (pending deletion)\n" in refused.err
    assert project.urns() == urns


def damage(project: Project, tmp_path: Path) -> tuple[str, Path]:
    """Makes the state inconsistent; returns it as it is now and an export of the one before."""
    project.up('Thing("only")')
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    project.run("stack", "export", "--file", str(good))
    document = json.loads(good.read_text())
    document["deployment"]["resources"][-1]["dependencies"] = ["urn:pulumi:dev::tiny::a:b:C::gone"]
    bad.write_text(json.dumps(document))
    project.run("stack", "import", "--force", "--file", str(bad))
    return project.state.read_text(), good


@pytest.mark.parametrize(
    "command", [("up", "--yes"), ("destroy", "--yes"), ("stack", "rm", "--yes"), ("stack", "output")]
)
def test_an_inconsistent_state_is_refused_with_what_to_do(
    project: Project, tmp_path: Path, command: tuple[str, ...]
) -> None:
    damaged, _ = damage(project, tmp_path)
    refused = project.run(*command, code=1)
    assert "which it depends on and which does not stand before it" in refused.out + refused.err
    assert f"The state before the last change is in {project.state}.bak" in refused.out + refused.err
    assert project.state.read_text() == damaged


@pytest.mark.parametrize("flags", [(), ("--force",)], ids=["plainly", "by force"])
def test_an_inconsistent_state_is_replaced_by_one_that_is_whole(
    project: Project, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    damaged, good = damage(project, tmp_path)

    project.run("stack", "import", *flags, "--file", str(good))

    project.run("preview", "--expect-no-changes")
    assert project.state.with_name("dev.json.bak").read_text() == damaged


def test_an_inconsistent_state_can_be_exported_mended_and_imported(project: Project, tmp_path: Path) -> None:
    damage(project, tmp_path)
    file = tmp_path / "export.json"
    project.run("stack", "export", "--file", str(file))
    document = json.loads(file.read_text())
    assert document["deployment"]["resources"][-1].pop("dependencies") == [
        "urn:pulumi:dev::tiny::a:b:C::gone"
    ]
    file.write_text(json.dumps(document))

    project.run("stack", "import", "--file", str(file))

    project.run("preview", "--expect-no-changes")


def test_a_stack_whose_state_is_inconsistent_is_forgotten_by_force(project: Project, tmp_path: Path) -> None:
    damage(project, tmp_path)
    project.run("stack", "rm", "--yes", "--force")
    assert project.run("stack", "ls", "--json").json() == []


def test_a_state_that_nobody_can_read_is_replaced_by_force_alone(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, good = damage(project, tmp_path)
    project.state.write_text("{ no json")
    file = str(good)

    assert "is not JSON" in project.run("stack", "import", "--file", file, code=1).err
    with monkeypatch.context() as changed:
        changed.setenv("PULUMI_CONFIG_PASSPHRASE", "another one")
        refused = project.run("stack", "import", "--force", "--file", file, code=1)
        assert "The passphrase does not fit" in refused.err
    assert project.state.read_text() == "{ no json"
    project.run("stack", "import", "--force", "--file", file)

    project.run("preview", "--expect-no-changes")
    assert project.state.with_name("dev.json.bak").read_text() == "{ no json"


def test_a_resource_that_others_need_is_not_forgotten_without_them(project: Project) -> None:
    project.up(CHAIN)
    first, second = project.urn("first"), project.urn("second")

    refused = project.run("state", "delete", first, "--yes", code=1)
    assert second in refused.err
    assert "--target-dependents" in refused.err
    refused = project.run("state", "delete", first, "--target-dependents", "--yes", code=1)
    assert "these are protected" in refused.err
    assert first in project.urns()

    project.run("state", "unprotect", second, "--yes")
    project.run("state", "delete", first, "--target-dependents", "--yes")
    assert {first, second}.isdisjoint(project.urns())
    project.run("preview", "--expect-no-changes", code=7)


@pytest.mark.parametrize("command", [("delete",), ("unprotect",), ("delete", "urn:pulumi:x", "--all")])
def test_one_urn_or_all_must_be_named(project: Project, command: tuple[str, ...]) -> None:
    assert "Name one resource's URN, or pass --all" in project.run("state", *command, "--yes", code=1).err


def test_a_urn_that_is_not_there_is_named(project: Project) -> None:
    refused = project.run("state", "delete", "urn:pulumi:dev::tiny::a:b:C::x", "--yes", code=1)
    assert "No resource 'urn:pulumi:dev::tiny::a:b:C::x' in stack 'dev'" in refused.err


def test_a_stack_is_forgotten_only_when_it_has_nothing_left(project: Project) -> None:
    project.up('Thing("only")')
    refused = project.run("stack", "rm", "--yes", code=1)
    assert "still has resources" in refused.err

    project.run("destroy", "--yes", "--skip-preview", "--remove")

    assert not project.state.exists()
    assert not (project.root / "Pulumi.dev.yaml").exists()
    assert project.run("stack", "ls", "--json").json() == []


def test_a_forgotten_stack_may_leave_its_configuration(project: Project) -> None:
    project.run("stack", "rm", "--yes", "--preserve-config")
    assert (project.root / "Pulumi.dev.yaml").exists()


def test_another_stack_s_outputs_are_read_with_their_secrets(
    project: Project, new_project: Callable[[str], Project]
) -> None:
    project.up(
        'pulumi.export("servers", "k:9092")\npulumi.export("login", pulumi.Output.secret({"word": "hush"}))'
    )
    user = new_project("user")
    program = """
        other = pulumi.StackReference("cluster", "organization/tiny/dev")
        Thing("thing", value=other.require_output("servers"))
        pulumi.export("login", other.get_output("login"))
    """
    user.up(program)

    user.run("preview", "--expect-no-changes")
    user.run("refresh", "--yes", "--expect-no-changes")
    assert "hush" not in user.state.read_text()
    assert json.loads(user.run("stack", "output", "login", "--show-secrets").out) == {"word": "hush"}
    project.up('pulumi.export("servers", "k:9093")')
    assert "~  pulumi-python:dynamic:Resource thing update" in user.run("preview").out
    user.run("destroy", "--yes", "--skip-preview")
    assert "Stack" in project.urns()[0]


def test_an_unknown_stack_that_is_referred_to_is_named(project: Project) -> None:
    failed = project.up('pulumi.StackReference("organization/tiny/nowhere")', code=1)
    assert "no stack named 'nowhere' found (known: dev)" in failed.out
