"""Crontab's form of a schedule: five fields, or a word such as `@daily`.

Rules (crontab(5) of Debian, which is Vixie's): minute, hour, day of the month, month, day of the week; names,
ranges, steps and lists; 0 and 7 are Sunday; where both days are given either will do, and where one of them
begins with `*` both must hold. It is read by CronSim, the library of a service that watches cron jobs, which
also knows `L`, `LW`, `5L` and `MON#2`. It is asked for local times only: what becomes of those that daylight
saving skips or repeats is the rule of `schedule` for every form, and not Debian's, which runs a skipped one
when the clock has jumped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from faaslab.errors import nearest
from faaslab.events.cron import InvalidSchedule

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
"""What each of crontab's words stands for."""

_EXAMPLES = {
    "minute": "0 to 59: 0, */15 or 0,30",
    "hour": "0 to 23: 6, 8-17 or *",
    "day-of-month": "1 to 31: 1, 1-15, L or *, a day that one of its months has",
    "month": "1 to 12 or JAN to DEC: 1, JAN-MAR or *",
    "day-of-week": "0 to 7 or SUN to SAT: MON-FRI, 1,3, MON#2 or *; 0 and 7 are Sunday",
}
_FIELDS = 5
_LONGEST = 400
_SOME_DAY = datetime(2026, 1, 1)


@dataclass(frozen=True)
class Crontab:
    """Five fields that were found to be right."""

    fields: str

    def times(self, since: datetime) -> Iterator[datetime]:
        """The local times at `since` (a whole minute) and later, in order, while any comes in fifty years."""
        from cronsim import CronSim

        found = CronSim(self.fields, since - timedelta(minutes=1))
        while True:
            try:
                yield next(found)
            except (StopIteration, OverflowError, ValueError):  # no more, or beyond the calendar
                return


def parsed(text: str) -> Crontab:
    """What five fields or a word say; `InvalidSchedule` names the field and the remedy."""
    fields = _of_word(text) if text.startswith("@") else text
    written = fields.split()
    if len(written) != _FIELDS or len(fields) > _LONGEST or not fields.isascii():
        raise InvalidSchedule(
            f"crontab has five fields, and not {len(written)}"
            if len(written) != _FIELDS
            else f"{fields[:40]!r} is no schedule",
            place="cron",
            hint="minute hour day-of-month month day-of-week, as in 0 7 * * MON",
        )
    from cronsim import CronSim, CronSimError

    try:
        CronSim(fields, _SOME_DAY)
    except (CronSimError, ValueError) as error:
        place = str(error).removeprefix("Bad ")
        number = list(_EXAMPLES).index(place) if place in _EXAMPLES else 0
        raise InvalidSchedule(
            f"{written[number][:40]!r} is no {place.replace('-', ' ')}"
            if place in _EXAMPLES
            else f"{fields[:40]!r} is no schedule",
            place=place if place in _EXAMPLES else "cron",
            hint=_EXAMPLES.get(place, "minute hour day-of-month month day-of-week, as in 0 7 * * MON"),
        ) from None
    return Crontab(" ".join(written).upper())


def _of_word(text: str) -> str:
    known = WORDS.get(text.lower())
    if known is None:
        near = nearest(text, WORDS)
        raise InvalidSchedule(
            f"{text[:40]!r} is no word for a schedule",
            place="cron",
            hint=f"did you mean {near}?" if near else f"{', '.join(WORDS)}, or five fields",
        )
    return known
