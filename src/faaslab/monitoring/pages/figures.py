"""The figures of the pages: matplotlib Figures without a background, readable on light, on dark and on paper.

What is written takes the reader's own ink (`svg`); what is drawn has colours that hold on both, that are told
apart by those who see colours otherwise, and a hatch, a dash or a name beside it for those who see none.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from faaslab.monitoring.pages import words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

INK = "#59636f"  # where nobody says what the page is: readable on white and on near black
PAPER = "#fcfdfe"
GRID = "#8a8f9740"
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#2f6fc0", "#dd8a1a", "#04a99e", "#c0392b", "#9a8ac7", "#9aa0a8"
COLOURS = (BLUE, ORANGE, GREEN, "#ac536b", PURPLE, "#757138", "#b9966e", "#986c16")
HATCHES = ("", "//", "\\\\", "--", "x", "||", "+", "/-")  # lines only: circles make a picture large
FAILED_HATCH = "////"
DASHES = ("-", (0, (6, 2)), (0, (1, 1.4)), (0, (7, 2, 1.5, 2)), (0, (4, 1.5, 1, 1.5, 1, 1.5)))
WIDTH = 9.2
_FEW_SECONDS = 8
"""A window no longer than this has a mark each second, and none between."""
_CLEAR = re.compile(r"<metadata>.*?</metadata>\s*|<\?xml.*?\?>\s*|<!DOCTYPE.*?>\s*", re.DOTALL)
_READERS = (
    "<style>:root{--ink:#46505c;--paper:#fbfcfd}"
    "@media (prefers-color-scheme:dark){:root{--ink:#b4bcc8;--paper:#12161c}}</style>"
)


@dataclass(frozen=True, kw_only=True)
class Look:
    """How one function is drawn, on every page."""

    colour: str
    hatch: str
    dash: Any


REST = Look(colour=GREY, hatch="", dash="-")
"""What all the others together look like."""


def looks(names: Sequence[str]) -> dict[str, Look]:
    """The look of each function; `names` in an order that stays (`overview.functions_in_order`).

    Eight colours, then they come again with another hatch and dash.
    """
    return {
        name: Look(
            colour=COLOURS[place % len(COLOURS)],
            hatch=HATCHES[(place + place // len(COLOURS)) % len(HATCHES)],
            dash=DASHES[(place + place // len(COLOURS)) % len(DASHES)],
        )
        for place, name in enumerate(names)
    }


def svg(figure: Figure) -> str:
    """The figure as an SVG document whose writing takes the ink of the page that it stands on."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawn = _CLEAR.sub("", buffer.getvalue()).replace(INK, "var(--ink)").replace(PAPER, "var(--paper)")
    return drawn.replace("<defs>", f"{_READERS}<defs>", 1)


def canvas(
    rows: int = 1, *, height: float, ratios: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """A figure of `rows` panels above each other that share their x axis, `height` in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.patch.set_alpha(0)
    panels = figure.subplots(rows, 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
    for axes in panels:
        _dress(axes)
    return figure, list(panels)


def grid(rows: int, columns: int, *, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of small panels, line by line, that share their x axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.patch.set_alpha(0)
    panels = [axes for line in figure.subplots(rows, columns, sharex=True, squeeze=False) for axes in line]
    for axes in panels:
        _dress(axes)
    return figure, panels


def _dress(axes: Axes) -> None:
    axes.patch.set_alpha(0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GRID)
    axes.tick_params(colors=INK, labelsize=9, length=3, which="both")
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(INK)
        label.set_fontsize(9.5)


def legend(axes: Axes, **where: Any) -> None:
    """A legend without a frame."""
    axes.legend(frameon=False, labelcolor=INK, fontsize=9, **where)


def above(axes: Axes, entries: int, *, also: Sequence[Axes] = ()) -> None:
    """The same over the whole figure, where it hides nothing; `entries` in a line, with those of `also`."""
    shown: dict[str, Any] = {}
    for each in (axes, *also):
        for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
            shown.setdefault(label, handle)
    axes.figure.legend(
        list(shown.values()), list(shown),
        frameon=False, labelcolor=INK, fontsize=9, loc="outside upper left", ncols=entries,
    )  # fmt: skip


def short(name: str, most: int = 34) -> str:
    """A name that leaves room for the drawing: the middle of a long one is left out."""
    kept = (most - 1) // 2
    return name if len(name) <= most else f"{name[:kept]}…{name[-kept:]}"


def time_axis(axes: Axes) -> None:
    """Dates as short as they can be, seconds with their hour and minute; instants are UTC."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, SecondLocator

    low, high = axes.xaxis.get_view_interval()  # days
    locator: Any = (
        AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
        if (high - low) * 86_400 > _FEW_SECONDS
        else SecondLocator()  # type: ignore[no-untyped-call]
    )
    axes.xaxis.set_major_locator(locator)
    formatter: Any = ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator,
        formats=["%Y", "%b", "%d", "%H:%M", "%H:%M", "%H:%M:%S"],
        zero_formats=["", "%Y", "%b", "%d %b", "%H:%M", "%H:%M:%S"],
        offset_formats=["", "%Y", "%b %Y", "%d %b %Y", "%d %b %Y", "%d %b %Y"],
    )
    axes.xaxis.set_major_formatter(formatter)
    axes.xaxis.get_offset_text().set_color(INK)
    axes.set_xlabel("UTC")


def bars_over_time(
    axes: Axes,
    starts: Sequence[Any],
    layers: Sequence[tuple[str, Sequence[float], str | Look]],
    width: timedelta,
) -> None:
    """Bars a bucket wide, the layers (name, values, colour or look) on top of each other."""
    below = [0.0] * len(starts)
    for name, values, look in layers:
        bars = axes.bar(
            starts, values, bottom=below, width=width / timedelta(days=1) * 0.9, align="edge", label=name
        )
        fill(axes, list(bars), look)
        below = [low + high for low, high in zip(below, values, strict=True)]


def fill(axes: Axes, bars: Sequence[Rectangle], look: str | Look) -> None:
    """Fill bars with a colour or look; RED has always a hatch.

    The hatch lies over all of them as one shape: a PDF keeps a picture for each shape that has one.
    """
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if isinstance(look, str):
        look = Look(colour=look, hatch=FAILED_HATCH if look == RED else "", dash="-")
    for bar in bars:
        bar.set_facecolor(look.colour)
    if not look.hatch:
        return
    # The first has its hatch by itself: a legend shows what that looks like.
    for bar in bars[:1]:
        bar.set(hatch=look.hatch, edgecolor=f"{PAPER}8c", linewidth=0)
    seen = [bar for bar in bars[1:] if bar.get_width() and bar.get_height()]
    if seen:
        corners = [bar.get_bbox().corners()[[0, 2, 3, 1, 0]] for bar in seen]
        shape = Path.make_compound_path(*(Path(each, closed=True) for each in corners))
        hatch = PathPatch(shape, facecolor="none", edgecolor=f"{PAPER}8c", hatch=look.hatch, linewidth=0)
        axes.add_artist(hatch)


def side_bars(
    names: Sequence[str],
    layers: Sequence[tuple[str, Sequence[float], str | Look]],
    labels: Sequence[str],
    *,
    unit: str,
    write: Callable[[float], str] | None = None,
) -> Figure:
    """Bars to the right, a name each, the first at the top; `labels` stand at their ends."""
    figure, (axes,) = canvas(height=0.75 + 0.34 * len(names) + (0.25 if len(layers) > 1 else 0))
    axes.grid(visible=False)
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    places = range(len(names))
    left = [0.0] * len(names)
    for name, values, look in layers:
        fill(axes, list(axes.barh(places, values, left=left, height=0.62, label=name)), look)
        left = [low + high for low, high in zip(left, values, strict=True)]
    for place, end, label in zip(places, left, labels, strict=True):
        axes.annotate(
            label, (end, place), xytext=(5, 0), textcoords="offset points", va="center", color=INK, fontsize=9
        )
    axes.set_yticks(places, [short(name) for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, max([*left, 0]) * 1.16 or 1)
    axes.set_xlabel(unit)
    if write is not None:
        written(axes.xaxis, write)
    if len(layers) > 1:
        above(axes, len(layers))
    return figure


def quantile_curves(
    curves: Sequence[tuple[str, Sequence[float], Sequence[float]]], look: Mapping[str, Look], *, unit: str
) -> Figure:
    """Curves (name, quantiles, milliseconds), the tail drawn wide: as much room for every nine."""
    figure, (axes,) = canvas(height=3.9)
    ends = []
    for name, quantiles, values in curves:
        style = look.get(name, REST)
        places = [_nines(quantile) for quantile in quantiles]
        axes.plot(places, values, color=style.colour, linewidth=2, linestyle=style.dash)
        ends.append((places[-1], values[-1], name, style.colour))
    marks = (0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
    shown = [mark for mark in marks if mark <= max(max(quantiles) for _, quantiles, _ in curves)]
    axes.set_xticks([_nines(mark) for mark in shown], [f"{mark * 100:g} %" for mark in shown])
    milliseconds(axes.yaxis, axes)
    axes.set_xlabel("share of the executions that took no longer")
    axes.set_ylabel(unit)
    named_ends(axes, ends)
    return figure


def named_ends(axes: Axes, ends: Sequence[tuple[Any, float, str, str]], most: int = 22) -> None:
    """The name of each curve at its end (x, y, name, colour): none stands on another.

    Call it when the limits of the y axis are as they stay.
    """
    line = 13 * axes.figure.dpi / 72  # as high as a line of writing
    placed: list[float] = []
    for x, y, name, colour in sorted(ends, key=lambda end: end[1]):
        if not math.isfinite(y) or (y <= 0 and axes.get_yscale() == "log"):
            continue
        at = axes.transData.transform((0, y))[1]
        placed.append(max(at, placed[-1] + line) if placed else at)
        axes.annotate(
            short(name, most),
            (x, y),
            xytext=(14, (placed[-1] - at) * 72 / axes.figure.dpi),
            textcoords="offset points",
            va="center",
            color=INK,
            fontsize=9,
            annotation_clip=False,
            # A curve that runs on beyond the end of this one passes behind its name, not through it.
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8},
            # From the name's own side, so that no line of a neighbour lies on it.
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 1.2,
                "shrinkA": 0,
                "shrinkB": 0,
                "relpos": (0.0, 0.5),
            },
            zorder=5,
        )


def milliseconds(axis: Any, axes: Axes) -> None:
    """A logarithmic axis of times, written `10 ms`, `1 s`, `1 min`."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

    least, most = axis.get_data_interval()
    limit = axes.set_ylim if axis is axes.yaxis else axes.set_xlim
    if most <= 0:  # nothing that a logarithm could show
        limit(0.1, 10)
    elif least > 0 and most < least * 3:  # room for a mark above and below, also where all are the same
        limit(least / 2, most * 2)
    axes.set_yscale("log") if axis is axes.yaxis else axes.set_xscale("log")
    low, high = axis.get_view_interval()
    marks = _log_marks(low, high)
    axis.set_major_locator(FixedLocator(marks) if marks else LogLocator())
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: _at_mark(value)))
    axis.set_minor_formatter(NullFormatter())


def _at_mark(ms: float) -> str:
    """`5 ms`, `1 s`, `100 s`: what is round in seconds is not so in minutes."""
    if ms < 10:
        return f"{ms:g} ms"
    return f"{ms / 1_000:g} s" if 60_000 <= ms < 300_000 else words.ms(ms)


def _log_marks(low: float, high: float) -> list[float]:
    """Round numbers between the two, as many as can be read: three at least where there are so many."""
    found: list[float] = []
    for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)):
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        found = [step * 10.0**decade for decade in decades for step in steps]
        found = [mark for mark in found if low <= mark <= high]
        if len(found) >= 3:
            return found
    return found


def percent_axis(axis: Any) -> None:
    """An axis of shares (0 to 1), written in per cent."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g} %"))


def count_axis(axis: Any) -> None:
    """An axis of counts, with thousands told apart."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: words.count(value)))


def written(axis: Any, write: Callable[[float], str]) -> None:
    """An axis whose values are written by `write`."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))


def _nines(quantile: float) -> float:
    """Where a quantile stands: 0 at 0, 1 at 90 %, 2 at 99 %, 3 at 99.9 %."""
    return -math.log10(max(1 - quantile, 1e-6))
