"""Requests to Kafka that are asked for at the same time go out as one."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

import pytest

from engine.providers.kafka.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 5.0


class Kafka:
    """Keeps each request until the test answers it."""

    def __init__(self) -> None:
        self.requests: list[dict[str, int]] = []
        self.answers: list[dict[str, Future[str]]] = []
        self.refuses = False
        self._asked = threading.Condition()

    def send(self, items: Mapping[str, int]) -> Mapping[str, Future[str]]:
        self.requests.append(dict(items))
        if self.refuses:
            raise ConnectionError("no broker")
        with self._asked:
            self.answers.append({name: Future() for name in items})
            self._asked.notify()
        return self.answers[-1]

    def wait_for(self, requests: int) -> None:
        with self._asked:
            assert self._asked.wait_for(lambda: len(self.answers) >= requests, PATIENCE)

    def answer(self, number: int) -> None:
        for name, future in self.answers[number].items():
            future.set_result(f"{name} done")


def test_what_is_asked_for_within_a_moment_is_one_request() -> None:
    class AtOnce(Kafka):
        def send(self, items: Mapping[str, int]) -> Mapping[str, Future[str]]:
            answers = super().send(items)
            self.answer(-1)
            return answers

    kafka = AtOnce()
    batch = Batch(kafka.send, seconds=0.2)

    outcomes = [batch.submit(name, number) for number, name in enumerate("abc")]

    assert [one.result(PATIENCE) for one in outcomes] == ["a done", "b done", "c done"]
    assert kafka.requests == [{"a": 0, "b": 1, "c": 2}]


def test_what_is_asked_for_during_a_request_goes_out_together_after_it() -> None:
    kafka = Kafka()
    batch = Batch(kafka.send, seconds=0)
    first = batch.submit("a", 0)
    kafka.wait_for(1)
    later = [batch.submit(name, 1) for name in "bcd"]
    assert len(kafka.requests) == 1

    kafka.answer(0)
    kafka.wait_for(2)
    kafka.answer(1)

    assert first.result(PATIENCE) == "a done"
    assert [one.result(PATIENCE) for one in later] == ["b done", "c done", "d done"]
    assert kafka.requests == [{"a": 0}, {"b": 1, "c": 1, "d": 1}]


def test_two_of_the_same_name_go_out_one_after_the_other() -> None:
    kafka = Kafka()
    batch = Batch(kafka.send, seconds=0.1)
    outcomes = [batch.submit("a", 1), batch.submit("a", 2)]

    for number in range(2):
        kafka.wait_for(number + 1)
        kafka.answer(number)

    assert [one.result(PATIENCE) for one in outcomes] == ["a done", "a done"]
    assert kafka.requests == [{"a": 1}, {"a": 2}]


def test_a_request_that_cannot_be_sent_fails_for_all_in_it_and_for_nobody_else() -> None:
    kafka = Kafka()
    kafka.refuses = True
    batch = Batch(kafka.send, seconds=0.1)

    for outcome in [batch.submit("a", 0), batch.submit("b", 0)]:
        with pytest.raises(ConnectionError, match="no broker"):
            outcome.result(PATIENCE)

    kafka.refuses = False
    outcome = batch.submit("c", 0)
    kafka.wait_for(1)
    kafka.answer(0)
    assert outcome.result(PATIENCE) == "c done"


def test_what_kafka_refuses_fails_alone() -> None:
    kafka = Kafka()
    batch = Batch(kafka.send, seconds=0.1)
    refused, taken = batch.submit("a", 0), batch.submit("b", 0)
    kafka.wait_for(1)

    kafka.answers[0]["a"].set_exception(ValueError("bad name"))
    kafka.answers[0]["b"].set_result("b done")

    assert taken.result(PATIENCE) == "b done"
    with pytest.raises(ValueError, match="bad name"):
        refused.result(PATIENCE)
    next_one = batch.submit("c", 0)
    kafka.wait_for(2)
    kafka.answer(1)
    assert next_one.result(PATIENCE) == "c done"
