"""The host's way to Debian packages, turned to the release that the images are built on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from images import apt, certificates, debian

if TYPE_CHECKING:
    from pathlib import Path

DEB822 = """\
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://third.example/apt
Suites: stable
Components: contrib
"""


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    (folder / "sources.list.d").mkdir(parents=True)
    return folder


@pytest.fixture
def release(tmp_path: Path) -> Path:
    file = tmp_path / "os-release"
    file.write_text('PRETTY_NAME="Debian"\nID=debian\nVERSION_CODENAME=bookworm\n')
    return file


def test_the_mirrors_of_this_release_are_used_for_the_other_one(etc: Path, release: Path) -> None:
    (etc / "sources.list.d" / "debian.sources").write_text(DEB822)

    stanzas = apt.sources("trixie", etc=etc, os_release=release).split("\n\n")

    assert len(stanzas) == 2
    assert "Suites: trixie trixie-updates\n" in stanzas[0]
    assert "Types: deb\n" in stanzas[0]
    assert re.search(r"Signed-By: ?\n -----BEGIN PGP", stanzas[0]), "a key may stand in the file"
    assert "Suites: trixie-security\n" in stanzas[1]


def test_third_parties_and_switched_off_entries_are_left_out(etc: Path, release: Path) -> None:
    (etc / "sources.list.d" / "debian.sources").write_text(DEB822)

    found = apt.sources("trixie", etc=etc, os_release=release)

    assert "third.example" not in found
    assert "off.example" not in found
    assert "backports" not in found


def test_entries_in_lines_are_understood_with_their_options(etc: Path, release: Path) -> None:
    (etc / "sources.list").write_text(
        "# a comment\n"
        "deb [signed-by=/k.gpg arch=amd64] http://mirror.example/debian bookworm main contrib # why\n"
        "deb-src http://mirror.example/debian bookworm main\n"
    )

    assert apt.sources("trixie", etc=etc, os_release=release) == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie\nComponents: main contrib\n"
        "Signed-By: /k.gpg\n"
    )


def test_on_a_host_that_is_not_debian_the_bootstrap_tools_mirror_decides(etc: Path, release: Path) -> None:
    release.write_text("ID=ubuntu\nVERSION_CODENAME=jammy\n")
    (etc / "sources.list").write_text("deb http://mirror.example/ubuntu jammy main\n")

    assert apt.sources("trixie", etc=etc, os_release=release) == ""


def test_the_hosts_credentials_are_found_where_apt_keeps_them(etc: Path) -> None:
    assert apt.credentials(etc=etc) == []

    (etc / "auth.conf").write_text("machine mirror.example login a password b")

    assert apt.credentials(etc=etc) == [etc / "auth.conf"]


def test_the_sites_certificates_are_added_to_what_the_host_trusts(tmp_path: Path) -> None:
    (tmp_path / "corp").mkdir()
    (tmp_path / "corp" / "site.crt").write_bytes(b"-----SITE-----")
    (tmp_path / "notes.txt").write_text("no certificate")

    added = certificates.of_host(tmp_path)

    assert added == {"site.crt": b"-----SITE-----"}
    with certificates.bundle(added) as trust:
        assert trust.pem.read_bytes().endswith(b"-----SITE-----")
        assert len(trust.pem.read_bytes()) > 10_000, "the system's own are in it, too"
        assert len(trust.java.read_bytes()) > 10_000
        assert trust.pem.stat().st_mode & 0o044, "apt downloads as a user of its own"
    assert not trust.pem.exists()


def test_versions_are_those_of_installed_packages() -> None:
    status = (
        "Package: bash\nStatus: install ok installed\nVersion: 5.2.37-2\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
    )

    assert debian.versions(status) == {"bash": "5.2.37-2"}
