"""How the virtual environment is made, with a Python that only notes what it is told."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = """#!/bin/sh
unset CDPATH
echo "$@" >> "{notes}"
if [ "$2" = venv ]; then
  for last; do :; done
  rm -rf "$last"; mkdir -p "$last/bin"
  cp "$0" "$last/bin/python"
  touch "$last/pip"
fi
if [ "$2" = pip ]; then
  here=$(cd "$(dirname "$0")" && pwd -P)
  if [ ! -e "$here/../pip" ]; then exit 1; fi
  if [ "$3" = install ]; then echo "#!$here/python" > "$here/pulumi"; fi
fi
"""


class Checkout:
    """A folder with the Makefile."""

    def __init__(self, folder: Path, notes: Path) -> None:
        self.folder, self._notes = folder, notes

    def make(self) -> str:
        """Has the virtual environment made; what it says."""
        self._notes.unlink(missing_ok=True)
        python = self.folder.parent / "python"
        words = ["make", ".venv/.installed", f"PYTHON={python}"]
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def noted(self) -> list[str]:
        return self._notes.read_text().splitlines() if self._notes.exists() else []

    @property
    def made(self) -> bool:
        """Whether the last run made it anew."""
        return any(line.startswith("-m venv") for line in self.noted)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    if not shutil.which("make"):
        pytest.skip("there is no make")
    folder = tmp_path / "my checkout"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (folder / name).touch()
    notes = tmp_path / "notes"
    (tmp_path / "python").write_text(PYTHON.format(notes=notes))
    (tmp_path / "python").chmod(0o755)
    return Checkout(folder, notes)


def test_the_virtual_environment_is_made_once(checkout: Checkout) -> None:
    checkout.make()
    assert checkout.made

    checkout.make()
    assert checkout.noted == []


def test_one_without_pip_is_made_anew(checkout: Checkout) -> None:
    checkout.make()
    (checkout.folder / ".venv" / ".installed").unlink()
    (checkout.folder / ".venv" / "pip").unlink()

    checkout.make()

    assert checkout.made


def test_one_whose_packages_were_not_all_installed_is_kept(checkout: Checkout) -> None:
    checkout.make()
    (checkout.folder / ".venv" / ".installed").unlink()

    checkout.make()

    assert not checkout.made
    assert sum("pip install" in line for line in checkout.noted) == 2


def test_a_search_path_for_folders_is_no_reason_to_make_it_anew(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDPATH", f".:{checkout.folder}")
    checkout.make()

    checkout.make()

    assert checkout.noted == []


def test_one_from_a_folder_whose_name_ends_like_this_one_is_made_anew(checkout: Checkout) -> None:
    checkout.make()
    note = checkout.folder / ".venv" / ".installed"
    note.write_text(f"/home/me{note.read_text()}")

    checkout.make()

    assert checkout.made


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_one_that_came_with_its_checkout_from_elsewhere_is_made_anew_once(
    checkout: Checkout, how: str
) -> None:
    checkout.make()
    there = checkout.folder.with_name("elsewhere")
    if how == "moved":
        checkout.folder.rename(there)
    else:
        shutil.copytree(checkout.folder, there, symlinks=True)
    checkout.folder = there

    assert "this checkout was moved or copied" in checkout.make()
    assert checkout.made

    checkout.make()
    assert checkout.noted == []


def test_one_that_an_earlier_makefile_made_is_kept(checkout: Checkout) -> None:
    checkout.make()
    (checkout.folder / ".venv" / ".installed").write_text("")

    checkout.make()

    assert checkout.noted == []


def test_one_that_is_elsewhere_behind_a_link_is_kept(checkout: Checkout) -> None:
    checkout.make()
    real = checkout.folder.with_name("environment")
    other = checkout.folder.with_name("other")
    (checkout.folder / ".venv").rename(real)
    (real / ".installed").write_text(f"{real}/bin/python\n")
    shutil.copytree(checkout.folder, other)
    (other / ".venv").symlink_to(real)
    checkout.folder = other

    checkout.make()

    assert not checkout.made
