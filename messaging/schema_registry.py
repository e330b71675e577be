"""A client for the Schema Registry's REST interface: subjects, versions, compatibility.

It retries what a registry that is just starting answers, and gives every refusal with the registry's own
words. When to register or remove what is decided by its callers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from messaging.causes import root_cause

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 20.0

_NOT_FOUND = 404
_CONFLICT = 409
_TRANSIENT = (429, 502, 503, 504)


class RegistryError(Exception):
    """The registry did not do what it was asked; the message holds its reason."""


class UnreachableError(RegistryError):
    """No registry answers at this address, or it is not ready."""


class IncompatibleError(RegistryError):
    """The schema breaks the subject's compatibility level."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredSchema:
    """A version of a subject."""

    id: int
    """The schema's id, which messages carry."""
    version: int
    text: str


class SchemaRegistry:
    """One registry, reached at one address."""

    def __init__(self, url: str, *, attempts: int = 3) -> None:
        """Connects to nothing yet.

        Args:
            url: such as ``http://localhost:8081``.
            attempts: how often a request is sent at most while the registry is not ready.
        """
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.headers.update({"Accept": CONTENT_TYPE, "Content-Type": CONTENT_TYPE})
        # A registration is idempotent by content, so that every request here may be sent again.
        retry = Retry(
            total=attempts - 1,
            backoff_factor=0.3,
            status_forcelist=_TRANSIENT,
            allowed_methods=None,
            raise_on_status=False,
        )
        self._session.mount("http://", HTTPAdapter(max_retries=retry))
        self._session.mount("https://", HTTPAdapter(max_retries=retry))

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def ready(self) -> None:
        """Returns if the registry answers.

        Raises:
            UnreachableError: it does not.
        """
        self._ask("GET", "/subjects")

    def latest(self, subject: str) -> RegisteredSchema | None:
        """The newest version of a subject; None if there is no such subject."""
        answer = self._ask("GET", f"/subjects/{quote(subject, safe='')}/versions/latest")
        return None if answer is None else _registered(answer)

    def find(self, subject: str, schema: str) -> RegisteredSchema | None:
        """The version of a subject that has this schema; None if none has."""
        answer = self._ask("POST", f"/subjects/{quote(subject, safe='')}", {"schema": schema})
        return None if answer is None else _registered(answer)

    def register(self, subject: str, schema: str) -> RegisteredSchema:
        """Makes sure that the subject has a version with this schema.

        Raises:
            IncompatibleError: it breaks the subject's compatibility level.
        """
        self._ask("POST", f"/subjects/{quote(subject, safe='')}/versions", {"schema": schema})
        found = self.find(subject, schema)
        if found is None:
            raise RegistryError(f"{self._url} took the schema of {subject} and does not find it")
        return found

    def incompatibility(self, subject: str, schema: str) -> str | None:
        """Why the schema would be refused as the subject's next version; None if it would be taken."""
        path = f"/compatibility/subjects/{quote(subject, safe='')}/versions/latest?verbose=true"
        answer = self._ask("POST", path, {"schema": schema})
        if answer is None or answer.get("is_compatible", True):
            return None
        reasons = "; ".join(str(message) for message in answer.get("messages") or [])
        return reasons or "the registry gives no reason"

    def set_compatibility(self, subject: str, level: str) -> None:
        """Sets the compatibility level of one subject."""
        self._ask("PUT", f"/config/{quote(subject, safe='')}", {"compatibility": level})

    def compatibility(self, subject: str) -> str | None:
        """The compatibility level in force for a subject; None if there is no such subject."""
        answer = self._ask("GET", f"/config/{quote(subject, safe='')}?defaultToGlobal=true")
        return None if answer is None else str(answer.get("compatibilityLevel"))

    def delete(self, subject: str) -> None:
        """Hides a subject. Its schemas keep their ids, so that messages can still be read."""
        self._ask("DELETE", f"/subjects/{quote(subject, safe='')}")

    def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any] | None:
        """The answer as JSON, or None where there is no such thing."""
        try:
            answer = self._session.request(
                method, f"{self._url}{path}", json=body, timeout=(CONNECT_SECONDS, ANSWER_SECONDS)
            )
        except requests.RequestException as error:
            raise UnreachableError(f"{self._url} does not answer: {root_cause(error)}") from None
        if answer.status_code == _NOT_FOUND:
            return None
        if answer.status_code in _TRANSIENT:
            raise UnreachableError(f"{self._url} is not ready: status {answer.status_code}")
        if not answer.ok:
            kind = IncompatibleError if answer.status_code == _CONFLICT else RegistryError
            raise kind(f"{self._url} answers {answer.status_code}: {_said(answer)}")
        try:
            content = answer.json()
        except requests.JSONDecodeError:
            raise RegistryError(
                f"{self._url} is no Schema Registry: it answers {path} without JSON"
            ) from None
        return content if isinstance(content, dict) else {"items": content}


def _registered(answer: dict[str, Any]) -> RegisteredSchema:
    return RegisteredSchema(id=int(answer["id"]), version=int(answer["version"]), text=str(answer["schema"]))


def _said(answer: requests.Response) -> str:
    try:
        content = answer.json()
    except requests.JSONDecodeError:
        return answer.text.strip()[:300] or answer.reason
    return str(content.get("message", content)) if isinstance(content, dict) else str(content)
