"""Which failures a retrier or a catcher is for, and how long to wait before the next attempt.

Facts of the language: `States.ALL` is all but `States.Runtime`; `States.TaskFailed` is all but
`States.Timeout` as well; a heartbeat that was missed is told as `States.Timeout` and matches
`States.HeartbeatTimeout` too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.failure import RUNTIME, StateFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.workflow.interpret.course import Course
    from faaslab.workflow.interpret.frame import Frame
    from faaslab.workflow.interpret.plan import StatePlan

TIMEOUT = "States.Timeout"
HEARTBEAT = "States.HeartbeatTimeout"


class HeartbeatMissed(StateFailure):
    """The worker of a task was silent for too long."""

    def __init__(self) -> None:
        super().__init__(TIMEOUT)


def matches(failure: StateFailure, names: Sequence[str]) -> bool:
    """Whether one of the names of an ErrorEquals is for the failure."""
    error = failure.error
    if error == RUNTIME:
        return False
    for name in names:
        if name in (error, "States.ALL"):
            return True
        if name == "States.TaskFailed" and error != TIMEOUT:
            return True
        if name == HEARTBEAT and isinstance(failure, HeartbeatMissed):
            return True
    return False


def delay(course: Course, frame: Frame, state: StatePlan, failure: StateFailure) -> float | None:
    """Seconds until the state is tried again; None when it is not.

    The first retrier that is for the failure decides, each with a count of its own.
    """
    for at, retrier in enumerate(state.body.get("Retry", ())):
        if not matches(failure, retrier["ErrorEquals"]):
            continue
        done = frame.attempts.get(at, 0) if course.trial is None else course.trial.retries
        if done >= retrier.get("MaxAttempts", 3):
            return None
        frame.attempts[at] = done + 1
        seconds = _seconds(course, retrier, done)
        course.inspected("errorDetails", {"retryIndex": at, "retryBackoffIntervalSeconds": int(seconds)})
        return seconds
    return None


def _seconds(course: Course, retrier: Any, done: int) -> float:
    most = float(retrier.get("MaxDelaySeconds", 99_999_999))
    try:
        seconds = float(retrier.get("IntervalSeconds", 1)) * float(retrier.get("BackoffRate", 2.0)) ** done
    except OverflowError:
        seconds = most
    seconds = min(seconds, most)
    if retrier.get("JitterStrategy") == "FULL":
        seconds *= course.chance.random()
    return seconds


def error_output(failure: StateFailure) -> dict[str, Any]:
    """What a catcher makes of the failure. An error without a cause has an empty one."""
    output: dict[str, Any] = {}
    if failure.error is not None:
        output["Error"] = failure.error
    output["Cause"] = failure.cause if failure.cause is not None else ""
    return output
