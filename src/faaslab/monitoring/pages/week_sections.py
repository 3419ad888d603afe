"""The sections of the page on a week that are about its changes: figures, movers, what is new, causes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from faaslab.monitoring import changes
from faaslab.monitoring.pages import figures, words
from faaslab.monitoring.pages import week_words as say
from faaslab.monitoring.pages.page import Plot, Points, Section, Table
from faaslab.store.questions import weeks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from faaslab.monitoring.changes import Change
    from faaslab.monitoring.pages.figures import Look
    from faaslab.monitoring.pages.week_compared import Compared, Fares
    from faaslab.store.questions.window import Run, Window

_SHOWN = 12
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ACTIONS = {"created": "defined", "updated": "changed", "deleted": "deleted"}


def figures_of(
    compared: Compared, workflows: Sequence[tuple[str, str, Change]], run: Run, window: Window
) -> Section:
    """The week in numbers beside the week before, and its days drawn beside those of that."""
    import pandas as pd

    whole = compared.whole
    rows = [
        ("invocations", "count", whole.calls),
        ("failed", "share", whole.failed),
        ("started cold", "share", whole.cold),
        ("duration, median", "ms", whole.p50),
        ("duration, 95 %", "ms", whole.p95),
        ("cost of functions", "usd", whole.money),
        *workflows,
    ]
    df = pd.DataFrame(
        [
            {
                "figure": name,
                "now": change.now,
                "before": change.before,
                "difference": change.difference,
                "unit": unit,
                "verdict": str(change.verdict),
                "told": say.write(unit)(change.now),
                "told_before": say.write(unit)(change.before),
                "told_difference": say.difference(change, unit),
            }
            for name, unit, change in rows
            if change.now is not None or change.before is not None
        ]
    )
    table = Table(
        df=df,
        columns={
            "figure": ("", words.text),
            "told": ("this week", _right),
            "told_before": ("week before", _right),
            "told_difference": ("difference", _right),
            "verdict": ("which is", words.text),
        },
        caption=changes.HOW,
        limit=20,
    )
    parts: tuple[Any, ...] = (table,)
    plot = _days(compared, run, window)
    return Section(title="What changed", parts=parts if plot is None else (*plot, table))


def _right(value: object) -> str:
    """As it is, on the right where numbers stand."""
    return words.text(value)


def _days(compared: Compared, run: Run, window: Window) -> tuple[Plot, Table] | None:
    import pandas as pd

    of = compared.weeks
    df = weeks.by_day(run, window, str(of.zone))
    if df.empty:
        return None
    calls = {pd.Timestamp(row["day"]).date(): int(row["invocations"]) for row in words.rows(df)}
    days = [of.monday + timedelta(days=day) for day in range(7)]
    now = [calls.get(day, 0) for day in days]
    before = [calls.get(day - timedelta(days=7), 0) for day in days]
    figure, (axes,) = figures.canvas(height=2.5)
    places = range(7)
    axes.bar(
        [place - 0.2 for place in places], before, width=0.38, color=figures.GREY, label="the week before"
    )
    axes.bar([place + 0.2 for place in places], now, width=0.38, color=figures.BLUE, label="this week")
    axes.set_xticks(list(places), [f"{_DAYS[day.isoweekday() - 1]} {day.day}" for day in days])
    axes.set_ylabel("invocations")
    axes.set_xlabel(f"day ({of.zone})")
    figures.count_axis(axes.yaxis)
    figures.above(axes, 2)
    told = pd.DataFrame({"day": [words.day(day) for day in days], "now": now, "before": before})
    alt = "Invocations day by day: " + ", ".join(
        f"{_DAYS[place]} {words.count(now[place])} (before {words.count(before[place])})" for place in places
    )
    table = Table(
        df=told,
        columns={
            "day": ("day", words.text),
            "now": ("invocations", words.count),
            "before": ("the week before", words.count),
        },
        behind="The days as a table",
    )
    return Plot(figure=figure, title="Invocations a day, beside the week before", alt=alt), table


def movers(compared: Compared, look: Mapping[str, Look]) -> Section | None:
    """Function by function, those first that moved furthest; None without any."""
    import pandas as pd

    if not compared.functions:
        return None
    df = pd.DataFrame([_row(each) for each in compared.functions])
    table = Table(
        df=df,
        columns={
            "function": ("function", words.text),
            "invocations_told": ("invocations", _right),
            "p95_told": ("95 % took at most", _right),
            "cold_told": ("started cold", _right),
            "failed_told": ("failed", _right),
            "usd_told": ("cost", _right),
        },
        caption="In brackets the week before. ▲ and ▼ mark what is called a change.",
        limit=20,
    )
    drawn = [each for each in compared.functions if each.p95.now and each.p95.before][:_SHOWN]
    if not drawn:
        return Section(title="Function by function", parts=(table,))
    alt = "What 95 % took at most, the week before and this week: " + "; ".join(
        f"{each.name} {words.ms(each.p95.before)}, {words.ms(each.p95.now)}" for each in drawn
    )
    return Section(
        title="Function by function",
        parts=(
            Plot(
                figure=_moved(drawn, look),
                title="What 95 % took at most, the week before and this week",
                alt=alt,
            ),
            table,
        ),
    )


def _row(each: Fares) -> dict[str, Any]:
    told = {
        "invocations": (each.calls, "count"),
        "p95": (each.p95, "ms"),
        "cold": (each.cold, "share"),
        "failed": (each.failed, "share"),
        "usd": (each.money, "usd"),
    }
    row: dict[str, Any] = {"function": each.name}
    for name, (change, unit) in told.items():
        row |= {
            name: change.now,
            f"{name}_before": change.before,
            f"{name}_verdict": str(change.verdict),
            f"{name}_told": say.cell(change, unit),
        }
    return row


def _moved(drawn: Sequence[Fares], look: Mapping[str, Look]) -> Figure:
    """From a ring (the week before) to a dot (this week), on a logarithmic axis."""
    figure, (axes,) = figures.canvas(height=0.95 + 0.36 * len(drawn))
    axes.grid(visible=False)
    axes.grid(axis="x", color=figures.GRID, linewidth=0.7)
    for place, each in enumerate(drawn):
        colour = look.get(str(each.name), figures.REST).colour if each.p95.real else figures.GREY
        before, now = each.p95.before or 0.0, each.p95.now or 0.0
        axes.plot([before, now], [place, place], color=colour, linewidth=3 if each.p95.real else 1.5)
        axes.scatter([before], [place], s=46, facecolor=figures.PAPER, edgecolor=colour, zorder=3)
        axes.scatter([now], [place], s=52, color=colour, zorder=3)
        if each.p95.real:
            label = f"{words.ms(before)} → {words.ms(now)}"
            axes.annotate(
                label,
                (max(before, now), place),
                xytext=(9, 0),
                textcoords="offset points",
                va="center",
                color=figures.INK,
                fontsize=9,
            )
    axes.scatter([], [], s=46, facecolor="none", edgecolor=figures.GREY, label="the week before")
    axes.scatter([], [], s=52, color=figures.GREY, label="this week (in colour: it changed)")
    axes.set_yticks(range(len(drawn)), [figures.short(str(each.name)) for each in drawn])
    axes.set_ylim(len(drawn) - 0.5, -0.5)
    figures.milliseconds(axes.xaxis, axes)
    axes.set_xlabel("95 % took no longer than")
    figures.above(axes, 2)
    return figure


def news(compared: Compared, errors: pd.DataFrame) -> Section | None:
    """What was not there before, and what is not any more: functions, kinds of errors."""
    items = []
    if compared.comparable:
        items = [
            f"**New:** `{name}`, first called on {words.day(compared.weeks.local(first))}, "
            f"{words.of(calls, 'time')}."
            for name, first, calls in compared.new[:_SHOWN]
        ]
    items += [
        f"**Not called any more:** `{name}`, {words.of(calls, 'time')} the week before."
        for name, calls in compared.gone[:_SHOWN]
    ]
    parts: list[Any] = [Points(items=tuple(items))] if items else []
    if not errors.empty:
        local = errors.assign(first=[compared.weeks.local(at.to_pydatetime()) for at in errors["first"]])
        parts.append(
            Table(
                df=local,
                columns={
                    "function": ("function", words.text),
                    "error_type": ("new error", words.text),
                    "count": ("times", words.count),
                    "invocations": ("of invocations", words.count),
                    "first": (f"first ({compared.weeks.zone})", words.instant),
                    "message": ("the latest said", words.text),
                },
                caption="Kinds of error that the function never had before in this store.",
            )
        )
    return Section(title="New and gone", parts=tuple(parts)) if parts else None


def causes(compared: Compared, defined: pd.DataFrame) -> Section | None:
    """What was defined and deployed in the week, and what began with it; None without either."""
    of = compared.weeks
    items = [
        f"`{each.name}`: {name} changed with **definition {each.since[what][0]}**, which first ran on "
        f"{words.instant(of.local(each.since[what][1]))}."
        for each in compared.functions
        for what, name in (("p95", "p95"), ("failed", "the share that failed"), ("cold", "cold starts"))
        if what in each.since
    ]
    parts: list[Any] = [Points(items=tuple(items))] if items else []
    if not defined.empty:
        df = defined.assign(
            timestamp=[of.local(at.to_pydatetime()) for at in defined["timestamp"]],
            kind=[str(kind).replace("_", " ") for kind in defined["kind"]],
            action=[_ACTIONS.get(str(action), str(action)) for action in defined["action"]],
        ).sort_values("timestamp", ascending=False, kind="stable")
        parts.append(
            Table(
                df=df,
                columns={
                    "timestamp": (f"at ({of.zone})", words.instant),
                    "kind": ("kind", words.text),
                    "name": ("name", words.text),
                    "version": ("number", words.text),
                    "action": ("was", words.text),
                },
                limit=15,
            )
        )
    return Section(title="Defined and deployed in this week", parts=tuple(parts)) if parts else None
