"""Definitions that are as large and as deep as they may be, and larger and deeper."""

import json

import pytest

from faaslab.workflow.validate import diagnostics, variable_references
from faaslab.workflow.validate.diagnostic import MOST_FOUND


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


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_long_names_around_many_faults_do_not_multiply(language):
    faults = {f"k{n}": "$.a" if language == "JSONPath" else "{% a %}" for n in range(20_000)}
    field = "Parameters" if language == "JSONPath" else "Output"
    told = diagnostics(machine({"Type": "Pass", "QueryLanguage": language, field: {"x" * 500_000: faults}}))
    assert len(told) == MOST_FOUND
    assert sum(len(one.message) + len(one.location) for one in told) < 1_000_000


def test_errors_are_not_crowded_out_by_warnings():
    doubtful = {f"k{n}": "$.a" for n in range(5_000)}
    told = diagnostics(machine({"Type": "Pass", "Parameters": doubtful, "OutputPath": "x"}))
    assert [one.severity for one in told] == ["WARNING"] * MOST_FOUND + ["ERROR"]
