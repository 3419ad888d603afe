"""How states stand, from the history."""

from datetime import timedelta

import pytest

from faaslab.model.workflow import HistoryEvent
from faaslab.workflow.graph.progress import Items, Progress, Status, status_of, together
from tests.recorded import cases, needed

from . import story


def standings(events):
    return {name: status.standing for name, status in status_of(events).items()}


def test_a_state_is_entered_and_left():
    told = story.Story()
    last = told.work("A", 0, 1.5)
    told.enter("Wait", "B", last)
    found = status_of(told.events)
    assert found["A"].standing == "succeeded"
    assert (found["A"].entered, found["A"].ended, found["A"].duration) == (1, 1, timedelta(seconds=1.5))
    assert found["B"].standing == "running"
    assert found["B"].since == told.at


def test_a_task_that_is_tried_again_and_then_caught():
    told = story.Story()
    last = told.work("A", 0, 1, ("E", "F", None), 2.0)
    assert status_of(told.events)["A"].standing == "running"
    told.leave("Task", "A", last)
    found = status_of(told.events)["A"]
    assert (found.standing, found.retries, found.error) == ("caught", 1, "F")


def test_a_task_that_timed_out_in_a_branch_failed_and_is_not_aborted_with_the_others():
    """AWS has it that a TaskStateAborted follows the TaskTimedOut, as it does of its neighbours."""
    told = story.Story()
    begun = told.add("ParallelStateStarted", told.enter("Parallel", "P"))
    late, other = told.enter("Task", "X", begun), told.enter("Task", "Y", begun)
    late, other = told.add("TaskScheduled", late), told.add("TaskScheduled", other)
    told.wait(2)
    last = told.add("TaskTimedOut", late, error="States.HeartbeatTimeout")
    told.add("TaskStateAborted", last, "X")
    told.add("TaskStateAborted", last, "Y")
    last = told.add("ParallelStateFailed", last, "P")
    told.add("ExecutionFailed", last, error="States.HeartbeatTimeout")
    assert other
    assert standings(told.events) == {"P": "failed", "X": "failed", "Y": "aborted"}
    assert status_of(told.events)["X"].error == "States.HeartbeatTimeout"


def test_a_retry_that_helps_leaves_no_mark_but_the_count():
    told = story.Story()
    told.work("A", 0, 1, ("E",))
    found = status_of(told.events)["A"]
    assert (found.standing, found.retries) == ("succeeded", 1)


def test_the_state_in_which_an_execution_fails_failed_and_others_are_aborted():
    told = story.Story()
    parallel = told.enter("Parallel", "P")
    begun = told.add("ParallelStateStarted", parallel)
    waits = told.enter("Wait", "W", begun)
    last = told.work("A", begun, 1, ("E", None))
    told.add("ExecutionFailed", last, error="E")
    assert waits
    assert standings(told.events) == {"P": "failed", "W": "aborted", "A": "failed"}


@pytest.mark.parametrize("end", ["ExecutionAborted", "ExecutionTimedOut"])
def test_what_is_open_when_an_execution_is_stopped_is_aborted(end):
    told = story.Story()
    last = told.work("A")
    last = told.enter("Wait", "B", last)
    told.add(end, last)
    assert standings(told.events) == {"A": "succeeded", "B": "aborted"}


def test_a_failed_branch_that_is_caught_outside():
    told = story.order()
    assert standings(told.events) == {
        "Validate order": "succeeded",
        "In stock?": "succeeded",
        "Fulfil": "caught",
        "Charge card": "failed",
        "Pack items": "aborted",
        "Reserve item": "failed",
        "Label item": "succeeded",
        "Refund": "succeeded",
        "Reject order": "failed",
    }
    assert status_of(told.events)["Pack items"].items == Items(10, 7, 1, 0, 1)


def test_iterations_are_counted_together():
    told = story.Story()
    started = told.add("MapStateStarted", told.enter("Map", "M"), length=3)
    for index in range(2):
        last = told.add("MapIterationStarted", started, name="M", index=index)
        last = told.work("A", last, 1 + index)
        told.add("MapIterationSucceeded", last, name="M", index=index)
    last = told.add("MapIterationStarted", started, name="M", index=2)
    told.enter("Task", "A", last)
    found = status_of(told.events)
    assert found["M"].items == Items(3, 2, 0, 1)
    assert (found["A"].standing, found["A"].entered, found["A"].ended) == ("running", 3, 2)
    assert found["A"].duration == timedelta(seconds=3)


def test_only_the_last_time_counts_in_a_loop():
    told = story.Story()
    last = told.work("A", 0, 1, ("E", None))
    last = told.leave("Task", "A", last)
    told.work("A", last)
    found = status_of(told.events)["A"]
    assert (found.standing, found.entered) == ("succeeded", 2)


def test_a_map_that_is_tried_again_starts_its_counts_again():
    told = story.Story()
    last = told.add("MapStateStarted", told.enter("Map", "M"), length=1)
    last = told.add("MapIterationStarted", last, name="M", index=0)
    last = told.enter("Fail", "F", last)
    told.add("MapIterationFailed", last, name="M", index=0)
    last = told.add("MapStateStarted", last, length=1)
    last = told.add("MapIterationStarted", last, name="M", index=0)
    last = told.work("A", last)
    last = told.add("MapIterationSucceeded", last, name="M", index=0)
    found = status_of(told.events)
    assert (found["M"].items, found["M"].retries) == (Items(1, 1), 1)
    assert found["F"].standing == "waiting"
    assert found["F"].entered == 1


def test_a_redriven_execution_goes_on():
    told = story.Story()
    last = told.work("A", 0, 1, ("E", None))
    end = told.add("ExecutionFailed", last, error="E")
    assert standings(told.events) == {"A": "failed"}
    told.wait(3600)
    told.add("ExecutionRedriven", end)
    assert standings(told.events) == {"A": "running"}
    assert status_of(told.events)["A"].since == told.at
    last = told.schedule(last, 1)
    last = told.add("LambdaFunctionSucceeded", last)
    told.leave("Task", "A", last)
    assert standings(told.events) == {"A": "succeeded"}
    assert status_of(told.events)["A"].duration == timedelta(seconds=1)  # the hour is nobody's


def test_a_live_view_is_told_what_changed_and_ends_at_the_same():
    told = story.order()
    progress = Progress()
    seen = {}
    for event in told.events:
        changed = progress.feed([event])
        assert all(status != seen.get(name) for name, status in changed.items())
        seen |= changed
    assert seen == progress.statuses() == status_of(told.events)
    assert progress.feed([]) == {}


def test_all_forms_of_events_say_the_same():
    told = story.order()
    models = [HistoryEvent(execution_id="e", **event) for event in told.events]
    api = [
        {
            "id": event["id"],
            "previousEventId": event["previous_id"],
            "type": event["type"],
            "timestamp": event["at"].isoformat() + "Z",
            "someEventDetails": event["details"],
        }
        for event in told.events
    ]
    assert status_of(models) == status_of(api) == status_of(told.events)


@pytest.mark.parametrize(
    "event",
    [None, 3, {}, {"type": 3}, {"type": "TaskStateExited"}, {"type": "MapIterationSucceeded", "details": {"index": []}},
     {"type": "TaskStateEntered", "id": "x", "at": "never"}, {"type": "ExecutionFailed", "previous_id": 99},
     {"type": "MapStateStarted", "details": {"length": "many"}}, {"type": "TaskStateAborted", "previous_id": [1]}],
)  # fmt: skip
def test_what_is_no_event_is_passed_over(event):
    told = story.Story()
    told.work("A")
    assert status_of([event, *told.events, event])["A"].standing in ("succeeded", "running")


@needed
def test_recorded_histories_leave_nothing_open():
    told = 0
    for case in cases("execution"):
        events = case["expected"].get("events") or []
        if not events or not all(isinstance(event["id"], int) for event in events):
            continue
        found = status_of(events)
        entered = [event for event in events if event["type"].endswith("StateEntered")]
        assert sum(status.entered for status in found.values()) == len(entered)
        assert not [name for name, status in found.items() if status.standing == "running"], case["id"]
        if case["expected"]["status"] == "FAILED":
            assert "failed" in {status.standing for status in found.values()}, case["id"]
        told += 1
    assert told > 100


def test_children_are_taken_together():
    first, second = story.Story(), story.Story()
    first.work("A", 0, 1, ("E", None))
    second.work("A", 0, 2)
    second.wait(1).enter("Wait", "B")
    found = together([status_of(first.events), status_of(second.events)])
    assert found["A"] == Status(
        "running",
        2,
        0,
        1,
        timedelta(seconds=2),
        first.events[0]["at"],
        error="E",
        cause="{}",
        stood={"running": 1, "succeeded": 1},
    )
    assert found["B"].standing == "running"
    counted = together([{"M": Status(items=Items(2, 1, 1))}, {"M": Status(items=Items(3, 3))}])
    assert counted["M"].items == Items(5, 4, 1)


def test_a_distributed_map_has_the_counts_of_its_run():
    told = story.Story()
    last = told.add("MapStateStarted", told.enter("Map", "M"), length=9)
    last = told.add("MapRunStarted", last, mapRunArn="arn")
    last = told.add("MapRunSucceeded", last)
    last = told.add("MapStateSucceeded", last)
    told.leave("Map", "M", last)
    found = status_of(told.events)["M"]
    assert (found.standing, found.items) == ("succeeded", None)
    counts = {"total": 9, "succeeded": 6, "failed": 1, "timedOut": 1, "aborted": 1, "pending": 0}
    assert Items.of(counts) == Items(9, 6, 2, 0, 1)
