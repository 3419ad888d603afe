"""An execution as a whole: how it begins and ends, is stopped, gives way, runs out of room, and is redriven."""

import json
from datetime import timedelta

import pytest

from faaslab.workflow.effects import (
    Continue,
    Ended,
    Failed,
    Fired,
    Forget,
    More,
    Redrive,
    Started,
    Stop,
    Succeeded,
    Timer,
)
from tests.workflow.interpret.test_inside import WAIT, mapped, parallel
from tests.workflow.interpret.told import BEGIN, PASS, QUEUE, Told, machine, task

LOOP = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A"}}}


def to_the_end(run):
    while any(isinstance(effect, More) for effect in run.fresh):
        run.tell(Continue(), 0)
    return run


def test_an_execution_of_passes_ends_in_its_first_step():
    run = Told(machine(PASS, PASS, PASS), {"a": 1}).begun()
    assert run.types == [
        "ExecutionStarted",
        *["PassStateEntered", "PassStateExited"] * 3,
        "ExecutionSucceeded",
    ]
    assert run.effects == [Ended("SUCCEEDED", {"a": 1})]
    assert [event.previous_id for event in run.events] == [0, 0, 2, 3, 4, 5, 6, 7]
    assert (run.run.status, run.run.output, run.run.where) == ("SUCCEEDED", {"a": 1}, ())


def test_it_begins_once_and_nothing_comes_after_the_end():
    run = Told(machine(PASS)).begun()
    assert run.tell(Started(), 1).fresh == []
    assert run.tell(Stop(), 1).fresh == []
    assert len(run.events) == 4


@pytest.mark.parametrize("ascii_only", [True, False])
def test_payloads_are_compact_json_with_letters_as_they_are(ascii_only):
    text = "abc" if ascii_only else "häß ✓"
    run = Told(machine(PASS), {"t": text, "n": [1, 2.5, None]}).begun()
    assert run.details("PassStateExited")[0]["output"] == f'{{"t":"{text}","n":[1,2.5,null]}}'


def test_an_input_stays_as_it_was_written_where_it_is_passed_on():
    written = '{ "a": [1, 2] }'
    run = Told(machine(PASS, {"Type": "Pass", "InputPath": "$.a"}), {"a": [1, 2]}, input_text=written).begun()
    assert run.details("ExecutionStarted")[0]["input"] == written
    assert [found["output"] for found in run.details("PassStateExited")] == [written, "[1,2]"]


def test_numbers_beyond_64_bits_and_lone_surrogates_have_a_text():
    given = {"n": 10**30, "s": "\ud800"}
    run = Told(machine(PASS), given).begun()
    assert json.loads(run.details("ExecutionSucceeded")[0]["output"]) == given


def test_an_output_over_the_limit_fails_the_state():
    grow = {"Type": "Pass", "Parameters": {"a.$": "$", "b.$": "$"}}
    run = Told(machine(grow), "a" * 200_000).begun()
    assert run.ended.error == "States.DataLimitExceeded"
    assert run.ended.cause.startswith("The state/task 'A' returned a result with a size exceeding")


def test_data_that_nests_ever_deeper_ends_by_a_limit_of_ours_or_theirs():
    run = to_the_end(
        Told(
            {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"a.$": "$"}, "Next": "A"}}}
        ).begun()
    )
    assert run.ended.status == "FAILED"
    assert run.ended.error in {"States.DataLimitExceeded", "States.Runtime"}


# -- giving way, and the end of the room


def test_a_loop_gives_way_and_goes_on_when_it_is_told_to():
    run = Told(LOOP).begun()
    assert run.fresh == [More()]
    assert run.run.pending() == (More(),)
    count = len(run.events)
    run.tell(Continue(), 0)
    assert len(run.events) > count


def test_a_history_has_25_000_events_at_most():
    run = to_the_end(Told(LOOP).begun())
    assert [event.id for event in run.events] == list(range(1, 25_001))
    assert run.types[-1] == "ExecutionFailed"
    assert "25000" in run.ended.cause


def test_the_last_event_that_has_room_may_be_a_success():
    states = {f"S{at}": {"Type": "Pass", "Next": f"S{at + 1}"} for at in range(12_498)}
    states["S12498"] = PASS
    run = to_the_end(Told({"StartAt": "S0", "States": states}).begun())
    assert (len(run.events), run.ended.status) == (25_000, "SUCCEEDED")


def test_a_full_history_ends_what_is_under_way():
    states = machine(parallel([task(QUEUE)], [{"Type": "Pass", "Next": "A", "End": False}]))
    inner = states["States"]["A"]["Branches"][1]
    inner["States"]["1A"] = {"Type": "Pass", "Next": "1A"}
    run = to_the_end(Told(states).begun())
    assert len(run.events) == 25_000
    assert Forget(run.calls[0].key) in run.fresh
    assert run.run.pending() == ()


def test_an_express_execution_has_no_history_limit_and_five_minutes():
    run = Told(LOOP, express=True).begun()
    for _ in range(20):
        run.tell(Continue(), 1)
    assert len(run.events) > 30_000
    assert run.timers() == {"deadline": 300}
    run.tell(Fired("deadline"), 300)
    assert run.ended.status == "TIMED_OUT"


# -- stopped, and out of time


def test_a_machine_that_takes_too_long_times_out():
    run = Told(machine(task(QUEUE), TimeoutSeconds=10)).begun()
    run.tell(Fired("deadline"), 10)
    assert run.types[-1] == "ExecutionTimedOut"
    assert (run.ended.status, run.ended.error) == ("TIMED_OUT", "States.Timeout")
    assert Forget(run.calls[0].key) in run.fresh


@pytest.mark.parametrize("first", ["wait", "deadline"])
def test_the_end_of_the_time_comes_before_all_else_that_is_due(first):
    run = Told(machine(WAIT, TimeoutSeconds=100)).begun()
    run.tell(Fired(next(key for key in run.timers() if key.startswith(first))), 100)
    assert run.ended.status == "TIMED_OUT"
    assert run.run.pending() == ()


def test_a_timer_that_comes_too_early_is_set_again():
    run = Told(machine(WAIT, TimeoutSeconds=200)).begun()
    for key, due in run.timers().items():
        run.tell(Fired(key), due - 50)
        assert [(effect.key, effect.due) for effect in run.fresh] == [(key, BEGIN + timedelta(seconds=due))]
    assert run.run.status == "RUNNING"


def test_the_time_of_a_machine_that_ended_is_of_no_use():
    run = Told(machine(PASS, TimeoutSeconds=10)).begun()
    assert [type(effect) for effect in run.fresh] == [Timer, Forget, Ended]
    assert run.tell(Fired("deadline"), 10).fresh == []


def test_a_stop_says_who_and_why_and_ends_what_is_inside():
    run = Told(machine(parallel([task(QUEUE)], [WAIT]))).begun()
    run.tell(Stop("Mine", "enough"), 5)
    assert run.types[-4:] == [
        "TaskStateAborted",
        "WaitStateAborted",
        "ParallelStateAborted",
        "ExecutionAborted",
    ]
    assert run.details("ExecutionAborted") == [{"error": "Mine", "cause": "enough"}]
    assert (run.ended.status, run.ended.error, run.ended.cause) == ("ABORTED", "Mine", "enough")
    assert run.run.pending() == ()


# -- redriven


def test_a_redrive_goes_on_at_the_state_that_failed_with_the_same_input():
    states = machine(
        {"Type": "Pass", "Result": {"a": 1}},
        task(QUEUE, Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 0}]),
        PASS,
    )
    run = Told(states).begun()
    run.tell(Failed(run.calls[0].key, "E"), 1)
    run.tell(Redrive(), 100)
    assert run.run.status == "RUNNING"
    assert run.types[-3:] == ["ExecutionRedriven", "TaskScheduled", "TaskStarted"]
    assert run.details("ExecutionRedriven") == [{"redriveCount": 1}]
    assert run.calls[1].parameters == run.calls[0].parameters == {"a": 1}
    assert run.calls[1].key != run.calls[0].key
    run.tell(Succeeded(run.calls[1].key, 2), 101)
    assert run.ended == Ended("SUCCEEDED", 2)
    assert run.types.count("TaskStateEntered") == 1


def test_the_retries_are_counted_anew_after_a_redrive():
    run = Told(machine(task(QUEUE, Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 1}]))).begun()
    now = 0
    for attempt in range(2):
        run.tell(Failed(run.calls[attempt].key, "E"), now)
        for key in run.timers():
            now += 10
            run.tell(Fired(key), now)
    assert run.run.status == "FAILED"
    run.tell(Redrive(), now)
    run.tell(Failed(run.calls[2].key, "E"), now)
    assert run.run.status == "RUNNING"
    assert len(run.timers()) == 1


def test_only_the_branches_that_failed_or_were_aborted_go_on():
    run = Told(machine(parallel([task(QUEUE)], [PASS, task(QUEUE)], [task(QUEUE)]))).begun()
    done, fails, aborted = run.calls[0], run.calls[2], run.calls[1]
    run.tell(Succeeded(done.key, "done"), 1)
    run.tell(Failed(fails.key, "E"), 2)
    assert run.run.status == "FAILED"
    run.tell(Redrive(), 3)
    again = run.calls[3:]
    assert sorted(call.state for call in again) == sorted([fails.state, aborted.state])
    for call in again:
        run.tell(Succeeded(call.key, call.state), 4)
    assert run.ended.output == ["done", *[call.state for call in sorted(again, key=lambda call: call.state)]]


def test_iterations_that_had_not_begun_begin_after_a_redrive():
    run = Told(machine(mapped(task(QUEUE), MaxConcurrency=1)), [1, 2, 3]).begun()
    run.tell(Succeeded(run.calls[0].key, "a"), 1)
    run.tell(Failed(run.calls[1].key, "E"), 2)
    run.tell(Redrive(), 3)
    run.tell(Succeeded(run.calls[2].key, "b"), 4)
    run.tell(Succeeded(run.calls[3].key, "c"), 5)
    assert [call.parameters for call in run.calls] == [1, 2, 2, 3]
    assert run.ended.output == ["a", "b", "c"]


def test_a_stopped_execution_and_one_out_of_time_can_be_redriven():
    run = Told(machine(task(QUEUE), TimeoutSeconds=10)).begun()
    run.tell(Stop(), 1)
    run.tell(Redrive(), 2)
    assert run.timers() == {"deadline": 12}
    run.tell(Fired("deadline"), 12)
    run.tell(Redrive(), 13)
    run.tell(Succeeded(run.calls[-1].key, 1), 14)
    assert run.ended.status == "SUCCEEDED"
    assert run.details("ExecutionRedriven") == [{"redriveCount": 1}, {"redriveCount": 2}]


def test_the_context_tells_of_the_redrive():
    run = Told(machine(task(QUEUE, Parameters={"n.$": "$$.Execution.RedriveCount"}))).begun()
    run.tell(Stop(), 1)
    run.tell(Redrive(), 2)
    assert [call.parameters for call in run.calls] == [{"n": 0}, {"n": 1}]


@pytest.mark.parametrize("ending", ["succeeded", "running", "express"])
def test_what_succeeded_or_runs_or_is_express_is_not_redriven(ending):
    run = Told(machine(task(QUEUE)), express=ending == "express").begun()
    if ending == "succeeded":
        run.tell(Succeeded(run.calls[0].key, 1), 1)
    elif ending == "express":
        run.tell(Stop(), 1)
    assert run.tell(Redrive(), 2).fresh == []


def test_a_fail_state_fails_again():
    run = Told(machine({"Type": "Fail", "Error": "E"})).begun()
    run.tell(Redrive(), 1)
    assert run.types[-3:] == ["ExecutionRedriven", "FailStateEntered", "ExecutionFailed"]
