"""A provider that the tests own and a stack that is deployed with it; all between the two is the engine."""

from __future__ import annotations

import json
import textwrap
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2_grpc

from engine.policy import pack as policy_pack
from tests.unit.engine.run.judges import HEAD
from tests.unit.engine.run.stack import Stack
from tests.unit.engine.run.workbench import THINGS, Workbench
from tests.unit.engine.run.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def world() -> World:
    """A provider, served in this process by `stack`."""
    return World()


@pytest.fixture
def stack(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A new stack whose docker package is the world."""
    server = grpc.server(ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(world, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    plugin = tmp_path / "pulumi-resource-docker"
    plugin.write_text(f"#!/bin/sh\necho {port}\nexec sleep 600\n")
    plugin.chmod(0o755)
    monkeypatch.setenv("MESSAGING_PROVIDER_DOCKER", str(plugin))
    yield Stack(tmp_path, world)
    server.stop(None)


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    (tmp_path / "Pulumi.yaml").write_text("name: bench\nruntime: python\n")
    (tmp_path / "things.py").write_text(textwrap.dedent(THINGS))
    return Workbench(tmp_path)


@pytest.fixture
def packed(stack: Any, tmp_path: Path) -> Callable[..., None]:
    """Gives the stack a policy pack of some source text, with a configuration."""

    def use(
        source: str, config: object = None, *, project: str = "runtime: python\nversion: 1.2.3\n"
    ) -> None:
        folder = tmp_path / "rules"
        folder.mkdir()
        (folder / "PulumiPolicy.yaml").write_text(project)
        (folder / "__main__.py").write_text(HEAD + textwrap.dedent(source))
        configs = []
        if config is not None:
            (tmp_path / "rules.json").write_text(json.dumps(config))
            configs = [str(tmp_path / "rules.json")]
        stack.packs = tuple(policy_pack.packs([str(folder)], configs))

    return use
