"""engine/README.md says what the engine supports and refuses: each table is held against the code."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import typer
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from engine.cli import main, options
from engine.providers import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENGINE = Path(__file__).resolve().parents[3] / "engine"
README = (ENGINE / "README.md").read_text(encoding="utf-8")


def commands() -> Iterator[str]:
    """A row for each command with its flags."""
    group: Any = typer.main.get_command(main.app)
    yield from _commands(group, "")


def _commands(group: Any, prefix: str) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        is_group = hasattr(command, "commands")
        if not is_group or command.invoke_without_command:
            yield f"| `{prefix}{name}` | {_flags(command)} |"
        if is_group:
            yield from _commands(command, f"{prefix}{name} ")


def _flags(command: Any) -> str:
    flags = {flag for parameter in command.params for flag in parameter.opts if flag.startswith("--")}
    return " ".join(f"`{flag}`" for flag in sorted(flags - {"--help"}))


def refused(entries: Mapping[str, str]) -> Iterator[str]:
    """A row for each command or flag that is refused, and what to use instead."""
    for name, instead in entries.items():
        yield f"| `{name}` | {instead} |"


def resources() -> Iterator[str]:
    """A row for each resource type: its properties, and those that are refused."""
    for package in ("docker", "kafka"):
        loaded = schema.load(package)
        for token, kind in loaded.resources.items():
            yield _row(token, kind.properties)
        yield _row(f"{package} Provider", loaded.provider)


def _row(name: str, properties: Mapping[str, schema.Property]) -> str:
    supported = [key for key, given in properties.items() if not given.refused and not given.output]
    without = [key for key, given in properties.items() if given.refused]
    listed = [", ".join(f"`{key}`" for key in sorted(keys)) or "none" for keys in (supported, without)]
    return f"| `{name}` | {listed[0]} | {listed[1]} |"


@pytest.mark.parametrize(
    "rows",
    [commands(), refused(main.ELSEWHERE), refused(options.INSTEAD), resources()],
    ids=["commands", "refused commands", "refused flags", "resources"],
)
def test_the_readme_lists_what_there_is(rows: Iterator[str]) -> None:
    missing = [row for row in rows if row not in README]
    assert not missing, "engine/README.md lacks these rows:\n" + "\n".join(missing)


def test_the_readme_names_every_module_of_the_engine_s_inside() -> None:
    outside = {"cli", "display", "providers"}
    parts = [
        path for path in ENGINE.iterdir() if (path / "__init__.py").exists() and path.name not in outside
    ]
    assert parts
    for part in parts:
        (row,) = [line for line in README.splitlines() if line.startswith(f"| `{part.name}/` |")]
        there = {path.stem for path in part.glob("*.py")} - {"__init__"}
        assert set(re.findall(r"`(\w+)`", row)) == there


@pytest.mark.parametrize("package", ["docker", "kafka"])
def test_the_providers_start_as_plugins_from_any_folder(package: str, tmp_path: Path) -> None:
    plugin = ENGINE / "providers" / "plugins" / f"pulumi-resource-{package}"
    process = subprocess.Popen([str(plugin)], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        port = process.stdout.readline().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
            assert stub.GetPluginInfo(empty_pb2.Empty(), timeout=30).version
    finally:
        process.terminate()
        process.communicate(timeout=20)
