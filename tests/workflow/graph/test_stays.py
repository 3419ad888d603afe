"""What a state was given, tried and gave, as a history tells it."""

import json

import pytest

from faaslab.workflow.graph import stays
from faaslab.workflow.graph.visits import taken

from .story import Story, order

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:score"


def looked(told, state):
    visits = taken(told.events)
    return visits, stays.stays(visits, told.events, stays.visits_of(visits, state))


def flaky():
    """A Task that fails, is tried again and succeeds."""
    told = Story()
    told.add("ExecutionStarted")
    last = told.add("TaskStateEntered", 0, name="Score", input='{"n":1}')
    for error in ("ValueError", None):
        last = told.add("LambdaFunctionScheduled", last, resource=FUNCTION, input='{"n":1}')
        last = told.add("LambdaFunctionStarted", last)
        told.wait(0.5)
        if error:
            cause = json.dumps({"errorMessage": "no", "errorType": error, "requestId": "asked-1"})
            last = told.add("LambdaFunctionFailed", last, error=error, cause=cause)
            told.wait(1)
    last = told.add("LambdaFunctionSucceeded", last, output='{"s":2}')
    told.add("TaskStateExited", last, name="Score", output='{"s":2}', assignedVariables={"x": "1"})
    return told


def test_each_attempt_has_its_times_its_error_and_what_it_called():
    _, (stay,) = looked(flaky(), "Score")
    first, second = stay.attempts
    assert (first.standing, first.error, first.request_id) == ("failed", "ValueError", "asked-1")
    assert (first.ended - first.began).total_seconds() == 0.5
    assert (second.standing, second.output, second.error) == ("succeeded", '{"s":2}', None)
    assert first.function
    assert second.function
    assert first.resource == FUNCTION
    assert second.input == '{"n":1}'
    assert (stay.input, stay.output, stay.retries) == ('{"n":1}', '{"s":2}', 1)
    assert stay.assigned == {"x": "1"}
    assert stay.path == ""


def test_events_may_be_told_in_part():
    told = flaky()
    visits = taken(told.events[:4])
    (stay,) = stays.stays(visits, told.events[:4], visits.every)
    assert stay.output is None
    assert [each.standing for each in stay.attempts] == ["running"]
    assert stay.attempts[0].ended is None


def test_a_state_in_an_iteration_says_which_one_and_the_map_tells_of_each():
    visits, every = looked(order(items=4), "Reserve item")
    assert [stay.path for stay in every] == [f"Fulfil / Pack items [{index}]" for index in range(3)]
    assert [stay.standing for stay in every] == ["failed", "succeeded", "aborted"]
    assert every[0].error == "States.Timeout"
    assert [each.standing for each in every[2].attempts] == ["aborted"]
    (packing,) = stays.stays(visits, order(items=4).events, stays.visits_of(visits, "Pack items"))
    assert [(each.index, each.standing, each.error) for each in packing.insides] == [
        (0, "failed", "States.Timeout"),
        (1, "succeeded", None),
        (2, "aborted", None),
    ]
    (whole,) = stays.visits_of(visits, "Pack items")
    assert [each.state for each in stays.visits_inside(whole, 1)] == ["Reserve item", "Label item"]
    assert stays.visits_inside(whole, 9) == []


def test_a_caught_error_stands_at_the_state_that_caught_it():
    _, (stay,) = looked(order(), "Fulfil")
    assert (stay.standing, stay.error) == ("caught", "CardExpired")
    assert stay.attempts == []
    (branches,) = stay.insides
    assert branches.index is None


def test_the_service_calls_of_lambda_are_functions_and_others_are_not():
    told = Story()
    told.add("ExecutionStarted")
    last = told.enter("Task", "Call")
    about = {"resourceType": "lambda", "resource": "invoke.waitForTaskToken"}
    last = told.add("TaskScheduled", last, parameters="{}", **about)
    last = told.add("TaskSubmitted", last, **about)
    answer = json.dumps({"SdkResponseMetadata": {"RequestId": "asked-2"}})
    last = told.add("TaskSucceeded", last, output=answer, **about)
    last = told.leave("Task", "Call", last)
    last = told.enter("Task", "Send", last)
    told.add("TaskScheduled", last, parameters="{}", resourceType="sqs", resource="sendMessage")
    _, (called,) = looked(told, "Call")
    (attempt,) = called.attempts
    assert attempt.function
    assert attempt.resource == "lambda:invoke.waitForTaskToken"
    assert attempt.request_id == "asked-2"
    _, (sent,) = looked(told, "Send")
    assert not sent.attempts[0].function
    assert sent.attempts[0].input == "{}"


def test_a_task_that_could_not_be_scheduled_is_an_attempt():
    told = Story()
    last = told.enter("Task", "Call")
    told.add("LambdaFunctionScheduleFailed", last, error="States.Runtime", cause="no such thing")
    _, (stay,) = looked(told, "Call")
    assert [(each.standing, each.error) for each in stay.attempts] == [("failed", "States.Runtime")]


def test_a_map_that_is_tried_again_has_attempts():
    told = Story()
    entered = told.enter("Map", "All")
    begun = told.add("MapStateStarted", entered, length=1)
    failed = told.add("MapStateFailed", begun, error="E")
    told.wait(2)
    told.add("MapStateStarted", failed, length=1)
    _, (stay,) = looked(told, "All")
    assert [(each.standing, each.error) for each in stay.attempts] == [("failed", "E"), ("running", None)]


def test_what_one_looks_at_first_is_what_failed():
    visits, _ = looked(order(items=4), "Reserve item")
    assert stays.telling(stays.visits_of(visits, "Reserve item")).standing == "failed"
    assert stays.telling(stays.visits_of(visits, "Label item")).standing == "succeeded"
    assert stays.telling([]) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '"x"', '{"requestId": 7}', '{"requestId": "' + "x" * 99 + '"}']
)
def test_a_cause_may_be_anything(text):
    told = Story()
    last = told.enter("Task", "Call")
    last = told.add("LambdaFunctionScheduled", last)
    told.add("LambdaFunctionFailed", last, error="E", cause=text)
    _, (stay,) = looked(told, "Call")
    assert stay.attempts[0].request_id is None


def test_events_that_are_none_are_passed_over():
    visits = taken([])
    assert stays.stays(visits, [None, {}, {"type": "TaskStateEntered"}], []) == []
