"""Turns the environment into the console's settings, under the names that kafbat's kafka-ui reads.

Every fault of the environment is collected and reported at once; nothing here connects to anything. A
password is kept out of every representation and every message.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_PORT = 8080
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

# What is read of each cluster, without the prefix KAFKA_CLUSTERS_<index>_.
_NAMES = (
    "NAME",
    "BOOTSTRAPSERVERS",
    "SCHEMAREGISTRY",
    "SCHEMAREGISTRYAUTH_USERNAME",
    "SCHEMAREGISTRYAUTH_PASSWORD",
    "PROPERTIES_SECURITY_PROTOCOL",
    "PROPERTIES_SASL_MECHANISM",
    "PROPERTIES_SASL_JAAS_CONFIG",
    "PROPERTIES_SSL_TRUSTSTORE_LOCATION",
    "PROPERTIES_SSL_TRUSTSTORE_TYPE",
)

_CLUSTER_VARIABLE = re.compile(r"KAFKA_CLUSTERS_(\d+)_(\w+)")
_CLUSTER_NAME = re.compile(r"[^/\\?#\x00-\x1f\x7f]{1,100}")
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_CONTEXT_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
_JAAS_OPTION = re.compile(r"""(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s;"']+)""")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class SettingsError(ValueError):
    """The environment cannot be used. `faults` holds one sentence for each thing that is wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class RegistrySettings:
    """Where a Schema Registry answers.

    Attributes:
        url: Base address without a trailing slash and without credentials.
        username: Name for basic authentication, or None.
        password: Its password, or None.
        ca_file: PEM file with the authorities to trust, or None for the system's.
    """

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """How one Kafka cluster is reached.

    Attributes:
        name: What people call the cluster; part of its pages' addresses.
        bootstrap: Comma-separated ``host:port`` list.
        protocol: One of PROTOCOLS.
        mechanism: One of MECHANISMS, or None without SASL.
        username: SASL user, or None.
        password: Its password, or None.
        ca_file: PEM file with the authorities to trust, or None for the system's.
        registry: The cluster's Schema Registry, or None.
    """

    name: str
    bootstrap: str
    protocol: str = "PLAINTEXT"
    mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    registry: RegistrySettings | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the console is told.

    Attributes:
        clusters: The clusters in the order of their index; names differ.
        port: TCP port to listen on; 0 lets the kernel choose.
        context_path: Path that all pages are under: empty, or ``/a/b`` without a trailing slash.
        ignored: Names of KAFKA_CLUSTERS_ variables that the console has no use for.
    """

    clusters: tuple[ClusterSettings, ...]
    port: int = DEFAULT_PORT
    context_path: str = ""
    ignored: tuple[str, ...] = ()


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings from `environment`; an empty value counts as an absent one.

    Raises:
        SettingsError: Anything is missing or wrong; it lists every fault.
    """
    faults: list[str] = []
    values = {name: value.strip() for name, value in environment.items() if value.strip()}
    by_index: dict[int, dict[str, str]] = {}
    ignored = []
    for name, value in values.items():
        if match := _CLUSTER_VARIABLE.fullmatch(name):
            cluster = by_index.setdefault(int(match[1]), {})
            if match[2] in _NAMES:
                cluster[match[2]] = value
            else:
                ignored.append(name)
    if not by_index:
        faults.append(
            "no cluster is configured: set KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS, for example to kafka-dev:9092"
        )
    readers = [_ClusterReader(index, by_index[index], only=len(by_index) == 1) for index in sorted(by_index)]
    clusters = [reader.read() for reader in readers]
    faults += [fault for reader in readers for fault in reader.faults]
    faults += _repeated([cluster.name for cluster in clusters])
    port = _port(values.get("SERVER_PORT"), faults)
    context_path = _context_path(values.get("SERVER_SERVLET_CONTEXT_PATH", "/"), faults)
    if faults:
        raise SettingsError(faults)
    return Settings(
        clusters=tuple(clusters), port=port, context_path=context_path, ignored=tuple(sorted(ignored))
    )


def jaas_credentials(text: str) -> tuple[str, str] | None:
    """User and password of a ``sasl.jaas.config`` value, or None if it does not hold both."""
    options = {match[1]: _unquoted(match[2]) for match in _JAAS_OPTION.finditer(text)}
    username, password = options.get("username"), options.get("password")
    return (username, password) if username and password else None


class _ClusterReader:
    """Reads the variables of one index and collects what is wrong with them."""

    def __init__(self, index: int, values: Mapping[str, str], *, only: bool) -> None:
        self._prefix = f"KAFKA_CLUSTERS_{index}_"
        self._values = values
        self._only = only
        self.faults: list[str] = []

    def read(self) -> ClusterSettings:
        """The cluster as far as it can be read; it counts only while `faults` is empty."""
        protocol = self._one_of("PROPERTIES_SECURITY_PROTOCOL", PROTOCOLS) or "PLAINTEXT"
        mechanism, username, password = self._sasl() if protocol.startswith("SASL_") else (None, None, None)
        ca_file = self._ca_file()
        return ClusterSettings(
            name=self._name(),
            bootstrap=self._bootstrap(),
            protocol=protocol,
            mechanism=mechanism,
            username=username,
            password=password,
            ca_file=ca_file if protocol.endswith("SSL") else None,
            registry=self._registry(ca_file),
        )

    def _fault(self, name: str, problem: str) -> None:
        self.faults.append(f"{self._prefix}{name} {problem}")

    def _one_of(self, name: str, allowed: tuple[str, ...]) -> str | None:
        value = self._values.get(name)
        if value is not None and value not in allowed:
            self._fault(name, f"is {value!r}; allowed: {', '.join(allowed)}")
        return value

    def _name(self) -> str:
        name = self._values.get("NAME")
        if name is None:
            if not self._only:
                self._fault("NAME", "is missing: with more than one cluster, each needs a name")
            return "default"
        if not _CLUSTER_NAME.fullmatch(name):
            self._fault(
                "NAME",
                f"is {name!r}; allowed are 1 to 100 characters without / \\ ? # and control characters",
            )
        return name

    def _bootstrap(self) -> str:
        value = self._values.get("BOOTSTRAPSERVERS", "")
        servers = [server.strip() for server in value.split(",")]
        if not value:
            self._fault("BOOTSTRAPSERVERS", "is missing: give host:port, several separated by commas")
        elif wrong := [server for server in servers if not _is_host_port(server)]:
            self._fault(
                "BOOTSTRAPSERVERS", f"has {', '.join(map(repr, wrong))}; each server must be host:port"
            )
        return ",".join(servers)

    def _sasl(self) -> tuple[str | None, str | None, str | None]:
        mechanism = self._one_of("PROPERTIES_SASL_MECHANISM", MECHANISMS)
        if mechanism is None:
            self._fault("PROPERTIES_SASL_MECHANISM", f"is missing; allowed: {', '.join(MECHANISMS)}")
        credentials = jaas_credentials(self._values.get("PROPERTIES_SASL_JAAS_CONFIG", ""))
        if credentials is None:
            self._fault(
                "PROPERTIES_SASL_JAAS_CONFIG",
                'must hold username="..." and password="..." (its value is not shown here)',
            )
            return mechanism, None, None
        return mechanism, *credentials

    def _ca_file(self) -> str | None:
        name = "PROPERTIES_SSL_TRUSTSTORE_LOCATION"
        self._one_of("PROPERTIES_SSL_TRUSTSTORE_TYPE", ("PEM",))
        location = self._values.get(name)
        if location is None:
            return None
        try:
            pem = Path(location).read_bytes()
        except OSError as error:
            self._fault(name, f"is {location!r}, which cannot be read: {error.strerror}")
        else:
            if b"-----BEGIN CERTIFICATE-----" not in pem:
                self._fault(
                    name, f"is {location!r}, which holds no PEM certificate (JKS and PKCS12 are not read)"
                )
        return location

    def _registry(self, ca_file: str | None) -> RegistrySettings | None:
        url = self._values.get("SCHEMAREGISTRY")
        username = self._values.get("SCHEMAREGISTRYAUTH_USERNAME")
        password = self._values.get("SCHEMAREGISTRYAUTH_PASSWORD")
        if (username is None) != (password is None):
            missing = "USERNAME" if username is None else "PASSWORD"
            self._fault(f"SCHEMAREGISTRYAUTH_{missing}", "is missing: user and password go together")
        if url is None:
            return None
        problem = _url_problem(url)
        if problem:
            self._fault("SCHEMAREGISTRY", problem)
        return RegistrySettings(url=url.rstrip("/"), username=username, password=password, ca_file=ca_file)


def _url_problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is no address; give one such as http://schema-registry-dev:8081"
    if parts.username is not None or parts.password is not None:
        return "holds credentials; give them as SCHEMAREGISTRYAUTH_USERNAME and SCHEMAREGISTRYAUTH_PASSWORD"
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "," in url
    ):
        return f"is {url!r}; give one address such as http://schema-registry-dev:8081"
    return None


def _is_host_port(server: str) -> bool:
    match = _HOST_PORT.fullmatch(server)
    return match is not None and 1 <= int(match[2]) <= 65535  # noqa: PLR2004 - the range of TCP ports


def _repeated(names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{names.count(name)} clusters are named {name!r}: each KAFKA_CLUSTERS_<n>_NAME must differ"


def _port(value: str | None, faults: list[str]) -> int:
    if value is None:
        return DEFAULT_PORT
    if not re.fullmatch(r"\d{1,5}", value, re.ASCII) or int(value) > 65535:  # noqa: PLR2004 - the range of TCP ports
        faults.append(f"SERVER_PORT is {value!r}; allowed: 0 (any free port) to 65535")
        return DEFAULT_PORT
    return int(value)


def _context_path(value: str, faults: list[str]) -> str:
    if value == "/":
        return ""
    if not _CONTEXT_PATH.fullmatch(value):
        faults.append(f"SERVER_SERVLET_CONTEXT_PATH is {value!r}; give a path such as /kafka-ui")
    return value


def _unquoted(value: str) -> str:
    if value[0] not in "\"'":
        return value
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), value[1:-1], flags=re.DOTALL)
