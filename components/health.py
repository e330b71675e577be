"""Health checks: commands that say whether a container's process listens and answers. Pure.

They start no Java, need no tool that one of the images lacks, and do not ask for a quorum: a node that cannot
be healthy before its peers run would never let them start.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthCheck:
    """One health check with Docker's timing, in Docker's spelling.

    The official provider reads ``60s`` back as ``1m0s``, and would replace the container for the difference.
    """

    test: tuple[str, ...]
    """Docker's form: ``CMD`` or ``CMD-SHELL`` and what follows."""
    interval: str = "5s"
    timeout: str = "5s"
    start_period: str = "1m0s"
    """Failures do not count so long: a broker may have to recover its log first."""
    retries: int = 12


def kafka(port: int) -> HealthCheck:
    """A broker's plaintext listener answers an ApiVersions request, the first that every client sends."""
    # Length 10, API 18, version 0, correlation id 1, no client id; the answer repeats the id and says
    # error 0.
    request = r"\0\0\0\x0a\0\x12\0\0\0\0\0\x01\xff\xff"
    script = (
        f"exec 3<>/dev/tcp/127.0.0.1/{port} && printf '{request}' >&3 && "
        "[ \"$(head -c 10 <&3 | tail -c 6 | od -An -tx1 | tr -d ' \\n')\" = 000000010000 ]"
    )
    return HealthCheck(test=("CMD", "bash", "-c", script))


def http(port: int, path: str) -> HealthCheck:
    """A page answers with status 200, asked with nothing but bash."""
    request = rf"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"
    script = (
        f"exec 3<>/dev/tcp/127.0.0.1/{port} && printf '{request}' >&3 && "
        "read -r line <&3 && [[ $line == *' 200'* ]]"
    )
    return HealthCheck(test=("CMD", "bash", "-c", script))


def http_by_wget(port: int, path: str) -> HealthCheck:
    """A page answers with status 200, asked by wget: for images without bash."""
    return HealthCheck(test=("CMD-SHELL", f"wget -q -O /dev/null http://127.0.0.1:{port}{path}"))
