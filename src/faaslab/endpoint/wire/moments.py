"""Moments as they travel: seconds since 1970, ISO 8601 or the date of HTTP."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

EPOCH = datetime(1970, 1, 1)
ISO = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)?")


def from_seconds(seconds: float) -> datetime:
    """Raises ValueError or OverflowError for what no calendar has."""
    return EPOCH + timedelta(seconds=seconds)


def from_text(text: str, style: str) -> datetime:
    """A moment written as `unixtimestamp`, `iso8601` or `rfc822`. Raises ValueError or OverflowError."""
    if style == "unixtimestamp":
        return from_seconds(float(text))
    if style == "rfc822":
        return _naive(parsedate_to_datetime(text))
    if ISO.fullmatch(text) is None:
        raise ValueError(text[:80])
    whole, _, rest = text.partition(".")
    digits = re.match(r"\d*", rest)
    if digits is not None and len(digits[0]) > 6:
        text = f"{whole}.{digits[0][:6]}{rest[digits.end() :]}"
    return _naive(datetime.fromisoformat(text.upper()))


def to_seconds(moment: datetime) -> float:
    """Seconds since 1970, a whole number where it is one."""
    seconds = (_naive(moment) - EPOCH) / timedelta(seconds=1)
    return int(seconds) if seconds.is_integer() else seconds


def to_text(moment: datetime, style: str) -> str:
    """The moment in one of the three styles; the date of HTTP has no fractions."""
    if style == "unixtimestamp":
        return str(to_seconds(moment))
    moment = _naive(moment)
    if style == "rfc822":
        return format_datetime(moment.replace(tzinfo=UTC), usegmt=True)
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _naive(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)
