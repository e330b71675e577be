"""States in the CLI's own format, where it keeps them, and how the command line looks for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from messaging.cli import states

if TYPE_CHECKING:
    from messaging.cli.projects import Project
    from messaging.cli.states import StackState

VOLUME = ("volume", "data")
ITS_STATE = "stacks/messaging/dev.json"


def write(folder: Path, content: Any, name: str = ITS_STATE) -> Path:
    file = folder / ".pulumi" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def state(*resources: dict[str, Any], pending: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    operations = [{"resource": resource, "type": "creating"} for resource in pending]
    return {
        "version": 3,
        "checkpoint": {"latest": {"resources": list(resources), "pending_operations": operations}},
    }


def container(name: str) -> dict[str, Any]:
    return {"type": "docker:index/container:Container", "inputs": {"name": name}}


def volume(name: str) -> dict[str, Any]:
    return {"type": "docker:index/volume:Volume", "inputs": {"name": name}}


def place(project: Project, environment: dict[str, str]) -> StackState:
    return states.find(project, "dev", environment)


def known(project: Project, environment: dict[str, str]) -> set[tuple[str, str]]:
    return {(one.kind, one.name) for one in place(project, environment).whole().objects}


def log_in(environment: dict[str, str], content: str) -> None:
    home = environment["PULUMI_HOME"]
    file = Path(home) / "credentials.json"
    file.parent.mkdir()
    file.write_text(content)
