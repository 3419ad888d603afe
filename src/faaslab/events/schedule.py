"""Schedule expressions: when `rate(...)`, `cron(...)`, `at(...)` and crontab's five fields fire.

Rules (EventBridge Scheduler User Guide, schedule-types): a local time that daylight saving skips is not
run, one that it repeats is run once, the first time; days of a rate are 24 hours each. Scheduled rules of
EventBridge are always in UTC and know no `at`. Crontab's form follows the same rules; AWS does not take it,
so `parsed` refuses it and `understood` takes all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from faaslab.errors import nearest
from faaslab.events import cron, crontab
from faaslab.events.cron import Cron, InvalidSchedule
from faaslab.events.crontab import Crontab

_EXPRESSION = re.compile(r"(?P<kind>rate|cron|at)\((?P<inner>[^()]*)\)")
_RATE = re.compile(r"(?P<value>[1-9]\d{0,8}) (?P<unit>minutes?|hours?|days?)", re.ASCII)
_AT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", re.ASCII)
_FORMS = "write rate(5 minutes), cron(0 6 ? * MON-FRI *) or at(2027-01-31T06:00:00)"


@dataclass(frozen=True)
class Rate:
    """Every so often."""

    period: timedelta


@dataclass(frozen=True)
class At:
    """Once, at a local time."""

    time: datetime


Schedule = Rate | Cron | At | Crontab
_FIRST_WINDOW = timedelta(hours=2)


def parsed(expression: str) -> Schedule:
    """What the expression says; `InvalidSchedule` names the field and the remedy."""
    match = _EXPRESSION.fullmatch(expression)
    if match is None:
        raise InvalidSchedule(f"{expression[:80]!r} is no schedule", place="schedule expression", hint=_FORMS)
    inner = match["inner"]
    if match["kind"] == "cron":
        return cron.parsed(inner)
    return _rate(inner) if match["kind"] == "rate" else _at(inner)


def understood(expression: str) -> Schedule:
    """What the expression says in any form: AWS's, or crontab's five fields or words."""
    text = expression.strip()
    if text.startswith("@") or (text and "(" not in text):
        return crontab.parsed(text)
    return parsed(text)


def next_fire(
    expression: str | Schedule,
    after: datetime,
    timezone: str = "UTC",
    *,
    start: datetime | None = None,
) -> datetime | None:
    """The first instant later than `after` (both naive UTC); None when there is no more.

    A rate counts from `start`, which is its first, or without one from `after`. Nothing fires before
    `start`.
    """
    schedule = parsed(expression) if isinstance(expression, str) else expression
    zone = zone_of(timezone)
    if isinstance(schedule, Rate):
        return _next_of_rate(schedule.period, after, start)
    if start is not None and start > after:
        after = start - timedelta(microseconds=1)
    if isinstance(schedule, At):
        at = _instant(schedule.time, zone)
        return at if at is not None and at > after else None
    try:
        since = after.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    except OverflowError:
        return None
    for local in schedule.times(since):
        at = _instant(local, zone)
        if at is not None and at > after and _exists(local, at, zone):
            return at
    return None


def last_fire(
    expression: str | Schedule,
    after: datetime,
    until: datetime,
    timezone: str = "UTC",
    *,
    start: datetime | None = None,
) -> datetime | None:
    """The last instant later than `after` and not later than `until`; None when there is none.

    As `next_fire` has it, found from the end: what was missed in years costs no more than what was in hours.
    """
    schedule = parsed(expression) if isinstance(expression, str) else expression
    if isinstance(schedule, Rate):
        first = after + schedule.period if start is None else start
        last = first + (until - first) // schedule.period * schedule.period if first <= until else first
        return last if after < last <= until else None
    window = _FIRST_WINDOW
    while True:
        begin = max(after, until - window) if until - after > window else after
        found, last_found = begin, None
        while (following := next_fire(schedule, found, timezone, start=start)) and following <= until:
            found = last_found = following
        if last_found is not None or begin == after:
            return last_found
        window *= 8


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name."""
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        near = nearest(name[:80], available_timezones())
        raise InvalidSchedule(
            f"no time zone is named {name[:80]!r}",
            place="time zone",
            hint=f"did you mean {near}?" if near else "an IANA name, such as UTC or Europe/Madrid",
        ) from None


def _rate(inner: str) -> Rate:
    match = _RATE.fullmatch(inner)
    if match is None or (match["value"] == "1") == match["unit"].endswith("s"):
        raise InvalidSchedule(
            f"{inner[:40]!r} is no rate",
            place="rate",
            hint="a whole number and minutes, hours or days (minute, hour or day for 1): rate(5 minutes)",
        )
    unit = {"minute": 60, "hour": 3600, "day": 86400}[match["unit"].removesuffix("s")]
    try:
        return Rate(timedelta(seconds=int(match["value"]) * unit))
    except OverflowError:
        raise InvalidSchedule(f"{inner!r} is too long", place="rate", hint="a shorter one") from None


def _at(inner: str) -> At:
    try:
        if not _AT.fullmatch(inner):
            raise ValueError(inner)
        return At(datetime.fromisoformat(inner))
    except ValueError:
        raise InvalidSchedule(
            f"{inner[:40]!r} is no time",
            place="at",
            hint="yyyy-mm-ddThh:mm:ss, local to the schedule's time zone: at(2027-01-31T06:00:00)",
        ) from None


def _next_of_rate(period: timedelta, after: datetime, start: datetime | None) -> datetime | None:
    try:
        if start is None:
            return after + period
        return start if start > after else start + ((after - start) // period + 1) * period
    except OverflowError:
        return None


def _instant(local: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant of a local time, of two the first; None beyond the calendar."""
    try:
        return local.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return None


def _exists(local: datetime, at: datetime, zone: ZoneInfo) -> bool:
    return at.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) == local
