"""The page on cold starts: how often, when, why, what they take and cost, and what would change that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.events.schedule import zone_of
from faaslab.monitoring import cost, keep_alive
from faaslab.monitoring.pages import figures, heat_map, opening, what_came_before, words
from faaslab.monitoring.pages.page import Page, Plot, Points, Section, Table
from faaslab.monitoring.prices import read
from faaslab.store.questions import cold_starts as ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from faaslab.monitoring.cost import PriceTable
    from faaslab.monitoring.pages.opening import Opening
    from faaslab.store import Store

TITLE = "Cold starts"
KEEP_ALIVES_S = (300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
_POINTS = (*(step / 100 for step in range(100)), 0.995, 0.999)
_ROUGH = 30
"""With fewer cold starts than this the page says that its rates are rough."""
_SHOWN = 8


def page(store: Store, *, tz: str = "UTC", keep_alive_s: float | None = None, **parameters: Any) -> Page:
    """The page over a store; `tz` is the time zone that hours of the day and weekdays are of.

    `keep_alive_s` says for how long idle local environments are kept (`lab.monitoring.keep_alive_s`; no
    record tells how long they were): one that was replaced sooner had ended with its process.

    The other parameters: since, until, functions, regions, sources (`opening.begin`).
    """
    zone_of(tz)
    start = opening.begin(store, **parameters)
    if not start.invocations:
        return opening.nothing(TITLE, start, store)
    f = start.figures
    if not f["cold_known"]:
        return Page(
            title=TITLE,
            headline=(
                f"Of {words.of(start.invocations, 'invocation')} none says whether it started cold.",
                "Logs tell it in their REPORT lines (or `platform.report` events): import those as well.",
            ),
            basis=start.basis(),
        )
    rates = ask.rates(start.run, start.window, ("function",))
    split = _split(start, read())
    if not f["cold_starts"]:
        known = words.of(f["cold_known"], "invocation")
        return Page(
            title=TITLE,
            headline=(f"None of {known} started cold: every environment was warm.",),
            basis=start.basis(),
        )
    why = what_came_before.find(start, keep_alive_s)
    sections = {
        "change": _change(start, rates, split, why),
        "functions": _functions(rates),
        "over_time": _over_time(start),
        "week": heat_map.section(start, tz),
        "inits": _inits(start, split),
        "versions": _versions(start),
        "reasons": what_came_before.section(why),
    }
    return Page(
        title=TITLE,
        headline=_headline(start, rates, split),
        basis=_basis(start),
        sections={name: section for name, section in sections.items() if section is not None},
    )


def _headline(start: Opening, rates: pd.DataFrame, split: pd.DataFrame) -> tuple[str, ...]:
    f = start.figures
    all_of_it = ask.rates(start.run, start.window, ()).iloc[0]
    calls = words.of(f["cold_known"], "invocation")
    every = f["cold_starts"] == f["cold_known"] > 1
    part = f"All {calls}" if every else f"{words.share(f['cold_starts'] / f['cold_known'])} of {calls}"
    first = f"**{part} started cold**"
    if words.known(all_of_it["init_p50_ms"]):
        first += (
            f"; a cold start made its caller wait {words.ms(all_of_it['init_p50_ms'])} longer at the median, "
            f"{words.ms(all_of_it['init_p95_ms'])} in the worst twentieth."
        )
    else:
        first += f": {words.of(f['cold_starts'], 'cold start')}."
    lines = [first]
    hours = split["init_hours"].sum()
    if len(rates) > 1 and hours:
        by = split.groupby("function")["init_hours"].sum().sort_values(ascending=False)
        most = rates.iloc[0]
        waiting = (
            f"{words.share(by.iloc[0] / hours)} of the {words.span(hours * 3600)} that inits took in all."
        )
        has = (
            f"`{most['function']}` has the most of them ({words.count(most['cold_starts'])}, "
            f"{words.share(most['rate'])} of its calls)"
        )
        same = most["function"] == by.index[0]
        lines.append(
            f"{has} and the most waiting: {waiting}"
            if same
            else f"{has}; `{by.index[0]}` has the most waiting: {waiting}"
        )
    return tuple(lines)


def _basis(start: Opening) -> tuple[str, ...]:
    f = start.figures
    lines = [*start.basis()]
    unknown = start.invocations - f["cold_known"]
    if unknown:
        lines.append(f"Of {words.of(unknown, 'invocation')} it is not known; rates leave them out.")
    if f["forked"]:
        lines.append(
            f"{words.of(f['forked'], 'cold start')} began as the fork of a local template (`--preload`): "
            "their inits are shorter than those of a new process, and say nothing about AWS "
            "(`start_method` tells them apart)."
        )
    if f["cold_starts"] < _ROUGH:
        lines.append(f"Only {words.of(f['cold_starts'], 'cold start')}: the rates below are rough.")
    return tuple(lines)


def _functions(rates: pd.DataFrame) -> Section:
    top = rates.head(_SHOWN)
    plot = Plot(
        figure=figures.side_bars(
            list(top["function"]),
            [("cold starts", list(top["cold_starts"]), figures.BLUE)],
            [
                f"{words.count(n)}   {words.share(rate)}"
                for n, rate in zip(top["cold_starts"], top["rate"], strict=True)
            ],
            unit="cold starts (and their share of the function's invocations)",
            write=words.count,
        ),
        title="Cold starts per function",
        alt="Cold starts per function: "
        + ", ".join(f"{row.function} {row.cold_starts}" for row in top.itertuples()),
    )
    table = Table(
        df=rates,
        columns={
            "function": ("function", words.text),
            "invocations": ("invocations", words.count),
            "cold_starts": ("cold starts", words.count),
            "rate": ("rate", words.share),
            "init_p50_ms": ("init, median", words.ms),
            "init_p95_ms": ("init, 95 %", words.ms),
        },
    )
    return Section(title="Which functions start cold", parts=(plot, table))


def _over_time(start: Opening) -> Section | None:
    df = ask.rate_over_time(start.run, start.window, start.bucket)
    if len(df) < 2:
        return None
    figure, (rate, calls) = figures.canvas(2, height=3.7, ratios=(2.2, 1))
    width = opening.width(start.bucket)
    figures.bars_over_time(rate, list(df["bucket"]), [("", list(df["rate"]), figures.BLUE)], width)
    rate.set_ylabel("started cold")
    figures.percent_axis(rate.yaxis)
    figures.bars_over_time(calls, list(df["bucket"]), [("", list(df["invocations"]), figures.GREY)], width)
    calls.set_ylabel("invocations")
    figures.count_axis(calls.yaxis)
    figures.time_axis(calls)
    busy = df[df["invocations"] >= max(df["invocations"].median() / 10, 1)]
    worst = max(words.rows(busy), key=lambda row: float(row["rate"]))
    each = start.bucket.removeprefix("1 ")
    text = (
        f"The rate was highest in the {each} from "
        f"{opening.at(start.bucket)(worst['bucket'])} UTC on: "
        f"{words.share(worst['rate'])} of {words.of(worst['invocations'], 'invocation')}."
        if df["rate"].min() < df["rate"].max()
        else f"The rate was the same throughout, per {each}."
    )
    parts: list[Any] = [
        text,
        Plot(
            figure=figure,
            title=f"Share that started cold, and invocations, per {each}",
            alt=f"Share of invocations that started cold, and invocations, per {each}.",
        ),
    ]
    return Section(title="When", parts=(*parts, _table_over_time(df, start.bucket)))


def _table_over_time(df: pd.DataFrame, bucket: str) -> Table:
    return Table(
        df=df,
        columns={
            "bucket": ("from (UTC)", opening.at(bucket)),
            "invocations": ("invocations", words.count),
            "cold_starts": ("cold starts", words.count),
            "rate": ("rate", words.share),
        },
        behind=f"The same as a table, per {bucket.removeprefix('1 ')}",
        limit=90,
    )


def _split(start: Opening, prices: PriceTable) -> pd.DataFrame:
    """`init_split` with `compute_usd`, `init_usd` and `init_usd_per` (a month or a million)."""
    df = ask.init_split(start.run, start.window)
    usages = [
        cost.Usage(
            gb_seconds=cost.exact(row["gb_seconds"]),
            requests=0,
            init_gb_seconds=cost.exact(row["init_gb_seconds"]),
            architecture=words.maybe(row["architecture"]),
            region=words.maybe(row["region"]),
        )
        for row in words.rows(df)
    ]
    bills = cost.bill(usages, prices)
    df["init_usd"] = [float(each.init) for each in bills]
    df["compute_usd"] = [float(each.total) for each in bills]
    df["init_usd_per"] = [float(each.init * start.factor) for each in bills]
    df["init_share"] = [float(each.init / each.total) if each.total else 0.0 for each in bills]
    return df


def _inits(start: Opening, split: pd.DataFrame) -> Section | None:
    if not split["with_init"].sum():
        return None
    curve = ask.init_curve(start.run, start.window, _POINTS)
    curves = []
    for name, group in curve.groupby("function", sort=False):
        # A point of the tail needs that many cold starts to stand on.
        carried = group[group["quantile"] <= 1 - 1 / group["cold_starts"]]
        if len(carried) > 1:
            curves.append((str(name), list(carried["quantile"]), list(carried["init_ms"])))
    parts: list[Any] = []
    billed, compute = split["init_usd"].sum(), split["compute_usd"].sum()
    if billed and compute:
        parts.append(
            f"Inits took {words.span(split['init_hours'].sum() * 3600)} in all. Billed by the GB-second they "
            f"are {words.usd(billed)}, {words.share(billed / compute)} of what these functions' "
            f"compute comes to ({words.usd(compute)})."
        )
    elif compute:
        parts.append("The bills of these executions leave their inits out (as Lambda's did before 2025-08).")
    if curves:
        parts.append(
            Plot(
                figure=figures.quantile_curves(curves[:6], start.looks, unit="init took"),
                title="How long inits took, from the fastest to the slowest",
                alt="How long inits took, per function, up to the slowest.",
            )
        )
    told_apart = [name for name in ("region", "architecture") if len(set(split[name].dropna())) > 1]
    table = Table(
        df=split.drop(columns=["init_p95_ms"]),
        columns={
            "function": ("function", words.text),
            **{name: (name, words.text) for name in told_apart},
            "cold_starts": ("cold starts", words.count),
            "init_p50_ms": ("init, median", words.ms),
            "init_share_of_latency": ("of a cold call's wait", words.share),
            "init_usd": ("inits billed", words.usd),
            "init_share": ("of its compute", words.share),
            "init_usd_per": (start.per, words.usd),
        },
        caption="List prices without the free tier.",
    )
    return Section(title="What inits take and cost", parts=(*parts, table))


def _versions(start: Opening) -> Section | None:
    by = ("function", "version", "definition", "memory_mb", "runtime", "architecture")
    df = ask.rates(start.run, start.window, by)
    several = df.groupby("function")["function"].transform("size") > 1
    df = df[several & (df["cold_starts"] > 0)].sort_values(["function", "version", "definition", "memory_mb"])
    if df.empty:
        return None
    found, told = [], False
    for name, group in df.groupby("function", sort=False):
        enough = group[group["cold_starts"] >= 10].dropna(subset=["init_p50_ms"])
        if len(enough) < 2:
            continue
        told = True
        ordered = sorted(words.rows(enough), key=lambda row: float(row["init_p50_ms"]))
        fast, slow = ordered[0], ordered[-1]
        less = 1 - fast["init_p50_ms"] / slow["init_p50_ms"]
        if less >= 0.1:
            found.append(
                f"`{name}` {_configured(fast, slow)} starts in {words.ms(fast['init_p50_ms'])}, "
                f"{_configured(slow, fast)} in {words.ms(slow['init_p50_ms'])}: {words.share(less)} less."
            )
    table = Table(
        df=df,
        columns={
            "function": ("function", words.text),
            "version": ("version", words.text),
            "definition": ("definition", words.count),
            "runtime": ("runtime", words.text),
            "memory_mb": ("memory", words.mb),
            "invocations": ("invocations", words.count),
            "cold_starts": ("cold starts", words.count),
            "rate": ("rate", words.share),
            "init_p50_ms": ("init, median", words.ms),
            "init_p95_ms": ("init, 95 %", words.ms),
        },
        limit=20,
    )
    none = "No configuration starts a tenth faster than another."
    few = "Too few cold starts (under 10 each) to say that one configuration starts faster than another."
    said = Points(items=tuple(found)) if found else none if told else few
    return Section(title="By definition and memory", parts=(said, table))


def _configured(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    parts = [
        word
        for name, word in (
            ("version", f"version {one['version']}"),
            ("definition", f"definition {words.count(one['definition'])}"),
            ("memory_mb", f"at {words.mb(one['memory_mb'])}"),
            ("runtime", f"on {one['runtime']}"),
            ("architecture", f"on {one['architecture']}"),
        )
        if str(one[name]) != str(other[name])
    ]
    return " ".join(parts)


def _kept_ready(start: Opening, counts: Mapping[str, Mapping[str, int]]) -> str:
    """What one environment kept ready costs, of the function that could use it most."""
    name = max(counts, key=lambda each: counts[each][keep_alive.IDLE])
    by = ("function", "memory_mb", "architecture", "region")
    rows = words.rows(ask.rates(start.run, start.window, by))
    row = next((row for row in rows if row["function"] == name and row["memory_mb"]), None)
    if row is None:
        return ""
    month = cost.provisioned(
        1,
        int(row["memory_mb"]),
        cost.HOURS_A_MONTH,
        read(),
        architecture=row["architecture"],
        region=row["region"],
    )
    return f" (one of `{name}`, kept ready all month, is {words.usd(month.kept)})"


def _change(
    start: Opening, rates: pd.DataFrame, split: pd.DataFrame, why: list[keep_alive.ColdStart]
) -> Section | None:
    cold_starts = start.figures["cold_starts"]
    items = []
    counts = keep_alive.counts(why)
    idle = sum(of[keep_alive.IDLE] for of in counts.values())
    if idle:
        half = next(
            (
                (kept, n)
                for kept, n in zip(KEEP_ALIVES_S, keep_alive.avoided(why, KEEP_ALIVES_S), strict=True)
                if n >= idle / 2
            ),
            None,
        )
        if half is not None:
            items.append(
                f"**Keep environments longer.** Kept for {words.span(half[0])}, those that had gone idle "
                f"would have avoided {words.count(half[1])} of {words.of(cold_starts, 'cold start')} "
                f"({words.share(half[1] / cold_starts)}). Locally that is the setting `keep_alive`; on "
                f"Lambda a scheduled call keeps one environment warm, and provisioned concurrency as many "
                f"as you pay for{_kept_ready(start, counts)}."
            )
    ended = sum(of[keep_alive.ENDED] for of in counts.values())
    if ended:
        items.append(
            f"**Processes that stay.** {words.of(ended, 'cold start')} came sooner than `keep_alive` ends an "
            "environment: the one before had ended with the process that started it, as each does that a "
            "command in a shell starts. No keep-alive changes these: a notebook or a program that stays open "
            "does, and for a shell `faaslab serve` (but for functions with secrets)."
        )
    busy = sum(of[keep_alive.BUSY] for of in counts.values())
    if busy:
        worst = max(counts, key=lambda name: counts[name][keep_alive.BUSY])
        items.append(
            f"**Peaks.** {words.of(busy, 'cold start')} came because every environment was busy, most in "
            f"`{worst}` ({words.count(counts[worst][keep_alive.BUSY])}). No keep-alive changes these: only "
            "shorter executions, calls spread out in time, or provisioned concurrency."
        )
    slow = split[(split["with_init"] >= 3) & (split["init_p50_ms"] >= 500)]
    if not slow.empty:
        row = max(words.rows(slow), key=lambda row: float(row["init_hours"]))
        items.append(
            f"**Start faster.** `{row['function']}` takes {words.ms(row['init_p50_ms'])} to start. Halved "
            "(imports that are put off until they are needed, a smaller package), its callers would wait "
            f"{words.span(row['init_hours'] * 1800)} less in this window, and its inits cost "
            f"{words.usd(row['init_usd_per'] / 2)} less {start.per}."
        )
    heavy = split[(split["with_init"] >= 3) & (split["init_share"] >= 0.3)]
    if not heavy.empty:
        row = max(words.rows(heavy), key=lambda row: float(row["init_usd"]))
        items.append(
            f"**Inits are much of the bill.** Of what `{row['function']}` computes, "
            f"{words.share(row['init_share'])} is paid "
            "for starting. The longer an environment lives, the less that weighs."
        )
    broken = sum(of[keep_alive.BROKEN] for of in counts.values())
    if broken:
        items.append(
            f"**Crashes.** {words.of(broken, 'cold start')} followed a crash or a timeout, which throws the "
            "environment away. The page on durations has the errors by type."
        )
    rare = rates[(rates["rate"] > 0.5) & (rates["invocations"] >= 5)]
    # Those that end with their process are not called too rarely.
    ends = {name for name, of in counts.items() if 2 * of[keep_alive.ENDED] >= sum(of.values())}
    rare = rare[~rare["function"].isin(ends)]
    if not rare.empty:
        names = words.listed([f"`{name}`" for name in rare["function"].head(4)])
        items.append(
            f"**Rarely called.** {names} start{'s' if len(rare) == 1 else ''} cold more often than not: what "
            "they do could move into a function that stays warm, if their callers care."
        )
    return Section(title="What you could change", parts=(Points(items=tuple(items)),)) if items else None
