"""Kafka topics on a broker that the suite shares."""

from __future__ import annotations

import pulumi
import pulumi_kafka as kafka

from tests.parity.programs.parts import label, named, scenario


def _provider() -> kafka.Provider:
    return kafka.Provider(
        label("kafka"), bootstrap_servers=[pulumi.Config().require("broker")], tls_enabled=False
    )


@scenario()
def topic_with_settings(stage: int) -> None:
    kafka.Topic(
        label("topic"),
        name=named("topic"),
        partitions=2,
        replication_factor=1,
        config={"retention.ms": str(60000 * stage), "cleanup.policy": "delete"},
        opts=pulumi.ResourceOptions(provider=_provider()),
    )


@scenario(stages=3, reasons=False)
def topic_partitions_change(stage: int) -> None:
    kafka.Topic(
        label("topic"),
        name=named("topic"),
        partitions={1: 1, 2: 3, 3: 2}[stage],
        replication_factor=1,
        opts=pulumi.ResourceOptions(provider=_provider()),
    )


@scenario()
def topics_come_and_go(stage: int) -> None:
    opts = pulumi.ResourceOptions(provider=_provider())
    for name in ("kept", f"only-{stage}"):
        kafka.Topic(label(name), name=named(name), partitions=1, replication_factor=1, opts=opts)


@scenario()
def topic_of_a_removed_setting(stage: int) -> None:
    config = {"retention.ms": "60000", "segment.ms": "30000"} if stage == 1 else {"retention.ms": "60000"}
    kafka.Topic(
        label("topic"),
        name=named("topic"),
        partitions=1,
        replication_factor=1,
        config=config,
        opts=pulumi.ResourceOptions(provider=_provider(), retain_on_delete=False),
    )
