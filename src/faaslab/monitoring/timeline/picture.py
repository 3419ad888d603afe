"""The timeline of a function as SVG: a lane for each environment, how many ran at once below. Pure.

What a bar tells is told without colour as well: an init is striped, an invocation that failed has a cross
above its end, one that timed out a clock, a throttled one is an open diamond.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from faaslab.monitoring.timeline import words
from faaslab.monitoring.timeline.lanes import Bar, Lane, bars_of, lanes_of
from faaslab.monitoring.timeline.levels import Levels, grouped, levels
from faaslab.monitoring.timeline.scale import Scale, scale
from faaslab.workflow.graph import fluid, sheet
from faaslab.workflow.graph.fluid import rect
from faaslab.workflow.graph.sheet import number
from faaslab.workflow.graph.spans import length, mark, step_of
from faaslab.workflow.graph.words import cut, escaped, width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faaslab.monitoring.timeline.runs import Look, Run

_SIDES = fluid.Sides(left=84, right=112, slim_left=76, slim_right=36)
_SHOWN = _SIDES.plot
_AXIS, _LANE, _BAR = 40.0, 21.0, 10.0
_FOLD = 36.0
_AREA = 56.0
_ABOVE = 26.0
_MOST_LEVELS = 12
_CROWDED = 300
_SEEN = timedelta(milliseconds=1)
_LEVEL = 16.0
_MARKS: dict[Look, str] = {
    "failed": "M-3 -3L3 3M3 -3L-3 3",
    "timeout": "M-3.6 0a3.6 3.6 0 1 1 7.2 0a3.6 3.6 0 1 1 -7.2 0M0 -2V0H1.8",
    "throttled": "M0 -4.2L4.2 0L0 4.2L-4.2 0Z",
    "running": "M-3 0H3",
}
_ABOVE_ITS_END: tuple[Look, ...] = ("failed", "timeout")
_HUES: dict[Look, str] = {
    "completed": "#1e9e58",
    "failed": "#dd3f3f",
    "timeout": "#c98500",
    "throttled": "#8a8f98",
    "running": "#3b82e6",
}
STYLE = (
    ".faas-flow.faas-flow .init{stroke:#8f4fd6;stroke-width:10;stroke-dasharray:2.5 1.5;fill:none}"
    ".faas-flow.faas-flow .inits{fill:#8f4fd6;fill-opacity:.28;stroke:none}"
    ".faas-flow.faas-flow .began{fill:#8f4fd6;stroke:none}"
    ".faas-flow.faas-flow .before{fill:none;stroke:#8f4fd6;stroke-width:1}"
    ".faas-flow.faas-flow .waiting{fill:none;stroke:var(--soft);stroke-width:1}"
    ".faas-flow.faas-flow .many{fill:var(--hue);fill-opacity:.55;stroke:var(--hue);stroke-width:1}"
    ".faas-flow.faas-flow .sign{stroke:color-mix(in srgb,var(--hue) 80%,var(--ink));stroke-width:1.7;"
    "fill:none;stroke-linecap:round}"
    ".faas-flow.faas-flow .area{fill:#3b82e6;fill-opacity:.3;stroke:#3b82e6;stroke-width:1.2;"
    "vector-effect:non-scaling-stroke}"
    ".faas-flow.faas-flow .crowded{fill-opacity:.6;stroke:none}"
    ".faas-flow.faas-flow .level{fill:#3b82e6;fill-opacity:.75;stroke:none}"
    ".faas-flow.faas-flow .idle{fill:#8a8f98;fill-opacity:.75;stroke:none}"
    ".faas-flow.faas-flow .limit{stroke:#dd3f3f;stroke-width:1.3;stroke-dasharray:6 3;fill:none}"
    ".faas-flow.faas-flow .fold{fill:color-mix(in srgb,var(--ink) 9%,transparent);stroke:none}"
    + "".join(f".faas-flow.faas-flow .{look}{{--hue:{hue}}}" for look, hue in _HUES.items())
)
_KEY = {
    "before": "environment being started, not billed",
    "waiting": "waiting for the environment, not billed",
    "init": "init of a cold start",
    "completed": "handler",
    "failed": "failed",
    "timeout": "timed out",
    "throttled": "throttled",
    "many": "several invocations as one",
    "fold": "idle, not to scale",
}


def timeline_svg(
    runs: Sequence[Run],
    *,
    title: str,
    limit: int | None = None,
    reserved: bool = False,
    notes: Sequence[str] = (),
) -> str:
    """The timeline of runs (by their beginning) as an `<svg>` element that is as wide as its page.

    `limit` is how many may run at once (`reserved`: of this function alone). More than 60 lanes or 2,000 bars
    are joined, and idle times that would take most of the room folded; both is said in the picture, as are
    the `notes`.
    """
    page = fluid.Page(_SIDES)
    if not runs:
        page.note("no invocation in that time")
        return page.svg(title, "Nothing ran.")
    laid = lanes_of(runs)
    axis = scale([(run.began, run.ended) for run in runs], _SHOWN, _FOLD)
    bars, shared = bars_of(laid.lanes, axis.at, _SHOWN)
    found = levels((run.began, run.ended) for run in runs if run.look != "throttled")
    page.add("".join(_grid(axis)), _AXIS)
    for lane, each in zip(laid.lanes, bars, strict=True):
        page.add(_lane(lane, each, axis), _LANE)
    page.add("".join(_area(found, axis, limit)), _ABOVE + _AREA)
    page.lines(_AXIS - 5)
    page.add("", 8)
    page.laid(fluid.keys(_key(runs, axis, shared=bool(shared))))
    page.add("", 4)
    page.add(*_histogram(found))
    several = f"{shared:,} invocations are drawn together with their neighbours"
    for note in (words.of_peak(found, limit, reserved), *laid.notes, *([several] if shared else []), *notes):
        page.note(note)
    environments = len({run.environment for run in runs if run.environment is not None})
    about = f"{words.summary(runs, environments)}; {words.of_peak(found, limit, reserved)}."
    return page.svg(title, about, STYLE)


def _share(value: float) -> float:
    return value / _SHOWN


def _grid(axis: Scale) -> Iterator[str]:
    """Two rows above the lanes: when a stretch begins, and how far one is in it."""
    left = -_SIDES.left
    yield sheet.text(left, 14, f"{axis.begin:%Y-%m-%d}", "small who")
    yield sheet.text(left, 31, "environment", "small who")
    step = step_of(axis.worked.total_seconds(), 8)
    top = _AXIS - 5
    for each in axis.stretches:
        wide = each.right - each.left
        seconds = (each.end - each.begin).total_seconds()
        if each.idle:
            said = words.brief(seconds)
            kind = "small mid " + ("broad" if width(said, 11) < wide * 0.55 else "vast")
            yield (
                f"<g>{sheet.hover(f'{length(seconds)} idle')}"
                f"{fluid.band(_share(each.left), _share(wide), top, 'fold')}"
                f"{fluid.text(_share(each.left + wide / 2), 31, said, kind)}</g>"
            )
            continue
        texts = [mark(index * step, step) for index in range(int(seconds / step + 1e-9) + 1)]
        # That a new stretch begins says the clock above.
        found = fluid.marks(
            texts,
            _share(wide * step / seconds) if seconds else 0.0,
            _SIDES.rooms,
            (_share(each.left), _share(each.right)),
            last=each.end == axis.end,
        )
        for index, one in enumerate(found):
            yield fluid.tick(one.share, top, fluid.RANKS[one.rank])
            if one.label is not None and (index or not each.left):
                kind = "small mid" if one.share else "small"
                yield fluid.text(one.share, 31, one.said, f"{kind} {fluid.RANKS[one.label]}".rstrip())
    clocks = [
        (_share(each.left), words.clock(each.begin) + ("" if each.left else " UTC"))
        for each in axis.stretches
        if not each.idle
    ]
    for (share, said), rank in zip(clocks, fluid.placed(clocks, 12, _SIDES.rooms, 30), strict=True):
        if rank is not None:
            yield fluid.text(share, 14, said, f"row {fluid.RANKS[rank]}".rstrip())


def _lane(lane: Lane, bars: list[Bar], axis: Scale) -> str:
    label = cut(lane.label, 12, _SIDES.left - 8)
    slim = cut(lane.label, 12, _SIDES.slim_left - 6)
    left = -_SIDES.left
    if slim == label:
        name = sheet.text(left, 15, label, "row who")
    else:
        name = sheet.text(left, 15, label, "row broad") + sheet.text(-_SIDES.slim_left, 15, slim, "row slim")
    hover = ", ".join(lane.environments[:6]) + (", …" if len(lane.environments) > 6 else "")
    count, _, busy = words.of_lane(lane, axis).partition(" ")
    more = f'<tspan class="broad"> {escaped(busy)}</tspan>' if busy else ""
    parts = [
        f"<g>{sheet.hover(hover)}{name}</g>",
        f'<text x="100%" dx="10" y="15" class="small">{escaped(count)}{more}</text>',
    ]
    parts += [_bar(bar, axis, 8) for bar in bars]
    return "".join(parts)


def _bar(bar: Bar, axis: Scale, y: float) -> str:
    """A bar whose upper edge is at y; its sign stands above its end."""
    x, end = _share(bar.x), max(_share(bar.end), _share(bar.x))
    parts = [sheet.hover(words.of_bar(bar))]
    look, only = bar.look, bar.runs[0]
    if look == "throttled" and len(bar.counts) == 1:
        parts.append(_sign("throttled", (x + end) / 2 if len(bar.runs) > 1 else x, y + _BAR / 2))
        if len(bar.runs) > 1:
            foot = number(y + _BAR)
            parts.append(
                f'<line class="sign" x1="{fluid.at(x)}" x2="{fluid.at(end)}" y1="{foot}" y2="{foot}"/>'
            )
        return f'<g class="{look}">{"".join(parts)}</g>'
    if len(bar.runs) > 1:
        parts += _several(bar, x, end, y)
    else:
        handler = min(_share(axis.at(only.handler_at)), end)
        init = handler if only.init_at is None else min(_share(axis.at(only.init_at)), handler)
        if (init - x) * _SHOWN > 0.6:
            parts.append(rect("before" if only.cold else "waiting", x, init, y + 3, 4, least=1))
        seen = (handler - init) * _SHOWN > 3
        if only.init_at is not None and seen:
            parts.append(rect("inits", init, handler, y, _BAR))
            parts.append(fluid.line("init", init, handler, y + _BAR / 2))
        parts.append(rect("bar", handler, end, y, _BAR))
        if only.init_at is not None and not seen:  # a cold start is seen however short its init was
            parts.append(rect("began", init, init, y, _BAR))
    if look in _MARKS:
        parts.append(_sign(look, end, y - 3.5))
    return f'<g class="{look}">{"".join(parts)}</g>'


def _several(bar: Bar, x: float, end: float, y: float) -> Iterator[str]:
    """Many as one: how many of them failed or timed out is told by how high that part is."""
    yield f'<g class="completed">{rect("many", x, end, y, _BAR)}</g>'
    foot = y + _BAR
    for look in ("failed", "timeout", "throttled"):
        count = bar.counts[look]
        if count:
            high = max(_BAR * count / len(bar.runs), 2.0)
            foot -= high
            yield f'<g class="{look}">{rect("bar", x, end, foot, high)}</g>'
    if any(run.init_at is not None for run in bar.runs):
        yield rect("began", x, x, y, _BAR, least=3)


def _sign(look: Look, share: float, y: float) -> str:
    return fluid.spot(share, y, f'<path class="sign" d="{_MARKS[look]}"/>')


def _area(found: Levels, axis: Scale, limit: int | None) -> Iterator[str]:
    """How many ran at once, over time."""
    peak, foot, tall = max(found.peak, 1), _ABOVE + _AREA, _AREA - 8
    limited = limit is not None and limit <= 3 * peak
    top = max(peak, limit or 0) if limited else peak
    yield fluid.text(0, _ABOVE - 6, "how many ran at once", "small")
    for level in {peak, top} if limited else {peak}:
        yield sheet.text(-6, foot - tall * level / top + 4, f"{level:,}", "small ending")
    yield sheet.text(-6, foot, "0", "small ending")
    points = [f"M0 {number(_AREA)}"]
    columns = _columns(found, axis)
    for x, level in columns:
        points.append(f"H{number(x)}V{number(_AREA - tall * level / top)}")
    points.append(f"H{number(_SHOWN)}V{number(_AREA)}Z")
    said = f"how many ran at once, over time; at most {found.peak:,}"
    kind = "area" if len(columns) < _CROWDED else "area crowded"
    drawn = fluid.stretched(_ABOVE, (_SHOWN, _AREA), f'<path class="{kind}" d="{"".join(points)}"/>')
    yield f"<g>{sheet.hover(said)}{drawn}</g>"
    if limited and limit is not None:
        line = foot - tall * limit / top
        yield (f"<g>{sheet.hover(f'the limit, {limit:,}')}{fluid.line('limit', 0, 1, line)}</g>")
        yield fluid.text(1, line + 4, "limit", "small", 8)


def _columns(found: Levels, axis: Scale) -> list[tuple[float, int]]:
    """(x, level from there on); of what falls into the same half pixel the highest."""
    columns: list[tuple[float, int]] = []
    after = 0
    for at, level in found.steps:
        x = round(axis.at(at) * 2) / 2
        if columns and columns[-1][0] == x:
            columns[-1] = (x, max(columns[-1][1], level))
        else:
            if columns and columns[-1][1] != after:
                columns.append((min(columns[-1][0] + 0.5, x), after))
            columns.append((x, level))
        after = level
    return columns


def _key(runs: Sequence[Run], axis: Scale, *, shared: bool) -> Iterator[tuple[str, str]]:
    looks = {run.look for run in runs}
    before = {run.cold for run in runs if ((run.init_at or run.handler_at) - run.began) > _SEEN}
    shown = {
        "before": True in before,
        "waiting": False in before,
        "init": any(run.init_at is not None for run in runs),
        "many": shared,
        "fold": axis.folded > 0,
    }
    for kind, said in _KEY.items():
        if not shown.get(kind, kind in looks):
            continue
        if kind == "init":
            drawn = _box("inits") + '<path class="init" d="M0 0H18"/>'
        elif kind in ("before", "waiting"):
            drawn = _box(kind, 4)
        elif kind == "throttled":
            drawn = f'<path class="sign" transform="translate(9 0)" d="{_MARKS["throttled"]}"/>'
        else:
            drawn = _box(kind if kind in ("many", "fold") else "bar")
            for each in _ABOVE_ITS_END:
                if kind == each:
                    drawn += f'<path class="sign" transform="translate(17 -7)" d="{_MARKS[each]}"/>'
        yield f'<g class="{kind if kind in looks else "completed"}">{drawn}</g>', said


def _box(kind: str, high: float = _BAR) -> str:
    return f'<rect class="{kind}" y="{number(-high / 2)}" width="18" height="{number(high)}"/>'


def _histogram(found: Levels) -> tuple[str, float]:
    """How long so many ran at once."""
    rows = [(low, high, us) for low, high, us in grouped(found, _MOST_LEVELS) if us or low]
    total = found.total_us
    if not total:
        return "", 0.0
    parts = [fluid.text(0, 10, "how long so many ran at once", "small")]
    most = max(us for _, _, us in rows)
    for place, (low, high, us) in enumerate(rows):
        top = 16 + _LEVEL * place
        name = "idle" if not high else f"{low:,}" if low == high else f"{low:,} to {high:,}"
        figure = f"{length(us / 1e6)} · {words.share(us, total)}"
        wide = 0.56 * us / most
        drawn = rect("level" if high else "idle", 0, wide, top + 3, _BAR) if us else ""
        parts.append(
            f"<g>{sheet.hover(f'{name}: {figure}')}{sheet.text(-6, top + 12, name, 'small ending')}"
            f"{drawn}{fluid.text(wide, top + 12, figure, 'small', 8)}</g>"
        )
    return "".join(parts), 16 + _LEVEL * len(rows) + 8
