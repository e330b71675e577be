"""What several unit tests need: a Schema Registry to talk to, and settings of a made-up configuration.

The registry is real HTTP, has the paths and codes of the real one, and keeps everything in memory.
"""

from __future__ import annotations

import json
import re
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

import settings as configuration
from tests.unit.configured import PINS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from settings import Settings
    from tests.conftest import Engine
    from tests.unit.configured import Configure, Load


@dataclass
class FakeRegistry:
    """What is registered, and what the registry is to answer."""

    url: str = ""
    versions: dict[str, list[str]] = field(default_factory=dict)
    """Schemas by subject; a version's number is its place from 1, a deleted one is empty."""
    references: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=dict)
    """What a version takes from others, by subject and number; for most nothing."""
    tells_references: bool = True
    """Whether its answers have them."""
    levels: dict[str, str] = field(default_factory=dict)
    refuses: str = ""
    """Why it takes no new version; empty if it does."""
    failures: list[int] = field(default_factory=list)
    """Statuses that the next requests get instead of an answer."""
    password: str = ""
    """What it wants to hear from the user ``ops``; empty if it asks nobody."""
    base: str = ""
    """The path below which it lives; elsewhere is nothing."""
    requests: list[str] = field(default_factory=list)
    """Method and path of everything that was asked."""

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and content for a request."""
        self.requests.append(f"{method} {path}")
        if self.failures:
            return self.failures.pop(0), {"message": "not now"}
        if path == "/subjects":
            return 200, sorted(self.versions)
        kind, subject = self._place(path)
        if kind == "config":
            if method == "PUT":
                self.levels[subject] = body["compatibility"]
            return 200, {"compatibilityLevel": self.levels.get(subject, "BACKWARD")}
        if kind == "versions" and method == "POST":
            return self._register(subject, body)
        if subject not in self.versions:
            return 404, {"error_code": 40401, "message": f"Subject '{subject}' not found."}
        return self._of_known(method, kind, subject, body)

    def _of_known(self, method: str, kind: str, subject: str, body: dict[str, Any]) -> tuple[int, Any]:
        known = self.versions[subject]
        if kind == "compatibility":
            return 200, {
                "is_compatible": not self.refuses,
                "messages": [self.refuses] if self.refuses else [],
            }
        if kind == "versions":
            return 200, self._numbers(subject)
        if kind.isdigit() or kind == "latest":
            number = self._numbers(subject)[-1] if kind == "latest" else int(kind)
            if method == "DELETE":
                known[number - 1] = ""
                return 200, number
            return 200, self._version(subject, number)
        if method == "DELETE":
            del self.versions[subject]
            return 200, list(range(1, len(known) + 1))
        found = self._find(subject, body)
        if found is None:
            return 404, {"error_code": 40403, "message": "Schema not found"}
        return 200, self._version(subject, found)

    def _numbers(self, subject: str) -> list[int]:
        return [number for number, text in enumerate(self.versions[subject], 1) if text]

    def _find(self, subject: str, body: dict[str, Any]) -> int | None:
        """The version with a text and its references: both together are the schema."""
        for number, text in enumerate(self.versions.get(subject, []), 1):
            taken = self.references.get((subject, number), [])
            if text == body["schema"] and taken == body.get("references", []):
                return number
        return None

    def _register(self, subject: str, body: dict[str, Any]) -> tuple[int, Any]:
        if self._find(subject, body) is None:
            if self.refuses:
                return 409, {"error_code": 409, "message": self.refuses}
            self.versions.setdefault(subject, []).append(body["schema"])
            self.references[subject, len(self.versions[subject])] = body.get("references", [])
        return 200, {"id": self._id(body["schema"])}

    def _version(self, subject: str, number: int) -> dict[str, Any]:
        schema = self.versions[subject][number - 1]
        made = {"subject": subject, "id": self._id(schema), "version": number, "schema": schema}
        taken = self.references.get((subject, number))
        return made | ({"references": taken} if taken and self.tells_references else {})

    def _id(self, schema: str) -> int:
        every = list(dict.fromkeys(text for texts in self.versions.values() for text in texts))
        return every.index(schema) + 1

    @staticmethod
    def _place(path: str) -> tuple[str, str]:
        for kind, pattern in (
            ("latest", r"/subjects/([^/]+)/versions/latest"),
            ("versions", r"/subjects/([^/]+)/versions"),
            ("subject", r"/subjects/([^/]+)"),
            ("config", r"/config/([^/]+)"),
            ("compatibility", r"/compatibility/subjects/([^/]+)/versions/latest"),
        ):
            if match := re.fullmatch(pattern, path):
                return kind, match[1]
        if match := re.fullmatch(r"/subjects/([^/]+)/versions/(\d+)", path):
            return match[2], match[1]
        raise AssertionError(f"nobody should ask for {path}")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    fake = FakeRegistry()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline:
                self.close_connection = True
                return
            if not self.parse_request():
                return
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            path = self.path.partition("?")[0]
            told = b64encode(f"ops:{fake.password}".encode()).decode()
            status: int
            content: Any
            if fake.password and self.headers.get("Authorization") != f"Basic {told}":
                status, content = 401, {"error_code": 401, "message": "Unauthorized"}
            elif not path.startswith(fake.base):
                status, content = 404, "nothing here"
            else:
                status, content = fake.answer(self.command, path.removeprefix(fake.base), body)
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        fake.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield fake
        server.shutdown()
        thread.join()


@pytest.fixture
def load(tmp_path: Path, engine: Engine, configure: Configure) -> Load:
    """Reads a configuration, structured values given as they are, and the text of a site's file."""

    def read(site: str | None = None, pins: str = PINS, environment: str = "dev", **values: Any) -> Settings:
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "images" / "registry.yaml").write_text(pins)
        if site is not None:
            (tmp_path / ".site.yaml").write_text(site)
        texts = {
            key: json.dumps(value) if isinstance(value, dict) else str(value) for key, value in values.items()
        }
        configure({"environment": environment} | texts)
        return configuration.load(tmp_path)

    return read
