"""What the parity suite's programs are made of: small containers, and a resource that obeys its inputs.

A program is a function that takes the stage: which of its versions it is to be. The dynamic provider lies
here, so that the state names it by its module and holds no code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_docker as docker
from pulumi import dynamic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One program and how it is taken through its stages.

    Attributes:
        stages: how many versions it has; later stages of a bundle repeat the last one.
        codes: exit codes of `up` that are not 0, by stage.
        previews: exit codes of `preview` that are not 0, by stage.
        config: values to set before a stage, as `pulumi config set` takes them.
        reasons: whether the engines must also give the same reasons for a replacement.
        leaves: whether something stays in Docker at the end, as the program asks.
        since: the first CLI, as major and minor version, that does the same; None for all.
    """

    name: str
    bundle: str
    program: Callable[[int], None]
    stages: int = 2
    codes: Mapping[int, int] = field(default_factory=dict)
    previews: Mapping[int, int] = field(default_factory=dict)
    config: Mapping[int, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    reasons: bool = True
    leaves: bool = False
    since: tuple[int, int] | None = None

    @property
    def alone(self) -> bool:
        """Whether it fails or needs settings of its own, and so cannot share a run."""
        return bool(self.codes or self.previews or self.config)


SCENARIOS: dict[str, Scenario] = {}


def scenario(**given: Any) -> Callable[[Callable[[int], None]], Callable[[int], None]]:
    """Enters a program into the table under its function's name; its bundle is its module."""

    def enter(program: Callable[[int], None]) -> Callable[[int], None]:
        name = program.__name__
        bundle = program.__module__.rpartition(".")[2]
        assert name not in SCENARIOS
        SCENARIOS[name] = Scenario(name=name, bundle=bundle, program=program, **given)
        return program

    return enter


class _Running:
    """Which scenario's program is running."""

    scenario = ""


def run(*names: str) -> None:
    """Runs programs one after another, at the stage that the configuration says."""
    stage = pulumi.Config().require_int("stage")
    for name in names:
        _Running.scenario = name
        SCENARIOS[name].program(min(stage, SCENARIOS[name].stages))


def label(resource: str) -> str:
    """The name of a resource or output: it says which scenario it belongs to."""
    return f"{_Running.scenario}.{resource}"


def named(thing: str) -> str:
    """The name in Docker of a thing of this run."""
    return f"{pulumi.Config().require('instance')}-{_Running.scenario}-{thing}"


def export(output: str, value: Any) -> None:
    """Exports an output of the stack."""
    pulumi.export(label(output), value)


def container(
    resource: str, opts: pulumi.ResourceOptions | None = None, **arguments: Any
) -> docker.Container:
    """A container that sleeps, from the project's smallest image."""
    given = {
        "name": named(resource),
        "image": pulumi.Config().require("image"),
        "command": ["sleep", "3600"],
        "destroy_grace_seconds": 1,
        **arguments,
    }
    return docker.Container(label(resource), opts=opts, **given)


def network(resource: str, opts: pulumi.ResourceOptions | None = None, **arguments: Any) -> docker.Network:
    """A network with a name of this run."""
    return docker.Network(label(resource), opts=opts, **{"name": named(resource), **arguments})


def volume(resource: str, opts: pulumi.ResourceOptions | None = None, **arguments: Any) -> docker.Volume:
    """A volume with a name of this run."""
    return docker.Volume(label(resource), opts=opts, **{"name": named(resource), **arguments})


class NoteProvider(dynamic.ResourceProvider):
    """Keeps a note nowhere but in the state; a change of `kind` replaces it.

    `fail` names the operations that raise, `first` asks for the old note's deletion before the new one comes.
    """

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        failures = (
            [dynamic.CheckFailure("text", "a note must not be rude")] if news.get("text") == "rude" else []
        )
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        keys = ("kind", "text", "more", "fail")
        changed = [key for key in keys if olds.get(key) != news.get(key)]
        return dynamic.DiffResult(
            changes=bool(changed),
            replaces=[key for key in changed if key == "kind"],
            delete_before_replace=bool(news.get("first")),
        )

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        _fail(props, "create")
        identifier = f"note-{props.get('kind') or 'plain'}"
        return dynamic.CreateResult(identifier, {**props, "length": _length(props)})

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        _fail(news, "update")
        return dynamic.UpdateResult({**news, "length": _length(news)})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        if Path("undeletable").exists():
            _fail(props, "delete")

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        return dynamic.ReadResult(id_, props)


def _fail(props: dict[str, Any], operation: str) -> None:
    if operation in (props.get("fail") or ()):
        message = f"the note cannot be {operation}d"
        raise RuntimeError(message)


def _length(props: dict[str, Any]) -> int:
    return len(json.dumps(props.get("text")))


class Note(dynamic.Resource):
    """A note; `length` is known only when it exists."""

    kind: pulumi.Output[Any]
    text: pulumi.Output[Any]
    more: pulumi.Output[Any]
    length: pulumi.Output[Any]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **props: Any) -> None:
        given = {"kind": None, "text": name, "more": None, "length": None, "fail": None, "first": None}
        super().__init__(NoteProvider(), label(name), given | props, opts)


class Folder(pulumi.ComponentResource):
    """A component with a name of its own."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("parity:index:Folder", label(name), None, opts)
