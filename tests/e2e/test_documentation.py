"""Every command of the documentation is run, with the test's names and ports, or is run elsewhere by name."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.documentation import ELSEWHERE, blocks, commands
from tests.e2e import harness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.harness import Workspace

SCHEMA = {
    "type": "record",
    "name": "DoorEvent",
    "namespace": "com.iotplatform.messaging",
    "fields": [{"name": "door", "type": "string"}],
}


def run(workspace: Workspace, command: str) -> None:
    """Runs a command of the documentation in a copy of the project, on that copy's names and ports."""
    words = shlex.split(command)
    if words[0] == "docker":
        words = [workspace.name(word) if word == "kafka-dev" else word for word in words]
    elif words[0] == "curl":
        words = [
            "curl",
            "--fail",
            *(
                re.sub(r"(?<=localhost:)\d+", lambda port: str(workspace.port(int(port[0]))), word)
                for word in words[1:]
            ),
        ]
    elif words[0] == "python":
        workspace = harness.Workspace(root=harness.ROOT, instance=workspace.instance, offset=workspace.offset)
    found = shutil.which(words[0]) or str(harness.BIN / words[0])
    if words[0] in ("pulumi", "messaging", "python"):
        found = str(harness.BIN / words[0])
    if words[:2] == ["pulumi", "up"] and "--yes" not in words:
        answered(workspace, [found, *words[1:]], "yes")
    else:
        workspace.command(found, *words[1:])


def answered(workspace: Workspace, command: list[str], answer: str) -> None:
    """Runs a command on a terminal, and gives this answer to whatever it asks."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=workspace.root,
        env=workspace.variables() | {"TERM": "dumb"},
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    shown = b""
    deadline = time.monotonic() + 240
    has_answered = False
    try:
        while process.poll() is None or select.select([ours], [], [], 0)[0]:
            assert time.monotonic() < deadline, shown.decode(errors="replace")
            if select.select([ours], [], [], 0.5)[0]:
                try:
                    shown += os.read(ours, 1 << 16)
                except OSError:  # the terminal's other end is closed: the command has ended
                    break
            if not has_answered and re.search(rb"\? [^\n]*$", shown):
                os.write(ours, f"{answer}\n".encode())
                has_answered = True
        assert process.wait(30) == 0, shown.decode(errors="replace")
        assert has_answered, "it asked before it did anything"
    finally:
        process.kill()
        os.close(ours)


@pytest.fixture
def running(workspace: Workspace) -> Iterator[Workspace]:
    """A platform of its own, because the documentation's last command removes it."""
    workspace.up()
    yield workspace
    assert workspace.remains() == []


def test_the_commands_for_a_running_platform_work_in_their_order(running: Workspace) -> None:
    docs = harness.ROOT / "docs"
    for name in ("console.md", "images.md"):
        for command in commands(docs / name):
            if command not in ELSEWHERE:
                run(running, command)
    (entry,) = [block for block in blocks(docs / "streams.md", "yaml") if block.startswith("streams:")]
    catalogue = running.root / "schemas" / "streams.yaml"
    document = yaml.safe_load(catalogue.read_text())
    document["streams"] |= yaml.safe_load(entry)["streams"]
    catalogue.write_text(yaml.safe_dump(document, sort_keys=False))
    (running.root / "schemas" / "door-events.avsc").write_text(json.dumps(SCHEMA))
    for command in commands(docs / "streams.md"):
        run(running, command)
    listed = running.execute("kafka-dev", "kafka-topics", "--bootstrap-server", "localhost:29092", "--list")
    assert {"door-events", "door-events.dlq.poison"} <= set(listed.split())

    for command in commands(docs / "operations.md"):
        if command not in ELSEWHERE:
            run(running, command)


def test_the_configuration_that_is_shown_is_accepted(workspace: Workspace) -> None:
    docs = harness.ROOT / "docs" / "configuration.md"
    for command in commands(docs):
        if command.startswith("pulumi config set"):
            run(workspace, command)
    shown = yaml.safe_load(blocks(docs, "yaml")[0])["config"]
    file = workspace.root / "Pulumi.dev.yaml"
    stack = yaml.safe_load(file.read_text())
    stack["config"] |= {
        **shown,
        "messaging:instance": workspace.instance,
        "messaging:portOffset": workspace.offset,
    }
    file.write_text(yaml.safe_dump(stack))

    workspace.pulumi("preview")
