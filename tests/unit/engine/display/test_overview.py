"""What `pulumi stack` shows of a state."""

from __future__ import annotations

from engine.display import overview
from engine.resource import Resource
from engine.values import Secret

ROOT = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"


def resource(type_: str, name: str, parent: str = "", id_: str = "") -> Resource:
    return Resource(f"urn:pulumi:dev::shop::{type_}::{name}", type_, parent=parent, id=id_)


def test_resources_stand_below_their_parents() -> None:
    stack = resource("pulumi:pulumi:Stack", "shop-dev")
    cluster = resource("shop:Cluster", "kafka", ROOT)
    found = [
        stack,
        resource("pulumi:providers:docker", "default"),
        cluster,
        resource("shop:Volume", "data", cluster.urn),
        resource("shop:Topic", "orders", ROOT),
        resource("shop:Container", "kafka-1", cluster.urn),
    ]

    assert overview.resources(found) == [
        "Current stack resources (6):",
        "    TYPE                        NAME",
        "    pulumi:pulumi:Stack         shop-dev",
        "    ├─ shop:Cluster             kafka",
        "    │  ├─ shop:Volume           data",
        "    │  └─ shop:Container        kafka-1",
        "    ├─ shop:Topic               orders",
        "    └─ pulumi:providers:docker  default",
    ]


def test_ids_and_urns_follow_their_resource_where_they_are_asked_for() -> None:
    found = [resource("pulumi:pulumi:Stack", "shop-dev"), resource("shop:Topic", "orders", ROOT, "orders-1")]

    lines = overview.resources(found, ids=True, urns=True)

    assert lines[2:] == [
        "    pulumi:pulumi:Stack  shop-dev",
        f"    │      URN: {ROOT}",
        "    └─ shop:Topic        orders",
        f"              URN: {found[1].urn}",
        "              ID: orders-1",
    ]


def test_what_is_left_of_a_stack_whose_own_record_is_gone_is_listed() -> None:
    lines = overview.resources([resource("shop:Topic", "orders", ROOT)])

    assert lines[-1] == "    shop:Topic  orders"


def test_a_state_that_is_no_tree_is_a_list() -> None:
    found = [
        resource("pulumi:pulumi:Stack", "shop-dev"),
        resource("shop:Topic", "orders"),
        resource("a:B", "c"),
    ]
    found[1].parent, found[2].parent = found[2].urn, found[1].urn

    lines = overview.resources(found)

    assert lines[2:] == [
        "    pulumi:pulumi:Stack  shop-dev",
        "    shop:Topic           orders",
        "    a:B                  c",
    ]


def test_outputs_are_a_table_whose_secrets_are_hidden() -> None:
    values = {"url": "http://here", "topics": ["a", "b"], "key": Secret("hush")}

    assert overview.outputs(values) == [
        "Current stack outputs (3):",
        "    OUTPUT  VALUE",
        "    key     [secret]",
        '    topics  ["a","b"]',
        "    url     http://here",
    ]
    assert "    key     hush" in overview.outputs(values, show_secrets=True)


def test_nothing_is_said_to_be_nothing() -> None:
    assert overview.resources([])[1:] == ["    No resources currently in this stack"]
    assert overview.outputs({})[1:] == ["    No output values currently in this stack"]
