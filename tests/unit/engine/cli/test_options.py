"""Flags that take several values, and what is refused."""

from __future__ import annotations

from engine.cli import options


def test_packs_are_named_by_flags_or_by_the_variable_with_commas_between_them() -> None:
    environment = {"PULUMI_OPTION_POLICY_PACK": "policies,more"}
    assert options.listed(None, environment, "POLICY_PACK") == ["policies", "more"]
    assert options.listed(["a", "b,c"], environment, "POLICY_PACK") == ["a", "b", "c"]
    assert options.listed(None, {}, "POLICY_PACK") == []


def test_the_variables_of_policy_packs_are_known() -> None:
    options.refuse_variables({"PULUMI_OPTION_POLICY_PACK": "p", "PULUMI_OPTION_POLICY_PACK_CONFIG": "c"})
