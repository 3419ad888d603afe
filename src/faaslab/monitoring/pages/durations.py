"""The page on durations: percentiles, their course, what the slowest have in common, memory, failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.model.execution import CANCELLED
from faaslab.monitoring import savings
from faaslab.monitoring.pages import duration_curves, figures, opening, words
from faaslab.monitoring.pages.page import Page, Plot, Points, Section, Table
from faaslab.store.questions import durations as ask
from faaslab.store.questions import overview

if TYPE_CHECKING:
    import pandas as pd

    from faaslab.monitoring.pages.opening import Opening
    from faaslab.store import Store

TITLE = "Durations"
_POINTS = (*(step / 100 for step in range(100)), 0.995, 0.998, 0.999)
_SHOWN = 6
_NAMED = 4
"""So many functions that have no curve are named; more are counted."""
_TAIL = 0.99
_TIGHT = 0.1
"""Less head-room than this (0 to 1) is tight."""
_FEW = 100
"""With fewer executions than this the slowest hundredth is one or two, and says nothing of causes."""


def page(store: Store, **parameters: Any) -> Page:
    """The page over a store. Parameters: since, until, functions, regions, sources (`opening.begin`)."""
    start = opening.begin(store, **parameters)
    f = start.figures
    if not start.invocations:
        return opening.nothing(TITLE, start, store)
    errors = overview.errors(start.run, start.window)
    failures = _failures(start, errors)
    if not f["with_duration"]:
        headline = (
            f"Of {words.of(start.invocations, 'invocation')} none tells how long it took.",
            "Logs tell it in their REPORT lines (or `platform.report` events): import those as well.",
        )
        shown = {"failures": failures} if failures else {}
        return Page(title=TITLE, headline=headline, basis=start.basis(), sections=shown)
    percentiles = ask.percentiles(start.run, start.window, ("function",))
    causes = ask.tail_causes(start.run, start.window, beyond=_TAIL) if f["with_duration"] >= _FEW else None
    memory = ask.memory(start.run, start.window)
    sections = {
        "change": _change(percentiles, causes, memory, errors),
        "percentiles": _percentiles(start, percentiles),
        "over_time": duration_curves.over_time(start),
        "by_function": duration_curves.by_function(start, [str(name) for name in percentiles["function"]]),
        "tail": _tail(causes),
        "memory": _memory(memory),
        "failures": failures,
    }
    return Page(
        title=TITLE,
        headline=_headline(start, percentiles),
        basis=_basis(start),
        sections={name: section for name, section in sections.items() if section is not None},
    )


def _headline(start: Opening, percentiles: pd.DataFrame) -> tuple[str, ...]:
    f = start.figures
    (whole,) = words.rows(ask.percentiles(start.run, start.window, ()))
    lines = [
        (
            f"**Half of {words.of(f['with_duration'], 'invocation')} took {words.ms(whole['p50_ms'])} "
            "or less**, "
            f"95 % no more than {words.ms(whole['p95_ms'])}, 99 % no more than {words.ms(whole['p99_ms'])}."
        ),
    ]
    rows = words.rows(percentiles)
    if len(rows) > 1 and whole["hours"]:
        top = rows[0]
        wide = max(rows, key=lambda row: row["p99_ms"] / max(row["p50_ms"], 0.1))
        text = (
            f"`{top['function']}` is where the time goes: {words.share(top['hours'] / whole['hours'])} of "
            f"{words.span(whole['hours'] * 3600)}."
        )
        ratio = wide["p99_ms"] / max(wide["p50_ms"], 0.1)
        if ratio >= 3:
            text += (
                f" `{wide['function']}` varies most: its slowest hundredth takes {words.times(ratio)} "
                "its median "
                "or longer."
            )
        lines.append(text)
    failed = f["failed"] + f["timeouts"]
    if failed:
        text = f"{words.share(failed / start.invocations)} failed ({words.count(failed)})"
        if f["timeouts"]:
            text += f", {words.count(f['timeouts'])} of them by running into the timeout"
        if f["cancelled"]:
            text += f", {words.count(f['cancelled'])} of them because somebody cancelled"
        lines.append(text + ".")
    else:
        lines.append("Nothing failed.")
    return tuple(lines)


def _basis(start: Opening) -> tuple[str, ...]:
    unknown = start.invocations - start.figures["with_duration"]
    said = (
        [f"Of {words.of(unknown, 'invocation')} the duration is not known; the percentiles leave them out."]
        if unknown
        else []
    )
    return (*start.basis(), "Durations are of the handler; inits are on the page on cold starts.", *said)


def _percentiles(start: Opening, percentiles: pd.DataFrame) -> Section:
    df = ask.curve(start.run, start.window, _POINTS)
    curves = []
    for name, group in df.groupby("function", sort=False):
        # A point of the tail needs that many executions to stand on.
        carried = group[(group["quantile"] <= 1 - 1 / group["invocations"]) & (group["duration_ms"] > 0)]
        if len(carried) > 1:
            curves.append((str(name), list(carried["quantile"]), list(carried["duration_ms"])))
    parts: list[Any] = []
    if curves:
        drawn = {name for name, _, _ in curves[:_SHOWN]}
        left = [f"`{name}`" for name in percentiles["function"] if name not in drawn]
        if left:
            parts.append(_not_drawn(left, len(drawn)))
        alt = "How long executions took, per function, from the fastest to the slowest."
        parts.append(
            Plot(
                figure=figures.quantile_curves(curves[:_SHOWN], start.looks, unit="took no longer than"),
                title="How long executions took, from the fastest to the slowest",
                alt=alt,
            )
        )
    table = Table(
        df=percentiles,
        columns={
            "function": ("function", words.text),
            "invocations": ("invocations", words.count),
            "p50_ms": ("median", words.ms),
            "p90_ms": ("90 %", words.ms),
            "p95_ms": ("95 %", words.ms),
            "p99_ms": ("99 %", words.ms),
            "max_ms": ("longest", words.ms),
            "timeout_s": ("timeout", words.span),
            "hours": ("in all", lambda hours: words.span(hours * 3600)),
        },
    )
    return Section(title="How long they take", parts=(*parts, table))


def _not_drawn(left: list[str], drawn: int) -> str:
    """Which functions have no curve in the figure: those that are called rarely, or run least in all."""
    many = len(left) > _NAMED
    whose = words.of(len(left), "function") if many else words.listed(left)
    have = "has" if len(left) == 1 else "have"
    shown = "it" if len(left) == 1 else "them"
    drawn_of = f"The figure has the {drawn} that run longest in all" if drawn > 1 else "The figure has one"
    return f"{drawn_of}; {whose} {have} no curve in it, and the table has {shown}."


def _cause_words(cause: str) -> str:
    return "none of these" if cause == "none" else ask.TAIL_CAUSES[cause][0]


def _tail(causes: pd.DataFrame | None) -> Section | None:
    if causes is None or causes.empty:
        return None
    df = causes.assign(words=[_cause_words(cause) for cause in causes["cause"]])
    df = df.sort_values(["slow"], ascending=False, kind="stable")
    slow = int(df["slow_all"].iloc[0])
    shown = words.rows(df[df["cause"] != "none"])
    parts: list[Any] = [
        (
            f"The slowest hundredth of each function's executions ({words.count(slow)} in all; the init "
            "counts), "
            "and what they have about them that the others have not. An execution may show several."
        )
    ]
    if shown:
        parts.append(
            Plot(
                figure=_tail_figure(shown),
                title="How often that is so of the slowest, and of the others",
                alt="; ".join(
                    f"{row['words']}: {words.share(row['slow_share'])} of the slowest, "
                    f"{words.share(row['rest_share'])} of the others"
                    for row in shown
                ),
            )
        )
    table = Table(
        df=df,
        columns={
            "words": ("the execution", words.text),
            "slow": ("of the slowest", words.count),
            "slow_share": ("share", words.share),
            "rest_share": ("of the others", words.share),
            "likelier": ("times as often", words.times),
            "median_wait_ms": ("median wait", words.ms),
        },
    )
    return Section(title="What the slowest have in common", parts=(*parts, table))


def _tail_figure(rows: list[dict[str, Any]]) -> Any:
    figure, (axes,) = figures.canvas(height=0.95 + 0.36 * len(rows))
    axes.grid(visible=False)
    axes.grid(axis="x", color=figures.GRID, linewidth=0.7)
    for place, row in enumerate(rows):
        axes.plot([row["rest_share"], row["slow_share"]], [place, place], color=figures.GRID, linewidth=2.5)
    places = range(len(rows))
    axes.scatter([row["rest_share"] for row in rows], places, s=42, color=figures.GREY, label="of the others")
    axes.scatter([row["slow_share"] for row in rows], places, s=58, color=figures.RED, label="of the slowest")
    axes.set_yticks(list(places), [row["words"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(left=-0.01)
    figures.percent_axis(axes.xaxis)
    axes.set_xlabel("share of the executions")
    figures.above(axes, 2)
    return figure


def _memory(memory: pd.DataFrame) -> Section | None:
    if memory.empty:
        return None
    rows = words.rows(memory.head(10))
    figure, (axes,) = figures.canvas(height=0.95 + 0.36 * len(rows))
    axes.grid(visible=False)
    axes.grid(axis="x", color=figures.GRID, linewidth=0.7)
    places = list(range(len(rows)))
    axes.barh(
        places,
        [row["memory_mb"] for row in rows],
        color=figures.GREY,
        alpha=0.4,
        height=0.62,
        label="configured",
    )
    axes.barh(
        places,
        [row["used_max_mb"] for row in rows],
        color=figures.BLUE,
        height=0.62,
        label="used at most (line: at the median)",
    )
    middle = [row["used_p50_mb"] for row in rows]
    axes.scatter(middle, places, marker="|", s=170, linewidth=2, color="white")
    several = memory.duplicated("function", keep=False)
    names = [
        f"{row['function']} at {words.mb(row['memory_mb'])}" if twice else str(row["function"])
        for row, twice in zip(rows, several, strict=False)
    ]
    axes.set_yticks(places, [figures.short(name) for name in names])
    axes.invert_yaxis()
    axes.set_xlabel("MB")
    figures.count_axis(axes.xaxis)
    figures.above(axes, 2)
    df = memory.copy()
    df["proposed_mb"] = [_proposed(row) for row in words.rows(memory)]
    table = Table(
        df=df,
        columns={
            "function": ("function", words.text),
            "memory_mb": ("configured", words.mb),
            "invocations": ("invocations", words.count),
            "used_p50_mb": ("used, median", words.mb),
            "used_p99_mb": ("99 %", words.mb),
            "used_max_mb": ("at most", words.mb),
            "head_room": ("head-room", words.share),
            "proposed_mb": ("would hold", words.mb),
        },
        caption=(
            "What would hold: the most that was ever used and a quarter more, where that is another size. "
            "Less memory also means less CPU on "
            "Lambda, so time it before you keep it."
        ),
    )
    alt = "Memory configured and used at most: " + "; ".join(
        f"{name} {words.mb(row['memory_mb'])}, {words.mb(row['used_max_mb'])}"
        for name, row in zip(names, rows, strict=True)
    )
    return Section(
        title="Memory head-room",
        parts=(Plot(figure=figure, title="Memory configured, and used at most", alt=alt), table),
    )


def _proposed(row: dict[str, Any]) -> float:
    """The size that would hold: a smaller one, or a larger one where it is tight; else there is none."""
    size = savings.proposed_memory(row["used_max_mb"])
    fits = size < row["memory_mb"] or row["head_room"] < _TIGHT
    return (
        size if fits and row["invocations"] >= savings.ENOUGH and not row["out_of_memory"] else float("nan")
    )


def _failures(start: Opening, errors: pd.DataFrame) -> Section | None:
    if errors.empty:
        return None
    calls = start.invocations + start.figures["throttled"]
    types = words.rows(overview.error_types(start.run, start.window))
    said = [f"{row['error_type']} {words.count(row['count'])}" for row in types[:4]]
    if len(types) > 4:
        said.append(f"{words.count(sum(row['count'] for row in types[4:]))} of other kinds")
    text = f"Of {words.of(calls, 'call')}: {words.listed(said)}."
    if start.figures["cancelled"]:
        text += f" `{CANCELLED}` is what somebody ended: there is nothing to repair."
    table = Table(
        df=errors,
        columns={
            "function": ("function", words.text),
            "error_type": ("error", words.text),
            "status": ("status", words.text),
            "count": ("count", words.count),
            "share": ("of its calls", words.share),
            "last": ("last (UTC)", words.instant),
            "message": ("the latest said", words.text),
        },
    )
    return Section(title="What failed", parts=(text, table))


def _change(
    percentiles: pd.DataFrame, causes: pd.DataFrame | None, memory: pd.DataFrame, errors: pd.DataFrame
) -> Section | None:
    items = []
    if causes is not None:
        by = {row["cause"]: row for row in words.rows(causes)}
        cold, payload = by.get("cold"), by.get("payload")
        if cold and cold["slow_share"] >= 0.2:
            items.append(
                f"**Cold starts make the tail.** {words.share(cold['slow_share'])} of the slowest "
                "hundredth started "
                f"cold, of the others {words.share(cold['rest_share'])}: the page on cold starts has "
                "what to do."
            )
        if payload and payload["slow_share"] >= 0.2 and (payload["likelier"] or 0) >= 1.5:
            items.append(
                f"**Large payloads.** {words.share(payload['slow_share'])} of the slowest had one of their "
                f"function's largest payloads ({words.times(payload['likelier'])} as often as the "
                "others): smaller "
                "batches, or work that is split up."
            )
    items += _timeout_items(percentiles, errors)
    items += _memory_items(memory)
    top = next((row for row in words.rows(errors) if row["error_type"] != CANCELLED), None)
    if top is not None:
        items.append(
            f"**The most frequent failure** is {top['error_type']} in `{top['function']}`: "
            f"{words.of(top['count'], 'time')}, {words.share(top['share'])} of its calls."
        )
    return Section(title="What you could change", parts=(Points(items=tuple(items)),)) if items else None


def _timeout_items(percentiles: pd.DataFrame, errors: pd.DataFrame) -> list[str]:
    ran_into = {row["function"]: row["count"] for row in words.rows(errors) if row["status"] == "timeout"}
    for row in words.rows(percentiles):
        if not row["timeout_s"] or row["p99_ms"] >= 800 * row["timeout_s"]:
            continue
        limit = words.span(row["timeout_s"])
        if row["function"] in ran_into:
            return [
                (
                    f"**Timeouts.** `{row['function']}` ran into its timeout of {limit} "
                    f"{words.of(ran_into[row['function']], 'time')}, though 99 % take no more than "
                    f"{words.ms(row['p99_ms'])}: those few wait for something that does not answer."
                )
            ]
        if row["max_ms"] >= 800 * row["timeout_s"]:
            return [
                (
                    f"**Timeouts are near.** The longest run of `{row['function']}` took "
                    f"{words.ms(row['max_ms'])} of "
                    f"the {limit} it has; 99 % take no more than {words.ms(row['p99_ms'])}."
                )
            ]
    return []


def _memory_items(memory: pd.DataFrame) -> list[str]:
    # What a function had before its latest size is past changing.
    latest = memory.sort_values("last").drop_duplicates("function", keep="last").sort_values("gb_seconds")
    rows = [row for row in reversed(words.rows(latest)) if row["invocations"] >= savings.ENOUGH]
    items = []
    tight = [row for row in rows if row["head_room"] < _TIGHT or row["out_of_memory"]]
    if tight:
        row = min(tight, key=lambda row: (-row["out_of_memory"], float(row["head_room"])))
        used = f"`{row['function']}` used {words.mb(row['used_max_mb'])} of {words.mb(row['memory_mb'])}"
        if row["out_of_memory"]:
            items.append(
                f"**Out of memory.** {used}, and {words.of(row['out_of_memory'], 'execution')} died of it. "
                "How much they wanted nobody saw: raise the memory until none dies, then look here again."
            )
        else:
            would_hold = words.mb(savings.proposed_memory(row["used_max_mb"]))
            items.append(f"**Memory is tight.** {used}: {would_hold} would hold.")
    roomy = [
        row
        for row in rows
        if not row["out_of_memory"] and savings.proposed_memory(row["used_max_mb"]) <= 0.5 * row["memory_mb"]
    ]
    if roomy:
        row = roomy[0]
        items.append(
            f"**Memory to spare.** `{row['function']}` never used more than "
            f"{words.mb(row['used_max_mb'])} of "
            f"{words.mb(row['memory_mb'])}: {words.mb(savings.proposed_memory(row['used_max_mb']))} "
            "would hold, if "
            "less CPU does not make it slower. The page on costs has what that saves."
        )
    return items
