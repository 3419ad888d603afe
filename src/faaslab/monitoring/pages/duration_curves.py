"""How durations went over time, of all and function by function: sections of the page on durations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.monitoring.pages import figures, opening, words
from faaslab.monitoring.pages.page import Plot, Section, Table
from faaslab.store.questions import durations as ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from faaslab.monitoring.pages.opening import Opening

LINES = (
    ("p99_ms", "99 %", figures.RED, ":"),
    ("p95_ms", "95 %", figures.ORANGE, "--"),
    ("p90_ms", "90 %", figures.PURPLE, "-."),
    ("p50_ms", "median", figures.BLUE, "-"),
)
_SMALL = 6
_COLUMNS = {
    "invocations": ("invocations", words.count),
    "p50_ms": ("median", words.ms),
    "p90_ms": ("90 %", words.ms),
    "p95_ms": ("95 %", words.ms),
    "p99_ms": ("99 %", words.ms),
    "errors": ("failed", words.count),
}


def over_time(start: Opening) -> Section | None:
    """The percentiles of all executions, bucket by bucket; None where there is one bucket only."""
    df = ask.over_time(start.run, start.window, start.bucket)
    if len(df) < 2:
        return None
    figure, (took, calls) = figures.canvas(2, height=4.3, ratios=(2.6, 1))
    width = opening.width(start.bucket)
    middle = df["bucket"] + width / 2
    for name, label, colour, dash in LINES:
        took.plot(middle, df[name], color=colour, linewidth=1.8, linestyle=dash, label=label)
    figures.milliseconds(took.yaxis, took)
    took.set_ylabel("took no longer than")
    last = df.iloc[-1]
    figures.named_ends(
        took, [(middle.iloc[-1], float(last[name]), label, colour) for name, label, colour, _ in LINES]
    )
    well = [int(row["invocations"]) - int(row["errors"]) for row in words.rows(df)]
    layers = [("well", well, figures.GREY), ("failed", list(df["errors"]), figures.RED)]
    figures.bars_over_time(calls, list(df["bucket"]), layers, width)
    calls.set_ylabel("invocations")
    figures.count_axis(calls.yaxis)
    figures.time_axis(calls)
    if df["errors"].sum():
        figures.above(calls, 2)
    each = start.bucket.removeprefix("1 ")
    enough = df[df["invocations"] >= max(df["invocations"].median() / 10, 1)]
    slow = max(words.rows(enough), key=lambda row: float(row["p95_ms"]))
    usual = float(df["p95_ms"].median())
    text = (
        f"Per {each}. 95 % took no longer than {words.ms(usual)} in the usual one, and "
        f"{words.ms(slow['p95_ms'])} in the slowest, which began on "
        f"{opening.at(start.bucket)(slow['bucket'])} UTC."
    )
    table = Table(
        df=df,
        columns={"bucket": ("from (UTC)", opening.at(start.bucket)), **_COLUMNS},
        behind=f"The same as a table, per {each}",
        limit=90,
    )
    return Section(
        title="Over time",
        parts=(
            text,
            Plot(
                figure=figure, title="How long executions took over time, and how many there were", alt=text
            ),
            table,
        ),
    )


def by_function(start: Opening, functions: Sequence[str]) -> Section | None:
    """The median and the slow end of each function over time, in panels beside each other.

    `functions` in the order of their weight; the first six are drawn. None where one is all there is: the
    section on all of it is about that one then.
    """
    if len(functions) < 2:
        return None
    drawn = list(functions[:_SMALL])
    df = ask.over_time_by_function(start.run, start.window, start.bucket, drawn)
    if df["bucket"].nunique() < 2:
        return None
    each = start.bucket.removeprefix("1 ")
    more = len(functions) - len(drawn)
    left = f" The {_SMALL} that run longest in all; {words.of(more, 'other')} not drawn." if more > 0 else ""
    text = (
        f"Per {each}: the line is the median, the dashes are what 95 % took no longer than, and the shade "
        f"between them is how much a call varies. Each panel has its own scale.{left}"
    )
    table = Table(
        df=df,
        columns={
            "function": ("function", words.text),
            "bucket": ("from (UTC)", opening.at(start.bucket)),
            **_COLUMNS,
        },
        behind=f"The same as a table, per function and {each}",
        limit=200,
    )
    plot = Plot(figure=_panels(start, df, drawn), alt=f"Median and 95 % per {each} of {words.listed(drawn)}.")
    return Section(title="Function by function", parts=(text, plot, table))


def _panels(start: Opening, df: pd.DataFrame, names: Sequence[str]) -> Figure:
    rows = (len(names) + 1) // 2
    figure, panels = figures.grid(rows, 2, height=0.5 + 1.75 * rows)
    half = opening.width(start.bucket) / 2
    for axes, name in zip(panels, names, strict=False):
        look = start.looks.get(name, figures.REST)
        of_it = df[df["function"] == name]
        at: Any = of_it["bucket"] + half
        axes.fill_between(at, of_it["p50_ms"], of_it["p95_ms"], color=look.colour, alpha=0.16, linewidth=0)
        axes.plot(at, of_it["p95_ms"], color=look.colour, linewidth=1.4, linestyle="--")
        mark = "." if len(of_it) < 8 else None
        axes.plot(at, of_it["p50_ms"], color=look.colour, linewidth=2, marker=mark)
        axes.set_title(figures.short(name), loc="left", fontsize=9.5, color=figures.INK)
        figures.milliseconds(axes.yaxis, axes)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for axes in panels[-2:]:
        figures.time_axis(axes)
    return figure
