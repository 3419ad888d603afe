"""An execution over time as SVG: a row for each visit of a state, with what it spent its time on. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from faaslab.workflow.graph import fluid, sheet, words
from faaslab.workflow.graph.palette import BY_WEIGHT, SAID, SAID_FIRST, SIGNS, STANDINGS, Standing
from faaslab.workflow.graph.sheet import number
from faaslab.workflow.graph.spans import length, mark, step_of
from faaslab.workflow.graph.visits import Doing, Place, Visit, taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_ITERATIONS = 30
"""A Map with more of them has one row for each of its states."""
MOST_ROWS = 400
_ROW, _SLIM_ROW, _BAR = 22.0, 38.0, 12.0
_AXIS = 28.0
_NAMES_LEAST, _NAMES_MOST = 90.0, 260.0
_INDENT = 14.0
_FIGURES = 90.0
Drawn = Doing | Literal["dead"]
"""What a piece shows: what a visit did, or that the execution lay ended until somebody redrove it."""
_DOING: dict[Drawn, str] = {
    "queued": "waiting to begin",
    "running": "running",
    "held": "waiting",
    "backoff": "waiting to be tried again",
    "dead": "waiting to be redriven",
}
_LINES: dict[Drawn, str] = {"backoff": "back", "dead": "dead"}


@dataclass(frozen=True, slots=True)
class Piece:
    """What a visit did for a while."""

    doing: Drawn
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
    dotted between a failure and the next try, in grey until a redrive. A Map with more than 30 iterations
    has one row a state.
    """
    course = course_of(events, now)
    if course is None:
        empty = fluid.Page(fluid.Sides(0, 0, 0, 0))
        empty.note(NOTHING)
        return empty.svg(title, "No state was entered.")
    begin, end, left_out = course.begin, course.end, len(course.rows) - MOST_ROWS
    rows = course.rows[:MOST_ROWS]
    names = max(words.width(row.label, 12) + row.depth * _INDENT for row in rows)
    names = min(max(names, _NAMES_LEAST), _NAMES_MOST) + 12
    figures = max(_FIGURES, *(words.width(row.figure, 11) + 10 for row in rows))
    total = max((end - begin).total_seconds(), 1e-6)
    page = fluid.Page(fluid.Sides(names, min(figures, 200.0), 0, 6))
    view = _View(begin, total)
    page.add("".join(_axis(view, page.sides)), _AXIS)
    for row in rows:
        page.add(_drawn(row, view, names), _ROW, _SLIM_ROW)
    page.lines(_AXIS - 6)
    page.add("", 8)
    stood = {row.standing for row in rows} | {piece.standing for row in rows for piece in row.pieces}
    page.laid(fluid.keys(_standings(each for each in STANDINGS if each in stood), 16))
    done = {piece.doing for row in rows for piece in row.pieces}
    page.laid(fluid.keys(((_stroke(doing), _DOING[doing]) for doing in _DOING if doing in done), 22))
    if left_out > 0:
        page.note(f"{left_out:,} more rows are not drawn")
    visits = "1 visit of a state" if course.visits == 1 else f"{course.visits:,} visits of states"
    return page.svg(title, f"{visits} in {length(end - begin)}.")


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

    def at(self, instant: datetime) -> float:
        """Its share of the whole."""
        return min(max((instant - self.begin).total_seconds() / self.total, 0.0), 1.0)


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


def _before(visit: Visit) -> Iterator[Piece]:
    """What a visit did before each of its redrives, and how long the execution lay dead then."""
    afterwards = [*(cut.entered for cut in visit.before), visit.entered][1:]
    for cut, again in zip(visit.before, afterwards, strict=True):
        if cut.entered is None or cut.left is None or again is None:
            continue
        done = _done(cut.doings, cut.left) or [Piece("running", cut.entered, cut.left)]
        if done[-1].doing == "backoff":
            done.pop()
        yield from (replace(piece, standing=cut.standing) for piece in done if piece.end > piece.start)
        yield Piece("dead", cut.left, max(again, cut.left), cut.standing)


def _done(doings: Iterable[tuple[Doing, datetime]], left: datetime) -> list[Piece]:
    listed = list(doings)
    starts = [*(at for _, at in listed), left]
    return [
        Piece(doing, at, max(at, min(left, starts[index + 1]))) for index, (doing, at) in enumerate(listed)
    ]


def _pieces(visit: Visit, end: datetime) -> tuple[Piece, ...]:
    found = _done(visit.doings, visit.left or end)
    if found and found[-1].doing == "backoff" and not visit.open:
        found.pop()  # a failure that nothing follows in the same visit is no waiting
    return tuple(piece for piece in found if piece.end > piece.start)


def _row(visit: Visit, depth: int, end: datetime) -> Row:
    assert visit.entered is not None
    left = visit.left or end
    pieces = _pieces(visit, end)
    spent: dict[Drawn, timedelta] = {}
    for piece in pieces:
        spent[piece.doing] = spent.get(piece.doing, timedelta()) + (piece.end - piece.start)
    took = "for" if visit.open else "after"
    said = [f"{visit.state} ({visit.kind})", f"{SAID[visit.standing]} {took} {length(left - visit.entered)}"]
    if len(spent) > 1:
        parts = [f"{_DOING[doing]} {length(spent[doing])}" for doing in _DOING if doing in spent]
        said.append(", ".join(parts))
    said += [f"{visit.retries} {'retry' if visit.retries == 1 else 'retries'}"] if visit.retries else []
    said += [f"redriven {_often(len(visit.before))}"] if visit.before else []
    said += [f"{visit.error}: {words.shortened(visit.cause or '', 200)}"] if visit.error else []
    said.append(f"entered {visit.entered:%Y-%m-%d %H:%M:%S}.{visit.entered.microsecond // 1000:03d} UTC")
    return Row(
        words.seen(visit.state),
        depth,
        visit.standing,
        visit.entered,
        left,
        (*_before(visit), *pieces),
        length(left - visit.entered)
        + (f" ↻ {visit.retries}" if visit.retries else "")
        + (f" · redriven {_often(len(visit.before))}" if visit.before else ""),
        " — ".join(said),
        around=visit.kind in ("Map", "Parallel"),
    )


def _often(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


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
    return " ".join(f"{stood[each]:,} {SIGNS[each]}" for each in SAID_FIRST if stood[each])


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


def _axis(view: _View, sides: fluid.Sides) -> Iterator[str]:
    step = step_of(view.total, 7)
    texts = [mark(index * step, step) for index in range(int(view.total / step + 1e-9) + 1)]
    for one in fluid.marks(texts, step / view.total, sides.rooms):
        yield fluid.tick(one.share, _AXIS - 6, fluid.RANKS[one.rank])
        if one.label is not None:
            kind = "small" if not one.share else "small mid"
            yield fluid.text(one.share, _AXIS - 12, one.said, f"{kind} {fluid.RANKS[one.label]}".rstrip())


def _drawn(row: Row, view: _View, names: float) -> str:
    end = view.at(row.end)
    label = words.cut(row.label, 12, _NAMES_MOST - row.depth * _INDENT)
    foot = _ROW / 2 + 4
    high = _BAR / 2 if row.around else _BAR
    top = (_ROW - high) / 2
    bars: list[str] = []
    for piece in row.pieces:
        a, b = view.at(piece.start), view.at(piece.end)
        if b - a >= 0.0006 or piece.standing or len(row.pieces) == 1:
            bar = _bar(piece.doing, a, b, top, high)
            bars.append(f'<g class="{piece.standing}">{bar}</g>' if piece.standing else bar)
    if not bars:
        bars.append(_bar("running", view.at(row.start), end, top, high))
    return (
        f'<g class="{row.standing}">{sheet.hover(row.hover)}'
        f'<rect class="touch" width="100%" height="{number(_ROW)}"/>'
        f"{sheet.text(row.depth * _INDENT - names, foot, label, 'row who')}"
        f'<g class="low">{"".join(bars)}</g>'
        f"{fluid.text(end, foot, row.figure, 'small broad', 7)}"
        f"{fluid.text(1, foot, row.figure, 'small ending slim')}</g>"
    )


def _bar(doing: Drawn, begin: float, end: float, y: float, high: float = _BAR) -> str:
    if doing in _LINES:
        return fluid.line(_LINES[doing], begin, end, y + high / 2)
    kind = {"running": "bar", "queued": "pale", "held": "hold"}[doing]
    inset = 0.5 if doing == "held" else 0.0
    return fluid.rect(kind, begin, end, y + inset, high - 2 * inset, rx=3)


def _standings(stood: Iterable[Standing]) -> Iterator[tuple[str, str]]:
    for each in stood:
        mark_ = '<circle class="card" cx="8" r="6.5"/>' if each == "waiting" else sheet.seal(each, 8, 0)
        yield f'<g class="{each}">{mark_}</g>', SAID[each]


def _stroke(doing: Drawn) -> str:
    """What a bar looks like, for the key: in grey, as its hue says how the state stands."""
    if doing in _LINES:
        return f'<g class="waiting"><path class="{_LINES[doing]}" d="M1.5 0H21"/></g>'
    kind = {"running": "bar", "queued": "pale", "held": "hold"}[doing]
    return f'<g class="waiting"><rect class="{kind}" y="-6" width="22" height="12" rx="3"/></g>'
