"""Policy packs on disk and in processes of their own: what is taken and refused, and that none is left."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import BadInput, Unsupported
from engine.policy import pack as policy_pack
from engine.policy.pack import Policy, PolicySettings
from tests.unit.engine.run.judges import JUDGES, big, said

if TYPE_CHECKING:
    from pathlib import Path


def test_a_pack_that_does_not_start_stops_the_run_before_anything_is_made(stack: Any, packed: Any) -> None:
    packed("raise ValueError('half written')")
    done = stack.up(big)
    assert done.calls == []
    assert "half written" in "\n".join(done.messages)
    (error,) = done.errors
    assert error.message.startswith(f'policy pack "{stack.packs[0].folder}" failed to start: ')
    assert "ended with exit code 1 before it was ready" in error.message


def test_a_pack_may_have_an_interpreter_of_its_own(stack: Any, packed: Any, tmp_path: Path) -> None:
    import sys

    folder = tmp_path / "own" / "bin"
    folder.mkdir(parents=True)
    mark = tmp_path / "used"
    script = folder / "python"
    script.write_text(f'#!/bin/sh\necho "$@" > {mark}\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    packed(
        JUDGES, project="runtime: {name: python, options: {virtualenv: ../own}}\ndescription: of its own\n"
    )
    done = stack.preview(big)
    assert len(said(done)) == 2
    assert mark.read_text().startswith("-u -m pulumi.policy 127.0.0.1:")


def test_the_engines_own_virtual_environment_is_no_other_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "PulumiPolicy.yaml").write_text("runtime: {name: python, options: {virtualenv: own}}\n")
    python = tmp_path / "own" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    (pack,) = policy_pack.packs([str(tmp_path)], [])
    assert pack.python == python

    monkeypatch.setattr("sys.executable", str(python))

    (pack,) = policy_pack.packs([str(tmp_path)], [])
    assert pack.python is None


def test_no_pack_process_is_left_behind(stack: Any, packed: Any) -> None:
    packed(
        """
        import os
        PolicyPack("p", [StackValidationPolicy("pid", "Pid.", lambda args, report: report(str(os.getpid())))])
        """
    )
    ((_, _, pid),) = said(stack.preview(big))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


# --- on disk ---


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nonsense", "is not JSON"),
        ("[1]", "must be an object of policy names"),
        ('{"size": 3}', 'parsing "size": 3 is not a valid value; must be a string or object'),
        ('{"size": "mandatori"}', "'mandatori' is not a valid enforcement level; allowed are advisory,"),
        ('{"size": {"enforcementLevel": 1}}', "1 is not a valid enforcement level"),
        ('{"environments": ["a"]}', "ESC `environments`"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused_with_its_file(
    tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)
    with pytest.raises(BadInput) as refused:
        policy_pack.load_config(file)
    assert complaint in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_missing_configuration_is_refused_and_an_empty_one_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        policy_pack.load_config(tmp_path / "none.json")
    (tmp_path / "empty.json").write_text(" \n")
    assert policy_pack.load_config(tmp_path / "empty.json") == {}


def test_a_pack_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="failed to load Pulumi policy project located at"):
        policy_pack.packs([str(tmp_path)], [])
    (tmp_path / "PulumiPolicy.yaml").write_text("runtime: nodejs\n")
    with pytest.raises(Unsupported, match="policy packs in Python alone"):
        policy_pack.packs([str(tmp_path)], [])
    (tmp_path / "PulumiPolicy.yaml").write_text("runtime: {name: python, options: {virtualenv: .venv}}\n")
    with pytest.raises(BadInput, match=r"names the virtual environment '\.venv'"):
        policy_pack.packs([str(tmp_path)], [])
    with pytest.raises(BadInput, match='the number of "--policy-pack-config" flags must match'):
        policy_pack.packs([str(tmp_path)], ["a.json", "b.json"])


def test_settings_lie_over_the_packs_own_which_lie_over_the_policies_defaults() -> None:
    policies = [
        Policy(name="a", level="advisory", schema={"n": {"type": "integer", "default": 1}, "m": {}}),
        Policy(name="b", level="mandatory", required=("given",)),
    ]
    own = {"all": PolicySettings(level="remediate"), "a": PolicySettings(properties={"m": 2})}
    given = {"a": PolicySettings(level="disabled", properties={"n": 3})}
    result, faults = policy_pack.reconcile(policies, own, given)
    assert result["a"] == PolicySettings(level="disabled", properties={"n": 3, "m": 2})
    assert result["b"] == PolicySettings(level="remediate")
    assert faults == ["b: 'given' is a required property"]
