"""Subject: a schema that the Schema Registry must have under a name, with its compatibility level.

The resource owns the versions that it registered, not the subject: a version that someone else registers is
neither removed nor overwritten. The next preview says that it is there and leaves the decision to people.
Whether a change is compatible is judged before anything is made, by :mod:`components.dynamic.catalogue`.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    UpdateResult,
)

from components.dynamic.provider import EmptyProvider, Refusal, inputs_only, tell, told_plainly
from messaging import avro
from messaging.registry_verdict import registered_references, wanted_of
from messaging.schema_registry import (
    Credentials,
    IncompatibleError,
    RegisteredSchema,
    RegistryError,
    SchemaRegistry,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pulumi

    from messaging import streams
    from settings import RegistryAccess

READY_SECONDS = 180.0
"""A registry reads all its schemas from Kafka before it answers."""
PAUSE_SECONDS = 0.1
FIRST_WORD_SECONDS = 20.0
_COMPARED = ("compatibility", "references", "registryUrl", "registryUser")


class Subject(Resource, module="messaging", name="Subject"):
    """A subject with the version that this stack wants.

    Its state also holds ``schemaId``, ``version`` and ``ownVersions``, all that this stack has registered.
    """

    def __init__(
        self,
        name: str,
        *,
        registry: RegistryAccess,
        subject: streams.Subject,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declares the subject.

        Args:
            name: its logical name.
            registry: where it is registered.
            subject: what is registered, at which level.
            opts: the usual ones.
        """
        super().__init__(SubjectProvider(), name, registry.to_inputs() | wanted_inputs(subject), opts)


def wanted_inputs(subject: streams.Subject) -> dict[str, Any]:
    """A subject as inputs of a resource."""
    inputs: dict[str, Any] = {
        "subject": subject.name,
        "schema": subject.schema.text,
        "compatibility": subject.compatibility,
    }
    if subject.references:
        inputs["references"] = [
            {"name": one.name, "subject": one.subject, "schema": one.schema.text}
            for one in subject.references
        ]
    return inputs


def opened(props: Mapping[str, Any], *, attempts: int = 3) -> closing[SchemaRegistry]:
    """The registry that a resource's properties name; closed by `with`."""
    user = props.get("registryUser")
    credentials = Credentials(user=user, password=props.get("registryPassword") or "") if user else None
    return closing(SchemaRegistry(props["registryUrl"], credentials=credentials, attempts=attempts))


class SubjectProvider(EmptyProvider):
    """Registers schemas. All that it does may be done again."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuses what is no Avro."""
        try:
            wanted_of(news).parsed()
        except avro.SchemaError as error:
            return CheckResult(news, [CheckFailure("schema", f"{news['subject']}: {error}")])
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Layout is no change, nor is a new password; another name is another subject."""
        renamed = _olds.get("subject") != _news["subject"]
        changed = (
            renamed
            or not avro.same(str(_olds.get("schema")), _news["schema"])
            or any(_olds.get(key) != _news.get(key) for key in _COMPARED)
        )
        return DiffResult(changes=changed, replaces=["subject"] if renamed else [])

    @told_plainly
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Waits for the registry, then registers."""
        return CreateResult(str(props["subject"]), _registered(props, ()))

    @told_plainly
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Registers the new schema or level."""
        return UpdateResult(_registered(_news, _own_versions(_olds)))

    @told_plainly
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Looks for our version, whatever others have registered beside it."""
        subject = props["subject"]
        try:
            with opened(props) as registry:
                found = _found(registry, props)
                latest = registry.latest(subject)
                if found is None and latest is None:
                    return ReadResult("", {})
                level = registry.compatibility(subject)
        except RegistryError as error:
            raise Refusal(f"{subject} cannot be read: {error}") from None
        outs = inputs_only(props) | {"compatibility": level}
        outs |= {"schemaId": found.id, "version": found.version} if found else {"schema": ""}
        return ReadResult(id_, outs)

    @told_plainly
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Hides our versions, and the subject if it has no others.

        Messages that are still somewhere can be read by their schema's id.
        """
        subject, own = _props["subject"], _own_versions(_props)
        try:
            with opened(_props) as registry:
                versions = registry.versions(subject)
                foreign = [number for number in versions if number not in own]
                if not versions:
                    return
                if not foreign:
                    registry.delete(subject)
                    return
                for number in versions:
                    if number in own:
                        registry.delete_version(subject, number)
        except RegistryError as error:
            raise Refusal(f"{subject} cannot be removed: {error}") from None
        listed = ", ".join(map(str, foreign))
        tell(f"{subject} stays in the Schema Registry: someone else registered its version {listed}")


def wait_until_ready(
    ask: Callable[[], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Asks until the registry answers.

    Args:
        ask: raises UnreachableError while it does not.
        clock: the time in seconds.
        sleep: how to pause.

    Raises:
        UnreachableError: it did not answer in time.
    """
    began = clock()
    next_word = FIRST_WORD_SECONDS
    while True:
        try:
            return ask()
        except UnreachableError as error:
            waited = clock() - began
            if waited > READY_SECONDS:
                raise
            if waited >= next_word:
                tell(f"waiting for the Schema Registry ({waited:.0f} s): {error}")
                next_word = waited + FIRST_WORD_SECONDS
        sleep(PAUSE_SECONDS)


class OneAsks:
    """Lets one of several threads wait for something, and the others for that thread.

    A server of dynamic resources does up to four things at once. If each asked a starting registry as often
    as one does now, the processor that it needs itself would go into answers that it is not there. What
    was there once is not asked for again: nothing starts a registry anew after its first subject.
    """

    def __init__(self, door: Callable[[], threading.Lock] = threading.Lock) -> None:
        self._door = door
        self._doors: dict[str, threading.Lock] = {}
        self._there: set[str] = set()
        self._lock = threading.Lock()

    def wait(self, name: str, until: Callable[[], None]) -> None:
        """Returns when the thing was there, or was given up by another thread.

        Args:
            name: what is waited for.
            until: returns when it is there; called unless another thread does so now, or has with success.

        Raises:
            Exception: what ``until`` raises, in the thread that called it.
        """
        with self._lock:
            if name in self._there:
                return
            door = self._doors.setdefault(name, self._door())
        if door.acquire(blocking=False):
            try:
                until()
                with self._lock:
                    self._there.add(name)
            finally:
                door.release()
        else:
            with door:
                return


_READINESS = OneAsks()


def _wait_for_registry(props: Mapping[str, Any]) -> None:
    # A session that repeats a request by itself would pause for longer than this does between two.
    with opened(props, attempts=1) as registry:
        wait_until_ready(registry.ready)


def _own_versions(props: Mapping[str, Any]) -> tuple[int, ...]:
    """The versions that this stack registered; numbers arrive as floats."""
    numbers = props.get("ownVersions") or [props[key] for key in ("version",) if key in props]
    return tuple(int(number) for number in numbers)


def _found(registry: SchemaRegistry, props: Mapping[str, Any]) -> RegisteredSchema | None:
    """The version that the state knows; None if it is gone, or was when the state was last refreshed."""
    if not props["schema"]:
        return None
    references = registered_references(registry, wanted_of(props))
    return None if references is None else registry.find(props["subject"], props["schema"], references)


def _registered(props: Mapping[str, Any], own: tuple[int, ...]) -> dict[str, Any]:
    """Makes the registry have the wanted schema and level; the resource's outputs."""
    subject, schema, level = props["subject"], props["schema"], props["compatibility"]
    try:
        _READINESS.wait(str(props["registryUrl"]), lambda: _wait_for_registry(props))
        with opened(props) as registry:
            references = registered_references(registry, wanted_of(props))
            if references is None:
                raise Refusal(f"{subject} cannot be registered: a type that it references is not there")
            # The level decides which versions are taken; a registry may know no level of an unknown subject.
            before = registry.versions(subject)
            if before and registry.compatibility(subject) != level:
                registry.set_compatibility(subject, level)
            version = registry.register(subject, schema, references)
            if not before:
                registry.set_compatibility(subject, level)
    except IncompatibleError as error:
        raise Refusal(
            f"{subject}: the registry does not take the schema at the level {level}: {error}"
        ) from None
    except RegistryError as error:
        raise Refusal(f"{subject} cannot be registered: {error}") from None
    return inputs_only(props) | {
        "schemaId": version.id,
        "version": version.version,
        # A version that was there already is taken over: it is what this stack wants.
        "ownVersions": sorted({*own, version.version}),
    }
