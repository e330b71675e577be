"""The admin client of one cluster, and its errors in words that a person can act on.

Nothing is connected before the first call, and a cluster that did not answer is simply asked again.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engine.providers.base import ProviderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confluent_kafka.admin import AdminClient

    from engine.values import Values

_MECHANISMS = {"plain": "PLAIN", "scram-sha256": "SCRAM-SHA-256", "scram-sha512": "SCRAM-SHA-512"}
_UNREACHABLE = frozenset({"_TRANSPORT", "_TIMED_OUT", "_ALL_BROKERS_DOWN", "_RESOLVE"})


class Refused(ProviderError):
    """The cluster refused a request.

    Attributes:
        code: Kafka's name of the error, such as ``TOPIC_ALREADY_EXISTS``.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Connection:
    """The cluster that the provider is configured for."""

    def __init__(self) -> None:
        self._config: Values = {}
        self._admin: AdminClient | None = None
        self._lock = threading.Lock()

    def configure(self, config: Values) -> None:
        """Take checked settings."""
        self._config = config
        self._admin = None

    @property
    def seconds(self) -> float:
        """How long a request may take."""
        return float(self._config.get("timeout") or 120)

    @property
    def servers(self) -> str:
        """The cluster's addresses, as people know it."""
        return ", ".join(self._config.get("bootstrapServers") or ())

    @property
    def admin(self) -> AdminClient:
        """The client, made with the first use."""
        from confluent_kafka.admin import AdminClient  # loads librdkafka

        with self._lock:
            if self._admin is None:
                silent = logging.getLogger("librdkafka")
                silent.addHandler(logging.NullHandler())
                silent.propagate = False  # what matters comes back as an error
                self._admin = AdminClient(settings(self._config), logger=silent)
            return self._admin

    @contextmanager
    def saying(self, what: str) -> Iterator[None]:
        """Turn Kafka's errors into ours, beginning with ``what`` could not be done.

        Raises:
            Refused: the cluster said no, or did not answer.
        """
        from confluent_kafka import KafkaException

        try:
            yield
        except KafkaException as error:
            cause = error.args[0]
            if cause.name() in _UNREACHABLE:
                raise Refused(
                    f"{what}: no broker of {self.servers} answers. Look at `docker ps` and the broker's log; "
                    "when it is up, run the command again",
                    cause.name(),
                ) from error
            raise Refused(f"{what}: {cause.str()} ({cause.name()})", cause.name()) from error


def settings(config: Values) -> dict[str, Any]:
    """The client's settings for the provider's. Pure."""
    tls, sasl = bool(config.get("tlsEnabled")), bool(config.get("saslUsername"))
    made: dict[str, Any] = {
        "bootstrap.servers": ",".join(config.get("bootstrapServers") or ()),
        "security.protocol": f"{'SASL_' if sasl else ''}{'SSL' if tls else 'PLAINTEXT'}",
        "client.id": "pulumi-kafka",
        "socket.timeout.ms": 30_000,
    }
    if sasl:
        made["sasl.mechanism"] = _MECHANISMS[config.get("saslMechanism", "plain")]
        made["sasl.username"] = config["saslUsername"]
        made["sasl.password"] = config["saslPassword"]
    if tls:
        made["enable.ssl.certificate.verification"] = not config.get("skipTlsVerify")
        for name, key in (("caCert", "ssl.ca"), ("clientCert", "ssl.certificate"), ("clientKey", "ssl.key")):
            if config.get(name):
                form = "pem" if "-----BEGIN" in config[name] else "location"
                made[f"{key}.{form}"] = config[name]
        if config.get("clientKeyPassphrase"):
            made["ssl.key.password"] = config["clientKeyPassphrase"]
    return made
