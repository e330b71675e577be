"""Images: used as they are on the host, pulled when they are missing."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from engine.providers.base import ProviderError
from engine.providers.docker.connection import Missing, Refused

if TYPE_CHECKING:
    from engine.providers.base import Call
    from engine.providers.docker.connection import Connection


class Images:
    """The images of one Docker engine."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pulling: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def ensure(self, name: str, platform: str, call: Call) -> None:
        """Have an image on the host.

        Raises:
            ProviderError: It is not there and cannot be pulled.
        """
        with self._lock:
            pulling = self._pulling[name]
        with pulling:  # containers of the same image wait for one pull
            if not self._present(name):
                call.inform(f"pulling {name}")
                self._pull(name, platform)

    def _present(self, name: str) -> bool:
        try:
            with self._connection.saying(f"cannot look up image {name}"):
                self._connection.api.inspect_image(name)  # type: ignore[no-untyped-call] # untyped in the stubs
        except Missing:
            return False
        return True

    def _pull(self, name: str, platform: str) -> None:
        from docker.utils import parse_repository_tag  # loaded by the first look-up

        repository, tag = parse_repository_tag(name)
        if repository == "sha256":
            raise self._missing(name, "an image cannot be pulled by its id")
        api = self._connection.api
        try:
            with self._connection.saying(f"cannot pull image {name}"):
                for progress in api.pull(
                    repository, tag or "latest", stream=True, decode=True, platform=platform or None
                ):
                    if "error" in progress:
                        raise self._missing(name, str(progress["error"]))
        except Refused as error:
            raise self._missing(name, error.reason) from None

    def _missing(self, name: str, reason: str) -> ProviderError:
        return ProviderError(
            f"image {name} is not on the Docker host {self._connection.host} and could not be pulled "
            f"({reason.strip()}): build it "
            "there with `make images`, load it with `docker load`, or name an image that the registry has"
        )
