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

from tests.e2e import harness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.harness import Workspace

DOCUMENTS = sorted(
    [harness.ROOT / "README.md", harness.ROOT / "images" / "README.md", *harness.ROOT.glob("docs/*.md")]
)
ELSEWHERE = {
    "make up": ("tests/e2e/test_make.py", 'clone.make("up")'),
    "make up STACK=prod": ("tests/e2e/test_production.py", 'make", "--old-file=ready", "up", "STACK=prod"'),
    "make test": (".ci/run", "make test"),
    "make images": (".ci/run", "make images"),
    "make reclaim STACK=dev": ("tests/e2e/test_make.py", 'clone.make("reclaim", "STACK=dev")'),
    "make reclaim STACK=dev VOLUMES=yes": ("tests/e2e/test_make.py", "clone.make(*way_out[1].split())"),
    "pulumi cancel --stack dev --yes": ("tests/e2e/test_bad_input.py", 'workspace.pulumi("cancel", "--yes")'),
    **{
        f"messaging {command} --stack prod{options}": (f"tests/e2e/test_production_{file}.py", says)
        for command, options, file, says in (
            ("health", "", "roll", '"messaging", "health", "--stack", "prod"'),
            ("repair", "", "roll", '"messaging", "repair", "--stack", "prod"'),
            ("repair", " --dry-run", "recovery", '"messaging", "repair", "--stack", "prod", "--dry-run"'),
            ("stop", "", "recovery", '"messaging", "stop", "--stack", "prod"'),
            ("start", "", "recovery", '"messaging", "start", "--stack", "prod"'),
            ("rebalance", "", "recovery", '"messaging", "rebalance", "--stack", "prod"'),
            ("rebalance", " --execute", "recovery", '"rebalance", "--stack", "prod", "--execute"'),
            ("rebalance", " --without kafka-5 --without kafka-4 --execute", "recovery", '"--without"'),
            ("upgrade-metadata", "", "recovery", '"upgrade-metadata", "--stack", "prod"'),
            ("upgrade-metadata", " --dry-run", "recovery", '"--stack", "prod", "--dry-run"'),
        )
    },
    "pulumi config set messaging:rollFirst kafka-3 --stack prod": (
        "tests/e2e/test_production_recovery.py",
        'production.configure("rollFirst"',
    ),
    "pulumi up --stack prod --yes": ("tests/e2e/test_production_recovery.py", "production.up("),
    "pulumi config rm messaging:rollFirst --stack prod": (
        "tests/e2e/test_production_recovery.py",
        '"config", "rm", "messaging:rollFirst"',
    ),
    "PATH=/opt/pulumi/bin:$PATH make parity": ("Makefile", "$(PYTEST) tests/parity"),
    "PATH=$PWD/engine/providers/plugins:$PATH MESSAGING_ENGINE=cli pulumi up --stack dev": (
        "tests/parity/test_plugins.py",
        'place.up("cli")',
    ),
    "pulumi cancel --yes": ("tests/parity/turns.py", '"cancel", "--yes"'),
    "pulumi refresh --yes --clear-pending-creates": ("tests/parity/turns.py", '"--clear-pending-creates"'),
    "docker rm -f NAME": ("tests/parity/turns.py", "place.remove_unknown()"),
    "pulumi up": ("tests/parity/turns.py", "place.up(finisher)"),
    "pulumi preview --stack prod --policy-pack policies --policy-pack-config policies/prod.json": (
        "tests/e2e/test_drift.py",
        '"--policy-pack", str(PACK), "--policy-pack-config"',
    ),
    ".ci/preview prod origin/main report.md": (".ci/run", ".ci/preview prod HEAD"),
    "PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json --stack prod > events.jsonl": (
        "tests/policies/conftest.py",
        '"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"',
    ),
    "messaging preview-report events.jsonl --stack prod > comment.md": (
        "tests/policies/test_previews.py",
        '"preview-report", "events.jsonl", "--stack", "prod"',
    ),
    "messaging preview-report events.jsonl --stack prod --json": (
        "tests/policies/test_previews.py",
        'report(preview, tmp_path, "--json")',
    ),
    "messaging preview-report branch.jsonl --base base.jsonl --stack prod": (
        "tests/policies/test_previews.py",
        '"--base", "base.jsonl"',
    ),
    "pulumi preview --refresh --expect-no-changes --stack prod": (
        "tests/e2e/test_drift.py",
        '"preview", "--refresh", "--expect-no-changes"',
    ),
    "python -m images prune": ("tests/unit/images/test_lock.py", "superfluous(images"),
}
"""Commands that take long or change the machine, and where they are run: a file, and what it says there."""
RUN_HERE = ("operations.md", "configuration.md", "streams.md", "console.md", "images.md")
"""Documents whose other commands are run below, in their order."""

SCHEMA = {
    "type": "record",
    "name": "DoorEvent",
    "namespace": "com.iotplatform.messaging",
    "fields": [{"name": "door", "type": "string"}],
}


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.+?)^```$", document.read_text())


def commands(document: Path) -> list[str]:
    """The commands of a document's shell blocks, without their comments."""
    lines = (line for block in blocks(document, "sh") for line in block.splitlines())
    found = (re.sub(r"\s+#.*", "", line).strip() for line in lines)
    return [command for command in found if command]


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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(harness.ROOT)))
def test_every_command_is_run_here_or_elsewhere_by_name(document: Path) -> None:
    for command in commands(document):
        if command in ELSEWHERE:
            file, says = ELSEWHERE[command]
            assert says in (harness.ROOT / file).read_text(), f"{command}: {file} no longer says {says}"
        else:
            assert document.name in RUN_HERE, f"{command} in {document.name} is run by no test"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(harness.ROOT)))
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


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
