"""The production platform, measured in one run: its start, an unchanged run, what producers get of it.

Prints one row a figure: minimum, median and maximum of the rounds. Throughput and latency are those of
Kafka's own kafka-producer-perf-test, which runs on the host's network with the producer settings of
docs/production.md. Needs the images, Docker and about 12 GiB of memory. It makes a copy of the project with
its own names and ports and removes it again.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from confluent_kafka.admin import AdminClient, NewTopic
from rich.console import Console

from benchmarks.figures import Figures
from tests.e2e import harness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.e2e.harness import Workspace

TOPIC = "benchmark"
RECORD_BYTES = 200
WARM_UP_ROUNDS = 4
OTHER_ROUNDS = 3
"""Of producers with other settings."""
RECOMMENDED = ("acks=all", "enable.idempotence=true", "linger.ms=10", "batch.size=131072")
SNAPPY, UNCOMPRESSED = "compression.type=snappy", "compression.type=none"
DIRECT = (9092, 9093, 9094)
PROXIED = (9201, 9202, 9203)
# More than the platform and Kafka itself take for two processors. Changing it rolls the brokers.
MORE_FETCHERS = ('cluster.settings["num.replica.fetchers"]', "2")
CONTAINERS = (
    "kafka-1", "kafka-2", "kafka-3", "schema-registry-1", "schema-registry-2", "kafka-lb", "kafka-ui",
)  # fmt: skip
_RESULT = re.compile(r"(?P<rate>[\d.]+) records/sec .*?, (?P<p99>\d+) ms 99th", re.DOTALL)


def main() -> int:
    """Measures as many rounds as asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each throughput is measured")
    parser.add_argument("--records", type=int, default=600_000, help="how many records a round sends")
    options = parser.parse_args()
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        workspace = harness.new_workspace(
            Path(folder),
            f"b{int(time.time()) % 100000}",
            stack="prod",
            environment={"PULUMI_CONFIG_PASSPHRASE": "of a benchmark"},
        )
        try:
            workspace.configure("docker.freeDisk", "2g")
            _start(figures, workspace)
            _throughput(figures, workspace, rounds=options.rounds, records=options.records)
        finally:
            workspace.remove()
    Console().print(figures.table())
    return 0


def _start(figures: Figures, workspace: Workspace) -> None:
    def from_nothing() -> None:
        workspace.up(timeout=600)
        harness.wait_for(lambda: all(_healthy(workspace, name) for name in CONTAINERS), "all healthy", 300)
        address = f"http://localhost:{workspace.port(8081)}/subjects"
        harness.wait_for(lambda: "sensor-data-value" in requests.get(address, timeout=5).json(), address)

    figures.time("from nothing to everything ready, s", from_nothing)
    for _ in range(3):
        figures.time("pulumi up: nothing to change, s", workspace.up)


def _healthy(workspace: Workspace, name: str) -> bool:
    return bool(workspace.container(name).attrs["State"]["Health"]["Status"] == "healthy")


def _throughput(figures: Figures, workspace: Workspace, *, rounds: int, records: int) -> None:
    _make_topic(workspace)
    first = "direct, snappy from the producer"
    _warm_up(workspace, DIRECT, records)
    # Brokers get faster for dozens of rounds: what is compared comes after as many rounds each.
    for _ in range(rounds):
        _note(figures, first, _produce(workspace, DIRECT, (*RECOMMENDED, SNAPPY), records))
    for _ in range(OTHER_ROUNDS):
        _note(
            figures,
            "direct, compressed by the broker",
            _produce(workspace, DIRECT, (*RECOMMENDED, UNCOMPRESSED), records),
        )
        _note(
            figures, "direct, the client's own settings", _produce(workspace, DIRECT, ("acks=all",), records)
        )
    workspace.configure(*MORE_FETCHERS)
    workspace.up(timeout=600)
    _warm_up(workspace, DIRECT, records)
    for _ in range(rounds):
        _note(
            figures,
            "direct, snappy, two fetchers a broker",
            _produce(workspace, DIRECT, (*RECOMMENDED, SNAPPY), records),
        )
    workspace.pulumi("config", "rm", "messaging:cluster")
    workspace.configure("loadBalancer.mode", "proxy")
    figures.time("the roll to proxy mode, s", lambda: workspace.up(timeout=600))
    _warm_up(workspace, PROXIED, records)
    for _ in range(rounds):
        _note(figures, "proxied, snappy", _produce(workspace, PROXIED, (*RECOMMENDED, SNAPPY), records))


def _make_topic(workspace: Workspace) -> None:
    admin = AdminClient({"bootstrap.servers": f"localhost:{workspace.port(9095)}"})
    settings = {"min.insync.replicas": "2", "compression.type": "snappy"}
    wanted = NewTopic(TOPIC, num_partitions=6, replication_factor=3, config=settings)
    admin.create_topics([wanted])[TOPIC].result(30)


def _warm_up(workspace: Workspace, ports: Sequence[int], records: int) -> None:
    """Lets brokers that have just started compile what they do most."""
    for _ in range(WARM_UP_ROUNDS):
        _produce(workspace, ports, (*RECOMMENDED, SNAPPY), records)


def _note(figures: Figures, name: str, measured: tuple[float, float]) -> None:
    rate, p99 = measured
    figures.note(f"{name}: records/s", rate)
    figures.note(f"{name}: p99, ms", p99)


def _produce(
    workspace: Workspace, ports: Sequence[int], properties: Sequence[str], records: int
) -> tuple[float, float]:
    """Records a second, and the latency in milliseconds that 99 of 100 stay under."""
    servers = ",".join(f"localhost:{workspace.port(port)}" for port in ports)
    said = harness.run_once(
        workspace.container("kafka-1").attrs["Config"]["Image"],
        [
            "kafka-producer-perf-test", "--topic", TOPIC, "--num-records", str(records),
            "--record-size", str(RECORD_BYTES), "--throughput", "-1",
            "--producer-props", f"bootstrap.servers={servers}", *properties,
        ],
        name=workspace.name("producer"), network_mode="host",
    )  # fmt: skip
    results = list(_RESULT.finditer(said))
    if not results:
        raise RuntimeError(f"kafka-producer-perf-test said nothing of its result:\n{said}")
    return float(results[-1]["rate"]), float(results[-1]["p99"])


if __name__ == "__main__":
    sys.exit(main())
