"""The phases of one execution as a waterfall: SVG, and characters for terminals. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from faaslab.monitoring.timeline.scale import Scale, scale
from faaslab.workflow.graph import sheet
from faaslab.workflow.graph.sheet import number
from faaslab.workflow.graph.spans import length, mark, step_of
from faaslab.workflow.graph.words import cut, seen, shortened, width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faaslab.monitoring.timeline.phases import Kind, Phase, Phases

_MARGIN, _NAMES, _SHOWN, _FIGURES = 14.0, 170.0, 560.0, 150.0
_WIDE = _MARGIN + _NAMES + _SHOWN + _FIGURES + _MARGIN
_AXIS, _ROW, _BAR, _FOLD = 34.0, 22.0, 12.0, 36.0
_STYLE = (
    "<style>"
    ".faas-flow.faas-flow .stripes{stroke:var(--hue);stroke-width:12;stroke-dasharray:2.5 1.5;fill:none}"
    ".faas-flow.faas-flow .frame{fill:none;stroke:var(--hue);stroke-width:1.2}"
    ".faas-flow.faas-flow .fold{fill:color-mix(in srgb,var(--ink) 6%,transparent);stroke:none}"
    "</style>"
)
_LOOK: dict[Kind, tuple[str, str, str]] = {
    # what it looks like, its hue, its stroke in characters
    "workflow": ("frame", "#a55eea", "─"),
    "queue": ("hold", "#8a8f98", "·"),
    "before": ("pale", "#8f4fd6", "░"),
    "init": ("stripes", "#8f4fd6", "▒"),
    "failed init": ("stripes", "#dd3f3f", "x"),
    "restore": ("stripes", "#0f97a3", "▒"),
    "handler": ("bar", "#1e9e58", "█"),
    "extension": ("hold", "#c98500", "▓"),
    "after": ("pale", "#8a8f98", "░"),
    "billed": ("frame", "#3b82e6", "$"),
}
_COLUMNS = 48


def waterfall_svg(found: Phases, *, title: str, failed: bool = False) -> str:
    """The waterfall as an `<svg>` element: a row a phase, with its length, by the instant it began."""
    notes = [f"not recorded: {each}" for each in found.unknown]
    if not found.phases:
        said = [sheet.text(_MARGIN, 24 + 16 * place, note, "small") for place, note in enumerate(notes)]
        return sheet.framed(said, (520, 36 + 16 * len(notes)), title, "; ".join(notes))
    axis = _scale(found, _SHOWN, _FOLD)
    high = _AXIS + _ROW * len(found.phases)
    parts = [_STYLE, *_grid(axis, high, [phase for phase in found.phases if phase.kind == "queue"])]
    parts += [
        _row(phase, axis, _AXIS + _ROW * place, failed=failed) for place, phase in enumerate(found.phases)
    ]
    for place, note in enumerate(notes):
        parts.append(sheet.text(_MARGIN, high + 18 + 16 * place, note, "small"))
    about = "; ".join([f"{phase.name} {length(phase.ms / 1_000)}" for phase in found.phases] + notes)
    return sheet.framed(parts, (_WIDE, high + 14 + 16 * len(notes)), title, about)


def waterfall_text(found: Phases) -> str:
    """The same in characters, a line a phase."""
    lines = []
    if found.phases:
        axis = _scale(found, _COLUMNS, 3)
        names = [shortened(seen(phase.name), 30) for phase in found.phases]
        wide = max(map(len, names))
        for name, phase in zip(names, found.phases, strict=True):
            first = min(int(axis.at(phase.begin)), _COLUMNS - 1)
            last = max(first + 1, round(axis.at(phase.end)))
            bar = (" " * first + _LOOK[phase.kind][2] * (last - first))[:_COLUMNS]
            figure = length(phase.ms / 1_000)
            lines.append(
                f"{name:<{wide}}  {bar:<{_COLUMNS}}  {figure:>8}  {shortened(seen(phase.note), 60)}".rstrip()
            )
    return "\n".join([*lines, *(f"not recorded: {each}" for each in found.unknown)])


def _scale(found: Phases, wide: float, fold: float) -> Scale:
    """Of an execution that a task called the whole task, with what lies between them to scale.

    A wait in the queue may be folded: it is minutes where all else is milliseconds.
    """
    spans: list[tuple[datetime, datetime]] = [
        (phase.begin, phase.begin if phase.kind == "queue" and len(found.phases) > 1 else phase.end)
        for phase in found.phases
    ]
    if all(begin == end for begin, end in spans):
        spans.append((spans[0][0], spans[0][0] + timedelta(microseconds=1)))
    return scale(spans, wide, fold)


def _x(value: float) -> float:
    return _MARGIN + _NAMES + value


def _grid(axis: Scale, high: float, queued: Sequence[Phase]) -> Iterator[str]:
    at = axis.begin
    yield sheet.text(_MARGIN, 20, f"{at:%H:%M:%S}.{at.microsecond // 1_000:03d} UTC", "small")
    step = step_of(axis.worked.total_seconds(), 6)
    free = _x(0) - 20
    for each in axis.stretches:
        left, wide = _x(each.left), each.right - each.left
        seconds = (each.end - each.begin).total_seconds()
        if each.idle:
            waited = any(wait.begin <= each.begin and each.end <= wait.end for wait in queued)
            how = "in the queue" if waited else "in which nothing was recorded"
            yield (
                f"<g>{sheet.hover(f'{length(seconds)} {how}')}"
                f'<rect class="fold" x="{number(left)}" y="{number(_AXIS - 6)}" width="{number(wide)}" '
                f'height="{number(high - _AXIS + 6)}"/></g>'
            )
            continue
        for index in range(int(seconds / step + 1e-9) + 1):
            x = left + wide * (index * step / seconds if seconds else 0.0)
            yield f'<path class="rule" d="M{number(x)} {number(_AXIS - 6)}V{number(high)}"/>'
            said = mark(index * step, step)
            if x - width(said, 11) / 2 >= free and (index or not each.left):
                yield sheet.text(x, 20, said, "small mid")
                free = x + width(said, 11) / 2 + 4


def _row(phase: Phase, axis: Scale, y: float, *, failed: bool) -> str:
    look, hue, _ = _LOOK[phase.kind]
    if phase.kind == "handler" and failed:
        hue = "#dd3f3f"
    x = _x(axis.at(phase.begin))
    wide = max(_x(axis.at(phase.end)) - x, 2.0)
    middle = y + _ROW / 2
    figure = length(phase.ms / 1_000)
    hover = " — ".join(part for part in (f"{phase.name} {figure}", phase.note) if part)
    if look == "stripes":
        drawn = f'<path class="stripes" d="M{number(x)} {number(middle)}H{number(x + wide)}"/>'
    else:
        drawn = (
            f'<rect class="{look}" x="{number(x)}" y="{number(middle - _BAR / 2)}" width="{number(wide)}" '
            f'height="{number(_BAR)}"/>'
        )
    note = "" if phase.kind != "handler" else f" · {phase.note}"
    return (
        f'<g style="--hue:{hue}">{sheet.hover(hover)}'
        f'<rect class="touch" y="{number(y)}" width="100%" height="{number(_ROW)}"/>'
        f"{sheet.text(_MARGIN, middle + 4, cut(seen(phase.name), 12, _NAMES - 12), 'row')}{drawn}"
        f"{sheet.text(x + wide + 7, middle + 4, cut(figure + note, 11, _WIDE - x - wide - 20), 'small')}</g>"
    )
