"""Which folders the engine keeps states in, and which it leaves to the CLI that wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import Unsupported
from engine.state.backend import Backend
from engine.workspace.project import Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(name="shop", root=tmp_path)


def test_a_state_lies_in_the_folder_that_the_address_names(project: Project, tmp_path: Path) -> None:
    backend = Backend(f"file://{tmp_path}/my%20state?no_tmp_dir=true", project)

    assert backend.file("dev") == tmp_path / "my state" / ".pulumi" / "stacks" / "shop" / "dev.json"


def test_a_relative_address_is_relative_to_the_current_folder(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert Backend("file://state", project).folder == tmp_path / "state" / ".pulumi"


@pytest.mark.parametrize("address", ["s3://bucket", "file:///srv/state?prefix=team/", "file:/srv/state"])
def test_what_the_cli_would_look_for_elsewhere_is_left_to_it(project: Project, address: str) -> None:
    with pytest.raises(Unsupported, match=r"is not supported by the embedded engine.*use the Pulumi CLI"):
        Backend(address, project)


def test_a_refused_address_is_told_without_its_password_and_its_query(project: Project) -> None:
    with pytest.raises(Unsupported, match=r"'postgres://\*\*\*@db\.example/pulumi'") as refused:
        Backend("postgres://user:s3c/r@t?pw@db.example/pulumi?key=s3cret", project)

    assert "s3c" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "says"), [("meta.yaml", "version: 0"), ("stacks/dev.json", "{}"), ("stacks/prod.json.gz", "")]
)
def test_a_folder_of_the_old_layout_is_left_to_the_cli(
    project: Project, tmp_path: Path, name: str, says: str
) -> None:
    file = tmp_path / ".pulumi" / name
    file.parent.mkdir(parents=True)
    file.write_text(says)

    with pytest.raises(Unsupported, match=r"layout 0.*`pulumi state upgrade`"):
        Backend(tmp_path.as_uri(), project)


def test_what_an_upgrade_left_of_the_old_layout_is_no_obstacle(project: Project, tmp_path: Path) -> None:
    kept = tmp_path / ".pulumi"
    (kept / "stacks").mkdir(parents=True)
    (kept / "meta.yaml").write_text("version: 1\n")
    (kept / "stacks" / "dev.json").write_text("{}")

    assert Backend(tmp_path.as_uri(), project).stacks() == []
