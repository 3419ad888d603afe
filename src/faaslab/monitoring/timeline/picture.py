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
from faaslab.workflow.graph import sheet
from faaslab.workflow.graph.sheet import number
from faaslab.workflow.graph.spans import length, mark, step_of
from faaslab.workflow.graph.words import cut, width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faaslab.monitoring.timeline.runs import Look, Run

_MARGIN, _NAMES, _SHOWN, _FIGURES = 14.0, 92.0, 740.0, 118.0
_WIDE = _MARGIN + _NAMES + _SHOWN + _FIGURES + _MARGIN
_AXIS, _LANE, _BAR = 40.0, 21.0, 10.0
_FOLD = 36.0
_AREA = 56.0
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
_HUES: dict[Look, str] = {
    "completed": "#1e9e58",
    "failed": "#dd3f3f",
    "timeout": "#c98500",
    "throttled": "#8a8f98",
    "running": "#3b82e6",
}
STYLE = (
    "<style>"
    ".faas-flow.faas-flow .init{stroke:#8f4fd6;stroke-width:10;stroke-dasharray:2.5 1.5;fill:none}"
    ".faas-flow.faas-flow .inits{fill:#8f4fd6;fill-opacity:.28;stroke:none}"
    ".faas-flow.faas-flow .before{fill:none;stroke:#8f4fd6;stroke-width:1}"
    ".faas-flow.faas-flow .waiting{fill:none;stroke:var(--soft);stroke-width:1}"
    ".faas-flow.faas-flow .many{fill:var(--hue);fill-opacity:.55;stroke:var(--hue);stroke-width:1}"
    ".faas-flow.faas-flow .sign{stroke:color-mix(in srgb,var(--hue) 80%,var(--ink));stroke-width:1.7;"
    "fill:none;stroke-linecap:round}"
    ".faas-flow.faas-flow .area{fill:#3b82e6;fill-opacity:.3;stroke:#3b82e6;stroke-width:1.2}"
    ".faas-flow.faas-flow .crowded{fill-opacity:.6;stroke:none}"
    ".faas-flow.faas-flow .level{fill:#3b82e6;fill-opacity:.75;stroke:none}"
    ".faas-flow.faas-flow .idle{fill:#8a8f98;fill-opacity:.75;stroke:none}"
    ".faas-flow.faas-flow .limit{stroke:#dd3f3f;stroke-width:1.3;stroke-dasharray:6 3;fill:none}"
    ".faas-flow.faas-flow .fold{fill:color-mix(in srgb,var(--ink) 6%,transparent);stroke:none}"
    ".faas-flow.faas-flow .foldline{stroke:var(--line);stroke-width:1;stroke-dasharray:1.5 3}"
    + "".join(f".faas-flow.faas-flow .{look}{{--hue:{hue}}}" for look, hue in _HUES.items())
    + "</style>"
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
    """The timeline of runs (by their beginning) as an `<svg>` element.

    `limit` is how many may run at once (`reserved`: of this function alone). More than 60 lanes or 2,000 bars
    are joined, and idle times that would take most of the room folded; both is said in the picture, as are
    the `notes`.
    """
    if not runs:
        return sheet.framed(
            [sheet.text(_MARGIN, 28, "no invocation in that time", "small")], (300, 44), title, "Nothing ran."
        )
    laid = lanes_of(runs)
    axis = scale([(run.began, run.ended) for run in runs], _SHOWN, _FOLD)
    bars, shared = bars_of(laid.lanes, axis.at, _SHOWN)
    found = levels((run.began, run.ended) for run in runs if run.look != "throttled")
    bottom = _AXIS + _LANE * len(laid.lanes)
    area = bottom + 26
    parts = [STYLE, *_grid(axis, area + _AREA)]
    for place, (lane, each) in enumerate(zip(laid.lanes, bars, strict=True)):
        parts.append(_lane(lane, each, axis, _AXIS + _LANE * place))
    parts += _area(found, axis, area, limit)
    high = area + _AREA + 24
    parts += _key(runs, axis, shared=bool(shared), y=high)
    high += 24
    histogram, tall = _histogram(found, high)
    parts += histogram
    high += tall
    several = f"{shared:,} invocations are drawn together with their neighbours"
    for note in (words.of_peak(found, limit, reserved), *laid.notes, *([several] if shared else []), *notes):
        parts.append(sheet.text(_MARGIN, high + 8, note, "small"))
        high += 16
    environments = len({run.environment for run in runs if run.environment is not None})
    about = f"{words.summary(runs, environments)}; {words.of_peak(found, limit, reserved)}."
    return sheet.framed(parts, (_WIDE, high + 8), title, about)


def _x(value: float) -> float:
    return _MARGIN + _NAMES + value


def _grid(axis: Scale, high: float) -> Iterator[str]:
    """Two rows above the lanes: when a stretch begins, and how far one is in it."""
    yield sheet.text(_MARGIN, 14, f"{axis.begin:%Y-%m-%d}", "small")
    yield sheet.text(_MARGIN, 31, "environment", "small")
    step = step_of(axis.worked.total_seconds(), 8)
    free = 0.0
    for each in axis.stretches:
        left, wide = _x(each.left), each.right - each.left
        seconds = (each.end - each.begin).total_seconds()
        if each.idle:
            said = f"{length(seconds)} idle"
            yield (
                f"<g>{sheet.hover(said)}"
                f'<rect class="fold" x="{number(left)}" y="{number(_AXIS - 4)}" width="{number(wide)}" '
                f'height="{number(high - _AXIS + 4)}"/>'
                f'<path class="foldline" d="M{number(left + wide / 2)} {number(_AXIS - 4)}V{number(high)}"/>'
                f"{sheet.text(left + wide / 2, 31, words.brief(seconds), 'small mid')}</g>"
            )
            continue
        at = words.clock(each.begin) + ("" if each.left else " UTC")
        if left >= free:
            yield sheet.text(left, 14, at, "row")
            free = left + width(at, 12) + 8
        last = -100.0
        for index in range(int(seconds / step + 1e-9) + 1):
            x = left + wide * (index * step / seconds if seconds else 0.0)
            yield f'<path class="rule" d="M{number(x)} {number(_AXIS - 5)}V{number(high)}"/>'
            said = mark(index * step, step)
            half = width(said, 11) / 2
            # At a fold its length stands there; that a new stretch begins says the clock above.
            inside = x + half <= left + wide or each.end == axis.end
            if x - half > last and inside and (index or not each.left):
                yield sheet.text(x, 31, said, "small mid")
                last = x + half + 4


def _lane(lane: Lane, bars: list[Bar], axis: Scale, y: float) -> str:
    label = cut(lane.label, 12, _NAMES - 8)
    hover = ", ".join(lane.environments[:6]) + (", …" if len(lane.environments) > 6 else "")
    figure = words.of_lane(lane, axis)
    parts = [
        f"<g>{sheet.hover(hover)}{sheet.text(_MARGIN, y + 15, label, 'row')}</g>",
        sheet.text(_x(_SHOWN) + 10, y + 15, figure, "small"),
    ]
    parts += [_bar(bar, axis, y + 8) for bar in bars]
    return f"<g>{''.join(parts)}</g>"


def _bar(bar: Bar, axis: Scale, y: float) -> str:
    """A bar whose upper edge is at y; its sign stands above its end."""
    x, end = _x(bar.x), max(_x(bar.end), _x(bar.x) + 2)
    parts = [sheet.hover(words.of_bar(bar))]
    look, only = bar.look, bar.runs[0]
    if look == "throttled" and len(bar.counts) == 1:
        parts.append(_sign("throttled", (x + end) / 2 if len(bar.runs) > 1 else x, y + _BAR / 2))
        if len(bar.runs) > 1:
            parts.append(f'<path class="sign" d="M{number(x)} {number(y + _BAR)}H{number(end)}"/>')
        return f'<g class="{look}">{"".join(parts)}</g>'
    if len(bar.runs) > 1:
        parts += _several(bar, x, end, y)
    else:
        handler = min(_x(axis.at(only.handler_at)), end)
        init = handler if only.init_at is None else min(_x(axis.at(only.init_at)), handler)
        if init - x > 0.6:
            kind = "before" if only.cold else "waiting"
            parts.append(_rect(kind, x + 0.5, init, y + 3, 4))
        if only.init_at is not None:
            init = min(init, handler - 1.5)  # a cold start is seen however short its init was
            parts.append(_rect("inits", init, handler, y))
            middle = number(y + _BAR / 2)
            parts.append(f'<path class="init" d="M{number(init)} {middle}H{number(handler)}"/>')
        parts.append(_rect("bar", min(handler, end - 1), end, y))
    if look in _MARKS:
        parts.append(_sign(look, end - 1, y - 3.5))
    return f'<g class="{look}">{"".join(parts)}</g>'


def _several(bar: Bar, x: float, end: float, y: float) -> Iterator[str]:
    """Many as one: how many of them failed or timed out is told by how high that part is."""
    yield f'<g class="completed">{_rect("many", x, end, y)}</g>'
    foot = y + _BAR
    for look in ("failed", "timeout", "throttled"):
        count = bar.counts[look]
        if count:
            high = max(_BAR * count / len(bar.runs), 2.0)
            foot -= high
            yield f'<g class="{look}">{_rect("bar", x, end, foot, high)}</g>'
    if any(run.init_at is not None for run in bar.runs):
        yield f'<path class="init" d="M{number(x)} {number(y + _BAR / 2)}H{number(x + 3)}"/>'


def _rect(kind: str, x: float, end: float, y: float, high: float = _BAR) -> str:
    return (
        f'<rect class="{kind}" x="{number(x)}" y="{number(y)}" width="{number(max(end - x, 1))}" '
        f'height="{number(high)}"/>'
    )


def _sign(look: Look, x: float, y: float) -> str:
    return f'<path class="sign" transform="translate({number(x)} {number(y)})" d="{_MARKS[look]}"/>'


def _area(found: Levels, axis: Scale, y: float, limit: int | None) -> Iterator[str]:
    """How many ran at once, over time."""
    peak, foot = max(found.peak, 1), y + _AREA
    limited = limit is not None and limit <= 3 * peak
    top = max(peak, limit or 0) if limited else peak
    yield sheet.text(_MARGIN, y + 4, "at once", "small")
    for level in {peak, top} if limited else {peak}:
        at = foot - (_AREA - 8) * level / top
        yield sheet.text(_x(0) - 6, at + 4, f"{level:,}", "small ending")
    yield sheet.text(_x(0) - 6, foot, "0", "small ending")
    points = [f"M{number(_x(0))} {number(foot)}"]
    columns = _columns(found, axis)
    for x, level in columns:
        points.append(f"H{number(_x(x))}V{number(foot - (_AREA - 8) * level / top)}")
    points.append(f"H{number(_x(_SHOWN))}V{number(foot)}Z")
    said = f"how many ran at once, over time; at most {found.peak:,}"
    kind = "area" if len(columns) < _CROWDED else "area crowded"
    yield f'<g>{sheet.hover(said)}<path class="{kind}" d="{"".join(points)}"/></g>'
    if limited and limit is not None:
        line = number(foot - (_AREA - 8) * limit / top)
        yield (
            f"<g>{sheet.hover(f'the limit, {limit:,}')}"
            f'<path class="limit" d="M{number(_x(0))} {line}H{number(_x(_SHOWN))}"/></g>'
        )
        yield sheet.text(_x(_SHOWN) + 10, foot - (_AREA - 8) * limit / top + 4, "limit", "small")


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


def _key(runs: Sequence[Run], axis: Scale, *, shared: bool, y: float) -> Iterator[str]:
    looks = {run.look for run in runs}
    cold = any(run.init_at is not None for run in runs)
    before = {run.cold for run in runs if ((run.init_at or run.handler_at) - run.began) > _SEEN}
    shown = {
        "before": True in before,
        "waiting": False in before,
        "init": cold,
        "many": shared,
        "fold": axis.folded > 0,
    }
    x = _MARGIN
    for kind, said in _KEY.items():
        if not shown.get(kind, kind in looks):
            continue
        top = y - _BAR / 2
        if kind == "init":
            drawn = _rect("inits", x, x + 18, top)
            drawn += f'<path class="init" d="M{number(x)} {number(y)}H{number(x + 18)}"/>'
        elif kind in ("before", "waiting"):
            drawn = _rect(kind, x, x + 18, y - 2, 4)
        elif kind == "fold":
            drawn = _rect(kind, x, x + 18, top)
        elif kind == "throttled":
            drawn = _sign("throttled", x + 9, y)
        else:
            drawn = _rect("many" if kind == "many" else "bar", x, x + 18, top)
            drawn += _sign(kind, x + 17, y - 8) if kind in ("failed", "timeout") else ""  # type: ignore[arg-type]
        look = kind if kind in looks else "completed"
        yield f'<g class="{look}">{drawn}{sheet.text(x + 24, y + 4, said, "small")}</g>'
        x += 24 + width(said, 11) + 14


def _histogram(found: Levels, y: float) -> tuple[list[str], float]:
    """How long so many ran at once."""
    rows = [(low, high, us) for low, high, us in grouped(found, _MOST_LEVELS) if us or low]
    total = found.total_us
    if not total:
        return [], 0.0
    parts = [sheet.text(_MARGIN, y + 6, "how long so many ran at once", "small")]
    y += 14
    most = max(us for _, _, us in rows)
    for place, (low, high, us) in enumerate(rows):
        top = y + _LEVEL * place
        name = "idle" if not high else f"{low:,}" if low == high else f"{low:,} to {high:,}"
        figure = f"{length(us / 1e6)} · {words.share(us, total)}"
        wide = 420 * us / most
        drawn = _rect("level" if high else "idle", _x(0), _x(0) + wide, top + 3) if us else ""
        parts.append(
            f"<g>{sheet.hover(f'{name}: {figure}')}{sheet.text(_x(0) - 6, top + 12, name, 'small ending')}"
            f"{drawn}{sheet.text(_x(0) + wide + 8, top + 12, figure, 'small')}</g>"
        )
    return parts, 14 + _LEVEL * len(rows) + 12
