"""Definitions that the pictures are tested with: our own, and AWS's where they are at hand."""

import json
from functools import cache
from pathlib import Path

import pytest

from tests.recorded import cases

OWN = Path(__file__).parents[2] / "cases" / "workflows"


def own(name):
    return json.loads((OWN / f"{name}.json").read_text("utf-8"))


OWN_NAMES = sorted(path.stem for path in OWN.glob("*.json"))


@cache
def published():
    """(id, definition) of the conformance cases."""
    recorded = cases("definitions")
    if not recorded:
        pytest.skip("the recorded cases are not here")
    return [(case["id"], case["definition"]) for case in recorded if "definition" in case]


def chain(count):
    """Passes one after the other."""
    states = {f"S{index}": {"Type": "Pass", "Next": f"S{index + 1}"} for index in range(count - 1)}
    return {"StartAt": "S0", "States": {**states, f"S{count - 1}": {"Type": "Succeed"}}}


def tangle(count):
    """Choices that lead back and forth, and Tasks that all catch to one state."""
    states = {}
    for index in range(count - 1):
        if index % 4:
            states[f"S{index}"] = {
                "Type": "Task",
                "Resource": "x",
                "Next": f"S{index + 1}",
                "Catch": [{"ErrorEquals": ["E"], "Next": f"S{count - 1}"}],
            }
        else:
            states[f"S{index}"] = {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.n", "NumericEquals": step, "Next": f"S{(index * 7 + step * 13) % count}"}
                    for step in range(3)
                ],
                "Default": f"S{index + 1}",
            }
    return {"StartAt": "S0", "States": {**states, f"S{count - 1}": {"Type": "Fail"}}}


def deep(levels):
    """Maps in Maps."""
    machine = {"StartAt": "X", "States": {"X": {"Type": "Pass", "End": True}}}
    for level in range(levels):
        machine = {
            "StartAt": f"M{level}",
            "States": {f"M{level}": {"Type": "Map", "ItemProcessor": machine, "End": True}},
        }
    return machine
