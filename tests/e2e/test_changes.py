"""What `pulumi up` does to a platform that is there: changes, repairs, removal. Each with its own copy."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import docker.errors
import pytest
import yaml
from confluent_kafka import Consumer, Producer

from tests.e2e import harness

if TYPE_CHECKING:
    from tests.e2e.harness import Workspace

CONTAINERS = ("kafka-dev", "schema-registry-dev", "kafka-ui-dev")


def ids(workspace: Workspace) -> dict[str, str]:
    return {name: workspace.container(name).id for name in CONTAINERS}


def test_from_nothing_to_nothing(workspace: Workspace) -> None:
    """The life of a platform: up, a change, a container lost and brought back, gone."""
    workspace.up()
    before = ids(workspace)

    workspace.configure("cluster.heap", "384m")
    planned = workspace.operations()
    workspace.up()

    assert planned == [
        ("update", "kafka-1-gate"),
        ("replace", "kafka-1-container"),
        ("update", "kafka-ready"),
    ]
    after = ids(workspace)
    assert after["kafka-dev"] != before["kafka-dev"], "the heap is given at start"
    assert after["schema-registry-dev"] == before["schema-registry-dev"]
    assert after["kafka-ui-dev"] == before["kafka-ui-dev"]

    workspace.container("kafka-ui-dev").remove(force=True, v=True)
    workspace.pulumi("refresh", "--yes")
    workspace.up()
    assert workspace.container("kafka-ui-dev").status == "running"

    workspace.pulumi("destroy", "--yes")
    assert workspace.remains() == []
    assert workspace.pulumi("stack", "export").json()["deployment"].get("resources", []) == []


def test_two_instances_live_side_by_side(workspace: Workspace, platform: Workspace) -> None:
    before = ids(platform)

    workspace.up()
    workspace.pulumi("destroy", "--yes")

    assert ids(platform) == before
    assert workspace.remains() == []
    platform.pulumi("preview", "--expect-no-changes")


def test_a_changed_stream_changes_its_topic_and_nothing_else(workspace: Workspace) -> None:
    workspace.up()
    before = ids(workspace)
    file = workspace.root / "schemas" / "streams.yaml"
    catalogue = yaml.safe_load(file.read_text())
    catalogue["streams"]["metrics"]["environments"]["dev"]["retention"] = "2d"
    file.write_text(yaml.safe_dump(catalogue, sort_keys=False))

    planned = workspace.operations()
    workspace.up()

    assert {name.split("-topic")[0] for operation, name in planned if operation == "update"} >= {"metrics"}
    assert "retention.ms=172800000" in workspace.execute(
        "kafka-dev",
        "kafka-configs",
        "--bootstrap-server",
        "localhost:29092",
        "--describe",
        "--topic",
        "metrics",
    )
    assert ids(workspace) == before
    workspace.pulumi("destroy", "--yes")


def test_destroy_works_with_the_broker_down(workspace: Workspace) -> None:
    workspace.up()
    workspace.container("kafka-dev").stop(timeout=30)

    workspace.pulumi("destroy", "--yes")

    assert workspace.remains() == []


def test_a_broker_stopped_by_hand_comes_back_with_refresh_and_up(workspace: Workspace) -> None:
    workspace.up()
    workspace.container("kafka-dev").stop(timeout=30)

    workspace.pulumi("refresh", "--yes", "--target", "**docker:index/container:Container**")
    workspace.up()

    harness.wait_for(lambda: workspace.container("kafka-dev").status == "running", "the broker running")
    workspace.pulumi("destroy", "--yes")


@pytest.mark.parametrize("thing", ["container", "volume", "network", "port"])
def test_what_is_taken_is_refused_before_anything_is_made(workspace: Workspace, thing: str) -> None:
    engine = harness.client()
    image = yaml.safe_load((workspace.root / ".site.yaml").read_text())["images"]["kafka"]
    holder = workspace.name(f"{thing}-holder")
    if thing == "container":
        taken = workspace.name("kafka-dev")
        engine.containers.create(image, ["sleep", "600"], name=taken)
    elif thing == "volume":
        engine.volumes.create(taken := workspace.name("kafka-dev-data"))
    elif thing == "network":
        engine.networks.create(taken := workspace.name("iot-platform-dev"))
    else:
        engine.containers.run(
            image,
            ["sleep", "600"],
            name=holder,
            detach=True,
            ports={"80/tcp": ("127.0.0.1", workspace.port(8081))},
        )
        taken = holder
    before = workspace.remains()

    refused = workspace.up(check=False)

    assert refused.code == 1, refused.text
    assert taken in refused.text
    if thing == "port":
        assert str(workspace.port(8081)) in refused.text
        assert "messaging:portOffset" in refused.text
    assert "Traceback" not in refused.text
    assert workspace.remains() == before, "nothing was made"


def test_a_port_held_by_a_process_names_the_process(workspace: Workspace) -> None:
    holder = workspace.start(
        "python",
        "-c",
        f"import socket; held = socket.create_server(('127.0.0.1', {workspace.port(9092)}));"
        "print('up', flush=True); held.accept()",
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "up\n"

        refused = workspace.up(check=False)

        assert refused.code == 1
        assert str(holder.pid) in refused.text
        assert workspace.remains() == []
    finally:
        holder.kill()
        holder.communicate()


def test_everything_that_is_wrong_is_said_at_once(workspace: Workspace) -> None:
    engine = harness.client()
    engine.volumes.create(workspace.name("kafka-dev-data"))
    engine.networks.create(workspace.name("iot-platform-dev"))

    refused = workspace.up(check=False)

    assert workspace.name("kafka-dev-data") in refused.text
    assert workspace.name("iot-platform-dev") in refused.text


def test_containers_are_gone_when_asked_for_by_name_after_destroy(workspace: Workspace) -> None:
    workspace.up()
    workspace.pulumi("destroy", "--yes")

    with pytest.raises(docker.errors.NotFound):
        workspace.container("kafka-dev")


def test_all_ports_move_with_one_update_and_the_messages_stay(workspace: Workspace) -> None:
    workspace.up()
    topic = workspace.outputs()["topics"][0]
    producer = Producer({"bootstrap.servers": f"localhost:{workspace.port(9092)}", "acks": "all"})
    producer.produce(topic, value=b"still here")
    assert producer.flush(30) == 0

    moved = replace(workspace, offset=harness.free_offset())
    moved.configure("portOffset", str(moved.offset))
    moved.up()

    assert moved.container("kafka-dev").status == "running"
    consumer = Consumer(
        {
            "bootstrap.servers": f"localhost:{moved.port(9092)}",
            "group.id": "after",
            "auto.offset.reset": "earliest",
        }
    )
    with closing(consumer):
        consumer.subscribe([topic])
        message = consumer.poll(60)
    assert message is not None
    assert message.value() == b"still here"
    moved.pulumi("preview", "--expect-no-changes")
