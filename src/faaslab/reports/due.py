"""What a schedule of a report runs next, and what becomes of the times that passed: decided here, and pure.

Rules: each due time runs once. Of the times that were missed while nobody was there, only the latest is run,
however many there were. A run that failed is tried again for the same time, after a pause that doubles,
unless a later time has come meanwhile. What became due while the last run still went is skipped, or with
`queue` the latest of it is run as soon as that has ended. Nothing is due while a schedule is paused, and what
passed meanwhile is not caught up.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from faaslab.events import schedule as schedules
from faaslab.model.report import ReportStatus

if TYPE_CHECKING:
    from faaslab.model.report import ReportSchedule

_PAUSE_S = 30.0
_LONGEST_PAUSE_S = 900.0


@dataclass(frozen=True, kw_only=True)
class Due:
    """The next time of a schedule: `instant` is what the run is told, None when it never fires again.

    `expression`, `timezone` and `since` (from when a rate counts) are those that it was reckoned with.
    """

    schedule: str
    expression: str
    timezone: str
    since: datetime
    instant: datetime | None
    attempt: int = 1
    anew: bool = False
    """It was not left by the time before: whether it has run already stands in the history only."""

    def holds_for(self, schedule: ReportSchedule) -> bool:
        """Whether the schedule is still what this was reckoned with."""
        return (self.expression, self.timezone, self.since) == (
            schedule.expression,
            schedule.timezone,
            schedule.created_at,
        )


@dataclass(frozen=True, kw_only=True)
class Next:
    """What follows: `due`, not before `at` (None: never); and the latest time that was left out, if any."""

    due: Due
    at: datetime | None
    skipped: datetime | None = None


def first(schedule: ReportSchedule, after: datetime, *, anew: bool = False) -> Next:
    """Its first time later than `after`. `anew`: after a change of it, and not after a run."""
    instant = schedules.next_fire(
        schedules.understood(schedule.expression),
        max(after, schedule.created_at),
        schedule.timezone,
        start=schedule.created_at,
    )
    due = Due(
        schedule=schedule.name,
        expression=schedule.expression,
        timezone=schedule.timezone,
        since=schedule.created_at,
        instant=instant,
        anew=anew,
    )
    return Next(due=due, at=instant)


def caught_up(due: Due, now: datetime) -> Due:
    """What is to be run at `now`, when `due` has come: itself, or the latest time that was missed."""
    latest = _latest(due, now)
    return due if latest is None else dataclasses.replace(due, instant=latest, attempt=1)


def after(due: Due, schedule: ReportSchedule, status: ReportStatus, now: datetime, *, went: bool) -> Next:
    """What follows a run for `due` that has ended so at `now`.

    `went`: it went until now; False when its process was gone, and nobody knows since when.
    """
    if not due.holds_for(schedule):
        return first(schedule, max(schedule.updated_at, due.instant or now))
    latest = _latest(due, now)
    again = status is ReportStatus.FAILED and due.attempt <= schedule.retries
    if latest is None and again:
        pause = timedelta(seconds=pause_s(due.attempt))
        return Next(due=dataclasses.replace(due, attempt=due.attempt + 1, anew=False), at=now + pause)
    if latest is None:
        return first(schedule, due.instant or now)
    if went and not again and schedule.overlap == "skip":
        return dataclasses.replace(first(schedule, latest), skipped=latest)
    return Next(due=dataclasses.replace(due, instant=latest, attempt=1, anew=False), at=now)


def pause_s(attempt: int) -> float:
    """How long to wait after that attempt has failed."""
    return min(_PAUSE_S * 2.0 ** (attempt - 1), _LONGEST_PAUSE_S)


def times(schedule: ReportSchedule, now: datetime, count: int) -> tuple[datetime, ...]:
    """Its next times (naive UTC), at most `count`; none of one that is paused."""
    found: list[datetime] = []
    upto = now
    while len(found) < count and not schedule.paused:
        instant = first(schedule, upto).due.instant
        if instant is None:
            break
        found.append(instant)
        upto = instant
    return tuple(found)


def _latest(due: Due, now: datetime) -> datetime | None:
    """The latest time later than that of `due` that has come; None for none."""
    if due.instant is None:
        return None
    return schedules.last_fire(
        schedules.understood(due.expression), due.instant, now, due.timezone, start=due.since
    )
