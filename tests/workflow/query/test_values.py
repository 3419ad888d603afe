"""JSON values compared and written as text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.workflow.query import values
from faaslab.workflow.query.identity import MadeOnce

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, -0.0, 0.5]) | st.sampled_from(["", "1", "a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=6,
)  # fmt: skip


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1, "1"),
        (1.0, "1.0"),
        (-1.5, "-1.5"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (0.00012, "1.2E-4"),
        (1e-7, "1.0E-7"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"),
        (1e16, "1.0E16"),
        (1.5e300, "1.5E300"),
        (123456789012345678901234567890, "123456789012345678901234567890"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (float("nan"), "NaN"),
    ],
)
def test_a_number_is_written_as_java_does(number, text):
    assert values.number_text(number) == text


def test_a_number_too_long_to_be_written_is_no_error():
    assert values.number_text(10**5000).startswith("0x")
    assert values.json_text([10**5000]).startswith("[0x")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_that_was_written_is_read_again(number):
    assert float(values.number_text(number)) == number


@given(JSON)
def test_json_text_is_json(value):
    assert repr(json.loads(values.json_text(value))) == repr(value)


def test_half_a_surrogate_pair_is_an_escape():
    assert values.json_text(["a\ud83d", "😀"]) == '["a\\ud83d","😀"]'


def test_json_text_is_compact_and_keeps_what_is_not_ascii():
    assert values.json_text({"ü": [1, {"a\n": None}], "": "\u0000"}) == '{"ü":[1,{"a\\n":null}],"":"\\u0000"}'


@given(JSON, JSON)
def test_values_with_the_same_text_are_the_same(left, right):
    assert values.same(left, right) or values.canonical(left) != values.canonical(right)
    assert values.canonical(left) == values.canonical(json.loads(json.dumps(left, sort_keys=True)))
    assert values.same(left, json.loads(json.dumps(left)))


@pytest.mark.parametrize(
    ("left", "right", "answer"),
    [
        (1, 1.0, True),
        (0, -0.0, True),
        (True, 1, False),
        (False, 0, False),
        (None, False, False),
        ("1", 1, False),
        ([1, [2]], [1.0, [2]], True),
        ([1], [1, 1], False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"b": 1}, False),
        ({}, [], False),
    ],
)
def test_what_is_the_same(left, right, answer):
    assert values.same(left, right) is answer
    assert values.same(right, left) is answer


def test_what_was_made_of_an_object_is_found_again_and_the_store_is_bounded():
    made = []

    def make(thing):
        made.append(thing)
        return len(made)

    once = MadeOnce(make, most=2)
    first, second, third = {}, {}, {}
    assert [once(first), once(second), once(first)] == [1, 2, 1]
    once(third)
    assert once(third) == 3
    assert once(first) == 4


@pytest.mark.parametrize("number", [0.001, 0.0005, 1e7, 12345678.5, 1e16, 1e-7, -1e21, float("inf")])
def test_a_number_within_is_written_as_it_is_alone(number):
    assert values.json_text({"a": [number]}) == f'{{"a":[{values.number_text(number)}]}}'
