"""The slowest executions of workflows, state by state: sections of the page on workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.monitoring.pages import figures, words
from faaslab.monitoring.pages.page import Plot, Section, Table
from faaslab.store.questions import workflows as ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from faaslab.store.questions.window import Run
    from faaslab.store.questions.workflows import WorkflowWindow

_MOST = 2
"""So many executions are drawn, each of another workflow."""
_STATES = 22
"""So many states are drawn of each, those that took longest."""
_KINDS = {
    "Task": ("Task", figures.Look(colour=figures.BLUE, hatch="", dash="-")),
    "Wait": ("Wait", figures.Look(colour=figures.GREY, hatch="--", dash="-")),
    "Map": ("Map or Parallel", figures.Look(colour=figures.PURPLE, hatch="", dash="-")),
    "Parallel": ("Map or Parallel", figures.Look(colour=figures.PURPLE, hatch="", dash="-")),
}
_OTHER = ("other states", figures.Look(colour=figures.GREEN, hatch="", dash="-"))
_FAILED = ("not left: failed or cut off", figures.Look(colour=figures.RED, hatch="////", dash="-"))


def section(run: Run, window: WorkflowWindow) -> Section | None:
    """The longest execution of each of two workflows; None where none has a course that takes any time."""
    parts: list[Any] = []
    for row in words.rows(ask.slowest_of_each(run, window, _MOST)):
        course = words.rows(ask.course(run, row["id"]))
        states = states_of(course)
        if not states:
            continue
        took = words.ms(row["duration_ms"])
        more = len({each["state"] for each in course}) - len(states)
        few = f" Of its states those {words.count(len(states))} that took longest." if more else ""
        began = words.instant(row["started_at"], seconds=True)
        ended = str(row["status"]).lower().replace("_", " ")
        of = f"`{row['name']}` of `{row['workflow']}`"
        lay = (
            f" Before it was redriven it lay {words.ms(row['lay_ms'])}, which is in none of the figures."
            if row["lay_ms"]
            else ""
        )
        text = f"{of} took {took} and {ended}; it began on {began} UTC.{lay}{few}"
        longest = max(states, key=lambda each: each["total_ms"])
        alt = f"{row['name']}: {longest['state']} took longest, {words.ms(longest['total_ms'])} of {took}."
        parts += [
            text,
            Plot(figure=_drawn(states, row["duration_ms"] + row["lay_ms"]), alt=alt),
            _table(states),
        ]
    return Section(title="The slowest, state by state", parts=tuple(parts)) if parts else None


def states_of(course: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The states of an execution, from the rows of `workflows.course`, in the order of their entering.

    Of each: state, type, depth, visits, after_ms (since the beginning), total_ms, left, spans (start and
    length in ms, and whether it was left). States beyond the most that are drawn are left out.
    """
    if not course:
        return []
    start = course[0]["began"]
    depth: dict[int, int] = {}
    found: dict[str, dict[str, Any]] = {}
    for visit in course:
        depth[visit["entered"]] = depth.get(visit["outer"], -1) + 1
        if visit["ended"] is None:
            continue
        after = (visit["began"] - start).total_seconds() * 1000
        # What was redriven took the time since: what lies before that the execution lay failed, mostly.
        since = (visit["went_on"] - start).total_seconds() * 1000
        took = max((visit["ended"] - visit["went_on"]).total_seconds() * 1000, 0.0)
        state = found.setdefault(
            visit["state"],
            {
                "state": visit["state"],
                "type": visit["type"],
                "depth": depth[visit["entered"]],
                "visits": 0,
                "after_ms": after,
                "total_ms": 0.0,
                "left": True,
                "spans": [],
            },
        )
        state["visits"] += 1
        state["total_ms"] += took
        state["left"] = state["left"] and bool(visit["left"])
        state["spans"].append((since, took, bool(visit["left"])))
    kept = sorted(found.values(), key=lambda state: -state["total_ms"])[:_STATES]
    names = {state["state"] for state in kept if any(state["total_ms"] for state in kept)}
    return [state for state in found.values() if state["state"] in names]


def _drawn(states: Sequence[dict[str, Any]], whole_ms: float) -> Figure:
    figure, (axes,) = figures.canvas(height=1.15 + 0.3 * len(states))
    axes.grid(visible=False)
    axes.grid(axis="x", color=figures.GRID, linewidth=0.7)
    named: set[str] = set()
    for place, state in enumerate(states):
        for after, took, left in state["spans"]:
            name, look = _KINDS.get(state["type"], _OTHER) if left else _FAILED
            bars = axes.barh(
                place,
                max(took, whole_ms / 600),  # what takes next to nothing is seen still
                left=after,
                height=0.62 if state["visits"] == 1 else 0.5,
                alpha=1.0 if state["visits"] == 1 else 0.7,
                label=None if name in named else name,
            )
            figures.fill(axes, list(bars), look)
            named.add(name)
        end = max(after + took for after, took, _ in state["spans"])
        times = f" in {state['visits']} visits" if state["visits"] > 1 else ""
        axes.annotate(
            f"{words.ms(state['total_ms'])}{times}",
            (end, place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=figures.INK,
            fontsize=8.5,
        )
    names = [f"{'· ' * state['depth']}{figures.short(str(state['state']), 28)}" for state in states]
    axes.set_yticks(range(len(states)), names)
    axes.set_ylim(len(states) - 0.5, -0.5)
    axes.set_xlim(0, whole_ms * 1.12)
    figures.written(axes.xaxis, lambda value: words.ms(value) if value else "0")
    axes.set_xlabel("since the execution began")
    figures.above(axes, 5)
    return figure


def _table(states: Sequence[dict[str, Any]]) -> Table:
    import pandas as pd

    df = pd.DataFrame([{key: value for key, value in state.items() if key != "spans"} for state in states])
    return Table(
        df=df.assign(left=["yes" if left else "no" for left in df["left"]]),
        columns={
            "state": ("state", words.text),
            "type": ("type", words.text),
            "after_ms": ("began after", words.ms),
            "visits": ("entered", words.count),
            "total_ms": ("took, in all", words.ms),
            "left": ("was left", words.text),
        },
        behind="The same as a table",
        limit=40,
    )
