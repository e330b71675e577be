"""Networks and volumes on a real Docker engine."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

NONE = 1
OURS = [{"label": "com.iotplatform.stack", "value": "dev"}]


def test_a_network_reads_as_it_was_created(provider: Any, name: Callable[[str], str]) -> None:
    inputs = {
        "name": name("net"),
        "driver": "bridge",
        "internal": True,
        "attachable": True,
        "ipamConfigs": [{"subnet": "10.213.78.0/24", "gateway": "10.213.78.1"}],
        "options": {"com.docker.network.bridge.enable_icc": "true"},
        "labels": OURS,
    }
    made = provider.create("Network", inputs)
    assert provider.read(made).outputs == made.outputs
    assert provider.read(made).inputs == made.inputs
    assert provider.diff(made, inputs).changes == NONE


def test_a_bare_network_and_a_bare_volume_read_as_they_were_created(
    provider: Any, name: Callable[[str], str]
) -> None:
    for kind in ("Network", "Volume"):
        made = provider.create(kind, {"name": name("bare")})
        assert provider.read(made).outputs == made.outputs
        assert provider.diff(made, {"name": name("bare")}).changes == NONE


def test_changing_a_network_replaces_it_removing_the_old_one_first(
    provider: Any, name: Callable[[str], str]
) -> None:
    made = provider.create("Network", {"name": name("net")})
    answer = provider.diff(made, {"name": name("net"), "internal": True})
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["internal"], True)


def test_a_taken_network_name_is_refused(
    provider: Any, engine: docker.DockerClient, name: Callable[[str], str]
) -> None:
    engine.networks.create(name("net"), labels={"com.iotplatform.stack": "other"})
    with pytest.raises(AssertionError, match=r"com\.iotplatform\.stack=other") as failure:
        provider.create("Network", {"name": name("net"), "labels": OURS})
    assert f"docker network rm {name('net')}" in str(failure.value)


def test_a_network_of_a_run_that_died_is_adopted_if_it_is_the_one(
    provider: Any, name: Callable[[str], str]
) -> None:
    inputs = {"name": name("net"), "labels": OURS}
    first = provider.create("Network", inputs)
    second = provider.create("Network", inputs, orphans=["step-1"])
    assert (second.id, second.outputs) == (first.id, first.outputs)
    with pytest.raises(AssertionError, match="is taken"):
        provider.create("Network", inputs | {"internal": True}, orphans=["step-1"])


@pytest.mark.parametrize(
    "had",
    [
        {"internal": True},
        {"options": {"com.docker.network.bridge.enable_icc": "false"}},
        {"ipamConfigs": [{"subnet": "10.213.79.0/24", "ipRange": "10.213.79.128/25"}]},
        {"labels": [*OURS, {"label": "other", "value": ""}]},
        {"attachable": True},
    ],
    ids="+".join,
)
def test_a_network_that_has_what_is_no_longer_wanted_is_not_adopted(
    provider: Any, name: Callable[[str], str], had: dict[str, Any]
) -> None:
    inputs = {"name": name("net"), "labels": OURS}
    provider.create("Network", inputs | had)
    with pytest.raises(AssertionError, match="is taken"):
        provider.create("Network", inputs, orphans=["step-1"])


def test_a_network_is_removed_once_its_last_container_has_left(
    provider: Any, engine: docker.DockerClient, image: str, name: Callable[[str], str]
) -> None:
    made = provider.create("Network", {"name": name("net")})
    provider.create(
        "Container", {"name": name("on"), "image": image, "networksAdvanced": [{"name": name("net")}]}
    )
    with pytest.raises(AssertionError, match=name("on")):
        provider.delete(made, seconds=0.5)
    removing = threading.Thread(target=provider.delete, args=(made,))
    removing.start()
    engine.networks.get(made.id).disconnect(name("on"))
    removing.join(20)
    assert not removing.is_alive()
    assert provider.read(made) is None
    provider.delete(made)


def test_a_volume_that_is_not_ours_is_never_taken_over(
    provider: Any, engine: docker.DockerClient, name: Callable[[str], str]
) -> None:
    engine.volumes.create(name("data"), labels={"com.iotplatform.stack": "other"})
    with pytest.raises(AssertionError, match=r"com\.iotplatform\.stack=other") as failure:
        provider.create("Volume", {"name": name("data"), "labels": OURS})
    assert f"docker volume rm {name('data')}" in str(failure.value)


def test_a_volume_without_labels_is_nobodys_to_take(
    provider: Any, engine: docker.DockerClient, name: Callable[[str], str]
) -> None:
    engine.volumes.create(name("data"))
    with pytest.raises(AssertionError, match="exists already"):
        provider.create("Volume", {"name": name("data")})
    assert provider.create("Volume", {"name": name("data")}, orphans=["step-1"]).id == name("data")


def test_a_volume_that_this_stack_kept_is_taken_over_again(provider: Any, name: Callable[[str], str]) -> None:
    inputs = {"name": name("data"), "labels": OURS}
    first = provider.create("Volume", inputs)
    assert provider.create("Volume", inputs) == first


def test_a_kept_volume_that_is_elsewhere_is_not_taken_over(provider: Any, name: Callable[[str], str]) -> None:
    def inputs(size: str) -> dict[str, Any]:
        options = {"type": "tmpfs", "device": "tmpfs", "o": f"size={size}"}
        return {"name": name("data"), "labels": OURS, "driverOpts": options}

    provider.create("Volume", inputs("1m"))
    with pytest.raises(AssertionError, match="options: device, o, type") as failure:
        provider.create("Volume", inputs("9m"), orphans=["step-1"])
    assert "size=1m" not in str(failure.value)
    assert provider.create("Volume", inputs("1m")).id == name("data")


def test_a_volume_in_use_is_not_removed_and_its_users_are_named(
    provider: Any, image: str, name: Callable[[str], str]
) -> None:
    made = provider.create("Volume", {"name": name("data")})
    user = provider.create(
        "Container",
        {
            "name": name("user"),
            "image": image,
            "volumes": [{"volumeName": made.id, "containerPath": "/data"}],
        },
    )
    began = time.monotonic()
    with pytest.raises(AssertionError, match=name("user")):
        provider.delete(made, seconds=1)
    assert time.monotonic() - began < 10
    provider.delete(user)
    provider.delete(made)
    assert provider.read(made) is None
    provider.delete(made)
