"""How state looks in a file: the CLI's checkpoint, version 3.

Turns a Deployment into that JSON and back, secrets encrypted. Members that this engine does not know are
kept. Where the file lies and when it is written is the business of :mod:`engine.state.backend`.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine import urn as urns
from engine.errors import DamagedState
from engine.resource import Deployment, PendingOperation, Resource, Timeouts
from engine.values import (
    REFERENCE,
    SECRET,
    SIGNATURE,
    UNKNOWN,
    UNKNOWN_STRING,
    ResourceReference,
    Secret,
    flatten,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine import values
    from engine.workspace.passphrase import Passphrase

VERSION = 3
MANIFEST_VERSION = "v3.272.0"
"""What the manifest says wrote the state: the SDK's protocol level; the CLI checks it against `magic`."""

# Record member -> Resource field, for those that are copied as they are, and are left out while empty.
_PLAIN = {
    "id": "id",
    "parent": "parent",
    "provider": "provider",
    "protect": "protect",
    "external": "external",
    "dependencies": "dependencies",
    "propertyDependencies": "property_dependencies",
    "initErrors": "init_errors",
    "additionalSecretOutputs": "additional_secret_outputs",
    "aliases": "aliases",
    "pendingReplacement": "pending_replacement",
    "retainOnDelete": "retain_on_delete",
    "deletedWith": "deleted_with",
    "delete": "delete",
    "ignoreChanges": "ignore_changes",
    "replaceOnChanges": "replace_on_changes",
    "created": "created",
    "modified": "modified",
}
_HANDLED = {*_PLAIN, "urn", "type", "custom", "inputs", "outputs", "customTimeouts", "deleteBeforeReplace"}

_KINDS = {member: type(getattr(Resource("", ""), name)) for member, name in _PLAIN.items()}
_CALLED = {
    str: "a text",
    bool: "true or false",
    list: "a list of texts",
    dict: "an object of lists of texts",
}
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""How JSON writes one half of a letter, and where half a letter alone may be."""


def encode(deployment: Deployment, passphrase: Passphrase, *, stack: str, project: str) -> str:
    """The checkpoint file's text."""
    latest = deployment_document(deployment, passphrase.encrypt)
    latest["secrets_providers"] = {"type": "passphrase", "state": {"salt": passphrase.salt}}
    document = {
        "version": VERSION,
        "checkpoint": {"stack": f"organization/{project}/{stack}", "latest": latest},
    }
    # On one line: a run writes this hundreds of times, and indented it takes several times as long.
    return json.dumps(document, ensure_ascii=False)


def deployment_document(deployment: Deployment, encrypt: Callable[[str], str] | None) -> dict[str, Any]:
    """The deployment part alone, as `stack export` shows it.

    Args:
        deployment: what to write.
        encrypt: turns a secret's JSON text into its ciphertext; None writes secrets in plain text.
    """
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    magic = hashlib.sha256(MANIFEST_VERSION.encode()).hexdigest()
    document: dict[str, Any] = {
        **deployment.extra,
        "manifest": {"time": now, "magic": magic, "version": MANIFEST_VERSION},
    }
    if deployment.resources:
        document["resources"] = [record(resource, encrypt) for resource in deployment.resources]
    if deployment.pending:
        document["pending_operations"] = [
            pending_record(operation, encrypt) for operation in deployment.pending
        ]
    document.setdefault("metadata", {})
    return document


def restore_hint(where: str) -> str:
    """What a person can do about a damaged file."""
    return f"The state before the last change is in {where}.bak; compare the two and put back the whole one."


def decode(
    text: str, passphrase_for: Callable[[str], Passphrase], *, where: str, named: str = ""
) -> Deployment:
    """The deployment of a checkpoint file's text.

    Args:
        text: the file's content.
        passphrase_for: the passphrase provider for the salt that the state names.
        where: the file, for messages.
        named: `project/stack` whose state is expected there; empty for any.

    Raises:
        DamagedState: it is no checkpoint of this version, or another stack's.
        WrongPassphrase: its secrets cannot be decrypted.
    """
    try:
        document = _parsed(text)
    except ValueError as error:
        raise DamagedState(f"{where} is not JSON: {error}. {restore_hint(where)}") from error
    version = document.get("version") if isinstance(document, dict) else None
    if version != VERSION:
        raise DamagedState(
            f"{where} is a state of version {version!r}; this engine reads version {VERSION}. "
            "Use the tool that wrote it."
        )
    try:
        checkpoint = document["checkpoint"]
        _check_owner(str(checkpoint.get("stack") or ""), named, where)
        return _deployment(checkpoint.get("latest") or {}, passphrase_for, where)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DamagedState(
            f"{where} lacks a member that every state has, or has it in another shape: {error!r}. "
            f"{restore_hint(where)}"
        ) from error


def _check_owner(owner: str, named: str, where: str) -> None:
    """The CLI writes `organization/project/stack`; older ones wrote the stack's name alone."""
    if named and owner and not f"/{owner}".endswith(f"/{named}") and not f"/{named}".endswith(f"/{owner}"):
        raise DamagedState(
            f"{where} holds the state of {owner}, not of {named}; it was copied or renamed by hand. "
            "Put back the file that belongs there."
        )


def decode_export(text: str, passphrase_for: Callable[[str], Passphrase], *, where: str) -> Deployment:
    """The deployment of what `stack export` wrote; raises as `decode` does."""
    try:
        document = _parsed(text)
        version, latest = document["version"], document["deployment"]
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedState(f"{where} is not what `pulumi stack export` writes: {error!r}.") from error
    if version != VERSION:
        raise DamagedState(f"{where} is of version {version!r}; this engine reads version {VERSION}.")
    try:
        return _deployment(latest or {}, passphrase_for, where)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DamagedState(f"{where} lacks a member, or has it in another shape: {error!r}.") from error


def _parsed(text: str) -> Any:
    """What JSON says. Raises ValueError: it is none, or holds half a letter, which no file can keep."""
    document = json.loads(text)
    if _HALF.search(text):
        try:
            json.dumps(document, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # it would tell the whole text, with the secrets in it
            raise ValueError(
                "a text has half of a surrogate pair in it, which stands for no letter"
            ) from None
    return document


def _deployment(
    latest: dict[str, Any], passphrase_for: Callable[[str], Passphrase], where: str
) -> Deployment:
    manifest = latest.get("manifest") or {}
    if (
        manifest.get("magic")
        and manifest["magic"] != hashlib.sha256(manifest["version"].encode()).hexdigest()
    ):
        raise DamagedState(
            f"{where}: the manifest's magic does not fit its version; the file was changed by hand."
        )
    provider = latest.get("secrets_providers") or {}
    if provider and provider.get("type") != "passphrase":
        raise DamagedState(
            f"{where}: its secrets are kept by {provider.get('type')!r}; this engine supports 'passphrase'. "
            "Use the Pulumi CLI for this stack."
        )
    salt = str((provider.get("state") or {}).get("salt", ""))
    decrypt = _decrypter(salt, passphrase_for)
    return Deployment(
        resources=[_resource(record, decrypt) for record in latest.get("resources") or ()],
        pending=[
            PendingOperation(_resource(one["resource"], decrypt), _typed(one, "type", str))
            for one in latest.get("pending_operations") or ()
        ],
        salt=salt,
        extra={
            key: value
            for key, value in latest.items()
            if key not in {"manifest", "secrets_providers", "resources", "pending_operations"}
        },
    )


def _decrypter(salt: str, passphrase_for: Callable[[str], Passphrase]) -> Callable[[str], str]:
    def decrypt(sealed: str) -> str:
        return passphrase_for(salt).decrypt(sealed)

    return decrypt


def record(resource: Resource, encrypt: Callable[[str], str] | None) -> dict[str, Any]:
    """One resource as state holds it; with `encrypt` None, secrets stand there in plain text."""
    written: dict[str, Any] = {"urn": resource.urn, "custom": resource.custom}
    for member, name in _PLAIN.items():
        value = getattr(resource, name)
        if value:
            written[member] = value
    written["type"] = resource.type
    if resource.inputs:
        written["inputs"] = to_json(resource.inputs, encrypt)
    if resource.outputs:
        written["outputs"] = to_json(resource.outputs, encrypt)
    if resource.delete_before_replace is not None:
        written["deleteBeforeReplace"] = resource.delete_before_replace
    timeouts = resource.custom_timeouts
    if timeouts != Timeouts():
        written["customTimeouts"] = {
            "create": timeouts.create,
            "update": timeouts.update,
            "delete": timeouts.delete,
        }
    return written | resource.extra


def pending_record(operation: PendingOperation, encrypt: Callable[[str], str] | None) -> dict[str, Any]:
    """One call of unknown outcome as state holds it."""
    return {"resource": record(operation.resource, encrypt), "type": operation.kind}


def _resource(record: dict[str, Any], decrypt: Callable[[str], str]) -> Resource:
    if not urns.is_urn(_typed(record, "urn", str)):
        raise ValueError(f"{record['urn']!r} is no URN")
    fields = {
        name: _typed(record, member, _KINDS[member]) for member, name in _PLAIN.items() if record.get(member)
    }
    timeouts = record.get("customTimeouts") or {}
    before = record.get("deleteBeforeReplace")
    return Resource(
        urn=record["urn"],
        type=_typed(record, "type", str),
        custom=_typed(record, "custom", bool),
        inputs=_properties(record, "inputs", decrypt),
        outputs=_properties(record, "outputs", decrypt),
        custom_timeouts=Timeouts(
            *(float(timeouts.get(name) or 0) for name in ("create", "update", "delete"))
        ),
        delete_before_replace=before if before is None else _typed(record, "deleteBeforeReplace", bool),
        extra={key: value for key, value in record.items() if key not in _HANDLED},
        **fields,
    )


def _typed(record: dict[str, Any], member: str, kind: type) -> Any:
    """A member of a record, if it is what such a member is. Raises TypeError, KeyError."""
    value = record[member]
    if kind is dict and isinstance(value, dict):  # the CLI writes null for an empty list in it
        value = {key: [] if texts is None else texts for key, texts in value.items()}
    lists = value.values() if isinstance(value, dict) else [value] if isinstance(value, list) else []
    if not isinstance(value, kind) or not all(map(_are_texts, lists)):
        raise TypeError(f"{member} of {record.get('urn', 'a record')} is {value!r}, not {_CALLED[kind]}")
    return value


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _properties(record: dict[str, Any], member: str, decrypt: Callable[[str], str]) -> dict[str, Any]:
    """A resource's inputs or outputs. Raises TypeError, ValueError and what `decrypt` does."""
    value = record.get(member) or {}
    if not isinstance(value, dict):
        raise TypeError(f"{member} of {record['urn']} is {type(value).__name__}, not an object")
    try:
        found: dict[str, Any] = from_json(value, decrypt)
    except ValueError as error:
        raise ValueError(f"{member} of {record['urn']}: {error}") from error
    return found


def to_json(value: values.Value, encrypt: Callable[[str], str] | None) -> Any:
    """A value as state holds it; with `encrypt` None, secrets stand there in plain text."""
    match flatten(value):
        case Secret(value=inner):
            # Secrets inside a secret are marked and not encrypted again, as the CLI expects.
            within = None if encrypt is None else _as_it_is
            text = json.dumps(to_json(inner, within), separators=(",", ":"), ensure_ascii=False)
            kept = {"plaintext": text} if encrypt is None else {"ciphertext": encrypt(text)}
            return {SIGNATURE: SECRET, **kept}
        case ResourceReference() as reference:
            record = {SIGNATURE: REFERENCE, "urn": reference.urn}
            if reference.id != "":
                record["id"] = UNKNOWN_STRING if reference.id is UNKNOWN else reference.id
            return record | (
                {"packageVersion": reference.package_version} if reference.package_version else {}
            )
        case dict() as members:
            return {key: to_json(member, encrypt) for key, member in members.items()}
        case list() as items:
            return [to_json(item, encrypt) for item in items]
        case plain:
            return UNKNOWN_STRING if plain is UNKNOWN else plain


def from_json(data: Any, decrypt: Callable[[str], str]) -> Any:
    """The value that state holds."""
    match data:
        case dict() if SIGNATURE in data:
            return _special(data, decrypt)
        case dict():
            return {key: from_json(member, decrypt) for key, member in data.items()}
        case list():
            return [from_json(item, decrypt) for item in data]
        case str() if data == UNKNOWN_STRING:
            return UNKNOWN
    return data


def _as_it_is(text: str) -> str:
    return text


def _special(data: dict[str, Any], decrypt: Callable[[str], str]) -> Any:
    if data[SIGNATURE] == SECRET:
        text = data["plaintext"] if "plaintext" in data else decrypt(data["ciphertext"])
        try:
            return Secret(from_json(_parsed(text), _as_it_is))
        except ValueError as error:
            raise ValueError(
                f"a secret is not kept as JSON, where a text has quotes of its own: {error}"
            ) from error
    if data[SIGNATURE] == REFERENCE:
        return ResourceReference(
            data["urn"], from_json(data.get("id", ""), decrypt), data.get("packageVersion", "")
        )
    raise DamagedState(
        f"A value in the state carries the signature {data[SIGNATURE]!r}, which is not known here."
    )
