"""ClusterIdentity: stands for the cluster's data, so that nothing can be done to it by accident.

It is never replaced and deletes nothing. Topics and subjects are ``deleted_with`` it, so a removal of the
whole platform need not ask a broker that may be down. Its check sees the old inputs beside the new ones, in
every preview on every engine, and refuses what no policy can see: a change that would lose data or that Kafka
cannot follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from components.dynamic.provider import EmptyProvider, differs, inputs_only, tell
from messaging.kafka_release import older

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi


class ClusterIdentity(Resource, module="messaging", name="ClusterIdentity"):
    """The facts of a cluster that its data depends on."""

    def __init__(
        self,
        name: str,
        *,
        cluster_id: str,
        voters: Sequence[str],
        process_roles: str,
        brokers: Mapping[int, str],
        data: Mapping[str, Mapping[str, str]],
        image_source: str,
        kafka_release: str,
        topics: Mapping[str, Mapping[str, int]],
        overrides: Mapping[str, str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declares the identity.

        Args:
            name: its logical name.
            cluster_id: Kafka's, which every data volume carries.
            voters: the members of the quorum, each as ``id@host:port``.
            process_roles: ``combined`` if brokers are controllers, else ``dedicated``.
            brokers: names of their containers by Kafka's ids.
            data: by the node's name, its folders of data, each with the volume and the folder in it.
            image_source: decides which product keeps the schemas, and in what form.
            kafka_release: the line of Kafka that brokers run, such as ``4.1``; empty if it is not known.
            topics: by name, ``partitions`` and ``replicationFactor``.
            overrides: by change, in the words of a refusal: why it is made nevertheless. They stay in the
                state, where they can be read later.
            opts: the usual ones.
        """
        props = {
            "clusterId": cluster_id,
            "voters": list(voters),
            "processRoles": process_roles,
            "brokers": {str(broker): container for broker, container in sorted(brokers.items())},
            "data": {node: dict(sorted(places.items())) for node, places in sorted(data.items())},
            "imageSource": image_source,
            "kafkaRelease": kafka_release,
            "topics": {topic: dict(facts) for topic, facts in sorted(topics.items())},
            "overrides": dict(sorted(overrides.items())),
        }
        super().__init__(ClusterIdentityProvider(), name, props, opts)


class ClusterIdentityProvider(EmptyProvider):
    """Remembers the facts and compares them; it talks to nothing."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuses a change that the cluster's data would not survive."""
        failures = [CheckFailure(name, reason) for name, reason in refusals(_olds, news)] if _olds else []
        return CheckResult(news, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Whatever passed the check is an update, never a replacement."""
        return DiffResult(changes=differs(_olds, _news), replaces=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Takes the cluster's id for its own."""
        return CreateResult(str(props["clusterId"]), inputs_only(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Remembers the new facts."""
        return UpdateResult(inputs_only(_news))


def refusals(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is forbidden about a change, each with the name of the input.

    Args:
        olds: the inputs in the state.
        news: the wanted inputs.
    """
    rules = (
        _another_cluster,
        _other_voters,
        _other_roles,
        _other_names,
        _other_places,
        _other_image_source,
        _older_release,
        _fewer,
    )
    return [refusal for rule in rules for refusal in rule(olds, news)]


def _another_cluster(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[tuple[str, str]]:
    if olds.get("clusterId") == news["clusterId"]:
        return []
    problem = (
        "project, stack and messaging:instance are part of the cluster's identity, and its volumes would not "
        f"fit another one. Put them back as they were, or make a new stack. {_START_AFRESH}"
    )
    return [("clusterId", problem)]


def _other_voters(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[tuple[str, str]]:
    old, new = list(olds.get("voters", [])), list(news["voters"])
    if old == new or olds.get("clusterId") != news["clusterId"]:
        return []
    problem = (
        f"the controllers are {', '.join(old)} and would become {', '.join(new)}. Kafka keeps the members of "
        f"its quorum for good; a quorum that changes under it can lose the metadata. {_START_AFRESH}"
    )
    return [("voters", problem)]


def _other_roles(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[tuple[str, str]]:
    old, new = olds.get("processRoles"), news["processRoles"]
    if old == new:
        return []
    problem = f"the nodes are {old} and would become {new}; a node keeps its roles. {_START_AFRESH}"
    return [("processRoles", problem)]


def _other_names(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[tuple[str, str]]:
    # Names of voters are told with their quorum, and another instance changes them all.
    if olds.get("clusterId") != news["clusterId"] or olds.get("voters") != news["voters"]:
        return []
    changed = [
        f"broker {broker} is {old} and would become {new}"
        for broker, old in olds.get("brokers", {}).items()
        if (new := news["brokers"].get(broker, old)) != old
    ]
    if not changed:
        return []
    problem = (
        f"{', '.join(changed)}: its volume is called after it, so that it would begin with an empty one. "
        f"A single broker's name has no number: keep one broker, or several. {_START_AFRESH}"
    )
    return [("brokers", problem)]


def _other_places(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[tuple[str, str]]:
    known: Mapping[str, Mapping[str, str]] = olds.get("data", {})  # a state of an earlier version has none
    moved = [
        f"{node} keeps {folder} on {place}, and would have it on {after}"
        for node, places in known.items()
        if node in news["data"]
        for folder, place in places.items()
        if (after := news["data"][node].get(folder, "nothing: it is none of its folders any more")) != place
    ]
    if not moved:
        return []
    problem = (
        f"{'; '.join(moved)}. A node that does not find its data begins without any, and what others copy "
        f"from it is gone, too. Put it back as it was. {_START_AFRESH}"
    )
    return [("data", problem)]


def _other_image_source(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[tuple[str, str]]:
    old, new = olds.get("imageSource"), news["imageSource"]
    if old == new:
        return []
    problem = (
        f"images come from {old!r} and would come from {new!r}. The Schema Registry of the one cannot read "
        f"the schemas that the other's has kept. Set messaging:images to source: {old}. {_START_AFRESH}"
    )
    return [("imageSource", problem)]


def _older_release(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[tuple[str, str]]:
    old, new = str(olds.get("kafkaRelease", "")), str(news["kafkaRelease"])
    change = f"Kafka {old} -> {new}"
    if not older(new, old) or _accepted(change, news):
        return []
    problem = (
        f"brokers run Kafka {old} and would run {new}. Once `messaging upgrade-metadata` has finished an "
        f"upgrade, brokers of an older line do not start any more. Put the image of {old} back. "
        f"Where `messaging health` says that it is not finished, the older one may return: {_ask(change)}"
    )
    return [("kafkaRelease", problem)]


def _fewer(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for topic, old in olds.get("topics", {}).items():
        new = news["topics"].get(topic)
        for fact, noun, consequence in _ONLY_GROWING:
            before, after = int(old.get(fact, 0)), int(new[fact]) if new else None
            if after is None or after >= before:
                continue
            change = f"{topic} {noun} {before} -> {after}"
            if _accepted(change, news):
                continue
            problem = (
                f"{topic} has {before} {noun} and would have {after}: {consequence}. Put {before} back. "
                f"If it is meant, {_ask(change)}"
            )
            found.append(("topics", problem))
    return found


def _accepted(change: str, news: Mapping[str, Any]) -> bool:
    reason = news.get("overrides", {}).get(change)
    if reason:
        tell(f"accepted by messaging:overrides: {change}, because {reason}")
    return bool(reason)


def _ask(change: str) -> str:
    return (
        f"say so for this one change: messaging:overrides: {{'{change}': {{reason: ..., approvedBy: ...}}}}"
    )


_ONLY_GROWING = (
    (
        "partitions",
        "partitions",
        "Kafka cannot take any away, so the topic would be deleted with its messages",
    ),
    ("replicationFactor", "replicas", "its messages would be less safe than they were promised to be"),
)
_START_AFRESH = "If the data may go: `pulumi destroy`, then `pulumi up`"
