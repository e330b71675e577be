"""The provider's configuration in the terms of Kafka's client library. Pure, but for a look at files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.providers.check import Failure
from engine.providers.files import is_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.values import Values

_PEM = "-----BEGIN"
_MECHANISMS = {"plain": "PLAIN", "scram-sha256": "SCRAM-SHA-256", "scram-sha512": "SCRAM-SHA-512"}
# What stands for a setting that is left out, as with the official provider.
_VARIABLES = {
    "caCert": "KAFKA_CA_CERT",
    "clientCert": "KAFKA_CLIENT_CERT",
    "clientKey": "KAFKA_CLIENT_KEY",
    "clientKeyPassphrase": "KAFKA_CLIENT_KEY_PASSPHRASE",
    "saslUsername": "KAFKA_SASL_USERNAME",
    "saslPassword": "KAFKA_SASL_PASSWORD",
    "saslMechanism": "KAFKA_SASL_MECHANISM",
}
_SWITCHES = {"skipTlsVerify": "KAFKA_SKIP_VERIFY", "tlsEnabled": "KAFKA_ENABLE_TLS"}
# A certificate or key, and the client library's settings for its text and for a file with it.
_CERTIFICATES = {
    "caCert": ("ssl.ca.pem", "ssl.ca.location"),
    "clientCert": ("ssl.certificate.pem", "ssl.certificate.location"),
    "clientKey": ("ssl.key.pem", "ssl.key.location"),
}


def complete(config: Values, environment: Mapping[str, str]) -> Values:
    """Fill in what the environment says."""
    found: Values = {name: environment[key] for name, key in _VARIABLES.items() if environment.get(key)}
    for name, key in _SWITCHES.items():
        if environment.get(key):
            found[name] = environment[key].lower() in ("1", "t", "true")
    return found | config


def faults(config: Values) -> list[Failure]:
    """Find what does not fit together in a completed configuration."""
    failures = [
        Failure(name, f"'{name}' of kafka Provider is neither PEM text nor the path of a file")
        for name in _CERTIFICATES
        if isinstance(value := config.get(name), str) and _PEM not in value and not is_file(value)
    ]
    for one, other in (("clientCert", "clientKey"), ("saslUsername", "saslPassword")):
        for name, missing in ((one, other), (other, one)):
            if config.get(name) and not config.get(missing):
                failures.append(Failure(missing, f"kafka Provider has a {name}, but no {missing}: give both"))
    if config.get("bootstrapServers") == []:
        failures.append(Failure("bootstrapServers", "kafka Provider needs at least one server, as HOST:PORT"))
    return failures


def client_settings(config: Values) -> dict[str, Any]:
    """Write a completed configuration the way the client library wants it."""
    tls = config.get("tlsEnabled", True)
    sasl = bool(config.get("saslUsername"))
    settings: dict[str, Any] = {
        "bootstrap.servers": ",".join(config["bootstrapServers"]),
        "client.id": "messaging-kafka-provider",
        "security.protocol": f"{'SASL_' if sasl else ''}{'SSL' if tls else 'PLAINTEXT'}",
    }
    if sasl:
        settings["sasl.mechanism"] = _MECHANISMS[config.get("saslMechanism", "plain")]
        settings["sasl.username"] = config["saslUsername"]
        settings["sasl.password"] = config["saslPassword"]
    if tls:
        settings["enable.ssl.certificate.verification"] = not config.get("skipTlsVerify", False)
        for name, (text, file) in _CERTIFICATES.items():
            if value := config.get(name):
                settings[text if _PEM in value else file] = value
        if passphrase := config.get("clientKeyPassphrase"):
            settings["ssl.key.password"] = passphrase
    return settings
