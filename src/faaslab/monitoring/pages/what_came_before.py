"""Of the page on cold starts: what came before each, and what keeping environments longer would change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from faaslab.monitoring import keep_alive
from faaslab.monitoring.pages import figures, words
from faaslab.monitoring.pages.page import Plot, Points, Section
from faaslab.store.questions import cold_starts as ask

if TYPE_CHECKING:
    from faaslab.monitoring.pages.opening import Opening

_SHOWN = 8


def find(start: Opening, keep_alive_s: float | None) -> list[keep_alive.ColdStart]:
    """Why each cold start of the window was. `keep_alive_s`: how long idle local environments are kept."""
    seen = [
        keep_alive.Environment(
            function=row["function"],
            version=words.maybe(row["version"]),
            definition=None if row["definition"] is None else int(row["definition"]),
            started=row["started"],
            ended=row["ended"],
            born_cold=bool(row["born_cold"]),
            broken=bool(row["broken"]),
            kept_s=math.inf if row["cancelled"] else keep_alive_s if row["local"] else None,
        )
        for row in words.rows(ask.environments(start.run, start.window))
    ]
    gaps = ask.gaps_without_environments(start.run, start.window)
    again = ask.reinits(start.run, start.window)
    return [
        *keep_alive.explain(seen),
        *keep_alive.explain_gaps(zip(gaps["function"], gaps["gap_s"].astype(float), strict=True)),
        *(
            keep_alive.ColdStart(function=row["function"], reason=keep_alive.BROKEN)
            for row in words.rows(again)
            for _ in range(row["cold_starts"])
        ),
    ]


def section(why: list[keep_alive.ColdStart]) -> Section | None:
    """How often there was which reason, and how many a longer keep-alive would have avoided."""
    if not why:
        return None
    counts = keep_alive.counts(why)
    totals = {reason: sum(of[reason] for of in counts.values()) for reason in keep_alive.REASONS}
    names = sorted(counts, key=lambda name: -sum(counts[name].values()))[:_SHOWN]
    shades = (figures.BLUE, figures.PURPLE, figures.ORANGE, figures.RED, figures.GREY)
    colours = dict(zip(keep_alive.REASONS, shades, strict=True))
    said = [
        f"{reason}: {words.count(n)} ({words.share(n / len(why))})"
        for reason, n in sorted(totals.items(), key=lambda item: -item[1])
        if n
    ]
    parts: list[Any] = [
        Points(items=tuple(said)),
        Plot(
            figure=figures.side_bars(
                names,
                [
                    (reason, [counts[name][reason] for name in names], colours[reason])
                    for reason in keep_alive.REASONS
                    if totals[reason]
                ],
                [words.count(sum(counts[name].values())) for name in names],
                unit="cold starts",
                write=words.count,
            ),
            title="What came before, per function",
            alt="Why environments were started, per function. " + "; ".join(said),
        ),
    ]
    if totals[keep_alive.IDLE]:
        parts.append(_kept(why))
    return Section(title="What came before a cold start", parts=tuple(parts))


def _kept(why: list[keep_alive.ColdStart]) -> Plot:
    """How the share of avoided cold starts grows with the keep-alive."""
    grid = [10 ** (step / 40 * 3.6 + 1.4) for step in range(41)]
    shares = [n / len(why) for n in keep_alive.avoided(why, grid)]
    figure, (axes,) = figures.canvas(height=2.6)
    axes.plot(grid, shares, color=figures.BLUE, linewidth=2)
    axes.fill_between(grid, shares, color=figures.BLUE, alpha=0.15)
    axes.set_xscale("log")
    marks = [60, 300, 900, 3600, 4 * 3600, 12 * 3600, 86400]
    axes.set_xticks(marks, [words.span(mark) for mark in marks])
    axes.set_xticks([], minor=True)
    axes.set_ylim(0, 1)
    figures.percent_axis(axes.yaxis)
    axes.set_xlabel("idle environments kept for")
    axes.set_ylabel("cold starts avoided")
    return Plot(
        figure=figure,
        title="Cold starts avoided by keeping idle environments longer",
        alt="Share of the cold starts that keeping idle environments longer would have avoided.",
    )
