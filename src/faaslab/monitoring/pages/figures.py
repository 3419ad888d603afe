"""The figures of the pages: matplotlib Figures without a background, readable on light and on dark."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from faaslab.monitoring.pages import words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#7d838c"  # readable on white and on near black
GRID = "#8a8f9740"
BLUE, ORANGE, GREEN, RED, PURPLE, TEAL, GREY = (
    "#4a86d8", "#e0853b", "#3f9f6b", "#d6584f", "#9277cf", "#2f9fb0", "#9aa0a8",
)  # fmt: skip
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, RED, TEAL)
WIDTH = 9.2


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


def above(axes: Axes, entries: int) -> None:
    """The same over the whole figure, where it hides nothing; `entries` in a line."""
    axes.figure.legend(
        *axes.get_legend_handles_labels(),
        frameon=False, labelcolor=INK, fontsize=9, loc="outside upper left", ncols=entries,
    )  # fmt: skip


def short(name: str, most: int = 34) -> str:
    """A name that leaves room for the drawing: the middle of a long one is left out."""
    kept = (most - 1) // 2
    return name if len(name) <= most else f"{name[:kept]}…{name[-kept:]}"


def time_axis(axes: Axes) -> None:
    """Dates as short as they can be; instants are UTC."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.xaxis.get_offset_text().set_color(INK)
    axes.set_xlabel("UTC")


def bars_over_time(
    axes: Axes, starts: Sequence[Any], layers: Sequence[tuple[str, Sequence[float], str]], width: timedelta
) -> None:
    """Bars a bucket wide, the layers (name, values, colour) on top of each other."""
    below = [0.0] * len(starts)
    for name, values, colour in layers:
        axes.bar(
            starts,
            values,
            bottom=below,
            width=width / timedelta(days=1) * 0.9,
            align="edge",
            color=colour,
            label=name,
        )
        below = [low + high for low, high in zip(below, values, strict=True)]


def side_bars(
    names: Sequence[str],
    layers: Sequence[tuple[str, Sequence[float], str]],
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
    for name, values, colour in layers:
        axes.barh(places, values, left=left, color=colour, height=0.62, label=name)
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


def quantile_curves(curves: Sequence[tuple[str, Sequence[float], Sequence[float]]], *, unit: str) -> Figure:
    """Curves (name, quantiles, milliseconds), the tail drawn wide: as much room for every nine."""
    figure, (axes,) = canvas(height=3.9)
    for index, (name, quantiles, values) in enumerate(curves):
        axes.plot(
            [_nines(quantile) for quantile in quantiles],
            values,
            color=COLOURS[index % len(COLOURS)],
            linewidth=2,
            linestyle="-" if index < len(COLOURS) else "--",
            label=short(name),
        )
    marks = (0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
    shown = [mark for mark in marks if mark <= max(max(quantiles) for _, quantiles, _ in curves)]
    axes.set_xticks([_nines(mark) for mark in shown], [f"{mark * 100:g} %" for mark in shown])
    milliseconds(axes.yaxis, axes)
    axes.set_xlabel("share of the executions that took no longer")
    axes.set_ylabel(unit)
    above(axes, 6 if max(len(name) for name, _, _ in curves) <= 16 else 3)
    return figure


def milliseconds(axis: Any, axes: Axes) -> None:
    """A logarithmic axis of times, written `10 ms`, `1 s`, `1 min`."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    least, most = axis.get_data_interval()
    limit = axes.set_ylim if axis is axes.yaxis else axes.set_xlim
    if most <= 0:  # nothing that a logarithm could show
        limit(0.1, 10)
    elif least > 0 and most < least * 3:  # room for a mark above and below, also where all are the same
        limit(least / 2, most * 2)
    axes.set_yscale("log") if axis is axes.yaxis else axes.set_xscale("log")
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0, 3.0) if high < low * 300 else (1.0,)))
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:g} ms" if value < 10 else words.ms(value))
    )
    axis.set_minor_formatter(NullFormatter())


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
    import math

    return -math.log10(max(1 - quantile, 1e-6))
