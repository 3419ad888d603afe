"""Instants and spans as people type them: `7d`, `24h`, `now`, `2026-11-16`, ISO 8601 with or without a zone.

Pure: what "now" is, is handed in.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from faaslab.errors import InvalidValue

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_FORMS = (
    "write a span back from now (90s, 30m, 24h, 7d, 2w), 'now', or an ISO instant such as 2026-11-16T07:00Z"
)


def span(text: str, *, place: str | None = None) -> timedelta:
    """The length that `90s`, `30m`, `1h30m`, `7d` or `2w` means."""
    compact = text.strip().lower()
    if not _SPAN.fullmatch(compact):
        raise InvalidValue(
            f"{text!r} is not a span of time", place=place, hint="write 90s, 30m, 24h, 7d or 2w"
        )
    try:
        return sum(
            (timedelta(**{_UNITS[unit]: float(number)}) for number, unit in _PART.findall(compact)),
            timedelta(),
        )
    except OverflowError:
        raise InvalidValue(f"{text!r} is too long a span", place=place) from None


def moment(value: str | datetime | timedelta, *, now: datetime, place: str | None = None) -> datetime:
    """The instant (naive UTC) that `value` means: a span counts back from `now`; no zone means UTC."""
    if isinstance(value, timedelta):
        return now - value
    if isinstance(value, datetime):
        return _utc(value)
    text = value.strip()
    if text.lower() == "now":
        return now
    back = text.removeprefix("-").lower()  # `-7d`, as other tools write it, is `7d`
    if _SPAN.fullmatch(back):
        try:
            return now - span(back, place=place)
        except OverflowError:
            raise InvalidValue(f"{text!r} is before the calendar begins", place=place) from None
    try:
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise InvalidValue(f"{text!r} is no instant", place=place, hint=_FORMS) from None


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant
