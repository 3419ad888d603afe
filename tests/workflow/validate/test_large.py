"""Definitions that are as large and as deep as they may be, and larger and deeper."""

import json

import pytest

from faaslab.workflow.validate import diagnostics, variable_references


def machine(state):
    return {"StartAt": "S", "States": {"S": {**state, "End": True}}}


def nested(levels):
    inside = {"StartAt": "E", "States": {"E": {"Type": "Succeed"}}}
    for level in range(levels):
        parallel = {"Type": "Parallel", "Branches": [inside], "End": True}
        inside = {"StartAt": f"P{level}", "States": {f"P{level}": parallel}}
    return inside


def test_sixty_parallels_in_each_other_are_fine_and_five_thousand_too_many():
    assert diagnostics(nested(60)) == ()
    assert [one.code for one in diagnostics(nested(5000))] == ["TOO_DEEPLY_NESTED"]
    text = '{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[' * 5000
    assert [one.code for one in diagnostics(text)] == ["INVALID_JSON_DESCRIPTION"]
    assert [one.code for one in diagnostics('{"a":' + "[" * 500_000)] == ["INVALID_JSON_DESCRIPTION"]


def test_four_thousand_states_are_fine():
    states = {
        f"S{n}": {"Type": "Pass", "Parameters": {"a.$": f"$.a[{n}]"}, "Next": f"S{n + 1}"}
        for n in range(4000)
    }
    whole = {"StartAt": "S0", "States": {**states, "S4000": {"Type": "Succeed"}}}
    assert diagnostics(json.dumps(whole)) == ()
    assert variable_references(whole) == {}


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "InputPath": "$" + ".a" * 400_000},
        {"Type": "Pass", "InputPath": "$" + "[?(" * 200_000},
        {"Type": "Pass", "Parameters": {"a.$": "States.Array(" * 70_000}},
        {"Type": "Pass", "Parameters": {f"k{n}.$": "x" for n in range(40_000)}},
        {"Type": "Pass", "Result": [{}] * 240_000},
        {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% " + "(" * 200_000 + " %}"},
        {"Type": "Choice", "Choices": [{"Variable": "$.a", "StringEquals": "x", "Next": "S"}] * 15_000},
    ],
    ids=["a long path", "many filters", "many calls", "many faults", "many objects", "many brackets", "many rules"],
)  # fmt: skip
def test_a_megabyte_comes_to_an_end(state):
    assert isinstance(diagnostics(json.dumps(machine(state))), tuple)
