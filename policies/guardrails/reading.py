"""Reads what resources say: environments, labels, topic settings, images.

A value that preview cannot know raises the SDK's own error, which becomes an advisory remark there; the rule
is applied in the update.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_policy import PolicyResource, ResourceValidationArgs

CONTAINER = "docker:index/container:Container"
VOLUME = "docker:index/volume:Volume"
NETWORK = "docker:index/network:Network"
TOPIC = "kafka:index/topic:Topic"
STREAM = "messaging:index:EventStream"
BROKER_SETTINGS = "pulumi-python:dynamic/messaging:ClusterSettings"
"""What all brokers are told while they run; it goes before what their containers say."""
SUBJECT = "pulumi-python:dynamic/messaging:Subject"

ROLE_LABEL = "com.iotplatform.messaging.role"
_NODE_ID = "KAFKA_NODE_ID"
_ROLES = "KAFKA_PROCESS_ROLES"


def items(props: Mapping[str, Any], key: str) -> list[Any]:
    """A list among the properties; empty where there is none."""
    return list(props.get(key) or ())


def environment(props: Mapping[str, Any]) -> dict[str, str]:
    """A container's environment variables, with what lines of a value that has several set for Kafka.

    The images write a variable as a line of a file of settings, in which the last of two lines counts.
    """
    found = dict(_pair(entry) for entry in items(props, "envs"))
    for value in list(found.values()):
        for line in value.splitlines()[1:]:
            setting, given = _pair(line)
            found[variable(setting.strip())] = given.strip()
    return found


def _pair(entry: str) -> tuple[str, str]:
    name, _, value = entry.partition("=")
    return name, value


def labels(props: Mapping[str, Any]) -> dict[str, str]:
    """The labels of a Docker object."""
    return {entry["label"]: entry["value"] for entry in items(props, "labels")}


def arguments(props: Mapping[str, Any]) -> dict[str, str]:
    """What a container's command sets as ``NAME=VALUE``."""
    return dict(_pair(entry) for entry in items(props, "command") if "=" in entry)


def is_node(props: Mapping[str, Any]) -> bool:
    """Whether a container is a Kafka node: it has a node's number, or the label of one."""
    return _NODE_ID in environment(props) or labels(props).get(ROLE_LABEL) in {"broker", "controller"}


def is_broker(props: Mapping[str, Any]) -> bool:
    """Whether a container is a Kafka node that keeps messages."""
    return is_node(props) and "broker" in environment(props).get(_ROLES, "broker")


def brokers(resources: Iterable[PolicyResource]) -> list[PolicyResource]:
    """The containers of all brokers, sorted by name."""
    found = [one for one in resources if one.resource_type == CONTAINER and is_broker(one.props)]
    return sorted(found, key=lambda one: one.name)


def of_type(resources: Iterable[PolicyResource], type_: str) -> list[PolicyResource]:
    """The resources of a type, sorted by name."""
    return sorted((one for one in resources if one.resource_type == type_), key=lambda one: one.name)


def variable(setting: str) -> str:
    """The environment variable of a broker's setting: ``KAFKA_A_B`` for ``a.b``."""
    return f"KAFKA_{setting.replace('.', '_').upper()}"


def number(text: object) -> int | None:
    """A whole number as settings and properties give it; None if it is none."""
    if isinstance(text, float) and text.is_integer():
        return int(text)
    return int(text) if isinstance(text, str) and re.fullmatch(r"-?\d+", text.strip()) else None


def topic_name(args: ResourceValidationArgs | PolicyResource) -> str:
    """What Kafka calls a topic."""
    return str(args.props.get("name") or args.name)


def settings(props: Mapping[str, Any]) -> Mapping[str, Any]:
    """A topic's settings."""
    return props.get("config") or {}


def container_name(args: ResourceValidationArgs | PolicyResource) -> str:
    """What Docker calls a container."""
    return str(args.props.get("name") or args.name)
