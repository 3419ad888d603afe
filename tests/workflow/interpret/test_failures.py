"""Retry and Catch: who is for what, how long until the next attempt, and what the handler is given."""

import pytest

from faaslab.workflow.effects import Failed, Fired, Succeeded
from faaslab.workflow.failure import StateFailure
from faaslab.workflow.interpret import retries
from tests.workflow.interpret.told import PASS, QUEUE, Told, machine, task

RETRY = {"ErrorEquals": ["States.ALL"]}


def delays(retrier, failures=6):
    """The seconds waited before each new attempt of a task that always fails with E."""
    run = Told(machine(task(QUEUE, Retry=[retrier]))).begun()
    now, waited = 0.0, []
    for attempt in range(failures):
        run.tell(Failed(run.calls[attempt].key, "E", "why"), now)
        if run.ended:
            break
        ((key, due),) = run.timers().items()
        waited.append(due - now)
        now = due
        run.tell(Fired(key), now)
    return waited


@pytest.mark.parametrize(
    ("retrier", "expected"),
    [
        ({}, [1, 2, 4]),
        ({"IntervalSeconds": 3}, [3, 6, 12]),
        ({"BackoffRate": 1.5, "MaxAttempts": 4, "IntervalSeconds": 2}, [2, 3, 4.5, 6.75]),
        ({"BackoffRate": 1}, [1, 1, 1]),
        ({"MaxAttempts": 0}, []),
        ({"MaxAttempts": 5, "MaxDelaySeconds": 5}, [1, 2, 4, 5, 5]),
        ({"MaxAttempts": 1, "IntervalSeconds": 99999}, [99999]),
    ],
)
def test_each_attempt_waits_longer(retrier, expected):
    assert delays({**RETRY, **retrier}) == expected


def test_jitter_waits_somewhere_below():
    waited = delays({**RETRY, "JitterStrategy": "FULL", "IntervalSeconds": 100, "MaxAttempts": 5})
    assert all(0 <= seconds <= 100 * 2**at for at, seconds in enumerate(waited))
    assert waited == delays({**RETRY, "JitterStrategy": "FULL", "IntervalSeconds": 100, "MaxAttempts": 5})
    assert len(set(waited)) == 5


def test_a_backoff_beyond_all_numbers_waits_the_most():
    huge = {**RETRY, "BackoffRate": 1e300, "MaxAttempts": 4, "MaxDelaySeconds": 60}
    assert delays(huge) == [1, 60, 60, 60]


@pytest.mark.parametrize(
    ("error", "names", "matches"),
    [
        ("E", ["E"], True),
        ("E", ["e"], False),
        ("E", ["States.ALL"], True),
        ("E", ["States.TaskFailed"], True),
        ("States.Timeout", ["States.TaskFailed"], False),
        ("States.Timeout", ["States.Timeout"], True),
        ("States.Timeout", ["States.HeartbeatTimeout"], False),
        ("States.DataLimitExceeded", ["States.ALL"], True),
        ("States.Runtime", ["States.ALL"], False),
        ("States.Runtime", ["States.Runtime"], False),
        ("States.QueryEvaluationError", ["States.ALL"], True),
        (None, ["States.ALL"], True),
        ("E", ["D", "E"], True),
        ("E", [], False),
    ],
)
def test_which_failures_a_name_is_for(error, names, matches):
    assert retries.matches(StateFailure(error), names) is matches


def test_a_missed_heartbeat_is_a_timeout_with_a_name_of_its_own():
    missed = retries.HeartbeatMissed()
    assert retries.matches(missed, ["States.HeartbeatTimeout"])
    assert retries.matches(missed, ["States.Timeout"])
    assert not retries.matches(missed, ["States.TaskFailed"])


def test_each_retrier_counts_for_itself_and_a_new_visit_counts_anew():
    retry = [{"ErrorEquals": ["E"], "MaxAttempts": 1}, {"ErrorEquals": ["F"], "MaxAttempts": 1}]
    states = machine(task(QUEUE, Retry=retry), {"Type": "Pass", "Next": "A"})
    run = Told(states).begun()
    for error in ("E", "F"):
        run.tell(Failed(run.calls[-1].key, error), 0)
        run.tell(Fired(next(iter(run.timers()))), 10)
    run.tell(Succeeded(run.calls[-1].key, {}), 20)
    assert run.run.where == ("A",)
    run.tell(Failed(run.calls[-1].key, "E"), 30)
    assert run.run.status == "RUNNING"
    run.tell(Fired(next(iter(run.timers()))), 40)
    run.tell(Failed(run.calls[-1].key, "E"), 50)
    assert run.ended.error == "E"


def test_the_context_counts_the_attempts():
    counted = task(QUEUE, Parameters={"n.$": "$$.State.RetryCount"}, Retry=[RETRY])
    run = Told(machine(counted)).begun()
    run.tell(Failed(run.calls[0].key, "E"), 0)
    run.tell(Fired(next(iter(run.timers()))), 1)
    assert [call.parameters for call in run.calls] == [{"n": 0}, {"n": 1}]


@pytest.mark.parametrize(
    ("catcher", "output"),
    [
        ({}, {"Error": "E", "Cause": "why"}),
        ({"ResultPath": "$.error"}, {"a": 1, "error": {"Error": "E", "Cause": "why"}}),
        ({"ResultPath": None}, {"a": 1}),
    ],
)
def test_a_catcher_puts_the_error_where_it_says(catcher, output):
    states = machine(
        task(QUEUE, InputPath="$.a", Catch=[{"ErrorEquals": ["E"], "Next": "B", **catcher}]), PASS
    )
    run = Told(states, {"a": 1}).begun()
    run.tell(Failed(run.calls[0].key, "E", "why"), 0)
    assert run.ended.output == output


def test_a_jsonata_catcher_has_output_and_variables_of_its_own():
    catcher = {
        "ErrorEquals": ["E"],
        "Next": "B",
        "Output": "{% $states.errorOutput.Cause & $states.input.a %}",
        "Assign": {"cause": "{% $states.errorOutput.Cause %}"},
    }
    states = machine(
        task(QUEUE, Catch=[catcher]),
        {"Type": "Pass", "Output": "{% [$states.input, $cause] %}"},
        QueryLanguage="JSONata",
    )
    run = Told(states, {"a": "!"}).begun()
    run.tell(Failed(run.calls[0].key, "E", "why"), 0)
    assert run.ended.output == ["why!", "why"]


def test_a_catcher_comes_after_the_retriers_and_the_first_that_is_for_it_decides():
    catch = [
        {"ErrorEquals": ["X"], "Next": "A"},
        {"ErrorEquals": ["E"], "Next": "B"},
        {"ErrorEquals": ["States.ALL"], "Next": "A"},
    ]
    run = Told(
        machine(task(QUEUE, Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 1}], Catch=catch), PASS)
    ).begun()
    run.tell(Failed(run.calls[0].key, "E", "1"), 0)
    run.tell(Fired(next(iter(run.timers()))), 1)
    run.tell(Failed(run.calls[1].key, "E", "2"), 2)
    assert run.ended.output == {"Error": "E", "Cause": "2"}


def test_an_expression_that_fails_can_be_caught_and_is_written_down():
    states = machine(
        task(
            QUEUE,
            Arguments={"x": "{% $states.input.no %}"},
            Catch=[{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "B"}],
        ),
        PASS,
        QueryLanguage="JSONata",
    )
    run = Told(states).begun()
    assert run.types == [
        "ExecutionStarted", "TaskStateEntered", "EvaluationFailed", "TaskStateExited",
        "PassStateEntered", "PassStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert run.details("EvaluationFailed")[0]["location"] == "Arguments/x"


def test_a_choice_without_a_way_fails_in_the_service_s_words():
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "A"}]}
    run = Told(machine(choice)).begun()
    assert run.ended.error == "States.Runtime"
    assert run.ended.cause == (
        "An error occurred while executing the state 'A' (entered at the event id #2). "
        "Failed to transition out of the state. The state does not point to a next state."
    )


def test_an_error_and_a_cause_are_no_longer_than_step_functions_tells_them():
    long = {"e": "e" * 300, "c": "c" * 40_000}
    fail = {"StartAt": "F", "States": {"F": {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "$.c"}}}
    ended = Told(fail, long).begun().ended
    assert (ended.error, ended.cause) == ("e" * 256, "c" * 32_768)
    run = Told(machine(task(QUEUE))).begun()
    run.tell(Failed(run.calls[0].key, long["e"], long["c"]))
    assert (len(run.ended.error), len(run.ended.cause)) == (256, 32_768)
