"""Whatever is handed in, there are diagnostics: never a traceback, never without an end."""

import json

import pytest

from faaslab.errors import InvalidValue
from faaslab.workflow.source import read, with_arns
from faaslab.workflow.validate import diagnostics, refusal, validation, variable_references
from tests.workflow.validate import mutations

SEEDS = 10_000


def test_our_own_definitions_are_fine_to_begin_with():
    for definition in mutations.own():
        assert diagnostics(definition) == ()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_spoilt_definitions_are_told_of():
    whole = [*mutations.own(), *mutations.recorded()]
    refused = 0
    for seed in range(SEEDS):
        definition = mutations.spoilt(whole[seed % len(whole)], seed)
        machine_type = "EXPRESS" if seed % 5 == 0 else "STANDARD"
        found = diagnostics(definition, machine_type)
        if seed % 7 == 0:
            assert diagnostics(json.dumps(definition), machine_type) == found
        refused += any(one.severity == "ERROR" for one in found)
        assert all(one.message and one.code for one in found)
        assert (refusal(found) is None) == (validation(found)["result"] == "OK")
        variable_references(definition)
        with_arns(definition, "us-east-1")
    assert SEEDS * 0.5 < refused < SEEDS


def test_spoilt_texts_are_told_of():
    whole = [*mutations.own(), *mutations.recorded()]
    for seed in range(SEEDS // 5):
        text = mutations.spoilt_text(whole[seed % len(whole)], seed)
        found = diagnostics(text)
        assert all(one.message and one.code for one in found)
        try:
            source = read(text)
        except InvalidValue:
            continue
        for one in diagnostics(source.definition):
            assert one.location is None or source.line_of(one.location) >= 1


class Odd:
    pass


def holds_itself():
    machine = {"StartAt": "A", "States": {"A": {"Type": "Map", "End": True}}}
    machine["States"]["A"]["ItemProcessor"] = machine
    return machine


@pytest.mark.parametrize(
    "definition",
    [
        None, 3, [], Odd(), {}, {1: 2}, {"StartAt": Odd(), "States": {}}, {"States": {None: {}}, "StartAt": "A"},
        {"StartAt": "A", "States": {"A": {"Type": ["Pass"]}}}, {"StartAt": ["A"], "States": {"A": {"Type": "Succeed"}}},
        {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": float("nan"), "End": True}}},
        {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": (1, 2), "End": True}}},
        {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": b"x", "End": True}}},
        {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "\ud800", "End": True}}},
        holds_itself(),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_json_is_told(definition):
    assert any(one.severity == "ERROR" for one in diagnostics(definition))
