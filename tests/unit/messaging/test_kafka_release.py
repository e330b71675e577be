"""Release lines of Kafka, as images' names tell them."""

from __future__ import annotations

import pytest

from images.catalogue import NAMESPACE
from messaging.kafka_release import kafka_release, older


@pytest.mark.parametrize(
    ("image", "line"),
    [
        ("confluentinc/cp-kafka:8.1.2", "4.1"),
        ("confluentinc/cp-kafka:7.9.0-1-ubi8", "3.9"),
        ("mirror.example:5000/some/where/cp-server:8.0.0", "4.0"),
        ("confluentinc/cp-kafka:8.1.2@sha256:" + "a" * 64, "4.1"),
        ("apache/kafka:4.10.0", "4.10"),
        ("apache/kafka-native:4.1.0-rc1", "4.1"),
        (f"{NAMESPACE}/kafka:4.1.2-0123456789ab", "4.1"),
        ("confluentinc/cp-kafka:6.2.0", ""),
        ("confluentinc/cp-kafka:latest", ""),
        ("confluentinc/cp-kafka@sha256:" + "a" * 64, ""),
        ("mirror.example:5000/kafka", ""),
        ("bitnami/other:4.1.0", ""),
    ],
)
def test_an_image_is_known_by_product_and_tag(image: str, line: str) -> None:
    assert kafka_release(image) == line


@pytest.mark.parametrize(
    ("release", "than", "answer"),
    [
        ("4.0", "4.1", True),
        ("4.9", "4.10", True),
        ("4.1", "4.1", False),
        ("4.10", "4.9", False),
        ("", "4.1", False),
    ],
)
def test_lines_are_compared_as_numbers_and_only_where_both_are_known(
    release: str, than: str, answer: bool
) -> None:
    assert older(release, than) is answer
