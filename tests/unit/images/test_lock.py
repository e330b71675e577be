"""What downloads are checked against: the console's part of the lock, and Maven's list of checksums."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from images import certificates, cli, downloads
from images.catalogue import PROJECT, Image
from images.daemon import Present
from images.errors import ImageError
from images.lock import part_of_lock
from images.prune import named_by_stacks, superfluous
from images.steps import Log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = """\
flask==3.1.3 \\
    --hash=sha256:aa
    # via iot-platform-messaging (pyproject.toml)
jinja2==3.1.6 \\
    --hash=sha256:bb
    # via flask
MarkupSafe==3.0.3 \\
    --hash=sha256:cc
    # via
    #   jinja2
    #   werkzeug
pulumi==3.272.0 \\
    --hash=sha256:dd
    # via iot-platform-messaging (pyproject.toml)
"""


def test_a_part_of_the_lock_holds_what_its_packages_need_and_no_more() -> None:
    part = part_of_lock(LOCK, ["Flask"])

    assert "flask==3.1.3" in part
    assert "jinja2==3.1.6" in part
    assert "MarkupSafe==3.0.3" in part
    assert "pulumi" not in part
    assert "via" not in part


def test_a_package_that_the_lock_lacks_is_named_with_the_way_to_add_it() -> None:
    with pytest.raises(ImageError, match=r"no django: add them to pyproject\.toml"):
        part_of_lock(LOCK, ["django"])


def test_the_committed_lock_of_the_console_is_a_part_of_the_projects() -> None:
    whole = (PROJECT / "requirements.lock").read_text()
    names = (PROJECT / "images" / "console" / "requirements.in").read_text().split()

    assert (PROJECT / "images" / "console" / "requirements.lock").read_text() == part_of_lock(whole, names)


def test_a_list_of_checksums_is_what_sha256sum_reads(tmp_path: Path) -> None:
    folder = tmp_path / "jars"
    folder.mkdir()
    (folder / "a.jar").write_bytes(b"a")

    downloads.write_list(tmp_path / downloads.LIST, folder)

    done = subprocess.run(["sha256sum", "-c", tmp_path / downloads.LIST], cwd=folder, check=False)
    assert done.returncode == 0


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for mvn that brings one altered and one unexpected artifact."""
    script = tmp_path / "bin" / "mvn"
    script.parent.mkdir()
    script.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        "target = next(a.partition('=')[2] for a in sys.argv if a.startswith('-DoutputDirectory='))\n"
        "pathlib.Path(target).mkdir(parents=True)\n"
        "pathlib.Path(target, 'a.jar').write_text('other')\n"
        "pathlib.Path(target, 'b.jar').write_text('new')\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    return tmp_path


@pytest.fixture
def trust() -> Iterator[certificates.Trust]:
    with certificates.bundle({}) as trust:
        yield trust


def test_artifacts_that_differ_from_the_list_are_refused_by_name(
    maven: Path, trust: certificates.Trust
) -> None:
    folder = maven / "kafka"
    folder.mkdir()
    (folder / downloads.LIST).write_text(f"{'0' * 64}  a.jar\n{'1' * 64}  c.jar\n")

    with pytest.raises(ImageError) as refused:
        downloads.artifacts(
            folder,
            version="1",
            cache=maven / "cache",
            repository=maven / "repository",
            trust=trust,
            log=Log(maven / "log"),
        )

    said = str(refused.value)
    assert "missing: c.jar" in said
    assert "not in the list: b.jar" in said
    assert "altered: a.jar" in said
    assert "python -m images lock" in said


# Believes what its local repository holds, as Maven does, and else downloads `good`.
BELIEVING_MAVEN = """\
import pathlib, sys
said = dict(a.split('=', 1) for a in sys.argv[1:] if '=' in a)
kept = pathlib.Path(said['-Dmaven.repo.local'], 'org', 'a', '1', 'a.jar')
if not kept.exists():
    kept.parent.mkdir(parents=True)
    kept.write_text('good')
target = pathlib.Path(said['-DoutputDirectory'])
target.mkdir(parents=True, exist_ok=True)
(target / 'a.jar').write_bytes(kept.read_bytes())
"""


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A local repository with a damaged artifact, beside an image's folder whose list has the good one."""
    script = tmp_path / "bin" / "mvn"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\n{BELIEVING_MAVEN}")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "pom.xml").write_text("")
    (tmp_path / "kafka" / downloads.LIST).write_text(f"{hashlib.sha256(b'good').hexdigest()}  a.jar\n")
    jar = tmp_path / "cache" / "maven" / "org" / "a" / "1" / "a.jar"
    jar.parent.mkdir(parents=True)
    jar.write_text("damaged")
    return jar


def test_a_damaged_artifact_that_was_kept_is_thrown_away_and_downloaded_again(
    tmp_path: Path, damaged: Path, trust: certificates.Trust
) -> None:
    found = downloads.artifacts(
        tmp_path / "kafka",
        version="1",
        cache=tmp_path / "cache" / "artifacts",
        repository=tmp_path / "cache" / "maven",
        trust=trust,
        log=Log(tmp_path / "log"),
    )

    assert (found / "a.jar").read_text() == "good"
    assert damaged.read_text() == "good", "the next build finds nothing damaged"
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"maven", "artifacts"}


def test_an_altered_artifact_is_never_told_to_be_locked(maven: Path, trust: certificates.Trust) -> None:
    folder = maven / "kafka"
    folder.mkdir()
    (folder / downloads.LIST).write_text(f"{'0' * 64}  a.jar\n")

    with pytest.raises(ImageError, match="a repository sends other files than those that were locked"):
        downloads.artifacts(
            folder,
            version="1",
            cache=maven / "cache",
            repository=maven / "repository",
            trust=trust,
            log=Log(maven / "log"),
        )


def test_a_list_is_renewed_from_a_fresh_download_and_not_from_what_was_kept(
    tmp_path: Path, damaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (tmp_path / "kafka" / downloads.LIST).read_text()

    class Kafka(Image):
        folder = tmp_path / "kafka"

    monkeypatch.setattr("images.cli.IMAGES", (Kafka(role="kafka", version="1", title="Kafka"),))
    monkeypatch.setattr("images.cli.PROJECT", tmp_path)
    monkeypatch.setattr("images.cli.LOGS", tmp_path / "logs")
    monkeypatch.setattr("images.cli.CACHE", tmp_path / "cache", raising=False)
    (tmp_path / "requirements.lock").write_text("")

    cli.lock()

    assert damaged.read_text() == "damaged", "what was kept had no part in it"
    assert (tmp_path / "kafka" / downloads.LIST).read_text() == before


def test_a_command_that_is_not_installed_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ImageError, match=r"`mvn` is not installed.*apt-get install maven"):
        Log(tmp_path / "log").run(["mvn"])


def test_a_command_that_fails_shows_the_end_of_its_output(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"(?s)failed with code 3.*the reason"):
        Log(tmp_path / "log").run(["bash", "-c", "echo the reason; exit 3"])


def test_only_images_that_are_neither_current_nor_used_are_pruned() -> None:
    images = [Present(id=f"sha256:{one}", reference=f"iot-platform/{one}:1", size="1MB") for one in "abc"]

    gone = superfluous(images, current={"iot-platform/a:1"}, used={"sha256:b"})

    assert [image.reference for image in gone] == ["iot-platform/c:1"]


def test_an_image_that_a_stacks_file_names_is_not_superfluous(tmp_path: Path) -> None:
    images = [Present(id=f"sha256:{one}", reference=f"iot-platform/kafka:{one}", size="1MB") for one in "abc"]
    (tmp_path / "Pulumi.prod.yaml").write_text(
        "config:\n  messaging:images:\n    kafka: iot-platform/kafka:b\n"
    )

    assert named_by_stacks(images, tmp_path) == {"iot-platform/kafka:b"}
