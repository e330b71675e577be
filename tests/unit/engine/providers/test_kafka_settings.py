"""The kafka provider's configuration as it is checked: what is wrong is said, and no secret with it."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from pulumi.runtime.proto import provider_pb2

from engine import values
from engine.providers.informant import Informant
from engine.providers.kafka.package import KafkaPackage
from engine.providers.kafka.settings import faults
from engine.providers.service import Service

if TYPE_CHECKING:
    from pathlib import Path

KEY = base64.b64encode(b"-----BEGIN PRIVATE KEY-----" + bytes(400)).decode()
"""A private key as build servers like to hand it over: longer than the name of any file."""


class Context:
    """gRPC's side of one call."""

    def abort(self, code: Any, message: str) -> NoReturn:
        raise AssertionError(code, message)


def service(package: Any) -> Service:
    return Service(package, version="1", cancelled=threading.Event(), informant=Informant())


def check_config(package: Any, config: dict[str, Any]) -> Any:
    context: Any = Context()
    return service(package).CheckConfig(provider_pb2.CheckRequest(news=values.to_struct(config)), context)


@pytest.mark.parametrize("key", [KEY, "a\0b", "missing.pem"], ids=["too long", "no path", "no file"])
def test_a_key_that_is_neither_pem_nor_a_file_is_refused_without_being_shown(key: str) -> None:
    (failure,) = faults({"clientKey": key, "clientCert": "-----BEGIN"})

    assert failure.property == "clientKey"
    assert "neither PEM text nor the path of a file" in failure.reason
    assert key not in failure.reason


def test_a_key_from_the_environment_is_not_shown_either(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cert.pem").write_text("-----BEGIN")
    monkeypatch.setenv("KAFKA_CLIENT_CERT", str(tmp_path / "cert.pem"))
    monkeypatch.setenv("KAFKA_CLIENT_KEY", KEY)

    answer = check_config(KafkaPackage(), {"bootstrapServers": '["localhost:9092"]'})

    assert [failure.property for failure in answer.failures] == ["clientKey"]
    assert KEY not in str(answer)


def test_a_fault_in_checking_a_configuration_is_answered() -> None:
    class Faulty(KafkaPackage):
        def check_config(self, config: Any) -> NoReturn:
            raise KeyError(*config)

    with pytest.raises(AssertionError, match="a fault in this provider: KeyError"):
        check_config(Faulty(), {"timeout": "1"})
