"""What was spent when, function by function and for workflows, and what the month comes to at its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
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
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from faaslab.monitoring.cost import PriceTable
    from faaslab.monitoring.pages.opening import Opening
    from faaslab.store.questions.window import Run, Window

Spent = dict["datetime", dict[str, float]]
"""Bucket of time -> function -> dollars."""

WORKFLOWS = "workflows"
OTHERS = "all others"
ALL_FUNCTIONS = "all functions"
_PANELS = (3, 2)
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
    """The section over what was spent, with the projection where buckets are days.

    What workflows cost is a bill of its own, often a larger one: it has its own panel, its own sentence and
    its own column, so that what is said of functions adds up to what the page says of them.
    """
    names = _names(spent)
    coming = _projection(start, prices) if bucket == "1 day" else _Coming(known=min(spent))
    functions, workflows = _functions(spent), _workflows(spent)
    said = [_course(functions, bucket, "Functions")] if any(functions.values()) else []
    if workflows:
        said.append(_course(workflows, bucket, "Workflows"))
    if bucket == "1 day":
        said.append(_told(coming, both=bool(workflows)))
    plot = Plot(
        figure=_figure(spent, names, start, bucket, coming),
        title="Cost over time, by function" + (" (above), and of workflows (below)" if _apart(names) else ""),
        alt=" ".join(said),
    )
    return Section(title="Over time", parts=(*said, plot, _table(spent, names, bucket)))


def _functions(spent: Spent) -> dict[datetime, float]:
    """Bucket of time -> what all functions cost."""
    return {at: sum(dollars for name, dollars in of.items() if name != WORKFLOWS) for at, of in spent.items()}


def _workflows(spent: Spent) -> dict[datetime, float]:
    """Bucket of time -> what workflows cost; empty where there were none."""
    if not any(WORKFLOWS in of for of in spent.values()):
        return {}
    return {at: of.get(WORKFLOWS, 0.0) for at, of in spent.items()}


def _course(totals: Mapping[datetime, float], bucket: str, whose: str) -> str:
    """What they came to in all, and how that lies in time."""
    dearest = max(sorted(totals), key=lambda at: totals[at])
    middle = sorted(totals.values())[len(totals) // 2]
    return (
        f"{whose} came to {words.usd(sum(totals.values()))}; per {bucket.removeprefix('1 ')} "
        f"{words.usd(middle)} at the median, and the dearest began on {opening.at(bucket)(dearest)} UTC with "
        f"{words.usd(totals[dearest])}."
    )


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


@dataclass(frozen=True, kw_only=True)
class _Coming:
    """The month that a window ends in: all of it, and the two bills that it is made of."""

    known: datetime
    """Since then."""
    whole: Projection | None = None
    functions: Projection | None = None
    workflows: Projection | None = None


def _projection(start: Opening, prices: PriceTable) -> _Coming:
    """The month that the window ends in.

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
        return _Coming(known=until)
    if min(spent) > since:  # the store begins on that day, and who knows at which hour
        since = min(spent) + timedelta(seconds=1)
    functions, workflows = _functions(spent), _workflows(spent)

    def projected(totals: Mapping[datetime, float]) -> Projection | None:
        return project({at.date(): dollars for at, dollars in totals.items()}, since=since, until=until)

    return _Coming(
        known=since,
        whole=projected({at: sum(of.values()) for at, of in spent.items()}),
        functions=projected(functions),
        workflows=projected(workflows) if workflows else None,
    )


def _told(month_of: _Coming, *, both: bool) -> str:
    coming, known = month_of.whole, month_of.known
    if coming is None:
        return "Three whole days are needed before anything can be said of the month's end."
    first = min(coming.days)
    month = f"{first:%B}"
    begins_in_it = (known.year, known.month) == (first.year, first.month) and known.day > 1
    only = f" since {known.day} {month}" if begins_in_it else ""
    basis = "the mean of its weekday" if coming.by_weekday else "the mean"
    range_ = f"between {words.usd(coming.low)} and {words.usd(coming.high)}"
    return (
        f"**{month} comes to about {words.usd(coming.total)} by its end**"
        f"{', functions and workflows together' if both else ''}: {words.usd(coming.spent)}{only} "
        f"so far, and {words.usd(coming.rest)} for the days to come, each taken as {basis} over the last "
        f"{words.of(coming.used, 'whole day')}. If days go on differing as they did, "
        f"it ends {range_} eight times in ten. List price, without the free tier."
    )


def _figure(spent: Spent, names: list[str], start: Opening, bucket: str, coming: _Coming) -> Figure:
    of_functions = [name for name in names if name != WORKFLOWS]
    panels = [(of_functions, coming.functions)] if of_functions else []
    if WORKFLOWS in names:
        panels.append(([WORKFLOWS], coming.workflows))
    figure, axes = figures.canvas(
        len(panels), height=3.3 if len(panels) == 1 else 5.2, ratios=_PANELS[: len(panels)]
    )
    for each, (drawn, month) in zip(axes, panels, strict=True):
        _panel(
            each,
            {at: {name: _of(name, names, of) for name in drawn} for at, of in spent.items()},
            start,
            bucket,
        )
        if month is not None and month.rest:
            _rest_of_the_month(each, month, spent, drawn, names)
        each.set_ylabel(f"US dollars per {bucket.removeprefix('1 ')}")
        figures.written(each.yaxis, words.usd)
    figures.above(axes[0], 5, also=axes[1:])
    figures.time_axis(axes[-1])
    return figure


def _panel(axes: Axes, spent: Spent, start: Opening, bucket: str) -> None:
    starts = sorted(spent)
    names = list(spent[starts[0]])
    layers = [
        (figures.short(name, 24), [spent[at][name] for at in starts], _look(name, start)) for name in names
    ]
    figures.bars_over_time(axes, starts, layers, opening.width(bucket))


def _rest_of_the_month(
    axes: Axes, month: Projection, spent: Spent, drawn: Sequence[str], names: list[str]
) -> None:
    days = sorted(month.days)
    # What is left of today stands on what it came to already.
    today = spent.get(datetime(days[0].year, days[0].month, days[0].day), {})
    now = sum(_of(name, names, today) for name in drawn)
    begins: Any = [datetime(day.year, day.month, day.day) for day in days]
    axes.bar(
        begins,
        [month.days[day] for day in days],
        bottom=[now if place == 0 else 0.0 for place in range(len(days))],
        width=0.9,
        align="edge",
        facecolor="none",
        edgecolor=figures.GREY,
        linestyle="--",
        linewidth=1.2,
        label="projected",
    )


def _look(name: str, start: Opening) -> figures.Look:
    if name == WORKFLOWS:
        return figures.Look(colour=figures.GREY, hatch="xx", dash="-")
    return start.looks.get(name, figures.REST)


def _apart(names: list[str]) -> bool:
    """Whether a total is made of two bills."""
    return WORKFLOWS in names and len(names) > 1


def _table(spent: Spent, names: list[str], bucket: str) -> Table:
    return Table(
        df=_frame(spent, names),
        columns={
            "bucket": ("from (UTC)", opening.at(bucket)),
            "total": ("total", words.usd),
            **({ALL_FUNCTIONS: (ALL_FUNCTIONS, words.usd)} if _apart(names) else {}),
            **{name: (name, words.usd) for name in names},
        },
        behind=f"The same as a table, per {bucket.removeprefix('1 ')}",
        limit=120,
    )


def _frame(spent: Spent, names: list[str]) -> pd.DataFrame:
    import pandas as pd

    functions = _functions(spent)
    rows: list[dict[str, Any]] = [
        {
            "bucket": at,
            "total": sum(spent[at].values()),
            **({ALL_FUNCTIONS: functions[at]} if _apart(names) else {}),
            **{name: _of(name, names, spent[at]) for name in names},
        }
        for at in sorted(spent)
    ]
    return pd.DataFrame(rows)
