"""Event patterns, judged by what AWS and its reference engine said of 305 of them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.events import matching, pattern
from faaslab.events.pattern_text import DEEPEST, InvalidPattern

RECORDED = Path(__file__).parents[2].parent / "shared" / "conformance" / "event_patterns.json"
CASES = json.loads(RECORDED.read_text("utf-8"))["cases"] if RECORDED.exists() else []
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


def matches(asked, event):
    return pattern.compiled_from(asked).matches(event)


def refused(text):
    with pytest.raises(InvalidPattern) as error:
        pattern.compiled(text)
    return error.value.reason


@pytest.mark.skipif(not CASES, reason="the recorded cases lie beside the repository, and not here")
def test_all_recorded_cases_are_there():
    assert len(CASES) == 305


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_recorded_case(case):
    text = case.get("pattern_text") or json.dumps(case["pattern"])
    if case["expected"] != "error":
        assert pattern.compiled(text).matches(case["event"]) == (case["expected"] == "match")
        return
    ours, theirs = refused(text), case.get("error") or ""
    # The recording is cut short, and the reference tells some places twice.
    assert theirs.startswith(ours[: len(theirs)])


@pytest.mark.parametrize(
    ("asked", "event", "answer"),
    [
        ({"a": [1]}, {"a": True}, False),
        ({"a": [True]}, {"a": 1}, False),
        ({"a": [None]}, {"a": None}, True),
        ({"a": [None]}, {}, False),
        ({"a": [""]}, {"a": ""}, True),
        ({"a": [{"exists": False}]}, {"a": []}, True),
        ({"a": [{"exists": False}]}, {"a": None}, False),
        ({"a": {"b": [{"exists": False}], "c": [1]}}, {"a": [{"c": 1}, {"b": 2}]}, False),
        ({"a": {"b": [{"exists": False}, 3]}}, {"a": [{"b": 1}, {"b": 3}]}, True),
        ({"a.b": [1]}, {"a": {"b": 1}}, True),
        ({"a": {"b": [1]}}, {"a.b": 1}, True),
        ({"a": {"b": [1], "c": [2]}}, {"a": [{"b": 1, "c": 3}, {"b": 2, "c": 2}]}, False),
        ({"a": {"b": [1], "c": [2]}}, {"a": [[{"b": 0}], [{"b": 1, "c": 2}]]}, True),
        ({"$or": [{"a": [1]}, {"b": [1]}], "c": [1]}, {"b": 1, "c": 1}, True),
        ({"$or": [{"a": [1]}, {"b": [1]}], "c": [1]}, {"b": 1, "c": 2}, False),
        ({"$or": [1, 2]}, {"$or": 2}, True),
        ({"$or": [{"prefix": "a"}, {"prefix": "b"}]}, {"$or": "bc"}, True),
        ({"a": [{"wildcard": "*\\**"}]}, {"a": "x*y"}, True),
        ({"a": [{"wildcard": "*\\**"}]}, {"a": "xy"}, False),
        ({"a": [{"wildcard": "ab*ba"}]}, {"a": "aba"}, False),
        ({"a": [{"wildcard": "a*b*c"}]}, {"a": "a-b-b-c"}, True),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.0.255"}, True),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.1.0"}, False),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "::1"}, False),
        ({"a": [{"numeric": ["=", 3]}]}, {"a": 3.0}, True),
        ({"a": [{"numeric": [">=", 1, "<", 2]}]}, {"a": [5, 1]}, True),
        ({"a": [{"numeric": ["<", 2]}]}, {"a": True}, False),
        ({"a": [{"anything-but": {"prefix": ["x", "y"]}}]}, {"a": "z"}, True),
        ({"a": [{"anything-but": {"wildcard": ["x*", "*y"]}}]}, {"a": "ay"}, False),
        ({"a": [{"anything-but": [1]}]}, {}, False),
        ({"a": [{"suffix": {"equals-ignore-case": "ÄB"}}]}, {"a": "cäb"}, True),
    ],
)
def test_what_matches(asked, event, answer):
    assert matches(asked, event) is answer


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "Empty objects are not allowed"),
        ("", "Invalid JSON"),
        ("{'a': [1]}", "Invalid JSON"),
        ('{"a": [1],}', "Invalid JSON"),
        ('{"a": [1,]}', "Invalid JSON"),
        ('{"a": [01]}', "Invalid JSON"),
        ('{"a": [NaN]}', "Invalid JSON"),
        ('{"a": [1]} 1', "Invalid JSON"),
        ('{"a" [1]}', "Invalid JSON"),
        ('{"a": ["\\ud8', "Invalid JSON"),
        ('{"a": [[1]]}', "Match value must be String, number, true, false, or null"),
        ('{"a": [{}]}', "Match expression name not found"),
        ('{"a": [{"exists": 1}]}', "exists match pattern must be either true or false."),
        ('{"a": [{"numeric": [">", 5, "<", 5]}]}', "Bottom must be less than top"),
        ('{"a": [{"numeric": []}]}', "Invalid member in numeric match"),
        ('{"a": [{"cidr": "10.0.0.1"}]}', "Malformed CIDR"),
        ('{"a": [{"wildcard": "a\\\\b"}]}', "Invalid escape character at pos 2"),
        ('{"$or": [{"a": [1]}, {"b": [{"prefix": 1}]}]}', "prefix match pattern must be a string"),
        ('{"a": [{"numeric": ["=", 1e999]}]}', "Value of equals must be numeric"),
    ],
)
def test_what_is_refused(text, reason):
    assert refused(text).startswith(reason)


def test_a_refusal_is_worded_as_awss_and_says_what_would_be_right():
    with pytest.raises(InvalidPattern) as error:
        pattern.compiled('{"source":"shop"}')
    assert error.value.message == (
        'Event pattern is not valid. Reason: "source" must be an object or an array\n'
        ' at [Source: (String)"{"source":"shop"}"; line: 1, column: 12]'
    )
    assert "an array of values" in error.value.hint


def test_no_more_branches_than_aws_allows():
    def ors(count):
        return {f"f{n}": {"$or": [{"a": [1]}, {"b": [1]}]} for n in range(count)}

    assert matches(ors(9), {f"f{n}": {"b": 1} for n in range(9)})
    assert "$or may lead to at most 1000" in refused(json.dumps(ors(60)))


def test_what_is_nested_too_deep_is_refused_and_what_is_deep_in_an_event_is_met():
    assert refused('{"a":' * 100_000).startswith("Nested deeper than 100 levels")
    asked: object = [1]
    event: object = 1
    for _ in range(DEEPEST - 1):
        asked, event = {"a": asked}, {"a": [event]}
    assert matches(asked, event)
    nested: object = [1]
    for _ in range(20_000):
        nested = [nested]
    assert matches({"a": [1]}, {"a": nested})


def test_hostile_expressions_and_events_take_no_time():
    stars = pattern.compiled_from({"a": [{"wildcard": "*a*a*a*b"}]})
    assert not stars.matches({"a": "a" * 1_000_000})
    crowd = pattern.compiled_from({"a": {f"k{n}": [{"exists": True}] for n in range(50)}})
    elements = [{f"k{n}": 1} for n in range(50)] * 200
    assert not crowd.matches({"a": elements})
    dotted = pattern.compiled_from({"a": {"b": {"c": [1], "d": [2]}}})
    assert not dotted.matches({"a.b." + "c." * 10_000: 1, "a": [{"b": [{"c": 1}] * 300}] * 300})
    for written in ("*" + "a" * 1000, "a*" * 12):
        with pytest.raises(ValueError, match="too complex"):
            matching.wildcard(written)


@given(JSON)
def test_a_value_is_matched_by_itself_and_not_by_anything_but_itself(value):
    if isinstance(value, dict | list):
        return
    assert matches({"a": [value]}, {"a": value})
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        assert not matches({"a": [{"anything-but": [value]}]}, {"a": value})


@given(st.text(max_size=40), JSON)
def test_any_text_is_a_pattern_or_refused(text, event):
    for each in (text, json.dumps(event)):
        try:
            compiled = pattern.compiled(each)
        except InvalidPattern:
            continue
        assert compiled.matches({"a": event}) in (True, False)


@given(st.text("ab*", max_size=8).filter(lambda text: "**" not in text), st.text("ab", max_size=8))
def test_a_wildcard_is_what_a_regular_expression_says(written, value):
    import re

    try:
        test = matching.wildcard(written)
    except ValueError:
        return
    expected = re.fullmatch(re.escape(written).replace(r"\*", ".*"), value, re.DOTALL) is not None
    assert test(value) is expected
