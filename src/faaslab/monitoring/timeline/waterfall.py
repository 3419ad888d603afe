"""The phases of one execution as a waterfall: SVG, and characters for terminals. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from faaslab.monitoring.timeline.scale import Scale, scale
from faaslab.workflow.graph import fluid, sheet
from faaslab.workflow.graph.spans import length, mark, step_of
from faaslab.workflow.graph.words import cut, seen, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faaslab.monitoring.timeline.phases import Kind, Phase, Phases

_SIDES = fluid.Sides(left=150, right=130, slim_left=0, slim_right=4)
_SHOWN = _SIDES.plot
_AXIS, _ROW, _SLIM_ROW, _BAR, _FOLD = 28.0, 22.0, 38.0, 12.0, 36.0
_STYLE = (
    ".faas-flow.faas-flow .stripes{stroke:var(--hue);stroke-width:12;stroke-dasharray:2.5 1.5;fill:none}"
    ".faas-flow.faas-flow .frame{fill:none;stroke:var(--hue);stroke-width:1.2}"
    ".faas-flow.faas-flow .fold{fill:color-mix(in srgb,var(--ink) 6%,transparent);stroke:none}"
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
    """The waterfall as an `<svg>` element that is as wide as its page: a row a phase, with its length."""
    notes = [f"not recorded: {each}" for each in found.unknown]
    page = fluid.Page(_SIDES)
    if found.phases:
        axis = _scale(found, _SHOWN, _FOLD)
        page.note(f"began {axis.begin:%H:%M:%S}.{axis.begin.microsecond // 1_000:03d} UTC")
        page.add("".join(_grid(axis, [phase for phase in found.phases if phase.kind == "queue"])), _AXIS)
        top = page.high - 6
        for phase in found.phases:
            page.add(_row(phase, axis, failed=failed), _ROW, _SLIM_ROW)
        page.lines(top)
        page.add("", 6)
    for note in notes:
        page.note(note)
    about = "; ".join([f"{phase.name} {length(phase.ms / 1_000)}" for phase in found.phases] + notes)
    return page.svg(title, about, _STYLE)


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


def _share(value: float) -> float:
    return value / _SHOWN


def _grid(axis: Scale, queued: Sequence[Phase]) -> Iterator[str]:
    step = step_of(axis.worked.total_seconds(), 6)
    top = _AXIS - 6
    for each in axis.stretches:
        span = (_share(each.left), _share(each.right))
        seconds = (each.end - each.begin).total_seconds()
        if each.idle:
            waited = any(wait.begin <= each.begin and each.end <= wait.end for wait in queued)
            said = f"{length(seconds)} {'in the queue' if waited else 'in which nothing was recorded'}"
            yield f"<g>{sheet.hover(said)}{fluid.band(span[0], span[1] - span[0], top, 'fold')}</g>"
            continue
        texts = [mark(index * step, step) for index in range(int(seconds / step + 1e-9) + 1)]
        apart = (span[1] - span[0]) * step / seconds if seconds else 0.0
        found = fluid.marks(texts, apart, _SIDES.rooms, span, last=each.end == axis.end)
        for index, one in enumerate(found):
            yield fluid.tick(one.share, top, fluid.RANKS[one.rank])
            if one.label is not None and (index or not each.left):
                # At the very left of a slim page a text in the middle of its mark would be cut.
                kind = "small" if not one.share else "small mid"
                yield fluid.text(one.share, 16, one.said, f"{kind} {fluid.RANKS[one.label]}".rstrip())


def _row(phase: Phase, axis: Scale, *, failed: bool) -> str:
    look, hue, _ = _LOOK[phase.kind]
    if phase.kind == "handler" and failed:
        hue = "#dd3f3f"
    begin, end = _share(axis.at(phase.begin)), _share(axis.at(phase.end))
    figure = length(phase.ms / 1_000)
    hover = " — ".join(part for part in (f"{phase.name} {figure}", phase.note) if part)
    top = (_ROW - _BAR) / 2
    if look == "stripes" and (end - begin) * _SHOWN > 3:
        drawn = fluid.line("stripes", begin, end, _ROW / 2)
    else:
        drawn = fluid.rect("bar" if look == "stripes" else look, begin, end, top, _BAR)
    said = figure + ("" if phase.kind != "handler" else f" · {phase.note}")
    name = seen(phase.name)
    return (
        f'<g style="--hue:{hue}">{sheet.hover(hover)}'
        f'<rect class="touch" width="100%" height="{sheet.number(_ROW)}"/>'
        f"{sheet.text(-_SIDES.left, 15, cut(name, 12, _SIDES.left - 12), 'row who')}"
        f'<g class="low">{drawn}</g>'
        f"{fluid.text(end, 15, cut(said, 11, _SIDES.right - 7), 'small broad', 7)}"
        f"{fluid.text(1, 15, cut(said, 11, 120), 'small ending slim')}</g>"
    )
