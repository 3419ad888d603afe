"""What executions of workflows wait for, on the page on workflows: their critical paths, added up."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from faaslab.monitoring.critical_path import Visit, critical_path
from faaslab.monitoring.pages import figures, words
from faaslab.monitoring.pages.page import Plot, Section, Table
from faaslab.store.questions import workflows as ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from faaslab.store.questions.window import Run
    from faaslab.store.questions.workflows import WorkflowWindow

_SAMPLE = 100
"""So many of the latest executions of a workflow tell its critical path."""


def paths_of(run: Run, window: WorkflowWindow) -> pd.DataFrame:
    """A row a workflow and state on the critical paths of its latest executions that ended well.

    Columns: workflow, state, depth, on_path (0 to 1, of the executions), mean_ms (of its own, on the path),
    share (0 to 1, of the executions' duration), executions.
    """
    import pandas as pd

    chosen = ask.ended(run, window, _SAMPLE)
    found = ask.visits(run, list(chosen["id"])) if len(chosen) else None
    of_execution: dict[str, list[Visit]] = defaultdict(list)
    for row in [] if found is None else words.rows(found):
        of_execution[row["execution_id"]].append(
            Visit(
                state=row["state"],
                entered=int(row["entered"]),
                left=int(row["left"]),
                after=int(row["after"]),
                outer=None if row["outer"] is None else int(row["outer"]),
                began=row["began"],
                ended=row["ended"],
            )
        )
    rows = []
    for workflow, group in chosen.groupby("workflow", sort=False):
        rows += _path_rows(str(workflow), group, of_execution)
    columns = ["workflow", "state", "depth", "on_path", "mean_ms", "share", "executions"]
    return pd.DataFrame(rows, columns=columns)


def _path_rows(
    workflow: str, executions: pd.DataFrame, visits: Mapping[str, list[Visit]]
) -> list[dict[str, Any]]:
    spent: dict[str, float] = defaultdict(float)
    seen_in: dict[str, set[str]] = defaultdict(set)
    depth: dict[str, int] = {}
    for identity in executions["id"]:
        for part in critical_path(visits.get(identity, ())):
            spent[part.visit.state] += part.own_ms
            seen_in[part.visit.state].add(identity)
            depth.setdefault(part.visit.state, part.depth)
    whole = float(executions["duration_ms"].sum())
    return [
        {
            "workflow": workflow,
            "state": state,
            "depth": depth[state],
            "on_path": len(seen_in[state]) / len(executions),
            "mean_ms": spent[state] / len(executions),
            "share": spent[state] / whole if whole else 0.0,
            "executions": len(executions),
        }
        for state in spent
    ]


def section(paths: pd.DataFrame) -> Section | None:
    """The section that shows them; None where nothing takes any time."""
    if paths.empty or not paths["mean_ms"].sum():
        return None
    figure, (axes,) = figures.canvas(height=0.9 + 0.5 * paths["workflow"].nunique())
    axes.grid(visible=False)
    axes.grid(axis="x", color=figures.GRID, linewidth=0.7)
    said = []
    groups = list(paths.groupby("workflow", sort=False))
    for place, (workflow, group) in enumerate(groups):
        left = 0.0
        for index, row in enumerate(words.rows(group)):
            colour = figures.COLOURS[index % len(figures.COLOURS)]
            axes.barh(place, row["share"], left=left, color=colour, height=0.62)
            if row["share"] > 0.08:
                axes.annotate(
                    figures.short(str(row["state"]), max(int(row["share"] * 70), 4)),
                    (left + row["share"] / 2, place),
                    ha="center",
                    va="center",
                    color="white",
                    fontsize=8.5,
                )
            left += row["share"]
        top = max(words.rows(group), key=lambda row: row["share"])
        said.append(f"{workflow}: {top['state']} {words.share(top['share'])}")
    axes.set_yticks(range(len(groups)), [figures.short(str(name)) for name, _ in groups])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    figures.percent_axis(axes.xaxis)
    axes.set_xlabel("share of the execution's duration")
    text = (
        "What an execution waits for: of branches and iterations that run beside each other, the one that "
        "ended last. Making a state faster that is not on the path makes no execution faster. Over the "
        f"latest executions that ended well, up to {_SAMPLE} a workflow."
    )
    table = Table(
        df=paths[paths["share"] >= 0.001].sort_values(["workflow", "share"], ascending=[True, False]),
        columns={
            "workflow": ("workflow", words.text),
            "state": ("state", words.text),
            "mean_ms": ("of each execution", words.ms),
            "share": ("share", words.share),
            "on_path": ("on the path in", words.share),
        },
    )
    return Section(
        title="The critical path",
        parts=(
            text,
            Plot(
                figure=figure,
                title="Which states an execution waits for",
                alt="Longest on the path: " + "; ".join(said),
            ),
            table,
        ),
    )
