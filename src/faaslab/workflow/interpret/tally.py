"""How many children and items of a map run wait, run and have ended: what DescribeMapRun tells.

Rule: counts are moved, never counted again; a run may have ten thousand children.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from faaslab.workflow.effects import MapRunState

if TYPE_CHECKING:
    from faaslab.workflow.interpret.course import Course
    from faaslab.workflow.interpret.frame import MapRun

PLACES = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timedOut", "ABORTED": "aborted"}
_NAMES = ("pending", "running", "succeeded", "failed", "timedOut", "aborted")


def begin(the_run: MapRun) -> list[int]:
    """Set the counts to what has ended well; the places of the children that are still to run."""
    the_run.executions = dict.fromkeys(_NAMES, 0)
    the_run.items = dict.fromkeys(_NAMES, 0)
    left = []
    for index, (size, result) in enumerate(zip(the_run.items_in, the_run.results, strict=True)):
        if result is not None and result["Status"] == "SUCCEEDED":
            place = "succeeded"
        else:
            place = "pending"
            the_run.results[index] = None
            left.append(index)
        the_run.executions[place] += 1
        the_run.items[place] += size
    return left


def move(the_run: MapRun, index: int, before: str, after: str) -> None:
    """One child is no longer `before` but `after`."""
    size = the_run.items_in[index]
    the_run.executions[before] -= 1
    the_run.executions[after] += 1
    the_run.items[before] -= size
    the_run.items[after] += size


def stop(course: Course, the_run: MapRun) -> None:
    """The children that wait or run are of no use any more."""
    for key, index in tuple(the_run.keys.items()):
        course.forget(key)
        move(the_run, index, "running", "aborted")
    the_run.keys.clear()
    course.waiting.pop(the_run.arn, None)
    for counts in (the_run.executions, the_run.items):
        if counts:
            counts["aborted"] += counts["pending"]
            counts["pending"] = 0


def tell(
    course: Course,
    the_run: MapRun,
    state: str,
    status: Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"],
) -> None:
    """Have how the run stands recorded."""
    counts = []
    for counted in (the_run.items, the_run.executions):
        told = dict(counted) if counted else dict.fromkeys(_NAMES, 0)
        total = sum(told.values())
        told["resultsWritten"] = told["succeeded"] if status == "SUCCEEDED" else 0
        told["total"] = total
        counts.append(told)
    course.effects.append(
        MapRunState(
            the_run.arn,
            state,
            status,
            the_run.max_concurrency,
            the_run.tolerated_count,
            the_run.tolerated_percentage,
            *counts,
        )
    )
