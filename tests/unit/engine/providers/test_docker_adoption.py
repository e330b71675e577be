"""Whether a container that a killed run left is the one that is wanted now, judged by what Docker shows."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from engine.providers.check import check, plain
from engine.providers.docker import adoption
from engine.providers.docker.container_body import STEP_LABEL, create_body
from engine.providers.docker.package import DockerPackage
from tests.unit.engine.providers.shown import BARE, ID

if TYPE_CHECKING:
    from engine.values import Values

CONTAINER = DockerPackage().resources["docker:index/container:Container"]
AROUND = adoption.Surroundings(
    image={
        "Id": "sha256:1",
        "Config": {
            "User": "app",
            "ExposedPorts": {"9092/tcp": {}},
            "Env": ["PATH=/bin", "COMPONENT=kafka"],
            "Cmd": ["/run"],
            "Entrypoint": None,
            "WorkingDir": "/home/app",
            "Volumes": {"/data": {}},
            "Labels": {"role": "kafka"},
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1000000000},
        },
    },
    docker={"DefaultRuntime": "runc", "LoggingDriver": "json-file", "CgroupVersion": "1", "Name": "host-1"},
)


def inputs(**given: Any) -> Values:
    checked, failures = check(CONTAINER.type.properties, {"name": "it", "image": "kafka:1"} | given, "it")
    assert failures == []
    return dict(plain(checked))


def described(part: str = "", **changes: Any) -> dict[str, Any]:
    found = copy.deepcopy(BARE)
    (found[part] if part else found).update(changes)
    return found


def adopted(found: dict[str, Any], **given: Any) -> bool:
    return adoption.made_from(create_body(inputs(**given)), found, AROUND)


def test_what_the_image_and_docker_say_is_explained() -> None:
    assert adopted(BARE)
    assert adoption.connected(inputs(), BARE)


@pytest.mark.parametrize(
    ("part", "left"),
    [
        ("Config", {"Env": ["PATH=/bin", "COMPONENT=kafka", "BAD=1"]}),
        ("Config", {"Env": ["PATH=/tmp", "COMPONENT=kafka"]}),
        ("Config", {"Labels": {"role": "kafka", "other": "", STEP_LABEL: "step-1"}}),
        ("Config", {"Cmd": ["sleep", "1"]}),
        ("Config", {"Entrypoint": ["/bin/sh"]}),
        ("Config", {"User": "0"}),
        ("Config", {"WorkingDir": "/"}),
        ("Config", {"Hostname": "old"}),
        ("Config", {"Tty": True}),
        ("Config", {"StopSignal": "SIGINT"}),
        ("Config", {"StopTimeout": 3}),
        ("Config", {"ExposedPorts": {"9092/tcp": {}, "1/udp": {}}}),
        ("Config", {"Volumes": {"/data": {}, "/more": {}}}),
        ("Config", {"Healthcheck": {"Test": ["CMD", "false"], "Interval": 1000000000}}),
        ("Config", {"Healthcheck": {"Test": ["CMD", "true"], "Interval": 1000000000, "Retries": 3}}),
        ("HostConfig", {"Binds": ["/etc:/host:rw"]}),
        ("HostConfig", {"VolumesFrom": ["other"]}),
        ("HostConfig", {"PortBindings": {"9092/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9092"}]}}),
        ("HostConfig", {"NetworkMode": "host"}),
        ("HostConfig", {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}}),
        ("HostConfig", {"CapAdd": ["CAP_NET_ADMIN"]}),
        ("HostConfig", {"CapDrop": ["ALL"]}),
        ("HostConfig", {"SecurityOpt": ["seccomp=unconfined"]}),
        ("HostConfig", {"Privileged": True}),
        ("HostConfig", {"MaskedPaths": [], "ReadonlyPaths": []}),
        ("HostConfig", {"Tmpfs": {"/run": ""}}),
        ("HostConfig", {"Sysctls": {"net.core.somaxconn": ""}}),
        ("HostConfig", {"Dns": ["9.9.9.9"]}),
        ("HostConfig", {"ExtraHosts": ["evil:1.2.3.4"]}),
        ("HostConfig", {"Memory": 64 << 20, "MemorySwap": 128 << 20}),
        ("HostConfig", {"MemorySwap": -1}),
        ("HostConfig", {"NanoCpus": 1}),
        ("HostConfig", {"ShmSize": 1}),
        ("HostConfig", {"IpcMode": "host"}),
        ("HostConfig", {"PidMode": "host"}),
        ("HostConfig", {"CgroupnsMode": "private"}),
        ("HostConfig", {"Runtime": "other"}),
        ("HostConfig", {"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 1}]}),
        ("HostConfig", {"Init": True}),
        ("HostConfig", {"LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}}}),
        ("HostConfig", {"LogConfig": {"Type": "none", "Config": {}}}),
        ("HostConfig", {"DeviceRequests": [{"Count": -1}]}),
        ("", {"Image": "sha256:0"}),
    ],
    ids=str,
)
def test_whatever_nothing_explains_keeps_a_container_from_being_adopted(part: str, left: Values) -> None:
    assert not adopted(described(part, **left))


@pytest.mark.parametrize(
    ("given", "part", "shown"),
    [
        ({"envs": ["B=1", "PATH=/x"]}, "Config", {"Env": ["PATH=/x", "B=1", "COMPONENT=kafka"]}),
        ({"command": ["sleep", "1"]}, "Config", {"Cmd": ["sleep", "1"]}),
        ({"entrypoints": ["sh"]}, "Config", {"Entrypoint": ["sh"], "Cmd": None}),
        ({"hostname": "k"}, "Config", {"Hostname": "k"}),
        (
            {"labels": [{"label": "a", "value": ""}]},
            "Config",
            {"Labels": {"role": "kafka", "a": "", STEP_LABEL: "step-1"}},
        ),
        (
            {"healthcheck": {"tests": ["CMD", "false"], "retries": 3}},
            "Config",
            {"Healthcheck": {"Test": ["CMD", "false"], "Interval": 1000000000, "Retries": 3}},
        ),
        (
            {"capabilities": {"adds": ["NET_ADMIN", "CAP_CHOWN"]}},
            "HostConfig",
            {"CapAdd": ["CAP_CHOWN", "CAP_NET_ADMIN"]},
        ),
        ({"memory": 64}, "HostConfig", {"Memory": 64 << 20, "MemorySwap": 128 << 20}),
        ({"pidMode": "host"}, "HostConfig", {"PidMode": "host", "SecurityOpt": ["label=disable"]}),
        ({"tmpfs": {"/run": ""}}, "HostConfig", {"Tmpfs": {"/run": ""}}),
        (
            {"securityOpts": ["systempaths=unconfined"]},
            "HostConfig",
            {"MaskedPaths": [], "ReadonlyPaths": []},
        ),
        (
            {"logOpts": {"max-size": "1m"}},
            "HostConfig",
            {"LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}}},
        ),
    ],
    ids=str,
)
def test_what_was_asked_for_must_be_there_and_no_less(given: Values, part: str, shown: Values) -> None:
    assert adopted(described(part, **shown), **given)
    assert not adopted(BARE, **given)


def test_a_host_name_may_be_the_hosts_own_on_its_network() -> None:
    found = described("HostConfig", NetworkMode="host")
    found["Config"]["Hostname"] = "host-1"

    assert adopted(found, networkMode="host")


# --- networks ---


def at(identifier: str, **changes: Any) -> dict[str, Any]:
    return {"NetworkID": identifier, "IPAMConfig": None, "MacAddress": "02:42:AC:11:00:03"} | changes


def connected(networks: dict[str, Any], **given: Any) -> bool:
    return adoption.connected(inputs(**given), described(NetworkSettings={"Networks": networks}))


WANTED = {"name": "net", "aliases": ["x"], "ipv4Address": "10.0.0.9", "driverOpts": ["mtu=1400"]}
AS_WANTED = {
    "Aliases": ["x", ID[:12]],
    "IPAMConfig": {"IPv4Address": "10.0.0.9"},
    "DriverOpts": {"mtu": "1400"},
}


def test_a_network_is_known_by_its_name_and_by_its_id() -> None:
    assert connected({"net": at("n1", **AS_WANTED)}, networksAdvanced=[WANTED])
    assert connected({"net": at("n1", **AS_WANTED)}, networksAdvanced=[WANTED | {"name": "n1"}])


@pytest.mark.parametrize(
    "networks",
    [
        {},
        {"bridge": at("b1")},
        {"net": at("n1", **AS_WANTED), "bridge": at("b1")},
        {"net": at("n1", **AS_WANTED | {"Aliases": ["x", "old", ID[:12]]})},
        {"net": at("n1", **AS_WANTED | {"Aliases": [ID[:12]]})},
        {"net": at("n1", **AS_WANTED | {"IPAMConfig": None})},
        {"net": at("n1", **AS_WANTED | {"IPAMConfig": {"IPv4Address": "10.0.0.9", "IPv6Address": "::9"}})},
        {"net": at("n1", **AS_WANTED | {"DriverOpts": None})},
        {"net": at("n1", **AS_WANTED | {"DriverOpts": {"mtu": "1400", "more": ""}})},
    ],
    ids=str,
)
def test_a_container_that_is_otherwise_connected_is_not_the_one(networks: dict[str, Any]) -> None:
    assert not connected(networks, networksAdvanced=[WANTED])


def test_an_address_of_the_hardware_must_be_the_one_that_was_asked_for() -> None:
    mac = {"name": "net", "macAddress": "02:42:ac:11:00:03"}

    assert connected({"net": at("n1")}, networksAdvanced=[mac])
    assert not connected({"net": at("n1")}, networksAdvanced=[mac | {"macAddress": "02:42:ac:11:00:04"}])


# --- files ---


@pytest.mark.parametrize(
    ("changes", "uploaded"),
    [
        ({}, True),
        ({"mtime": "2026-03-01T10:00:06Z"}, False),
        ({"size": 0}, False),
        ({"mode": 0o755 | 1 << 31}, False),
    ],
    ids=["older than the start", "written since", "a place to mount on", "a folder"],
)
def test_a_file_from_before_the_start_was_uploaded(changes: Values, uploaded: bool) -> None:
    file = {"size": 3, "mode": 0o644, "mtime": "2026-03-01T10:00:05Z"} | changes

    assert adoption.put_in("/etc/conf", file, BARE) is uploaded
    assert not adoption.put_in("/etc/mounted", file, BARE)
