"""The connection to one Docker engine, made when it is first needed, and Docker's errors in words."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from engine.providers.base import Lost, ProviderError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from docker import APIClient
    from docker.tls import TLSConfig

_DEFAULT_HOST = "unix:///var/run/docker.sock"
# For one answer; stopping a container adds its grace period.
_ANSWER_SECONDS = 120
# The API of Docker 23.0. Engines before it can lock up for good when several containers leave a network at
# the same moment (moby/moby issue 46661).
_LEAVES_TOGETHER = (1, 42)
# Then no connection was made, and nothing can have been done.
_NEVER_SENT = (ConnectionRefusedError, FileNotFoundError, PermissionError, socket.gaierror)


class Refused(ProviderError):
    """Docker answered that it will not.

    Attributes:
        status: The answer's HTTP status.
        reason: Docker's own words.
    """

    def __init__(self, what: str, status: int, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.status = status
        self.reason = reason


class Missing(Refused):
    """Docker answered that there is no such thing."""


class Connection:
    """One Docker engine.

    Preview never connects: a change can be reviewed where no Docker runs. The client library, which takes
    longer to import than everything else here, is only loaded when it connects.
    """

    def __init__(self) -> None:
        self.host = ""
        self._certificates = ""
        self._client: APIClient | None = None
        self._lock = threading.Lock()
        self._departure = threading.Lock()

    def configure(self, *, host: str, certificates: str) -> None:
        """Choose the engine.

        Args:
            host: Its address; empty for ``DOCKER_HOST``, and without that the local socket.
            certificates: A folder with ``ca.pem``, ``cert.pem`` and ``key.pem``; empty for none.
        """
        self.close()
        self.host = host or os.environ.get("DOCKER_HOST") or _DEFAULT_HOST
        self._certificates = certificates

    @property
    def api(self) -> APIClient:
        """The engine's API, to be used within `saying`. Where nothing answers, the next use tries again."""
        with self._lock:
            if self._client is None:
                from docker import APIClient

                self._client = APIClient(
                    base_url=self.host, version="auto", timeout=_ANSWER_SECONDS, tls=self._tls() or False
                )
            return self._client

    def leaving(self) -> AbstractContextManager[object]:
        """Hold it while a container stops and is removed: one after another where the engine needs that."""
        version = tuple(int(part) for part in self.api.api_version.split("."))
        return self._departure if version < _LEAVES_TOGETHER else nullcontext()

    def _tls(self) -> TLSConfig | None:
        from docker.tls import TLSConfig

        if not self._certificates:
            return None
        folder = Path(self._certificates)
        pair = (str(folder / "cert.pem"), str(folder / "key.pem"))
        return TLSConfig(client_cert=pair, ca_cert=str(folder / "ca.pem"), verify=True)

    @contextmanager
    def saying(self, what: str) -> Iterator[None]:
        """Turn Docker's errors into ones that say what could not be done.

        Raises:
            Refused: Docker said no.
            ProviderError: There is no Docker to ask.
            Lost: Docker said nothing.
        """
        from docker.errors import APIError, DockerException, NotFound
        from requests import RequestException

        try:
            yield
        except APIError as error:
            kind = Missing if isinstance(error, NotFound) else Refused
            reason = str(error.explanation or error).strip()
            raise kind(what, error.status_code or 0, reason) from None
        except (DockerException, RequestException) as error:
            root = _root(error)
            said = (root.strerror if isinstance(root, OSError) else str(root)) or type(root).__name__
            lost = ProviderError if isinstance(root, _NEVER_SENT) else Lost
            raise lost(
                f"{what}: no Docker engine answers at {self.host} ({said}): start it (`make` does "
                "on Debian), "
                "or name another one with DOCKER_HOST or the provider's host"
            ) from None

    def close(self) -> None:
        """Close it; what is under way fails."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None


def _root(error: BaseException) -> BaseException:
    """Find the error at the bottom of one that libraries have wrapped several times."""
    while True:
        wrapped = error.args[-1] if error.args else None
        if isinstance(wrapped, BaseException):
            error = wrapped
        elif error.__context__ is not None and not isinstance(error, OSError):
            error = error.__context__
        else:
            break
    return error
