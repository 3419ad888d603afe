"""Python values as wire JSON."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.errors import InvalidValue
from faaslab.lab.payloads import encode, items

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_has_a_json_form_comes_back_equal(value):
    assert json.loads(encode(value)) == value


@given(st.text(alphabet=st.characters(categories=["Cs", "L"])))
def test_lone_surrogates_are_escaped(text):
    assert json.loads(encode([text])) == json.loads(json.dumps([text]))


def loop():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ({"a": [1, {"b/c": object()}]}, "/a/1/b~1c"),
        ([float("nan")], "/0"),
        (float("inf"), "/"),
        ({"x": {1, 2}}, "/x"),
        ({(1, 2): 3}, "/(1, 2)"),
        (loop(), "/0"),
    ],
)
def test_what_has_none_is_named_by_its_place(value, at):
    with pytest.raises(InvalidValue, match="has no JSON form") as caught:
        encode(value)
    assert str(caught.value.message).endswith(f"at {at}")


def test_limits_are_lambdas():
    assert len(encode("x" * (6 * 1024 * 1024 - 2))) == 6 * 1024 * 1024
    with pytest.raises(InvalidValue, match="6 MB"):
        encode("x" * (6 * 1024 * 1024 - 1))
    with pytest.raises(InvalidValue, match="1 MB"):
        encode("x" * 1024 * 1024, asynchronous=True)


def test_a_data_frame_is_its_records():
    df = pd.DataFrame({"n": [1, 2], "t": pd.to_datetime(["2026-01-01", None]), "x": [0.5, float("nan")]})
    assert json.loads(encode(df)) == items(df)
    first, second = items(df)
    assert first["n"] == 1
    assert first["t"].startswith("2026-01-01T00:00:00")
    assert second == {"n": 2, "t": None, "x": None}


def test_a_row_of_a_data_frame_has_its_names():
    df = pd.DataFrame({"n": [1, 2], "t": pd.to_datetime(["2026-01-01", None]), "x": ["a", None]})
    assert json.loads(encode(df.iloc[0])) == items(df)[0]
    assert json.loads(encode(df.iloc[1])) == {"n": 2, "t": None, "x": None}
    assert json.loads(encode(df["n"])) == [1, 2]


def test_numbers_and_arrays_of_numpy_are_plain_ones():
    value = {"n": np.int64(4), "x": np.float32(0.5), "yes": np.bool_(True), "all": np.arange(3)}  # noqa: FBT003
    assert json.loads(encode(value)) == {"n": 4, "x": 0.5, "yes": True, "all": [0, 1, 2]}
    with pytest.raises(InvalidValue, match="nan has no JSON form, at /a/1"):
        encode({"a": np.array([1.0, float("nan")])})
    with pytest.raises(InvalidValue, match="type set has no JSON form, at /b"):
        encode({"a": np.int64(1), "b": {1}})


def test_items():
    assert items(range(3)) == [0, 1, 2]
    assert items(pd.Series([1.5, 2.5])) == [1.5, 2.5]
    assert items(iter("ab")) == ["a", "b"]
    for value in ("text", {"a": 1}, 5, b"x"):
        with pytest.raises(InvalidValue, match="not a collection"):
            items(value)


def test_bytes_pass_as_they_are():
    assert encode(b'{"a" : 1}') == b'{"a" : 1}'
