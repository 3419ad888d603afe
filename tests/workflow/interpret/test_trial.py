"""One state by itself, against what TestState answered on AWS."""

import json
import random

import pytest

from faaslab.workflow.effects import Call, Fired, Started, Timer
from faaslab.workflow.interpret import Mock, StateTrial
from faaslab.workflow.scope import ABSENT
from tests.recorded import cases, definition_of, differences, input_of, needed, unstubbed
from tests.workflow.outside import BEGIN, Outside

CASES = [case for case in cases("test_state") if "status" in case["expected"].get("response", {})]
ARN = "arn:aws:states:us-east-1:111111111111:express:machine:name"
MACHINE = "arn:aws:states:us-east-1:111111111111:stateMachine:machine"
ROLE = "arn:aws:iam::111111111111:role/role"
LEVELS = {"DEBUG", "TRACE"}


def trial_of(case):
    args = unstubbed(case["args"])
    mock = None
    if "mock" in args:
        said = args["mock"]
        error = said.get("errorOutput", {})
        mock = Mock(
            json.loads(said["result"]) if "result" in said else ABSENT,
            error.get("error"),
            error.get("cause"),
            args.get("stateConfiguration", {}).get("mapIterationFailureCount"),
        )
    given = input_of(case)
    if "context" in args:
        context = json.loads(args["context"])
    else:
        execution = {
            "Id": ARN,
            "Input": given,
            "Name": "name",
            "RoleArn": args.get("roleArn", ROLE if "stateName" not in args else None),
            "StartTime": "2026-01-01T00:00:00.000Z",
        }
        context = {"Execution": execution, "StateMachine": {"Id": MACHINE, "Name": "machine"}}
    return StateTrial(
        definition_of(case),
        input=given,
        context=context,
        chance=random.Random(1),
        arn=ARN,
        state_name=args.get("stateName"),
        variables=json.loads(args["variables"]) if "variables" in args else None,
        mock=mock,
        retries=args.get("stateConfiguration", {}).get("retrierRetryCount", 0),
    )


def tried(case):
    trial = trial_of(case)
    step = trial.step(Started(), BEGIN)
    if trial.tried is None:
        call = next(effect for effect in step.effects if isinstance(effect, Call))
        outside = Outside(
            {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}, {}, case["lambda_functions"]
        )
        outside._call(call)
        trial.step(outside._queue[0][2], BEGIN)
    return trial.tried


def answer(case):
    found = tried(case)
    said = {"status": found.status}
    for name, value in (("error", found.error), ("cause", found.cause), ("nextState", found.next_state)):
        if value is not None:
            said[name] = value
    if found.output is not ABSENT:
        said["output"] = json.dumps(found.output)
    if case["args"].get("inspectionLevel") in LEVELS:
        said["inspectionData"] = {
            name: value if isinstance(value, int | float) or name == "errorDetails" else json.dumps(value)
            for name, value in found.inspection.items()
        }
    return said


@needed
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"].removeprefix("ls:"))
def test_a_state_by_itself_goes_as_it_did_on_aws(case):
    expected = case["expected"]["response"]
    assert differences(expected, answer(case), case["replacements"]) == []


def test_a_state_that_waits_asks_for_its_timer_and_is_tried_when_that_was_due():
    trial = StateTrial(
        {"Type": "Wait", "Seconds": 5, "Next": "Later"},
        input={},
        context={},
        chance=random.Random(1),
        arn=ARN,
    )
    step = trial.step(Started(), BEGIN)
    timers = [
        effect for effect in step.effects if isinstance(effect, Timer) and effect.key.startswith("wait")
    ]
    assert trial.tried is None
    trial.step(Fired(timers[0].key), timers[0].due)
    assert (trial.tried.status, trial.tried.next_state, trial.tried.output) == ("SUCCEEDED", "Later", {})


def test_a_state_is_found_wherever_it_is_in_the_machine():
    inner = {"StartAt": "B", "States": {"B": {"Type": "Pass", "Result": 7, "End": True}}}
    machine = {"StartAt": "A", "States": {"A": {"Type": "Map", "ItemProcessor": inner, "End": True}}}
    trial = StateTrial(machine, input={}, context={}, chance=random.Random(1), arn=ARN, state_name="B")
    trial.step(Started(), BEGIN)
    assert trial.tried.output == 7
    with pytest.raises(KeyError):
        StateTrial(machine, input={}, context={}, chance=random.Random(1), arn=ARN, state_name="C")


@pytest.mark.parametrize(("before", "status"), [(0, "RETRIABLE"), (1, "RETRIABLE"), (2, "CAUGHT_ERROR")])
def test_a_retrier_that_was_used_up_leaves_the_failure_to_the_catcher(before, status):
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Retry": [{"ErrorEquals": ["Broken"], "IntervalSeconds": 3, "BackoffRate": 2, "MaxAttempts": 2}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Mend"}],
        "End": True,
    }
    trial = StateTrial(
        state,
        input={},
        context={},
        chance=random.Random(1),
        arn=ARN,
        mock=Mock(error="Broken", cause="why"),
        retries=before,
    )
    trial.step(Started(), BEGIN)
    found = trial.tried
    assert found.status == status
    if status == "RETRIABLE":
        assert found.inspection["errorDetails"] == {
            "retryIndex": 0,
            "retryBackoffIntervalSeconds": 3 * 2**before,
        }
    else:
        assert (found.next_state, found.output) == ("Mend", {"Error": "Broken", "Cause": "why"})
