"""Subject: a schema that the Schema Registry must have under a name, with its compatibility level.

The resource owns one version, not the subject: a version that someone else registers is neither removed nor
overwritten. The next preview says that it is there and leaves the decision to people.
"""

from __future__ import annotations

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
from messaging.schema_registry import (
    IncompatibleError,
    RegisteredSchema,
    RegistryError,
    SchemaRegistry,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pulumi

READY_SECONDS = 180.0
"""A registry reads all its schemas from Kafka before it answers."""
PAUSE_SECONDS = 0.5
FIRST_WORD_SECONDS = 20.0


class Subject(Resource, module="messaging", name="Subject"):
    """A subject with the version that this stack wants. Its state also holds ``schemaId`` and ``version``."""

    def __init__(
        self,
        name: str,
        *,
        registry_url: str,
        subject: str,
        schema: str,
        compatibility: str,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declares the subject.

        Args:
            name: its logical name.
            registry_url: the registry, as reached from where Pulumi runs.
            subject: ``<topic>-value`` or ``<topic>-key``.
            schema: Avro as JSON.
            compatibility: the level that its versions must keep.
            opts: the usual ones.
        """
        props = {
            "registryUrl": registry_url,
            "subject": subject,
            "schema": schema,
            "compatibility": compatibility,
        }
        super().__init__(SubjectProvider(), name, props, opts)


class SubjectProvider(EmptyProvider):
    """Registers schemas. All that it does may be done again."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuses what is no Avro, and what the running registry says that it would refuse."""
        try:
            avro.parse(news["schema"])
        except avro.SchemaError as error:
            return CheckResult(news, [CheckFailure("schema", f"{news['subject']}: {error}")])
        if not _olds:
            return CheckResult(news, [])
        refused = _ask_running_registry(_olds, news)
        return CheckResult(news, [CheckFailure("schema", refused)] if refused else [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Layout is no change; another name is another subject."""
        renamed = _olds.get("subject") != _news["subject"]
        changed = (
            renamed
            or not avro.same(str(_olds.get("schema")), _news["schema"])
            or any(_olds.get(key) != _news[key] for key in ("compatibility", "registryUrl"))
        )
        return DiffResult(changes=changed, replaces=["subject"] if renamed else [])

    @told_plainly
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Waits for the registry, then registers."""
        return CreateResult(str(props["subject"]), _registered(props))

    @told_plainly
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Registers the new schema or level."""
        return UpdateResult(_registered(_news))

    @told_plainly
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Looks for our version, whatever others have registered beside it."""
        try:
            with closing(SchemaRegistry(props["registryUrl"])) as registry:
                found = registry.find(props["subject"], props["schema"])
                if found is None and registry.latest(props["subject"]) is None:
                    return ReadResult("", {})
                level = registry.compatibility(props["subject"])
        except RegistryError as error:
            raise Refusal(f"{props['subject']} cannot be read: {error}") from None
        outs = inputs_only(props) | {"compatibility": level}
        outs |= {"schemaId": found.id, "version": found.version} if found else {"schema": ""}
        return ReadResult(id_, outs)

    @told_plainly
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Hides the subject. Messages that are still somewhere can be read by their schema's id."""
        try:
            with closing(SchemaRegistry(_props["registryUrl"])) as registry:
                registry.delete(_props["subject"])
        except RegistryError as error:
            raise Refusal(f"{_props['subject']} cannot be removed: {error}") from None


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


def _registered(props: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the registry have the wanted schema and level; the resource's outputs."""
    subject, schema, level = props["subject"], props["schema"], props["compatibility"]
    try:
        with closing(SchemaRegistry(props["registryUrl"])) as registry:
            wait_until_ready(registry.ready)
            # The level decides which versions are taken; a registry may know no level of an unknown subject.
            is_known = registry.latest(subject) is not None
            if is_known:
                registry.set_compatibility(subject, level)
            version = registry.register(subject, schema)
            if not is_known:
                registry.set_compatibility(subject, level)
    except IncompatibleError as error:
        raise Refusal(_incompatible(subject, level, str(error))) from None
    except RegistryError as error:
        raise Refusal(f"{subject} cannot be registered: {error}") from None
    return inputs_only(props) | {"schemaId": version.id, "version": version.version}


def _ask_running_registry(olds: Mapping[str, Any], news: Mapping[str, Any]) -> str | None:
    """What the running registry says about the wanted schema: why it would be refused, or None.

    A registry that does not answer has nothing to say, for it may be part of what is being repaired.
    """
    subject = news["subject"]
    try:
        with closing(SchemaRegistry(news["registryUrl"], attempts=1)) as registry:
            latest = registry.latest(subject)
            if latest is None:
                return None
            if avro.same(str(olds.get("schema")), news["schema"]):
                _mention_stranger(subject, latest, news["schema"])
                return None
            if olds.get("compatibility") != news["compatibility"]:
                # The registry would judge by the level that is about to change.
                return None
            reason = registry.incompatibility(subject, news["schema"])
    except RegistryError:
        return None
    return _incompatible(subject, news["compatibility"], reason) if reason else None


def _mention_stranger(subject: str, latest: RegisteredSchema, wanted: str) -> None:
    if not avro.same(latest.text, wanted):
        tell(
            f"{subject}: version {latest.version} (id {latest.id}) was registered by someone else. It is "
            "left alone; take it over by putting it into the .avsc file, or remove it from the registry"
        )


def _incompatible(subject: str, level: str, reason: str) -> str:
    return (
        f"{subject}: the schema is not {level} compatible with what is registered: {reason}. Change it so "
        "that both sides can read each other (a new field needs a default), or use a new stream"
    )
