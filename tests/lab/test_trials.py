"""`lab.workflows.test_state`: one state by itself."""

import pytest

import faaslab
from faaslab.errors import InvalidValue
from faaslab.workflow.scope import ABSENT

pytestmark = pytest.mark.timeout(60)
TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage",
    "Parameters": {"QueueUrl": "q", "MessageBody.$": "$.a"},
    "Next": "Then",
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with faaslab.open(tmp_path_factory.mktemp("trials") / "store.duckdb", sandbox="off") as lab:
        yield lab


def test_a_result_stands_for_what_would_be_called(lab):
    tried = lab.workflows.test_state(TASK, {"a": 1}, result={"MessageId": "1"})
    assert (tried.status, tried.output, tried.next_state) == ("SUCCEEDED", {"MessageId": "1"}, "Then")
    assert tried.inspection["afterParameters"] == {"QueueUrl": "q", "MessageBody": 1}


def test_an_error_stands_for_it_as_well(lab):
    state = TASK | {"Catch": [{"ErrorEquals": ["Boom"], "Next": "Saved", "ResultPath": "$.error"}]}
    tried = lab.workflows.test_state(state, {"a": 1}, error="Boom", cause="why")
    assert (tried.status, tried.next_state) == ("CAUGHT_ERROR", "Saved")
    assert tried.output == {"a": 1, "error": {"Error": "Boom", "Cause": "why"}}


def test_without_either_it_is_really_called(lab):
    lab.functions.create("double", "def handler(event, context):\n    return event['x'] * 2\n")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:double"
    machine = {"StartAt": "D", "States": {"D": {"Type": "Task", "Resource": arn, "End": True}}}
    assert lab.workflows.test_state(machine, {"x": 4}, state="D").output == 8
    tried = lab.workflows.test_state(machine, {}, state="D")
    assert (tried.status, tried.error, tried.output) == ("FAILED", "KeyError", ABSENT)


def test_it_is_refused_in_step_functions_words(lab):
    with pytest.raises(InvalidValue, match="Field 'MessageId' must be a string") as error:
        lab.workflows.test_state(TASK, {"a": 1}, result={"MessageId": 1})
    assert error.value.code == "ValidationException"
    tried = lab.workflows.test_state(TASK, {"a": 1}, result={"MessageId": 1}, validation="NONE")
    assert tried.status == "SUCCEEDED"
    with pytest.raises(InvalidValue, match="State type 'Pass' is not supported when a mock is specified"):
        lab.workflows.test_state({"Type": "Pass", "End": True}, result=1)
