"""What the files of two checkouts say that no event of a preview shows: levels of policies, changed secrets.

``python -m messaging.report.sources environment|secrets STACK_FILE`` tells a script the same of one file, and
``… judges BEFORE AFTER`` what alters the policies of one folder in the other.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PACK = "policies"
EXCEPTIONS = "exceptions.json"
"""The pack's file that a change may bring along: what it excepts is listed in the report."""
_WORDS = ".md"
"""What no policy reads."""
_ENVIRONMENT = "messaging:environment"


def policies(before: Path, after: Path) -> list[str]:
    """What a change does to the policies that judge it, as sentences.

    Args:
        before: the project's folder without the change.
        after: the same with it.
    """
    files = _files(before / PACK), _files(after / PACK)
    told: list[str] = []
    for name in sorted({*files[0], *files[1]}):
        old, new = files[0].get(name), files[1].get(name)
        if old == new:
            continue
        levels = list(_levels(old, new)) if name.endswith(".json") and "/" not in name else []
        told += [f"{PACK}/{name}: {level}" for level in levels] or [
            f"{PACK}/{name} {'is new' if old is None else 'goes' if new is None else 'changes'}"
        ]
    return told


def judges(before: Path, after: Path) -> list[str]:
    """The same of what a change must not choose: without exceptions."""
    return [told for told in policies(before, after) if not told.startswith(f"{PACK}/{EXCEPTIONS}")]


def environments(before: Path, after: Path, stack: str) -> tuple[str, str]:
    """Which environment the stack is of on either side; empty where its file does not say."""
    return environment(_text(before, stack)), environment(_text(after, stack))


def changed_secrets(before: Path, after: Path, stack: str) -> list[str]:
    """Names of the secrets that the change gives another value, or encrypts anew."""
    old, new = secrets(_text(before, stack)), secrets(_text(after, stack))
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def environment(text: str) -> str:
    """The environment that a stack's file names."""
    said = _config(text).get(_ENVIRONMENT)
    return said if isinstance(said, str) else ""


def secrets(text: str) -> dict[str, str]:
    """The encrypted values of a stack's file by their keys."""
    found = {key: value for key, value in _config(text).items() if isinstance(value, dict)}
    return {key: str(value["secure"]) for key, value in found.items() if set(value) == {"secure"}}


def _text(project: Path, stack: str) -> str:
    file = project / f"Pulumi.{stack}.yaml"
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _config(text: str) -> Mapping[str, Any]:
    try:
        # All words as they stand: what is wrong with the file is told by the engine.
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - texts
    except yaml.YAMLError:
        return {}
    config = document.get("config") if isinstance(document, dict) else None
    return config if isinstance(config, dict) else {}


def _files(folder: Path) -> dict[str, bytes]:
    found = {file.relative_to(folder): file for file in folder.rglob("*") if file.is_file()}
    return {
        str(name): file.read_bytes()
        for name, file in found.items()
        if "__pycache__" not in name.parts and name.suffix != _WORDS
    }


def _levels(old: bytes | None, new: bytes | None) -> Iterator[str]:
    sides = [_members(side) for side in (old, new)]
    if sides[0] is None or sides[1] is None:
        return
    for policy in sorted({*sides[0], *sides[1]}):
        before, after = (
            json.dumps(side[policy]) if policy in side else "nothing" for side in sides if side is not None
        )
        if before != after:
            yield f"{policy} {before} -> {after}"


def _members(side: bytes | None) -> dict[str, Any] | None:
    try:
        document = json.loads(side or b"{}")
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def main(what: str, *files: str) -> None:
    """Prints what a stack's file says, or what alters the policies."""
    path = Path(files[0])
    if what == "judges":
        said = judges(path, Path(files[1]))
    else:
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        said = [environment(text)] if what == "environment" else sorted(secrets(text))
    sys.stdout.write("".join(f"{line}\n" for line in said))


if __name__ == "__main__":
    main(*sys.argv[1:])
