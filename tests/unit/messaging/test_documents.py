"""Documents that people write: whatever is wrong in them is told as such, with its place where it has one."""

from __future__ import annotations

import pytest

from messaging.documents import DocumentError, read_json, read_placed_json, read_placed_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2026-02-30", "line 2, column 4: '2026-02-30' is no date"),
        ("a: 2026-01-01 99:00:00", "line 1, column 4: '2026-01-01 99:00:00' is no date"),
        ("a: 2026-01-01T00:00:00+99:00", "is no date"),
        ("a: !!timestamp soon", "'soon' is no date"),
        ("a: !!int abc", "line 1, column 4: 'abc' is no number; put it in quotes if it is a text"),
        ("a: !!int ''", "'' is no number"),
        ("a: !!float abc", "'abc' is no number"),
        ("a: !!bool abc", "'abc' is no truth"),
        (f"a: {'1' * 5000}", "1… is no number"),
        (f"a: {'[' * 5000}{']' * 5000}", "nested too deeply"),
    ],
)
def test_a_value_that_yaml_cannot_make_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(DocumentError) as refused:
        read_placed_yaml(text)

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("number", "made"),
    [("010", "8"), ("-010", "-8"), ("1:10", "70"), ("1:10.0", "70.0"), ("1_000", "1000"), ("0b11", "3")],
)
@pytest.mark.parametrize("text", ["a: {}", "a: {{x: [{}]}}", "{}: a"])
def test_a_number_that_versions_of_yaml_read_differently_is_refused(
    text: str, number: str, made: str
) -> None:
    with pytest.raises(DocumentError) as refused:
        read_yaml(text.format(number))

    assert f"'{number}' is {made} in one version of YAML and something else in another" in str(refused.value)
    assert str(refused.value).startswith(f"line 1, column {text.format(number).index(number) + 1}: ")
    assert "put it in quotes" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("0x10", 16),
        ("0.5", 0.5),
        ("00.5", 0.5),
        ("1.5e+3", 1500.0),
        ("-.inf", float("-inf")),
        ("'010'", "010"),
        ("'1:10'", "1:10"),
    ],
)
def test_a_number_that_all_versions_of_yaml_read_alike_is_one(text: str, made: object) -> None:
    assert read_yaml(f"a: {text}") == {"a": made}


def test_dates_numbers_and_truths_are_read_as_before() -> None:
    document = read_yaml("[2026-02-28, 12, 1.5, yes, '2026-02-30']")

    assert isinstance(document, list)
    assert [str(one) for one in document] == ["2026-02-28", "12", "1.5", "True", "2026-02-30"]


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("NaN", "JSON has no NaN"),
        ("-Infinity", "JSON has no -Infinity"),
        ("1e999", "the number '1e999' is too large"),
        ("9" * 5000, "a number has 5000 digits"),
    ],
)
def test_a_number_that_no_json_could_hold_is_refused_with_the_line_of_its_object(
    number: str, told: str
) -> None:
    with pytest.raises(DocumentError, match=told):
        read_json(number)
    with pytest.raises(DocumentError, match=f"not usable, in the object on line 2: {told}"):
        read_placed_json(f'{{"a": [\n{{"b": [{number}]}}]}}')


@pytest.mark.parametrize("text", [r'"\ud83d"', r'["\ude00\ud83d"]', r'"unit: \ud83d!"'])
def test_half_a_character_is_refused_with_the_line_of_its_object(text: str) -> None:
    with pytest.raises(
        DocumentError, match=r"not usable, in the object on line 2: the text .* half a character"
    ):
        read_placed_json(f'{{"a": [\n{{"b": [{text}]}}]}}')
    with pytest.raises(DocumentError, match="half a character"):
        read_placed_json(text)


def test_half_a_character_in_a_key_is_refused() -> None:
    with pytest.raises(DocumentError, match="half a character"):
        read_placed_json(r'{"\ud83d": 1}')


@pytest.mark.parametrize("text", [r'"\ud83d\ude00"', '"\U0001f600"'])
def test_a_whole_character_is_read_however_it_is_written(text: str) -> None:
    assert read_placed_json(f'{{"a": {text}}}')[0] == {"a": "\U0001f600"}
