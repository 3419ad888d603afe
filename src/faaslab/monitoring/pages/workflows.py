"""The page on workflows: how many end well, where the time goes, what they cost, which took longest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faaslab.model.cause import cause_line
from faaslab.model.execution import Source
from faaslab.monitoring.pages import figures, gantt, opening, words
from faaslab.monitoring.pages.page import Page, Plot, Points, Section, Table
from faaslab.monitoring.pages.path_section import paths_of, section
from faaslab.monitoring.prices import read_workflows
from faaslab.monitoring.workflow_cost import WorkflowCost, bill, usage_of
from faaslab.store.questions import workflows as ask
from faaslab.store.questions.window import Run
from faaslab.store.questions.workflows import WorkflowWindow

if TYPE_CHECKING:
    import pandas as pd

    from faaslab.store import Store

TITLE = "Workflows"
_SHOWN = 10
_MATTERS = 0.25
_MANY = 20


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """The window and what is in it (`workflows.overview`'s row)."""

    run: Run
    window: WorkflowWindow
    figures: Mapping[str, Any]


def page(
    store: Store,
    *,
    since: Any = None,
    until: Any = None,
    workflows: Any = (),
    sources: Any = (),
    free_tier: bool = False,
    prices: str = "aws-step-functions",
) -> Page:
    """The page over a store.

    Instants as everywhere (`7d`, `2026-11-16`, ISO 8601); names as a list or one text with commas.
    `free_tier` takes a month's free transitions off. Raises `InvalidValue` for what cannot be read.
    """
    begins, ends = opening.period(since, until, store.clock.now())
    window = WorkflowWindow(
        since=begins,
        until=ends,
        workflows=opening.names(workflows, "workflows"),
        sources=opening.names(sources, "sources", allowed=tuple(Source)),
    )
    row = words.rows(ask.overview(store.sql, window))[0]
    seen = _Seen(run=store.sql, window=window, figures=row)
    if not row["executions"]:
        return _nothing(seen, store)
    by_workflow = ask.by_workflow(seen.run, window)
    states = ask.states(seen.run, window)
    errors = ask.errors(seen.run, window)
    paths = paths_of(seen.run, seen.window)
    slowest = ask.slowest(seen.run, seen.window, _SHOWN)
    money = _money(seen, free_tier=free_tier, prices=prices)
    sections = {
        "change": _change(states, paths, errors, money),
        "workflows": _workflows(by_workflow),
        "over_time": _over_time(seen),
        "states": _states(states),
        "critical_path": section(paths),
        "retries": _retries(states),
        "failures": _failures(errors),
        "cost": _cost(money, prices),
        "slowest": _slowest(slowest),
        "gantt": gantt.section(seen.run, seen.window),
    }
    return Page(
        title=TITLE,
        headline=_headline(seen, by_workflow, money),
        basis=_basis(seen),
        sections={name: section for name, section in sections.items() if section is not None},
    )


def _nothing(seen: _Seen, store: Store) -> Page:
    whole = words.rows(ask.overview(seen.run, WorkflowWindow()))[0]
    if not whole["executions"]:
        how = (
            "Define one (`%%faas workflow NAME` above its states in YAML), run it (`%faas run NAME`), and run"
        )
        said = (
            "There is nothing to show yet: no workflow ran in this store.",
            f"{how} this notebook again.",
        )
    else:
        between = f"from {words.between(whole['first'], whole['last'])} UTC"
        said = (
            "No execution of a workflow is in the window that was asked for.",
            f"The store has {opening.told_sources(whole['sources'])}, {between}: widen the window.",
        )
    return Page(title=TITLE, headline=said, basis=(f"Store: `{store.path}`",))


def _headline(seen: _Seen, by_workflow: pd.DataFrame, money: pd.DataFrame) -> tuple[str, ...]:
    f = seen.figures
    ended = f["executions"] - f["running"]
    rate = "" if f["success_rate"] is None else f", **{words.share(f['success_rate'])} of them well**"
    lines = [f"{words.of(ended, 'execution')} of {words.of(f['workflows'], 'workflow')} ended{rate}."]
    if f["running"]:
        verb = "is" if f["running"] == 1 else "are"
        lines.append(f"{words.count(f['running'])} {verb} still running.")
    total = float(money["total_usd"].sum())
    per = total / f["executions"]
    lines.append(f"On AWS Step Functions they would cost {words.usd(total)}, {words.usd(per)} each.")
    timed = [row for row in words.rows(by_workflow) if row["p50_ms"] is not None]
    if timed:
        slow = max(timed, key=lambda row: row["p50_ms"])
        lines.append(
            f"`{slow['workflow']}` takes longest: {words.ms(slow['p50_ms'])} in the middle, "
            f"{words.ms(slow['p95_ms'])} or more in one of twenty."
        )
    return tuple(lines)


def _basis(seen: _Seen) -> tuple[str, ...]:
    f = seen.figures
    told = f"{words.between(f['first'], f['last'])} UTC"
    lines = [f"{opening.told_sources(f['sources'])} · {words.of(f['workflows'], 'workflow')} · {told}"]
    if f["children"]:
        lines.append(
            f"{words.of(f['children'], 'execution')} more are children of distributed Maps: they count in "
            "the states and the costs."
        )
    if f["aborted"]:
        lines.append(f"{words.count(f['aborted'])} were stopped; they are not in the rate of success.")
    return tuple(lines)


def _workflows(df: pd.DataFrame) -> Section:
    table = Table(
        df=df,
        columns={
            "workflow": ("workflow", words.text),
            "executions": ("executions", words.count),
            "success_rate": ("ended well", words.share),
            "p50_ms": ("median", words.ms),
            "p95_ms": ("95 %", words.ms),
            "max_ms": ("longest", words.ms),
            "states": ("states", words.count),
            "retries": ("retries", words.count),
            "running": ("running", words.count),
            "last": ("last (UTC)", words.instant),
        },
    )
    return Section(title="Workflow by workflow", parts=(table,))


def _over_time(seen: _Seen) -> Section | None:
    bucket = opening.bucket_of(seen.figures["first"], seen.figures["last"])
    df = ask.over_time(seen.run, seen.window, bucket)
    if len(df) < 2:
        return None
    figure, (counts, took) = figures.canvas(2, height=3.9, ratios=(1, 1.4))
    width = opening.width(bucket)
    layers = [
        ("succeeded", list(df["succeeded"]), figures.GREEN),
        ("failed", list(df["failed"]), figures.RED),
        ("running or stopped", list(df["other"]), figures.GREY),
    ]
    layers = [layer for layer in layers if any(layer[1])]  # a legend of what there is
    figures.bars_over_time(counts, list(df["bucket"]), layers, width)
    counts.set_ylabel("executions")
    figures.count_axis(counts.yaxis)
    middle = df["bucket"] + width / 2
    took.plot(middle, df["p95_ms"], color=figures.ORANGE, linewidth=1.8, marker=".", label="95 %")
    took.plot(middle, df["p50_ms"], color=figures.BLUE, linewidth=1.8, marker=".", label="median")
    if df["p50_ms"].notna().any():
        figures.milliseconds(took.yaxis, took)
    took.set_ylabel("took no longer than")
    figures.time_axis(took)
    figures.above(counts, 3)
    figures.legend(took)
    each = bucket.removeprefix("1 ")
    failed, whole = int(df["failed"].sum()), int(df[["succeeded", "failed", "other"]].to_numpy().sum())
    text = (
        f"Executions per {each}, by how they ended, and how long they took: {words.count(failed)} of "
        f"{words.count(whole)} failed."
    )
    return Section(
        title="Over time",
        parts=(text, Plot(figure=figure, title="How executions ended, and how long they took", alt=text)),
    )


def _states(df: pd.DataFrame) -> Section | None:
    timed = df[(df["left"] > 0) & (df["total_ms"] > 0)]
    if timed.empty:
        return None
    shown = words.rows(timed.head(_SHOWN))
    several = len(set(df["workflow"])) > 1
    names = [f"{row['workflow']} · {row['state']}" if several else str(row["state"]) for row in shown]
    figure = figures.side_bars(
        names,
        [("in all", [row["total_ms"] / 1_000 for row in shown], figures.BLUE)],
        [f"{words.ms(row['p50_ms'])} × {words.count(row['left'])}" for row in shown],
        unit="seconds in all",
        write=words.count,
    )
    alt = "Time by state: " + "; ".join(
        f"{name} {words.ms(row['total_ms'])}" for name, row in zip(names, shown, strict=True)
    )
    table = Table(
        df=df,
        columns={
            **({"workflow": ("workflow", words.text)} if several else {}),
            "state": ("state", words.text),
            "type": ("type", words.text),
            "visits": ("entered", words.count),
            "p50_ms": ("median", words.ms),
            "p95_ms": ("95 %", words.ms),
            "max_ms": ("longest", words.ms),
            "total_ms": ("in all", words.ms),
            "failures": ("failures", words.count),
            "retries": ("retries", words.count),
        },
        caption="What runs within a Map or Parallel counts in that state as well as in its own.",
        limit=20,
    )
    return Section(
        title="Where the time goes",
        parts=(Plot(figure=figure, title="How long all executions were in each state", alt=alt), table),
    )


def _retries(states: pd.DataFrame) -> Section | None:
    df = states[(states["retries"] > 0)].copy()
    if df.empty:
        return None
    df["per_visit"] = df["retries"] / df["visits"]
    df = df.sort_values(["retries"], ascending=False, kind="stable")
    table = Table(
        df=df,
        columns={
            "workflow": ("workflow", words.text),
            "state": ("state", words.text),
            "visits": ("entered", words.count),
            "retries": ("retries", words.count),
            "per_visit": ("for each time", words.amount),
            "failures": ("failed attempts", words.count),
        },
        caption="Each retry is a state transition of its own on the bill, and its wait is in the duration.",
    )
    return Section(title="Retries", parts=(table,))


def _failures(errors: pd.DataFrame) -> Section | None:
    if errors.empty:
        return None
    table = Table(
        df=errors.assign(cause=errors["cause"].map(cause_line, na_action="ignore")),
        columns={
            "workflow": ("workflow", words.text),
            "error": ("error", words.text),
            "count": ("count", words.count),
            "share": ("of its executions", words.share),
            "state": ("in the state", words.text),
            "last": ("last (UTC)", words.instant),
            "cause": ("the latest said", words.clipped),
        },
    )
    return Section(title="What failed", parts=(table,))


# -- money


def _money(seen: _Seen, *, free_tier: bool, prices: str) -> pd.DataFrame:
    """A row a workflow and region: its use, and what it costs: transitions_usd, requests_usd, duration_usd,
    total_usd, each_usd.
    """  # noqa: D205
    import pandas as pd

    usage = words.rows(ask.usage(seen.run, seen.window))
    used = [usage_of(row) for row in usage]
    bills = bill(used, read_workflows(prices), free_tier=free_tier)
    rows = [{**row, **_split(one, row["executions"])} for row, one in zip(usage, bills, strict=True)]
    return pd.DataFrame(rows).sort_values("total_usd", ascending=False, ignore_index=True)


def _split(one: WorkflowCost, executions: int) -> dict[str, float | None]:
    return {
        "transitions_usd": float(one.transitions),
        "requests_usd": float(one.requests),
        "duration_usd": float(one.duration),
        "total_usd": float(one.total),
        # Children alone are in the window where their parent began before it.
        "each_usd": float(one.total) / executions if executions else None,
    }


def _cost(money: pd.DataFrame, prices: str) -> Section:
    listed = read_workflows(prices)
    df = money.assign(million_usd=money["each_usd"] * 1_000_000)
    table = Table(
        df=df,
        columns={
            "workflow": ("workflow", words.text),
            "executions": ("executions", words.count),
            "transitions": ("transitions", words.count),
            "transitions_usd": ("for them", words.usd),
            "express_requests": ("Express", words.count),
            "duration_usd": ("for their duration", words.usd),
            "total_usd": ("in all", words.usd),
            "each_usd": ("an execution", words.usd),
            "million_usd": ("a million", words.usd),
        },
        caption=f"Prices as of {listed.as_of}; functions and services that are called have their own bill.",
    )
    return Section(title="What they cost", parts=(table,))


def _slowest(df: pd.DataFrame) -> Section | None:
    if df.empty:
        return None
    table = Table(
        df=df,
        columns={
            "name": ("execution", words.text),
            "workflow": ("workflow", words.text),
            "status": ("ended", words.text),
            "started_at": ("started (UTC)", words.instant),
            "duration_ms": ("took", words.ms),
            "retries": ("retries", words.count),
        },
        caption="`%faas timeline NAME` shows one of them state by state."
        + (" How long one lay failed until it was redriven is not in it." if df["lay_ms"].any() else ""),
    )
    return Section(title="The slowest executions", parts=(table,))


_REMEDY = {
    "Wait": "it only waits. Is all of that needed?",
    "Map": "what its items wait for is their turn. A higher MaxConcurrency, or larger batches, may help.",
}


_WORKING = frozenset({"Task", "Wait", "Map", "Parallel"})


def _change(
    states: pd.DataFrame, paths: pd.DataFrame, errors: pd.DataFrame, money: pd.DataFrame
) -> Section | None:
    kinds = {(row["workflow"], row["state"]): row["type"] for row in words.rows(states)}
    several = paths[paths["workflow"].map(paths["workflow"].value_counts()) > 1]  # one state is all there is
    working = Counter(workflow for (workflow, _), kind in kinds.items() if kind in _WORKING)
    longest = words.rows(several.sort_values("share", ascending=False).head(3))
    items = [
        f"**`{row['state']}` is {words.share(row['share'])} of what `{row['workflow']}` takes**, "
        f"{words.ms(row['mean_ms'])} of each execution that ended well: "
        + _REMEDY.get(
            str(kinds.get((row["workflow"], row["state"]))),
            "start with that one." if working[row["workflow"]] > 1 else "nothing else in it takes its time.",
        )
        for row in longest
        if row["share"] >= _MATTERS
    ]
    retried = words.rows(states[states["retries"] > 0].sort_values("retries", ascending=False).head(1))
    items += [
        f"**`{row['state']}` was tried again {words.of(row['retries'], 'time')}** in "
        f"{words.of(row['visits'], 'visit')}: each costs a transition and its wait."
        for row in retried
        if row["retries"] >= row["visits"] / _MANY
    ]
    if len(errors) == 1 or (len(errors) and errors["count"].iloc[0] > 1):
        row = words.rows(errors)[0]
        where = f" in `{row['state']}`" if row["state"] else ""
        items.append(
            f"**The most frequent failure** is {row['error'] or 'an error without a name'}{where} of "
            f"`{row['workflow']}`: {words.of(row['count'], 'time')}, in {words.share(row['share'])} of its "
            "executions."
        )
    items += [
        f"**`{row['workflow']}` makes {words.amount(row['transitions'] / row['executions'])} transitions an "
        "execution.** As an Express workflow it is billed by its duration instead, if it ends within 5 min "
        "and may run twice."
        for row in words.rows(money)
        if row["executions"] >= _MANY and row["transitions"] >= _MANY * row["executions"]
    ]
    return Section(title="What you could change", parts=(Points(items=tuple(items)),)) if items else None
