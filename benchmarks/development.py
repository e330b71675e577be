"""The development platform against a compose file with the same images, measured in one run.

Prints one row a figure: minimum, median and maximum of the rounds, in seconds unless the row says otherwise.
Needs the images and Docker; as root on Debian it installs docker-compose. It makes copies of the project with
their own names and ports and removes them again.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import yaml
from confluent_kafka.admin import AdminClient, NewTopic
from rich.console import Console

from benchmarks.figures import Figures
from host import packages
from messaging import catalogue, streams
from messaging.schema_registry import SchemaReference, SchemaRegistry
from tests.e2e import harness

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMAS = harness.ROOT / "schemas"
CONTAINERS = ("kafka-dev", "schema-registry-dev", "kafka-ui-dev")


def main() -> int:
    """Measures as many rounds as asked for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each figure is measured")
    options = parser.parse_args()
    packages.install(packages.BENCHMARKS)
    figures = Figures()
    for number in range(options.rounds):
        sys.stderr.write(f"round {number + 1} of {options.rounds}\n")
        peer = _platform_round(figures)
        _compose_round(figures, "compose and a loop of kafka-topics: from nothing", peer, _topics_by_loop)
        _compose_round(figures, "compose and one AdminClient script: from nothing", peer, _topics_by_script)
        _compose_round(
            figures, "compose and scripts for topics and subjects: from nothing", peer, _topics_and_subjects
        )
    Console().print(figures.table())
    return 0


@dataclass(frozen=True)
class Peer:
    """What the compose file of a round is made of."""

    services: dict[str, Any]
    offset: int
    instance: str


def _platform_round(figures: Figures) -> Peer:
    with tempfile.TemporaryDirectory() as folder:
        workspace = harness.new_workspace(Path(folder), f"b{int(time.time()) % 100000}")
        try:
            figures.time("pulumi up: from nothing", partial(_up, workspace, figures))
            _wait_until_ready(workspace.port)
            figures.time("pulumi preview: nothing to change", lambda: workspace.pulumi("preview"))
            figures.time("pulumi up: nothing to change", workspace.up)
            figures.note("resident memory of the three containers, MB", _resident(workspace.name))
            peer = Peer(_services(workspace.name), workspace.offset, workspace.instance)
            figures.time("pulumi destroy", lambda: workspace.pulumi("destroy", "--yes"))
            # What compose does: without a plan that policies have judged before anything is touched.
            figures.time(
                "pulumi up --skip-preview: from nothing",
                lambda: workspace.pulumi("up", "--yes", "--skip-preview"),
            )
            workspace.pulumi("destroy", "--yes")
            return peer
        finally:
            workspace.remove()


def _up(workspace: harness.Workspace, figures: Figures) -> None:
    """`pulumi up`, and how long it took from the first topic's beginning to the last one's end."""
    running = workspace.start("pulumi", "up", "--yes", "--stack", workspace.stack)
    moments = [
        time.perf_counter()
        for line in running.stdout or ()
        if re.search(r"kafka:Topic \S+ (creating|created)", line)
    ]
    _, errors = running.communicate()
    if running.returncode:
        raise SystemExit(errors)
    figures.note("of it: the topics", moments[-1] - moments[0])


def _compose_round(figures: Figures, name: str, peer: Peer, fill: Callable[[Peer], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "docker-compose.yml"
        file.write_text(_compose_file(peer.services))
        compose = ["docker-compose", "--project-name", peer.instance, "--file", str(file)]

        def everything() -> None:
            _run(*compose, "up", "--detach")
            _wait_until_ready(lambda port: port + peer.offset)
            fill(peer)

        try:
            figures.time(name, everything)
        finally:
            subprocess.run(
                [*compose, "down", "--volumes", "--timeout", "20"], check=False, capture_output=True
            )


def _topics() -> list[streams.Topic]:
    return [
        topic
        for stream in catalogue.load(SCHEMAS).streams
        for topic in streams.topics(stream, "dev", min_insync_replicas=1, replication_factor=1)
    ]


def _topics_by_loop(peer: Peer) -> None:
    """What most compose stacks do: one JVM start a topic."""
    for topic in _topics():
        command = [
            "docker",
            "exec",
            f"{peer.instance}-kafka-dev",
            "kafka-topics",
            "--bootstrap-server",
            "localhost:29092",
            "--create",
        ]
        settings = [part for key, value in topic.config.items() for part in ("--config", f"{key}={value}")]
        _run(*command, "--topic", topic.name, "--partitions", str(topic.partitions), *settings)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")


def _topics_by_script(peer: Peer) -> None:
    """The fastest way by hand: one request for all."""
    admin = AdminClient({"bootstrap.servers": f"localhost:{9092 + peer.offset}"})
    wanted = [
        NewTopic(one.name, num_partitions=one.partitions, replication_factor=1, config=dict(one.config))
        for one in _topics()
    ]
    for future in admin.create_topics(wanted).values():
        future.result(30)


def _topics_and_subjects(peer: Peer) -> None:
    """The fastest way by hand to all that the platform makes."""
    _topics_by_script(peer)
    with closing(SchemaRegistry(f"http://localhost:{8081 + peer.offset}")) as registry:
        versions: dict[str, int] = {}
        for subject in catalogue.load(SCHEMAS).subjects:
            references = [
                SchemaReference(name=one.name, subject=one.subject, version=versions[one.subject])
                for one in subject.references
            ]
            registry.set_compatibility(subject.name, subject.compatibility)
            made = registry.register(subject.name, subject.schema.text, references)
            versions[subject.name] = made.version


def _wait_until_ready(port: Callable[[int], int]) -> None:
    """Until a client would get an answer from each of the three."""
    admin = AdminClient({"bootstrap.servers": f"localhost:{port(9092)}", "log_level": 0})
    harness.wait_for(lambda: admin.list_topics(timeout=2).brokers, "the broker", 120)
    for address in (
        f"http://localhost:{port(8081)}/subjects",
        f"http://localhost:{port(8080)}/actuator/health",
    ):
        harness.wait_for(partial(_answers, address), address, 120)


def _answers(address: str) -> bool:
    return requests.get(address, timeout=2).ok


def _resident(name: Callable[[str], str]) -> float:
    """Megabytes of memory that the containers use and that cannot be dropped: usage less page cache."""
    total = 0
    for container in CONTAINERS:
        memory: Any = harness.client().containers.get(name(container)).stats(stream=False)
        memory = memory["memory_stats"]
        cache = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
        total += memory["usage"] - cache
    return total / 1e6


def _services(name: Callable[[str], str]) -> dict[str, Any]:
    """The running containers as compose services: the same images, settings, limits and health checks."""
    services: dict[str, Any] = {}
    for container in CONTAINERS:
        running: Any = harness.client().containers.get(name(container))
        config, host = running.attrs["Config"], running.attrs["HostConfig"]
        inherited = set(running.image.attrs["Config"]["Env"] or ())
        health = config["Healthcheck"]
        services[container] = {
            "image": config["Image"],
            "container_name": running.name,
            "hostname": running.name,
            "command": config["Cmd"],
            "environment": [entry for entry in config["Env"] if entry not in inherited],
            "ports": [
                f"{binding['HostIp']}:{binding['HostPort']}:{port.split('/')[0]}"
                for port, bindings in host["PortBindings"].items()
                for binding in bindings
            ],
            "volumes": [bind.removesuffix(":rw") for bind in host["Binds"] or ()],
            "mem_limit": host["Memory"],
            "memswap_limit": host["MemorySwap"],
            "healthcheck": {
                "test": health["Test"],
                "interval": f"{health['Interval'] // 10**6}ms",
                "timeout": f"{health['Timeout'] // 10**6}ms",
                "retries": health["Retries"],
            },
            "restart": "unless-stopped",
        }
    return services


def _compose_file(services: dict[str, Any]) -> str:
    volumes = [bind.split(":")[0] for service in services.values() for bind in service["volumes"]]
    document = {"version": "2.4", "services": services, "volumes": {name: {"name": name} for name in volumes}}
    document["services"] = {
        name: {key: value for key, value in service.items() if value} for name, service in services.items()
    }
    # A dollar begins a variable of compose's own.
    return str(yaml.safe_dump(document)).replace("$", "$$")


if __name__ == "__main__":
    sys.exit(main())
