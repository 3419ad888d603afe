"""The dashboard as HTML: figures with their trend, charts over time, tables. Pure: data in, HTML out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from faaslab.notebook import series, units
from faaslab.notebook.dashboard_tables import count, tables
from faaslab.notebook.markup import Html, box, pill, tag
from faaslab.notebook.series import Series, Times

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faaslab.lab.dashboard import Dashboard, Figures
    from faaslab.model.alarm import Alarm

_SAME = 0.005
_NOTABLE = 0.1
_MANY_TIMES = 10.0
_NOW = "now: what runs here, and what has run for a second or longer in other processes"
_STATES = {"ALARM": "bad", "OK": "ok", "INSUFFICIENT_DATA": "mute"}


def dashboard_block(dashboard: Dashboard, *, order: str = "invocations") -> Html:
    """All of it, for a page that nobody can click."""
    return box(
        head(dashboard),
        alarms(dashboard.alarms),
        tiles(dashboard),
        charts(dashboard),
        tables(dashboard, order=order),
    )


def head(dashboard: Dashboard, *extra: Html | None) -> Html:
    """What it is about: which functions, and from when to when."""
    chosen = dashboard.functions
    shown = ", ".join(chosen[:3]) + (f" and {len(chosen) - 3} more" if len(chosen) > 3 else "")
    return tag(
        "div",
        tag("span", shown or "all functions", class_="name"),
        *extra,
        tag(
            "span",
            f"{series.period(dashboard.since, dashboard.until)}, by {units.lasting(dashboard.width)}",
            class_="soft push",
        ),
        class_="top",
    )


def alarms(found: Sequence[Alarm]) -> Html | None:
    """The alarms of the store, with why each stands as it does; nothing where there are none."""
    if not found:
        return None
    lines = [
        tag(
            "div",
            pill(str(each.state).replace("_", " ").lower(), _STATES.get(str(each.state), "mute")),
            tag("b", each.name),
            tag("span", each.state_reason, class_="soft"),
            class_="bar",
        )
        for each in found
    ]
    return tag("div", *lines, class_="part alarms", role="list", aria_label="alarms")


def tiles(dashboard: Dashboard) -> Html | None:
    """The figures of the window, each against the equal time before it; None where there is nothing."""
    now, before = dashboard.total, dashboard.before
    if before is not None and not (before.invocations or before.throttles):
        before = None  # there is nothing to compare with
    running = sum(dashboard.running.values())
    if dashboard.empty and not running:
        return None

    def tile(
        name: str,
        figure: Callable[[Figures], float | None],
        say: Callable[[float], str | None],
        *,
        worse: bool = False,
        points: bool = False,
        beside: str | None = None,
        hue: str | None = None,
    ) -> Html:
        value = figure(now)
        earlier = None if before is None else figure(before)
        return _tile(
            name,
            "–" if value is None else str(say(value)),
            None if before is None else trend(value, earlier, worse=worse, points=points),
            beside=beside,
            hue=hue,
            title=None if before is None else f"before: {'not known' if earlier is None else say(earlier)}",
        )

    rate = now.error_rate
    return tag(
        "div",
        tile("invocations", lambda each: each.invocations, count),
        tile(
            "errors",
            lambda each: each.errors,
            count,
            worse=True,
            beside=units.percent(rate) if rate else None,
            hue="bad" if now.errors else None,
        ),
        tile(
            "throttles",
            lambda each: each.throttles,
            count,
            worse=True,
            hue="warn" if now.throttles else None,
        ),
        tile("p50", lambda each: each.p50_ms, units.brief_ms, worse=True),
        tile("p95", lambda each: each.p95_ms, units.brief_ms, worse=True),
        tile("p99", lambda each: each.p99_ms, units.brief_ms, worse=True),
        tile("cold starts", lambda each: each.cold_rate, units.percent, worse=True, points=True),
        _tile(
            "concurrency",
            count(dashboard.peak),
            None
            if before is None
            else trend(dashboard.peak if now.invocations else None, dashboard.peak_before or None),
            beside=f"{running:,} now" if running else None,
            title=_NOW if before is None else f"before: {dashboard.peak_before:,}; {_NOW}",
        ),
        tile("cost", lambda each: each.cost_usd, units.dollars),
        class_="tiles",
    )


def _tile(
    name: str,
    value: str,
    trended: Html | None,
    *,
    beside: str | None = None,
    hue: str | None = None,
    title: str | None = None,
) -> Html:
    return tag(
        "div",
        tag("div", name, class_="what"),
        tag(
            "div",
            tag("span", value, class_=f"figure {hue}" if hue else "figure"),
            tag("span", beside, class_="soft") if beside else None,
        ),
        tag("div", trended, class_="trend") if trended is not None else None,
        class_="tile",
        title=title,
    )


def trend(now: float | None, before: float | None, *, worse: bool = False, points: bool = False) -> Html:
    """How a figure changed: in percent, or (`points`, for shares) in percentage points.

    `worse`: more of it is bad news. What changed by less than a tenth has no colour.
    """
    if now is None or before is None or (before == 0 and now == 0):
        return tag("span", "nothing before" if now and before is None else "–", class_="soft")
    change = now - before if points else (now - before) / before if before else math.copysign(math.inf, now)
    if abs(change) < _SAME:
        return tag("span", "as before", class_="soft")
    arrow = "▲" if change > 0 else "▼"
    if points:
        said = f"{abs(100 * change):.1f} points"
    elif before == 0:
        said = "from 0"
    elif change >= _MANY_TIMES:
        said = f"{units.compact(now / before)}×"
    else:
        said = f"{abs(100 * change):.0f} %" if abs(change) >= _SAME * 2 else f"{abs(100 * change):.1f} %"
    notable = abs(change) >= (_NOTABLE / 2 if points else _NOTABLE)
    hue = ("bad" if change > 0 else "ok") if worse and notable else "soft"
    return tag("span", f"{arrow} {said}", class_=hue)


def charts(dashboard: Dashboard) -> Html | None:
    """Over time: invocations with errors and throttles, durations, cold starts, concurrency, cost."""
    buckets = dashboard.buckets
    if not buckets or dashboard.empty:
        return None
    times = Times(begin=buckets[0].begin, width=dashboard.width, count=len(buckets))
    per = units.lasting(dashboard.width)
    stack = [
        Series(name="completed", values=[each.invocations - each.errors for each in buckets], hue="info"),
        Series(name="errors", values=[each.errors for each in buckets], hue="bad"),
    ]
    if any(each.throttles for each in buckets):
        stack.append(Series(name="throttles", values=[each.throttles for each in buckets], hue="warn"))
    percentiles = [
        Series(name="p50", values=[each.p50_ms for each in buckets], hue="info"),
        Series(name="p95", values=[each.p95_ms for each in buckets], hue="grape"),
        Series(name="p99", values=[each.p99_ms for each in buckets], hue="mute", dashed=True),
    ]
    failing = Series(name="failed", values=[each.error_rate for each in buckets], hue="bad")
    cold = Series(name="started cold", values=[each.cold_rate for each in buckets], hue="info")
    peak = Series(name="at once", values=[float(each.peak) for each in buckets], hue="info")
    # A bucket in which nothing ran cost nothing; one of which no bill is known is a gap.
    cost = Series(
        name="cost",
        values=[each.cost_usd if each.billed or not each.invocations else None for each in buckets],
        hue="info",
    )
    return series.charts(
        series.bars("Invocations", f"in {per}", times, stack),
        series.lines("Duration", "", times, percentiles, say=units.brief_ms, log=True),
        series.lines("Errors", "share of invocations", times, [failing], say=units.percent),
        series.lines("Cold starts", "share of invocations", times, [cold], say=units.percent),
        series.steps("Concurrency", f"most at once in {per}", times, peak),
        series.bars("Cost", f"in {per}, list price", times, [cost], say=units.dollars),
    )
