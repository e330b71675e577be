"""Which release line of Kafka an image's name promises. Pure.

A broker of an older line may not read what a newer one has written down, so lines are compared before
anything runs. What an image really holds is not looked into.
"""

from __future__ import annotations

import re

_TAGGED = re.compile(
    r"(?:^|/)(?P<product>[a-z0-9._-]+):v?(?P<major>\d+)\.(?P<minor>\d+)(?:[.-][\w.-]+)?(?:@\S+)?$"
)
_PLATFORM = frozenset({"cp-kafka", "cp-server", "cp-enterprise-kafka"})
_KAFKA = frozenset({"kafka", "kafka-native"})
_PLATFORM_AHEAD = 4
"""Confluent Platform 7.0 brought Kafka 3.0, 8.0 brought 4.0, and each minor version since then its own."""
_FIRST_ALIGNED = 7


def kafka_release(image: str) -> str:
    """The line, such as ``4.1``; empty where the name tells none.

    Args:
        image: a complete reference, such as ``confluentinc/cp-kafka:8.1.2`` (Kafka 4.1) or
            ``mirror:5000/apache/kafka:4.1.0``.
    """
    found = _TAGGED.search(image)
    if found is None:
        return ""
    major, minor = int(found["major"]), int(found["minor"])
    if found["product"] in _PLATFORM and major >= _FIRST_ALIGNED:
        return f"{major - _PLATFORM_AHEAD}.{minor}"
    return f"{major}.{minor}" if found["product"] in _KAFKA else ""


def older(release: str, than: str) -> bool:
    """Whether a line comes before another; False where one of them is unknown."""
    return bool(release and than) and _ordered(release) < _ordered(than)


def _ordered(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))
