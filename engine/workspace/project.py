"""The project: its folder, Pulumi.yaml, and where each stack's file lies. Reads, and changes nothing."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

import yaml

from engine.errors import BadInput, Unsupported
from engine.workspace import declared
from engine.workspace.scalars import value_of

if TYPE_CHECKING:
    from engine.workspace.declared import Declaration

FILE = "Pulumi.yaml"
_REFUSED = ("main", "plugins", "options", "stackConfigDir", "packages", "requiredPulumiVersion")
"""What a project may say that changes how it is run, and that would be ignored here."""
_TAG = "tag:yaml.org,2002:"
_KINDS = {NoneType: "null", bool: "bool", int: "int", float: "float", str: "str"}
"""The types of plain words, by YAML's names for them."""


@dataclass(frozen=True)
class Project:
    """A Pulumi project with a Python program."""

    name: str
    root: Path
    """The folder of Pulumi.yaml; the program runs there."""
    description: str = ""
    declared: dict[str, Declaration] = field(default_factory=dict)
    """Fully named configuration keys with what Pulumi.yaml declares about them."""
    backend: str = ""
    """`backend.url`, if the file has one."""
    unsupported: str = ""
    """What of the file this engine does not follow when it runs the program; empty if there is nothing."""

    @classmethod
    def find(cls, folder: Path) -> Project:
        """The project of a folder or of the nearest folder above it.

        Raises:
            BadInput: there is none, or its file cannot be used.
            Unsupported: the program is in another language, or the file asks for more than this engine does.
        """
        for place in (folder, *folder.parents):
            if (place / FILE).is_file():
                return cls._supported(place)
        raise BadInput(
            f"No {FILE} in {folder} or any folder above it. Change into the project or pass --cwd."
        )

    @classmethod
    def read(cls, root: Path) -> Project:
        """The project of a folder whichever engine runs it, so without what it declares.

        Raises:
            BadInput: its file cannot be used.
        """
        return cls._of(root, load_yaml(root / FILE))

    @classmethod
    def _of(cls, root: Path, document: dict[str, Any]) -> Project:
        file = root / FILE
        name = document.get("name")
        if not isinstance(name, str) or not name:
            raise BadInput(f"{file} has no `name`.")
        return cls(
            name=name,
            root=root,
            description=str(document.get("description") or ""),
            backend=str(_mapping(document, "backend", file).get("url") or ""),
        )

    @classmethod
    def _supported(cls, root: Path) -> Project:
        file = root / FILE
        document = load_yaml(file)
        project = cls._of(root, document)
        runtime = document.get("runtime")
        options = runtime.get("options") if isinstance(runtime, dict) else None
        language = runtime.get("name") if isinstance(runtime, dict) else runtime
        if language != "python":
            raise Unsupported(
                f"{file} says `runtime: {language}`; the embedded engine runs Python programs alone."
            )
        if refused := [key for key in _REFUSED if document.get(key)]:
            raise Unsupported(f"{file} has {', '.join(refused)}, which the embedded engine does not support.")
        section = _mapping(document, "config", file)
        return replace(
            project,
            declared=declared.read(project.name, section, str(file)),
            unsupported=_unsupported(options or {}, file),
        )

    def stack_file(self, stack: str) -> Path:
        """Where a stack's configuration lies."""
        return self.root / f"Pulumi.{stack}.yaml"

    def workspace_file(self, home: Path) -> Path:
        """Where the CLI keeps which stack is selected."""
        digest = hashlib.sha1(str(self.root / FILE).encode(), usedforsecurity=False).hexdigest()
        return home / "workspaces" / f"{self.name}-{digest}-workspace.json"


def load_yaml(file: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping.

    Raises:
        BadInput: it cannot be read, or is something else.
    """
    try:
        return parse_yaml(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{file} is not text in UTF-8: {error}.") from error


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """YAML that holds a mapping, read as the CLI reads it; an empty text is an empty mapping.

    Raises:
        BadInput: it is something else, or has a key twice.
    """
    try:
        loader = _loader()(text)
        root = loader.get_single_node()
        _refuse_twice(root, where, set())
        document = None if root is None else loader.construct_document(root)
    except (yaml.YAMLError, ValueError) as error:
        raise BadInput(f"{where} is not YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise BadInput(f"{where} has to be a mapping of names to values.")
    return document


@cache
def _loader() -> type[yaml.SafeLoader]:
    """A loader that takes plain words for what the CLI takes them for."""
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: type[yaml.SafeLoader] = type("_Loader", (base,), {"resolve": _resolve})
    for kind in ("null", "bool", "int", "float"):
        loader.add_constructor(f"{_TAG}{kind}", _construct)
    return loader


def _resolve(loader: Any, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
    """A node's tag: the method of a loader that PyYAML asks."""
    if kind is yaml.ScalarNode and implicit[0]:
        return _TAG + ("merge" if value == "<<" else _KINDS[type(value_of(value))])
    resolver: Any = yaml.resolver.Resolver
    return str(resolver.resolve(loader, kind, value, implicit))


def _construct(_: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    """The value of a plain word, or of any that a tag says the kind of."""
    kind, value = node.tag.removeprefix(_TAG), value_of(node.value)
    found = _KINDS[type(value)]
    if (found, kind) == ("int", "float"):
        return float(str(value))
    if found != kind:
        raise yaml.constructor.ConstructorError(None, None, f"{node.value!r} is no {kind}", node.start_mark)
    return value


def _refuse_twice(node: yaml.Node | None, where: str, seen: set[int]) -> None:
    """Refuses a mapping that has a key twice: the CLI does, and one of the two would be ignored."""
    if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
        return
    seen.add(id(node))  # an alias may lead back
    lines: dict[str, int] = {}
    for member in node.value:
        key, value = member if isinstance(node, yaml.MappingNode) else (None, member)
        if isinstance(key, yaml.ScalarNode):
            line = key.start_mark.line + 1
            if key.value in lines:
                raise BadInput(
                    f"{where} has {key.value!r} twice, in lines {lines[key.value]} and {line}. "
                    "Take one of them out."
                )
            lines[key.value] = line
        _refuse_twice(value, where, seen)


def _mapping(document: dict[str, Any], key: str, file: Path) -> dict[str, Any]:
    value = document.get(key) or {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise BadInput(f"{file}: `{key}` has to be a mapping of names to values.")
    return value


def _unsupported(options: Any, file: Path) -> str:
    """What of the options of `runtime` this engine does not follow: it runs programs in its own Python."""
    given = {name: value for name, value in options.items() if value} if isinstance(options, dict) else {}
    virtual = given.pop("virtualenv", None)
    if given.get("toolchain") == "pip":
        del given["toolchain"]
    if given or not isinstance(options, dict):
        named = ", ".join(map(str, given)) or repr(options)
        return (
            f"{file} has runtime.options {named}, which the embedded engine does not support. "
            "Take it out, or use the Pulumi CLI."
        )
    wanted = file.parent / str(virtual or "")
    if not virtual or wanted.resolve() == Path(sys.prefix).resolve():
        return ""
    command = wanted / "bin" / "pulumi"
    way_out = f"Run {command}" if command.exists() else "Make that one and install the project into it"
    return (
        f"{file} names the virtual environment {virtual!r}, and the embedded engine runs the program in "
        f"its own, {sys.prefix}. {way_out}, or use the Pulumi CLI."
    )
