"""data-on-volume: what counts as a volume that keeps a node's data, and what only looks like one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import BROKER, CONTAINER, VOLUME, Stack

RULE = "data-on-volume"
DATA = "/var/lib/kafka/data"
MOUNTED: dict[str, Any] = {"volumeName": "kafka-1-data", "containerPath": DATA}


def judged(
    volume: dict[str, Any] | None = None, *, log_dirs: str | None = DATA, more: str = "", **node: Any
) -> list[str]:
    """What is said about one node, as it must be but for what is given."""
    stack = Stack()
    stack.add(VOLUME, "kafka-1-data", {"name": "kafka-1-data"} | (volume or {}))
    envs = [entry for entry in BROKER["envs"] if not entry.startswith("KAFKA_LOG_DIRS=")]
    envs += [f"KAFKA_LOG_DIRS={log_dirs}"] if log_dirs is not None else []
    envs += [more] if more else []
    stack.add(CONTAINER, "kafka-1-container", BROKER | {"envs": envs, "volumes": [MOUNTED]} | node)
    return stack.judged(RULE)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"log_dirs": f"{DATA}/logs"},
        {"log_dirs": f"{DATA}/a,{DATA}/b/"},
        {"volumes": [MOUNTED | {"containerPath": "/var/lib/"}]},
        {"volumes": [MOUNTED, {"volumeName": "secrets", "containerPath": "/etc/kafka/secrets"}]},
        {"tmpfs": {"/tmp": ""}},
        {"volumes": [], "mounts": [{"type": "volume", "source": "kafka-1-data", "target": DATA}]},
        {"volume": {"driverOpts": {"type": "ext4", "device": "/dev/sdb1"}}},
        {"more": f"KAFKA_METADATA_LOG_DIR={DATA}"},
    ],
    ids=str,
)
def test_data_in_a_folder_of_the_nodes_own_volume_is_safe(given: dict[str, Any]) -> None:
    assert judged(**given) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"volumes": []}, f"keeps its data in {DATA}, where no volume is mounted"),
        ({"volumes": None}, f"keeps its data in {DATA}, where no volume is mounted"),
        ({"log_dirs": "/tmp/kafka-logs"}, "keeps its data in /tmp/kafka-logs, where no volume is mounted"),
        ({"log_dirs": f"{DATA},/tmp/b"}, "keeps its data in /tmp/b, where no volume is mounted"),
        ({"log_dirs": f"{DATA}/../other"}, "keeps its data in /var/lib/kafka/other, where no volume is"),
        ({"log_dirs": f"{DATA}-2"}, f"keeps its data in {DATA}-2, where no volume is mounted"),
        ({"more": "KAFKA_METADATA_LOG_DIR=/tmp/m"}, "keeps its data in /tmp/m, where no volume is mounted"),
        (
            {"command": ["/etc/confluent/docker/run", "KAFKA_LOG_DIRS=/tmp/x"]},
            "keeps its data in /tmp/x, where no volume is mounted",
        ),
        ({"log_dirs": None}, "does not set log.dirs"),
        ({"log_dirs": ""}, "does not set log.dirs"),
        ({"volumes": [{"containerPath": DATA}]}, "a volume without a name, which goes with its container"),
        ({"volumes": [MOUNTED | {"readOnly": True}]}, "the volume kafka-1-data, read-only"),
        ({"volumes": [{"hostPath": "/data", "containerPath": DATA}]}, "the host's folder /data"),
        ({"volumes": [MOUNTED | {"volumeName": "/data"}]}, "the host's folder /data"),
        ({"volumes": [{"fromContainer": "old"}]}, "another container's volumes, those of old"),
        ({"volumes": [MOUNTED | {"volumeName": "mine"}]}, "the volume mine, which is none of this stack's"),
        ({"volumes": [], "tmpfs": {DATA: ""}}, "memory (tmpfs)"),
        ({"tmpfs": {"/var/lib/kafka": ""}}, f"has 2 mounts at its data in {DATA}: /var/lib/kafka, {DATA}"),
        ({"tmpfs": {f"{DATA}/sensor-data-0": ""}}, "has 2 mounts at its data"),
        ({"volumes": [], "mounts": [{"type": "tmpfs", "target": DATA}]}, "a mount of type tmpfs"),
        (
            {"volumes": [], "mounts": [{"type": "bind", "source": "/data", "target": DATA}]},
            "a mount of type bind",
        ),
        ({"volume": {"driverOpts": {"type": "TMPFS"}}}, "kafka-1-data, which is memory (tmpfs)"),
        (
            {"volume": {"driverOpts": {"type": "none", "o": "rw, bind", "device": "/data"}}},
            "kafka-1-data, which is the host's folder /data",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_data_that_would_go_with_its_container_is_told_from_data_that_stays(
    given: dict[str, Any], says: str
) -> None:
    (said,) = judged(**given)

    assert said.startswith("The node kafka-1 ")
    assert says in said
    assert said.endswith("@urn:pulumi:prod::messaging::docker:index/container:Container::kafka-1-container")


def test_two_containers_cannot_write_to_one_volume() -> None:
    stack = Stack()
    stack.brokers(2)
    shared = [{"volumeName": "kafka-2-data", "containerPath": DATA}]
    stack.add(CONTAINER, "kafka-3", BROKER | {"name": "kafka-3", "volumes": shared})
    stack.add(CONTAINER, "copy", {"name": "copy", "volumes": [{"volumeName": "kafka-1-data"}]})

    said = stack.judged(RULE)

    assert [words.partition(" keeps ")[0] for words in said] == [
        "The node kafka-1",
        "The node kafka-2",
        "The node kafka-3",
    ]
    assert "the volume kafka-1-data, which copy mounts, too" in said[0]
    assert "the volume kafka-2-data, which kafka-3 mounts, too" in said[1]
    assert "the volume kafka-2-data, which kafka-2 mounts, too" in said[2]
