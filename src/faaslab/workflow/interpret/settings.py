"""The numbers of a state that may stand there as they are, as an expression, or behind a path.

Rule: what cannot be the number that is meant makes the state fail, in AWS's words where they are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.interpret import fields
from faaslab.workflow.interpret.course import runtime
from faaslab.workflow.interpret.payload import text_of
from faaslab.workflow.query import jsonata

if TYPE_CHECKING:
    from faaslab.workflow.interpret.course import Course
    from faaslab.workflow.interpret.plan import StatePlan
    from faaslab.workflow.scope import Scope


def number(state: StatePlan, field: str, scope: Scope, *, whole: bool = True) -> float | None:
    """The number that `field` or `fieldPath` of the state says, None where neither is there."""
    body = state.body
    value: Any = body.get(field)
    if fields.is_expression(value):
        value = jsonata.evaluate(value, scope, field, expected="number")
        return _number(value, field, str(body[field]), whole=whole)
    if value is not None:
        return _number(value, field, text_of(value), whole=whole)
    path = body.get(f"{field}Path")
    if path is None:
        return None
    return _number(fields.referred(path, scope, f"{field}Path"), f"{field}Path", path, whole=whole)


def _number(value: Any, field: str, source: str, *, whole: bool) -> float:
    if isinstance(value, str):  # a path may name a text that says a number
        read = _read(value, whole=whole)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        read = None
    elif whole:
        read = int(value) if isinstance(value, int) or value.is_integer() else None
    else:
        read = value
    if read is None:
        shown = value if isinstance(value, str) else text_of(value)
        kind = "integer" if whole else "float"
        raise runtime(f'The {field} field refers to value "{shown}" which is not a valid {kind}: {source}')
    return read


def _read(text: str, *, whole: bool) -> float | None:
    if len(text) > 40:
        return None
    try:
        return int(text) if whole else float(text)
    except ValueError:
        return None


def seconds(state: StatePlan, field: str, scope: Scope) -> int | None:
    """A time that a task may take, in seconds: at least 1."""
    found = number(state, field, scope)
    if found is None:
        return None
    if not 1 <= found <= 99_999_999:
        raise runtime(f"{field} must be between 1 and 99999999, and it is {text_of(found)}.")
    return int(found)


def concurrency(course: Course, state: StatePlan, scope: Scope, most: int) -> int:
    """How many iterations may run at a time: 0 and none mean as many as can be."""
    found = number(state, "MaxConcurrency", scope) or 0
    course.inspected("maxConcurrency", found)
    if found < 0:
        raise runtime("MaxConcurrency cannot be negative.")
    return min(int(found) or most, most)
