"""Payload templates: what is constant, what is looked up, and what is said when it is not there."""

import contextlib
import copy
import json
from datetime import datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.query import template
from faaslab.workflow.scope import Scope

KEYS = st.sampled_from(["a", "b.$", "c"])
TEMPLATES = st.recursive(
    st.none()
    | st.integers()
    | st.sampled_from(["$.x", "$.no", "$$.y", "States.UUID()", "States.Nothing()", "$[", "text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def rendered(wanted, scope):
    return template.rendered(wanted, scope, "Parameters")


def refused(wanted, scope):
    with pytest.raises(StateFailure) as error:
        rendered(wanted, scope)
    assert error.value.error == "States.Runtime"
    assert error.value.framed
    return error.value.cause


def test_paths_context_variables_and_functions_at_any_depth(seen):
    scope = seen({"a": {"b": [1, 2]}, "n": "x"}, {"Execution": {"Id": "e"}}, {"v": {"w": 5}})
    wanted = {
        "path.$": "$.a.b",
        "list": [{"first.$": "$.a.b[0]"}, "$.a", ["deep", {"id.$": "$$.Execution.Id"}]],
        "variable.$": "$v.w",
        "function.$": "States.Format('{}-{}', $.n, $v.w)",
        "all.$": "$.a.b[*]",
        "plain": "$.a",
        "number": 1,
    }
    assert rendered(wanted, scope) == {
        "path": [1, 2],
        "list": [{"first": 1}, "$.a", ["deep", {"id": "e"}]],
        "variable": 5,
        "function": "x-5",
        "all": [1, 2],
        "plain": "$.a",
        "number": 1,
    }


def test_the_order_of_the_keys_is_the_templates(seen):
    assert list(rendered({"z.$": "$.x", "a": 1, "m.$": "$.x"}, seen({"x": 1}))) == ["z", "a", "m"]


def test_what_is_constant_is_shared_and_what_is_found_as_well(seen):
    constant, found = {"deep": [1]}, {"x": [2]}
    answer = rendered({"constant": constant, "found.$": "$.x"}, seen(found))
    assert answer["constant"] is constant
    assert answer["found"] is found["x"]


def test_a_template_is_anything(seen):
    for wanted in (None, 1, "text", "$.a", [], {}, [1, {}]):
        assert rendered(wanted, seen({})) == wanted


def test_what_cannot_be_found_is_named_with_its_key_and_the_input(seen):
    assert refused({"in": [{"address.$": "$.application.address"}]}, seen({"flagged": False})) == (
        "The JSONPath '$.application.address' specified for the field 'address.$' could not be found in the "
        "input '{\"flagged\":false}'"
    )


def test_the_context_object_is_quoted_where_it_was_asked(seen):
    assert refused({"c.$": "$$.No"}, seen({"a": 1}, {"State": {"Name": "P"}})) == (
        "The JSONPath '$$.No' specified for the field 'c.$' could not be found in the input "
        '\'{"State":{"Name":"P"}}\''
    )


def test_an_index_past_the_end_is_null_in_a_template(seen):
    assert rendered({"v.$": "$.items[5]"}, seen({"items": [1, 2]})) == {"v": None}


def test_an_index_of_what_is_no_list_is_told_as_it_is(seen):
    assert refused({"v.$": "$.a[0].b"}, seen({"a": {"x": "y"}})) == (
        "Filter: [0]['b'] can only be applied to arrays. Current context is: {x=y}"
    )


def test_nothing_is_looked_up_in_no_input(seen):
    cause = "Unable to apply Path transformation to null or empty input."
    assert refused({"a.$": "$.x"}, seen(None)) == cause
    assert refused({"a.$": "$"}, seen(None)) == cause
    assert rendered({"a.$": "$$.x", "b.$": "$v"}, seen(None, {"x": 1}, {"v": 2})) == {"a": 1, "b": 2}


def test_depth_is_no_recursion(seen):
    wanted = {"x.$": "$.a"}
    for _ in range(10_000):
        wanted = {"in": [wanted]}
    answer = rendered(wanted, seen({"a": 7}))
    for _ in range(10_000):
        answer = answer["in"][0]
    assert answer == {"x": 7}


def test_a_deep_input_is_quoted(seen):
    deep = []
    for _ in range(10_000):
        deep = [deep]
    assert refused({"x.$": "$.a"}, seen({"b": deep})).endswith("]" * 10_001 + "}'")


@given(TEMPLATES)
def test_any_template_gives_something_or_fails_the_state(wanted):
    before = copy.deepcopy(wanted)
    scope = Scope({"x": 1}, {"y": 2}, {}, Random(1), datetime(2026, 1, 1))
    with contextlib.suppress(StateFailure):
        json.dumps(rendered(wanted, scope))
    assert wanted == before
