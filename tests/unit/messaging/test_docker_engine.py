"""Addresses of a Docker engine that cannot be used are told in words that help."""

from __future__ import annotations

import pytest

from messaging.docker_engine import NoAnswerError, connected


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ssh://ops@host", "is not asked over SSH. Make a tunnel to its socket"),
        (
            "garbage",
            "'garbage' is no address of a Docker engine. DOCKER_HOST is tcp://HOST:PORT or unix:///PATH",
        ),
    ],
)
@pytest.mark.parametrize("configured", [True, False])
def test_what_is_no_address_is_told_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, address: str, words: str, *, configured: bool
) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)

    with (
        pytest.raises(NoAnswerError, match="Docker engine") as refused,
        connected(address if configured else ""),
    ):
        pass

    assert words in str(refused.value)
