"""Kafka's own settings of a broker: every name with what Kafka takes for it. Pure.

The union of what brokers of Kafka 4.1, 4.2 and 4.3 define (``kafka.server.KafkaConfig.configDef``), with the
widest range where they differ, and what the reporter of metrics that each has reads beside it
(``org.apache.kafka.common.metrics.JmxReporter``). What belongs to security is not here: no stack sets it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RELEASES = "4.1 to 4.3"
"""Whose settings these are."""

_SHORT = 2**15 - 1
_INT = 2**31 - 1
_LONG = 2**63 - 1
_DIGITS = re.compile(r"-?\d{1,19}", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A whole number."""

    least: int
    most: int

    def takes(self, value: str) -> bool:
        """Whether a text is one."""
        return bool(_DIGITS.fullmatch(value)) and self.least <= int(value) <= self.most

    def allowed(self) -> str:
        """The rule in words."""
        return f"a whole number from {self.least} to {self.most}"


@dataclass(frozen=True, kw_only=True)
class Real:
    """A number."""

    least: float = float("-inf")
    most: float = float("inf")

    def takes(self, value: str) -> bool:
        """Whether a text is one."""
        return bool(_DECIMAL.fullmatch(value)) and self.least <= float(value) <= self.most

    def allowed(self) -> str:
        """The rule in words."""
        bounded = self.most != float("inf")
        return f"a number from {self.least} to {self.most}" if bounded else "a number, such as 0.5"


class Words:
    """One of some words."""

    def __init__(self, *words: str, any_case: bool = False) -> None:
        self._words = words
        self._any_case = any_case

    def takes(self, value: str) -> bool:
        """Whether a text is one of them."""
        return (value.lower() if self._any_case else value) in self._words

    def allowed(self) -> str:
        """The rule in words."""
        return f"one of {', '.join(self._words)}"


class Flag(Words):
    """A truth."""

    def __init__(self) -> None:
        super().__init__("true", "false", any_case=True)


class Several(Words):
    """Some of some words, with commas between them."""

    def takes(self, value: str) -> bool:
        """Whether a text is a list of them."""
        return all(super(Several, self).takes(word.strip()) for word in value.split(","))

    def allowed(self) -> str:
        """The rule in words."""
        return f"any of {', '.join(self._words)}, with commas between them"


class Text:
    """Anything: a text, the name of a class, or a list of either."""

    def takes(self, _value: str) -> bool:
        """Whether a text is one."""
        return True

    def allowed(self) -> str:
        """The rule in words."""
        return "a text"


Rule = Whole | Real | Words | Text

_TABLE: tuple[tuple[Rule, str], ...] = (
    (
        Flag(),
        """
        auto.create.topics.enable auto.leader.rebalance.enable controlled.shutdown.enable
        controller.quorum.auto.join.enable delete.topic.enable
        follower.fetch.last.tiered.offset.enable group.share.enable log.cleaner.enable
        log.preallocate remote.log.storage.system.enable transaction.partition.verification.enable
        transaction.two.phase.commit.enable unclean.leader.election.enable
        unstable.api.versions.enable unstable.feature.versions.enable
        """,
    ),
    (
        Whole(least=-1, most=_INT),
        "group.coordinator.append.linger.ms share.coordinator.append.linger.ms",
    ),
    (Whole(least=-1, most=_LONG), "remote.log.index.file.cache.ttl.ms"),
    (Whole(least=-131_072, most=22), "compression.zstd.level"),
    (
        Whole(least=-2, most=_LONG),
        "log.local.retention.bytes log.local.retention.ms",
    ),
    (
        Whole(least=-_INT - 1, most=_INT),
        """
        broker.heartbeat.interval.ms broker.id broker.session.timeout.ms
        controller.socket.timeout.ms default.replication.factor
        delete.records.purgatory.purge.interval.requests fetch.purgatory.purge.interval.requests
        group.initial.rebalance.delay.ms group.max.session.timeout.ms group.min.session.timeout.ms
        initial.broker.registration.timeout.ms internal.metadata.log.segment.bytes
        internal.metadata.max.batch.size.in.bytes internal.metadata.max.fetch.size.in.bytes
        log.retention.hours log.retention.minutes num.replica.alter.log.dirs.threads
        offset.metadata.max.bytes offsets.topic.compression.codec
        producer.purgatory.purge.interval.requests replica.fetch.min.bytes replica.fetch.wait.max.ms
        replica.socket.receive.buffer.bytes replica.socket.timeout.ms request.timeout.ms
        share.coordinator.state.topic.compression.codec
        share.fetch.purgatory.purge.interval.requests socket.receive.buffer.bytes
        socket.send.buffer.bytes
        """,
    ),
    (
        Whole(least=-_LONG - 1, most=_LONG),
        """
        connections.max.idle.ms connections.max.reauth.ms internal.metadata.delete.delay.millis
        log.cleaner.dedupe.buffer.size log.flush.interval.ms log.flush.scheduler.interval.ms
        log.retention.bytes log.retention.ms log.roll.jitter.ms log.roll.ms metadata.log.segment.ms
        metadata.max.retention.bytes metadata.max.retention.ms queued.max.request.bytes
        replica.high.watermark.checkpoint.interval.ms replica.lag.time.max.ms
        socket.connection.setup.timeout.max.ms socket.connection.setup.timeout.ms
        """,
    ),
    (
        Whole(least=0, most=_INT),
        """
        add.partitions.to.txn.retry.backoff.max.ms connection.failed.authentication.delay.ms
        controller.quorum.append.linger.ms controller.quorum.election.backoff.max.ms
        controller.quorum.election.timeout.ms controller.quorum.fetch.timeout.ms
        controller.quorum.request.timeout.ms controller.quorum.retry.backoff.ms
        group.consumer.assignment.interval.ms group.consumer.max.assignment.interval.ms
        group.consumer.min.assignment.interval.ms group.share.assignment.interval.ms
        group.share.max.assignment.interval.ms group.share.min.assignment.interval.ms
        group.streams.assignment.interval.ms group.streams.initial.rebalance.delay.ms
        group.streams.max.assignment.interval.ms group.streams.max.standby.replicas
        group.streams.min.assignment.interval.ms group.streams.num.standby.replicas
        log.cleaner.io.buffer.size log.cleaner.threads log.flush.offset.checkpoint.interval.ms
        log.flush.start.offset.checkpoint.interval.ms log.index.interval.bytes log.roll.jitter.hours
        max.connection.creation.rate max.connections max.connections.per.ip
        max.incremental.fetch.session.cache.slots message.max.bytes metadata.max.idle.interval.ms
        node.id remote.log.metadata.custom.metadata.max.bytes replica.fetch.backoff.ms
        replica.fetch.max.bytes replica.fetch.response.max.bytes
        share.coordinator.snapshot.update.records.per.snapshot
        """,
    ),
    (
        Whole(least=0, most=_LONG),
        """
        controller.performance.always.log.threshold.ms log.cleaner.backoff.ms
        log.cleaner.delete.retention.ms log.cleaner.min.compaction.lag.ms log.initial.task.delay.ms
        log.message.timestamp.after.max.ms log.message.timestamp.before.max.ms
        log.segment.delete.delay.ms metadata.log.max.snapshot.interval.ms server.max.startup.time.ms
        """,
    ),
    (Whole(least=1, most=17), "compression.lz4.level"),
    (Whole(least=1, most=1_000), "group.share.max.size"),
    (
        Whole(least=1, most=_INT),
        """
        add.partitions.to.txn.retry.backoff.ms alter.log.dirs.replication.quota.window.num
        alter.log.dirs.replication.quota.window.size.seconds background.threads
        controller.quorum.fetch.max.bytes controller.quorum.fetch.snapshot.max.bytes
        controller.quota.window.num controller.quota.window.size.seconds
        group.consumer.heartbeat.interval.ms group.consumer.max.heartbeat.interval.ms
        group.consumer.max.session.timeout.ms group.consumer.max.size
        group.consumer.min.heartbeat.interval.ms group.consumer.min.session.timeout.ms
        group.consumer.session.timeout.ms group.coordinator.background.threads
        group.coordinator.threads group.max.size group.share.heartbeat.interval.ms
        group.share.initialize.retry.interval.ms group.share.max.heartbeat.interval.ms
        group.share.max.session.timeout.ms group.share.max.share.sessions
        group.share.min.heartbeat.interval.ms group.share.min.session.timeout.ms
        group.share.session.timeout.ms group.streams.heartbeat.interval.ms
        group.streams.max.heartbeat.interval.ms group.streams.max.session.timeout.ms
        group.streams.max.size group.streams.min.heartbeat.interval.ms
        group.streams.min.session.timeout.ms group.streams.session.timeout.ms
        kafka.metrics.polling.interval.secs log.roll.hours max.request.partition.size.limit
        metrics.num.samples min.insync.replicas num.io.threads num.network.threads num.partitions
        num.recovery.threads.per.data.dir num.replica.fetchers offsets.commit.timeout.ms
        offsets.load.buffer.size offsets.retention.minutes offsets.topic.num.partitions
        offsets.topic.segment.bytes producer.id.expiration.check.interval.ms
        producer.id.expiration.ms queued.max.requests quota.window.num quota.window.size.seconds
        remote.fetch.max.wait.ms remote.log.manager.copier.thread.pool.size
        remote.log.manager.copy.quota.window.num remote.log.manager.copy.quota.window.size.seconds
        remote.log.manager.expiration.thread.pool.size remote.log.manager.fetch.quota.window.num
        remote.log.manager.fetch.quota.window.size.seconds
        remote.log.manager.follower.thread.pool.size remote.log.manager.thread.pool.size
        remote.log.reader.max.pending.tasks remote.log.reader.threads replication.quota.window.num
        replication.quota.window.size.seconds share.coordinator.cold.partition.snapshot.interval.ms
        share.coordinator.load.buffer.size share.coordinator.state.topic.num.partitions
        share.coordinator.state.topic.prune.interval.ms share.coordinator.state.topic.segment.bytes
        share.coordinator.threads share.coordinator.write.timeout.ms socket.listen.backlog.size
        socket.request.max.bytes telemetry.max.bytes
        transaction.abort.timed.out.transaction.cleanup.interval.ms transaction.max.timeout.ms
        transaction.remove.expired.transaction.cleanup.interval.ms
        transaction.state.log.load.buffer.size transaction.state.log.min.isr
        transaction.state.log.num.partitions transaction.state.log.segment.bytes
        transactional.id.expiration.ms
        """,
    ),
    (
        Whole(least=1, most=_LONG),
        """
        delegation.token.expiry.check.interval.ms delegation.token.expiry.time.ms
        delegation.token.max.lifetime.ms leader.imbalance.check.interval.seconds
        log.cleaner.max.compaction.lag.ms log.dir.failure.timeout.ms log.flush.interval.messages
        log.retention.check.interval.ms metadata.log.max.record.bytes.between.snapshots
        metrics.sample.window.ms offsets.retention.check.interval.ms
        remote.list.offsets.request.timeout.ms remote.log.index.file.cache.total.size.bytes
        remote.log.manager.copy.max.bytes.per.second remote.log.manager.fetch.max.bytes.per.second
        remote.log.manager.task.interval.ms remote.log.manager.task.retry.backoff.max.ms
        remote.log.manager.task.retry.backoff.ms unclean.leader.election.interval.ms
        """,
    ),
    (
        Whole(least=1, most=_SHORT),
        """
        offsets.topic.replication.factor share.coordinator.state.topic.min.isr
        share.coordinator.state.topic.replication.factor transaction.state.log.replication.factor
        """,
    ),
    (Whole(least=100, most=10_000), "group.share.partition.max.record.locks"),
    (Whole(least=100, most=2_000), "group.share.min.partition.max.record.locks"),
    (Whole(least=100, most=_LONG), "controller.performance.sample.period.ms"),
    (Whole(least=10_000, most=_INT), "group.consumer.regex.refresh.interval.ms"),
    (Whole(least=1_000, most=30_000), "group.share.min.record.lock.duration.ms"),
    (Whole(least=1_000, most=3_600_000), "group.share.record.lock.duration.ms"),
    (Whole(least=1_024, most=_INT), "fetch.max.bytes"),
    (Whole(least=1_048_576, most=_INT), "log.segment.bytes"),
    (Whole(least=2, most=10), "group.share.delivery.count.limit"),
    (Whole(least=2, most=5), "group.share.min.delivery.count.limit"),
    (Whole(least=2_000, most=10_000), "group.share.max.partition.max.record.locks"),
    (Whole(least=30_000, most=3_600_000), "group.share.max.record.lock.duration.ms"),
    (Whole(least=4, most=_INT), "log.index.size.max.bytes"),
    (Whole(least=5, most=25), "group.share.max.delivery.count.limit"),
    (
        Whole(least=524_288, most=_INT),
        "group.coordinator.cached.buffer.max.bytes share.coordinator.cached.buffer.max.bytes",
    ),
    (Whole(least=8_388_608, most=_INT), "metadata.log.segment.bytes"),
    (
        Real(),
        "log.cleaner.io.buffer.load.factor log.cleaner.io.max.bytes.per.second",
    ),
    (Real(least=0, most=0.5), "remote.log.manager.task.retry.jitter"),
    (Real(least=0, most=1), "log.cleaner.min.cleanable.ratio"),
    (Words("-1", *"123456789"), "compression.gzip.level"),
    (Several("broker", "controller"), "process.roles"),
    (Several("compact", "delete"), "log.cleanup.policy"),
    (Several("consumer", "classic", "share", "streams"), "group.coordinator.rebalance.protocols"),
    (Words("CreateTime", "LogAppendTime"), "log.message.timestamp.type"),
    (
        Words("disabled", "downgrade", "upgrade", "bidirectional", any_case=True),
        "group.consumer.migration.policy",
    ),
    (Words("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"), "compression.type"),
    (
        Text(),
        """
        advertised.listeners alter.config.policy.class.name broker.rack client.quota.callback.class
        config.providers controller.listener.names controller.quorum.bootstrap.servers
        controller.quorum.voters cordoned.log.dirs create.topic.policy.class.name
        delegation.token.secret.key early.start.listeners group.consumer.assignors
        group.share.assignors group.share.persister.class.name inter.broker.listener.name
        kafka.metrics.reporters listener.security.protocol.map log.dir log.dirs
        max.connections.per.ip.overrides metadata.log.dir metric.reporters metrics.jmx.exclude
        metrics.jmx.include metrics.recording.level
        remote.log.metadata.manager.class.name remote.log.metadata.manager.class.path
        remote.log.metadata.manager.impl.prefix remote.log.metadata.manager.listener.name
        remote.log.storage.manager.class.name remote.log.storage.manager.class.path
        remote.log.storage.manager.impl.prefix replica.selector.class
        """,
    ),
)

SETTINGS: Mapping[str, Rule] = {name: rule for rule, names in _TABLE for name in names.split()}
"""What Kafka takes, by the setting's name."""
