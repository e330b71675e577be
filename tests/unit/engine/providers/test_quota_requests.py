"""Requests about quotas, sent to something that speaks Kafka's protocol and answers as a test wants."""

from __future__ import annotations

import io
import socketserver
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest
from kafka.protocol.admin import AlterClientQuotasRequest, AlterClientQuotasResponse
from kafka.protocol.api_header import RequestHeader
from kafka.protocol.metadata import (
    ApiVersionsRequest,
    ApiVersionsResponse,
    MetadataRequest,
    MetadataResponse,
)

from engine.providers.base import Lost, ProviderError
from engine.providers.kafka.quota_requests import Quotas
from engine.providers.kafka.settings import client_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# The client, closed while it is connecting anew by itself, leaves that socket to be closed with its object.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

LIMITS = {"consumer_byte_rate": 1024.0}
REFUSED, TIMED_OUT = 31, 7
VERSIONS = {ApiVersionsRequest.API_KEY: 4, MetadataRequest.API_KEY: 1, AlterClientQuotasRequest.API_KEY: 0}


class Broker(socketserver.ThreadingTCPServer):
    """A cluster of one.

    Attributes:
        error: The error code with which it answers a change; None is no answer at all.
        hangs_up: Whether it closes the connection instead.
        leaves: Whether it talks to nobody once it has said where the cluster is.
        outdated: Whether it knows of no quotas.
        asked: How many changes have arrived.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Client)
        self.error: int | None = 0
        self.hangs_up = self.leaves = self.left = self.outdated = False
        self.port = int(self.server_address[1])
        self.asked = 0

    def answer(self, key: int, version: int) -> Any:
        if key == ApiVersionsRequest.API_KEY:
            one = ApiVersionsResponse.ApiVersion
            served = [
                one(api_key=key, min_version=0, max_version=most)
                for key, most in VERSIONS.items()
                if key != AlterClientQuotasRequest.API_KEY or not self.outdated
            ]
            return ApiVersionsResponse(version=version, error_code=0, api_keys=served)
        if key == MetadataRequest.API_KEY:
            self.left = self.leaves
            broker = MetadataResponse.MetadataResponseBroker(
                node_id=1, host="127.0.0.1", port=self.port, rack=None
            )
            return MetadataResponse(version=version, brokers=[broker], controller_id=1, topics=[])
        self.asked += 1
        entity = AlterClientQuotasResponse.EntryData.EntityData(entity_type="user", entity_name="reader")
        entry = AlterClientQuotasResponse.EntryData(
            error_code=self.error, error_message=None, entity=[entity]
        )
        return AlterClientQuotasResponse(version=version, throttle_time_ms=0, entries=[entry])


class Client(socketserver.StreamRequestHandler):
    """One connection to it."""

    def handle(self) -> None:
        broker = cast("Broker", self.server)
        while not broker.left and (size := self.rfile.read(4)):
            asked = RequestHeader.decode(io.BytesIO(self.rfile.read(int.from_bytes(size, "big"))))
            answer = broker.answer(asked.request_api_key, asked.request_api_version)
            if broker.asked and broker.hangs_up:
                return
            if broker.asked and broker.error is None:
                continue
            answer.with_header(correlation_id=asked.correlation_id)
            self.wfile.write(answer.encode(header=True, framed=True))


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield server
        server.shutdown()


def alter(port: int) -> None:
    config = {"bootstrapServers": [f"127.0.0.1:{port}"], "tlsEnabled": False}
    quotas = Quotas(config, client_settings(config), timeout=1)
    try:
        quotas.alter("user", "reader", LIMITS)
    finally:
        quotas.close()


def test_a_change_that_kafka_takes_is_made(broker: Broker) -> None:
    alter(broker.port)
    assert broker.asked == 1


def test_what_kafka_refuses_has_not_happened(broker: Broker) -> None:
    broker.error = REFUSED
    with pytest.raises(ProviderError, match="cannot change the quota of user reader: ClusterAuth") as failed:
        alter(broker.port)
    assert type(failed.value) is ProviderError


@pytest.mark.parametrize(("leaves", "outdated"), [(True, False), (False, True)], ids=["leaves", "outdated"])
def test_what_could_not_be_sent_has_not_happened(broker: Broker, leaves: bool, outdated: bool) -> None:
    broker.leaves, broker.outdated = leaves, outdated
    with pytest.raises(ProviderError, match="cannot change the quota of user reader: ") as failed:
        alter(broker.port)
    assert type(failed.value) is ProviderError
    assert broker.asked == 0


@pytest.mark.parametrize(
    ("error", "hangs_up"),
    [(None, False), (0, True), (TIMED_OUT, False)],
    ids=["silence", "hung up", "timed out in the cluster"],
)
def test_nobody_knows_whether_an_unanswered_change_was_made(
    broker: Broker, error: int | None, hangs_up: bool
) -> None:
    broker.error, broker.hangs_up = error, hangs_up
    with pytest.raises(Lost, match="cannot change the quota of user reader"):
        alter(broker.port)
    assert broker.asked == 1
