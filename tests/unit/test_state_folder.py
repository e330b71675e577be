"""Which backend is meant and which folder its address names: as the Pulumi CLI reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import state_folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PULUMI_HOME": str(tmp_path)}


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("file:///srv/state", "/srv/state"),
        ("file:///srv/my%20state", "/srv/my state"),
        ("file:///srv/my state", "/srv/my state"),
        ("file:///srv/caf%C3%A9", "/srv/café"),
        ("file:///srv/100%25", "/srv/100%"),
        ("file:///srv/state?no_tmp_dir=true&metadata=skip", "/srv/state"),
        ("file:///srv/state#there", "/srv/state"),
        ("file:///srv/link/../state/", "/srv/state"),
        ("file://state/of%20ours", "state/of ours"),
        ("file://./state", "state"),
        ("file://../state", "../state"),
        ("file://", "."),
    ],
)
def test_an_address_names_a_folder(address: str, path: str) -> None:
    assert state_folder.path(address) == Path(path)


@pytest.mark.parametrize(("address", "below"), [("file://~", ()), ("file://~/my%20state", ("my state",))])
def test_a_tilde_is_ones_own_home(address: str, below: tuple[str, ...]) -> None:
    assert state_folder.path(address) == Path.home().joinpath(*below)


@pytest.mark.parametrize(
    "folder", ["/srv/my state", "/srv/100%", "/srv/what?", "/srv/#1", "/srv/~", "/srv/a+b"]
)
def test_a_folders_own_address_leads_back_to_it(folder: str) -> None:
    assert state_folder.path(Path(folder).as_uri()) == Path(folder)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("s3://bucket/state", "does not begin with file://"),
        ("https://api.pulumi.com", "does not begin with file://"),
        ("file:/srv/state", "does not begin with file://"),
        ("/srv/state", "does not begin with file://"),
        ("file:///srv/state?prefix=team/", "asks for prefix"),
        ("file:///srv/state?no_tmp_dir=true&key=", "asks for key"),
        ("file://~other/state", "one's own home alone"),
    ],
)
def test_an_address_that_may_lead_elsewhere_is_refused(address: str, reason: str) -> None:
    with pytest.raises(state_folder.AddressError, match=reason):
        state_folder.path(address)


def test_the_environment_wins_over_the_project_and_that_over_a_login(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert not state_folder.chosen(environment, "")
    (tmp_path / "credentials.json").write_text(json.dumps({"current": "file:///login"}))
    assert state_folder.chosen(environment, "") == "file:///login"
    assert state_folder.chosen(environment, "file:///project") == "file:///project"
    environment["PULUMI_BACKEND_URL"] = "file:///environment"
    assert state_folder.chosen(environment, "file:///project") == "file:///environment"


def test_a_login_is_where_the_cli_was_told_to_keep_it(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "credentials.json").write_text(json.dumps({"current": "file:///login"}))

    assert not state_folder.chosen(environment, "")
    environment["PULUMI_CREDENTIALS_PATH"] = str(tmp_path / "elsewhere")
    assert state_folder.chosen(environment, "") == "file:///login"


@pytest.mark.parametrize("content", ["", "{}", '{"current": ""}', '{"current": null, "accounts": {}}'])
def test_who_logged_out_has_chosen_nothing(environment: dict[str, str], tmp_path: Path, content: str) -> None:
    (tmp_path / "credentials.json").write_text(content)

    assert not state_folder.login(environment)


@pytest.mark.parametrize(
    "content", ["{ damaged", "[]", '{"current": 1}', '{"$pulumiSecureStore": 1}', "\udcff"]
)
def test_a_login_that_cannot_be_read_is_told_from_none(
    environment: dict[str, str], tmp_path: Path, content: str
) -> None:
    (tmp_path / "credentials.json").write_bytes(content.encode(errors="surrogateescape"))

    with pytest.raises(state_folder.AddressError, match=r"credentials\.json"):
        state_folder.login(environment)
    assert not state_folder.chosen(environment, "")
