"""Reads a Schema Registry: subjects, versions, compatibility levels, schemas by id. It only ever sends GET.

Each answer is bounded in seconds and bytes. Schemas never change under their id and are remembered;
everything else is asked anew, except that a registry that did not answer is left alone for a moment, so
that a page does not wait for it many times.
"""

import json
import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from messaging.console.decode import Schema
from messaging.console.parts import Cache, Deadline, NotFoundError, ReadError
from messaging.console.settings import RegistrySettings

CONNECT_SECONDS = 1.5
CALL_SECONDS = 2.5
MAX_ANSWER_BYTES = 2 * 1024 * 1024
# Levels of references among schemas that are followed.
MAX_REFERENCE_DEPTH = 8
# Characters of a schema and of all that it builds on: many are remembered, and parsed they take a multiple.
MAX_SCHEMA_TEXT = 128 * 1024

_QUIET_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class SubjectVersion:
    """One version of a subject, with the schema's text as it was registered."""

    subject: str
    version: int
    schema_id: int
    kind: str
    text: str


class Registry:
    """One Schema Registry, read only. All methods may be called from several threads and raise ReadError."""

    def __init__(self, settings: RegistrySettings) -> None:
        self._settings = settings
        self._sessions = threading.local()
        self._schemas: Cache[Schema] = Cache(86_400, error_seconds=5)
        self._down: tuple[float, str] = (0.0, "")

    def subjects(self, deadline: Deadline) -> tuple[str, ...]:
        """The names of all subjects, sorted."""
        return tuple(sorted(str(name) for name in self._get("/subjects", deadline)))

    def versions(self, subject: str, deadline: Deadline) -> tuple[int, ...]:
        """The version numbers of `subject`, ascending."""
        return tuple(sorted(int(one) for one in self._get(f"/subjects/{_part(subject)}/versions", deadline)))

    def version(self, subject: str, version: int | None, deadline: Deadline) -> SubjectVersion:
        """Version `version` of `subject`, the latest if None."""
        wanted = "latest" if version is None else str(version)
        answer = self._get(f"/subjects/{_part(subject)}/versions/{wanted}", deadline)
        return SubjectVersion(
            subject=subject,
            version=int(answer["version"]),
            schema_id=int(answer["id"]),
            kind=str(answer.get("schemaType") or "AVRO"),
            text=str(answer["schema"]),
        )

    def compatibility(self, subject: str | None, deadline: Deadline) -> str:
        """The compatibility level in force for `subject`, or the registry's own level if None."""
        if subject is not None:
            try:
                return _level(self._get(f"/config/{_part(subject)}?defaultToGlobal=true", deadline))
            except NotFoundError:
                pass  # no level of its own, and a registry that does not look further by itself
        return _level(self._get("/config", deadline))

    def schema(self, schema_id: int, deadline: Deadline) -> Schema:
        """The schema with `schema_id` and all schemas that it refers to; the texts only of Avro schemas."""
        return self._schemas.get(schema_id, lambda: self._read_schema(schema_id, deadline), deadline)

    def _read_schema(self, schema_id: int, deadline: Deadline) -> Schema:
        answer = self._get(f"/schemas/ids/{schema_id}", deadline)
        kind = str(answer.get("schemaType") or "AVRO")
        if kind != "AVRO":
            return Schema(id=schema_id, kind=kind, text="")
        texts: dict[tuple[str, int], str] = {}
        self._add_references(answer, texts, deadline, depth=0)
        references = tuple(texts.values())
        return Schema(
            id=schema_id, kind=kind, text=_within(references, str(answer["schema"])), references=references
        )

    def _add_references(
        self, answer: Any, found: dict[tuple[str, int], str], deadline: Deadline, *, depth: int
    ) -> None:
        """Add what `answer` refers to, the innermost first; each one once."""
        if depth > MAX_REFERENCE_DEPTH:
            raise ReadError(f"its references are nested deeper than {MAX_REFERENCE_DEPTH} levels")
        for reference in answer.get("references") or ():
            key = (str(reference["subject"]), int(reference["version"]))
            if key not in found:
                inner = self._get(f"/subjects/{_part(key[0])}/versions/{key[1]}", deadline)
                self._add_references(inner, found, deadline, depth=depth + 1)
                found[key] = _within(found.values(), str(inner["schema"]))

    def _get(self, path: str, deadline: Deadline) -> Any:
        until, problem = self._down
        if time.monotonic() < until:
            raise ReadError(problem)
        seconds = deadline.left(CALL_SECONDS)
        if seconds <= 0:
            raise ReadError("no answer in time")
        try:
            return self._answer(path, seconds)
        except (requests.Timeout, requests.ConnectionError) as error:
            reason = "gave no answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
            problem = f"The Schema Registry at {self._settings.url} {reason}"
            self._down = (time.monotonic() + _QUIET_SECONDS, problem)
            raise ReadError(problem) from error
        except requests.RequestException as error:
            raise ReadError(
                f"The Schema Registry at {self._settings.url} could not be asked: {type(error).__name__}"
            ) from error

    def _answer(self, path: str, seconds: float) -> Any:
        end = time.monotonic() + seconds
        timeout = (min(seconds, CONNECT_SECONDS), seconds)
        with self._session().get(
            f"{self._settings.url}{path}", timeout=timeout, stream=True, allow_redirects=False
        ) as response:
            body = bytearray()
            for chunk in response.iter_content(65_536):
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise ReadError(f"The Schema Registry's answer is larger than {MAX_ANSWER_BYTES} bytes")
                if time.monotonic() > end:
                    raise requests.Timeout
            return _json_answer(response.status_code, bytes(body), self._settings.url)

    def _session(self) -> requests.Session:
        """This thread's session: requests does not promise that threads may share one."""
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # no proxy, no .netrc: the settings alone say where and who
            session.headers["Accept"] = "application/vnd.schemaregistry.v1+json, application/json"
            if self._settings.username is not None and self._settings.password is not None:
                session.auth = (self._settings.username, self._settings.password)
            system = ssl.get_default_verify_paths()  # what requests would bring along knows no site's own CA
            session.verify = self._settings.ca_file or system.cafile or system.capath or True
            self._sessions.session = session
        return session


def _within(others: Iterable[str], text: str) -> str:
    """`text`, if there is room for it beside `others`."""
    if len(text) + sum(len(one) for one in others) > MAX_SCHEMA_TEXT:
        raise ReadError(f"with what it builds on it is longer than {MAX_SCHEMA_TEXT} characters")
    return text


def _part(name: str) -> str:
    return quote(name, safe="")


def _level(answer: Any) -> str:
    return str(answer.get("compatibilityLevel") or answer.get("compatibility") or "unknown")


def _json_answer(status: int, body: bytes, url: str) -> Any:
    if status in (requests.codes.unauthorized, requests.codes.forbidden):
        raise ReadError(f"The Schema Registry at {url} refused the console's user ({status})")
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise ReadError(f"The Schema Registry at {url} answered {status} without JSON") from error
    if status == requests.codes.ok:
        return answer
    message = str(answer.get("message", ""))[:200] if isinstance(answer, dict) else ""
    if status == requests.codes.not_found:
        raise NotFoundError(message or "The Schema Registry does not know it")
    raise ReadError(f"The Schema Registry at {url} answered {status}: {message}")
