"""Parts of a page fail one by one, end by their deadline, and share what several of them want."""

import threading
import time

import pytest

from messaging.console.parts import Cache, Deadline, Gatherer, NotFoundError, Part, ReadError, attempt


def refuse() -> str:
    raise ReadError("no broker")


def test_a_part_that_fails_leaves_the_others() -> None:
    parts = Gatherer().gather(Deadline(), {"good": lambda: 1, "bad": refuse})
    assert parts == {"good": Part(value=1), "bad": Part(error="no broker")}


def test_what_does_not_exist_is_told_from_what_does_not_answer() -> None:
    def missing() -> str:
        raise NotFoundError("no such topic")

    assert Gatherer().gather(Deadline(), {"topic": missing})["topic"].missing


def test_a_late_part_is_given_up() -> None:
    release = threading.Event()
    started = time.monotonic()
    parts = Gatherer().gather(Deadline(0.05), {"late": release.wait, "good": lambda: 1})
    release.set()
    assert parts["late"].error == "no answer in time"
    assert parts["good"].value == 1
    assert time.monotonic() - started < 3


def test_a_defect_in_one_part_is_logged_and_does_not_show_its_insides(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> int:
        return int("secret")

    part = Gatherer().gather(Deadline(), {"x": broken})["x"]
    assert part.error == "unexpected failure; the console's log has the details"
    assert "reading x failed" in caplog.text


def test_callers_at_once_share_one_read() -> None:
    cache: Cache[int] = Cache(60)
    reads = []
    gate = threading.Event()

    def read() -> int:
        gate.wait(5)
        reads.append(1)
        return 7

    results: list[int] = []
    threads = [
        threading.Thread(target=lambda: results.append(cache.get("k", read, Deadline()))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert (results, len(reads)) == ([7] * 6, 1)


def test_a_value_is_read_anew_when_it_is_old() -> None:
    cache: Cache[int] = Cache(0)
    numbers = iter(range(9))
    assert [cache.get("k", lambda: next(numbers), Deadline()) for _ in range(3)] == [0, 1, 2]


def test_a_failure_is_remembered_for_a_moment_with_its_kind() -> None:
    cache: Cache[str] = Cache(60, error_seconds=60)
    with pytest.raises(ReadError, match="no broker"):
        cache.get("k", refuse, Deadline())
    with pytest.raises(ReadError, match="no broker"):
        cache.get("k", lambda: "now it works", Deadline())


def test_the_cache_forgets_what_was_not_wanted_for_longest() -> None:
    cache: Cache[int] = Cache(60, entries=2)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda: 1, Deadline())
    assert cache.get("a", lambda: 2, Deadline()) == 1
    assert cache.get("b", lambda: 2, Deadline()) == 2


def test_an_attempt_gives_the_value_or_the_reason() -> None:
    assert attempt(lambda: 3) == (3, None)
    assert attempt(refuse) == (None, "no broker")
