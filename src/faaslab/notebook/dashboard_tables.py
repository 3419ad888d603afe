"""The tables of the dashboard, in the words and the units of the figures above them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from faaslab.notebook import units
from faaslab.notebook.markup import Html, joined, tag
from faaslab.verbs.dashboard_text import empty_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.lab.dashboard import Dashboard, FunctionFigures, WorkflowFigures

ORDERS: dict[str, Callable[[FunctionFigures], float]] = {
    "invocations": lambda each: each.invocations,
    "errors": lambda each: each.errors,
    "throttles": lambda each: each.throttles,
    "p95": lambda each: each.p95_ms or 0.0,
    "cold starts": lambda each: each.cold_rate or 0.0,
    "cost": lambda each: each.cost_usd,
}
"""What the table of functions can be in the order of, named as its columns are; most first."""

ROWS = 50

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class _Column(Generic[_Row]):
    """A column of figures: how it is headed, the figure of a row, how that is said, what it looks like."""

    heading: str
    figure: Callable[[_Row], float | None]
    say: Callable[[float], str]
    hue: str | None = None
    """Of a figure that is not zero."""
    aside: bool = False
    """Left out where the page is narrow, unless the rows are in its order."""


def count(value: float) -> str:
    """How many: `1,234`."""
    return f"{value:,.0f}"


def tables(dashboard: Dashboard, *, order: str = "invocations") -> Html:
    """A row a function and a row a workflow, or what to do where there is nothing."""
    if dashboard.empty:
        return tag("div", empty_words(dashboard), class_="part soft")
    parts: list[Html] = []
    if dashboard.by_function:
        rows = sorted(dashboard.by_function, key=lambda each: -ORDERS[order](each))
        throttled = any(each.throttles for each in rows)
        columns = _of_functions(dashboard.running, throttled=throttled)
        foot = "cost at list prices of us-east-1, without the free tier"
        parts.append(_table("function", lambda each: each.function, columns, rows, ordered=order, foot=foot))
    if dashboard.workflows:
        workflows = dashboard.workflows
        parts.append(_table("workflow", lambda each: each.workflow, _of_workflows(), workflows))
    return joined(*parts, tag("div", "more columns where there is more room", class_="foot narrow"))


def _of_functions(running: Mapping[str, int], *, throttled: bool) -> list[_Column[FunctionFigures]]:
    """Throttles and what runs now have their column where there are any."""
    now = _Column["FunctionFigures"](
        "running now", lambda each: running.get(each.function, 0), count, aside=True
    )
    throttles = _Column["FunctionFigures"](
        "throttles", lambda each: each.throttles, count, "warn", aside=True
    )
    return [
        _Column("invocations", lambda each: each.invocations, count),
        _Column("errors", lambda each: each.errors, count, "bad"),
        _Column("error rate", lambda each: each.error_rate, units.percent, aside=True),
        *([throttles] if throttled else []),
        _Column("cold starts", lambda each: each.cold_rate, units.percent, aside=True),
        _Column("p50", lambda each: each.p50_ms, units.brief_ms, aside=True),
        _Column("p95", lambda each: each.p95_ms, units.brief_ms),
        _Column("p99", lambda each: each.p99_ms, units.brief_ms, aside=True),
        _Column("cost", lambda each: each.cost_usd, units.dollars),
        *([now] if running else []),
    ]


def _of_workflows() -> list[_Column[WorkflowFigures]]:
    return [
        _Column("executions", lambda each: each.executions, count),
        _Column("running now", lambda each: each.running, count, aside=True),
        _Column("succeeded", lambda each: each.succeeded, count, aside=True),
        _Column("failed", lambda each: each.failed, count, "bad"),
        _Column("timed out", lambda each: each.timed_out, count, "warn", aside=True),
        _Column("aborted", lambda each: each.aborted, count, aside=True),
        _Column("p50", lambda each: each.p50_ms, units.brief_ms, aside=True),
        _Column("p95", lambda each: each.p95_ms, units.brief_ms),
    ]


def _table(
    what: str,
    name: Callable[[_Row], str],
    columns: Sequence[_Column[_Row]],
    rows: Sequence[_Row],
    *,
    ordered: str | None = None,
    foot: str | None = None,
) -> Html:
    """As wide as its place; the first column has names, the others figures, all to the right."""
    headings = [
        tag(
            "th",
            each.heading,
            scope="col",
            class_=f"num{_aside(each, ordered)}",
            aria_sort="descending" if each.heading == ordered else None,
        )
        for each in columns
    ]
    body = [
        tag("tr", tag("td", name(row), title=name(row)), *(_cell(column, row, ordered) for column in columns))
        for row in rows[:ROWS]
    ]
    left_out = len(rows) - len(body)
    said = [f"{left_out:,} more of {units.amount(len(rows), what)} not shown"] if left_out else []
    said += [foot] if foot else []
    return tag(
        "div",
        tag(
            "div",
            tag(
                "table",
                tag("thead", tag("tr", tag("th", what, scope="col"), *headings)),
                tag("tbody", *body),
                class_="full",
            ),
            class_="wide",
            tabindex="0",
            role="region",
            aria_label=f"{what}s",
        ),
        tag("div", " · ".join(said), class_="foot") if said else None,
        class_="under",
    )


def _aside(column: _Column[_Row], ordered: str | None) -> str:
    return " aside" if column.aside and column.heading != ordered else ""


def _cell(column: _Column[_Row], row: _Row, ordered: str | None) -> Html:
    value = column.figure(row)
    aside = _aside(column, ordered)
    if value is None:
        return tag("td", tag("span", "–", class_="soft", aria_label="none"), class_=f"num{aside}")
    hue = (f" {column.hue}" if column.hue and value else "") + aside
    title = str(value) if value % 1 else None
    return tag("td", column.say(value), class_=f"num{hue}", title=title)
