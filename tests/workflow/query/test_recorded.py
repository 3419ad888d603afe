"""Paths, templates, functions and choice rules, judged by what AWS made of them.

Each recorded execution of Pass and Choice states alone is gone through here state by state, without the
interpreter: these rooms must be right by themselves.
"""

import json
from datetime import datetime
from pathlib import Path
from random import Random

import pytest

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.query import choice, intrinsics, jsonpath, template
from faaslab.workflow.scope import Scope

RECORDED = Path(__file__).parents[3].parent / "shared" / "conformance" / "asl" / "execution.json"
CASES = json.loads(RECORDED.read_text("utf-8"))["cases"] if RECORDED.exists() else []
ROOMS = ("choice_operators/", "intrinsic_functions/", "assign/", "base/", "context_object/", "scenarios/")
UNKNOWN = ("uuid", "RandomNumberGenerated", "<", "date", "start-time", "entered-time", "role_arn")


def is_ours(case):
    definition = case["definition"]
    if not isinstance(definition, dict) or definition.get("QueryLanguage") == "JSONata":
        return False
    return case["category"].startswith(ROOMS) and all(
        state["Type"] in ("Pass", "Choice", "Fail", "Succeed") and state.get("QueryLanguage") != "JSONata"
        for state in definition["States"].values()
    )


OURS = [case for case in CASES if is_ours(case)]


def context_of(case):
    machine = "machine"
    return {
        "Execution": {
            "Id": f"arn:aws:states:us-east-1:111111111111:execution:{machine}:name",
            "Input": json.loads(case["input_text"]),
            "StartTime": "2026-01-01T00:00:00.000Z",
            "Name": "name",
            "RoleArn": "role",
            "RedriveCount": 0,
        },
        "StateMachine": {
            "Id": f"arn:aws:states:us-east-1:111111111111:stateMachine:{machine}",
            "Name": machine,
        },
        "State": {"EnteredTime": "2026-01-01T00:00:00.000Z"},
    }


def one_of(path, scope, field):
    if path.startswith("States."):
        return intrinsics.evaluate(path, scope)
    return template.rendered({f"{field}.$": path}, scope, "")[field]


def gone_through(case):
    """Status, output, error and cause of the machine."""
    definition, document, variables, event = case["definition"], json.loads(case["input_text"]), {}, 2
    context, name = context_of(case), definition["StartAt"]
    chance, now = Random(7), datetime(2026, 1, 1)
    while True:
        state = definition["States"][name]
        context = {**context, "State": {**context["State"], "Name": name}}
        try:
            seen = Scope(document, context, variables, chance, now)
            if (path := state.get("InputPath")) is not None:
                try:
                    seen.input = jsonpath.read(path, seen)
                except jsonpath.PathMissing as error:
                    raise StateFailure(
                        "States.Runtime", f"Invalid path '{path}' : {error.reason}", framed=True
                    ) from None
            if state["Type"] == "Choice":
                chosen = next((rule for rule in state["Choices"] if choice.matches(rule, seen)), None)
                name = chosen["Next"] if chosen else state["Default"]
                continue
            if state["Type"] == "Fail":
                error = (
                    one_of(state["ErrorPath"], seen, "ErrorPath")
                    if "ErrorPath" in state
                    else state.get("Error")
                )
                cause = (
                    one_of(state["CausePath"], seen, "CausePath")
                    if "CausePath" in state
                    else state.get("Cause")
                )
                raise StateFailure(error, cause)
            result = seen.input
            if "Parameters" in state:
                result = template.rendered(state["Parameters"], seen, "Parameters")
            if "Result" in state:
                result = state["Result"]
            assigned = dict(variables)
            if "Assign" in state:
                assigned.update(
                    template.rendered(
                        state["Assign"], Scope(result, context, variables, chance, now), "Assign"
                    )
                )
            if state.get("ResultPath", "$") is not None:
                result = jsonpath.written(state.get("ResultPath", "$"), document, result)
            out = Scope(result, context, assigned, chance, now)
            if (path := state.get("OutputPath")) is not None:
                try:
                    result = jsonpath.read(path, out)
                except jsonpath.PathMissing as error:
                    raise StateFailure(
                        "States.Runtime", f"Invalid path '{path}' : {error.reason}", framed=True
                    ) from None
            document, variables = result, assigned
        except StateFailure as failure:
            cause = failure.cause
            if failure.framed:
                cause = f"An error occurred while executing the state '{name}' (entered at the event id #{event}). {cause}"
            found = {"status": "FAILED", "error": failure.error, "cause": cause}
            return {key: value for key, value in found.items() if value is not None}
        if "Next" not in state:
            return {"status": "SUCCEEDED", "output": document}
        name, event = state["Next"], event + 2


def alike(ours, theirs):
    """Equal but for what the recorder put tokens in place of."""
    if isinstance(theirs, str) and any(token in theirs for token in UNKNOWN):
        return isinstance(ours, str | int) and (
            isinstance(ours, int) or "<json-input" in theirs or bool(ours)
        )
    if isinstance(theirs, dict):
        return (
            isinstance(ours, dict)
            and ours.keys() == theirs.keys()
            and all(alike(ours[key], theirs[key]) for key in theirs)
        )
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(alike, ours, theirs))
    return ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool)


@pytest.mark.skipif(not CASES, reason="the recorded cases lie beside the repository, and not here")
def test_the_cases_of_these_rooms_are_there():
    assert len(OURS) > 300


@pytest.mark.parametrize("case", OURS, ids=lambda case: case["id"])
def test_a_recorded_case(case):
    expected = {
        key: case["expected"][key]
        for key in ("status", "output", "error", "cause")
        if key in case["expected"]
    }
    assert alike(gone_through(case), expected)
