"""Plain words of YAML, read as yaml.v3 reads them, which is the CLI's library: its readings stand below."""

from __future__ import annotations

import math

import pytest

from engine.workspace.scalars import is_mistakable, value_of

NUMBERS = {
    "1e3": 1000.0,
    "0123456789": 123456789.0,
    "12345e7": 123450000000.0,
    "08901": 8901.0,
    "1.5e5": 150000.0,
    "1_0e3": 10000.0,
    ".1e5": 10000.0,
    ".5_0": 0.5,
    "5.": 5.0,
    "-.5": -0.5,
    "12345678901234567890123": 1.2345678901234568e22,
    "+18446744073709551615": 1.8446744073709552e19,
    "-9223372036854775809": -9.223372036854775809e18,
    "18446744073709551615": 18446744073709551615,
    "-9223372036854775808": -9223372036854775808,
    "0777": 511,
    "0_777": 511,
    "0o17": 15,
    "-0o17": -15,
    "0X1F": 31,
    "0b_1": 1,
    "-0b11": -3,
    "-_1": -1,
    "+5": 5,
    "00": 0,
}
OTHERS = {"": None, "~": None, "Null": None, "true": True, "FALSE": False}
TEXTS = [
    "on",
    "yes",
    "12:30",
    "0o",
    "0o18",
    "0x",
    "1e",
    "1e999",
    "1.2.3",
    "_1",
    "+",
    ".",
    "tRUE",
    "2024-01-05",
]


@pytest.mark.parametrize(("word", "value"), [*NUMBERS.items(), *OTHERS.items(), *((t, t) for t in TEXTS)])
def test_a_plain_word_is_what_the_cli_takes_it_for(word: str, value: object) -> None:
    assert (value_of(word), type(value_of(word))) == (value, type(value))


def test_what_is_no_finite_number_is_read_too() -> None:
    assert value_of("-.Inf") == -math.inf
    assert math.isnan(float(value_of(".nan") or 0))


@pytest.mark.parametrize("word", [*NUMBERS, "2024-1-5", "2024-01-05 1:2:3"])
def test_a_text_that_might_be_a_number_or_a_date_is_known_as_such(word: str) -> None:
    assert is_mistakable(word)


@pytest.mark.parametrize("word", ["4g", "host:9092", "dev", "x1", "a-1", "10s"])
def test_other_texts_need_no_quotes_for_it(word: str) -> None:
    assert not is_mistakable(word)
