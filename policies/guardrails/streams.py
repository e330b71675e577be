"""Every stream is complete, and told from every other: dead letters, names, owners."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from guardrails import reading
from guardrails.reading import STREAM, TOPIC
from guardrails.rule import ResourceRule, StackRule, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_policy import PolicyResource, ResourceValidationArgs, StackValidationArgs

SUFFIXES = (".dlq", ".dlq.validation_error", ".dlq.processing_error", ".dlq.poison")
"""Of a stream's dead letter queues: one for what is not classified, then one for each class."""


def _streams(args: StackValidationArgs) -> list[PolicyResource]:
    found = reading.of_type(args.resources, STREAM)
    if not found:
        args.not_applicable("no stream in this stack")
    return found


def _topics(args: StackValidationArgs) -> dict[str, PolicyResource]:
    return {reading.topic_name(topic): topic for topic in reading.of_type(args.resources, TOPIC)}


def _dead_letters(args: StackValidationArgs) -> Iterable[Violation]:
    topics = _topics(args)
    for stream in _streams(args):
        missing = [
            f"{stream.name}{suffix}" for suffix in ("", *SUFFIXES) if f"{stream.name}{suffix}" not in topics
        ]
        if missing:
            said = (
                f"The stream {stream.name} has no topic {', '.join(missing)}; a stream must have its own "
                f"topic and {', '.join(SUFFIXES)}."
            )
            yield Violation(resource=stream.name, message=said, urn=stream.urn)


def _dead_letter_retention(args: StackValidationArgs) -> Iterable[Violation]:
    topics = _topics(args)
    for stream in _streams(args):
        if stream.name not in topics:
            continue
        own = _kept(topics[stream.name])
        for suffix in SUFFIXES:
            queue = topics.get(f"{stream.name}{suffix}")
            if queue and (cleanup := reading.cleanup(queue.props)) != {"delete"}:
                said = (
                    f"The dead letters {stream.name}{suffix} have cleanup.policy "
                    f"{','.join(sorted(cleanup))}, so that the next message of a key takes the one before "
                    "away; only delete is allowed."
                )
                yield Violation(resource=queue.name, message=said, urn=queue.urn)
            if queue and (kept := _kept(queue)) < own:
                said = (
                    f"The dead letters {stream.name}{suffix} are kept for {kept:.0f} ms; at least the "
                    f"{own:.0f} ms of {stream.name} are allowed."
                )
                yield Violation(resource=queue.name, message=said, urn=queue.urn)


def _kept(topic: PolicyResource) -> float:
    value = reading.number(reading.settings(topic.props).get("retention.ms"))
    return float("inf") if value == -1 else float(value or 0)


def _collisions(args: StackValidationArgs) -> Iterable[Violation]:
    named: dict[str, set[str]] = defaultdict(set)
    urns: dict[str, PolicyResource] = {}
    for topic in reading.of_type(args.resources, TOPIC):
        name = reading.topic_name(topic)
        named[name.replace(".", "_")].add(name)
        urns[name] = topic
    if not urns:
        args.not_applicable("no topic in this stack")
    for names in named.values():
        first, *others = sorted(names)
        for other in others:
            said = (
                f"The topics {first} and {other} collide; names that differ in dots and underscores alone "
                "are not allowed."
            )
            yield Violation(resource=urns[other].name, message=said, urn=urns[other].urn)


def _owner(args: ResourceValidationArgs) -> Iterable[str]:
    missing = [key for key in ("owner", "purpose") if not str(args.props.get(key) or "").strip()]
    if missing:
        yield f"The stream {args.name} states no {' and no '.join(missing)}; both must be stated."


RULES = (
    StackRule(
        name="stream-dead-letters",
        what="Every stream has its topic and its four dead letter queues.",
        why="A consumer without one either stops at the first bad message or throws it away.",
        fix="Let EventStream expand the catalogue; add no topic beside it.",
        judge=_dead_letters,
    ),
    StackRule(
        name="dead-letter-retention",
        what="Dead letters are all kept, and at least as long as their stream's messages.",
        why="Otherwise a bad message is gone before anybody has looked at it.",
        fix="Raise deadLetters.retention in schemas/streams.yaml; leave cleanup.policy at delete.",
        judge=_dead_letter_retention,
    ),
    StackRule(
        name="topic-names-differ",
        what="No two topics have the same name once dots are underscores.",
        why="Kafka's metrics make one of both, and Kafka refuses to create the second.",
        fix="Rename one of them in schemas/streams.yaml.",
        judge=_collisions,
    ),
    ResourceRule(
        name="stream-owner",
        what="Every stream says who owns it and what it is for.",
        why="Somebody must be asked when it breaks or is to go.",
        fix="Add owner and purpose to the stream in schemas/streams.yaml.",
        types=(STREAM,),
        judge=_owner,
    ),
)
