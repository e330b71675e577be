"""The command line as people meet it: real processes, one message for a mistake, no traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from typer.testing import CliRunner

from messaging.cli import main
from messaging.cli.projects import ProjectError
from tests.unit.cli.fake_engine import Engine

MESSAGING = Path(sys.executable).parent / "messaging"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: messaging\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  messaging:environment: dev\n")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    nowhere = {"DOCKER_HOST": "tcp://127.0.0.1:9", "PULUMI_HOME": str(folder), "NO_COLOR": "1"}
    return subprocess.run(
        [str(MESSAGING), *arguments],
        cwd=folder,
        env=os.environ | nowhere,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["stop", "start", "reclaim"])
def test_without_docker_each_command_says_so_and_ends_with_1(project: Path, command: str) -> None:
    done = run(project, command, "--stack", "dev")

    assert done.returncode == 1
    assert done.stderr == (
        "error: the Docker engine at tcp://127.0.0.1:9 does not answer: Connection refused. Start it, or set "
        "DOCKER_HOST to where it is\n"
    )


@pytest.mark.parametrize("command", ["stop", "start", "reclaim"])
def test_an_unknown_stack_is_refused_with_the_known_ones(project: Path, command: str) -> None:
    done = run(project, command, "--stack", "staging")

    assert done.returncode == 1
    assert "there is no stack staging" in done.stderr
    assert "Known: dev" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["stop", "health", "reclaim", "repair"])
def test_machines_get_an_error_as_json(project: Path, command: str) -> None:
    done = run(project, command, "--stack", "staging", "--json")

    assert done.returncode == 1
    assert done.stderr == f"error: {json.loads(done.stdout)['error']}\n"


def test_help_lists_the_commands(project: Path) -> None:
    done = run(project, "--help")

    assert done.returncode == 0
    for command in ("start", "stop", "reclaim"):
        assert command in done.stdout


@pytest.fixture
def engine(project: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """With two containers, a network and a volume more than the state knows."""
    made = Engine()
    monkeypatch.setattr(main, "connected", lambda: nullcontext(made))
    monkeypatch.chdir(project)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(project / "home"))
    known = {"type": "docker:index/container:Container", "inputs": {"name": "kafka-dev"}}
    state = project / ".pulumi" / "stacks" / "messaging" / "dev.json"
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"checkpoint": {"latest": {"resources": [known]}}}))
    return made


def reclaim(*more: str) -> str:
    return (
        CliRunner().invoke(main.app, ["reclaim", "--yes", "--volumes", *more], catch_exceptions=False).stdout
    )


def test_what_no_state_knows_is_reclaimed(engine: Engine) -> None:
    reclaim()

    assert [(call, name) for call, name, *_ in engine.calls if call != "stop"] == [
        ("remove", "kafka-ui-dev"),
        ("remove", "schema-registry-dev"),
        ("remove network", "iot-platform-dev"),
        ("remove volume", "kafka-dev-data"),
    ]


def test_machines_can_look_before_anything_is_removed(engine: Engine) -> None:
    listed = CliRunner().invoke(main.app, ["reclaim", "--json"], catch_exceptions=False)

    found = json.loads(listed.stdout)
    assert {one["name"] for one in found["leftOver"]} == ALL - {"kafka-dev", "kafka-dev-data"}
    assert ([one["name"] for one in found["kept"]], found["removed"]) == (["kafka-dev-data"], [])
    assert (listed.exit_code, engine.calls) == (0, [])


def test_a_start_of_what_runs_says_that_there_was_nothing_to_do(engine: Engine) -> None:
    told = CliRunner().invoke(main.app, ["start"], catch_exceptions=False).stdout

    assert told == "nothing to do: all was started before\n"
    assert engine.calls == []


@pytest.mark.parametrize(
    "left", ["stacks/messaging/dev.json.journal", "locks/organization/messaging/dev/5e0e.json"]
)
def test_nothing_is_reclaimed_while_a_run_is_under_way_or_was_cut_off(
    engine: Engine, project: Path, left: str
) -> None:
    file = project / ".pulumi" / left
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}\n")

    with pytest.raises(ProjectError, match="a run is under way, or was killed"):
        reclaim()

    assert engine.calls == []


ALL = {"kafka-dev", "schema-registry-dev", "kafka-ui-dev", "iot-platform-dev", "kafka-dev-data"}


def removed(engine: Engine) -> set[str]:
    return {name for call, name, *_ in engine.calls if call.startswith("remove")}


def test_the_plan_names_the_state_that_decides(engine: Engine, project: Path) -> None:
    file = project / ".pulumi" / "stacks" / "messaging" / "dev.json"

    assert f"the state of the stack dev, {file}, knows 1 Docker objects" in reclaim()
    assert json.loads(reclaim("--json"))["state"] == {"file": str(file), "there": True, "knows": 1}


@pytest.mark.parametrize("left", ["nothing", "an empty state"])
def test_a_state_that_was_lost_is_told_with_its_place_and_what_that_means_and_clears_the_way(
    engine: Engine, project: Path, left: str
) -> None:
    file = project / ".pulumi" / "stacks" / "messaging" / "dev.json"
    if left == "nothing":
        shutil.rmtree(project / ".pulumi")
    else:
        file.write_text('{"version": 3, "checkpoint": {"stack": "organization/messaging/dev"}}')

    told = reclaim()

    assert str(file) in told
    assert "everything that has the stack's labels counts as left over" in told
    assert removed(engine) == ALL


def test_what_another_state_knows_is_not_reclaimed(
    engine: Engine, project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", tmp_path_factory.mktemp("chosen by mistake").as_uri())

    with pytest.raises(ProjectError, match="the container kafka-dev is in the state"):
        reclaim()

    assert engine.calls == []


def test_a_platform_whose_states_address_is_encoded_is_left_alone(
    engine: Engine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "my state").mkdir()
    (project / ".pulumi").rename(project / "my state" / ".pulumi")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"{project.as_uri()}/my%20state?no_tmp_dir=true")

    reclaim()

    assert removed(engine) == ALL - {"kafka-dev"}
