"""When executions start cold, by hour of the day and weekday: a section of the page on cold starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.monitoring.pages import figures, words
from faaslab.monitoring.pages.page import Plot, Section, Table
from faaslab.store.questions import cold_starts as ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from faaslab.monitoring.pages.opening import Opening

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FEW = 20
"""An hour with fewer invocations than this is marked: its rate is rough."""
_LEAST_HOURS = 36
"""A window shorter than this has no hour of the day twice."""


def section(start: Opening, tz: str) -> Section | None:
    """The section, with hours and weekdays of the time zone `tz`; None for a window that is too short."""
    if (start.figures["last"] - start.figures["first"]).total_seconds() < _LEAST_HOURS * 3600:
        return None
    df = ask.by_weekday_and_hour(start.run, start.window, tz)
    cells = words.rows(df)
    if len({cell["rate"] for cell in cells}) < 2:
        return None
    text = _said(cells, tz)
    table = Table(
        df=df.assign(weekday=[WEEKDAYS[int(day) - 1] for day in df["weekday"]]).sort_values(
            ["cold_starts", "rate"], ascending=False, kind="stable"
        ),
        columns={
            "weekday": ("weekday", words.text),
            "hour": ("from", _clock),
            "invocations": ("invocations", words.count),
            "cold_starts": ("cold starts", words.count),
            "rate": ("rate", words.share),
        },
        behind="The hours as a table, those with the most cold starts first",
        limit=24,
    )
    return Section(
        title="Hour by hour through the week",
        parts=(
            text,
            Plot(figure=_drawn(cells, tz), title="Share that started cold, by hour of the week", alt=text),
            table,
        ),
    )


def _said(cells: list[dict[str, Any]], tz: str) -> str:
    # With one occurrence of each hour a quiet one may well be full of chance: those are not named.
    enough = [cell for cell in cells if cell["invocations"] >= FEW]
    few = (
        f" Hours with fewer than {FEW} invocations are outlined only, with their rate in brackets."
        if len(enough) < len(cells)
        else ""
    )
    if len(enough) < 2:
        return f"No hour of the week has {FEW} invocations yet: the rates are rough, all of them.{few}"
    high = max(enough, key=lambda cell: (cell["rate"], cell["cold_starts"]))
    most = max(cells, key=lambda cell: (cell["cold_starts"], cell["rate"]))
    low = min(enough, key=lambda cell: (cell["rate"], -cell["invocations"]))
    same = most is high
    counted = (
        ""
        if same
        else f" The most cold starts came on {_when(most)}: {words.count(most['cold_starts'])} "
        f"in {words.of(most['invocations'], 'invocation')}."
    )
    return (
        f"On {_when(high)} ({tz}) {words.share(high['rate'])} of "
        f"{words.of(high['invocations'], 'invocation')} started cold{', and the most in number' * same}; "
        f"on {_when(low)} {words.share(low['rate'])} of {words.count(low['invocations'])}.{counted}{few}"
    )


def _when(cell: Mapping[str, Any]) -> str:
    return (
        f"{WEEKDAYS[int(cell['weekday']) - 1]}s between {_clock(cell['hour'])} and {_clock(cell['hour'] + 1)}"
    )


def _clock(hour: float) -> str:
    return f"{int(hour):02d}:00"


def _drawn(cells: list[dict[str, Any]], tz: str) -> Figure:
    from matplotlib.patches import Rectangle

    days = sorted({int(cell["weekday"]) for cell in cells})
    places = {day: place for place, day in enumerate(days)}
    figure, (axes,) = figures.canvas(height=0.95 + 0.44 * len(days))
    axes.grid(visible=False)
    rated = [cell["rate"] for cell in cells if cell["invocations"] >= FEW] or [cell["rate"] for cell in cells]
    top = max(rated) or 1.0
    for cell in cells:
        few = cell["invocations"] < FEW
        strength = 0.06 + 0.86 * min(cell["rate"] / top, 1.0)
        x, y = int(cell["hour"]), places[int(cell["weekday"])]
        fill: dict[str, Any] = {"facecolor": figures.BLUE, "alpha": strength}
        if few:
            fill = {"facecolor": "none", "edgecolor": figures.GREY, "linestyle": ":", "linewidth": 0.8}
        axes.add_patch(Rectangle((x + 0.03, y + 0.04), 0.94, 0.92, **{"linewidth": 0, **fill}))
        rate = f"{cell['rate'] * 100:.0f}"
        ink = "white" if not few and strength > 0.5 else figures.INK
        axes.text(x + 0.5, y + 0.37, f"({rate})" if few else f"{rate} %", color=ink, **_small(8))
        axes.text(x + 0.5, y + 0.74, words.count(cell["cold_starts"]), color=ink, **_small(6.5))
    axes.set_xlim(0, 24)
    axes.set_ylim(len(days), 0)
    axes.set_xticks(range(0, 25, 2), [f"{hour:02d}" for hour in range(0, 25, 2)])
    axes.set_yticks([place + 0.5 for place in range(len(days))], [WEEKDAYS[day - 1] for day in days])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"hour of the day ({tz}); in each: the share that started cold, and how many")
    return figure


def _small(size: float) -> dict[str, Any]:
    return {"ha": "center", "va": "center", "fontsize": size}
