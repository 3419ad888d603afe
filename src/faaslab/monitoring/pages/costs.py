"""The page on cost: what was spent by day and function, what a month of it comes to, what could be saved."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from faaslab.monitoring import cost, savings
from faaslab.monitoring.pages import cost_over_time, figures, opening, words
from faaslab.monitoring.pages.page import Page, Plot, Points, Section, Table
from faaslab.monitoring.pages.week_compared import usage as usage_of
from faaslab.monitoring.prices import read
from faaslab.store.questions import costs as ask
from faaslab.store.questions import durations

if TYPE_CHECKING:
    import pandas as pd

    from faaslab.monitoring.cost import CostBreakdown, PriceTable
    from faaslab.monitoring.pages.opening import Opening
    from faaslab.monitoring.savings import Saving
    from faaslab.store import Store

TITLE = "Costs"
_SHOWN = 8
_PARTS = ("duration", "init", "requests", "storage")
_COLOURS = (figures.BLUE, figures.ORANGE, figures.GREEN, figures.PURPLE)


def page(store: Store, *, free_tier: bool = False, prices: str = "aws-lambda", **parameters: Any) -> Page:
    """The page over a store. `free_tier` counts into the month; `prices` is a shipped table or a file.

    The other parameters: since, until, functions, regions, sources (`opening.begin`).
    """
    listed = read(prices)
    start = opening.begin(store, **parameters)
    workflows = sum(
        cost_over_time.spent_on_workflows(
            start.run, cost_over_time.workflow_window(start.window), "1 day"
        ).values()
    )
    if not start.invocations:
        return _only_workflows(start, store, workflows) if workflows else opening.nothing(TITLE, start, store)
    usage = words.rows(ask.usage(start.run, start.window, ("function",)))
    if not start.figures["with_bill"]:
        (requests,) = cost.bill([cost.Usage(gb_seconds=Decimal(0), requests=start.invocations)], listed)
        return Page(
            title=TITLE,
            headline=(
                (
                    f"What {words.of(start.invocations, 'invocation')} cost is not known: none tells "
                    "its billed "
                    "duration and memory."
                ),
                (
                    f"Their requests alone come to {words.usd(requests.requests)}. Logs tell the rest "
                    "in their REPORT "
                    "lines: import those as well."
                ),
            ),
            basis=start.basis(),
        )
    used = [usage_of(row) for row in usage]
    bills = cost.bill(used, listed)
    by_function = _by_function(usage, bills, listed, start)
    month = cost.total(cost.monthly(used, start.hours, listed))
    month_free = cost.total(cost.monthly(used, start.hours, listed, free_tier=True))
    found = savings.find(
        usage=usage,
        memory=words.rows(durations.memory(start.run, start.window)),
        sizes=words.rows(ask.memory_sizes(start.run, start.window)),
        factor=start.factor,
        prices=listed,
    )
    whole = cost.total(bills)
    scaled = float(whole.total * start.factor)
    sections = {
        "change": _change(start, found, scaled),
        "functions": _functions(by_function, whole, short=start.short),
        "over_time": cost_over_time.section(start, listed),
        # Of a few seconds no month can be made: then the headline is for a million invocations.
        "month": None if start.short else _month(start, month, month_free, free_tier=free_tier),
        "savings": _savings(start, found, scaled),
        "prices": _prices(listed, whole),
    }
    return Page(
        title=TITLE,
        headline=_headline(
            start, by_function, whole, month_free if free_tier else month, found, free_tier=free_tier
        )
        + _beside(workflows),
        basis=_basis(start, whole),
        sections={name: section for name, section in sections.items() if section is not None},
    )


def _beside(workflows: float) -> tuple[str, ...]:
    if not workflows:
        return ()
    spent = words.usd(workflows)
    return (f"Workflows come on top: {spent} on AWS Step Functions (the page on workflows has them apart).",)


def _only_workflows(start: Opening, store: Store, workflows: float) -> Page:
    spent = words.usd(workflows)
    return Page(
        title=TITLE,
        headline=(
            f"No function was invoked; what workflows did would cost **{spent}** on AWS Step Functions.",
            "The report `workflows` has them one by one.",
        ),
        basis=opening.nothing(TITLE, start, store).basis,
    )


def _money(bill: CostBreakdown) -> dict[str, float]:
    return {**{f"{part}_usd": float(getattr(bill, part)) for part in _PARTS}, "total_usd": float(bill.total)}


def _by_function(
    usage: list[dict[str, Any]], bills: list[CostBreakdown], prices: PriceTable, start: Opening
) -> pd.DataFrame:
    """A row per function, region and architecture: what it used, its money split, its share, a million calls'
    price, its month.
    """  # noqa: D205
    import pandas as pd

    whole = float(cost.total(bills).total)
    months = cost.monthly([usage_of(row) for row in usage], start.hours, prices)
    rows = []
    for row, bill, month in zip(usage, bills, months, strict=True):
        money = _money(bill)
        rows.append(
            {
                **row,
                **money,
                "share": money["total_usd"] / whole if whole else 0.0,
                "per_million_usd": money["total_usd"] / row["requests"] * 1e6,
                "month_usd": None if start.short else float(month.total),
            }
        )
    return pd.DataFrame(rows).sort_values("total_usd", ascending=False, ignore_index=True)


def _headline(
    start: Opening,
    by_function: pd.DataFrame,
    whole: CostBreakdown,
    month: CostBreakdown,
    found: list[Saving],
    *,
    free_tier: bool,
) -> tuple[str, ...]:
    billed = start.figures["sources"].startswith(("aws", "imported")) and ";" not in start.figures["sources"]
    verb = "cost" if billed else "would cost"
    on = "" if billed else " on AWS Lambda"
    tier = "with the free tier taken off" if free_tier else "without the free tier"
    if start.short:
        per_million = words.usd(float(whole.total * start.factor))
        pace = f"A million like them: **{per_million}**. {start.too_short}"
    else:
        pace = (
            f"A month like this is **{words.usd(month.total)}** {tier}: {words.span(start.hours * 3600)} "
            "stretched to 730 hours."
        )
    lines = [
        (
            f"**{words.of(start.invocations, 'invocation')} {verb} {words.usd(whole.total)}{on}** at "
            "list price. "
            f"{pace}"
        )
    ]
    top = by_function.iloc[0]
    pieces = [
        f"{words.share(float(getattr(whole, part) / whole.total))} is {name}"
        for part, name in (
            ("duration", "duration"),
            ("init", "inits"),
            ("requests", "requests"),
            ("storage", "storage in /tmp"),
        )
        if whole.total and getattr(whole, part)
    ]
    lines.append(
        f"{words.sentence(words.listed(pieces))}. `{top['function']}` takes {words.share(top['share'])} "
        "of it."
    )
    if found:
        best = found[0]
        lines.append(
            f"The largest saving found: {_said(best)}, **{'up to ' if best.at_most else ''}"
            f"{words.usd(best.usd)} {start.per}**."
        )
    return tuple(lines)


def _basis(start: Opening, whole: CostBreakdown) -> tuple[str, ...]:
    lines = [*start.basis()]
    unknown = start.invocations - start.figures["with_bill"]
    if unknown:
        lines.append(
            f"Of {words.of(unknown, 'invocation')} the billed duration or the memory is not known: they "
            "are in as "
            "requests only."
        )
    lines += [f"{words.sentence(note)}." for note in whole.notes]
    if start.figures["sources"].startswith("local"):
        lines.append("Local runs are priced as if Lambda had run them for as long as this machine did.")
    return tuple(lines)


def _functions(by_function: pd.DataFrame, whole: CostBreakdown, *, short: bool) -> Section:
    top = by_function.head(_SHOWN)
    several = by_function.duplicated("function").any()
    names = [
        f"{row['function']} ({row['region']}, {row['architecture']})" if several else str(row["function"])
        for row in words.rows(top)
    ]
    parts = [part for part in _PARTS if getattr(whole, part)]
    plot = Plot(
        figure=figures.side_bars(
            names,
            [
                (part, list(top[f"{part}_usd"]), colour)
                for part, colour in zip(_PARTS, _COLOURS, strict=True)
                if part in parts
            ],
            [
                f"{words.usd(money)}   {words.share(share)}"
                for money, share in zip(top["total_usd"], top["share"], strict=True)
            ],
            unit="US dollars in the window",
            write=words.usd,
        ),
        title="Cost per function, by what is paid for",
        alt="Cost per function: "
        + ", ".join(
            f"{name} {words.usd(money)}" for name, money in zip(names, top["total_usd"], strict=True)
        ),
    )
    columns: dict[str, tuple[str, Any]] = {"function": ("function", words.text)}
    for name in ("region", "architecture"):
        if len(set(by_function[name].dropna())) > 1:
            columns[name] = (name, words.text)
    split = Table(
        df=by_function,
        columns={**columns, **{f"{part}_usd": (part, words.usd) for part in parts}},
        behind="The parts as a table",
        limit=40,
    )
    columns |= {
        "requests": ("requests", words.count),
        "gb_seconds": ("GB-seconds", words.amount),
        "total_usd": ("total", words.usd),
        "share": ("share", words.share),
        "per_million_usd": ("per million", words.usd),
    }
    if not short:
        columns["month_usd"] = ("a month", words.usd)
    drawn = (
        (f"The {len(top)} dearest of {len(by_function)} are drawn.",) if len(by_function) > len(top) else ()
    )
    return Section(title="By function", parts=(*drawn, plot, Table(df=by_function, columns=columns), split))


def _month(start: Opening, month: CostBreakdown, free: CostBreakdown, *, free_tier: bool) -> Section:
    import pandas as pd

    df = pd.DataFrame(
        [
            {"what": "list price", **_money(month)},
            {"what": "free tier taken off (1 million requests, 400,000 GB-seconds)", **_money(free)},
        ]
    )
    text = (
        f"{words.span(start.hours * 3600)} of use, stretched to a month of 730 hours, through the price "
        "tiers of a month."
    )
    shown = "The headline has the free tier taken off." if free_tier else "The headline is at list price."
    table = Table(
        df=df,
        columns={
            "what": ("a month", words.text),
            **{f"{part}_usd": (part, words.usd) for part in _PARTS if getattr(month, part)},
            "total_usd": ("total", words.usd),
        },
        caption=f"{shown} The free tier is one for an account: other functions use it too.",
    )
    return Section(title="In a month", parts=(text, table))


def _said(saving: Saving) -> str:
    whose = f"`{saving.function}` " if saving.function else ""
    step = f"from {saving.change.replace(' → ', ' to ')}" if " → " in saving.change else saving.change
    return f"{whose}{step}"


def _change(start: Opening, found: list[Saving], scaled: float) -> Section | None:
    if not found:
        return None
    items = []
    for saving in _best_of_each(found):
        share = f" ({words.share(float(saving.usd) / scaled)} of the bill)" if scaled else ""
        items.append(
            f"**{words.sentence(saving.kind)}.** {_said(saving)}: "
            f"{'up to ' if saving.at_most else ''}"
            f"{words.usd(saving.usd)} less {start.per}{share}, {saving.caveat}."
        )
    return Section(title="What you could change", parts=(Points(items=tuple(items)),))


def _best_of_each(found: list[Saving]) -> list[Saving]:
    best: dict[str, Saving] = {}
    for saving in found:
        best.setdefault(saving.kind, saving)
    return list(best.values())


def _savings(start: Opening, found: list[Saving], scaled: float) -> Section | None:
    import pandas as pd

    if len(found) < 2:
        return None
    df = pd.DataFrame(
        [
            {
                "kind": each.kind,
                "function": each.function or "all on x86_64",
                "change": each.change,
                "usd": float(each.usd),
                "share": float(each.usd) / scaled if scaled else None,
                "rests_on": each.rests_on,
                "caveat": each.caveat,
            }
            for each in found
        ]
    )
    table = Table(
        df=df,
        columns={
            "kind": ("what", words.text),
            "function": ("function", words.text),
            "change": ("change", words.text),
            "usd": (start.per, words.usd),
            "share": ("of the bill", words.share),
            "rests_on": ("rests on", words.text),
        },
        caption="At list price. They overlap, so do not add them up. A bound is the most that it can be.",
    )
    return Section(title="All savings found", parts=(table,))


def _prices(prices: PriceTable, whole: CostBreakdown) -> Section:
    region = prices.of(None)
    items = [
        (
            f"{prices.name}, as of {prices.as_of}, in {prices.currency}. In {region.region} a GB-second is "
            f"${region.gb_second('x86_64'):f} on x86_64 and ${region.gb_second('arm64'):f} on arm64 in "
            "the first tier, "
            f"a million requests {words.usd(region.request * 1_000_000)}."
        ),
        *prices.notes,
        *(f"{words.sentence(note)}." for note in whole.notes),
        "Sources: " + "; ".join(prices.sources) + ".",
    ]
    return Section(title="Prices", parts=(Points(items=tuple(items)),))
