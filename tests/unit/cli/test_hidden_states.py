"""Whatever could hide a state from the command line is not taken for an empty one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from messaging.cli.projects import Project, ProjectError
from tests.unit.cli.kept_states import ITS_STATE, container, known, place, state, volume, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "address",
    ["s3://bucket", "https://api.pulumi.com", "file:///srv/state?prefix=team/", "file://~other/state"],
)
def test_a_state_that_is_elsewhere_is_not_taken_for_an_empty_one(
    project: Project, environment: dict[str, str], address: str
) -> None:
    with pytest.raises(ProjectError) as refused:
        place(project, environment | {"PULUMI_BACKEND_URL": address})

    assert address in str(refused.value)
    assert "`pulumi stack export --stack dev` instead" in str(refused.value)


def test_a_folder_that_is_not_there_is_not_taken_for_an_empty_one(
    project: Project, environment: dict[str, str], tmp_path: Path
) -> None:
    environment["PULUMI_BACKEND_URL"] = f"file://{tmp_path}/not%20mounted"

    with pytest.raises(ProjectError, match=r"there is no folder .*`mkdir -p '.*/not mounted'`"):
        place(project, environment)


@pytest.mark.parametrize("link", [".pulumi", f".pulumi/{ITS_STATE}"])
def test_a_state_behind_a_link_that_leads_nowhere_is_not_taken_for_an_empty_one(
    project: Project, environment: dict[str, str], link: str
) -> None:
    file = project.folder / link
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to("/nonexistent/state")

    with pytest.raises(ProjectError, match=r"leads to /nonexistent/state, which is not there"):
        place(project, environment).whole()


def test_a_file_that_cannot_be_looked_at_is_not_taken_for_none(
    project: Project, environment: dict[str, str]
) -> None:
    (project.folder / ".pulumi").write_text("a file, where a folder belongs")

    with pytest.raises(ProjectError, match="cannot be looked at: Not a directory"):
        place(project, environment).whole()


def test_a_damaged_state_is_not_taken_for_an_empty_one(project: Project, environment: dict[str, str]) -> None:
    write(project.folder, "{ not json")

    with pytest.raises(ProjectError, match=r"dev\.json cannot be read: line 1"):
        place(project, environment).whole()


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        {"version": 3, "deployment": {"resources": [volume("data")]}},
        {"checkpoint": {"latest": [volume("data")]}},
        {"checkpoint": {"latest": {"resources": {"data": volume("data")}}}},
        {"checkpoint": {"latest": {"resources": ["data"]}}},
        {"checkpoint": {"latest": {"resources": [], "pending_operations": [{"resource": "data"}]}}},
        state({"type": "docker:index/volume:Volume", "inputs": {"name": {"secret": "?"}}}),
    ],
)
def test_what_is_no_state_is_not_taken_for_an_empty_one(
    project: Project, environment: dict[str, str], content: Any
) -> None:
    write(project.folder, content)

    with pytest.raises(ProjectError, match=r"dev\.json cannot be read: "):
        place(project, environment).whole()


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("old", [True, False], ids=["beside an old one", "alone"])
def test_a_compressed_state_is_not_taken_for_an_empty_one(
    project: Project, environment: dict[str, str], ending: str, *, old: bool
) -> None:
    write(project.folder, "packed", ITS_STATE + ending)
    if old:
        write(project.folder, state())

    with pytest.raises(ProjectError, match=r"dev\.json\.\w+ is compressed.*Unset PULUMI_DIY_BACKEND_GZIP"):
        place(project, environment).whole()


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_a_state_of_the_old_layout_is_not_taken_for_none(
    project: Project, environment: dict[str, str], ending: str
) -> None:
    write(project.folder, state(volume("data")), f"stacks/dev.json{ending}")

    with pytest.raises(ProjectError, match=r"has layout 0, .*`pulumi state upgrade`"):
        place(project, environment)


@pytest.mark.parametrize("says", ["version: 0", "version: 2", "{}"])
def test_a_folder_of_another_layout_is_not_taken_for_an_empty_one(
    project: Project, environment: dict[str, str], says: str
) -> None:
    write(project.folder, says, "meta.yaml")

    with pytest.raises(ProjectError, match=r"meta\.yaml says .* reads layout 1.*`pulumi state upgrade`"):
        place(project, environment)


@pytest.fixture
def journal(project: Project) -> Path:
    """Beside a state that knows one broker."""
    write(project.folder, state(container("kafka-1")))
    return project.folder / ".pulumi" / "stacks" / "messaging" / "dev.json.journal"


def test_a_state_whose_last_changes_are_beside_it_is_not_taken_for_the_whole(
    project: Project, environment: dict[str, str], journal: Path
) -> None:
    journal.write_text("what kafka-2 is\n")

    with pytest.raises(ProjectError, match=r"dev\.json\.journal.*`pulumi cancel --stack dev` brings it into"):
        place(project, environment).whole()


def test_a_run_that_had_nothing_to_record_hides_nothing(
    project: Project, environment: dict[str, str], journal: Path
) -> None:
    journal.touch()

    assert known(project, environment) == {("container", "kafka-1")}


def test_records_without_a_state_are_of_one_that_was_lost(
    project: Project, environment: dict[str, str], journal: Path
) -> None:
    journal.write_text("what kafka-2 is\n")
    journal.with_name("dev.json").unlink()

    assert known(project, environment) == set()


def test_what_was_last_saved_whole_can_be_read_beside_a_run(
    project: Project, environment: dict[str, str], journal: Path
) -> None:
    journal.write_text("what kafka-2 is\n")

    assert [one.name for one in place(project, environment).saved().objects] == ["kafka-1"]


def test_a_stack_that_a_run_holds_is_refused(project: Project, environment: dict[str, str]) -> None:
    found = place(project, environment)
    found.refuse_locked()
    write(project.folder, "", "locks/organization/messaging/prod/e1.json")
    found.refuse_locked()
    write(project.folder, "", "locks/organization/messaging/dev/e2.json")

    with pytest.raises(ProjectError, match=r"locked by .*/dev/e2\.json: .*`pulumi cancel --stack dev` frees"):
        found.refuse_locked()


def test_locks_that_cannot_be_looked_at_are_not_taken_for_none(
    project: Project, environment: dict[str, str]
) -> None:
    write(project.folder, "a file, where a folder belongs", "locks/organization/messaging/dev")

    with pytest.raises(ProjectError, match="cannot be looked into: Not a directory"):
        place(project, environment).refuse_locked()
