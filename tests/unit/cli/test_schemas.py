"""`messaging schema` and `messaging docs` in a copy of the project's data, run as a person runs them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    shutil.copytree(ROOT / "docs" / "streams", tmp_path / "docs" / "streams")
    return tmp_path


def messaging(project: Path, *arguments: str, code: int = 0) -> str:
    command = [str(Path(sys.executable).parent / "messaging"), *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def add_field(project: Path, **field: object) -> None:
    file = project / "schemas" / "sensor-data.avsc"
    schema = json.loads(file.read_text())
    schema["fields"].append({"name": "quality", "type": "int", "doc": "How good it is.", **field})
    file.write_text(json.dumps(schema, indent=2))


def test_the_projects_own_schemas_are_recorded() -> None:
    """A schema changes with its next version: `messaging schema record`."""
    assert "14 subjects are compatible" in messaging(ROOT, "schema", "check")


def test_a_changed_schema_is_recorded_as_the_next_version(project: Path) -> None:
    add_field(project, default=0)
    refused = messaging(project, "schema", "check", code=1)

    recorded = json.loads(messaging(project, "schema", "record", "sensor-data-value", "--json"))

    assert "sensor-data-value" in refused
    assert recorded == {"recorded": {"sensor-data-value": "schemas/history/sensor-data-value/2.avsc"}}
    assert "14 subjects are compatible" in messaging(project, "schema", "check")
    assert "nothing to do" in messaging(project, "schema", "record")


def test_a_shared_type_is_recorded_and_checked_from_then_on(project: Path) -> None:
    geo = {"type": "record", "name": "com.x.Geo", "fields": [{"name": "lat", "type": "double"}]}
    (project / "schemas" / "geo.avsc").write_text(json.dumps(geo))
    with (project / "schemas" / "streams.yaml").open("a") as opened:
        opened.write("\ntypes:\n  geo.avsc: { owner: devices, compatibility: FULL }\n")
    add_field(project, type=["null", "com.x.Geo"], default=None)

    recorded = json.loads(messaging(project, "schema", "record", "--json"))["recorded"]

    assert recorded == {
        "com.x.Geo": "schemas/history/com.x.Geo/1.avsc",
        "sensor-data-value": "schemas/history/sensor-data-value/2.avsc",
    }
    assert "15 subjects are compatible" in messaging(project, "schema", "check")
    assert '"lat"' in (project / recorded["sensor-data-value"]).read_text(), "as the type was then"
    geo["doc"] = "A place."
    (project / "schemas" / "geo.avsc").write_text(json.dumps(geo))
    assert "com.x.Geo, sensor-data-value" in messaging(project, "schema", "check", code=1)


def test_a_breaking_change_is_not_recorded(project: Path) -> None:
    add_field(project)

    told = messaging(project, "schema", "record", code=1)

    assert "schemas/sensor-data.avsc:" in told
    assert "field quality is not in the writer's SensorData and has no default" in told
    assert not (project / "schemas" / "history" / "sensor-data-value" / "2.avsc").exists()


def test_an_unknown_subject_is_refused_with_those_that_there_are(project: Path) -> None:
    assert "metrics-value" in messaging(project, "schema", "record", "metrics", code=1)


def test_stale_and_left_over_pages_are_told_and_put_right(project: Path) -> None:
    add_field(project, default=0)
    (project / "docs" / "streams" / "gone.md").write_text("of a stream that is gone")

    told = messaging(project, "docs", "--check", code=1)
    messaging(project, "docs")

    assert "docs/streams/sensor-data.md" in told
    assert "docs/streams/gone.md" in told
    messaging(project, "docs", "--check")
    assert "`quality`" in (project / "docs" / "streams" / "sensor-data.md").read_text()
    assert not (project / "docs" / "streams" / "gone.md").exists()
