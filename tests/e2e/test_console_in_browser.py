"""The console of a running platform in a browser: on a desk, on a phone, and with its broker down."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.e2e import browser as browsers
from tests.e2e import harness
from tests.e2e.test_platform import DEAD_LETTERS, STREAMS, produce

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.browser import Browser
    from tests.e2e.harness import Workspace

pytestmark = harness.needs("chromium")

PHONE = 390
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>\"'>"
PAGES = (
    "",
    "/topics",
    "/topics/sensor-data",
    "/topics/sensor-data/messages",
    "/topics/system-logs/messages",
    "/groups",
    "/group?id=evil%3Cscript%3E",
    "/subjects",
    "/subject?name=sensor-data-value",
    "/dead-letters",
    "/dead-letters/system-logs/poison",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsers.running(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(scope="module")
def sensor(platform: Workspace) -> str:
    """A reading in `sensor-data`, and payloads in `system-logs` that try to run a script."""
    bootstrap = f"localhost:{platform.port(9092)}"
    producer = Producer({"bootstrap.servers": bootstrap})
    headers = {"dlq.error.class": EVIL, "dlq.error.message": EVIL, "dlq.source.topic": EVIL, "other": EVIL}
    for topic in ("system-logs", "system-logs.dlq.poison"):
        producer.produce(topic, EVIL, key=EVIL, headers=headers)
        producer.produce(topic, json.dumps({EVIL: [EVIL] * 3}), key="x" * 300)
        producer.produce(topic, b"\xff\x00" * 200, key=b"\xfe")
    assert producer.flush(30) == 0
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "evil<script>"})
    consumer.commit(offsets=[TopicPartition("system-logs", 0, 1)], asynchronous=False)
    consumer.close()
    name = f"sensor-{uuid.uuid4().hex[:8]}"
    produce(platform, name)
    return name


@pytest.fixture(scope="module")
def address(platform: Workspace, browser: Browser, sensor: str) -> str:
    """The cluster's page, as its link on the first page says."""
    front = f"http://localhost:{platform.port(8080)}"
    browser.open(f"{front}/")
    link = browser.evaluate("document.querySelector('main a[href^=\"/clusters/\"]').getAttribute('href')")
    return f"{front}{link}"


def test_the_cluster_its_topics_and_a_decoded_message_are_shown(
    platform: Workspace, browser: Browser, address: str, sensor: str
) -> None:
    browser.open(address)
    assert platform.name("kafka-dev") in browser.text()

    browser.open(f"{address}/topics")
    assert all(stream in browser.text() for stream in STREAMS)

    browser.open(f"{address}/topics/sensor-data/messages")
    assert sensor in browser.text()
    assert "celsius" in browser.text(), "the value is decoded by its schema"

    browser.open(f"{address}/subject?name=sensor-data-value")
    assert "com.iotplatform.messaging" in browser.text()


def test_dead_letters_are_shown_by_class(browser: Browser, address: str) -> None:
    browser.open(f"{address}/dead-letters")

    for queue in DEAD_LETTERS[1:]:
        assert queue.removeprefix("dlq.") in browser.text().replace(" ", "_").lower()


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_shows_every_page_without_scrolling_sideways(
    browser: Browser, address: str, path: str
) -> None:
    browser.open(address + path, width=PHONE)

    assert len(browser.text()) > 100
    assert browser.overflow() == []


@pytest.mark.parametrize("path", PAGES)
def test_no_payload_runs_and_nothing_is_loaded_from_elsewhere(
    browser: Browser, address: str, path: str
) -> None:
    front = address.split("/clusters/", maxsplit=1)[0]

    browser.open(address + path)

    assert browser.dialogs == []
    assert browser.evaluate("document.scripts.length + document.querySelectorAll('main img').length") == 0
    assert [one for one in browser.requested if not one.startswith(f"{front}/")] == []


def test_the_payload_that_tried_is_shown_as_it_is(browser: Browser, address: str) -> None:
    browser.open(f"{address}/topics/system-logs/messages")

    assert "<script>alert(1)</script>" in browser.text()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_running_console_only_reads(address: str, method: str) -> None:
    answer = requests.request(method, f"{address}/topics", timeout=30)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_with_the_broker_down_a_phone_shows_what_is_wrong_and_what_still_works(
    platform: Workspace, browser: Browser, address: str
) -> None:
    broker = platform.container("kafka-dev")
    broker.pause()
    try:
        # An answer that came just before may be shown for a moment.
        harness.wait_for(lambda: "unreachable" in requests.get(address, timeout=30).text, "it is noticed")
        browser.open(address, width=PHONE)

        assert "unreachable" in browser.text()
        assert f"{platform.name('kafka-dev')}:" in browser.text(), "it names what does not answer"
        assert browser.overflow() == []
    finally:
        broker.unpause()
    harness.wait_for(
        lambda: "could not be read" not in requests.get(address, timeout=30).text, "the console recovers"
    )
