"""What a month will have cost at its end, from the days that are known. Pure.

Each day to come is taken as the mean of the whole days before it, of its own weekday once there are two
weeks of them. The range is where the sum lies eight times in ten, if days go on differing from those means as
they did, each by itself; a month that goes otherwise than the days before it is in no such range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

LEAST_DAYS = 3
"""Of fewer whole days nothing is projected."""
WEEKDAYS_FROM = 14
"""From so many whole days on, each weekday has a mean of its own."""
MOST_DAYS = 28
"""Older days say little of those to come."""
_Z = 1.2816  # four fifths of a normal distribution lie within so many standard deviations
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Projection:
    """The month that `until` is in. Amounts are in the unit of the days that were given."""

    spent: float
    """Of the month, up to `until`."""
    days: Mapping[date, float]
    """What is expected of the days to come; the first of them is what is left of the day of `until`."""
    low: float
    high: float
    """The range of the month's total."""
    used: int
    """So many whole days it rests on."""
    by_weekday: bool

    @property
    def rest(self) -> float:
        """What is expected of all days to come."""
        return sum(self.days.values())

    @property
    def total(self) -> float:
        """The month at its end."""
        return self.spent + self.rest


def project(days: Mapping[date, float], *, since: datetime, until: datetime) -> Projection | None:
    """The month of `until` at its end, from what each day came to (days that are not named: nothing).

    Known is everything from `since` to `until`. None with fewer than three whole days.
    """
    today, first = until.date(), since.date() if since == _midnight(since.date()) else since.date() + _DAY
    begin = max(first, today - MOST_DAYS * _DAY)
    known = [begin + place * _DAY for place in range((today - begin).days)]
    if len(known) < LEAST_DAYS:
        return None
    by_weekday = len(known) >= WEEKDAYS_FROM
    groups: dict[int, list[float]] = {}
    for day in known:
        groups.setdefault(_kind(day, by_weekday=by_weekday), []).append(days.get(day, 0.0))
    means = {kind: sum(values) / len(values) for kind, values in groups.items()}
    off = sum((value - means[kind]) ** 2 for kind, values in groups.items() for value in values)
    variance = off / max(len(known) - len(groups), 1)
    left = 1 - (until - _midnight(today)) / _DAY
    month_end = (today.replace(day=28) + 4 * _DAY).replace(day=1)
    shares = {today + place * _DAY: 1.0 if place else left for place in range((month_end - today).days)}
    expected = {day: part * means[_kind(day, by_weekday=by_weekday)] for day, part in shares.items()}
    # A mean that is off is so for all days that are taken from it; each day is off by itself besides.
    weights: dict[int, float] = {}
    for day, part in shares.items():
        kind = _kind(day, by_weekday=by_weekday)
        weights[kind] = weights.get(kind, 0.0) + part
    spread = sum(part**2 for part in shares.values()) + sum(
        weight**2 / len(groups[kind]) for kind, weight in weights.items()
    )
    half = _Z * math.sqrt(variance * spread)
    spent = sum(
        value
        for day, value in days.items()
        if (day.year, day.month) == (today.year, today.month) and day <= today
    )
    total = spent + sum(expected.values())
    return Projection(
        spent=spent,
        days=expected,
        low=max(total - half, spent),
        high=total + half,
        used=len(known),
        by_weekday=by_weekday,
    )


def _kind(day: date, *, by_weekday: bool) -> int:
    return day.isoweekday() if by_weekday else 0


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)
