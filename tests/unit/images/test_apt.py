"""The host's way to Debian packages, turned to the release that the images are built on."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from images import apt, certificates, daemon, debian
from images.steps import Log

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

    stanzas = apt.sources("trixie", etc=etc, os_release=release, known=[]).split("\n\n")

    assert len(stanzas) == 2
    assert "Suites: trixie trixie-updates\n" in stanzas[0]
    assert "Types: deb\n" in stanzas[0]
    assert re.search(r"Signed-By: ?\n -----BEGIN PGP", stanzas[0]), "a key may stand in the file"
    assert "Suites: trixie-security\n" in stanzas[1]


def test_third_parties_and_switched_off_entries_are_left_out(etc: Path, release: Path) -> None:
    (etc / "sources.list.d" / "debian.sources").write_text(DEB822)

    found = apt.sources("trixie", etc=etc, os_release=release, known=[])

    assert "third.example" not in found
    assert "off.example" not in found
    assert "backports" not in found


def test_entries_in_lines_are_understood_with_their_options(etc: Path, release: Path) -> None:
    (etc / "sources.list").write_text(
        "# a comment\n"
        "deb [signed-by=/k.gpg arch=amd64] http://mirror.example/debian bookworm main contrib # why\n"
        "deb-src http://mirror.example/debian bookworm main\n"
    )

    assert apt.sources("trixie", etc=etc, os_release=release, known=[]) == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie\nComponents: main contrib\n"
        "Signed-By: /k.gpg\n"
    )


def test_on_a_host_that_is_not_debian_the_bootstrap_tools_mirror_decides(etc: Path, release: Path) -> None:
    release.write_text("ID=ubuntu\nVERSION_CODENAME=jammy\n")
    (etc / "sources.list").write_text("deb http://mirror.example/ubuntu jammy main\n")

    assert apt.sources("trixie", etc=etc, os_release=release, known=[]) == ""


def index(uri: str, suite: str, origin: str, codename: str | None = None) -> apt.Index:
    return apt.Index(uri=uri, suite=suite, codename=codename or suite, origin=origin)


def test_a_third_party_that_uses_debians_suite_is_told_by_its_components(etc: Path, release: Path) -> None:
    (etc / "sources.list").write_text(
        "deb http://mirror.example/debian bookworm main\ndeb http://engine.example/debian bookworm stable\n"
    )

    found = apt.sources("trixie", etc=etc, os_release=release, known=[])

    assert "mirror.example" in found
    assert "engine.example" not in found


def test_a_third_party_that_uses_debians_components_is_told_by_its_publisher(
    etc: Path, release: Path
) -> None:
    (etc / "sources.list").write_text(
        "deb http://a:b@mirror.example/debian/ bookworm main\ndeb http://vendor.example/12 bookworm main\n"
    )
    known = [
        index("http://mirror.example/debian/", "bookworm", "Debian"),
        index("http://vendor.example/12/", "bookworm", "Vendor"),
    ]

    found = apt.sources("trixie", etc=etc, os_release=release, known=known)

    assert "mirror.example" in found
    assert "vendor.example" not in found


def test_a_site_may_publish_its_copy_of_debian_under_its_own_name(etc: Path, release: Path) -> None:
    (etc / "sources.list").write_text("deb http://mirror.example/copy bookworm main\n")
    known = [index("http://mirror.example/copy/", "bookworm", ". bookworm")]

    assert "mirror.example" in apt.sources("trixie", etc=etc, os_release=release, known=known)


def test_a_sites_own_copy_counts_for_the_suites_that_debian_itself_does_not_offer(
    etc: Path, release: Path
) -> None:
    (etc / "sources.list.d" / "site.sources").write_text(
        "Types: deb\nURIs: http://mirror.example/copy\nSuites: bookworm bookworm-security\n"
        "Components: main\n\n"
        "Types: deb\nURIs: http://debian.example/security\nSuites: bookworm-security\nComponents: main\n"
    )
    known = [
        index("http://mirror.example/copy/", "bookworm", ". bookworm"),
        index("http://mirror.example/copy/", "bookworm-security", ". bookworm"),
        index("http://debian.example/security/", "bookworm-security", "Debian"),
    ]

    found = apt.sources("trixie", etc=etc, os_release=release, known=known)

    assert re.findall(r"URIs: (.*)\nSuites: (.*)", found) == [
        ("http://mirror.example/copy", "trixie"),
        ("http://debian.example/security", "trixie-security"),
    ]


def test_an_entry_of_which_apt_knows_nothing_counts(etc: Path, release: Path) -> None:
    (etc / "sources.list").write_text(
        "deb mirror+file:/etc/apt/mirrors/debian.list bookworm main\n"
        "deb http://mirror.example/debian bookworm main\n"
    )
    known = [index("http://mirror.example/debian/", "bookworm", "Debian")]

    assert "debian.list" in apt.sources("trixie", etc=etc, os_release=release, known=known)


def test_a_name_like_oldstable_counts_as_the_release_that_debian_means_by_it(
    etc: Path, release: Path
) -> None:
    (etc / "sources.list").write_text(
        "deb http://mirror.example/debian oldstable main\n"
        "deb http://mirror.example/debian oldstable-updates main\n"
        "deb http://mirror.example/debian stable main\n"
        "deb http://vendor.example/apt stable main\n"
    )
    known = [
        index("http://mirror.example/debian/", "oldstable", "Debian", "bookworm"),
        index("http://mirror.example/debian/", "oldstable-updates", "Debian", "bookworm-updates"),
        index("http://mirror.example/debian/", "stable", "Debian", "trixie"),
        index("http://vendor.example/apt/", "stable", "Vendor", "bookworm"),
    ]

    found = apt.sources("trixie", etc=etc, os_release=release, known=known)

    assert re.findall(r"Suites: (.*)", found) == ["trixie", "trixie-updates"]
    assert "vendor.example" not in found


def test_fields_may_be_written_in_small_letters(etc: Path, release: Path) -> None:
    (etc / "sources.list.d" / "site.sources").write_text(
        "types: deb\nuris: http://mirror.example/debian\nsuites: bookworm\ncomponents: main\n"
    )

    assert apt.sources("trixie", etc=etc, os_release=release, known=[]) == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie\nComponents: main\n"
    )


@pytest.mark.parametrize("word", ["no", "false", "False", "off", "without", "disable"])
def test_every_word_for_off_that_apt_knows_switches_an_entry_off(etc: Path, release: Path, word: str) -> None:
    (etc / "sources.list.d" / "site.sources").write_text(
        f"Types: deb\nURIs: http://off.example/\nSuites: bookworm\nComponents: main\nEnabled: {word}\n"
    )

    assert apt.sources("trixie", etc=etc, os_release=release, known=[]) == ""


def test_changed_mirrors_of_the_host_count_at_the_next_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    (cache / "sources.list.d").mkdir(parents=True)
    (cache / "sources.list").write_text("")
    (cache / "sources.list.d" / "host.sources").write_text("URIs: http://old.example/debian\n")
    used = stand_in(monkeypatch, sources="URIs: http://a:s3cret@new.example/debian\n")

    add(cache, tmp_path)

    assert used == ["URIs: http://a:s3cret@new.example/debian\n"]
    assert "s3cret" not in "".join(path.read_text() for path in cache.rglob("*") if path.is_file())


def test_a_host_without_mirrors_uses_those_of_the_bootstrap_tool_whatever_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = stand_in(monkeypatch, sources="")
    asked: list[list[str]] = []

    def run(_: Log, command: list[str], **__: object) -> None:
        if command[0] == "mmdebstrap":
            asked.append(command)
            [copied] = [word for word in command if word.startswith("--setup-hook=copy-out")]
            (Path(copied.split()[-1]) / "sources.list").write_text("deb http://default.example trixie main\n")

    monkeypatch.setattr(Log, "run", run)
    cache = tmp_path / "cache"  # nobody has built there

    add(cache, tmp_path)

    assert used == ["deb http://default.example trixie main\n"]
    assert "--skip=update" in asked[0]
    assert "the default one is used" in (tmp_path / "log").read_text()


def stand_in(monkeypatch: pytest.MonkeyPatch, *, sources: str) -> list[str]:
    """Nothing of Docker or apt runs; returns the sources that downloads were given."""
    used: list[str] = []

    def download(*_: object, sources: Path, **__: object) -> None:
        used.append("".join(path.read_text() for path in sorted(sources.rglob("*")) if path.is_file()))

    monkeypatch.setattr(apt, "sources", lambda _: sources)
    monkeypatch.setattr(apt, "download", download)
    monkeypatch.setattr(daemon, "container", lambda *_: nullcontext("c1"))
    monkeypatch.setattr(daemon, "read_file", lambda *_: b"")
    monkeypatch.setattr(daemon, "commit", lambda *_: "sha256:1")
    monkeypatch.setattr(Log, "run", lambda *_: None)
    return used


def add(cache: Path, folder: Path) -> None:
    debian.add_packages(
        "base",
        ["wget"],
        cache=cache,
        trust=folder / "pem",
        labels=lambda _: {},
        reference="",
        log=Log(folder / "log"),
    )


def test_the_hosts_credentials_are_found_where_apt_keeps_them(etc: Path) -> None:
    assert apt.credentials(etc=etc) == []

    (etc / "auth.conf").write_text("machine mirror.example login a password b")

    assert apt.credentials(etc=etc) == [etc / "auth.conf"]


def test_the_sites_certificates_are_added_to_what_the_host_trusts(tmp_path: Path) -> None:
    (tmp_path / "corp").mkdir()
    (tmp_path / "corp" / "site.crt").write_bytes(b"-----SITE-----")
    (tmp_path / "notes.txt").write_text("no certificate")

    added = certificates.of_host(tmp_path)

    assert added == {"corp-site.crt": b"-----SITE-----"}
    with certificates.bundle(added) as trust:
        assert trust.pem.read_bytes().endswith(b"-----SITE-----")
        assert len(trust.pem.read_bytes()) > 10_000, "the system's own are in it, too"
        assert len(trust.java.read_bytes()) > 10_000
        assert trust.pem.stat().st_mode & 0o044, "apt downloads as a user of its own"
    assert not trust.pem.exists()


def test_certificates_of_one_name_in_several_folders_all_count(tmp_path: Path) -> None:
    for number, folder in enumerate(("a", "b", "a/b", "a-b")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "ca.crt").write_text(f"{number}")

    assert sorted(certificates.of_host(tmp_path).values()) == [b"0", b"1", b"2", b"3"]


def test_what_is_named_like_a_certificate_and_is_none_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "dangling.crt").symlink_to(tmp_path / "nothing")
    (tmp_path / "folder.crt").mkdir()
    (tmp_path / "site.crt").write_text("one")

    assert certificates.of_host(tmp_path) == {"site.crt": b"one"}
    assert certificates.no_files(tmp_path) == [tmp_path / "dangling.crt", tmp_path / "folder.crt"]


def test_versions_are_those_of_installed_packages() -> None:
    status = (
        "Package: bash\nStatus: install ok installed\nVersion: 5.2.37-2\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
    )

    assert debian.versions(status) == {"bash": "5.2.37-2"}
