"""The text that Prometheus scrapes."""

import re

from messaging.console.groups import GroupLag, PartitionLag
from messaging.console.metrics import Scrape, render
from messaging.console.model import Broker, Group, Member, Metadata, Partition, Topic, Watermarks

MARKS = Watermarks(low=2, high=10)
TOPIC = Topic(
    name="t",
    partitions=(
        Partition(id=0, leader=1, replicas=(1, 2), isr=(1,)),
        Partition(id=1, leader=None, replicas=(2, 1), isr=()),
    ),
)
METADATA = Metadata(
    cluster_id="c", controller=1, brokers=(Broker(id=1, host="k", port=9092),), topics={"t": TOPIC}
)


def group(name: str) -> GroupLag:
    member = Member(id="m", client_id="c", host="h", assigned=())
    return GroupLag(
        group=Group(id=name, state="stable", members=(member,)),
        partitions=(
            PartitionLag(topic="t", partition=0, committed=4, offsets=MARKS),
            PartitionLag(topic="t", partition=1, committed=None, offsets=None),
        ),
    )


def test_offsets_and_lag_have_the_usual_names() -> None:
    text = render(
        [Scrape(cluster="dev", metadata=METADATA, watermarks={("t", 0): MARKS}, groups=(group("g"),))]
    )
    for line in (
        'console_cluster_up{cluster="dev"} 1',
        'kafka_brokers{cluster="dev"} 1',
        'kafka_broker_info{cluster="dev",id="1",address="k:9092"} 1',
        'kafka_topic_partitions{cluster="dev",topic="t"} 2',
        'kafka_topic_partition_current_offset{cluster="dev",topic="t",partition="0"} 10',
        'kafka_topic_partition_oldest_offset{cluster="dev",topic="t",partition="0"} 2',
        'kafka_topic_partition_in_sync_replica{cluster="dev",topic="t",partition="0"} 1',
        'kafka_topic_partition_under_replicated_partition{cluster="dev",topic="t",partition="0"} 1',
        'kafka_topic_partition_leader{cluster="dev",topic="t",partition="1"} -1',
        'kafka_consumergroup_members{cluster="dev",consumergroup="g"} 1',
        'kafka_consumergroup_current_offset{cluster="dev",consumergroup="g",topic="t",partition="0"} 4',
        'kafka_consumergroup_lag{cluster="dev",consumergroup="g",topic="t",partition="0"} 6',
        'kafka_consumergroup_lag_sum{cluster="dev",consumergroup="g",topic="t"} 6',
    ):
        assert line in text.splitlines()
    assert 'kafka_consumergroup_lag{cluster="dev",consumergroup="g",topic="t",partition="1"}' not in text


def test_a_cluster_that_is_down_is_told_and_the_others_are_scraped() -> None:
    text = render([Scrape(cluster="a"), Scrape(cluster="b", metadata=METADATA)])
    assert 'console_cluster_up{cluster="a"} 0' in text
    assert 'kafka_brokers{cluster="b"} 1' in text


def test_each_name_has_one_block_with_its_type() -> None:
    lines = render(
        [Scrape(cluster=name, metadata=METADATA, groups=(group("g"),)) for name in "ab"]
    ).splitlines()
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    block = ""
    for line in lines:
        if line.startswith("# TYPE"):
            block = line.split()[2]
        elif not line.startswith("#"):
            assert re.split(r"[{ ]", line)[0] == block


def test_labels_are_escaped() -> None:
    text = render([Scrape(cluster="dev", groups=(group('a"b\\c\nd'),))])
    assert 'consumergroup="a\\"b\\\\c\\nd"' in text
    assert all(line.startswith(("#", "kafka_", "console_")) for line in text.splitlines())
