"""How every page begins: the window that its parameters mean, what is in it, what to say when nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, nearest
from faaslab.model.execution import Source
from faaslab.model.moment import moment
from faaslab.monitoring.cost import HOURS_A_MONTH, exact
from faaslab.monitoring.pages import words
from faaslab.monitoring.pages.figures import Look, looks
from faaslab.monitoring.pages.page import Page
from faaslab.store.questions import overview
from faaslab.store.questions.window import Run, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faaslab.store import Store

_BUCKETS = (
    "1 second", "5 seconds", "15 seconds", "1 minute", "5 minutes", "15 minutes", "1 hour", "3 hours",
    "6 hours", "1 day", "7 days", "28 days",
)  # fmt: skip
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_MOST_BUCKETS = 90
_NAMED = 6
"""So many functions are named where one is asked for that there is not."""
_SHORT_HOURS = 23.0
"""Of less history than a day nothing is said of a month; a day's first and last execution lack a little."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """The window of a page and the figures of everything in it (`overview.overview`'s row)."""

    run: Run
    window: Window
    now: datetime
    figures: dict[str, Any]

    @cached_property
    def looks(self) -> dict[str, Look]:
        """How each function of the store is drawn: the same on every page, in every week."""
        return looks([str(name) for name in overview.functions_in_order(self.run)["function"]])

    @property
    def invocations(self) -> int:
        """Executions that ran to an end."""
        return int(self.figures["invocations"])

    @property
    def hours(self) -> float:
        """How long the window is: as asked for where that was said, else from first to last execution.

        It begins no earlier than the store does: of the time before nothing is known.
        """
        begin = self.figures["first"]
        if self.window.since is not None:
            begin = max(self.window.since, min(begin, self._known_from))
        end = self.figures["last"]
        if self.window.until is not None:
            end = min(self.window.until, max(self.now, end))
        elif self.window.since is not None:
            end = max(self.now, end)
        return max(float((end - begin).total_seconds()) / 3600, 1 / 3600)

    @cached_property
    def _known_from(self) -> datetime:
        """When the first execution was of all that the window's sources tell, whatever the function."""
        before = Window(until=self.window.until, sources=self.window.sources)
        known = overview.sources(self.run, before)["first"].dropna()
        begun: datetime = self.figures["first"] if known.empty else known.min().to_pydatetime()
        return begun

    @property
    def short(self) -> bool:
        """Whether there is too little history for a month: then figures are per million invocations."""
        return self.hours < _SHORT_HOURS

    @property
    def factor(self) -> Decimal:
        """What the window's use is multiplied by for `per`."""
        if self.short:
            return Decimal(1_000_000) / self.invocations
        return HOURS_A_MONTH / exact(self.hours)

    @property
    def per(self) -> str:
        """What `factor` makes of the window, after an amount of money."""
        return "per million invocations" if self.short else "a month"

    @property
    def bucket(self) -> str:
        """The bucket of time that a figure over the window takes, such as `1 hour`."""
        return bucket_of(self.figures["first"], self.figures["last"])

    @property
    def too_short(self) -> str:
        """Why nothing is said of a month; no words where something is."""
        history = f"There is a history of {words.span(self.hours * 3600)}"
        return f"{history} only: a month is made of a day at least." if self.short else ""

    @cached_property
    def strange(self) -> tuple[str, ...]:
        """The functions that were asked for and that the store never heard of."""
        return tuple(name for name in self.window.functions if name not in self.looks)

    @property
    def no_such(self) -> str:
        """That no function has those names, each with the nearest there is; no words where all have one."""
        told = []
        for name in self.strange:
            near = nearest(name, self.looks)
            told.append(f"`{name}`" + (f" (did you mean `{near}`?)" if near else ""))
        if not told:
            return ""
        known = "" if any("did you mean" in each for each in told) else _known(list(self.looks))
        return f"No function is named {words.listed(told).replace(' and ', ' or ')}{known}."

    def basis(self) -> tuple[str, ...]:
        """Where the figures come from, and how far they carry."""
        f = self.figures
        told = f"{words.between(f['first'], f['last'])} UTC"
        lines = [f"{told_sources(f['sources'])} · {words.of(f['functions'], 'function')} · {told}"]
        picked = [
            f"{name} {words.listed(list(values))}"
            for name, values in (
                ("functions", self.window.functions),
                ("regions", self.window.regions),
                ("sources", self.window.sources),
            )
            if values
        ]
        if picked:
            lines.append(f"Only {'; '.join(picked)}.")
        if self.no_such:
            lines.append(f"**{self.no_such}**")
        if ";" in f["sources"]:
            lines.append(
                "**Several sources are mixed here**; set the parameter `sources` to look at one of them."
            )
        if f["throttled"]:
            lines.append(
                f"{words.of(f['throttled'], 'throttled call')} never ran and are not among the invocations."
            )
        return tuple(lines)


def _known(names: list[str]) -> str:
    shown = [f"`{name}`" for name in names[:_NAMED]]
    return f"; there {'is' if len(names) == 1 else 'are'} {', '.join(shown)}{' …' * (len(names) > _NAMED)}"


def bucket_of(first: datetime, last: datetime) -> str:
    """The bucket of time for a figure from `first` to `last`: the shortest that makes 90 of them at most."""
    seen = (last - first).total_seconds()
    return next((each for each in _BUCKETS if seen / seconds(each) <= _MOST_BUCKETS), _BUCKETS[-1])


def seconds(bucket: str) -> int:
    """How long `6 hours` are."""
    number, unit = bucket.split()
    return int(number) * _UNITS[unit.rstrip("s")]


def at(bucket: str) -> Callable[[datetime | None], str]:
    """How the beginning of a bucket is written: with seconds where it is shorter than a minute."""
    return partial(words.instant, seconds=seconds(bucket) < 60)


def width(bucket: str) -> timedelta:
    """The same as a timedelta."""
    return timedelta(seconds=seconds(bucket))


def begin(
    store: Store,
    *,
    since: Any = None,
    until: Any = None,
    functions: Sequence[str] | str = (),
    regions: Sequence[str] | str = (),
    sources: Sequence[str] | str = (),
) -> Opening:
    """The window that a notebook's parameters mean, and what is in it.

    Instants as everywhere (`7d`, `2026-11-16`, ISO 8601); names as a list or one text with commas. Raises
    `InvalidValue` for what cannot be read.
    """
    now = store.clock.now()
    begins, ends = period(since, until, now)
    window = Window(
        since=begins,
        until=ends,
        functions=names(functions, "functions"),
        regions=names(regions, "regions"),
        sources=names(sources, "sources", allowed=tuple(Source)),
    )
    row: dict[str, Any] = overview_row(store.sql, window)
    for name in ("first", "last"):
        row[name] = row[name].to_pydatetime() if words.known(row[name]) else None
    return Opening(run=store.sql, window=window, now=now, figures=row)


def period(since: Any, until: Any, now: datetime) -> tuple[datetime | None, datetime | None]:
    """The instants that `since` and `until` mean, None for what was not given; `InvalidValue` as `begin`."""
    begins, ends = (
        moment(value, now=now, place=place) if value not in (None, "") else None
        for place, value in (("since", since), ("until", until))
    )
    if begins and ends and begins >= ends:
        raise InvalidValue(f"{until!r} is not after since, {since!r}", place="until")
    return begins, ends


def overview_row(run: Run, window: Window) -> dict[str, Any]:
    """`overview.overview` as a mapping."""
    return {str(name): value for name, value in overview.overview(run, window).iloc[0].items()}


def nothing(title: str, opening: Opening, store: Store) -> Page:
    """The page for a window without executions: what is missing, and what to do."""
    whole = overview_row(store.sql, Window())
    if not whole["invocations"] + whole["throttled"]:
        return Page(
            title=title,
            headline=(
                "There is nothing to show yet: no execution is recorded in this store.",
                (
                    "Run something (`faaslab quickstart`, or `%faas invoke`), or import logs of AWS Lambda "
                    "(`faaslab import logs FILE`), and run this notebook again."
                ),
            ),
            basis=(f"Store: `{store.path}`",),
        )
    if opening.figures["throttled"]:
        calls = words.of(opening.figures["throttled"], "call")
        why = f"All {calls} of this window were throttled: nothing ran."
    else:
        why = "No execution is in the window that was asked for."
    strange = opening.strange
    if strange and len(strange) == len(opening.window.functions):
        return Page(
            title=title,
            headline=(opening.no_such, f"The store has {told_sources(whole['sources'])}."),
            basis=(f"Store: `{store.path}`",),
        )
    between = f"from {words.between(whole['first'], whole['last'])} UTC"
    kept = f"{told_sources(whole['sources'])}, {between}"
    return Page(
        title=title,
        headline=(why, f"The store has {kept}. Widen the window: {_asked(opening.window)}."),
        basis=(f"Store: `{store.path}`",),
    )


def _asked(window: Window) -> str:
    asked = [
        f"{name} is {words.instant(value) if isinstance(value, datetime) else words.listed(value)}"
        for name, value in window.parameters.items()
    ]
    return ", ".join(asked) or "all is in it"


def told_sources(told: str) -> str:
    """`simulated 1,000,000; local 3` as `1,000,000 simulated and 3 local executions`."""
    parts = [" ".join(reversed(part.split(" "))) for part in told.split("; ")]
    return f"{words.listed(parts)} execution{'' if parts == ['1 ' + parts[0].split(' ')[-1]] else 's'}"


def names(value: Any, place: str, allowed: Sequence[str] = ()) -> tuple[str, ...]:
    """Names as a list or one text with commas; `InvalidValue` for what is neither, or none of `allowed`."""
    if value is None:
        return ()
    given = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)) or not all(isinstance(name, str) for name in given):
        raise InvalidValue(f"{value!r} is not a list of names", place=place)
    for name in given:
        if allowed and name and name not in allowed:
            raise InvalidValue(f"{name!r} is none of {', '.join(allowed)}", place=place)
    return tuple(name for name in given if name)
