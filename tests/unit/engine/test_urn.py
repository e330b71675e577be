"""URNs: how they are made, taken apart and matched by targets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import urn as urns

STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
TOPIC = "kafka:index/topic:Topic"

names = st.text(st.characters(exclude_characters=":$", exclude_categories=["Cs"]), min_size=1)


def test_a_child_of_the_stack_has_its_own_type_alone() -> None:
    assert urns.create("dev", "shop", STACK, TOPIC, "orders") == f"urn:pulumi:dev::shop::{TOPIC}::orders"


def test_a_child_of_a_component_carries_the_types_of_all_components_above_it() -> None:
    outer = urns.create("dev", "shop", STACK, "shop:index:Platform", "platform")
    inner = urns.create("dev", "shop", outer, "shop:index:Stream", "orders")

    made = urns.create("dev", "shop", inner, TOPIC, "orders")

    assert made == f"urn:pulumi:dev::shop::shop:index:Platform$shop:index:Stream${TOPIC}::orders"
    assert urns.type_of(made) == TOPIC


@given(stack=names, project=names, name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_a_urn_was_made_of_is_found_in_it_again(stack: str, project: str, name: str) -> None:
    made = urns.create(stack, project, None, TOPIC, name)

    assert (urns.stack_of(made), urns.project_of(made), urns.type_of(made), urns.name_of(made)) == (
        stack,
        project,
        TOPIC,
        name,
    )


@pytest.mark.parametrize("text", ["", "orders", "urn:pulumi:dev::shop", "urn:other:dev::shop::a:b:C::n"])
def test_what_is_no_urn_is_told_so_with_an_example(text: str) -> None:
    assert not urns.is_urn(text)
    with pytest.raises(ValueError, match="one looks like urn:pulumi:"):
        urns.name_of(text)


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        (f"urn:pulumi:dev::shop::{TOPIC}::orders", True),
        ("**Topic::orders", True),
        ("**::orders", True),
        ("urn:*:dev::shop::*:*:Topic::*", True),
        ("*orders", False),
        ("**::order", False),
        ("urn:pulumi:dev::shop::kafka:index.topic:Topic::orders", False),
    ],
)
def test_one_star_stays_within_a_part_and_two_cross_parts(pattern: str, matched: bool) -> None:
    assert urns.matches(f"urn:pulumi:dev::shop::{TOPIC}::orders", pattern) is matched
