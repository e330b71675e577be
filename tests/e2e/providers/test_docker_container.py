"""Containers on a real Docker engine."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

    from engine.values import Values

NONE, SOME = 1, 2


@pytest.fixture
def everything(provider: Any, image: str, name: Callable[[str], str]) -> Values:
    """A container's inputs with nearly every property that the platform could use."""
    network = provider.create("Network", {"name": name("net"), "ipamConfigs": [{"subnet": "10.213.77.0/24"}]})
    volume = provider.create("Volume", {"name": name("data")})
    return {
        "name": name("full"),
        "image": image,
        "command": ["-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"],
        "entrypoints": ["/bin/sh"],
        "envs": ["B=2", "A=1=1"],
        "labels": [{"label": "z", "value": "1"}, {"label": "a", "value": "2"}],
        "hostname": "full",
        "domainname": "example.test",
        "user": "0",
        "workingDir": "/tmp",
        "networksAdvanced": [
            {"name": network.outputs["name"], "aliases": ["x", "y"], "ipv4Address": "10.213.77.10"}
        ],
        "ports": [
            {"internal": 9092, "ip": "127.0.0.1"},
            {"internal": 80, "ip": "127.0.0.1", "protocol": "udp"},
        ],
        "volumes": [
            {"volumeName": volume.id, "containerPath": "/data"},
            {"hostPath": "/etc/hostname", "containerPath": "/host", "readOnly": True},
        ],
        "uploads": [
            {"file": "/etc/app/one", "content": "one", "permissions": "0600"},
            {"file": "/etc/app/two", "contentBase64": base64.b64encode(b"\x00two").decode()},
            {"file": "/etc/app/run", "content": "#!", "executable": True},
        ],
        "healthcheck": {
            "tests": ["CMD", "/bin/test", "-d", "/data"],
            "interval": "500ms",
            "timeout": "90s",
            "startPeriod": "1m30s",
            "retries": 3,
        },
        "restart": "on-failure",
        "maxRetryCount": 2,
        "memory": 64,
        "memoryReservation": 32,
        "memorySwap": 128,
        "cpuShares": 512,
        "cpuSet": "0",
        "cpus": "0.50",
        "ulimits": [{"name": "nofile", "soft": 1000, "hard": 2000}],
        "stopSignal": "SIGTERM",
        "stopTimeout": 7,
        "destroyGraceSeconds": 5,
        "wait": True,
        "waitTimeout": 30,
        "init": True,
        "tmpfs": {"/scratch": "size=1m"},
        "capabilities": {"adds": ["NET_ADMIN"], "drops": ["CAP_CHOWN", "MKNOD"]},
        "securityOpts": ["no-new-privileges"],
        "sysctls": {"net.core.somaxconn": "512"},
        "logDriver": "json-file",
        "logOpts": {"max-size": "1m"},
        "hosts": [{"host": "there", "ip": "10.0.0.9"}],
        "dns": ["10.0.0.53"],
        "dnsOpts": ["ndots:1"],
        "dnsSearches": ["example.test"],
        "shmSize": 32,
        "ipcMode": "private",
        "groupAdds": ["1000"],
        "platform": "linux",
        "removeVolumes": False,
        "tty": True,
        "stdinOpen": True,
    }


def test_a_read_right_after_creation_sees_no_difference(provider: Any, everything: Values) -> None:
    made = provider.create("Container", everything)
    read = provider.read(made)
    assert read.outputs == made.outputs
    assert read.inputs == made.inputs
    assert provider.diff(read, everything).changes == NONE


def test_a_bare_container_reads_as_it_was_created(
    provider: Any, image: str, name: Callable[[str], str]
) -> None:
    inputs = {"name": name("bare"), "image": image}
    made = provider.create("Container", inputs)
    assert provider.read(made).outputs == made.outputs
    assert provider.diff(made, inputs).changes == NONE
    assert made.outputs["command"] == ["/bin/sleep", "600"]
    assert made.outputs["entrypoints"] == made.outputs["securityOpts"] == made.outputs["envs"] == []
    assert json.loads(made.outputs["__meta"]) == {"schema_version": "2"}


def test_docker_has_what_was_asked_for(
    provider: Any, engine: docker.DockerClient, everything: Values
) -> None:
    made = provider.create("Container", everything)
    found = engine.api.inspect_container(made.id)
    config, host = found["Config"], found["HostConfig"]
    assert {"A=1=1", "B=2", "FROM_IMAGE=1"} <= set(config["Env"])
    assert config["Labels"] == {"z": "1", "a": "2"}
    assert config["Healthcheck"]["Interval"] == 500_000_000
    assert (host["Memory"], host["MemorySwap"]) == (64 << 20, 128 << 20)
    assert host["NanoCpus"] == 500_000_000
    assert set(found["NetworkSettings"]["Networks"]) == {everything["networksAdvanced"][0]["name"]}
    container = engine.containers.get(made.id)
    assert container.exec_run(["/bin/cat", "/etc/app/one"]).output == b"one"
    assert container.exec_run(["/bin/cat", "/etc/app/two"]).output == b"\x00two"
    _, mode = engine.api.get_archive(made.id, "/etc/app/one")
    assert mode["mode"] & 0o777 == 0o600
    _, mode = engine.api.get_archive(made.id, "/etc/app/run")
    assert mode["mode"] & 0o777 == 0o744


# --- changes in place ---


@pytest.mark.parametrize(
    "change",
    [
        {"restart": "always", "maxRetryCount": 0},
        {"maxRetryCount": 5},
        {"memory": 96},
        {"memory": 256, "memorySwap": 512},
        {"memorySwap": 64},
        {"memoryReservation": 48},
        {"cpuShares": 256},
        {"cpuSet": "0-1"},
        {"destroyGraceSeconds": 9},
        {"waitTimeout": 31},
        {"removeVolumes": True},
    ],
    ids="+".join,
)
def test_a_limit_changes_in_place(
    provider: Any, engine: docker.DockerClient, everything: Values, change: Values
) -> None:
    made = provider.create("Container", everything)
    wanted = everything | change
    answer = provider.diff(made, wanted)
    assert set(answer.diffs) <= set(change) | {"restart"}
    assert list(answer.replaces) == []
    updated = provider.update(made, wanted)
    assert updated.id == made.id
    assert provider.read(updated).outputs == updated.outputs
    assert provider.diff(updated, wanted).changes == NONE
    host = engine.api.inspect_container(made.id)["HostConfig"]
    assert host["Memory"] == wanted["memory"] << 20
    assert host["MemorySwap"] == wanted["memorySwap"] << 20
    assert host["MemoryReservation"] == wanted["memoryReservation"] << 20
    assert host["CpuShares"] == wanted["cpuShares"]
    assert host["CpusetCpus"] == wanted["cpuSet"]
    assert host["RestartPolicy"] == {"Name": wanted["restart"], "MaximumRetryCount": wanted["maxRetryCount"]}


def test_memory_without_swap_is_no_difference_and_can_be_raised(
    provider: Any, image: str, name: Callable[[str], str]
) -> None:
    inputs = {"name": name("memory"), "image": image, "memory": 64}
    made = provider.create("Container", inputs)
    assert provider.diff(provider.read(made), inputs).changes == NONE
    updated = provider.update(made, inputs | {"memory": 256})
    assert updated.outputs["memory"] == 256
    assert provider.diff(provider.read(updated), inputs | {"memory": 256}).changes == NONE


def test_a_preview_of_an_update_is_what_the_update_then_does(
    provider: Any, image: str, name: Callable[[str], str]
) -> None:
    inputs = {"name": name("planned"), "image": image, "memory": 64, "memorySwap": 64}
    made = provider.create("Container", inputs)
    wanted = inputs | {"memorySwap": 128}
    planned = provider.update(made, wanted, preview=True)
    assert provider.read(made).outputs == made.outputs
    known = {
        key: value for key, value in provider.update(made, wanted).outputs.items() if key in planned.outputs
    }
    assert known == planned.outputs


# --- drift ---


def test_a_container_that_vanished_has_no_id(
    provider: Any, engine: docker.DockerClient, image: str, name: Callable[[str], str]
) -> None:
    made = provider.create("Container", {"name": name("gone"), "image": image})
    engine.containers.get(made.id).remove(force=True, v=True)
    assert provider.read(made) is None


def test_a_stopped_container_is_seen_and_started_again(
    provider: Any, engine: docker.DockerClient, everything: Values
) -> None:
    made = provider.create("Container", everything)
    engine.containers.get(made.id).stop(timeout=5)
    seen = provider.read(made)
    assert seen.outputs["mustRun"] is False
    answer = provider.diff(seen, everything)
    assert (list(answer.diffs), list(answer.replaces)) == (["mustRun"], [])
    updated = provider.update(seen, everything)
    assert updated.outputs["mustRun"] is True
    assert engine.containers.get(made.id).status == "running"
    assert provider.diff(provider.read(updated), everything).changes == NONE


def test_a_container_that_need_not_run_may_be_stopped(
    provider: Any, engine: docker.DockerClient, image: str, name: Callable[[str], str]
) -> None:
    inputs = {"name": name("idle"), "image": image, "mustRun": False}
    made = provider.create("Container", inputs)
    engine.containers.get(made.id).stop(timeout=0)
    assert provider.diff(provider.read(made), inputs).changes == NONE


def test_limits_changed_by_others_are_seen(
    provider: Any, engine: docker.DockerClient, everything: Values
) -> None:
    made = provider.create("Container", everything)
    engine.api.update_container(
        made.id, mem_limit=100 << 20, memswap_limit=200 << 20, restart_policy={"Name": "always"}
    )
    seen = provider.read(made)
    assert (seen.outputs["memory"], seen.inputs["memory"]) == (100, 100)
    assert set(provider.diff(seen, everything).diffs) == {"memory", "memorySwap", "restart", "maxRetryCount"}
    assert provider.diff(provider.update(seen, everything), everything).changes == NONE


# --- what does not go well ---


def test_a_container_that_does_not_get_healthy_stays_and_is_replaced_by_the_next_run(
    provider: Any, engine: docker.DockerClient, image: str, name: Callable[[str], str]
) -> None:
    inputs = {
        "name": name("ill"),
        "image": image,
        "healthcheck": {"tests": ["CMD", "/bin/test", "-e", "/well"], "interval": "300ms"},
        "wait": True,
        "waitTimeout": 1,
    }
    with pytest.raises(AssertionError, match="not healthy after 1 s") as failure:
        provider.create("Container", inputs)
    left: Any = failure.value
    assert engine.containers.get(left.unfinished.id).status == "running"
    assert "docker logs" in str(failure.value)
    answer = provider.diff(left.unfinished, inputs)
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["wait"], True)


def test_a_container_that_is_not_healthy_after_a_change_is_waited_for_again(
    provider: Any, engine: docker.DockerClient, image: str, name: Callable[[str], str]
) -> None:
    inputs: Values = {
        "name": name("ill"),
        "image": image,
        "healthcheck": {"tests": ["CMD", "/bin/test", "-e", "/well"], "interval": "300ms"},
    }
    made = provider.create("Container", inputs)
    inputs |= {"wait": True, "waitTimeout": 1}
    with pytest.raises(AssertionError, match="not healthy after 1 s") as failure:
        provider.update(made, inputs)
    left: Any = failure.value
    assert list(provider.diff(left.unfinished, inputs).replaces) == []
    engine.containers.get(left.unfinished.id).exec_run(["/bin/sh", "-c", ": > /well"])
    updated = provider.update(left.unfinished, inputs | {"waitTimeout": 20})
    assert provider.read(updated).outputs == updated.outputs


def test_a_container_that_ends_is_not_waited_for(
    provider: Any, image: str, name: Callable[[str], str]
) -> None:
    inputs = {
        "name": name("short"),
        "image": image,
        "command": ["/bin/sh", "-c", "exit 3"],
        "healthcheck": {"tests": ["CMD", "/bin/test", "x"]},
        "wait": True,
    }
    began = time.monotonic()
    with pytest.raises(AssertionError, match="ended with exit code 3"):
        provider.create("Container", inputs)
    assert time.monotonic() - began < 15


def test_a_container_that_could_not_start_is_started_by_the_next_update(
    provider: Any, engine: docker.DockerClient, image: str, name: Callable[[str], str]
) -> None:
    other = provider.create(
        "Container", {"name": name("first"), "image": image, "ports": [{"internal": 80, "ip": "127.0.0.1"}]}
    )
    taken = other.outputs["ports"][0]["external"]
    inputs = {
        "name": name("second"),
        "image": image,
        "ports": [{"internal": 80, "external": taken, "ip": "127.0.0.1"}],
        "uploads": [{"file": "/here", "content": "yes"}],
    }
    with pytest.raises(AssertionError, match="port is already allocated") as failure:
        provider.create("Container", inputs)
    left: Any = failure.value
    provider.delete(other)
    updated = provider.update(left.unfinished, inputs)
    assert updated.outputs["ports"][0]["external"] == taken
    assert engine.containers.get(updated.id).exec_run(["/bin/cat", "/here"]).output == b"yes"


def test_a_taken_name_is_refused_naming_its_holder(
    provider: Any, engine: docker.DockerClient, image: str, name: Callable[[str], str]
) -> None:
    holder = engine.containers.create(image, name=name("taken"), labels={"com.iotplatform.stack": "other"})
    with pytest.raises(AssertionError) as failure:
        provider.create("Container", {"name": name("taken"), "image": image, "envs": ["PASSWORD=hunter2"]})
    said = str(failure.value)
    assert holder.short_id in said
    assert "com.iotplatform.stack=other" in said
    assert f"docker rm -f {name('taken')}" in said
    assert "hunter2" not in said


def test_a_missing_image_is_named_with_the_way_out(provider: Any, name: Callable[[str], str]) -> None:
    missing = f"localhost:1/nobody-has-{uuid.uuid4().hex[:8]}:1"
    with pytest.raises(AssertionError, match="could not be pulled") as failure:
        provider.create("Container", {"name": name("noimage"), "image": missing})
    assert missing in str(failure.value)
    assert "make images" in str(failure.value)


# --- runs that died ---


def test_a_running_container_of_a_run_that_died_is_adopted(provider: Any, everything: Values) -> None:
    first = provider.create("Container", everything, step="step-1")
    second = provider.create("Container", everything, step="step-2", orphans=["step-0", "step-1"])
    assert second.id == first.id
    # Both know the port that Docker chose only from Docker.
    assert second.outputs == provider.read(first).outputs
    assert provider.diff(second, everything).changes == NONE


@pytest.mark.parametrize(
    "change",
    [
        {"envs": ["B=3"]},
        {"command": ["-c", "sleep 100"]},
        {"uploads": [{"file": "/etc/app/one", "content": "eno", "permissions": "0600"}]},
        {"memory": 65},
        {"networksAdvanced": []},
        {"envs": ["A=1=1"]},
        {"uploads": [{"file": "/etc/app/one", "content": "one", "permissions": "0600"}]},
        {"capabilities": {"adds": ["NET_ADMIN"], "drops": ["MKNOD"]}},
    ],
    ids="+".join,
)
def test_an_orphan_that_is_not_what_is_wanted_now_gives_way(
    provider: Any, everything: Values, change: Values
) -> None:
    first = provider.create("Container", everything, step="step-1")
    wanted = everything | {"wait": False} | change
    if change.get("networksAdvanced") == []:
        wanted["networksAdvanced"] = [{"name": everything["networksAdvanced"][0]["name"], "aliases": ["new"]}]
    second = provider.create("Container", wanted, orphans=["step-1"])
    assert second.id != first.id
    assert provider.read(first) is None


@pytest.mark.parametrize(
    "dropped",
    [
        "capabilities",
        "dns",
        "envs",
        "groupAdds",
        "healthcheck",
        "hostname",
        "hosts",
        "init",
        "labels",
        "logOpts",
        "networksAdvanced",
        "ports",
        "securityOpts",
        "shmSize",
        "sysctls",
        "tmpfs",
        "tty",
        "ulimits",
        "uploads",
        "user",
        "volumes",
    ],
)
def test_an_orphan_that_has_what_is_no_longer_wanted_gives_way(
    provider: Any, everything: Values, dropped: str
) -> None:
    first = provider.create("Container", everything, step="step-1")
    wanted = {key: value for key, value in everything.items() if key != dropped} | {"wait": False}
    second = provider.create("Container", wanted, orphans=["step-1"])
    assert second.id != first.id
    assert provider.read(first) is None


def test_an_orphan_is_adopted_with_what_its_image_says(
    provider: Any, image: str, name: Callable[[str], str]
) -> None:
    inputs = {"name": name("bare"), "image": image, "envs": ["FROM_IMAGE=2"]}
    first = provider.create("Container", inputs, step="step-1")
    assert provider.create("Container", inputs, orphans=["step-1"]).id == first.id
    # The image says FROM_IMAGE=1.
    assert provider.create("Container", inputs | {"envs": []}, orphans=["step-1"]).id != first.id


def test_an_orphan_that_never_started_gives_way(
    provider: Any, engine: docker.DockerClient, image: str, name: Callable[[str], str]
) -> None:
    label = {"com.iotplatform.messaging.step": "step-1"}
    orphan = engine.containers.create(image, name=name("half"), labels=label)
    made = provider.create("Container", {"name": name("half"), "image": image}, orphans=["step-1"])
    assert made.id != orphan.id
    assert engine.containers.get(made.id).status == "running"


def test_a_container_of_another_step_is_not_adopted(
    provider: Any, image: str, name: Callable[[str], str]
) -> None:
    inputs = {"name": name("theirs"), "image": image}
    provider.create("Container", inputs, step="step-1")
    with pytest.raises(AssertionError, match="is taken by container"):
        provider.create("Container", inputs, orphans=["step-2"])


def test_a_provider_killed_while_it_waits_leaves_a_container_that_the_next_one_adopts(
    start_provider: Callable[..., Any], engine: docker.DockerClient, image: str, name: Callable[[str], str]
) -> None:
    inputs = {
        "name": name("killed"),
        "image": image,
        "healthcheck": {"tests": ["CMD", "/bin/test", "-e", "/well"], "interval": "300ms"},
        "wait": True,
        "waitTimeout": 60,
    }
    doomed = start_provider("docker")
    failures: list[str] = []

    def create() -> None:
        with pytest.raises(AssertionError) as failure:
            doomed.create("Container", inputs, step="step-1")
        failures.append(str(failure.value))

    creating = threading.Thread(target=create)
    creating.start()
    _eventually(lambda: _running(engine, name("killed")))
    doomed.process.kill()
    creating.join(20)
    assert len(failures) == 1
    container = engine.containers.get(name("killed"))
    container.exec_run(["/bin/sh", "-c", ": > /well"])
    made = start_provider("docker").create("Container", inputs, step="step-2", orphans=["step-1"])
    assert made.id == container.id


def test_cancel_ends_a_wait_and_then_the_provider(
    start_provider: Callable[..., Any], engine: docker.DockerClient, image: str, name: Callable[[str], str]
) -> None:
    inputs = {
        "name": name("cancelled"),
        "image": image,
        "healthcheck": {"tests": ["CMD", "/bin/test", "-e", "/well"]},
        "wait": True,
        "waitTimeout": 60,
    }
    driver = start_provider("docker")
    failures: list[Any] = []

    def create() -> None:
        with pytest.raises(AssertionError, match="cancelled") as failure:
            driver.create("Container", inputs)
        failures.append(failure.value)

    creating = threading.Thread(target=create)
    creating.start()
    _eventually(lambda: _running(engine, name("cancelled")))
    driver.cancel()
    creating.join(20)
    assert failures[0].unfinished.id == engine.containers.get(name("cancelled")).id
    assert driver.process.wait(20) == 0


# --- removal ---


def test_removal_gives_the_container_its_time_to_end(
    provider: Any, engine: docker.DockerClient, image: str, name: Callable[[str], str]
) -> None:
    volume = provider.create("Volume", {"name": name("last-words")})
    script = "trap 'sleep 1; echo bye > /data/bye; exit 0' TERM; : > /ready; while :; do sleep 0.1; done"
    inputs = {
        "name": name("polite"),
        "image": image,
        "command": ["/bin/sh", "-c", script],
        "volumes": [{"volumeName": volume.id, "containerPath": "/data"}],
        "destroyGraceSeconds": 20,
    }
    made = provider.create("Container", inputs)
    running = engine.containers.get(made.id)
    _eventually(lambda: running.exec_run(["/bin/test", "-e", "/ready"]).exit_code == 0)
    provider.delete(made)
    provider.delete(made)
    reader = provider.create(
        "Container",
        {
            "name": name("reader"),
            "image": image,
            "command": ["/bin/cat", "/data/bye"],
            "volumes": inputs["volumes"],
            "attach": True,
            "logs": True,
        },
    )
    assert reader.outputs["containerLogs"] == "bye\n"
    assert reader.outputs["exitCode"] == 0


def test_a_container_that_removes_itself_is_deleted_without_fault(
    provider: Any, image: str, name: Callable[[str], str]
) -> None:
    made = provider.create("Container", {"name": name("selfish"), "image": image, "rm": True})
    provider.delete(made)
    assert provider.read(made) is None


# --- no Docker ---


def test_without_docker_a_change_can_be_previewed_but_not_made(
    start_provider: Callable[..., Any], name: Callable[[str], str]
) -> None:
    driver = start_provider("docker", {"host": "unix:///nowhere/docker.sock"})
    planned = driver.preview("Container", {"name": name("planned"), "image": "any"})
    assert planned["image"] == "any"
    assert repr(planned["networkDatas"]) == "UNKNOWN"
    with pytest.raises(AssertionError, match=r"unix:///nowhere/docker\.sock") as failure:
        driver.create("Container", {"name": name("impossible"), "image": "any"})
    assert "DOCKER_HOST" in str(failure.value)


def _running(engine: docker.DockerClient, name: str) -> bool:
    return bool(engine.containers.list(filters={"name": name, "status": "running"}))


def _eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)
