"""Flags that take several values, and what is refused."""

from __future__ import annotations

import pytest

from engine.cli import options
from engine.cli.main import main


def test_packs_are_named_by_flags_or_by_the_variable_with_commas_between_them() -> None:
    environment = {"PULUMI_OPTION_POLICY_PACK": "policies,more"}
    assert options.listed(None, environment, "POLICY_PACK") == ["policies", "more"]
    assert options.listed(["a", "b,c"], environment, "POLICY_PACK") == ["a", "b", "c"]
    assert options.listed(None, {}, "POLICY_PACK") == []


def test_the_variables_of_policy_packs_are_known() -> None:
    options.refuse_variables({"PULUMI_OPTION_POLICY_PACK": "p", "PULUMI_OPTION_POLICY_PACK_CONFIG": "c"})


@pytest.mark.parametrize("arguments", [["up", "--yes", "--refresh"], ["up", "--yes", "-r"], ["up", "--yes"]])
def test_an_update_does_not_refresh_first(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if len(arguments) == 2:
        monkeypatch.setenv("PULUMI_OPTION_REFRESH", "true")
    assert main(arguments) == 1
    assert "Run `pulumi refresh` by itself, then `pulumi up`." in capsys.readouterr().err
