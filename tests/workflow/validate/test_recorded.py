"""What Step Functions said of definitions, and what two linters think of others."""

import json
import re

import pytest

from faaslab.workflow.validate import diagnostics, refusal, validation, variable_references
from tests.recorded import cases, needed

pytestmark = needed

GRAPH = {"MISSING_TRANSITION_TARGET", "MISSING_END_STATE"}

# Where we say something else than a linter, and why. Both write `foo:bar` where a resource stands: it is
# taken for a function here, as the linters mean it.
DIFFERENCES = {
    "awslabs/statelint:task-with-credentials.json": "AWS asks for RoleArn, recorded; roleArn is none",
    "awslabs/statelint:succeed-with-comment-in-catcher.json": "lambda:invoke needs to be told which function",
    "ChristopheBougere/asl-validator:invalid-jsonata-surround-syntax-no-spaces.json": (
        "the marks need no blanks: {%10%} is an expression"
    ),
    "ChristopheBougere/asl-validator:valid-assign.asl.json": "a variable's name is an identifier: top-level is none",
    "ChristopheBougere/asl-validator:valid-task-intrisic-function.json": (
        "a Resource that is an object is CloudFormation's, which makes text of it first"
    ),
    "ChristopheBougere/asl-validator:invalid-math-add.json": (
        "what type an argument has is found out when the function is called"
    ),
}


def errors(definition, machine_type="STANDARD"):
    return [one for one in diagnostics(definition, machine_type) if one.severity == "ERROR"]


def given(case):
    return case["definition_text"] if case.get("definition") is None else case["definition"]


def test_the_recorded_cases_are_all_there():
    counts = {"create_error": 13, "validate": 10, "variable_references": 7, "definitions": 407}
    assert {name: len(cases(name)) for name in counts} == counts


@pytest.mark.parametrize("case", cases("create_error"), ids=lambda case: case["id"])
def test_create_state_machine_refuses_in_these_words(case):
    machine_type = "EXPRESS" if "express" in case["id"] else "STANDARD"
    said = refusal(diagnostics(given(case), machine_type))
    if "note" in case:  # refused for its logging or its version: the definition is fine
        assert said is None
        return
    _, _, wanted = case["expected"]["message"].rpartition("operation: ")
    assert said == wanted.replace("<partition>", "aws")


@pytest.mark.parametrize("case", cases("validate"), ids=lambda case: case["id"])
def test_the_validation_answers(case):
    assert validation(diagnostics(given(case), case["args"]["type"])) == case["expected"]["response"]


@pytest.mark.parametrize("case", cases("variable_references"), ids=lambda case: case["id"])
def test_variable_references(case):
    assert variable_references(case["definition"]) == case["expected"]["response"]["variableReferences"]


@pytest.mark.parametrize("name", ["execution", "sync_execution"])
def test_what_ran_on_aws_is_valid(name):
    assert [case["id"] for case in cases(name) if errors(case["definition"], case["type"])] == []


def test_what_teststate_took_is_valid():
    refused = []
    for case in cases("test_state"):
        state = case["definition"]
        whole = state if "States" in state else {"StartAt": "S", "States": {"S": state}}
        found = [one for one in errors(whole) if one.code not in GRAPH]  # where it leads is not there
        if not found:
            continue
        assert case["expected"]["response"]["message"] == refusal(found)
        refused.append(case["name"])
    assert refused == ["TestStateMachineScenarios::test_state_name_invalid_state_definition"]


@pytest.mark.parametrize("source", ["localstack", "aws-samples"])
def test_verdicts_of_aws_and_its_published_samples(source):
    other = [
        case["id"]
        for case in cases("definitions")
        if case["source"].startswith(source)
        and bool(errors(given(case), kind(case))) == (case["expected"] != "invalid")
    ]
    assert other == []


def test_every_difference_from_a_linter_has_its_reason():
    other = set()
    for case in cases("definitions"):
        if case["source"].startswith(("localstack", "aws-samples")):
            continue
        text = json.dumps(given(case)).replace(
            '"foo:bar"', '"arn:aws:lambda:us-east-1:000000000000:function:foo"'
        )
        if bool(errors(json.loads(text))) == (case["expected"] != "invalid"):
            other.add(case["id"])
    assert other == set(DIFFERENCES)


def kind(case):
    return "EXPRESS" if re.search("express", case["id"], re.IGNORECASE) else "STANDARD"
