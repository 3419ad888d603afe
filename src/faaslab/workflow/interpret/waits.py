"""Until when a Wait state waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.workflow.interpret import fields
from faaslab.workflow.interpret.course import FOREVER, Course, runtime
from faaslab.workflow.interpret.payload import text_of
from faaslab.workflow.query import jsonata, timestamps

if TYPE_CHECKING:
    from faaslab.workflow.interpret.frame import Frame
    from faaslab.workflow.interpret.plan import StatePlan

MOST_SECONDS = 99_999_999


def due(course: Course, frame: Frame, state: StatePlan, value: Any) -> datetime:
    """The instant, UTC without a zone; one that has passed is no reason to wait."""
    body = state.body
    scope = course.scope(frame, value)
    if "Seconds" in body:
        seconds = body["Seconds"]
        if fields.is_expression(seconds):
            seconds = jsonata.evaluate(seconds, scope, "Seconds", expected="number")
        return _after(course.now, _counted(seconds, "Seconds", "Seconds"))
    if "SecondsPath" in body:
        path = body["SecondsPath"]
        return _after(course.now, _counted(fields.referred(path, scope, "SecondsPath"), "SecondsPath", path))
    if "Timestamp" in body:
        text = body["Timestamp"]
        if fields.is_expression(text):
            text = jsonata.evaluate(text, scope, "Timestamp", expected="string")
        return _instant(text, "Timestamp", "Timestamp")
    path = body["TimestampPath"]
    return _instant(fields.referred(path, scope, "TimestampPath"), "TimestampPath", path)


def _counted(value: Any, field: str, path: str) -> float:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, float) and value.is_integer():
        whole, value = True, int(value)
    if not whole:
        raise runtime(
            f"The {field} parameter does not reference an integer value: {path} == {_quoted(value)}"
        )
    if not 0 <= value <= MOST_SECONDS:
        raise runtime(f"The {field} parameter must be between 0 and {MOST_SECONDS}: {path} == {value}")
    return float(value)


def _after(now: datetime, seconds: float) -> datetime:
    try:
        return now + timedelta(seconds=seconds)
    except OverflowError:
        return FOREVER


def _instant(value: Any, field: str, path: str) -> datetime:
    at = timestamps.parsed(value) if isinstance(value, str) else None
    if at is None:
        raise runtime(
            f"The {field} parameter does not reference a valid ISO-8601 extended offset date-time format "
            f"string: {path} == {_quoted(value)}"
        )
    return at


def _quoted(value: Any) -> str:
    return value if isinstance(value, str) else text_of(value)
