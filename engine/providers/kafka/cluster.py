"""The connection to one Kafka cluster, made when it is first needed, and Kafka's errors in words."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engine.providers.base import Lost, ProviderError
from engine.providers.kafka.quota_requests import Quotas
from engine.providers.kafka.settings import client_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from confluent_kafka.admin import AdminClient

    from engine.values import Values

_DEFAULT_TIMEOUT = 120.0
_UNANSWERED = {"_TIMED_OUT", "_TRANSPORT", "_ALL_BROKERS_DOWN", "REQUEST_TIMED_OUT", "NETWORK_EXCEPTION"}
# Gates have waited for the cluster before the first topic; a cluster that is gone should not take minutes to
# be told.
_CONNECT_SECONDS = 10.0


class Refused(ProviderError):
    """Kafka answered that it will not.

    Attributes:
        code: Its error's name, such as ``TOPIC_ALREADY_EXISTS``.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Cluster:
    """One Kafka cluster.

    Attributes:
        timeout: Seconds to wait for an answer or a change.
        servers: Its bootstrap servers, for messages.
        quotas: Its quotas, which take a client library of their own.
    """

    quotas: Quotas

    def __init__(self) -> None:
        self.timeout = _DEFAULT_TIMEOUT
        self.servers = ""
        self._config: Values = {}
        self._client: AdminClient | None = None
        self._last_error = ""
        self._lock = threading.Lock()

    def configure(self, config: Values) -> None:
        """Take a completed configuration, perhaps not the first one."""
        if self.servers:
            self.quotas.close()
        with self._lock:
            self._client = None
        self._config = config
        self.timeout = float(config.get("timeout", _DEFAULT_TIMEOUT))
        self.servers = ", ".join(config["bootstrapServers"])
        self.quotas = Quotas(config, client_settings(config), self.timeout)

    def close(self) -> None:
        """Let go of connections; the other client library ends with the process."""
        if self.servers:
            self.quotas.close()

    @property
    def admin(self) -> AdminClient:
        """The cluster's administration.

        Raises:
            ProviderError: No broker answers. The next use tries again.
        """
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> AdminClient:
        from confluent_kafka import KafkaException  # not needed by previews
        from confluent_kafka.admin import AdminClient

        quiet = logging.getLogger("messaging.kafka.client")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
        with self.saying("cannot use the provider's configuration"):
            client = AdminClient(
                client_settings(self._config) | {"logger": quiet, "error_cb": self._remember}
            )
        deadline = time.monotonic() + min(_CONNECT_SECONDS, self.timeout)
        while True:
            try:
                client.list_topics(timeout=1)
            except KafkaException as error:
                client.poll(0)
                if time.monotonic() < deadline:
                    continue
                reason = self._last_error or error.args[0].str()
                raise ProviderError(
                    f"no Kafka broker answers at {self.servers} ({reason}): are the brokers running "
                    "(`docker ps`), and are "
                    "address, TLS and SASL settings of the provider those of their listener?"
                ) from None
            return client

    def _remember(self, error: Any) -> None:
        """Keep the library's own words about a connection; that all are down says less than why."""
        if error.name() != "_ALL_BROKERS_DOWN":
            self._last_error = error.str().partition(" (after ")[0]

    @contextmanager
    def saying(self, what: str, words: Mapping[str, str] | None = None) -> Iterator[None]:
        """Turn Kafka's errors into ones that say what could not be done.

        Args:
            what: What could not be done.
            words: Better words than Kafka's own for some errors, by their names.

        Raises:
            Refused: Kafka said no.
            Lost: Kafka said nothing.
        """
        from confluent_kafka import KafkaException

        try:
            yield
        except KafkaException as error:
            said = error.args[0]
            reason = (words or {}).get(said.name(), said.str())
            if said.name() in _UNANSWERED:
                raise Lost(f"{what}: {reason}") from None
            raise Refused(f"{what}: {reason}", said.name()) from None
