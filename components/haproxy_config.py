"""The load balancer's configuration, as HAProxy reads it. Pure.

Two frontends serve bootstrap, one for each kind of client: whoever asks is answered by a broker's listener
whose advertised addresses that client can reach. In proxy mode there is a port for each broker besides, and
the brokers advertise those.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.topology import CLIENT_PORT, EXTERNAL_PORT

if TYPE_CHECKING:
    from collections.abc import Sequence

INSIDE_PORT = 9095
"""Bootstrap for applications on the Docker network."""
OUTSIDE_PORT = 19095
"""Bootstrap for applications on the host and beyond; published under another number."""
REGISTRY_PORT = 8081
STATISTICS_PORT = 8404
HEALTH_PATH = "/healthz"
VERSION_PATH = "/version"
"""Answers with the version of the configuration that is in use."""

FOLDER = "/etc/kafka-lb"
"""The volume's place: none of the image's own, so that nothing of the image is hidden."""
FILE = f"{FOLDER}/haproxy.cfg"
# Started before it has a configuration, it waits; afterwards HAProxy is process 1 and gets the signals.
START_COMMAND = (
    "bash",
    "-c",
    (
        f"trap 'exit 0' TERM USR1; until [ -s {FILE} ]; do sleep 0.2 & wait $!; done; "
        f"exec haproxy -W -db -f {FILE}"
    ),
)

VERSION_LENGTH = 16
MOST_CONNECTIONS = 4_000
_FILES_OF_A_CONNECTION = 3
"""Two sockets, and one to spare while an old process still serves what it has."""
_HEADROOM = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """What stands behind the load balancer."""

    brokers: Sequence[str]
    """Their names on the Docker network."""
    proxied: Sequence[int]
    """In proxy mode, the load balancer's port for each broker, in their order; else empty."""
    registries: Sequence[str]
    """Their names on the Docker network; the first serves as long as it can."""
    registry_port: int
    drain_seconds: int
    """How long connections of an earlier configuration may go on."""
    open_files: int
    """The process's limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """A configuration with its version."""

    text: str
    version: str
    """What :data:`VERSION_PATH` answers."""


def render(backend: Backend) -> Config:
    """The configuration for what stands behind."""
    parts = [
        _general(backend),
        _bootstrap("inside", INSIDE_PORT, CLIENT_PORT, backend.brokers),
        _bootstrap("outside", OUTSIDE_PORT, EXTERNAL_PORT, backend.brokers),
        *(
            _one_broker(name, port)
            for name, port in zip(backend.brokers, backend.proxied, strict=bool(backend.proxied))
        ),
        _registry(backend.registries, backend.registry_port),
    ]
    body = "\n".join(parts)
    version = hashlib.sha256((body + _statistics("")).encode()).hexdigest()[:VERSION_LENGTH]
    return Config(text=body + "\n" + _statistics(version), version=version)


def _general(backend: Backend) -> str:
    connections = min(MOST_CONNECTIONS, (backend.open_files - _HEADROOM) // _FILES_OF_A_CONNECTION)
    return f"""\
# Written by pulumi; a change here is undone by the next `pulumi up`.
global
  log stdout format raw local0 info
  maxconn {connections}
  hard-stop-after {backend.drain_seconds}s

defaults
  mode tcp
  log global
  option dontlognull
  option dontlog-normal
  option log-health-checks
  option clitcpka
  option srvtcpka
  option redispatch 1
  retries 3
  timeout connect 5s
  # Above the 10 minutes after which brokers close idle connections, so that it is always they who do.
  timeout client 1h
  timeout server 1h
  timeout client-fin 30s
  timeout check 3s
  default-server inter 2s fastinter 500ms downinter 1s rise 2 fall 2 init-addr last,libc,none resolvers docker

# A container that is replaced gets another address: names are asked for again and again.
resolvers docker
  nameserver engine 127.0.0.11:53
  resolve_retries 3
  timeout resolve 1s
  timeout retry 500ms
  hold valid 1s
  hold obsolete 5s
"""


_API_VERSIONS = """\
  # An ApiVersions request; the answer repeats the correlation id 1 and says error 0.
  option tcp-check
  tcp-check connect
  tcp-check send-binary 0000000a0012000000000001ffff
  tcp-check expect binary 000000010000
"""


def _bootstrap(kind: str, port: int, broker_port: int, brokers: Sequence[str]) -> str:
    servers = "".join(f"  server {name} {name}:{broker_port} check\n" for name in brokers)
    return f"""\
frontend bootstrap-{kind}
  bind :{port}
  option tcplog
  default_backend brokers-{kind}

backend brokers-{kind}
  balance leastconn
{_API_VERSIONS}{servers}"""


def _one_broker(name: str, port: int) -> str:
    return f"""\
listen {name}
  bind :{port}
  option tcplog
{_API_VERSIONS}  server {name} {name}:{EXTERNAL_PORT} check on-marked-down shutdown-sessions
"""


def _registry(registries: Sequence[str], port: int) -> str:
    """One registry serves everyone as long as it can: who has just written reads the same one."""
    # A request that failed is sent to the other one; shutting down sessions would end it first.
    watch = "check observe layer4 error-limit 1 on-error mark-down"
    servers = "".join(
        f"  server {name} {name}:{port} {watch}{' backup' if number else ''}\n"
        for number, name in enumerate(registries)
    )
    return f"""\
frontend registry
  mode http
  bind :{REGISTRY_PORT}
  option httplog
  timeout client 60s
  default_backend registries

backend registries
  mode http
  timeout server 60s
  option httpchk
  http-check send meth GET uri /subjects ver HTTP/1.1 hdr Host localhost
  http-check expect status 200
  # A registration may be sent again: it is the same by its content.
  retry-on conn-failure empty-response junk-response 502 503
{servers}"""


def _statistics(version: str) -> str:
    return f"""\
frontend statistics
  mode http
  bind :{STATISTICS_PORT}
  no log
  timeout client 60s
  monitor-uri {HEALTH_PATH}
  http-request use-service prometheus-exporter if {{ path /metrics }}
  http-request return status 200 content-type text/plain string "{version}" if {{ path {VERSION_PATH} }}
  stats enable
  stats uri /stats
  stats refresh 10s
  stats show-legends
"""
