"""Timestamps as Step Functions takes them: RFC 3339 with a capital T, and a capital Z or an offset.

Rule: two timestamps are compared as instants, to the nanosecond that they can have.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_EPOCH = datetime(1970, 1, 1)
_FURTHEST_S = 18 * 3600  # of an offset, as in Java


def instant(text: str) -> int | None:
    """The nanoseconds since 1970 at the timestamp; None when it is none."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    try:
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second))
    except ValueError:
        return None
    offset = 0
    if sign is not None:
        offset = int(hours) * 3600 + int(minutes) * 60
        if int(minutes) > 59 or offset > _FURTHEST_S:
            return None
        offset = -offset if sign == "-" else offset
    whole = (local - _EPOCH) // timedelta(seconds=1) - offset
    return whole * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


def parsed(text: str) -> datetime | None:
    """The instant (naive UTC, to the microsecond) that the timestamp is; None when it is none."""
    nanoseconds = instant(text)
    if nanoseconds is None:
        return None
    try:
        return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return None


def formatted(moment: datetime) -> str:
    """A naive UTC instant as Step Functions writes it: `2024-11-06T09:42:03.123Z`."""
    return moment.isoformat(timespec="milliseconds") + "Z"
