"""Choice rules: every operator on every kind of value, rules within rules, and what fails the state."""

import contextlib
import json
from datetime import datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.query import choice
from faaslab.workflow.scope import Scope

VALUES = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1.0,
    "text": "abc",
    "empty": "",
    "list": [],
    "object": {},
    "time": "2026-01-01T00:00:00Z",
}


@pytest.fixture
def holds(seen):
    def ask(rule, document=VALUES, **others):
        return choice.matches(rule, seen(document, **others))

    return ask


@pytest.mark.parametrize(
    ("operator", "those"),
    [
        ("IsNull", {"null"}),
        ("IsBoolean", {"true", "false"}),
        ("IsNumeric", {"zero", "one"}),
        ("IsString", {"text", "empty", "time"}),
        ("IsTimestamp", {"time"}),
        ("IsPresent", set(VALUES)),
    ],
)
def test_what_kind_a_value_is(holds, operator, those):
    for name in VALUES:
        rule = {"Variable": f"$.{name}"}
        assert holds({**rule, operator: True}) is (name in those), name
        assert holds({**rule, operator: False}) is (name not in those), name


@pytest.mark.parametrize(
    ("kind", "less", "more"),
    [
        ("Numeric", -1, 0.5),
        ("Numeric", 2**53, 2**53 + 1),
        ("Numeric", 9007199254740993, 9007199254740994.0),
        ("Numeric", 10**300, 10**301),
        ("String", "", "a"),
        ("String", "A", "a"),
        ("String", "AB", "ABC"),
        ("String", "é", "😀"),
        ("String", "😀", "\uffee"),  # as UTF-16 has it
        ("Timestamp", "2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00Z"),
        ("Timestamp", "2026-01-01T00:00:00.000000001Z", "2026-01-01T00:00:00.000000002Z"),
    ],
)
def test_comparisons(holds, kind, less, more):
    answers = {
        "Equals": (False, True),
        "LessThan": (True, False),
        "GreaterThan": (False, False),
        "LessThanEquals": (True, True),
        "GreaterThanEquals": (False, True),
    }
    for name, (when_less, when_same) in answers.items():
        operator = f"{kind}{name}"
        document = {"less": less, "more": more}
        assert holds({"Variable": "$.less", operator: more}, document) is when_less, name
        assert holds({"Variable": "$.less", operator: less}, document) is when_same, name
        assert holds({"Variable": "$.less", f"{operator}Path": "$.more"}, document) is when_less, name
        assert holds({"Variable": "$.more", f"{operator}Path": "$.more"}, document) is when_same, name


def test_timestamps_are_instants(holds):
    document = {"at": "2026-01-01T12:00:00+02:00"}
    for same in ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.000Z", "2026-01-01T05:00:00-05:00"):
        assert holds({"Variable": "$.at", "TimestampEquals": same}, document)


@pytest.mark.parametrize("kind", ["Numeric", "String", "Timestamp"])
@pytest.mark.parametrize("name", ["Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"])
def test_a_value_of_another_kind_never_compares(holds, kind, name):
    wanted = {"Numeric": 0, "String": "abc", "Timestamp": "2026-01-01T00:00:00Z"}[kind]
    ours = {"Numeric": {"zero", "one"}, "String": {"text", "empty", "time"}, "Timestamp": {"time"}}[kind]
    for value in set(VALUES) - ours:
        assert not holds({"Variable": f"$.{value}", f"{kind}{name}": wanted})
        assert not holds({"Variable": f"$.{min(ours)}", f"{kind}{name}Path": f"$.{value}"})


def test_true_is_not_one(holds):
    assert not holds({"Variable": "$.true", "NumericEquals": 1})
    assert not holds({"Variable": "$.one", "BooleanEquals": True})
    assert holds({"Variable": "$.true", "BooleanEqualsPath": "$.true"})
    assert not holds({"Variable": "$.true", "BooleanEqualsPath": "$.false"})


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("log-*.txt", "log-1.txt", True),
        ("log-*.txt", "log-.txt", True),
        ("log-*.txt", "log-1.txt.gz", False),
        ("*", "", True),
        ("*", "a\nb", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "acb", False),
        ("ab*ba", "aba", False),
        ("**", "x", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        (r"a\\*", "a\\x", True),
        (r"\d", "\\d", True),
        (r"\d", "5", False),
        ("a.c", "abc", False),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_string_matches(holds, pattern, text, fits):
    assert holds({"Variable": "$.x", "StringMatches": pattern}, {"x": text}) is fits


def test_string_matches_is_for_strings(holds):
    assert not any(
        holds({"Variable": f"$.{name}", "StringMatches": "*"}) for name in ("null", "one", "list", "true")
    )


def test_a_pattern_of_stars_ends_at_once(holds):
    pattern, text = "a*" * 50 + "b", "a" * 100_000
    assert not holds({"Variable": "$.x", "StringMatches": pattern}, {"x": text})
    assert holds({"Variable": "$.x", "StringMatches": pattern}, {"x": text + "b"})
    part = "*" + "a" * 50_000 + "b*"
    assert not holds({"Variable": "$.x", "StringMatches": part}, {"x": text})


def test_rules_are_combined_and_asked_no_further_than_needed(holds):
    yes, no = {"Variable": "$.true", "IsBoolean": True}, {"Variable": "$.true", "IsNull": True}
    fails = {"Variable": "$.not.there", "IsNull": True}
    assert holds({"And": [yes, yes]})
    assert not holds({"And": [yes, no, fails]})
    assert holds({"Or": [no, yes, fails]})
    assert not holds({"Or": [no, no]})
    assert holds({"Not": no})
    assert holds({"And": [yes, {"Or": [no, {"Not": {"And": [yes, no]}}]}]})
    assert not holds({"Not": {"Or": [{"Not": no}, fails]}})
    with pytest.raises(StateFailure):
        holds({"And": [yes, fails]})


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"Variable": "$.no", "IsNull": True}, "$.no"),
        ({"Variable": "$.no", "NumericEquals": 1}, "$.no"),
        ({"Variable": "$.zero", "NumericEqualsPath": "$.right"}, "$.right"),
        ({"Variable": "$v", "StringEquals": ""}, "$v"),
        ({"Not": {"Variable": "$$.no", "IsString": True}}, "$$.no"),
    ],
)
def test_a_path_that_names_nothing_fails_the_state(holds, rule, path):
    with pytest.raises(StateFailure) as error:
        holds(rule)
    assert (error.value.error, error.value.framed) == ("States.Runtime", True)
    assert error.value.cause == (
        f"Invalid path '{path}': The choice state's condition path references an invalid value."
    )


def test_a_variable_that_is_not_there_is_not_present(holds):
    assert holds({"Variable": "$.no.such", "IsPresent": False})
    assert not holds({"Variable": "$.no.such", "IsPresent": True})
    assert not holds({"Variable": "$.list[0]", "IsPresent": True})
    assert holds({"Variable": "$.null", "IsPresent": True})


def test_the_context_and_variables_can_be_asked(holds):
    assert holds({"Variable": "$$.n", "NumericEqualsPath": "$v"}, context={"n": 1}, variables={"v": 1.0})


def test_depth_is_no_recursion(holds):
    rule = {"Variable": "$.true", "BooleanEquals": True}
    for _ in range(5_000):
        rule = {"Not": {"And": [{"Or": [rule]}]}}
    assert holds(rule)


# -- any rule on any document


PATHS = st.sampled_from(["$.a", "$.b", "$.a[0]", "$..a", "$.c.d", "$$.x", "$v", "$", "$.a[?(@ > 1)]"])
WANTED = {
    "Numeric": st.integers() | st.floats(),
    "String": st.text(max_size=3),
    "Timestamp": st.just("2026-01-01T00:00:00Z"),
    "Boolean": st.booleans(),
}
NAMES = ["Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"]
COMPARISONS = [(f"{kind}{name}", kind) for kind in ("Numeric", "String", "Timestamp") for name in NAMES]
TESTS = (
    st.sampled_from([*COMPARISONS, ("BooleanEquals", "Boolean"), ("StringMatches", "String")]).flatmap(
        lambda pair: st.tuples(st.just(pair[0]), WANTED[pair[1]])
    )
    | st.tuples(st.sampled_from([f"{name}Path" for name, _ in COMPARISONS] + ["BooleanEqualsPath"]), PATHS)
    | st.tuples(
        st.sampled_from(["IsNull", "IsPresent", "IsNumeric", "IsString", "IsTimestamp"]), st.booleans()
    )
)
RULES = st.recursive(
    st.builds(lambda path, test: {"Variable": path, test[0]: test[1]}, PATHS, TESTS),
    lambda inner: (
        st.builds(lambda one: {"Not": one}, inner)
        | st.builds(lambda rules: {"And": rules}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda rules: {"Or": rules}, st.lists(inner, min_size=1, max_size=3))
    ),
    max_leaves=6,
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)


def expected(rule, scope):
    """The rule gone through as the language says, in the plainest way."""
    if "Not" in rule:
        return not expected(rule["Not"], scope)
    if "And" in rule:
        return all(expected(inner, scope) for inner in rule["And"])
    if "Or" in rule:
        return any(expected(inner, scope) for inner in rule["Or"])
    return choice.matches(rule, scope)


@given(RULES, DOCUMENTS)
@settings(max_examples=150)
def test_any_rule_holds_or_not_or_fails_the_state(rule, document):
    before = json.dumps(document)
    scope = Scope(document, {"x": 1}, {"v": "a"}, Random(1), datetime(2026, 1, 1))
    with contextlib.suppress(StateFailure):
        assert choice.matches(rule, scope) is expected(rule, scope)
    assert json.dumps(document) == before
