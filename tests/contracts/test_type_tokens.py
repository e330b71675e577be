"""Type tokens and paths of dynamic providers are in every stack's state: a change orphans resources."""

from __future__ import annotations

import ast
import base64
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pulumi
import pytest
from pulumi.dynamic import Resource, ResourceProvider
from pulumi.dynamic.dynamic import serialize_provider

import components

if TYPE_CHECKING:
    from collections.abc import Iterator

Base = TypeVar("Base")

COMPONENTS = {
    "DockerHost": "messaging:index:DockerHost",
    "EventStream": "messaging:index:EventStream",
    "KafkaCluster": "messaging:index:KafkaCluster",
    "KafkaNode": "messaging:index:KafkaNode",
    "KafkaUI": "messaging:index:KafkaUI",
    "LoadBalancer": "messaging:index:LoadBalancer",
    "SchemaRegistry": "messaging:index:SchemaRegistry",
    "SharedTypes": "messaging:index:SharedTypes",
    "StreamCatalogue": "messaging:index:StreamCatalogue",
}
DYNAMIC_RESOURCES = {
    "BrokerGuard": "dynamic/messaging:BrokerGuard",
    "BrokerGate": "dynamic/messaging:BrokerGate",
    "CatalogueCheck": "dynamic/messaging:CatalogueCheck",
    "ClusterIdentity": "dynamic/messaging:ClusterIdentity",
    "ClusterSettings": "dynamic/messaging:ClusterSettings",
    "ClusterReady": "dynamic/messaging:ClusterReady",
    "ContainerHealthy": "dynamic/messaging:ContainerHealthy",
    "LoadBalancerConfig": "dynamic/messaging:LoadBalancerConfig",
    "Preflight": "dynamic/messaging:Preflight",
    "Subject": "dynamic/messaging:Subject",
}
PROVIDERS = {
    "components.dynamic.broker_guard.BrokerGuardProvider",
    "components.dynamic.broker_gate.BrokerGateProvider",
    "components.dynamic.cluster_settings.ClusterSettingsProvider",
    "components.dynamic.catalogue.CatalogueCheckProvider",
    "components.dynamic.gate.ClusterReadyProvider",
    "components.dynamic.haproxy.LoadBalancerConfigProvider",
    "components.dynamic.healthy.ContainerHealthyProvider",
    "components.dynamic.identity.ClusterIdentityProvider",
    "components.dynamic.preflight.PreflightProvider",
    "components.dynamic.subject.SubjectProvider",
}


def classes(base: type[Base]) -> Iterator[type[Base]]:
    """All classes of the package below a base."""
    for module in pkgutil.walk_packages(components.__path__, "components."):
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if (
                issubclass(found, base)
                and found.__module__ == module.name
                and found.__name__ != "EmptyProvider"
            ):
                yield found


def token_in_source(component: type) -> str:
    """The first argument of the component's call of its base's constructor."""
    source = ast.parse(Path(inspect.getfile(component)).read_text())
    for node in ast.walk(source):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__":
            return str(ast.literal_eval(node.args[0]))
    raise AssertionError(f"{component.__name__} does not call its base's constructor")


def test_every_component_has_the_token_that_states_know() -> None:
    assert {
        found.__name__: token_in_source(found) for found in classes(pulumi.ComponentResource)
    } == COMPONENTS


def test_every_dynamic_resource_has_the_token_that_states_know() -> None:
    assert {found.__name__: found._resource_type_name for found in classes(Resource)} == DYNAMIC_RESOURCES


def test_every_provider_is_where_states_look_for_it() -> None:
    found = {f"{provider.__module__}.{provider.__name__}" for provider in classes(ResourceProvider)}

    assert found == PROVIDERS


@pytest.mark.parametrize("path", sorted(PROVIDERS))
def test_a_provider_is_stored_by_its_path_alone(path: str) -> None:
    module, _, name = path.rpartition(".")
    provider = getattr(importlib.import_module(module), name)

    stored = base64.b64decode(serialize_provider(provider()))

    assert name.encode() in stored
    assert module.encode() in stored
    assert len(stored) < len(path) + 60, "code or values were stored, which change where the path does not"
    assert provider.serialize_as_secret_always is False


@pytest.mark.parametrize("path", sorted(PROVIDERS))
def test_a_provider_compares_for_itself(path: str) -> None:
    """The default comparison includes the stored provider, whose bytes depend on the Python version."""
    module, _, name = path.rpartition(".")

    assert "diff" in vars(getattr(importlib.import_module(module), name))
