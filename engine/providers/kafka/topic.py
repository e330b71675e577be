"""Topics: created, grown, configured and removed, each time until the cluster shows it."""

from __future__ import annotations

import dataclasses
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.providers import schema
from engine.providers.base import ProviderError, Unfinished
from engine.providers.check import Failure
from engine.providers.diff import Change, diff
from engine.providers.kafka.batch import Batch
from engine.providers.kafka.cluster import Refused
from engine.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from engine.providers.base import Call
    from engine.providers.kafka.cluster import Cluster
    from engine.values import Values

_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}\Z")
_POLL_SECONDS = 0.05


class Topic:
    """The resource ``kafka:index/topic:Topic``."""

    def __init__(self, cluster: Cluster) -> None:
        self.type = schema.load("kafka").resources["kafka:index/topic:Topic"]
        self._cluster = cluster
        self._strangers: set[str] = set()
        """Names that were there before their creation was asked for."""
        self._made: set[str] = set()
        """Names of this process's own topics: a broker may list a topic a moment after it was created."""
        self._creations: Batch[Values, None] = Batch(self._send)
        self._descriptions: Batch[None, Any] = Batch(self._ask_for_partitions)
        self._configs: Batch[None, Any] = Batch(self._ask_for_configs)

    def check(self, olds: Values, news: Values) -> list[Failure]:
        """Find names that Kafka does not take, and changes that it takes no request for."""
        failures = []
        name = news["name"]
        if name is not UNKNOWN and (not _NAME.match(name) or name in (".", "..")):
            failures.append(
                Failure("name", f"'{name}' is no topic name: use 1 to 249 letters, digits, '.', '_' and '-'")
            )
        old, new = olds.get("replicationFactor"), news["replicationFactor"]
        stays = olds.get("name") == name and not _shrinks(olds, news)
        if stays and old is not None and UNKNOWN not in (old, new) and old != new:
            reason = (
                f"the replication factor of topic {name} is {old} and cannot be changed to {new} here: that "
                "moves data, and where to "
                "must be chosen. Move it with kafka-reassign-partitions, then run `pulumi refresh`; or set "
                f"it back to {old}"
            )
            failures.append(Failure("replicationFactor", reason))
        return failures

    def diff(self, olds: Values, news: Values, ignored: Sequence[str]) -> list[Change]:
        """Compare. A topic cannot lose partitions: fewer take a new one."""
        shrinks = _shrinks(olds, news)
        return [
            dataclasses.replace(change, replace=True) if shrinks and change.top == "partitions" else change
            for change in diff(self.type.properties, olds, news, ignored)
        ]

    # --- life ---

    def create(self, inputs: Values, call: Call) -> tuple[str, Values]:
        """Create, together with others that are created at this moment, and wait for its leaders."""
        name = inputs["name"]
        # Fails before a batch is opened, and with the clearer message.
        _ = self._cluster.admin
        try:
            with self._cluster.saying(f"cannot create topic {name}"):
                self._creations.submit(name, inputs).result()
        except Refused as error:
            if error.code != "TOPIC_ALREADY_EXISTS":
                raise
            # A busy cluster may be handed one request twice, and then refuses what it has just made.
            if name in self._strangers:
                return name, self._take_over(inputs, call)
            self._made.add(name)
        self._await(name, lambda: self._leads(name, inputs["partitions"]), inputs, call, "has no leaders")
        return name, _outputs(inputs)

    def known_by(self, identifier: str) -> Values:
        """Return its name."""
        return {"name": identifier, "config": {}}

    def read(self, identifier: str, known: Values) -> Values | None:
        """Describe it: partitions, replicas, and the configuration that differs from the cluster's."""
        partitions = self._describe(identifier)
        if partitions is None:
            return None
        config = _as_written(self._config(identifier), known.get("config", {}))
        outputs: Values = {
            "name": identifier,
            "partitions": len(partitions),
            # While replicas move, a partition has the old and the new ones.
            "replicationFactor": min(len(partition.replicas) for partition in partitions),
        }
        return outputs | ({"config": config} if config or "config" in known else {})

    def left(self, inputs: Values, call: Call) -> str:
        """Look for one that is as wanted and has never held a message: Kafka tells nobody a topic's age."""
        name = inputs["name"]
        found = self.read(name, inputs)
        if not found or not call.orphans or self.diff(found, inputs, ()) or self._has_messages(name):
            return ""
        return str(name)

    def _has_messages(self, name: str) -> bool:
        from confluent_kafka import TopicPartition
        from confluent_kafka.admin import OffsetSpec

        asked = {
            TopicPartition(name, index): OffsetSpec.latest()
            for index in range(len(self._describe(name) or ()))
        }
        with self._cluster.saying(f"cannot look into topic {name}"):
            answers = self._cluster.admin.list_offsets(asked, request_timeout=self._cluster.timeout)
            return any(answer.result().offset for answer in answers.values())

    def update(self, identifier: str, olds: Values, news: Values, call: Call) -> Values:
        """Change configuration, only the keys that differ, then add partitions."""
        try:
            self._configure(identifier, olds, news.get("config", {}), call)
            if news["partitions"] > olds.get("partitions", 0):
                self._grow(identifier, news, call)
        except Unfinished:
            raise
        except ProviderError as error:
            outputs = self.read(identifier, olds)
            if outputs is None:
                raise ProviderError(f"topic {identifier} no longer exists: run `pulumi refresh`") from None
            raise Unfinished(str(error), identifier, outputs) from None
        return _outputs(news)

    def delete(self, identifier: str, outputs: Values, call: Call) -> None:  # noqa: ARG002 - as all have it
        """Remove, and wait until the cluster shows it no more."""
        self._made.discard(identifier)
        try:
            with self._cluster.saying(f"cannot remove topic {identifier}"):
                requests = self._cluster.admin.delete_topics(
                    [identifier], request_timeout=self._cluster.timeout
                )
                requests[identifier].result()
        except Refused as error:
            if error.code != "UNKNOWN_TOPIC_OR_PART":
                raise
            return
        seconds = call.seconds or self._cluster.timeout
        call.until_gone(
            lambda: self._describe(identifier) is None,
            seconds=seconds,
            every=_POLL_SECONDS,
            otherwise=f"topic {identifier} is still being removed after {seconds:g} s: see the brokers' logs",
        )

    # --- creation ---

    def _send(self, topics: Mapping[str, Values]) -> Mapping[str, Future[None]]:
        from confluent_kafka.admin import NewTopic  # loaded by the connection

        requests = [
            NewTopic(
                name,
                num_partitions=inputs["partitions"],
                replication_factor=inputs["replicationFactor"],
                config=inputs.get("config", {}),
            )
            for name, inputs in topics.items()
        ]
        with self._cluster.saying("cannot list the topics"):
            present = self._cluster.admin.list_topics(timeout=self._cluster.timeout).topics
        self._strangers |= topics.keys() & (present.keys() | self._made)
        sent: Mapping[str, Future[None]] = self._cluster.admin.create_topics(
            requests, request_timeout=self._cluster.timeout
        )
        for name, outcome in sent.items():
            outcome.add_done_callback(partial(self._note, name))
        return sent

    def _note(self, name: str, outcome: Future[None]) -> None:
        if not outcome.exception():
            self._made.add(name)

    def _take_over(self, inputs: Values, call: Call) -> Values:
        """Deal with a topic that exists: ours from a run that died, or another's."""
        name = inputs["name"]
        if self.left(inputs, call):
            return _outputs(inputs)
        raise ProviderError(
            f"topic {name} exists already on {self._cluster.servers}, and this stack does not know it: "
            "adopt it with the Pulumi "
            f"CLI (`pulumi import kafka:index/topic:Topic RESOURCE {name}`), or if nobody needs its "
            "messages remove it with "
            f"`kafka-topics --delete --topic {name}` and run again"
        )

    # --- changes ---

    def _configure(self, name: str, olds: Values, news: Values, call: Call) -> None:
        from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

        had = olds.get("config", {})
        changes = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
            for key, value in news.items()
            if had.get(key) != value
        ] + [
            ConfigEntry(key, None, incremental_operation=AlterConfigOpType.DELETE)
            for key in had
            if key not in news
        ]
        if not changes:
            return
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=changes)
        with self._cluster.saying(f"cannot configure topic {name}"):
            requests = self._cluster.admin.incremental_alter_configs(
                [resource], request_timeout=self._cluster.timeout
            )
            requests[resource].result()

        def shows() -> bool:
            config = self._config(name)
            return all(_same(config.get(change.name), news.get(change.name)) for change in changes)

        # Kafka has taken it, shown or not: what takes it back later is compared with this.
        taken = olds | {"config": news}
        self._await(name, shows, taken, call, "does not show its new configuration")

    def _grow(self, name: str, news: Values, call: Call) -> None:
        from confluent_kafka.admin import NewPartitions

        with self._cluster.saying(f"cannot add partitions to topic {name}"):
            requests = self._cluster.admin.create_partitions(
                [NewPartitions(name, news["partitions"])], request_timeout=self._cluster.timeout
            )
            requests[name].result()
        self._await(
            name,
            lambda: self._leads(name, news["partitions"]),
            news,
            call,
            "has no leaders for its new partitions",
        )

    # --- looking ---

    def _await(
        self, name: str, condition: Callable[[], bool], outputs: Values, call: Call, otherwise: str
    ) -> None:
        seconds = call.seconds or self._cluster.timeout
        try:
            if call.until(condition, seconds=seconds, every=_POLL_SECONDS):
                return
        except ProviderError as error:
            raise Unfinished(str(error), name, _outputs(outputs)) from None
        raise Unfinished(
            f"topic {name} {otherwise} after {seconds:g} s: see the brokers' logs", name, _outputs(outputs)
        )

    def _leads(self, name: str, partitions: int) -> bool:
        found = self._describe(name)
        return found is not None and len(found) == partitions and all(p.leader is not None for p in found)

    def _describe(self, name: str) -> Sequence[Any] | None:
        _ = self._cluster.admin
        try:
            with self._cluster.saying(f"cannot describe topic {name}"):
                partitions: Sequence[Any] = self._descriptions.submit(name, None).result().partitions
        except Refused as error:
            if error.code != "UNKNOWN_TOPIC_OR_PART":
                raise
            return None
        return partitions

    def _config(self, name: str) -> dict[str, str]:
        """Return what is set for the topic itself; what the brokers' own settings say is none of it."""
        from confluent_kafka.admin import ConfigSource

        _ = self._cluster.admin
        with self._cluster.saying(f"cannot read the configuration of topic {name}"):
            entries = self._configs.submit(name, None).result()
        return {
            key: entry.value
            for key, entry in sorted(entries.items())
            if ConfigSource(entry.source) is ConfigSource.DYNAMIC_TOPIC_CONFIG
        }

    def _ask_for_partitions(self, names: Mapping[str, None]) -> Mapping[str, Future[Any]]:
        from confluent_kafka import TopicCollection

        requests: Mapping[str, Future[Any]] = self._cluster.admin.describe_topics(
            TopicCollection(list(names)), request_timeout=self._cluster.timeout
        )
        return requests

    def _ask_for_configs(self, names: Mapping[str, None]) -> Mapping[str, Future[Any]]:
        from confluent_kafka.admin import ConfigResource, ResourceType

        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        requests = self._cluster.admin.describe_configs(resources, request_timeout=self._cluster.timeout)
        return {resource.name: future for resource, future in requests.items()}


def _shrinks(olds: Values, news: Values) -> bool:
    """Tell whether a topic loses partitions, and so is made anew."""
    old, new = olds.get("partitions"), news["partitions"]
    return isinstance(old, int) and isinstance(new, int) and new < old


def _as_written(shown: dict[str, str], known: Values) -> dict[str, str]:
    """Keep the known spelling of what Kafka shows in its own."""
    return {
        key: known[key] if key in known and _same(value, known[key]) else value
        for key, value in shown.items()
    }


def _same(shown: str | None, given: str | None) -> bool:
    """Tell whether Kafka shows what it was given, if not as it was written: it shows what it has read."""
    return shown == given or (None not in (shown, given) and _value(str(shown)) == _value(str(given)))


def _value(text: str) -> int | float | str | list[str]:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    if (word := text.strip().lower()) in ("true", "false"):
        return word
    return [word.strip() for word in text.split(",")]


def _outputs(inputs: Values) -> Values:
    """Keep of a topic what was asked for: it has it once the cluster shows it."""
    return dict(inputs)
