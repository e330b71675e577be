"""Connects to a Docker engine and says in words that help why one cannot be used."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import docker.utils
import requests

from messaging.causes import root_cause, root_error

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_SOCKET = "unix:///var/run/docker.sock"
ANSWER_SECONDS = 90
"""Longer than a broker's grace: the engine answers a stop only when the container has stopped."""


class EngineError(Exception):
    """The Docker engine cannot be asked, or refuses; the message says why and what to do."""


def address_of(configured: str = "") -> str:
    """The engine's address: the configured one, else the environment's, else the local socket."""
    return configured or os.environ.get("DOCKER_HOST") or DEFAULT_SOCKET


class NoAnswerError(EngineError):
    """Nothing is there that could be asked."""


@contextmanager
def connected(configured: str = "") -> Iterator[docker.APIClient]:
    """A client of the engine, closed afterwards.

    Args:
        configured: the engine's address; empty for what the environment says, its certificates included.

    Raises:
        EngineError: the engine does not answer, not to this user, or refuses what is done inside.
    """
    address = address_of(configured)
    _refuse_unknown(address)
    try:
        options: Any = {"base_url": configured} if configured else docker.utils.kwargs_from_env()
        with closing(docker.APIClient(**options, version="auto", timeout=ANSWER_SECONDS)) as client:
            yield client
    except docker.errors.APIError as error:
        raise EngineError(f"the Docker engine refuses: {error.explanation or error}") from None
    except docker.errors.TLSParameterError:
        folder = os.environ.get("DOCKER_CERT_PATH") or "not set, so ~/.docker"
        raise EngineError(
            "DOCKER_TLS_VERIFY is set, but the certificates that it needs are not there: "
            f"DOCKER_CERT_PATH ({folder}) must be a folder with ca.pem, "
            "cert.pem and key.pem"
        ) from None
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise _explained(error, address) from None


def _refuse_unknown(address: str) -> None:
    if address.startswith("ssh://"):
        raise NoAnswerError(
            f"the Docker engine at {address} is not asked over SSH. Make a tunnel to its socket, `ssh -NL "
            '"$HOME/docker.sock:/var/run/docker.sock" HOST`, and set DOCKER_HOST="unix://$HOME/docker.sock"'
        )
    try:
        docker.utils.parse_host(address, tls=bool(os.environ.get("DOCKER_TLS_VERIFY")))
    except docker.errors.DockerException:
        raise NoAnswerError(
            f"{address!r} is no address of a Docker engine. DOCKER_HOST is tcp://HOST:PORT or unix:///PATH; "
            f"unset, it is {DEFAULT_SOCKET}"
        ) from None


def _explained(error: Exception, address: str) -> EngineError:
    if isinstance(root_error(error), PermissionError):
        return EngineError(
            f"permission denied at {address}: this user may not use the Docker engine. Join its group (`sudo "
            'usermod -aG docker "$USER"`, then log in again), or set DOCKER_HOST to an engine of your own'
        )
    return NoAnswerError(
        f"the Docker engine at {address} does not answer: {root_cause(error)}. Start it, or set DOCKER_HOST "
        "to where it is"
    )
