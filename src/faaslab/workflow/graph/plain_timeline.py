"""An execution over time as text, a line for each visit of a state, for terminals. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.graph.palette import SIGNS
from faaslab.workflow.graph.spans import length
from faaslab.workflow.graph.timeline import MOST_ROWS, NOTHING, Course, Drawn, Row, course_of
from faaslab.workflow.graph.words import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


_COLUMNS = 48
_NAME = 36
_STROKES: dict[Drawn, str] = {"queued": "░", "running": "█", "held": "─", "backoff": "·", "dead": "·"}


def timeline_text(events: Iterable[Any], now: datetime | None = None) -> str:
    """When which state was entered, and for how long; bars as `timeline` draws them.

    Full while a state works, `─` while it waits on purpose, `·` between a failure and the next try or
    redrive, `░` while it waits for a worker.
    """
    course = course_of(events, now)
    if course is None:
        return NOTHING
    rows = course.rows[:MOST_ROWS]
    names = [shortened("  " * row.depth + row.label, _NAME) for row in rows]
    wide = max(map(len, names))
    whole = length(course.end - course.begin)
    lines = [f"  {'':<{wide}}  0{whole:>{_COLUMNS - 1}}"]
    lines += [
        f"{SIGNS[row.standing]} {name:<{wide}}  {_bar(row, course)}  {row.figure}"
        for name, row in zip(names, rows, strict=True)
    ]
    left_out = len(course.rows) - len(rows)
    return "\n".join(lines + ([f"… {left_out:,} more rows"] if left_out else []))


def _bar(row: Row, course: Course) -> str:
    total = max((course.end - course.begin).total_seconds(), 1e-6)

    def column(at: datetime) -> int:
        return round(max(0.0, min(1.0, (at - course.begin).total_seconds() / total)) * _COLUMNS)

    cells = [" "] * _COLUMNS
    for piece in row.pieces:
        for place in range(column(piece.start), column(piece.end)):
            cells[place] = "━" if row.around else _STROKES[piece.doing]
    # What was too short for a column is seen all the same.
    first = min(column(row.start), _COLUMNS - 1)
    if not any(cell != " " for cell in cells):
        cells[first] = "▏"
    return "".join(cells)
