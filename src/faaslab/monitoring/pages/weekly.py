"""The page on a week: what changed since the week before, in words and numbers; the other pages in short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.model.execution import Source
from faaslab.monitoring import changes
from faaslab.monitoring.pages import cold_starts, costs, durations, opening, week_sections, words, workflows
from faaslab.monitoring.pages import week_words as say
from faaslab.monitoring.pages.page import Page, Plot, Points, Section, Table
from faaslab.monitoring.pages.week_compared import compare, weeks_of, within
from faaslab.monitoring.prices import read, read_workflows
from faaslab.monitoring.workflow_cost import bill, usage_of
from faaslab.store.questions import weeks
from faaslab.store.questions import workflows as ask_workflows
from faaslab.store.questions.window import Window
from faaslab.store.questions.workflows import WorkflowWindow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from faaslab.monitoring.changes import Change
    from faaslab.monitoring.pages.week_compared import Weeks
    from faaslab.store import Store
    from faaslab.store.questions.window import Run

TITLE = "The week"
_ADVICE = 2
"""So many recommendations are taken over from each page."""
_SHORT: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "cold_starts": ("Cold starts", ("week", "functions")),
    "durations": ("Durations", ("percentiles", "memory")),
    "costs": ("Costs", ("over_time", "functions")),
    "workflows": ("Workflows", ("workflows", "failures")),
}
"""What is taken over from each page: its title here, and the sections that are shown of it."""


def page(
    store: Store,
    *,
    week_of: Any = None,
    until: Any = None,
    tz: str = "UTC",
    functions: Sequence[str] | str = (),
    regions: Sequence[str] | str = (),
    sources: Sequence[str] | str = (),
) -> Page:
    """The page over a store: the last whole week in `tz`, the week of a day (`week_of`), or the last that was
    over by an instant (`until`). Where there is nothing before the week that runs, that is shown as far as
    it is. Raises `InvalidValue` for what cannot be read.
    """  # noqa: D205
    now = store.clock.now()
    of = weeks_of(week_of=week_of, until=until, tz=tz, now=now)
    names = Window(
        functions=opening.names(functions, "functions"),
        regions=opening.names(regions, "regions"),
        sources=opening.names(sources, "sources", allowed=tuple(Source)),
    )
    if week_of in (None, "") and until in (None, "") and not _any(store.sql, names, of.end):
        of = weeks_of(week_of=of.local(now).date(), tz=tz, now=now)
    given: dict[str, Any] = {
        "functions": list(names.functions),
        "regions": list(names.regions),
        "sources": list(names.sources),
    }
    start = opening.begin(store, since=of.begin, until=of.end, **given)
    of_workflows = () if names.functions or names.regions else _workflows(store.sql, of, names.sources)
    if not start.invocations and not of_workflows:
        return _nothing(store, of, start)
    compared = compare(store.sql, names, of, read())
    errors = weeks.new_errors(store.sql, start.window)
    pages = _pages(store, of, given, tz, invocations=start.invocations, workflows=bool(of_workflows))
    sections: dict[str, Section | None] = {
        "figures": week_sections.figures_of(
            compared, of_workflows, store.sql, within(names, of.before, of.end)
        ),
        "movers": week_sections.movers(compared, start.looks),
        "new": week_sections.news(compared, errors),
        "causes": week_sections.causes(compared, weeks.defined(store.sql, of.begin, of.end)),
        "change": _advice(pages),
        **{name: _short(name, one) for name, one in pages.items()},
    }
    lines = (
        say.headline(compared, words.rows(errors), of_workflows)
        if start.invocations
        else _only_workflows(of_workflows)
    )
    return Page(
        title=TITLE,
        headline=lines,
        basis=(*_basis(of), *(start.basis() if start.invocations else ())),
        sections={name: section for name, section in sections.items() if section is not None},
    )


def _any(run: Run, names: Window, before: datetime) -> bool:
    """Whether anything is known of the time before an instant: executions, or those of workflows."""
    earlier = within(names, None, before)
    row = opening.overview_row(run, earlier)
    if row["invocations"] + row["throttled"]:
        return True
    window = WorkflowWindow(until=before, sources=names.sources)
    return bool(words.rows(ask_workflows.overview(run, window))[0]["executions"])


def _nothing(store: Store, of: Weeks, start: opening.Opening) -> Page:
    page = opening.nothing(TITLE, start, store)
    whole = opening.overview_row(store.sql, Window())
    if not whole["invocations"] + whole["throttled"] or start.no_such in page.headline:
        return page
    first, last = (of.local(whole[name].to_pydatetime()).date() for name in ("first", "last"))
    between = f"{words.day(first)} {first.year} to {words.day(last)} {last.year}"
    kept = f"The store has {opening.told_sources(whole['sources'])}, from {between}"
    return Page(
        title=TITLE,
        headline=(
            f"No execution is in the window that was asked for: the week of {of.name} ({of.zone}).",
            f"{kept}: set `week_of`, to {last.isoformat()} say.",
        ),
        basis=page.basis,
    )


def _basis(of: Weeks) -> tuple[str, ...]:
    told = f"**Week of {of.name}** (Monday to Sunday, {of.zone})"
    if of.whole:
        return (f"{told}, beside the week before it.",)
    so_far = f"so far as it is, to {words.instant(of.local(of.end))}"
    return (f"{told}, which runs still: {so_far}, beside the same part of the week before it.",)


def _pages(
    store: Store, of: Weeks, given: dict[str, Any], tz: str, *, invocations: int, workflows: bool
) -> dict[str, Page]:
    span: dict[str, Any] = {"since": of.begin, "until": of.end}
    found: dict[str, Page] = {}
    if invocations:
        found["cold_starts"] = cold_starts.page(store, tz=tz, **span, **given)
        found["durations"] = durations.page(store, **span, **given)
        found["costs"] = costs.page(store, **span, **given)
    if workflows:
        found["workflows"] = _workflow_page(store, span, given["sources"])
    return found


def _workflow_page(store: Store, span: dict[str, Any], sources: list[str]) -> Page:
    return workflows.page(store, sources=sources, **span)


def _short(name: str, one: Page) -> Section:
    """A page in short: its headline, and the first figure or table of a few of its sections."""
    title, shown = _SHORT[name]
    parts: list[Any] = list(one.headline)
    for each in shown:
        section = one.section(each)
        if section is not None:
            # The month's end, and which functions a figure leaves out, are told in words beside it.
            said = section.parts if each in ("over_time", "percentiles") else ()
            parts += [part for part in said if isinstance(part, str)]
            parts += [part for part in section.parts if isinstance(part, (Plot, Table))][:2]
    return Section(title=title, parts=tuple(parts))


def _advice(pages: Mapping[str, Page]) -> Section | None:
    """The first recommendations of each page."""
    items = [
        item
        for one in pages.values()
        if (section := one.section("change")) is not None
        for part in section.parts
        if isinstance(part, Points)
        for item in part.items[:_ADVICE]
    ]
    # Two pages may well find the same thing: what stands in bold at the beginning is what it is called.
    kinds: dict[str, str] = {}
    for item in items:
        kinds.setdefault(item.split("**")[1].lower().rstrip(".") if "**" in item else item, item)
    return (
        Section(title="What you could change", parts=(Points(items=tuple(kinds.values())),))
        if kinds
        else None
    )


# -- workflows


def _workflows(run: Run, of: Weeks, sources: tuple[str, ...]) -> tuple[tuple[str, str, Change], ...]:
    """(name, unit, change) of the figures of workflows; nothing where none ran in either week."""
    now = WorkflowWindow(since=of.begin, until=of.end, sources=sources)
    before = WorkflowWindow(since=of.before, until=of.before_end, sources=sources)
    one, other = (words.rows(ask_workflows.overview(run, window))[0] for window in (now, before))
    if not one["executions"]:
        return ()
    calls = int(one["executions"]), int(other["executions"])
    earlier = WorkflowWindow(until=of.before, sources=sources)
    comparable = bool(
        other["executions"] or words.rows(ask_workflows.overview(run, earlier))[0]["executions"]
    )
    money = tuple(_spent(run, window) for window in (now, before))
    bad = [int(row["failed"]) + int(row["timed_out"]) for row in (one, other)]
    ended = [int(row["succeeded"]) + failed for row, failed in zip((one, other), bad, strict=True)]
    return (
        ("executions of workflows", "count", changes.of_count(*calls, comparable=comparable)),
        ("workflows that failed", "share", changes.of_rate(bad[0], ended[0], bad[1], ended[1])),
        (
            "cost of workflows",
            "usd",
            changes.of_money(money[0], money[1], calls=calls, comparable=comparable),
        ),
    )


def _spent(run: Run, window: WorkflowWindow) -> float:
    used = [usage_of(row) for row in words.rows(ask_workflows.usage(run, window))]
    return sum(float(each.total) for each in bill(used, read_workflows()))


def _only_workflows(figures: Sequence[tuple[str, str, Change]]) -> tuple[str, ...]:
    told = {name: change for name, _, change in figures}
    calls, bad = told["executions of workflows"], told["workflows that failed"]
    ran = f"**{words.of(calls.now or 0, 'execution')} of workflows**"
    lines = [f"{ran}, {words.count(calls.before)} the week before; no function was invoked."]
    if bad.now is not None:
        moved = f": the share {changes.moved(bad, words.share, rate=True)}" if bad.real else ""
        lines.append(f"{words.share(bad.now)} of those that ended failed{moved}.")
    return tuple(lines)
