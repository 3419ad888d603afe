"""Where events belong and what is counted of them: a table of histories."""

from datetime import datetime, timedelta

from faaslab.workflow.effects import Event
from faaslab.workflow.engine.counting import Counted

START = datetime(2026, 1, 1)


def history(*rows):
    """Events from (type, previous id, state); one a second."""
    return [
        Event(number, previous, kind, START + timedelta(seconds=number), state)
        for number, (kind, previous, state) in enumerate(rows, 1)
    ]


def test_what_entered_a_state_is_told_by_each_of_its_events_and_what_left_it_says_how_long_it_took():
    counted = Counted()
    rows = counted.placed(
        history(
            ("ExecutionStarted", 0, None),
            ("TaskStateEntered", 0, "A"),
            ("LambdaFunctionScheduled", 2, None),
            ("LambdaFunctionSucceeded", 3, None),
            ("TaskStateExited", 4, "A"),
            ("PassStateEntered", 5, "B"),
            ("PassStateExited", 6, "B"),
            ("ExecutionSucceeded", 7, None),
        )
    )
    assert [row.entered_id for row in rows] == [None, 2, 2, 2, 2, 6, 6, None]
    assert [row.duration_ms for row in rows] == [None, None, None, None, 3000, None, 1000, None]
    found = counted.statistics()
    assert (found.total_states, found.completed_states, found.failed_states) == (2, 2, 0)
    assert found.mean_state_duration_ms == 2000
    assert counted.current_state == "B"


def test_states_inside_a_map_say_what_they_are_inside_of_also_when_iterations_take_turns():
    rows = Counted().placed(
        history(
            ("MapStateEntered", 0, "M"),
            ("MapStateStarted", 1, None),
            ("MapIterationStarted", 2, None),
            ("MapIterationStarted", 2, None),
            ("PassStateEntered", 3, "A"),
            ("PassStateEntered", 4, "A"),
            ("PassStateExited", 5, "A"),
            ("MapIterationSucceeded", 7, None),
            ("PassStateExited", 6, "A"),
            ("MapIterationSucceeded", 9, None),
            ("MapStateSucceeded", 10, None),
            ("MapStateExited", 11, "M"),
        )
    )
    assert [row.entered_id for row in rows] == [1, 1, 1, 1, 5, 6, 5, 1, 6, 1, 1, 1]
    assert [row.outer_id for row in rows] == [None] * 4 + [1, 1, 1, None, 1, None, None, None]
    assert rows[-1].duration_ms == 11_000


def test_a_failure_inside_fails_the_states_around_it_once_and_a_second_attempt_is_a_retry():
    counted = Counted()
    counted.placed(
        history(
            ("ParallelStateEntered", 0, "P"),
            ("ParallelStateStarted", 1, None),
            ("FailStateEntered", 2, "F"),
            ("ParallelStateFailed", 3, None),
            ("ParallelStateStarted", 4, None),
            ("FailStateEntered", 5, "F"),
            ("ParallelStateFailed", 6, None),
            ("ExecutionFailed", 7, None),
        )
    )
    found = counted.statistics()
    assert (found.total_states, found.completed_states, found.failed_states, found.retried_states) == (
        3,
        0,
        3,
        1,
    )
    assert found.mean_state_duration_ms == (7_000 + 1_000 + 1_000) / 3, "those that failed took time as well"


def test_what_was_aborted_beside_a_failure_is_not_counted_as_failed():
    counted = Counted()
    counted.placed(
        history(
            ("MapStateEntered", 0, "M"),
            ("MapStateStarted", 1, None),
            ("MapIterationStarted", 2, None),
            ("MapIterationStarted", 2, None),
            ("WaitStateEntered", 3, "W"),
            ("FailStateEntered", 4, "F"),
            ("MapIterationFailed", 6, None),
            ("MapIterationAborted", 5, None),
            ("MapStateFailed", 7, None),
            ("ExecutionFailed", 9, None),
        )
    )
    assert counted.statistics().failed_states == 2


def test_the_current_state_is_one_that_was_not_left():
    counted, seen = Counted(), []
    for event in history(
        ("ParallelStateEntered", 0, "P"),
        ("ParallelStateStarted", 1, None),
        ("TaskStateEntered", 2, "T"),
        ("WaitStateEntered", 2, "W"),
        ("WaitStateExited", 4, "W"),
        ("TaskFailed", 3, None),
        ("ParallelStateFailed", 6, None),
        ("ParallelStateExited", 7, "P"),
        ("PassStateEntered", 8, "Z"),
        ("PassStateExited", 9, "Z"),
        ("ExecutionSucceeded", 10, None),
    ):
        counted.placed([event])
        seen.append(counted.current_state)
    assert seen == ["P", "P", "T", "W", "T", "T", "P", "P", "Z", "Z", "Z"]
    failed = Counted()
    failed.placed(history(("TaskStateEntered", 0, "A"), ("ExecutionFailed", 1, None)))
    assert failed.current_state == "A"


BROUGHT_DOWN = (
    ("ParallelStateEntered", 0, "P"),
    ("ParallelStateStarted", 1, None),
    ("TaskStateEntered", 2, "Bad"),
    ("TaskStateEntered", 2, "Good"),
    ("TaskTimedOut", 3, None),
    ("TaskStateAborted", 5, "Bad"),  # as AWS has it of what timed out
    ("TaskStateAborted", 5, "Good"),
    ("ParallelStateFailed", 5, None),
)


def test_of_what_failed_the_current_state_is_the_one_that_failed_and_none_that_was_aborted_with_it():
    counted = Counted()
    counted.placed(history(*BROUGHT_DOWN, ("ExecutionFailed", 8, None)))
    assert counted.current_state == "Bad"
    assert counted.statistics().failed_states == 2


def test_after_a_failure_that_was_caught_the_current_state_is_the_one_that_was_entered_last():
    counted = Counted()
    then = (
        ("ParallelStateExited", 8, "P"),
        ("PassStateEntered", 9, "TooLate"),
        ("PassStateExited", 10, "TooLate"),
        ("ExecutionSucceeded", 11, None),
    )
    counted.placed(history(*BROUGHT_DOWN, *then))
    assert counted.current_state == "TooLate"


def test_the_mean_is_of_all_states_that_ended_also_of_those_that_failed():
    counted = Counted()
    tries = (
        ("PassStateEntered", 0, "A"),
        ("PassStateExited", 1, "A"),
        ("TaskStateEntered", 2, "B"),
        ("TaskScheduled", 3, None),
        ("TaskFailed", 4, None),
        ("ExecutionFailed", 5, None),
    )
    counted.placed(history(*tries))
    assert counted.statistics().mean_state_duration_ms == (1000 + 3000) / 2
    again = (
        (7, 6, "ExecutionRedriven", 27, None),
        (8, 7, "TaskScheduled", 28, "B"),
        (9, 8, "TaskSucceeded", 31, "B"),
        (10, 9, "TaskStateExited", 32, "B"),
    )
    counted.placed(
        [
            Event(number, last, kind, START + timedelta(seconds=at), state)
            for number, last, kind, at, state in again
        ]
    )
    assert counted.statistics().mean_state_duration_ms == (1000 + 5000) / 2, "the last try counts, once"


def test_a_redrive_is_no_retry():
    counted = Counted()
    tries = (
        ("TaskStateEntered", 0, "A"),
        ("TaskScheduled", 1, None),
        ("TaskFailed", 2, None),
        ("ExecutionFailed", 3, None),
        ("ExecutionRedriven", 4, None),
        ("TaskScheduled", 5, "A"),
    )
    counted.placed(history(*tries))
    assert counted.current_state == "A"
    assert counted.statistics().retried_states == 0
    counted.placed(
        [
            Event(7, 6, "TaskFailed", START + timedelta(seconds=7), "A"),
            Event(8, 7, "TaskScheduled", START + timedelta(seconds=8), "A"),
        ]
    )
    assert counted.statistics().retried_states == 1
