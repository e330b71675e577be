"""Reads what resources say: environments, labels, topic settings, images.

A value that preview cannot know raises the SDK's own error, which becomes an advisory remark there; the rule
is applied in the update.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from pulumi_policy.proxy import UnknownValueError

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
_NODES = frozenset({"broker", "controller"})
PREFIX = "KAFKA_"
"""Of the variables that become a node's settings."""
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
"""How an argument of the start command begins that joins the environment."""
UNSET = "--unset="


def items(props: Mapping[str, Any], key: str) -> list[Any]:
    """A list among the properties; empty where there is none."""
    return list(props.get(key) or ())


def environment(props: Mapping[str, Any]) -> dict[str, str]:
    """A container's environment variables."""
    return dict(_pair(entry) for entry in items(props, "envs"))


def _pair(entry: str) -> tuple[str, str]:
    name, _, value = entry.partition("=")
    return name, value


def labels(props: Mapping[str, Any]) -> dict[str, str]:
    """The labels of a Docker object."""
    return {entry["label"]: entry["value"] for entry in items(props, "labels")}


def arguments(props: Mapping[str, Any]) -> dict[str, str]:
    """What a container's command sets as ``NAME=VALUE``."""
    return dict(_pair(word) for word in items(props, "command") if ASSIGNMENT.match(word))


def node_settings(props: Mapping[str, Any]) -> dict[str, str]:
    """What a Kafka node is told, by Kafka's own names.

    As the images count: the environment, without what ``env --unset`` takes away, then what the command sets;
    all of it sorted, and of two lines of one name the later counts. Spellings that could still make of it
    something else are violations of a rule of their own (``node-settings-plain``).
    """
    gone = {word.removeprefix(UNSET) for word in items(props, "command") if word.startswith(UNSET)}
    kept = {name: value for name, value in environment(props).items() if name not in gone}
    variables = sorted((kept | arguments(props)).items())
    return {setting(name): value for name, value in variables if name.startswith(PREFIX)}


def setting(name: str) -> str:
    """The setting behind a variable: ``a.b`` for ``KAFKA_A_B``; two underscores are one, three a hyphen."""
    parts = re.split(r"(___|__|_)", name.removeprefix(PREFIX).lower())
    return "".join({"___": "-", "__": "_", "_": "."}.get(part, part) for part in parts)


def is_node(props: Mapping[str, Any]) -> bool:
    """Whether a container is a Kafka node: it has a node's number, or the label of one.

    What a container leaves to its image, stack rules cannot know before it is there. One that says another
    role and no variables is then no node, and commands are not asked.
    """
    role = labels(props).get(ROLE_LABEL)
    if role in _NODES:
        return True
    try:
        names = [name for name in environment(props) if name.startswith(PREFIX)]
    except UnknownValueError:
        if role:
            return False
        raise
    return any(setting(name) == "node.id" for name in names)


def is_broker(props: Mapping[str, Any]) -> bool:
    """Whether a container is a Kafka node that keeps messages."""
    return is_node(props) and "broker" in node_settings(props).get("process.roles", "broker")


def brokers(resources: Iterable[PolicyResource]) -> list[PolicyResource]:
    """The containers of all brokers, sorted by name."""
    found = [one for one in resources if one.resource_type == CONTAINER and is_broker(one.props)]
    return sorted(found, key=lambda one: one.name)


def of_type(resources: Iterable[PolicyResource], type_: str) -> list[PolicyResource]:
    """The resources of a type, sorted by name."""
    return sorted((one for one in resources if one.resource_type == type_), key=lambda one: one.name)


def cleanup(props: Mapping[str, Any]) -> set[str]:
    """What becomes of a topic's old messages: ``delete``, ``compact`` or both."""
    given = settings(props).get("cleanup.policy") or "delete"
    return {word.strip() for word in str(given).split(",") if word.strip()}


def path(given: str) -> str:
    """A folder or file by its plain name, without ``..`` and doubled or last slashes."""
    return "/" + posixpath.normpath("/" + given).lstrip("/") if given.startswith("/") else given


def is_within(place: str, folder: str) -> bool:
    """Whether a plain path is a folder or lies in it."""
    return place == folder or place.startswith(f"{folder.rstrip('/')}/")


def is_false(value: object) -> bool:
    """Whether Kafka reads a setting as false: it takes that word alone, however it is written."""
    return str(value).strip().lower() == "false"


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
