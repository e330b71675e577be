"""A client for the Schema Registry's REST interface: subjects, versions, compatibility.

It retries what a registry that is just starting answers, and gives every refusal with the registry's own
words. When to register or remove what is decided by its callers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from messaging.causes import root_cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 20.0

_NOT_FOUND = 404
_CONFLICT = 409
_DENIED = (401, 403)
_TRANSIENT = (429, 502, 503, 504)
_CODES_OF_ABSENCE = range(40400, 40500)
"""Error codes of registries for what is not there; a 404 without one comes from something else."""
_WORDS = 300


class RegistryError(Exception):
    """The registry did not do what it was asked; the message holds its code and words."""


class UnreachableError(RegistryError):
    """No registry answers at this address, or it is not ready."""


class IncompatibleError(RegistryError):
    """The schema breaks the subject's compatibility level."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaReference:
    """A type that a schema takes from a version of another subject."""

    name: str
    """The type's full name."""
    subject: str
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredSchema:
    """A version of a subject."""

    id: int
    """The schema's id, which messages carry."""
    version: int
    text: str
    references: tuple[SchemaReference, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """Who asks, for a registry with basic authentication."""

    user: str
    password: str = field(repr=False)


class SchemaRegistry:
    """One registry, reached at one address."""

    def __init__(self, url: str, *, credentials: Credentials | None = None, attempts: int = 3) -> None:
        """Connects to nothing yet.

        Args:
            url: such as ``http://localhost:8081``; it may have a path, such as Apicurio's
                ``/apis/ccompat/v7``.
            credentials: for basic authentication.
            attempts: how often a request is sent at most while the registry is not ready.
        """
        self._url = url.rstrip("/")
        self._session = _session(credentials, attempts)

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def ready(self) -> None:
        """Returns if the registry answers.

        Raises:
            UnreachableError: it does not.
        """
        self.subjects()

    def subjects(self) -> frozenset[str]:
        """The names of all subjects.

        Raises:
            UnreachableError: it does not answer.
        """
        answer = self._ask("GET", "/subjects")
        if answer is None:
            raise RegistryError(f"{self._url} is no Schema Registry: it has no /subjects")
        return frozenset(str(name) for name in answer["items"])

    def latest(self, subject: str) -> RegisteredSchema | None:
        """The newest version of a subject; None if there is no such subject."""
        return self._version(subject, "latest")

    def version(self, subject: str, number: int) -> RegisteredSchema | None:
        """A version of a subject; None if it is not there."""
        return self._version(subject, str(number))

    def versions(self, subject: str) -> tuple[int, ...]:
        """The numbers of a subject's versions, the oldest first; empty if there is no such subject."""
        answer = self._ask("GET", f"/subjects/{_quoted(subject)}/versions")
        return () if answer is None else tuple(sorted(int(number) for number in answer["items"]))

    def find(
        self, subject: str, schema: str, references: Sequence[SchemaReference] = ()
    ) -> RegisteredSchema | None:
        """The version of a subject that has this schema; None if none has."""
        answer = self._ask("POST", f"/subjects/{_quoted(subject)}", _body(schema, references))
        if answer is None:
            return None
        # Karapace looks for them and leaves them out of its answer.
        found = _registered(answer)
        return replace(found, references=found.references or tuple(references))

    def register(
        self, subject: str, schema: str, references: Sequence[SchemaReference] = ()
    ) -> RegisteredSchema:
        """Makes sure that the subject has a version with this schema, also where it was deleted before.

        Raises:
            IncompatibleError: it breaks the subject's compatibility level.
        """
        self._ask("POST", f"/subjects/{_quoted(subject)}/versions", _body(schema, references))
        found = self.find(subject, schema, references)
        if found is None:
            raise RegistryError(f"{self._url} took the schema of {subject} and does not find it")
        return found

    def incompatibility(
        self, subject: str, schema: str, references: Sequence[SchemaReference] = ()
    ) -> str | None:
        """Why the schema would be refused as the subject's next version; None if it would be taken."""
        path = f"/compatibility/subjects/{_quoted(subject)}/versions/latest?verbose=true"
        answer = self._ask("POST", path, _body(schema, references))
        if answer is None or answer.get("is_compatible", True):
            return None
        reasons = "; ".join(str(message) for message in answer.get("messages") or [])
        return reasons or "the registry gives no reason"

    def set_compatibility(self, subject: str, level: str) -> None:
        """Sets the compatibility level of one subject."""
        self._ask("PUT", f"/config/{_quoted(subject)}", {"compatibility": level})

    def compatibility(self, subject: str) -> str | None:
        """The compatibility level in force for a subject; None if there is no such subject."""
        answer = self._ask("GET", f"/config/{_quoted(subject)}?defaultToGlobal=true")
        return None if answer is None else str(answer.get("compatibilityLevel"))

    def delete(self, subject: str) -> None:
        """Hides a subject. Its schemas keep their ids, so that messages can still be read."""
        self._ask("DELETE", f"/subjects/{_quoted(subject)}")

    def delete_version(self, subject: str, number: int) -> None:
        """Hides one version of a subject."""
        self._ask("DELETE", f"/subjects/{_quoted(subject)}/versions/{number}")

    def _version(self, subject: str, number: str) -> RegisteredSchema | None:
        answer = self._ask("GET", f"/subjects/{_quoted(subject)}/versions/{number}")
        return None if answer is None else _registered(answer)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """The answer as JSON, or None where there is no such thing."""
        import requests  # see `_session`

        try:
            answer = self._session.request(
                method, f"{self._url}{path}", json=body, timeout=(CONNECT_SECONDS, ANSWER_SECONDS)
            )
        except requests.RequestException as error:
            raise UnreachableError(f"{self._url} does not answer: {root_cause(error)}") from None
        code, words = _said(answer)
        if answer.status_code == _NOT_FOUND and code in _CODES_OF_ABSENCE:
            return None
        if answer.status_code in _TRANSIENT:
            raise UnreachableError(f"{self._url} is not ready: status {answer.status_code}")
        if answer.status_code in _DENIED:
            raise RegistryError(f"{self._url} lets nobody in with these credentials: {_told(answer, words)}")
        if not answer.ok:
            kind = IncompatibleError if answer.status_code == _CONFLICT else RegistryError
            number = f", error {code}" if code and code != answer.status_code else ""
            raise kind(f"{self._url} answers {answer.status_code}{number}: {words}")
        try:
            content = answer.json()
        except ValueError:
            raise RegistryError(
                f"{self._url} is no Schema Registry: it answers {path} without JSON"
            ) from None
        return content if isinstance(content, dict) else {"items": content}


def _session(credentials: Credentials | None, attempts: int) -> requests.Session:
    # Whoever only describes subjects, as the program does in every run, must not wait for these to load.
    import requests
    from requests.adapters import HTTPAdapter
    from requests.auth import HTTPBasicAuth
    from urllib3.util.retry import Retry

    session = requests.Session()
    # A machine's own .netrc must not decide who asks.
    session.trust_env = False
    session.headers.update({"Accept": CONTENT_TYPE, "Content-Type": CONTENT_TYPE})
    if credentials is not None:
        session.auth = HTTPBasicAuth(credentials.user.encode(), credentials.password.encode())
    # A registration is idempotent by content, so that every request here may be sent again.
    retry = Retry(
        total=attempts - 1,
        backoff_factor=0.3,
        status_forcelist=_TRANSIENT,
        allowed_methods=None,
        raise_on_status=False,
    )
    session.mount("http://", HTTPAdapter(max_retries=retry))
    session.mount("https://", HTTPAdapter(max_retries=retry))
    return session


def _quoted(subject: str) -> str:
    return quote(subject, safe="")


def _body(schema: str, references: Sequence[SchemaReference]) -> dict[str, Any]:
    listed = [{"name": one.name, "subject": one.subject, "version": one.version} for one in references]
    return {"schema": schema} | ({"references": listed} if listed else {})


def _registered(answer: dict[str, Any]) -> RegisteredSchema:
    references = tuple(
        SchemaReference(name=str(one["name"]), subject=str(one["subject"]), version=int(one["version"]))
        for one in answer.get("references") or ()
    )
    return RegisteredSchema(
        id=int(answer["id"]),
        version=int(answer["version"]),
        text=str(answer["schema"]),
        references=references,
    )


def _said(answer: requests.Response) -> tuple[int, str]:
    """The error code and words of an answer that is a refusal; 0 and whatever it says for anything else."""
    if answer.ok:
        return 0, ""
    try:
        content = answer.json()
    except ValueError:
        return 0, answer.text.strip()[:_WORDS] or answer.reason or "nothing more"
    if not isinstance(content, dict):
        return 0, str(content)[:_WORDS]
    code = content.get("error_code", 0)
    return code if isinstance(code, int) else 0, str(content.get("message", content))


def _told(answer: requests.Response, words: str) -> str:
    return f"status {answer.status_code}, {words}"
