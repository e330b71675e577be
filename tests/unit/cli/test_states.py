"""What the command line reads of a state, in the CLI's own format, and whatever could hide one from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from messaging.cli import states
from messaging.cli.projects import Project, ProjectError

if TYPE_CHECKING:
    from messaging.cli.states import StackState

VOLUME = ("volume", "data")
ITS_STATE = "stacks/messaging/dev.json"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A checkout, in which the command runs."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: messaging\nruntime: python\n")
    monkeypatch.chdir(folder)
    return Project(folder=folder)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PULUMI_HOME": str(tmp_path / "home")}


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


def test_without_a_state_nothing_is_known_and_the_missing_file_is_named(
    project: Project, environment: dict[str, str]
) -> None:
    found = place(project, environment).whole()

    assert (found.there, list(found.objects)) == (False, [])
    assert found.file == project.folder / ".pulumi" / "stacks" / "messaging" / "dev.json"


def test_a_stack_of_which_nothing_was_made_has_a_state_that_knows_nothing(
    project: Project, environment: dict[str, str]
) -> None:
    write(project.folder, {"version": 3, "checkpoint": {"stack": "organization/messaging/dev"}})

    found = place(project, environment).whole()

    assert (found.there, list(found.objects)) == (True, [])


def test_objects_of_the_state_are_known_by_kind_and_name(
    project: Project, environment: dict[str, str]
) -> None:
    topic = {"type": "kafka:index/topic:Topic", "inputs": {"name": "readings"}}
    write(project.folder, state(container("kafka-dev"), volume("data"), topic))

    assert known(project, environment) == {("container", "kafka-dev"), ("volume", "data")}


def test_what_a_run_that_died_was_making_is_known(project: Project, environment: dict[str, str]) -> None:
    write(project.folder, state(pending=(container("kafka-dev"),)))

    assert known(project, environment) == {("container", "kafka-dev")}


def test_what_was_only_looked_up_is_known_by_what_its_provider_said(
    project: Project, environment: dict[str, str]
) -> None:
    write(
        project.folder,
        state({"type": "docker:index/network:Network", "outputs": {"name": "iot-platform-dev"}}),
    )

    assert known(project, environment) == {("network", "iot-platform-dev")}


@pytest.mark.parametrize("how", ["environment", "project", "login", "login elsewhere"])
def test_the_state_lies_where_the_launcher_says(
    project: Project, environment: dict[str, str], tmp_path: Path, how: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere, state(container("kafka-dev")))
    if how == "environment":
        environment["PULUMI_BACKEND_URL"] = elsewhere.as_uri()
    elif how == "project":
        with (project.folder / "Pulumi.yaml").open("a") as file:
            file.write(f"backend:\n  url: {elsewhere.as_uri()}\n")
    else:
        log_in(environment, json.dumps({"current": elsewhere.as_uri()}))
        if how == "login elsewhere":
            environment["PULUMI_CREDENTIALS_PATH"] = environment.pop("PULUMI_HOME")

    assert known(project, environment) == {("container", "kafka-dev")}


@pytest.mark.parametrize(
    "address", ["file://{}/my%20state", "file://{}/my state", "file://{}/my%20state?no_tmp_dir=true"]
)
def test_a_state_is_found_by_every_spelling_of_its_address_that_the_engines_take(
    project: Project, environment: dict[str, str], tmp_path: Path, address: str
) -> None:
    write(tmp_path / "my state", state(volume("data")))
    lock = write(tmp_path / "my state", "{}", "locks/organization/messaging/dev/e1.json")
    environment["PULUMI_BACKEND_URL"] = address.format(tmp_path)

    assert known(project, environment) == {VOLUME}
    with pytest.raises(ProjectError, match=f"locked by {lock}"):
        place(project, environment).refuse_locked()


def test_a_relative_address_is_relative_to_where_the_command_runs(
    project: Project, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project.folder / "sub" / "state", state(volume("data")))
    monkeypatch.chdir(project.folder / "sub")

    assert known(project, environment | {"PULUMI_BACKEND_URL": "file://state"}) == {VOLUME}


def test_a_renamed_projects_state_is_read_under_its_own_name(
    project: Project, environment: dict[str, str]
) -> None:
    (project.folder / "Pulumi.yaml").write_text("name: telemetry\nruntime: python\n")
    write(project.folder, state(volume("data")), "stacks/telemetry/dev.json")

    assert known(project, environment) == {VOLUME}


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


def test_objects_of_the_state_say_what_they_are_for_and_how_to_name_them(
    project: Project, environment: dict[str, str]
) -> None:
    label = {"label": "com.iotplatform.messaging.role", "value": "broker"}
    broker = {
        "type": "docker:index/container:Container",
        "urn": "urn:pulumi:dev::messaging::docker:index/container:Container::kafka-1-container",
        "inputs": {"name": "kafka-dev", "labels": [{"label": "other", "value": "x"}, label]},
    }
    write(project.folder, state(broker, container("bare")))

    found = place(project, environment).whole().objects

    assert [(one.kind, one.name, one.role) for one in found] == [
        ("container", "kafka-dev", "broker"),
        ("container", "bare", ""),
    ]
    assert found[0].urn.endswith("::kafka-1-container")


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


def test_what_no_other_state_knows_is_left_over(project: Project, environment: dict[str, str]) -> None:
    write(project.folder, state(), ITS_STATE)
    write(project.folder, state(volume("other")), "stacks/messaging/prod.json")
    write(project.folder, "{ damaged", "stacks/shop/dev.json")
    write(project.folder, "packed", "stacks/messaging/prod.json.gz")
    write(project.folder, state(volume("data")), f"{ITS_STATE}.bak")

    place(project, environment).refuse_doubts([VOLUME])


@pytest.mark.parametrize("how", ["project", "login", "default"])
def test_what_the_state_of_a_place_that_was_not_chosen_knows_is_not_left_over(
    project: Project, environment: dict[str, str], tmp_path: Path, how: str
) -> None:
    chosen, elsewhere = tmp_path / "chosen", tmp_path / "elsewhere"
    write(chosen, state(), ITS_STATE)
    environment["PULUMI_BACKEND_URL"] = chosen.as_uri()
    if how == "project":
        with (project.folder / "Pulumi.yaml").open("a") as file:
            file.write(f"backend:\n  url: {elsewhere.as_uri()}\n")
    elif how == "login":
        log_in(environment, json.dumps({"current": elsewhere.as_uri()}))
    else:
        elsewhere = project.folder
    other = write(elsewhere, state(volume("data")))

    with pytest.raises(ProjectError, match=f"nothing was removed: the volume data is in the state {other}"):
        place(project, environment).refuse_doubts([("container", "kafka-1"), VOLUME])


@pytest.mark.parametrize("name", ["stacks/messaging/renamed.json", "stacks/old-name/dev.json"])
def test_what_the_state_of_a_stack_or_project_that_was_renamed_knows_is_not_left_over(
    project: Project, environment: dict[str, str], name: str
) -> None:
    write(project.folder, state(volume("data")), name)

    with pytest.raises(ProjectError, match="nothing was removed: the volume data is in the state"):
        place(project, environment).refuse_doubts([VOLUME])


@pytest.mark.parametrize("name", [ITS_STATE, f"{ITS_STATE}.zst", "stacks/dev.json"])
def test_a_state_of_the_same_stack_that_cannot_be_read_may_know_all(
    project: Project, environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    (tmp_path / "chosen").mkdir()
    environment["PULUMI_BACKEND_URL"] = (tmp_path / "chosen").as_uri()
    write(project.folder, "{ damaged", name)

    with pytest.raises(ProjectError, match=r"nothing was removed: .*If it is out of date, move it away"):
        place(project, environment).refuse_doubts([VOLUME])


def test_a_relative_address_proves_no_state_lost(project: Project, environment: dict[str, str]) -> None:
    folder = project.folder / "my state"
    folder.mkdir()
    environment["PULUMI_BACKEND_URL"] = "file://my state"

    with pytest.raises(ProjectError, match=f"PULUMI_BACKEND_URL={folder.as_uri()}"):
        place(project, environment).refuse_doubts([VOLUME])

    write(folder, state(container("kafka-1")))
    place(project, environment).refuse_doubts([VOLUME])


@pytest.mark.parametrize("content", ["{ damaged", '{"$pulumiSecureStore": 1, "data": "x"}'])
def test_a_login_that_cannot_be_read_may_lead_to_the_state(
    project: Project, environment: dict[str, str], content: str
) -> None:
    log_in(environment, content)

    with pytest.raises(
        ProjectError, match=f"nobody knows where .*PULUMI_BACKEND_URL={project.folder.as_uri()}"
    ):
        place(project, environment).refuse_doubts([VOLUME])

    environment["PULUMI_BACKEND_URL"] = project.folder.as_uri()
    place(project, environment).refuse_doubts([VOLUME])


def test_where_nothing_is_to_be_removed_nothing_is_in_doubt(
    project: Project, environment: dict[str, str]
) -> None:
    log_in(environment, "{ damaged")

    place(project, environment).refuse_doubts([])
