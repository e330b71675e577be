"""Who may import whom. What is kept apart can be understood, tested and shipped apart."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
OURS = {
    "__main__",
    "benchmarks",
    "cluster_settings",
    "components",
    "engine",
    "host",
    "images",
    "launcher",
    "levels",
    "messaging",
    "policies",
    "settings",
    "state_folder",
}

ALLOWED = {
    "components": {"cluster_settings", "components", "levels", "messaging", "settings"},
    "engine": {"engine", "state_folder"},
    "host": {"host"},
    "images": {"host", "images"},
    "launcher": {"engine", "host", "launcher", "state_folder"},
    "messaging": {"host", "messaging", "state_folder"},
    "policies": {"policies"},
    "settings.py": {"cluster_settings", "levels", "messaging"},
    "cluster_settings.py": {"levels", "messaging"},
    "levels.py": set(),
    "state_folder.py": set(),
    "__main__.py": {"components", "messaging", "settings"},
}

PURE = (
    "cluster_settings.py",
    "levels.py",
    "components/blueprint.py",
    "components/broker_properties.py",
    "components/claims.py",
    "components/haproxy_config.py",
    "components/health.py",
    "components/platform.py",
    "components/topology.py",
    "messaging/avro.py",
    "messaging/avro_compatibility.py",
    "messaging/avro_examples.py",
    "messaging/avro_reader.py",
    "messaging/avro_types.py",
    "messaging/catalogue.py",
    "messaging/catalogue_keys.py",
    "messaging/catalogue_rules.py",
    "messaging/dead_letters.py",
    "messaging/fields.py",
    "messaging/kafka_release.py",
    "messaging/naming.py",
    "messaging/ports.py",
    "messaging/readiness.py",
    "messaging/schema_history.py",
    "messaging/stream_docs.py",
    "messaging/streams.py",
)
EFFECTS = {
    "confluent_kafka",
    "docker",
    "pulumi",
    "pulumi_docker",
    "pulumi_kafka",
    "requests",
    "socket",
    "subprocess",
}

ENGINE: dict[str, set[str]] = {
    "providers": set(),
    "workspace": set(),
    "process": set(),
    "state": {"workspace"},
    "plugins": {"process"},
    "program": {"plugins", "process", "workspace"},
    "policy": {"plugins", "process", "workspace"},
    "planning": {"plugins", "policy", "program"},
    "deployment": {"planning", "plugins", "policy", "process", "program", "state", "workspace"},
    "display": {"state"},
    "cli": {"deployment", "display", "planning", "plugins", "policy", "state", "workspace"},
}
"""The engine's parts, from the ground up: which of the others each may import."""
WORDS = {"errors", "events", "faults", "graph", "protocol", "resource", "rpc", "urn", "values"}
"""What all of the engine's parts speak in."""
LONGEST = 400


def imported(path: Path) -> set[str]:
    """First names of everything that a file imports, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.add((node.module or "").partition(".")[0])
    return names


def parts(path: Path) -> set[str]:
    """What a file imports of the engine: its parts and its words."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        names |= {module.split(".")[1] for module in modules if module.startswith("engine.")}
    return names


def files(place: str) -> list[Path]:
    path = PROJECT / place
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


@pytest.mark.parametrize("place", sorted(ALLOWED))
def test_a_part_imports_only_what_it_may(place: str) -> None:
    for path in files(place):
        forbidden = imported(path) & OURS - ALLOWED[place]
        assert not forbidden, f"{path.relative_to(PROJECT)} imports {', '.join(sorted(forbidden))}"


@pytest.mark.parametrize("place", PURE)
def test_what_decides_does_nothing_else(place: str) -> None:
    assert not imported(PROJECT / place) & EFFECTS


@pytest.mark.parametrize("part", sorted(ENGINE))
def test_a_part_of_the_engine_imports_only_parts_below_it(part: str) -> None:
    for path in files(f"engine/{part}"):
        forbidden = parts(path) - {part} - WORDS - ENGINE[part]
        assert not forbidden, f"{path.relative_to(PROJECT)} imports {', '.join(sorted(forbidden))}"


def test_the_engines_words_know_none_of_its_parts() -> None:
    for word in WORDS:
        assert parts(PROJECT / "engine" / f"{word}.py") <= WORDS


def test_every_part_of_the_engine_has_its_place() -> None:
    folder = PROJECT / "engine"
    assert {path.parent.name for path in folder.glob("*/__init__.py")} == set(ENGINE)
    assert {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"} == WORDS


@pytest.mark.parametrize("place", [place for place in sorted(ALLOWED) if not place.endswith(".py")])
def test_no_file_is_too_long_to_be_read_at_once(place: str) -> None:
    long = {
        str(path): lines for path in files(place) if (lines := len(path.read_text().splitlines())) > LONGEST
    }
    assert not long


def test_the_packages_top_is_light() -> None:
    """Applications import it for one function; the extras bring the rest."""
    assert imported(PROJECT / "messaging" / "__init__.py") == set()


def test_no_provider_module_is_called_like_what_it_imports() -> None:
    """Run as a script, such a module would import itself."""
    for path in (PROJECT / "components" / "dynamic").glob("*.py"):
        assert path.stem not in imported(path) - OURS
