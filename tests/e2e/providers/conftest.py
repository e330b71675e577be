"""Providers driven the way an engine drives them: a process of their own, spoken to over gRPC."""

from __future__ import annotations

import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from engine import values
from tests.e2e.small_image import small_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.values import Values

ROOT = Path(__file__).resolve().parents[3]
TYPES = {
    "Container": "docker:index/container:Container",
    "Network": "docker:index/network:Network",
    "Volume": "docker:index/volume:Volume",
    "Topic": "kafka:index/topic:Topic",
    "Acl": "kafka:index/acl:Acl",
    "Quota": "kafka:index/quota:Quota",
    "UserScramCredential": "kafka:index/userScramCredential:UserScramCredential",
}


@dataclass(frozen=True)
class Made:
    """A resource as an engine would have it in its state."""

    kind: str
    id: str
    inputs: Values
    outputs: Values


class Refused(AssertionError):
    """The provider did not do what it was asked to; `unfinished` is the resource that it left half done."""

    def __init__(self, message: str, unfinished: Made | None = None) -> None:
        super().__init__(message)
        self.unfinished = unfinished


class Driver:
    """An engine's end of one provider process."""

    def __init__(self, package: str, config: Values) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", f"engine.providers.{package}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        port = self.process.stdout.readline().strip()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub: Any = provider_pb2_grpc.ResourceProviderStub(self.channel)
        self.call("Configure", provider_pb2.ConfigureRequest(args=values.to_struct(config)))

    def close(self) -> tuple[str, str]:
        """End it, and return what it printed after the port and what it complained about."""
        self.channel.close()
        self.process.terminate()
        out, err = self.process.communicate(timeout=20)
        return out, err

    def call(self, method: str, request: Any, metadata: Sequence[tuple[str, str]] = ()) -> Any:
        try:
            return getattr(self.stub, method)(request, metadata=metadata, timeout=100)
        except grpc.RpcError as error:
            raise Refused(str(error.details()), _unfinished(request, error)) from None

    def cancel(self) -> None:
        self.call("Cancel", empty_pb2.Empty())

    def check(self, kind: str, inputs: Values, olds: Values | None = None) -> Values:
        request = provider_pb2.CheckRequest(
            urn=urn(kind), news=values.to_struct(inputs), olds=values.to_struct(olds or {})
        )
        answer = self.call("Check", request)
        if answer.failures:
            raise Refused("\n".join(f"{failure.property}: {failure.reason}" for failure in answer.failures))
        return values.from_struct(answer.inputs)

    def create(
        self, kind: str, inputs: Values, *, step: str = "", orphans: Sequence[str] = (), seconds: float = 0
    ) -> Made:
        checked = self.check(kind, inputs)
        request = provider_pb2.CreateRequest(
            urn=urn(kind), properties=values.to_struct(checked), timeout=seconds
        )
        metadata = [("messaging-adopt", orphan) for orphan in orphans]
        answer = self.call("Create", request, [("messaging-step", step), *metadata] if step else metadata)
        return Made(kind, answer.id, checked, values.from_struct(answer.properties))

    def preview(self, kind: str, inputs: Values) -> Values:
        checked = self.check(kind, inputs)
        request = provider_pb2.CreateRequest(
            urn=urn(kind), properties=values.to_struct(checked), preview=True
        )
        return values.from_struct(self.call("Create", request).properties)

    def read(self, made: Made) -> Made | None:
        request = provider_pb2.ReadRequest(
            urn=urn(made.kind),
            id=made.id,
            inputs=values.to_struct(made.inputs),
            properties=values.to_struct(made.outputs),
        )
        answer = self.call("Read", request)
        if not answer.id:
            return None
        return Made(
            made.kind, answer.id, values.from_struct(answer.inputs), values.from_struct(answer.properties)
        )

    def diff(self, made: Made, inputs: Values, ignored: Sequence[str] = ()) -> Any:
        checked = self.check(made.kind, inputs, made.inputs)
        return self.call(
            "Diff",
            provider_pb2.DiffRequest(
                urn=urn(made.kind),
                id=made.id,
                old_inputs=values.to_struct(made.inputs),
                olds=values.to_struct(made.outputs),
                news=values.to_struct(checked),
                ignoreChanges=ignored,
            ),
        )

    def update(self, made: Made, inputs: Values, *, preview: bool = False) -> Made:
        checked = self.check(made.kind, inputs, made.inputs)
        request = provider_pb2.UpdateRequest(
            urn=urn(made.kind),
            id=made.id,
            old_inputs=values.to_struct(made.inputs),
            olds=values.to_struct(made.outputs),
            news=values.to_struct(checked),
            preview=preview,
        )
        answer = self.call("Update", request)
        return Made(made.kind, made.id, checked, values.from_struct(answer.properties))

    def delete(self, made: Made, *, seconds: float = 0) -> None:
        request = provider_pb2.DeleteRequest(
            urn=urn(made.kind), id=made.id, properties=values.to_struct(made.outputs), timeout=seconds
        )
        self.call("Delete", request)


def urn(kind: str) -> str:
    return f"urn:pulumi:test::providers::{TYPES.get(kind, kind)}::it"


def _unfinished(request: Any, error: grpc.RpcError) -> Made | None:
    metadata: Any = error.trailing_metadata() or ()
    packed = dict(metadata).get("grpc-status-details-bin")
    if not isinstance(packed, bytes):
        return None
    status = status_pb2.Status.FromString(packed)
    failed = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(failed)
    inputs = getattr(request, "properties", None) or request.news
    kind = next(name for name, token in TYPES.items() if token in request.urn)
    return Made(kind, failed.id, values.from_struct(inputs), values.from_struct(failed.properties))


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """Docker, asked directly about what the provider claims to have done."""
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="session")
def image(engine: docker.DockerClient) -> Iterator[str]:
    """A small image that needs no registry."""
    with small_image(engine) as name:
        yield name


@pytest.fixture(scope="session")
def provider() -> Iterator[Driver]:
    """The docker provider."""
    driver = Driver("docker", {})
    yield driver
    out, err = driver.close()
    assert (out, err) == ("", "")


@pytest.fixture
def start_provider() -> Iterator[Callable[..., Driver]]:
    """Starts providers that a test may kill."""
    started: list[Driver] = []

    def start(package: str, config: Values | None = None) -> Driver:
        started.append(Driver(package, config or {}))
        return started[-1]

    yield start
    for driver in started:
        driver.close()


@pytest.fixture
def name(engine: docker.DockerClient) -> Iterator[Callable[[str], str]]:
    """Names that nobody else has; whatever has one of them afterwards is removed."""
    prefix = f"ptest-{uuid.uuid4().hex[:8]}"
    yield lambda suffix: f"{prefix}-{suffix}"
    for container in engine.containers.list(all=True, filters={"name": prefix}):
        container.remove(force=True, v=True)
    for network in engine.networks.list(names=[prefix]):
        network.remove()
    for volume in engine.volumes.list(filters={"name": prefix}):
        volume.remove(force=True)
