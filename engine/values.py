"""Property values: plain Python for what JSON can say, and small classes for what only Pulumi can.

Serves the encoding of resource properties on the wire (the special objects marked by a signature key, and the
strings that stand for unknown values). How values look in a state file is the business of
:mod:`engine.state.checkpoint`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from google.protobuf.struct_pb2 import Struct
from google.protobuf.struct_pb2 import Value as WireValue

from engine.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker, no password
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
REFERENCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_STRINGS: Final = frozenset(
    {
        UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # an array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    }
)


class Unknown:
    """A value that exists only once something has been created; :data:`UNKNOWN` is its one instance."""

    _instance: Self | None = None

    def __new__(cls) -> Self:
        """The one instance."""
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __copy__(self) -> Unknown:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Unknown:
        return self


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is shown nowhere and encrypted in state."""

    value: Any

    def __repr__(self) -> str:
        return "Secret([secret])"


@dataclass(frozen=True, slots=True)
class Output:
    """A value with the resources it came from, as programs send it."""

    value: Any
    """The value, or :data:`UNKNOWN`."""
    secret: bool = False
    dependencies: frozenset[str] = frozenset()
    """URNs."""

    def __repr__(self) -> str:
        return "Output([secret])" if self.secret else f"Output({self.value!r})"


@dataclass(frozen=True, slots=True)
class ResourceReference:
    """A resource as a value of another one."""

    urn: str
    id: Any = ""
    """The id, empty for components, or :data:`UNKNOWN`."""
    package_version: str = ""


Value = Any
"""None, bool, int, float, str, list, dict, UNKNOWN, Secret, Output or ResourceReference."""
Values = dict[str, Value]


def from_struct(struct: Struct) -> Values:
    """The values of a wire message.

    Raises:
        Unsupported: it holds an asset or an archive.
    """
    return {key: _from_wire(value) for key, value in struct.fields.items()}


def to_struct(
    values: Mapping[str, Value],
    *,
    secrets: bool = True,
    unknowns: bool = True,
    outputs: bool = True,
    references: bool = True,
) -> Struct:
    """A wire message of values, for a receiver that understands what is switched on.

    Args:
        values: what to send.
        secrets: False sends the plain values instead.
        unknowns: False leaves unknown members out.
        outputs: False sends the value, as a secret where it is one, or an unknown.
        references: False sends the resource's id, or its URN where it has none.
    """
    struct = Struct()
    _Encoder(secrets, unknowns, outputs, references).fill(struct, values)
    return struct


def flatten(value: Value) -> Value:
    """The value without Outputs: each becomes its value, a Secret of it, or UNKNOWN."""
    match value:
        case Output(value=inner, secret=secret):
            plain = flatten(inner)
            return Secret(plain) if secret and plain is not UNKNOWN else plain
        case Secret(value=inner):
            plain = flatten(inner)
            return plain if isinstance(plain, Secret) else Secret(plain)
        case dict():
            return {key: flatten(member) for key, member in value.items()}
        case list():
            return [flatten(member) for member in value]
    return value


def reveal(value: Value) -> Value:
    """The value with no Secret and no Output left in it."""
    match value:
        case Output(value=inner) | Secret(value=inner):
            return reveal(inner)
        case dict():
            return {key: reveal(member) for key, member in value.items()}
        case list():
            return [reveal(member) for member in value]
    return value


def contains_unknown(value: Value) -> bool:
    """Whether any part of the value is unknown."""
    match value:
        case Unknown():
            return True
        case Output(value=inner) | Secret(value=inner):
            return contains_unknown(inner)
        case ResourceReference(id=identity):
            return identity is UNKNOWN
        case dict():
            return any(map(contains_unknown, value.values()))
        case list():
            return any(map(contains_unknown, value))
    return False


def contains_secret(value: Value) -> bool:
    """Whether any part of the value is a secret."""
    match value:
        case Secret():
            return True
        case Output(value=inner, secret=secret):
            return secret or contains_secret(inner)
        case dict():
            return any(map(contains_secret, value.values()))
        case list():
            return any(map(contains_secret, value))
    return False


def dependencies_of(value: Value) -> frozenset[str]:
    """The URNs that the value's Outputs and references came from."""
    match value:
        case Output(value=inner, dependencies=urns):
            return urns | dependencies_of(inner)
        case Secret(value=inner):
            return dependencies_of(inner)
        case ResourceReference(urn=urn):
            return frozenset({urn})
        case dict():
            return frozenset[str]().union(*map(dependencies_of, value.values()))
        case list():
            return frozenset[str]().union(*map(dependencies_of, value))
    return frozenset()


def remark_secrets(outputs: Values, inputs: Values) -> Values:
    """The outputs of a provider, secret where the inputs are.

    Objects are followed member by member; a secret anywhere inside an array makes the whole array secret,
    since providers may reorder what they return; except in one that is the input, secrets and all.
    """
    return {key: _remark(value, inputs[key]) if key in inputs else value for key, value in outputs.items()}


def _remark(output: Value, given: Value) -> Value:
    match flatten(given):
        case Secret():
            return hidden(output)
        case dict() as members if isinstance(output, dict):
            return remark_secrets(output, members)
        case list() as items if contains_secret(items) and output != items:
            return hidden(output)
    return output


def hidden(value: Value) -> Secret:
    """The whole value as one secret, with none inside it."""
    return value if isinstance(value, Secret) else Secret(reveal(value))


def _from_wire(value: WireValue) -> Value:
    match value.WhichOneof("kind"):
        case "string_value":
            text = value.string_value
            return UNKNOWN if text in _UNKNOWN_STRINGS else text
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_from_wire(member) for member in value.list_value.values]
        case "struct_value":
            members = {key: _from_wire(member) for key, member in value.struct_value.fields.items()}
            return _special(members) if SIGNATURE in members else members
    return None


def _special(members: Values) -> Value:
    match members[SIGNATURE]:
        case signature if signature == SECRET:
            return Secret(members.get("value"))
        case signature if signature == OUTPUT:
            return Output(
                members.get("value", UNKNOWN),
                secret=bool(members.get("secret", False)),
                dependencies=frozenset(members.get("dependencies") or ()),
            )
        case signature if signature == REFERENCE:
            return ResourceReference(
                members["urn"], _identity(members.get("id", "")), members.get("packageVersion") or ""
            )
        case signature if signature in (ASSET, ARCHIVE):
            raise Unsupported("Assets and archives are not supported; upload a file's content as a string.")
    raise Unsupported(
        f"A value carries the signature {members[SIGNATURE]!r}, which this engine does not know."
    )


def _identity(identity: Value) -> Value:
    inner = flatten(identity)
    return UNKNOWN if inner is UNKNOWN else inner or ""


@dataclass(frozen=True, slots=True)
class _Encoder:
    secrets: bool
    unknowns: bool
    outputs: bool
    references: bool

    def fill(self, struct: Struct, members: Mapping[str, Value]) -> None:
        for key, value in members.items():
            if not self.unknowns and flatten(value) is UNKNOWN:
                continue
            self.put(struct.fields[key], value)

    def put(self, wire: WireValue, value: Value) -> None:
        match value:
            case None:
                wire.null_value = 0  # type: ignore[assignment] # the only member of its enumeration
            case bool():
                wire.bool_value = value
            case int() | float():
                wire.number_value = value
            case str():
                wire.string_value = value
            case Unknown():
                wire.string_value = UNKNOWN_STRING
            case list() | tuple():
                wire.list_value.SetInParent()
                for member in value:
                    if self.unknowns or flatten(member) is not UNKNOWN:
                        self.put(wire.list_value.values.add(), member)
            case dict():
                wire.struct_value.SetInParent()
                self.fill(wire.struct_value, value)
            case Secret(value=inner):
                self._secret(wire, inner)
            case Output():
                self._output(wire, value)
            case ResourceReference():
                self._reference(wire, value)
            case _:
                raise TypeError(f"{type(value).__name__} is no property value")

    def _secret(self, wire: WireValue, inner: Value) -> None:
        if not self.secrets:
            self.put(wire, inner)
            return
        fields = wire.struct_value.fields
        fields[SIGNATURE].string_value = SECRET
        self.put(fields["value"], inner)

    def _output(self, wire: WireValue, output: Output) -> None:
        if not self.outputs:
            self.put(wire, flatten(output))
            return
        fields = wire.struct_value.fields
        fields[SIGNATURE].string_value = OUTPUT
        if output.value is not UNKNOWN:
            self.put(fields["value"], output.value)
        if output.secret:
            fields["secret"].bool_value = True
        if output.dependencies:
            self.put(fields["dependencies"], sorted(output.dependencies))

    def _reference(self, wire: WireValue, reference: ResourceReference) -> None:
        if not self.references:
            self.put(wire, reference.id or reference.urn)
            return
        fields = wire.struct_value.fields
        fields[SIGNATURE].string_value = REFERENCE
        fields["urn"].string_value = reference.urn
        if reference.id != "":
            self.put(fields["id"], reference.id)
        if reference.package_version:
            fields["packageVersion"].string_value = reference.package_version
