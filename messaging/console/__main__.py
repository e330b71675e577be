"""Starts the console: reads the environment, opens the port, serves until it is told to stop."""

import ctypes
import logging
import os
import signal
import sys
from types import FrameType

from waitress import create_server

from messaging.console.app import clusters_of, create_app
from messaging.console.settings import SettingsError, from_environment

THREADS = 8
# Nothing is ever uploaded: a request is a line and some headers.
MAX_BODY_BYTES = 64 * 1024
MAX_HEADER_BYTES = 32 * 1024
MAX_CONNECTIONS = 100

# From glibc's malloc.h.
_M_ARENA_MAX = -8

_log = logging.getLogger("console")


def main() -> int:
    """Serve until SIGTERM or SIGINT; 1 if the port is taken, 2 if the environment cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    try:
        settings = from_environment(os.environ)
    except SettingsError as error:
        for fault in error.faults:
            _log.error("%s", fault)
        return 2
    for name in settings.ignored:
        _log.info("%s has no meaning for the console and is ignored", name)
    _share_arenas()
    app = create_app(clusters_of(settings), settings.context_path)
    try:
        server = create_server(
            app,
            host="0.0.0.0",  # noqa: S104 - in a container the published port decides who gets here
            port=settings.port,
            threads=THREADS,
            connection_limit=MAX_CONNECTIONS,
            max_request_body_size=MAX_BODY_BYTES,
            max_request_header_size=MAX_HEADER_BYTES,
            ident=None,
        )
    except OSError as error:
        _log.error("port %s cannot be listened on: %s; set SERVER_PORT", settings.port, error.strerror)
        return 1
    signal.signal(signal.SIGTERM, _stop)
    names = ", ".join(cluster.name for cluster in settings.clusters)
    _log.info("listening on port %s%s for %s", server.effective_port, settings.context_path, names)
    server.run()
    # A read that still waits for a broker that is down must not hold up the end of the process.
    logging.shutdown()
    os._exit(0)


def _share_arenas() -> None:
    """Let threads share two malloc arenas: one for each thread keeps 10 MB more after large pages."""
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
    except (OSError, AttributeError):
        _log.debug("this C library has no mallopt")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
