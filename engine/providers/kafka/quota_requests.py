"""The two requests about quotas, which confluent-kafka lacks: made with kafka-python's message classes.

What a quota is as a resource is decided in `quota`.
"""

from __future__ import annotations

import ssl
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.providers.base import Lost, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.values import Values

_EXACT, _DEFAULT = 0, 1
_PEM = "-----BEGIN"


class Quotas:
    """The quotas of one cluster; connects with the first request and again after one that failed.

    Args:
        config: The provider's completed configuration.
        settings: The same in the terms of confluent-kafka, whose names of protocols and mechanisms are used.
        timeout: Seconds to wait for a connection or an answer.
    """

    def __init__(self, config: Values, settings: Mapping[str, Any], timeout: float) -> None:
        self._config = config
        self._settings = settings
        self._timeout = timeout
        self._client: Any = None
        self._lock = threading.Lock()

    def alter(self, kind: str, name: str, limits: Mapping[str, float | None]) -> None:
        """Set limits of one entity; those that are None are lifted. An empty name is the kind's default.

        Raises:
            ProviderError: Kafka will not, or cannot be reached.
            Lost: Kafka was asked, and did not answer.
        """

        def request() -> Any:
            from kafka.protocol.admin import AlterClientQuotasRequest as Alter

            operations = [
                Alter.EntryData.OpData(key=key, value=limit or 0.0, remove=limit is None)
                for key, limit in limits.items()
            ]
            entity = Alter.EntryData.EntityData(entity_type=kind, entity_name=name or None)
            return Alter(entries=[Alter.EntryData(entity=[entity], ops=operations)], validate_only=False)

        what = f"cannot change the quota of {_called(kind, name)}"
        for entry in self._send(request, what).entries:
            _raise(entry, what)

    def describe(self, kind: str, name: str) -> dict[str, float]:
        """Return the limits of one entity, none if it has none.

        Raises:
            ProviderError: Kafka will not, or cannot be reached.
            Lost: Kafka was asked, and did not answer.
        """

        def request() -> Any:
            from kafka.protocol.admin import DescribeClientQuotasRequest as Describe

            wanted = Describe.ComponentData(
                entity_type=kind, match_type=_EXACT if name else _DEFAULT, match=name or None
            )
            return Describe(components=[wanted], strict=True)

        what = f"cannot look up the quota of {_called(kind, name)}"
        answer = self._send(request, what)
        _raise(answer, what)
        return {value.key: float(value.value) for entry in answer.entries or () for value in entry.values}

    def _send(self, request: Callable[[], Any], what: str) -> Any:
        with self._lock:
            sent = False
            try:
                if self._client is None:
                    self._client = self._connect()
                # The client has no public way to send a message of one's own.
                manager = self._client._manager  # noqa: SLF001
                # Awaited by itself: what fails before there is a connection was never sent.
                connection = manager.run(lambda: manager.get_connection(manager.least_loaded_node()))
                sent = True
                return manager.run(connection.send_request, request())
            except Exception as error:  # noqa: BLE001 - the client raises errors of its own, of its network and of TLS
                from kafka.errors import IncompatibleBrokerVersion, NodeNotReadyError  # instead of sending

                self.close()
                lost = sent and not isinstance(error, (IncompatibleBrokerVersion, NodeNotReadyError))
                failed = Lost if lost else ProviderError
                raise failed(f"{what}: {type(error).__name__}: {error}") from None

    def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connect(self) -> Any:
        from kafka.admin import KafkaAdminClient  # half a second, and only quotas need it

        protocol = self._settings["security.protocol"]
        sasl = {
            "sasl_mechanism": self._settings.get("sasl.mechanism"),
            "sasl_plain_username": self._settings.get("sasl.username"),
            "sasl_plain_password": self._settings.get("sasl.password"),
        }
        return KafkaAdminClient(
            bootstrap_servers=self._config["bootstrapServers"],
            client_id=self._settings["client.id"],
            security_protocol=protocol,
            ssl_context=self._tls() if protocol.endswith("SSL") else None,
            request_timeout_ms=int(self._timeout * 1000),
            bootstrap_timeout_ms=int(min(self._timeout, 10) * 1000),
            **sasl,
        )

    def _tls(self) -> ssl.SSLContext:
        config = self._config
        authority = config.get("caCert", "")
        if _PEM in authority:
            context = ssl.create_default_context(cadata=authority)
        else:
            context = ssl.create_default_context(cafile=authority or None)
        if config.get("skipTlsVerify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if config.get("clientCert"):
            with tempfile.TemporaryDirectory() as folder:  # Python takes a client's key from files alone
                certificate, key = (
                    _as_file(config[name], Path(folder) / name) for name in ("clientCert", "clientKey")
                )
                context.load_cert_chain(certificate, key, password=config.get("clientKeyPassphrase"))
        return context


def _as_file(given: str, place: Path) -> str:
    if _PEM not in given:
        return given
    place.touch(mode=0o600)
    place.write_text(given)
    return str(place)


def _called(kind: str, name: str) -> str:
    return f"{kind} {name}" if name else f"every {kind} that has none of its own"


def _raise(answer: Any, what: str) -> None:
    if answer.error_code:
        from kafka.errors import NetworkExceptionError, RequestTimedOutError, for_code

        kind = for_code(answer.error_code)
        # The broker that was asked passes requests on, and so may not know what became of one.
        failed = Lost if kind in (NetworkExceptionError, RequestTimedOutError) else ProviderError
        raise failed(f"{what}: {answer.error_message or kind.__name__}")
