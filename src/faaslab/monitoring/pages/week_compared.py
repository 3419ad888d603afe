"""One week beside the week before: which weeks those are, and every figure of them with what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from faaslab.errors import InvalidValue
from faaslab.events.schedule import zone_of
from faaslab.model.moment import moment
from faaslab.monitoring import changes, cost
from faaslab.monitoring.changes import Change, Sample, Verdict
from faaslab.monitoring.pages import words
from faaslab.store.questions import costs, weeks
from faaslab.store.questions.window import Run, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.monitoring.cost import PriceTable

_WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Weeks:
    """The week that is told of and the one before it (naive UTC), both from Monday to Sunday in `zone`.

    Of a week that still runs both are as long as it is old: a half week is compared with a half week.
    """

    begin: datetime
    end: datetime
    before: datetime
    before_end: datetime
    zone: ZoneInfo
    whole: bool

    @property
    def monday(self) -> date:
        """The day that it begins on."""
        return self.local(self.begin).date()

    @property
    def name(self) -> str:
        """`16 to 22 November 2026`, `28 December 2026 to 3 January 2027`."""
        first, last = self.monday, self.monday + timedelta(days=6)
        year = "" if first.year == last.year else f" {first.year}"
        month = "" if first.month == last.month else f" {first:%B}{year}"
        return f"{first.day}{month} to {last.day} {last:%B %Y}"

    def local(self, at: datetime) -> datetime:
        """The instant as clocks of the zone show it."""
        return at.replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=None)

    def day(self, at: datetime) -> str:
        """The weekday of an instant of the week, such as `Tuesday`."""
        return f"{self.local(at):%A}"


def weeks_of(*, week_of: Any = None, until: Any = None, tz: str = "UTC", now: datetime) -> Weeks:
    """The weeks that a notebook's parameters mean.

    `week_of` is any day of the week (it may run still); `until` an instant: the last week that was over by
    then; without both that is now. Raises `InvalidValue` for what cannot be read, or for both.
    """
    zone = zone_of(tz)
    if week_of not in (None, "") and until not in (None, ""):
        raise InvalidValue("give `week_of` or `until`, not both", place="week_of")
    if week_of not in (None, ""):
        monday = _monday(_day(week_of, now, zone))
    else:
        at = now if until in (None, "") else moment(until, now=now, place="until")
        monday = _monday(_local(at, zone).date()) - _WEEK
    begin, end = _midnight(monday, zone), _midnight(monday + _WEEK, zone)
    if begin > now:
        raise InvalidValue(f"the week of {monday:%d %B %Y} has not begun", place="week_of")
    before = _midnight(monday - _WEEK, zone)
    if end <= now:
        return Weeks(begin=begin, end=end, before=before, before_end=begin, zone=zone, whole=True)
    return Weeks(
        begin=begin, end=now, before=before, before_end=before + (now - begin), zone=zone, whole=False
    )


def _day(value: Any, now: datetime, zone: ZoneInfo) -> date:
    try:
        return value if type(value) is date else date.fromisoformat(value)
    except (TypeError, ValueError):
        return _local(moment(value, now=now, place="week_of"), zone).date()


def _monday(day: date) -> date:
    return day - timedelta(days=day.isoweekday() - 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    return at.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


@dataclass(frozen=True, kw_only=True)
class Fares:
    """How one function (or, without a name, all of them) fared in the two weeks."""

    name: str | None
    calls: Change
    p50: Change
    p95: Change
    cold: Change
    failed: Change
    money: Change
    invocations: tuple[int, int]
    """Now, before."""
    since: Mapping[str, tuple[int, datetime]] = field(default_factory=dict)
    """What changed (`p95`, `cold`, `failed`) -> the definition that it began with, and its first run."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The two weeks in figures: all of it, and function by function, those that moved most first."""

    weeks: Weeks
    whole: Fares
    functions: tuple[Fares, ...]
    new: tuple[tuple[str, datetime, int], ...]
    """(function, first call, invocations) of those that were never called before."""
    gone: tuple[tuple[str, int], ...]
    """(function, invocations of the week before) of those that were called then, more than by chance."""
    comparable: bool
    """Whether the store knows the whole week before."""
    first: datetime | None
    """The first execution of the store."""


def compare(run: Run, window: Window, of: Weeks, prices: PriceTable) -> Compared:
    """Both weeks of what `window` names (its instants are not used)."""
    now, before = within(window, of.begin, of.end), within(window, of.before, of.before_end)
    rows = {
        (name, words.maybe(row["function"])): row
        for name, part in (("now", now), ("before", before))
        for row in words.rows(weeks.by_function(run, part, part=name))
    }
    spent = {"now": _money(run, now, prices), "before": _money(run, before, prices)}
    seen = {str(row["function"]): row["first"] for row in words.rows(weeks.first_seen(run, window))}
    first = min(seen.values(), default=None)
    comparable = first is not None and first < of.before + timedelta(days=1)
    definitions = _definitions(run, within(window, of.before, of.end))

    def fares(name: str | None) -> Fares:
        one, other = rows.get(("now", name), {}), rows.get(("before", name), {})
        return _fares(
            name,
            one,
            other,
            money=(_cost(spent["now"], name, one), _cost(spent["before"], name, other)),
            comparable=comparable,
            definitions=definitions.get(name or "", ()),
            begin=of.begin,
        )

    names = sorted({name for _, name in rows if name is not None})
    told = [fares(name) for name in names]
    return Compared(
        weeks=of,
        whole=fares(None),
        functions=tuple(sorted(told, key=lambda each: (-_weight(each), each.name))),
        new=tuple(
            (str(each.name), seen[str(each.name)], each.invocations[0])
            for each in told
            if each.invocations[0] and seen[str(each.name)] >= of.begin
        ),
        gone=tuple(
            (str(each.name), each.invocations[1])
            for each in told
            if each.invocations[1] >= changes.SURELY_GONE and not each.invocations[0]
        ),
        comparable=comparable,
        first=first,
    )


def within(window: Window, since: datetime | None, until: datetime | None) -> Window:
    """What `window` names, in another span."""
    return Window(
        since=since,
        until=until,
        functions=window.functions,
        regions=window.regions,
        sources=window.sources,
    )


def _money(run: Run, window: Window, prices: PriceTable) -> dict[str | None, float]:
    """Function -> what it cost in dollars, None -> all; a function whose bill is not known is left out."""
    rows = words.rows(costs.usage(run, window, ("function",)))
    spent: dict[str | None, float] = {}
    for row, bill in zip(rows, cost.bill([usage(row) for row in rows], prices), strict=True):
        if row["billed"]:
            for name in (str(row["function"]), None):
                spent[name] = spent.get(name, 0.0) + float(bill.total)
    return spent


def _cost(spent: Mapping[str | None, float], name: str | None, row: Mapping[str, Any]) -> float | None:
    """What was spent; nothing where nothing was called, None where a bill is not known."""
    return spent.get(name, None if row.get("invocations") else 0.0)


def usage(row: Mapping[str, Any]) -> cost.Usage:
    """A row of `costs.usage` as what a bill is made of."""
    return cost.Usage(
        gb_seconds=cost.exact(row["gb_seconds"]),
        requests=int(row["requests"]),
        init_gb_seconds=cost.exact(row["init_gb_seconds"]),
        ephemeral_gb_seconds=cost.exact(row["ephemeral_gb_seconds"]),
        architecture=row["architecture"],
        region=row["region"],
    )


def sample(row: Mapping[str, Any]) -> Sample | None:
    """The durations of a row of `weeks`; None where none is known."""
    if not row or not row["timed"]:
        return None
    return Sample(
        count=int(row["timed"]), quantiles=weeks.POINTS, values=[float(each) for each in row["curve"]]
    )


def _definitions(run: Run, window: Window) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in words.rows(weeks.by_definition(run, window)):
        found.setdefault(str(row["function"]), []).append(row)
    return {name: sorted(rows, key=lambda row: row["first"]) for name, rows in found.items()}


def _rate(now: Mapping[str, Any], before: Mapping[str, Any], part: str, of: str) -> Change:
    return changes.of_rate(
        *(int(row.get(name) or 0) for row in (now, before) for name in (part, of)),
    )


def _fares(
    name: str | None,
    now: Mapping[str, Any],
    before: Mapping[str, Any],
    *,
    money: tuple[float | None, float | None],
    comparable: bool,
    definitions: Sequence[Mapping[str, Any]],
    begin: datetime,
) -> Fares:
    calls = int(now.get("invocations") or 0), int(before.get("invocations") or 0)
    found = {
        "p95": changes.of_quantile(sample(now), sample(before)),
        "cold": _rate(now, before, "cold_starts", "cold_known"),
        "failed": _rate(now, before, "failed", "invocations"),
    }
    began = {what: _began(what, change, definitions, begin) for what, change in found.items() if change.real}
    return Fares(
        name=name,
        calls=changes.of_count(*calls, comparable=comparable),
        p50=changes.of_quantile(sample(now), sample(before), 0.5),
        **found,
        money=changes.of_money(*money, calls=calls, comparable=comparable),
        invocations=calls,
        since={what: each for what, each in began.items() if each is not None},
    )


def _began(
    what: str, change: Change, definitions: Sequence[Mapping[str, Any]], begin: datetime
) -> tuple[int, datetime] | None:
    """The first definition of the week that differs in the same way from the one before it."""
    for earlier, later in pairwise(definitions):
        if later["first"] < begin:
            continue
        differs = {
            "p95": lambda a, b: changes.of_quantile(sample(a), sample(b)),
            "cold": lambda a, b: _rate(a, b, "cold_starts", "cold_known"),
            "failed": lambda a, b: _rate(a, b, "failed", "invocations"),
        }[what](later, earlier)
        if differs.verdict is change.verdict:
            return int(later["definition"]), later["first"]
    return None


def _weight(each: Fares) -> float:
    """What it is sorted by: how far it moved, what is worse before what is better."""
    worse = sum(
        change.size + (0.5 if change.verdict is Verdict.MORE else 0.0)
        for change in (each.p95, each.failed, each.cold)
        if change.real
    )
    return worse + 0.2 * sum(change.size for change in (each.calls, each.money) if change.real)
