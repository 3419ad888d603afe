"""What a Task asks of the outside, what it waits for, and the events that tell of it."""

import pytest

from faaslab.workflow.effects import Begun, Call, Failed, Fired, Forget, Heartbeat, Submitted, Succeeded
from tests.workflow.interpret.told import ACTIVITY, FUNCTION, QUEUE, Told, machine, task

LAMBDA = ["LambdaFunctionScheduled", "LambdaFunctionStarted"]
TASK = ["TaskScheduled", "TaskStarted"]


def told(resource=FUNCTION, given=None, **more):
    return Told(machine(task(resource, **more)), given).begun()


@pytest.mark.parametrize(
    ("resource", "kind", "pattern", "events"),
    [
        (FUNCTION, "lambda", "request", LAMBDA),
        (QUEUE, "task", "request", TASK),
        (f"{QUEUE}.waitForTaskToken", "task", "token", TASK),
        ("arn:aws:states:::states:startExecution.sync:2", "task", "sync", TASK),
        ("arn:aws:states:::aws-sdk:dynamodb:putItem", "task", "request", TASK),
        (ACTIVITY, "activity", "request", ["ActivityScheduled"]),
    ],
)
def test_a_task_is_called_by_what_its_resource_is(resource, kind, pattern, events):
    run = told(resource, {"a": 1})
    (call,) = run.calls
    assert (call.kind, call.pattern, call.resource, call.parameters) == (kind, pattern, resource, {"a": 1})
    assert run.types == ["ExecutionStarted", "TaskStateEntered", *events]
    assert (call.token is not None) is (pattern == "token" or kind == "activity")
    run.tell(Succeeded(call.key, {"b": 2}), 1)
    assert run.ended.output == {"b": 2}


@pytest.mark.parametrize(
    ("resource", "about"),
    [
        (QUEUE, ("sqs", "sendMessage")),
        (f"{QUEUE}.waitForTaskToken", ("sqs", "sendMessage.waitForTaskToken")),
        ("arn:aws:states:::aws-sdk:dynamodb:putItem", ("aws-sdk:dynamodb", "putItem")),
    ],
)
def test_the_events_of_an_integration_name_it(resource, about):
    run = told(resource, TimeoutSeconds=9, HeartbeatSeconds=3)
    (scheduled,) = run.details("TaskScheduled")
    assert (scheduled["resourceType"], scheduled["resource"]) == about
    assert (scheduled["region"], scheduled["parameters"]) == ("us-east-1", "{}")
    assert (scheduled["timeoutInSeconds"], scheduled["heartbeatInSeconds"]) == (9, 3)


def test_the_token_is_in_the_parameters_and_no_two_are_the_same():
    parameters = {"MessageBody": {"token.$": "$$.Task.Token"}}
    waiting = task(f"{QUEUE}.waitForTaskToken", Parameters=parameters)
    run = Told(machine(waiting, waiting)).begun()
    first = run.calls[0]
    assert first.parameters == {"MessageBody": {"token": first.token}}
    run.tell(Succeeded(first.key, None), 1)
    assert run.calls[1].token != first.token
    assert len(first.token) >= 80


def test_a_task_with_a_token_says_that_it_was_submitted_and_is_not_asked_for_again():
    run = told(f"{QUEUE}.waitForTaskToken")
    (call,) = run.calls
    assert run.run.pending() == (call,)
    run.tell(Submitted(call.key, {"MessageId": "m"}), 1)
    assert run.details("TaskSubmitted")[0]["output"] == '{"MessageId":"m"}'
    assert run.run.pending() == ()
    assert run.run.submitted() == ((call, {"MessageId": "m"}),)
    run.tell(Succeeded(call.key, "done"), 2)
    assert run.types[-4:] == ["TaskSubmitted", "TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"]


def test_an_activity_begins_when_a_worker_takes_it():
    run = told(ACTIVITY, HeartbeatSeconds=5, TimeoutSeconds=60)
    (call,) = run.calls
    assert run.timers() == {f"{call.key}/timeout": 60}
    run.tell(Begun(call.key, "ada"), 3)
    assert run.details("ActivityStarted") == [{"workerName": "ada"}]
    assert run.timers()[f"{call.key}/heartbeat"] == 8
    run.tell(Heartbeat(call.key), 7)
    assert run.timers()[f"{call.key}/heartbeat"] == 12
    run.tell(Succeeded(call.key, 1), 11)
    assert run.types[-3:] == ["ActivitySucceeded", "TaskStateExited", "ExecutionSucceeded"]
    assert run.run.pending() == ()


@pytest.mark.parametrize(
    ("resource", "event"),
    [(FUNCTION, "LambdaFunctionTimedOut"), (QUEUE, "TaskTimedOut"), (ACTIVITY, "ActivityTimedOut")],
)
def test_a_task_that_takes_too_long_is_given_up(resource, event):
    run = told(resource, TimeoutSeconds=5)
    (call,) = run.calls
    run.tell(Fired(f"{call.key}/timeout"), 5)
    assert run.types[-2:] == [event, "ExecutionFailed"]
    assert run.details(event)[0]["error"] == "States.Timeout"
    assert (run.ended.error, run.ended.cause) == ("States.Timeout", None)
    assert Forget(call.key) in run.effects
    assert run.tell(Succeeded(call.key, 1), 6).fresh == []


def test_a_worker_that_is_silent_is_given_up_and_each_beat_moves_the_limit():
    run = told(
        QUEUE,
        TimeoutSeconds=60,
        HeartbeatSeconds=5,
        Catch=[{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "A"}],
    )
    (call,) = run.calls
    run.tell(Heartbeat(call.key), 4)
    run.tell(Fired(f"{call.key}/heartbeat"), 5)
    assert run.run.status == "RUNNING", "the timer was moved"
    assert "TaskTimedOut" not in run.types
    run.tell(Fired(f"{call.key}/heartbeat"), 9)
    assert run.types[-5:] == [
        "TaskTimedOut",
        "TaskStateExited",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
    ]
    assert run.details("TaskStateExited")[0]["output"] == '{"Error":"States.Timeout","Cause":""}'


@pytest.mark.parametrize(
    ("resource", "phase", "event"),
    [
        (FUNCTION, "failed", "LambdaFunctionFailed"),
        (FUNCTION, "schedule", "LambdaFunctionScheduleFailed"),
        (FUNCTION, "start", "LambdaFunctionStartFailed"),
        (QUEUE, "failed", "TaskFailed"),
        (QUEUE, "start", "TaskStartFailed"),
        (QUEUE, "submit", "TaskSubmitFailed"),
        (ACTIVITY, "failed", "ActivityFailed"),
        (ACTIVITY, "schedule", "ActivityScheduleFailed"),
    ],
)
def test_a_failure_is_told_by_where_it_happened(resource, phase, event):
    run = told(resource)
    run.tell(Failed(run.calls[0].key, "E", "why", phase), 1)
    assert run.types[-2:] == [event, "ExecutionFailed"]
    assert run.details(event)[0].items() >= {"error": "E", "cause": "why"}.items()


@pytest.mark.parametrize(
    ("resource", "name", "event"),
    [
        (FUNCTION, FUNCTION, "LambdaFunctionFailed"),
        (QUEUE, "sqs", "TaskFailed"),
        (ACTIVITY, ACTIVITY, "ActivityFailed"),
    ],
)
@pytest.mark.parametrize(("size", "fails"), [(262_142, False), (262_143, True)])
def test_a_result_may_have_256_kib_of_json(resource, name, event, size, fails):
    run = told(resource)
    run.tell(Succeeded(run.calls[0].key, "a" * size), 1)
    assert (event in run.types) is fails
    if fails:
        assert run.ended.error == "States.DataLimitExceeded"
        assert run.ended.cause == (
            f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit."
        )


def test_the_limit_counts_bytes_and_not_characters():
    run = told(QUEUE)
    run.tell(Succeeded(run.calls[0].key, "é" * 140_000), 1)
    assert run.ended.error == "States.DataLimitExceeded"


@pytest.mark.parametrize("field", ["TimeoutSecondsPath", "HeartbeatSecondsPath"])
def test_times_may_stand_in_the_input(field):
    run = told(QUEUE, {"seconds": 7}, **{field: "$.seconds"})
    assert list(run.timers().values()) == [7]
    run = told(QUEUE, {"seconds": "soon"}, **{field: "$.seconds"})
    assert run.ended.error == "States.Runtime"
    assert (
        f'The {field} field refers to value "soon" which is not a valid integer: $.seconds' in run.ended.cause
    )


def test_the_role_of_a_task_is_its_own_where_it_names_one():
    run = told(QUEUE, {"role": "arn:aws:iam::1:role/r"}, Credentials={"RoleArn.$": "$.role"})
    assert run.calls[0].role == "arn:aws:iam::1:role/r"
    assert run.details("TaskScheduled")[0]["taskCredentials"] == {"roleArn": "arn:aws:iam::1:role/r"}


def test_what_nobody_waits_for_changes_nothing():
    run = told(QUEUE)
    before = list(run.events)
    for signal in (Succeeded("call-99", 1), Failed("call-99", "E"), Heartbeat("x"), Fired("y"), Begun("z")):
        run.tell(signal, 1)
    assert run.events == before
    assert [effect for effect in run.effects if isinstance(effect, Call)] == run.calls
