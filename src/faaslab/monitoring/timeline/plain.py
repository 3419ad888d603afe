"""The timeline of a function as text, a line for each lane, for terminals. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.monitoring.timeline import words
from faaslab.monitoring.timeline.lanes import lanes_of
from faaslab.monitoring.timeline.levels import Levels, grouped, levels
from faaslab.monitoring.timeline.scale import Scale, scale
from faaslab.workflow.graph.spans import length
from faaslab.workflow.graph.words import seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.monitoring.timeline.lanes import Lane
    from faaslab.monitoring.timeline.runs import Look, Run

_COLUMNS, _FOLD, _NAME = 50, 3, 12
_MOST_LANES = 30
_MOST_LEVELS = 8
_STROKES: dict[Look, str] = {
    "completed": "█",
    "running": "…",
    "throttled": "◇",
    "timeout": "T",
    "failed": "x",
}


def timeline_text(
    runs: Sequence[Run], *, limit: int | None = None, reserved: bool = False, notes: Sequence[str] = ()
) -> str:
    """When which environment did what: `░` is being started, `▒` its init, `█` the handler; `x` where one
    failed, `T` where one timed out, `◇` throttled, `~` idle and not to scale. Below, how many ran at once.
    """  # noqa: D205
    if not runs:
        return "no invocation in that time"
    laid = lanes_of(runs, _MOST_LANES)
    axis = scale([(run.began, run.ended) for run in runs], _COLUMNS, _FOLD)
    found = levels((run.began, run.ended) for run in runs if run.look != "throttled")
    environments = len({run.environment for run in runs if run.environment is not None})
    labels = [seen(lane.label) for lane in laid.lanes]
    wide = max(_NAME, *map(len, labels))
    whole = length(axis.end - axis.begin)
    lines = [words.summary(runs, environments), f"{'':<{wide}}  0{whole:>{_COLUMNS - 1}}"]
    lines += [
        f"{label:<{wide}}  {_line(lane, axis)}  {words.of_lane(lane, axis)}"
        for label, lane in zip(labels, laid.lanes, strict=True)
    ]
    folds = [f"~ stands for idle time: {_idle(axis)}"] if axis.folded else []
    lines += [*_levels(found, wide), words.of_peak(found, limit, reserved), *folds, *laid.notes, *notes]
    return "\n".join(lines)


def _idle(axis: Scale) -> str:
    return ", ".join(length(each.end - each.begin) for each in axis.stretches if each.idle)


def _line(lane: Lane, axis: Scale) -> str:
    cells = [" "] * _COLUMNS
    for each in axis.stretches:
        if each.idle:
            for place in range(round(each.left), min(round(each.right), _COLUMNS)):
                cells[place] = "~"
    signs: list[tuple[int, str]] = []
    for run in lane.runs:
        begin, end = axis.at(run.began), axis.at(run.ended)
        first = min(int(begin), _COLUMNS - 1)
        last = max(first, min(round(end), _COLUMNS) - 1)
        init = last + 1 if run.init_at is None else max(int(axis.at(run.init_at)), first)
        handler = int(axis.at(run.handler_at))
        for place in range(first, last + 1):
            stroke = "█" if place >= handler else "▒" if place >= init else "░"
            if cells[place] in (" ", "~") or stroke != "█":
                cells[place] = stroke
        if run.cold and run.init_at is not None:
            cells[min(init, last)] = "▒"  # a cold start is seen however short its init was
        if run.look != "completed":
            signs.append((last, _STROKES[run.look]))
    for place, sign in signs:
        cells[place] = sign
    return "".join(cells)


def _levels(found: Levels, wide: int) -> list[str]:
    total = found.total_us
    if not total:
        return []
    rows = grouped(found, _MOST_LEVELS)
    most = max(us for _, _, us in rows)
    lines = ["", f"{'at once':<{wide}}  for how long"]
    for low, high, us in rows:
        name = "idle" if not high else f"{low:,}" if low == high else f"{low:,} to {high:,}"
        bar = "█" * round(24 * us / most) or ("▏" if us else "")
        lines.append(f"{name:>{wide}}  {bar:<24}  {length(us / 1e6)} · {words.share(us, total)}")
    return lines
