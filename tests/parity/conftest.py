"""What the parity tests share: projects with one stack, and the reason why a machine cannot compare."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient

from images.site_file import read as read_site
from tests.e2e import harness
from tests.e2e.small_image import small_image
from tests.parity.engines import Place, missing
from tests.parity.scenarios import BUNDLES
from tests.parity.turns import finish_what_was_killed, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.parity.engines import Engine
    from tests.parity.scenarios import Bundle
    from tests.parity.turns import Turns

    Work = Callable[[Place, Bundle, Engine], Turns]

BROKER = {
    "CLUSTER_ID": "MkU3OEVBNTcwNTJENDM2Qk",
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:PLAINTEXT",
    "KAFKA_LISTENERS": "CONTROLLER://0.0.0.0:9093,INTERNAL://0.0.0.0:29092,CLIENT://0.0.0.0:9092",
    "KAFKA_INTER_BROKER_LISTENER_NAME": "INTERNAL",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything below this folder needs Docker; all but the golden records needs a Pulumi CLI, too."""
    reason = missing()
    for item in items:
        if "tests/parity/" not in str(item.path):
            continue
        item.add_marker(pytest.mark.parity)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(3000))
        if reason and item.path.name != "test_golden.py":
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    """What the containers run."""
    with small_image(harness.client()) as name:
        yield name


@pytest.fixture
def place(tmp_path: Path, image: str) -> Iterator[Place]:
    """A folder for a project with names of its own; nothing of it stays in Docker."""
    made = Place(root=tmp_path, instance=f"p{uuid.uuid4().hex[:8]}", config={"image": image})
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def take(
    tmp_path_factory: pytest.TempPathFactory, image: str, request: pytest.FixtureRequest
) -> Callable[[Work, str, Engine], Turns]:
    """Runs a bundle once for all tests that look at it; what failed once fails for all of them."""
    kept: dict[tuple[Work, str, Engine], Turns | AssertionError] = {}

    def work(what: Work, bundle: str, engine: Engine) -> Turns:
        place = Place(
            root=tmp_path_factory.mktemp(bundle[:20]),
            instance=f"p{uuid.uuid4().hex[:8]}",
            config={"image": image},
        )
        if bundle == "topics":
            place.config["broker"] = request.getfixturevalue("broker")
        try:
            return what(place, BUNDLES[bundle], engine)
        finally:
            place.remove()

    def take(what: Work, bundle: str, engine: Engine) -> Turns:
        key = (what, bundle, engine)
        if key not in kept:
            try:
                kept[key] = work(what, bundle, engine)
            except AssertionError as error:
                kept[key] = error
        found = kept[key]
        if isinstance(found, AssertionError):
            raise found
        return found

    return take


@pytest.fixture(scope="session")
def turns(take: Callable[[Work, str, Engine], Turns]) -> Callable[[str, Engine], Turns]:
    """What was seen when the engines took turns with a bundle, this engine first."""
    return partial(take, take_turns)


@pytest.fixture(scope="session")
def kills(take: Callable[[Work, str, Engine], Turns]) -> Callable[[str, Engine], Turns]:
    """What was seen when this engine was killed in a bundle and the other one finished it."""
    return partial(take, finish_what_was_killed)


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """The address of a Kafka broker for topics."""
    image = read_site().get("images", {}).get("kafka")
    if not image:
        pytest.skip("no local Kafka image: `make images` builds it")
    port = harness.free_offset() + min(harness.PUBLISHED)
    node = harness.client().containers.run(
        image,
        ["/etc/confluent/docker/run", "KAFKA_HEAP_OPTS=-Xmx256m"],
        name=f"parity-broker-{uuid.uuid4().hex[:8]}",
        environment=BROKER
        | {"KAFKA_ADVERTISED_LISTENERS": f"INTERNAL://localhost:29092,CLIENT://localhost:{port}"},
        ports={"9092/tcp": ("127.0.0.1", port)},
        detach=True,
    )
    try:
        address = f"localhost:{port}"
        admin = AdminClient({"bootstrap.servers": address, "log_level": 0, "socket.timeout.ms": 2000})
        harness.wait_for(lambda: admin.list_topics(timeout=2), "the broker's answer")
        yield address
    finally:
        node.remove(force=True, v=True)
