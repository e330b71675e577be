"""CatalogueCheck: the stream catalogue held against what is there, before anything is touched.

A resource, because only a resource's check is given the old inputs, in every preview on every engine. It
refuses to lose a stream without consent, and schemas that the running registry would refuse, all of them at
once. Everything else depends on it. It makes nothing itself.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from components.dynamic.provider import EmptyProvider, differs, inputs_only, tell
from components.dynamic.subject import opened, wanted_inputs
from messaging import avro
from messaging.registry_verdict import fingerprint, refusal, registered_fingerprint, wanted_of
from messaging.schema_registry import RegistryError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping

    import pulumi

    from messaging.registry_verdict import Latest
    from messaging.schema_registry import RegisteredSchema, SchemaRegistry
    from messaging.streams import Catalogue
    from settings import RegistryAccess

AT_ONCE = 8
"""Requests to the registry at a time."""
NEVER_SEEN = "schemas are compared with the versions in git only"
OWN_SCHEMAS = "ownSchemas"
"""The input that remembers, by subject, the fingerprints of all schemas that were ever wanted."""


class CatalogueCheck(Resource, module="messaging", name="CatalogueCheck"):
    """The catalogue as one thing: which streams there are, and what their subjects should be."""

    def __init__(
        self, name: str, catalogue: Catalogue, registry: RegistryAccess, opts: pulumi.ResourceOptions
    ) -> None:
        """Declares the catalogue.

        Args:
            name: its logical name.
            catalogue: all of it.
            registry: where its schemas are registered.
            opts: the usual ones.
        """
        props = registry.to_inputs() | {
            "streams": [stream.name for stream in catalogue.streams],
            "deleted": list(catalogue.deleted),
            "subjects": {subject.name: wanted_inputs(subject) for subject in catalogue.subjects},
        }
        super().__init__(CatalogueCheckProvider(), name, props, opts)


class CatalogueCheckProvider(EmptyProvider):
    """Looks in its check; the other operations only remember."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuses a catalogue that would lose data or break consumers."""
        wanted = {name: _digest(values) for name, values in news["subjects"].items()}
        before = _olds.get("subjects") or {}
        unchanged = {name for name, digest in wanted.items() if before.get(name) == digest}
        own = _own_schemas(_olds.get(OWN_SCHEMAS) or {}, news["subjects"], unchanged)
        failures = [
            *_streams_without_consent(_olds, news),
            *_ask_running_registry(news, unchanged, own, is_first=not _olds),
        ]
        # The schemas themselves are in the state of their subjects.
        return CheckResult(news | {"subjects": wanted} | ({OWN_SCHEMAS: own} if own else {}), failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Whatever passed the check is to be remembered."""
        return DiffResult(changes=differs(_olds, _news), replaces=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Remembers the catalogue."""
        return CreateResult("catalogue", inputs_only(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Remembers the new catalogue."""
        return UpdateResult(inputs_only(_news))


def _digest(values: Mapping[str, Any]) -> str:
    told = avro.one_line(dict(sorted(values.items())))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _own_schemas(
    before: Mapping[str, list[str]], subjects: Mapping[str, Mapping[str, Any]], unchanged: Container[str]
) -> dict[str, list[str]]:
    """The schemas that subjects have had, with those that are wanted now.

    What an earlier version of this program left in the state has none: they begin with the next change of
    each subject, so that a catalogue that stays the same is no change.
    """
    own = {name: list(before.get(name) or ()) for name in subjects}
    for name, values in subjects.items():
        if name not in unchanged and (mark := fingerprint(wanted_of(values).parsed())) not in own[name]:
            own[name].append(mark)
    return {name: marks for name, marks in own.items() if marks}


def _streams_without_consent(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[CheckFailure]:
    kept = {*news["streams"], *news["deleted"]}
    return [
        CheckFailure(
            "streams",
            f"the stream {name} is no longer in the catalogue, and its topics would be removed with all "
            f"their messages. Put it back; or if they may go, add {name} to the list `deleted` in "
            "schemas/streams.yaml. A renamed stream is a new one: keep both until nobody reads the old one",
        )
        for name in olds.get("streams") or ()
        if name not in kept
    ]


def _ask_running_registry(
    news: Mapping[str, Any],
    unchanged: Container[str],
    own: Mapping[str, Collection[str]],
    *,
    is_first: bool,
) -> list[CheckFailure]:
    """What the registry would refuse. One that does not answer may be part of what is to be made.

    It is asked about unchanged subjects, too: when they changed, it may have been down. What it has costs one
    request, for the newest version: also with shared types, which are subjects and asked for once.
    """
    subjects: Mapping[str, Mapping[str, Any]] = news["subjects"]
    failures = []
    try:
        with opened(news, attempts=1) as registry, ThreadPoolExecutor(AT_ONCE) as pool:
            registry.ready()
            latest = cache(registry.latest)
            said = pool.map(lambda one: _refusal(registry, one, latest), subjects.values())
            for (name, values), reason in zip(subjects.items(), said, strict=True):
                if reason:
                    failures.append(CheckFailure("subjects", reason))
                elif name in unchanged and (
                    word := _stranger(registry, latest(name), values, own.get(name, ()))
                ):
                    tell(word)
    except UnreachableError as error:
        if not is_first:
            tell(f"{error}: {NEVER_SEEN}")
        return []
    except RegistryError as error:
        return [CheckFailure("registryUrl", str(error))]
    return failures


def _refusal(registry: SchemaRegistry, values: Mapping[str, Any], latest: Latest) -> str | None:
    try:
        return refusal(registry, wanted_of(values), latest)
    except UnreachableError:
        raise
    except RegistryError as error:
        return f"{values['subject']}: {error}"


def _stranger(
    registry: SchemaRegistry,
    latest: RegisteredSchema | None,
    values: Mapping[str, Any],
    own: Collection[str],
) -> str | None:
    """What to say of a newest version that is not the wanted one, unless this stack wanted it earlier."""
    if latest is None or avro.same(latest.text, values["schema"]):
        return None
    if own and registered_fingerprint(registry, latest) in own:
        return None
    return (
        f"{values['subject']}: version {latest.version} (id {latest.id}) is the newest in the registry, and "
        "neither the schema in git nor one that this stack is known to have registered. It is left alone, "
        "for messages in the topic may need it; to take it over, put it into the .avsc file"
    )
