"""Deletions that Docker or Kafka has accepted: whoever has not seen their end does not deny them."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import ScramMechanism
from docker.errors import APIError, NotFound
from pulumi.runtime.proto import provider_pb2

from engine import values
from engine.providers.base import ProviderError
from engine.providers.docker import container
from engine.providers.docker.package import DockerPackage
from engine.providers.informant import Informant
from engine.providers.kafka.package import KafkaPackage
from engine.providers.service import Service

if TYPE_CHECKING:
    from engine.providers.base import Package
    from engine.values import Values

DENIED = KafkaException(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED, "no"))
ERRORS: dict[str, Exception] = {
    "docker:index/container:Container": APIError("no"),
    "kafka:index/acl:Acl": DENIED,
    "kafka:index/quota:Quota": ProviderError("no"),
    "kafka:index/topic:Topic": DENIED,
    "kafka:index/userScramCredential:UserScramCredential": DENIED,
}
OUTPUTS: Values = {
    "aclPrincipal": "User:reader",
    "aclHost": "*",
    "aclOperation": "Read",
    "aclPermissionType": "Allow",
    "aclResourceType": "Topic",
    "aclResourceName": "orders",
    "resourcePatternTypeFilter": "Literal",
    "entityName": "reader",
    "entityType": "user",
    "config": {"consumer_byte_rate": "1024"},
    "username": "reader",
    "scramMechanism": "SCRAM-SHA-256",
    "scramIterations": 4096,
}
"""Of one of each kind; none minds the others'."""


class System:
    """Docker's and Kafka's side of one deletion.

    Attributes:
        refused: The error that whoever deletes gets.
        blind: The error that whoever looks afterwards gets.
        gone: Whether it is not there any more.
    """

    def __init__(self) -> None:
        self.refused: Exception | None = None
        self.blind: Exception | None = None
        self.gone = False

    def delete(self) -> None:
        if self.refused:
            raise self.refused

    def look(self) -> bool:
        if self.blind:
            raise self.blind
        return not self.gone

    # --- Docker's API ---

    api_version = "1.41"

    def stop(self, *_: Any, **__: Any) -> None:
        self.delete()

    def remove_container(self, *_: Any, **__: Any) -> None:
        pass

    def inspect_container(self, identifier: str) -> Values:
        if not self.look():
            raise NotFound("no such container")
        return {"Id": identifier}

    def close(self) -> None:
        pass

    # --- Kafka's administration ---

    def delete_topics(self, names: list[str], **_: Any) -> dict[str, Future[Any]]:
        self.delete()
        return {names[0]: done(None)}

    def describe_topics(self, *_: Any, **__: Any) -> dict[str, Future[Any]]:
        future: Future[Any] = Future()
        if self.look():
            future.set_result(SimpleNamespace(partitions=[]))
        else:
            future.set_exception(KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
        return {"it": future}

    def delete_acls(self, filters: list[Any], **_: Any) -> dict[Any, Future[Any]]:
        self.delete()
        return {filters[0]: done([])}

    def describe_acls(self, *_: Any, **__: Any) -> Future[Any]:
        return done(["it"] if self.look() else [])

    def alter_user_scram_credentials(self, changes: list[Any], **_: Any) -> dict[str, Future[Any]]:
        self.delete()
        return {changes[0].user: done(None)}

    def describe_user_scram_credentials(self, users: list[str], **_: Any) -> dict[str, Future[Any]]:
        one = SimpleNamespace(mechanism=ScramMechanism.SCRAM_SHA_256, iterations=4096)
        return {users[0]: done(SimpleNamespace(scram_credential_infos=[one] if self.look() else []))}

    # --- its quotas ---

    def alter(self, *_: Any) -> None:
        self.delete()

    def describe(self, *_: Any) -> dict[str, float]:
        return {"consumer_byte_rate": 1024.0} if self.look() else {}


def done(value: object) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future


class Answered(Exception):
    """How a call ended that did not succeed."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Context:
    """gRPC's side of one call."""

    def invocation_metadata(self) -> tuple[()]:
        return ()

    def abort(self, code: grpc.StatusCode, message: str) -> NoReturn:
        raise Answered(code, message)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    monkeypatch.setattr(container, "_REMOVAL_SECONDS", 0.1)
    return System()


def delete(token: str, system: System, *, cancelled: bool = False) -> None:
    package: Any = DockerPackage() if token.startswith("docker") else KafkaPackage()
    if token.startswith("docker"):
        package._connection._client = system
    else:
        package._cluster._client = package._cluster.quotas = system
        package._cluster.timeout = 0.1
    _serve(package, token, cancelled=cancelled)


def _serve(package: Package, token: str, *, cancelled: bool) -> None:
    told = threading.Event()
    if cancelled:
        told.set()
    service = Service(package, version="1", cancelled=told, informant=Informant())
    request = provider_pb2.DeleteRequest(
        id="it", urn=f"urn:pulumi:dev::tiny::{token}::it", properties=values.to_struct(OUTPUTS)
    )
    context: Any = Context()
    service.Delete(request, context)


@pytest.mark.parametrize("token", ERRORS)
def test_a_deletion_whose_end_is_seen_is_done(token: str, system: System) -> None:
    system.gone = True
    delete(token, system)


@pytest.mark.parametrize("token", ERRORS)
def test_a_deletion_that_is_refused_has_not_happened(token: str, system: System) -> None:
    system.refused = ERRORS[token]
    with pytest.raises(Answered) as answered:
        delete(token, system)
    assert answered.value.code is grpc.StatusCode.UNKNOWN


@pytest.mark.parametrize("token", ERRORS)
@pytest.mark.parametrize("why", ["it takes too long", "nobody may look", "the wait is cut off"])
def test_a_deletion_whose_end_is_not_seen_may_have_happened(token: str, why: str, system: System) -> None:
    if why == "nobody may look":
        system.blind = ERRORS[token]
    with pytest.raises(Answered) as answered:
        delete(token, system, cancelled=why == "the wait is cut off")
    assert answered.value.code is grpc.StatusCode.UNAVAILABLE
