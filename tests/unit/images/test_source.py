"""Where images come from: who decides, in which order, and that a decision stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from images import site_file, source
from images.catalogue import IMAGES
from images.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SILENT = {"docker.io": "no such host"}


def decide(
    asked: str | None = None,
    *,
    site: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    unreachable: Callable[[], Mapping[str, str]] | None = None,
) -> source.Decision:
    return source.decide(
        asked, site=site or {}, environment=environment or {}, unreachable=unreachable or (lambda: SILENT)
    )


def never() -> Mapping[str, str]:
    raise AssertionError("no registry has to be asked")


def test_without_a_registry_in_reach_images_are_built_here_and_the_reason_is_told() -> None:
    decision = decide()

    assert decision.source == "local"
    assert "docker.io: no such host" in str(decision)


def test_where_the_registries_answer_the_public_images_are_taken() -> None:
    assert decide(unreachable=dict).source == "registry"


def test_an_earlier_decision_stays_without_asking_anyone() -> None:
    assert decide(site={"imageSource": "registry"}, unreachable=never).source == "registry"


def test_auto_decides_anew() -> None:
    assert decide("auto", site={"imageSource": "registry"}).source == "local"


def test_the_environment_wins_over_the_earlier_decision() -> None:
    decision = decide(
        site={"imageSource": "registry"}, environment={source.VARIABLE: "local"}, unreachable=never
    )

    assert decision.source == "local"


def test_the_command_line_wins_over_the_environment() -> None:
    decision = decide("registry", environment={source.VARIABLE: "local"}, unreachable=never)

    assert decision.source == "registry"


def test_a_word_that_is_no_source_is_refused_with_the_allowed_ones() -> None:
    with pytest.raises(ImageError, match=r"'docker'.*local, registry or auto"):
        decide("docker")
    with pytest.raises(ImageError, match=r"'public'.*local or registry"):
        decide(environment={source.VARIABLE: "public"})


def test_every_public_image_is_pinned_to_a_version() -> None:
    for role, pin in source.pins().items():
        assert ":" in pin.rpartition("/")[2], role
        assert not pin.endswith(":latest"), role


def test_the_public_broker_is_of_the_same_kafka_line_as_the_one_built_here() -> None:
    # Confluent's 8.N is Kafka 4.N.
    line = {"8.0": "4.0", "8.1": "4.1", "8.2": "4.2"}
    public = source.pins()["kafka"].rpartition(":")[2].rpartition(".")[0]
    built = next(image.version for image in IMAGES if image.role == "kafka")

    assert built.startswith(line[public])


def test_a_local_decision_is_noted_beside_what_others_wrote(tmp_path: Path) -> None:
    path = tmp_path / ".site.yaml"
    path.write_text("advertisedHost: kafka.example.org\nimages:\n  kafka: old:1\n  console: c:1\n")

    site_file.write_local({"kafka": "new:2"}, path)

    assert yaml.safe_load(path.read_text()) == {
        "advertisedHost": "kafka.example.org",
        "imageSource": "local",
        "images": {"kafka": "new:2", "console": "c:1"},
    }


def test_choosing_the_public_images_forgets_the_built_ones(tmp_path: Path) -> None:
    path = tmp_path / ".site.yaml"
    site_file.write_local({"kafka": "new:2"}, path)

    site_file.write_registry(path)

    assert site_file.read(path) == {"imageSource": "registry"}


def test_an_unchanged_note_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / ".site.yaml"
    site_file.write_local({"kafka": "new:2"}, path)
    before = path.stat()

    site_file.write_local({"kafka": "new:2"}, path)

    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a: [", "is not YAML"), (b"- 1", "must be a mapping"), (b"a: \xe4\xf6", "is not YAML")],
)
def test_a_damaged_site_file_is_named_with_the_way_out(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / ".site.yaml"
    path.write_bytes(content)

    with pytest.raises(ImageError, match=rf"(?s){said}.*remove it to decide again"):
        site_file.read(path)


def test_a_folder_in_the_place_of_the_site_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"(?s)Is a directory.*remove it to decide again"):
        site_file.read(tmp_path)


@pytest.mark.parametrize("noted", [["kafka:1"], "kafka:1", {"kafka": ["kafka:1"]}, {"kafka": None}])
def test_noted_images_that_are_none_are_refused_with_the_way_out(noted: object) -> None:
    with pytest.raises(ImageError, match=r"`images` in \.site\.yaml.*make images"):
        site_file.images({"images": noted})


def test_images_that_are_not_noted_are_none() -> None:
    assert site_file.images({}) == {}


def test_a_noted_source_that_is_none_is_refused_and_not_decided_anew() -> None:
    with pytest.raises(ImageError, match=r"'Local'.*local or registry"):
        decide(site={"imageSource": "Local"}, unreachable=never)


def test_auto_decides_anew_whatever_was_noted() -> None:
    assert decide("auto", site={"imageSource": "Local"}).source == "local"
