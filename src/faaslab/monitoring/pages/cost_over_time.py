"""What was spent when, function by function and for workflows, and what the month comes to at its end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from faaslab.monitoring import cost
from faaslab.monitoring.pages import figures, opening, words
from faaslab.monitoring.pages.page import Plot, Section, Table
from faaslab.monitoring.pages.week_compared import usage, within
from faaslab.monitoring.prices import read_workflows
from faaslab.monitoring.projection import MOST_DAYS, Projection, project
from faaslab.monitoring.workflow_cost import bill, usage_of
from faaslab.store.questions import costs as ask
from faaslab.store.questions import workflows as ask_workflows
from faaslab.store.questions.workflows import WorkflowWindow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pandas as pd
    from matplotlib.figure import Figure

    from faaslab.monitoring.cost import PriceTable
    from faaslab.monitoring.pages.opening import Opening
    from faaslab.store.questions.window import Run, Window

Spent = dict["datetime", dict[str, float]]
"""Bucket of time -> function -> dollars."""

WORKFLOWS = "workflows"
OTHERS = "all others"
_DRAWN = 7
_WHOLE_DAYS = (48, 24 * 120)


def workflow_window(window: Window) -> WorkflowWindow | None:
    """The executions of workflows of a window; None where it names functions or regions, which those lack."""
    if window.functions or window.regions:
        return None
    return WorkflowWindow(since=window.since, until=window.until, sources=window.sources)


def spent_on_workflows(run: Run, window: WorkflowWindow | None, bucket: str) -> dict[datetime, float]:
    """Bucket of time -> what Step Functions asks for the executions that began in it, at list price."""
    if window is None:
        return {}
    rows = words.rows(ask_workflows.usage_over_time(run, window, bucket))
    spent: dict[datetime, float] = {}
    for row, one in zip(rows, bill([usage_of(row) for row in rows], read_workflows()), strict=True):
        spent[row["bucket"]] = spent.get(row["bucket"], 0.0) + float(one.total)
    return spent


def section(start: Opening, prices: PriceTable) -> Section | None:
    """The section; None where everything is in one bucket of time."""
    seen_h = (start.figures["last"] - start.figures["first"]).total_seconds() / 3600
    bucket = "1 day" if _WHOLE_DAYS[0] <= seen_h <= _WHOLE_DAYS[1] else start.bucket
    spent = _spent(start.run, start.window, prices, bucket)
    _add_workflows(spent, start.run, start.window, bucket)
    if len(spent) < 2:
        return None
    return _section(spent, start, prices, bucket)


def _add_workflows(spent: Spent, run: Run, window: Window, bucket: str) -> None:
    for at, dollars in spent_on_workflows(run, workflow_window(window), bucket).items():
        spent.setdefault(at, {})[WORKFLOWS] = dollars


def _spent(run: Run, window: Window, prices: PriceTable, bucket: str) -> Spent:
    rows = words.rows(ask.usage_over_time(run, window, bucket))
    spent: Spent = {}
    for row, one in zip(rows, cost.bill([usage(row) for row in rows], prices), strict=True):
        of = spent.setdefault(row["bucket"], {})
        of[str(row["function"])] = of.get(str(row["function"]), 0.0) + float(one.total)
    return spent


def _section(spent: Spent, start: Opening, prices: PriceTable, bucket: str) -> Section:
    """The section over what was spent, with the projection where buckets are days."""
    names = _names(spent)
    coming, known = _projection(start, prices) if bucket == "1 day" else (None, min(spent))
    each = bucket.removeprefix("1 ")
    totals = {at: sum(of.values()) for at, of in spent.items()}
    dearest = max(sorted(totals), key=lambda at: totals[at])
    middle = sorted(totals.values())[len(totals) // 2]
    at = opening.at(bucket)(dearest)
    text = (
        f"Per {each}: {words.usd(middle)} at the median; the dearest began on {at} UTC with "
        f"{words.usd(totals[dearest])}."
    )
    said = [text, _told(coming, known)] if bucket == "1 day" else [text]
    plot = Plot(
        figure=_figure(spent, names, start, bucket, coming),
        title="Cost over time, by function",
        alt=" ".join(said),
    )
    return Section(title="Over time", parts=(*said, plot, _table(spent, names, bucket)))


def _names(spent: Spent) -> list[str]:
    """Whom the layers are of: the dearest functions, all others, workflows."""
    sums: dict[str, float] = {}
    for of in spent.values():
        for name, dollars in of.items():
            sums[name] = sums.get(name, 0.0) + dollars
    workflows = sums.pop(WORKFLOWS, None)
    ordered = sorted(sums, key=lambda name: (-sums[name], name))
    kept = ordered if len(ordered) <= _DRAWN + 1 else [*ordered[:_DRAWN], OTHERS]
    return kept + ([WORKFLOWS] if workflows is not None else [])


def _of(name: str, names: list[str], of: Mapping[str, float]) -> float:
    if name == OTHERS:
        return sum(dollars for each, dollars in of.items() if each not in names)
    return of.get(name, 0.0)


def _projection(start: Opening, prices: PriceTable) -> tuple[Projection | None, datetime]:
    """The month that the window ends in, and from when on it is known.

    It rests on the days before that end, whether or not they are in the window: a month is a whole one.
    """
    until = start.figures["last"]
    if start.window.until is not None:
        until = max(until, min(start.window.until, start.now))
    elif start.now - until < timedelta(days=1):
        until = start.now
    midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
    since = min(midnight.replace(day=1), midnight - timedelta(days=MOST_DAYS))
    window = within(start.window, since, until)
    spent = _spent(start.run, window, prices, "1 day")
    _add_workflows(spent, start.run, window, "1 day")
    if not spent:
        return None, until
    if min(spent) > since:  # the store begins on that day, and who knows at which hour
        since = min(spent) + timedelta(seconds=1)
    days = {at.date(): sum(of.values()) for at, of in spent.items()}
    return project(days, since=since, until=until), since


def _told(coming: Projection | None, known: datetime) -> str:
    if coming is None:
        return "Three whole days are needed before anything can be said of the month's end."
    first = min(coming.days)
    month = f"{first:%B}"
    begins_in_it = (known.year, known.month) == (first.year, first.month) and known.day > 1
    only = f" since {known.day} {month}" if begins_in_it else ""
    basis = "the mean of its weekday" if coming.by_weekday else "the mean"
    range_ = f"between {words.usd(coming.low)} and {words.usd(coming.high)}"
    return (
        f"**{month} comes to about {words.usd(coming.total)} by its end**: {words.usd(coming.spent)}{only} "
        f"so far, and {words.usd(coming.rest)} for the days to come, each taken as {basis} over the last "
        f"{words.of(coming.used, 'whole day')}. If days go on differing as they did, "
        f"it ends {range_} eight times in ten. List price, without the free tier."
    )


def _figure(spent: Spent, names: list[str], start: Opening, bucket: str, coming: Projection | None) -> Figure:
    from datetime import datetime

    starts = sorted(spent)
    figure, (axes,) = figures.canvas(height=3.3)
    layers = [
        (figures.short(name, 24), [_of(name, names, spent[at]) for at in starts], _look(name, start))
        for name in names
    ]
    width = opening.width(bucket)
    figures.bars_over_time(axes, starts, layers, width)
    if coming is not None and coming.rest:
        days = sorted(coming.days)
        # What is left of today stands on what it came to already.
        now = sum(spent.get(datetime(days[0].year, days[0].month, days[0].day), {}).values())
        begins: Any = [datetime(day.year, day.month, day.day) for day in days]
        axes.bar(
            begins,
            [coming.days[day] for day in days],
            bottom=[now if place == 0 else 0.0 for place in range(len(days))],
            width=0.9,
            align="edge",
            facecolor="none",
            edgecolor=figures.GREY,
            linestyle="--",
            linewidth=1.2,
            label="projected",
        )
    axes.set_ylabel(f"US dollars per {bucket.removeprefix('1 ')}")
    figures.written(axes.yaxis, words.usd)
    figures.time_axis(axes)
    figures.above(axes, 5)
    return figure


def _look(name: str, start: Opening) -> figures.Look:
    if name == WORKFLOWS:
        return figures.Look(colour=figures.GREY, hatch="xx", dash="-")
    return start.looks.get(name, figures.REST)


def _table(spent: Spent, names: list[str], bucket: str) -> Table:
    return Table(
        df=_frame(spent, names),
        columns={
            "bucket": ("from (UTC)", opening.at(bucket)),
            "total": ("total", words.usd),
            **{name: (name, words.usd) for name in names},
        },
        behind=f"The same as a table, per {bucket.removeprefix('1 ')}",
        limit=120,
    )


def _frame(spent: Spent, names: list[str]) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = [
        {
            "bucket": at,
            "total": sum(spent[at].values()),
            **{name: _of(name, names, spent[at]) for name in names},
        }
        for at in sorted(spent)
    ]
    return pd.DataFrame(rows)
