"""What becomes of a container whose creation does not go well. A real Docker shows the rest."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from docker.errors import NotFound

from engine.providers.base import Call, Lost, ProviderError, Unfinished
from engine.providers.check import check, plain
from engine.providers.docker.package import DockerPackage
from tests.unit.engine.providers.shown import BARE

NETWORK = {
    **dict.fromkeys(("IPAddress", "Gateway", "GlobalIPv6Address", "IPv6Gateway", "MacAddress"), ""),
    **dict.fromkeys(("IPPrefixLen", "GlobalIPv6PrefixLen"), 0),
}


class Docker:
    """A Docker engine with at most one container.

    Attributes:
        state: Of the container once it was started.
        broken: What starting it raises.
    """

    def __init__(self, state: dict[str, Any] | None = None, broken: Exception | None = None) -> None:
        self.state = {"Status": "exited", "Running": False, "ExitCode": 3} | (state or {})
        self.broken = broken
        self.shown: dict[str, Any] | None = None

    def inspect_image(self, _name: str) -> dict[str, Any]:
        return {}

    def create_container_from_config(self, *_: object) -> dict[str, Any]:
        state = {"Status": "created", "Running": False, "ExitCode": 0}
        self.shown = BARE | {
            "Name": "/it",
            "State": state,
            "NetworkSettings": {"Networks": {"bridge": NETWORK}},
        }
        return {"Id": "it"}

    def inspect_container(self, _identifier: str) -> dict[str, Any]:
        assert self.shown is not None
        return self.shown

    def start(self, _identifier: str) -> None:
        assert self.shown is not None
        if self.broken:
            raise self.broken
        self.shown = self.shown | {"State": self.state}

    def close(self) -> None:
        pass


def created(docker: Docker, **given: Any) -> Unfinished:
    """Create a container in vain, and return what is known of it then."""
    container = _container(docker)
    with pytest.raises(Unfinished) as left:
        container.create(_inputs(**given), Call(threading.Event(), lambda _: None))
    return left.value


def replaced_by(left: Unfinished, **given: Any) -> list[str]:
    changes = _container(Docker()).diff(left.outputs, _inputs(**given), ())
    return [change.path for change in changes if change.replace]


def _container(docker: Docker) -> Any:
    package: Any = DockerPackage()
    package._connection._client = docker
    return package.resources["docker:index/container:Container"]


def _inputs(**given: Any) -> dict[str, Any]:
    kinds = DockerPackage().resources["docker:index/container:Container"].type.properties
    checked, failures = check(kinds, {"name": "it", "image": "kafka:1"} | given, "it")
    assert failures == []
    return dict(plain(checked))


def test_a_container_that_ended_before_it_was_healthy_is_replaced_by_the_next_run() -> None:
    left = created(Docker(), wait=True)

    assert "ended with exit code 3" in str(left)
    assert replaced_by(left, wait=True) == ["wait"]
    assert replaced_by(left, wait=True, waitTimeout=90) == ["wait"]
    assert replaced_by(left) == ["wait"]


def test_a_container_that_did_not_get_healthy_is_replaced_whatever_runs_it() -> None:
    ill = {"Status": "running", "Running": True, "Health": {"Status": "starting"}}

    left = created(Docker(ill), wait=True, waitTimeout=0, runtime="runc")

    assert "is not healthy after 0 s but starting" in str(left)
    assert "wait" in replaced_by(left, wait=True, waitTimeout=0, runtime="runc")


def test_a_container_whose_wait_was_cut_off_is_waited_for_again() -> None:
    container = _container(Docker({"Status": "running", "Running": True, "Health": {"Status": "starting"}}))
    cut_off = threading.Event()
    cut_off.set()

    with pytest.raises(Unfinished, match="cancelled") as left:
        container.create(_inputs(wait=True), Call(cut_off, lambda _: None))

    assert replaced_by(left.value, wait=True) == []


def test_a_container_is_known_also_after_a_fault_in_bringing_it_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    left = created(Docker(broken=ValueError("odd")))

    assert (left.id, str(left)) == ("it", "a fault in this provider: ValueError: odd")
    assert left.outputs["name"] == "it"
    assert "Traceback" in capsys.readouterr().err


def test_a_container_that_nobody_can_look_at_any_more_may_be_there() -> None:
    docker = Docker()

    def blind(_identifier: str) -> dict[str, Any]:
        raise ProviderError("nobody answers")

    def start(_identifier: str) -> None:
        docker.inspect_container = blind  # type: ignore[method-assign] # from here on
        raise ValueError("odd")

    docker.start = start  # type: ignore[method-assign] # in its place
    with pytest.raises(Lost, match="odd"):
        _container(docker).create(_inputs(), Call(threading.Event(), lambda _: None))


class Leaving:
    """A Docker engine that sees whether two containers stop at the same moment.

    Args:
        api_version: The newest that it speaks.
        seconds: How long the first waits for the other one.
    """

    def __init__(self, api_version: str, seconds: float) -> None:
        self.api_version = api_version
        self.seconds = seconds
        self.met = threading.Barrier(2)
        self.together = 0

    def stop(self, _identifier: str, **_: object) -> None:
        try:
            self.met.wait(self.seconds)
        except threading.BrokenBarrierError:
            self.met.reset()
        else:
            self.together += 1

    def remove_container(self, *_: object, **__: object) -> None:
        pass

    def inspect_container(self, _identifier: str) -> dict[str, Any]:
        raise NotFound("gone")


@pytest.mark.parametrize(
    ("api_version", "together"),
    [
        pytest.param("1.9", 0, id="ancient"),
        pytest.param("1.41", 0, id="20.10"),
        pytest.param("1.42", 2, id="23.0"),
        pytest.param("1.100", 2, id="far newer"),
    ],
)
def test_containers_leave_one_after_another_where_the_engine_could_lock_up(
    api_version: str, together: int
) -> None:
    docker: Any = Leaving(api_version, seconds=30 if together else 0.2)
    container = _container(docker)

    def delete(name: str) -> None:
        container.delete(name, _inputs(), Call(threading.Event(), lambda _: None))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(delete, ("one", "another")))

    assert docker.together == together
