"""What dynamic providers share, driven as an engine does: a real `python -m pulumi.dynamic` over gRPC."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from components.dynamic.gate import ClusterReadyProvider
from components.dynamic.identity import ClusterIdentityProvider
from components.dynamic.provider import Refusal, differs, told_plainly

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def server() -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic", "127.0.0.1:1"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process, grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
        process.kill()


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


def test_a_refusal_reaches_the_user_as_its_words_alone(
    server: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    nodes = [{"id": 1, "name": "kafka-dev", "host": "127.0.0.1", "port": 1}]
    properties = {
        "__provider": serialize_provider(ClusterReadyProvider()),
        "clusterId": "c",
        "nodes": nodes,
        "voters": [1],
        "containers": ["c1"],
        "timeoutSeconds": 0,
    }

    with pytest.raises(grpc.RpcError) as refused:
        server.Create(provider_pb2.CreateRequest(properties=struct(properties)))

    details = refused.value.details() or ""
    assert details.startswith(
        "Refusal: the Kafka cluster was not ready within 0 s. Missing:\n  - kafka-dev: "
    )
    assert "docker logs kafka-dev --tail 50" in details
    assert "Traceback" not in details


def test_a_mistake_in_the_code_keeps_its_traceback(server: provider_pb2_grpc.ResourceProviderStub) -> None:
    properties = {"__provider": serialize_provider(ClusterReadyProvider()), "nodes": "nonsense"}

    with pytest.raises(grpc.RpcError) as failed:
        server.Create(provider_pb2.CreateRequest(properties=struct(properties)))

    assert "Traceback" in (failed.value.details() or "")


def test_a_refused_check_is_an_answer_and_no_error(server: provider_pb2_grpc.ResourceProviderStub) -> None:
    provider = {"__provider": serialize_provider(ClusterIdentityProvider())}
    facts = {
        "voters": ["1@a:9093"],
        "processRoles": "combined",
        "imageSource": "local",
        "kafkaRelease": "4.1",
        "topics": {},
    }

    answer = server.Check(
        provider_pb2.CheckRequest(
            olds=struct(provider | facts | {"clusterId": "one"}),
            news=struct(provider | facts | {"clusterId": "two"}),
        )
    )

    assert [failure.property for failure in answer.failures] == ["clusterId"]


def test_an_input_that_is_not_known_yet_is_a_difference() -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

    assert differs({"id": "one"}, {"id": unknown})


def test_outputs_and_the_sdks_own_key_are_no_difference() -> None:
    assert not differs({"a": 1, "output": 2, "__provider": "x"}, {"a": 1.0, "__provider": "y"})


def test_only_a_refusal_loses_its_traceback() -> None:
    @told_plainly
    def refuse() -> None:
        raise Refusal("no")

    @told_plainly
    def succeed() -> None:
        return

    with pytest.raises(Refusal):
        refuse()
    assert sys.tracebacklimit == 0
    succeed()
    assert not hasattr(sys, "tracebacklimit")
