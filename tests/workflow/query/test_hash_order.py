"""Unique items in the order of a hash set of Java, as AWS was seen to give them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.workflow.query import hash_order, values


@pytest.mark.parametrize(
    ("items", "order"),
    [
        ([True, False, True, False], [False, True]),
        ([[1, 2], [1, 2], [2, 1]], [[2, 1], [1, 2]]),
        (["a", "b", "a", "c", "b"], ["a", "b", "c"]),
        ([None, None, 1, None], [None, 1]),
        ([1, "1", 1, "01"], [1, "1", "01"]),
        ([1, 2, 1, 3, 2, 4], [1, 2, 3, 4]),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], [{"a": 1, "b": 2}]),
        (["x", "x", "y"], ["x", "y"]),
        ([1, 1.0], [1, 1.0]),
        ([17, 1], [17, 1]),
        ([*range(16, 0, -1)], [*range(1, 17)]),
        ([], []),
    ],
)
def test_the_order_of_unique_items(items, order):
    assert hash_order.unique(items) == order


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, 0),
        (True, 1231),
        (False, 1237),
        ("", 0),
        ("a", 97),
        ("hello", 99162322),
        ("😀", 1772899),
        (7, 7),
        (-1, 2**32 - 1),
        (2**31, 2**31),
        (-(2**31) - 1, 2**31),
        (2**63, -(2**31) * 31 & 0xFFFFFFFF),
        (1.0, 1072693248),
        (0.0, 0),
        (-0.0, 2**31),
        (0.1, 0x3FB99999 ^ 0x9999999A),
        ([], 1),
        ([1, 2], 994),
        ({}, 0),
        ({"a": 1}, 97 ^ 1),
        ({"a": [1], "b": None}, ((97 ^ 32) + 98)),
    ],
)
def test_the_hash_of_a_value(value, code):
    assert hash_order.hash_code(value) == code


@given(
    st.lists(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.floats(allow_nan=False),
        max_size=40,
    )
)
def test_each_item_is_there_once(items):
    found = hash_order.unique(items)
    assert len({values.canonical(item) for item in found}) == len(found)
    assert {values.canonical(item) for item in found} == {values.canonical(item) for item in items}
    assert hash_order.unique(found) == hash_order.unique(hash_order.unique(found))
