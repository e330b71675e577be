"""Mistakes of people and machines: each gets a clear refusal, nothing is changed, no traceback is shown."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.e2e import harness, private_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.harness import Run, Workspace


def assert_refused(run: Run, *words: str, code: int = 1) -> None:
    """The run failed with these words and without a traceback."""
    assert run.code == code, run.text
    for word in words:
        assert word in run.text, run.text
    assert "Traceback" not in run.text, run.text


def checkpoint(workspace: Workspace) -> Path:
    return workspace.root / ".pulumi" / "stacks" / "messaging" / "dev.json"


def test_every_wrong_setting_is_listed_with_the_yaml_to_paste(workspace: Workspace) -> None:
    workspace.configure("portOfset", "1")
    workspace.configure("instance", "Not A Name")
    workspace.configure("portOffset", "many")

    refused = workspace.up(check=False)

    assert_refused(refused, "portOfset", "portOffset", "Not A Name", "many", "Pulumi.dev.yaml")
    assert workspace.remains() == []


def test_an_invalid_schema_is_refused_by_name(workspace: Workspace) -> None:
    (workspace.root / "schemas" / "sensor-data.avsc").write_text('{"type": "record", "name": "SensorData"}')

    refused = workspace.up(check=False)

    assert_refused(refused, "sensor-data.avsc")
    assert workspace.remains() == []


def test_a_schema_that_is_no_json_is_refused_with_its_place(workspace: Workspace) -> None:
    (workspace.root / "schemas" / "sensor-data.avsc").write_text('{\n  "type": "record",\n  oops\n}')

    assert_refused(workspace.up(check=False), "sensor-data.avsc", "3")


def test_a_docker_engine_that_is_not_there_is_named(workspace: Workspace) -> None:
    refused = workspace.up(check=False, environment={"DOCKER_HOST": "tcp://127.0.0.1:9"})

    assert_refused(refused, "127.0.0.1:9")


@pytest.fixture
def stranger() -> Iterator[str]:
    """A real user without rights on Docker's socket."""
    name = f"t{uuid.uuid4().hex[:8]}"
    subprocess.run(
        ["useradd", "--no-create-home", "--shell", "/bin/sh", name], check=True, capture_output=True
    )
    yield name
    subprocess.run(["userdel", name], check=True, capture_output=True)


@harness.needs("useradd", "setpriv", root=True)
def test_a_user_without_rights_on_docker_is_told_so(
    workspace: Workspace, stranger: str, tmp_path: Path
) -> None:
    account = pwd.getpwnam(stranger)
    for folder in (workspace.root, *workspace.root.rglob("*")):
        os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)
    for folder in tmp_path.parents:
        if str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    tmp_path.chmod(0o755)

    # Python may lie in root's home: the stranger may look into folders, which opens no socket.
    looks = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    ids = (f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
    as_stranger = ("setpriv", *ids, *looks)
    done = subprocess.run(
        [*as_stranger, str(harness.BIN / "pulumi"), "up", "--yes", "--stack", "dev"],
        cwd=workspace.root,
        env=workspace.variables() | {"HOME": str(workspace.root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert_refused(
        harness.Run(("pulumi", "up"), done.returncode, done.stdout, done.stderr), "permission", "docker"
    )


def test_more_memory_than_the_host_has_is_refused_with_the_sum(workspace: Workspace) -> None:
    workspace.configure("cluster.memory", "4000g")

    assert_refused(workspace.up(check=False), "memory", "GiB")


@pytest.fixture
def small_engine(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A real Docker engine that keeps its data on a file system of 300 MB: its address and that folder."""
    disk, mount = tmp_path / "disk", tmp_path / "small"
    with disk.open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    mount.mkdir()
    subprocess.run(["mkfs.ext4", "-q", disk], check=True)
    subprocess.run(["mount", "-o", "loop", disk, mount], check=True)
    try:
        with private_engine.running(mount / "docker") as address:
            yield address, mount
    finally:
        subprocess.run(["umount", mount], check=True)


@harness.needs("dockerd", "mkfs.ext4", "losetup", "unshare", root=True)
def test_too_little_disk_is_refused_with_what_is_free(
    workspace: Workspace, small_engine: tuple[str, Path]
) -> None:
    address, mount = small_engine

    refused = workspace.up(check=False, environment={"DOCKER_HOST": address})

    assert_refused(refused, "0.2 GiB of disk are free", str(mount), "2.0 GiB are wanted", "docker.freeDisk")


def test_a_wrong_passphrase_changes_nothing(workspace: Workspace) -> None:
    before = (workspace.root / "Pulumi.dev.yaml").read_text()

    refused = workspace.up(check=False, environment={"PULUMI_CONFIG_PASSPHRASE": "not this one"})

    assert_refused(refused, "passphrase")
    assert (workspace.root / "Pulumi.dev.yaml").read_text() == before
    assert workspace.remains() == []


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{ not json", "JSON"),
        (json.dumps({"version": 99, "checkpoint": {}}), "99"),
        (json.dumps({"resources": "of another tool"}), "version"),
    ],
    ids=["damaged", "newer", "foreign"],
)
def test_a_state_that_cannot_be_read_is_left_as_it_is(workspace: Workspace, content: str, word: str) -> None:
    checkpoint(workspace).write_text(content)

    refused = workspace.up(check=False)

    assert_refused(refused, word, "dev.json")
    assert checkpoint(workspace).read_text() == content


def test_a_second_run_is_refused_while_one_is_active(workspace: Workspace) -> None:
    first = workspace.start("pulumi", "up", "--yes", "--stack", "dev")
    locks = workspace.root / ".pulumi" / "locks"
    harness.wait_for(lambda: list(locks.rglob("*.json")), "the first run's lock")

    second = workspace.up(check=False)

    assert_refused(second, "lock", str(first.pid))
    first.send_signal(signal.SIGINT)
    out, err = first.communicate(timeout=240)
    assert first.returncode != 0, out + err
    assert not list(locks.rglob("*.json"))


def test_a_stale_lock_is_told_from_a_live_one_and_cancel_frees_it(workspace: Workspace) -> None:
    killed = workspace.start("pulumi", "up", "--yes", "--stack", "dev")
    locks = workspace.root / ".pulumi" / "locks"
    harness.wait_for(lambda: list(locks.rglob("*.json")), "the lock")
    killed.kill()
    killed.communicate()

    refused = workspace.up(check=False)

    assert_refused(refused, str(killed.pid), "pulumi cancel")
    assert "no longer" in refused.text or "not running" in refused.text
    workspace.pulumi("cancel", "--yes")
    workspace.up()
    workspace.pulumi("destroy", "--yes")


def test_an_unknown_stack_is_refused_with_the_known_ones(workspace: Workspace) -> None:
    refused = workspace.command("pulumi", "up", "--yes", "--stack", "staging", check=False)

    assert_refused(refused, "staging", "known: dev", code=6)


def test_without_a_terminal_nothing_happens_without_yes(workspace: Workspace) -> None:
    refused = workspace.pulumi("up", check=False)

    assert_refused(refused, "--yes", code=2)
    assert workspace.remains() == []


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (
            "import pulumi_docker as d; d.RemoteImage('i', name='busybox')",
            "docker:index/remoteImage:RemoteImage",
        ),
        ("import pulumi_docker as d; d.Container('c', name='x', image='y', gpus='all')", "gpus"),
        pytest.param(
            "import pulumi as p, pulumi_docker as d; "
            "d.Volume('v', name='x', opts=p.ResourceOptions(replacement_trigger='1'))",
            "replacement_trigger",
        ),
    ],
    ids=["type", "property", "option"],
)
def test_what_the_engine_does_not_support_is_refused_by_name(
    workspace: Workspace, code: str, word: str
) -> None:
    (workspace.root / "__main__.py").write_text(code)

    refused = workspace.pulumi("preview", check=False)

    assert refused.code != 0
    assert word in refused.text


def test_a_program_that_raises_is_reported_once_with_its_own_words(workspace: Workspace) -> None:
    (workspace.root / "__main__.py").write_text("raise ValueError('the third wheel is missing')")

    refused = workspace.pulumi("preview", check=False)

    assert refused.code == 1
    assert refused.text.count("ValueError: the third wheel is missing") == 1
