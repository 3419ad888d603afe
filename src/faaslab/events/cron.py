"""AWS's cron: six fields, with `?`, `L`, `W` and `#`, in Amazon's order of the days of the week.

Rules (Amazon EventBridge User Guide, eb-scheduled-rule-pattern; EventBridge Scheduler User Guide,
schedule-types): one of the two fields for days is `?`, the other says which; 1 is Sunday; years are 1970 to
2199. Where AWS is silent it is as in Quartz, whose dialect this is: a range may go over its end (FRI-MON).
No maintained library reads this dialect, so it is read here.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from faaslab.errors import InvalidValue

_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_ITEM = re.compile(r"(?P<first>\*|[A-Z]+|\d+)(?:-(?P<last>[A-Z]+|\d+))?(?:/(?P<step>\d+))?", re.ASCII)
_DIGITS = 4
_SPECIAL_WEEKDAY = re.compile(r"(?:[A-Z]{3}|\d)(?:L|#\d)", re.ASCII)
_SPECIAL_DAY = re.compile(r"L|LW|\d{1,2}W", re.ASCII)


class InvalidSchedule(InvalidValue):
    """A schedule expression that AWS refuses; the place is the field, the hint says what would be right."""


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    words: Mapping[str, int]
    example: str


_MINUTES = _Field("minutes", 0, 59, {}, "0, 0/15 or *")
_HOURS = _Field("hours", 0, 23, {}, "6, 8-17 or *")
_DAY_OF_MONTH = _Field("day-of-month", 1, 31, {}, "1, 1-15, L, 15W, * or ?")
_MONTH = _Field("month", 1, 12, {name.upper(): number for name, number in _MONTHS.items()}, "1, JAN-MAR or *")
_DAY_OF_WEEK = _Field("day-of-week", 1, 7, _DAYS, "MON-FRI, 6L, 3#2, * or ?; 1 is Sunday")
_YEAR = _Field("year", 1970, 2199, {}, "2027, 2026-2030 or *")
_FIELDS = (_MINUTES, _HOURS, _DAY_OF_MONTH, _MONTH, _DAY_OF_WEEK, _YEAR)


@dataclass(frozen=True)
class Cron:
    """When each field allows it. The special days are those that depend on the month.

    `nearest` are days of the month whose nearest weekday is meant (`15W`), 0 for the last (`LW`); `nth` are
    (day of the week, which one), 0 for the last (`6L`).
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    years: frozenset[int]
    days: frozenset[int] = frozenset()
    last_day: bool = False
    nearest: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    nth: frozenset[tuple[int, int]] = frozenset()

    def times(self, since: datetime) -> Iterator[datetime]:
        """The local times at `since` and later, in order, to the end of the last year."""
        minutes, hours = sorted(self.minutes), sorted(self.hours)
        for day in self._days_since(since.date()):
            for hour in hours:
                for minute in minutes:
                    at = datetime(day.year, day.month, day.day, hour, minute)
                    if at >= since:
                        yield at

    def _days_since(self, since: date) -> Iterator[date]:
        for year in sorted(year for year in self.years if year >= since.year):
            for month in sorted(self.months):
                if (year, month) < (since.year, since.month):
                    continue
                for day in sorted(self._days_in(year, month)):
                    if (year, month, day) >= (since.year, since.month, since.day):
                        yield date(year, month, day)

    def _days_in(self, year: int, month: int) -> set[int]:
        length = calendar.monthrange(year, month)[1]
        found = {day for day in self.days if day <= length}
        if self.last_day:
            found.add(length)
        found |= {_nearest_weekday(year, month, day or length) for day in self.nearest if day <= length}
        if self.weekdays or self.nth:
            for day in range(1, length + 1):
                weekday = (calendar.weekday(year, month, day) + 1) % 7 + 1
                which = 0 if day + 7 > length else -1
                if weekday in self.weekdays or {(weekday, (day - 1) // 7 + 1), (weekday, which)} & self.nth:
                    found.add(day)
        return found


def parsed(fields: str) -> Cron:
    """What stands between the brackets of `cron(...)`."""
    written = fields.split()
    if len(written) != len(_FIELDS):
        raise InvalidSchedule(
            f"cron has six fields, and not {len(written)}",
            place="cron",
            hint="minutes hours day-of-month month day-of-week year, as in cron(0 6 ? * MON-FRI *)",
        )
    minutes, hours, days, months, weekdays, years = (each.upper() for each in written)
    if (days == "?") == (weekdays == "?"):
        raise InvalidSchedule(
            "exactly one of day-of-month and day-of-week is ?",
            place="day-of-week" if days == "?" else "day-of-month and day-of-week",
            hint="write ? for the one that does not matter, as in cron(0 6 ? * MON-FRI *)",
        )
    plain_days, special_days = _split(days, _SPECIAL_DAY) if days != "?" else ([], [])
    plain_weekdays, special_weekdays = _split(weekdays, _SPECIAL_WEEKDAY) if weekdays != "?" else ([], [])
    return Cron(
        minutes=_values(minutes.split(","), _MINUTES),
        hours=_values(hours.split(","), _HOURS),
        months=_values(months.split(","), _MONTH),
        years=_values(years.split(","), _YEAR),
        days=_values(plain_days, _DAY_OF_MONTH),
        last_day="L" in special_days,
        nearest=frozenset(_nearest(each) for each in special_days if each != "L"),
        weekdays=_values([each for each in plain_weekdays if each != "L"], _DAY_OF_WEEK)
        | (frozenset({7}) if "L" in plain_weekdays else frozenset()),
        nth=frozenset(_nth(each) for each in special_weekdays),
    )


def _split(text: str, special_form: re.Pattern[str]) -> tuple[list[str], list[str]]:
    items = text.split(",")
    special = [item for item in items if special_form.fullmatch(item)]
    return [item for item in items if item not in special], special


def _nearest(item: str) -> int:
    return 0 if item == "LW" else _number(item[:-1], _DAY_OF_MONTH, item)


def _nth(item: str) -> tuple[int, int]:
    if item.endswith("L"):
        return _number(item[:-1], _DAY_OF_WEEK, item), 0
    day, _, which = item.partition("#")
    if not 1 <= int(which) <= 5:
        raise _refused(item, _DAY_OF_WEEK)
    return _number(day, _DAY_OF_WEEK, item), int(which)


def _values(items: list[str], field: _Field) -> frozenset[int]:
    found: set[int] = set()
    for item in items:
        match = _ITEM.fullmatch(item)
        if match is None or (match["first"] == "*" and match["last"]):
            raise _refused(item, field)
        step = int(match["step"][:_DIGITS]) if match["step"] else 1
        if step < 1:
            raise _refused(item, field)
        first = field.low if match["first"] == "*" else _number(match["first"], field, item)
        if match["last"]:
            last = _number(match["last"], field, item)
        else:
            last = field.high if match["first"] == "*" or match["step"] else first
        if first > last and field is _YEAR:
            raise _refused(item, field)
        span = field.high - field.low + 1
        length = last - first + 1 if first <= last else last - first + 1 + span
        found |= {field.low + (first - field.low + ahead) % span for ahead in range(0, length, step)}
    return frozenset(found)


def _number(text: str, field: _Field, item: str) -> int:
    if text in field.words:
        return field.words[text]
    if not text.isdecimal() or len(text) > _DIGITS or not field.low <= int(text) <= field.high:
        raise _refused(item, field)
    return int(text)


def _refused(item: str, field: _Field) -> InvalidSchedule:
    return InvalidSchedule(
        f"{item[:40]!r} is none of {field.low} to {field.high}",
        place=field.name,
        hint=f"such as {field.example}",
    )


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """The weekday nearest to that day, in the same month."""
    length = calendar.monthrange(year, month)[1]
    weekday = calendar.weekday(year, month, day)
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < length else day - 2
    return day
