"""An execution over time as SVG: a row for each visit of a state, with what it spent its time on. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.workflow.graph import sheet, words
from faaslab.workflow.graph.palette import BY_WEIGHT, SAID, SIGNS, STANDINGS, Standing
from faaslab.workflow.graph.sheet import number
from faaslab.workflow.graph.spans import length, mark, step_of
from faaslab.workflow.graph.visits import Doing, Place, Visit, taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_ITERATIONS = 30
"""A Map with more of them has one row for each of its states."""
MOST_ROWS = 400
_ROW, _BAR = 22.0, 12.0
_AXIS = 34.0
_MARGIN = 16.0
_NAMES_LEAST, _NAMES_MOST = 110.0, 260.0
_INDENT = 14.0
_SHOWN = 620.0
_FIGURES = 130.0
_SAID_FIRST: tuple[Standing, ...] = ("succeeded", "caught", "failed", "aborted", "running")
_DOING: dict[Doing, str] = {
    "queued": "waiting to begin",
    "running": "running",
    "held": "waiting",
    "backoff": "waiting to be tried again",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """What a visit did for a while."""

    doing: Doing
    start: datetime
    end: datetime
    standing: Standing | None = None
    """Where it is another than the row's."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the picture: one visit, or all visits of a state in a Map's iterations."""

    label: str
    depth: int
    standing: Standing
    start: datetime
    end: datetime
    pieces: tuple[Piece, ...]
    figure: str
    hover: str
    around: bool = False
    """What it does is done inside it."""


def timeline(events: Iterable[Any], now: datetime | None = None, *, title: str = "Timeline") -> str:
    """The Gantt chart of a history as an `<svg>` element.

    `now` (naive UTC) is how far a running execution has come; without it that is its last event. Bars are
    full while a state works, pale while it waits for a worker, hatched in outline while it waits on purpose,
    dotted between a failure and the next try. A Map with more than 30 iterations has one row a state.
    """
    course = course_of(events, now)
    if course is None:
        said = [sheet.text(_MARGIN, 30, NOTHING, "small")]
        return sheet.framed(said, (300, 48), title, "No state was entered.")
    begin, end, left_out = course.begin, course.end, len(course.rows) - MOST_ROWS
    rows = course.rows[:MOST_ROWS]
    names = max(words.width(row.label, 12) + row.depth * _INDENT for row in rows)
    names = min(max(names, _NAMES_LEAST), _NAMES_MOST) + 12
    total = max((end - begin).total_seconds(), 1e-6)
    view = _View(begin, total, _MARGIN + names)
    high = _AXIS + _ROW * len(rows) + 6
    parts = list(_axis(view, high))
    for index, row in enumerate(rows):
        parts.append(_drawn(row, view, _AXIS + _ROW * index))
    wide = view.left + _SHOWN + _FIGURES + _MARGIN
    stood = {row.standing for row in rows}
    keys, tall = sheet.legend(
        [each for each in STANDINGS if each in stood], _MARGIN, high + 16, wide - _MARGIN
    )
    parts += keys
    high += tall + 14
    done = {piece.doing for row in rows for piece in row.pieces}
    parts += _key([doing for doing in _DOING if doing in done], high + 4)
    high += 22
    if left_out > 0:
        parts.append(sheet.text(_MARGIN, high + 6, f"{left_out:,} more rows are not drawn", "small"))
        high += 20
    visits = "1 visit of a state" if course.visits == 1 else f"{course.visits:,} visits of states"
    about = f"{visits} in {length(end - begin)}."
    return sheet.framed(parts, (wide, high), title, about)


NOTHING = "nothing has happened yet"


@dataclass(frozen=True, slots=True)
class Course:
    """What is drawn of a history: from `begin` to `end`, a row for each visit of a state."""

    begin: datetime
    end: datetime
    rows: list[Row]
    visits: int


def course_of(events: Iterable[Any], now: datetime | None = None) -> Course | None:
    """The rows of a history as it stands at `now`; None while no state was entered."""
    visits = taken(events)
    begin = visits.began
    if begin is None or not visits.every:
        return None
    instants = [each for visit in visits.every for each in (visit.entered, visit.left) if each]
    last = max([*instants, *(at for visit in visits.every for _, at in visit.doings)], default=begin)
    end = visits.ended or max(last, now or last)
    return Course(begin, end, list(_rows(visits.root, 0, end)), len(visits.every))


@dataclass(frozen=True, slots=True)
class _View:
    begin: datetime
    total: float
    left: float

    def at(self, instant: datetime) -> float:
        share = (instant - self.begin).total_seconds() / self.total
        return self.left + _SHOWN * min(max(share, 0.0), 1.0)


def _rows(place: Place, depth: int, end: datetime) -> Iterator[Row]:
    for visit in place.visits:
        if visit.entered is None:
            continue
        yield _row(visit, depth, end)
        if depth >= 12:
            continue
        iterations = [inner for inner in visit.places if inner.index is not None]
        if len(iterations) > MOST_ITERATIONS:
            yield from _grouped(iterations, depth + 1, end)
            continue
        for inner in visit.places:
            rows = _rows(inner, depth + 1, end)
            if inner.index is not None and len(visit.places) > 1:
                for row in rows:
                    where = f"iteration {inner.index}"
                    yield replace(row, label=f"[{inner.index}] {row.label}", hover=f"{where} — {row.hover}")
            else:
                yield from rows


def _pieces(visit: Visit, end: datetime) -> tuple[Piece, ...]:
    left = visit.left or end
    starts = [*visit.doings, ("running", left)]
    found = [
        Piece(doing, at, max(at, min(left, starts[index + 1][1])))
        for index, (doing, at) in enumerate(visit.doings)
    ]
    if found and found[-1].doing == "backoff" and not visit.open:
        found.pop()  # a failure that nothing follows in the same visit is no waiting
    return tuple(piece for piece in found if piece.end > piece.start)


def _row(visit: Visit, depth: int, end: datetime) -> Row:
    assert visit.entered is not None
    left = visit.left or end
    pieces = _pieces(visit, end)
    spent: dict[Doing, timedelta] = {}
    for piece in pieces:
        spent[piece.doing] = spent.get(piece.doing, timedelta()) + (piece.end - piece.start)
    took = "for" if visit.open else "after"
    said = [f"{visit.state} ({visit.kind})", f"{SAID[visit.standing]} {took} {length(left - visit.entered)}"]
    if len(spent) > 1:
        parts = [f"{_DOING[doing]} {length(spent[doing])}" for doing in _DOING if doing in spent]
        said.append(", ".join(parts))
    said += [f"{visit.retries} {'retry' if visit.retries == 1 else 'retries'}"] if visit.retries else []
    said += [f"{visit.error}: {words.shortened(visit.cause or '', 200)}"] if visit.error else []
    said.append(f"entered {visit.entered:%Y-%m-%d %H:%M:%S}.{visit.entered.microsecond // 1000:03d} UTC")
    return Row(
        words.seen(visit.state),
        depth,
        visit.standing,
        visit.entered,
        left,
        pieces,
        length(left - visit.entered) + (f" ↻ {visit.retries}" if visit.retries else ""),
        " — ".join(said),
        around=visit.kind in ("Map", "Parallel"),
    )


def _grouped(iterations: list[Place], depth: int, end: datetime) -> Iterator[Row]:
    """One row for each state of the iterations, with those inside them."""
    found: dict[tuple[str, int], list[Visit]] = {}

    def gather(place: Place, level: int) -> None:
        for visit in place.visits:
            found.setdefault((visit.state, level), []).append(visit)
            if level < 12:
                for inner in visit.places:
                    gather(inner, level + 1)

    for each in iterations:
        gather(each, depth)
    for (state, level), visits in found.items():
        spans = [(visit.entered, visit.left or end) for visit in visits if visit.entered]
        if not spans:
            continue
        stood = Counter(visit.standing for visit in visits)
        start, left = min(span[0] for span in spans), max(span[1] for span in spans)
        standing = next(each for each in BY_WEIGHT if stood[each])
        mean = sum(((b - a) for a, b in spans), timedelta()) / len(spans)
        counts = ", ".join(f"{SAID[each].lower()} {stood[each]:,}" for each in STANDINGS if stood[each])
        yield Row(
            f"{words.seen(state)} ×{len(visits):,}",
            level,
            standing,
            start,
            left,
            _together(visits, end),
            f"{length(mean)} each · {_counted(stood)}",
            f"{state} — {len(visits):,} visits in {len(iterations):,} iterations: {counts} — "
            f"{length(mean)} each, {length(left - start)} in all",
        )


def _counted(stood: Counter[Standing]) -> str:
    return " ".join(f"{stood[each]:,} {SIGNS[each]}" for each in _SAID_FIRST if stood[each])


def _together(visits: list[Visit], end: datetime) -> tuple[Piece, ...]:
    """The times of many visits; the weightier how one stands, the later it is drawn, over the others."""
    found: list[Piece] = []
    for standing in reversed(BY_WEIGHT):
        spans = [
            (visit.entered, visit.left or end)
            for visit in visits
            if visit.standing == standing and visit.entered is not None
        ]
        found += [Piece("running", start, left, standing) for start, left in _merged(spans)]
    return tuple(found)


def _merged(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The spans, those that touch made one."""
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _axis(view: _View, high: float) -> Iterator[str]:
    step = step_of(view.total, 7)
    count = int(view.total / step + 1e-9)
    for index in range(count + 1):
        seconds = index * step
        x = view.left + _SHOWN * seconds / view.total
        yield f'<path class="rule" d="M{number(x)} {number(_AXIS - 8)}V{number(high)}"/>'
        yield sheet.text(x, _AXIS - 14, mark(seconds, step), "small mid")


def _drawn(row: Row, view: _View, y: float) -> str:
    x, end = view.at(row.start), view.at(row.end)
    label = words.cut(row.label, 12, _NAMES_MOST - row.depth * _INDENT)
    middle = y + _ROW / 2
    parts = [
        sheet.hover(row.hover),
        f'<rect class="touch" y="{number(y)}" width="100%" height="{number(_ROW)}"/>',
        sheet.text(_MARGIN + row.depth * _INDENT, middle + 4, label, "row"),
    ]
    high = _BAR / 2 if row.around else _BAR
    top = middle - high / 2
    drawn = False
    for piece in row.pieces:
        a, b = view.at(piece.start), view.at(piece.end)
        if b - a >= 0.4 or piece.standing or len(row.pieces) == 1:
            bar = _bar(piece.doing, a, max(b - a, 2.0), top, high)
            parts.append(f'<g class="{piece.standing}">{bar}</g>' if piece.standing else bar)
            drawn = True
    if not drawn:
        parts.append(_bar("running", x, max(end - x, 2.0), top, high))
    parts.append(sheet.text(end + 7, middle + 4, row.figure, "small"))
    return f'<g class="{row.standing}">{"".join(parts)}</g>'


def _bar(doing: Doing, x: float, wide: float, y: float, high: float = _BAR) -> str:
    if doing == "backoff":
        return f'<path class="back" d="M{number(x + 1.5)} {number(y + high / 2)}H{number(x + wide - 1)}"/>'
    kind = {"running": "bar", "queued": "pale", "held": "hold"}[doing]
    inset = 0.5 if doing == "held" else 0.0
    return (
        f'<rect class="{kind}" x="{number(x)}" y="{number(y + inset)}" width="{number(wide)}" '
        f'height="{number(high - 2 * inset)}" rx="{number(min(3.0, wide / 2))}"/>'
    )


def _key(doings: list[Doing], y: float) -> list[str]:
    parts: list[str] = []
    x = _MARGIN
    for doing in doings:
        parts.append(f'<g class="running">{_bar(doing, x, 22, y - _BAR / 2)}</g>')
        parts.append(sheet.text(x + 28, y + 4, _DOING[doing], "small"))
        x += 28 + words.width(_DOING[doing], 11) + 16
    return parts
