"""What was acknowledged is not lost: replicas, in-sync replicas, elections, Kafka's own topics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from guardrails import reading
from guardrails.reading import BROKER_SETTINGS, CONTAINER, TOPIC
from guardrails.rule import ResourceRule, StackRule, Violation, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_policy import ResourceValidationArgs, StackValidationArgs

_MIN_ISR = "min.insync.replicas"
_MINIMUM = {"minimum": whole(2, "The fewest in-sync replicas that may acknowledge a message.")}
_OVER = {"spare": whole(1, "How many replicas more than the in-sync ones that a write needs.")}


def _topic_min_isr(args: ResourceValidationArgs) -> Iterable[str]:
    given = reading.settings(args.props).get(_MIN_ISR)
    least = int(args.get_config()["minimum"])
    value = reading.number(given)
    if value is None or value < least:
        has = "no min.insync.replicas of its own" if given is None else f"min.insync.replicas {given}"
        yield f"The topic {reading.topic_name(args)} has {has}; at least {least} is allowed."


def _broker_min_isr(args: ResourceValidationArgs) -> Iterable[str]:
    least = int(args.get_config()["minimum"])
    if args.resource_type == BROKER_SETTINGS:
        given = args.props["settings"].get(_MIN_ISR)
        value = reading.number(given)
        if given is not None and (value is None or value < least):
            yield f"All brokers are told {_MIN_ISR} {given} while they run; at least {least} is allowed."
        return
    if not reading.is_node(args.props):
        args.not_applicable("no Kafka node")
    yield from _too_few(args, (_MIN_ISR,), least)


def _too_few(args: ResourceValidationArgs, settings: Iterable[str], least: int) -> Iterable[str]:
    told = reading.node_settings(args.props)
    for setting in settings:
        given = told.get(setting)
        value = reading.number(given)
        if value is None or value < least:
            has = f"does not set {setting}" if given is None else f"has {setting} {given}"
            yield f"The node {reading.container_name(args)} {has}; at least {least} is allowed."


def _topic_replication(args: ResourceValidationArgs) -> Iterable[str]:
    replicas = reading.number(args.props.get("replicationFactor"))
    in_sync = reading.number(reading.settings(args.props).get(_MIN_ISR)) or 1
    least = in_sync + int(args.get_config()["spare"])
    if replicas is None or replicas < least:
        yield (
            f"The topic {reading.topic_name(args)} has replication factor {replicas} at min.insync.replicas "
            f"{in_sync}; at least {least} is allowed."
        )


def _broker_replication(args: ResourceValidationArgs) -> Iterable[str]:
    if not reading.is_node(args.props):
        args.not_applicable("no Kafka node")
    in_sync = reading.number(reading.node_settings(args.props).get(_MIN_ISR)) or 1
    yield from _too_few(args, ("default.replication.factor",), in_sync + int(args.get_config()["spare"]))


def _replication_fits(args: StackValidationArgs) -> Iterable[Violation]:
    count = len(reading.brokers(args.resources))
    if not count:
        args.not_applicable("no broker in this stack")
    for topic in reading.of_type(args.resources, TOPIC):
        replicas = reading.number(topic.props.get("replicationFactor"))
        if replicas is not None and replicas > count:
            said = (
                f"The topic {reading.topic_name(topic)} has replication factor {replicas}; at most {count} "
                "is allowed, the number of brokers."
            )
            yield Violation(resource=topic.name, message=said, urn=topic.urn)
    for broker in reading.brokers(args.resources):
        given = reading.node_settings(broker.props).get("default.replication.factor")
        replicas = reading.number(given)
        if replicas is not None and replicas > count:
            said = (
                f"The node {reading.container_name(broker)} has default.replication.factor {replicas}; "
                f"at most {count} is allowed, the number of brokers."
            )
            yield Violation(resource=broker.name, message=said, urn=broker.urn)


def _of_brokers(args: ResourceValidationArgs, setting: str, unsaid: str) -> tuple[str | None, str]:
    """What brokers have for a setting, while they run or from a node's container, and who says so.

    Args:
        args: one of the two resources.
        setting: its name in Kafka.
        unsaid: what counts where brokers are told nothing of it while they run.
    """
    if args.resource_type == BROKER_SETTINGS:
        return args.props["settings"].get(setting, unsaid), "What all brokers are told while they run"
    if not reading.is_node(args.props):
        args.not_applicable("no Kafka node")
    given = reading.node_settings(args.props).get(setting)
    return given, f"The node {reading.container_name(args)}"


def _unclean_election(args: ResourceValidationArgs) -> Iterable[str]:
    setting = "unclean.leader.election.enable"
    if args.resource_type == TOPIC:
        given = reading.settings(args.props).get(setting, "false")
        who = f"The topic {reading.topic_name(args)}"
    else:
        given, who = _of_brokers(args, setting, unsaid="false")
    if not reading.is_false(given):
        yield f"{who} has {setting} {given or 'left open'}; only false is allowed."


def _auto_creation(args: ResourceValidationArgs) -> Iterable[str]:
    if not reading.is_node(args.props):
        args.not_applicable("no Kafka node")
    setting = "auto.create.topics.enable"
    given = reading.node_settings(args.props).get(setting)
    if not reading.is_false(given):
        said = given or "left open, which is true"
        yield f"The node {reading.container_name(args)} has {setting} {said}; only false is allowed."


_INTERNAL: Mapping[str, str] = {
    "offsets.topic.replication.factor": "",
    "transaction.state.log.replication.factor": "transaction.state.log.min.isr",
    "share.coordinator.state.topic.replication.factor": "share.coordinator.state.topic.min.isr",
}
_REGISTRY = "SCHEMA_REGISTRY_KAFKASTORE_TOPIC_REPLICATION_FACTOR"


def _internal_topics(args: ResourceValidationArgs) -> Iterable[str]:
    variables = reading.environment(args.props)
    is_registry = any(name.startswith("SCHEMA_REGISTRY_KAFKASTORE_") for name in variables)
    config = args.get_config()
    least, replicas = int(config["minimum"]), int(config["minimum"]) + int(config["spare"])
    if reading.is_node(args.props):
        for replication, in_sync in _INTERNAL.items():
            yield from _too_few(args, (replication,), replicas)
            if in_sync:
                yield from _too_few(args, (in_sync,), least)
    elif is_registry:
        value = reading.number(variables.get(_REGISTRY))
        if value is None or value < replicas:
            given = variables.get(_REGISTRY, "not set")
            yield (
                f"The Schema Registry {reading.container_name(args)} has {_REGISTRY} {given}; at least "
                f"{replicas} is allowed, or schemas are kept with fewer replicas than messages."
            )
    else:
        args.not_applicable("neither a Kafka node nor a Schema Registry")


_BY_SIZE = "log.retention.bytes"
_NO_LIMIT = (None, "-1")
_SIZE_SAYS = "only -1 is allowed, for a full topic loses messages however young they are."


def _retention(args: ResourceValidationArgs) -> Iterable[str]:
    if args.resource_type == TOPIC:
        yield from _topic_retention(args)
        return
    given, who = _of_brokers(args, _BY_SIZE, unsaid="-1")
    if given not in _NO_LIMIT:
        yield f"{who} has {_BY_SIZE} {given}, and topics that state no size take it; {_SIZE_SAYS}"


def _topic_retention(args: ResourceValidationArgs) -> Iterable[str]:
    least_hours = int(args.get_config()["hours"])
    given = reading.settings(args.props)
    if reading.cleanup(args.props) == {"compact"}:
        args.not_applicable("compacted")
    value = reading.number(given.get("retention.ms"))
    if value is None or (value != -1 and value < least_hours * 3_600_000):
        has = "no retention.ms of its own" if given.get("retention.ms") is None else f"retention.ms {value}"
        yield f"The topic {reading.topic_name(args)} has {has}; at least {least_hours} hours are allowed."
    size = given.get("retention.bytes")
    if size not in _NO_LIMIT:
        yield f"The topic {reading.topic_name(args)} has retention.bytes {size}; {_SIZE_SAYS}"


_VARIABLE = re.compile(r"KAFKA_[A-Za-z0-9_]*")
_AS_WRITTEN = re.compile(r"([^\\\r\n]|\\\\|\\u(?!00[0-7])[0-9A-Fa-f]{4})*")
"""A line of the node's file that is what it looks like: no break begins another, and backslashes stand for
themselves or for a sign that the file cannot hold, so that none joins the next line or hides a sign.
"""
_CONFIGURED = ("/etc/confluent", "/etc/kafka", "/mnt/shared/config", "/opt/kafka")
"""Folders that the images read settings from, or the scripts that write them."""
_SECRETS = "/etc/kafka/secrets"
"""The one place in them for files of one's own."""


def _plain_settings(args: ResourceValidationArgs) -> Iterable[str]:
    if not reading.is_node(args.props):
        args.not_applicable("no Kafka node")
    who = f"The node {reading.container_name(args)}"
    given = [entry.partition("=")[::2] for entry in reading.items(args.props, "envs")]
    given += reading.arguments(args.props).items()
    for word in _scripts(args.props):
        if found := _VARIABLE.search(word.removeprefix(f"{reading.UNSET}{reading.PREFIX}")):
            yield f"{who} gets {found[0]} inside another word of its command; NAME=VALUE is allowed."
    spellings: dict[str, list[str]] = {}
    for name, value in given:
        if not name.upper().startswith(reading.PREFIX):
            continue
        spellings.setdefault(reading.setting(name.upper()), []).append(name)
        if not _VARIABLE.fullmatch(name) or not name.isupper():
            yield f"{who} is given {name}; capitals, digits and underscores are allowed in such a name."
        if not _AS_WRITTEN.fullmatch(value):
            yield (
                f"{who} has a single backslash or a line break in {name}; backslashes that are doubled are "
                "allowed, for others change what the lines of its file say."
            )
    for setting, names in sorted(spellings.items()):
        if len(names) > 1:
            yield f"{who} is given {setting} as {' and as '.join(sorted(names))}; once is allowed."
    for place in _placed(args.props):
        yield f"{who} has a mount or an upload at {place}; there, files in {_SECRETS} alone are allowed."


def _scripts(props: Mapping[str, Any]) -> Iterable[str]:
    """The words that start a container and are no arguments of the form NAME=VALUE."""
    command = reading.items(props, "command")
    before = ["", *command]
    yield from reading.items(props, "entrypoints")
    for flag, word in zip(before, command, strict=False):
        if not reading.ASSIGNMENT.match(word) or re.fullmatch(r"-\w*c", flag):
            yield word


def _placed(props: Mapping[str, Any]) -> Iterable[str]:
    """Where files and folders lie over those that a node's settings come from."""
    places = [entry.get("file") for entry in reading.items(props, "uploads")]
    places += [entry.get("containerPath") for entry in reading.items(props, "volumes")]
    places += [entry.get("target") for entry in reading.items(props, "mounts")]
    for place in sorted(reading.path(given) for given in places if given):
        over = any(
            reading.is_within(folder, place) or reading.is_within(place, folder) for folder in _CONFIGURED
        )
        if over and not reading.is_within(place, _SECRETS):
            yield place


RULES = (
    ResourceRule(
        name="node-settings-plain",
        what="A Kafka node is told each setting once, in one plain spelling, and by nothing else.",
        why="What is judged must be what the broker reads, and of two spellings it may take the other one.",
        fix="Set it as one KAFKA_ variable in capitals, with a value of one line and doubled backslashes.",
        types=(CONTAINER,),
        judge=_plain_settings,
    ),
    ResourceRule(
        name="topic-min-isr",
        what="A topic acknowledges a message only when enough replicas have it.",
        why="With one in-sync replica, the loss of one broker loses acknowledged messages.",
        fix="Raise min.insync.replicas where the environment's topics get it (levels, streams).",
        types=(TOPIC,),
        settings=_MINIMUM,
        judge=_topic_min_isr,
    ),
    ResourceRule(
        name="broker-min-isr",
        what="A broker's default lets no topic acknowledge with too few replicas.",
        why="Topics that state nothing, Kafka's own among them, fall back to it.",
        fix="Raise min.insync.replicas of the environment's brokers.",
        types=(CONTAINER, BROKER_SETTINGS),
        settings=_MINIMUM,
        judge=_broker_min_isr,
    ),
    ResourceRule(
        name="topic-replication",
        what="A topic has more replicas than a write needs.",
        why="Otherwise no broker can be restarted without stopping writes.",
        fix="Raise the replication factor, or lower min.insync.replicas as far as topic-min-isr allows.",
        types=(TOPIC,),
        settings=_OVER,
        judge=_topic_replication,
    ),
    ResourceRule(
        name="broker-replication",
        what="A broker's default gives a topic more replicas than a write needs.",
        why="It decides for every topic that is created by hand.",
        fix="Raise default.replication.factor of the environment's brokers.",
        types=(CONTAINER,),
        settings=_OVER,
        judge=_broker_replication,
    ),
    StackRule(
        name="replication-fits-brokers",
        what="No topic asks for more replicas than there are brokers.",
        why="Kafka refuses to create it, in the middle of an update.",
        fix="Lower the replication factor, or add brokers first.",
        judge=_replication_fits,
    ),
    ResourceRule(
        name="unclean-election-off",
        what="Only a replica that has every acknowledged message may become leader.",
        why="An unclean election throws acknowledged messages away, silently.",
        fix="Set unclean.leader.election.enable to false.",
        types=(CONTAINER, TOPIC, BROKER_SETTINGS),
        judge=_unclean_election,
    ),
    ResourceRule(
        name="auto-creation-off",
        what="Topics exist because the catalogue says so.",
        why="A misspelt name would become a topic without replicas, retention or dead letters.",
        fix="Set auto.create.topics.enable to false.",
        types=(CONTAINER,),
        judge=_auto_creation,
    ),
    ResourceRule(
        name="internal-topics",
        what="Offsets, transactions, share groups and schemas are as safe as messages.",
        why="Consumers that lose their offsets read everything again, or skip it.",
        fix="Raise the replication and min.isr settings of Kafka's own topics.",
        types=(CONTAINER,),
        settings={**_MINIMUM, **_OVER},
        judge=_internal_topics,
    ),
    ResourceRule(
        name="topic-retention",
        what="A topic says itself how long it keeps messages, and long enough; size ends nothing earlier.",
        why="The broker's default may change, and a consumer that was down must find its messages.",
        fix="Raise the stream's retention in schemas/streams.yaml, and take limits of size out.",
        types=(TOPIC, CONTAINER, BROKER_SETTINGS),
        settings={"hours": whole(24, "The shortest retention in hours.")},
        judge=_retention,
    ),
)
