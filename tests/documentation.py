"""The documentation's commands, and where each one that is not run by its own test is run."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "images" / "README.md", *ROOT.glob("docs/*.md")])
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
            ("rebalance", "", "roll", '"messaging", "rebalance", "--stack", "prod"'),
            ("rebalance", " --execute", "roll", '"rebalance", "--stack", "prod", "--execute"'),
            ("rebalance", " --without kafka-5 --without kafka-4 --execute", "roll", '"--without"'),
            ("upgrade-metadata", "", "roll", '"upgrade-metadata", "--stack", "prod"'),
            ("upgrade-metadata", " --dry-run", "roll", '"--stack", "prod", "--dry-run"'),
        )
    },
    "docker exec kafka-1 kafka-configs --bootstrap-server localhost:29092 --alter --entity-type topics"
    " --entity-name TOPIC --add-config retention.bytes=1073741824": (
        "tests/e2e/test_production_recovery.py",
        '"kafka-configs", "--bootstrap-server", "localhost:29092", "--alter"',
    ),
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
        '["--refresh", "--expect-no-changes"], ["--drift"]',
    ),
    "python -m images prune": ("tests/unit/images/test_lock.py", "superfluous(images"),
}
"""Commands that take long or change the machine, and where they are run: a file, and what it says there."""
RUN_HERE = ("operations.md", "configuration.md", "streams.md", "console.md", "images.md")
"""Documents whose other commands tests/e2e/test_documentation.py runs, in their order."""


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.+?)^```$", document.read_text())


def commands(document: Path) -> list[str]:
    """The commands of a document's shell blocks, without their comments."""
    lines = (line for block in blocks(document, "sh") for line in block.splitlines())
    found = (re.sub(r"\s+#.*", "", line).strip() for line in lines)
    return [command for command in found if command]
