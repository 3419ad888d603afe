"""Figures as people read them, each with its unit. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from faaslab.monitoring import shares

if TYPE_CHECKING:
    from datetime import datetime, timedelta

STATUS_HUES = {
    "completed": "ok",
    "succeeded": "ok",
    "active": "ok",
    "ok": "ok",
    "created": "ok",
    "updated": "info",
    "running": "info",
    "pending": "info",
    "timeout": "warn",
    "timed_out": "warn",
    "throttled": "warn",
    "note": "warn",
    "failed": "bad",
    "bad": "bad",
}
"""What a status looks like; anything else is grey."""


def duration(ms: float | None) -> str | None:
    """Milliseconds in the unit that fits."""
    if ms is None:
        return None
    if ms < 10:
        return f"{ms:.2f} ms"
    if ms < 1_000:
        return f"{ms:.1f} ms"
    if ms < 60_000:
        return f"{ms / 1_000:.2f} s"
    minutes, seconds = divmod(round(ms / 1_000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def amount(count: int, noun: str, plural: str | None = None) -> str:
    """`1 line`, `2 lines`, `12,345 lines`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def size(count: int) -> str:
    """Bytes in the unit that fits."""
    if count < 1_024:
        return f"{count} B"
    if count < 1_024**2:
        return f"{count / 1_024:.1f} KB"
    return f"{count / 1_024**2:.1f} MB"


def micro_dollars(usd: float | None) -> str | None:
    """Dollars in millionths, which is also what a million of them cost in dollars."""
    return None if usd is None else f"{significant(usd * 1e6)} µ$"


def significant(value: float) -> str:
    """Three digits that count, without an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{Decimal(f'{value:.3g}'):f}"


_THOUSANDS = ("", "k", "M", "G", "T", "P")


def compact(value: float) -> str:
    """A count in a few letters: `950`, `1.2k`, `34M`."""
    power = 0
    while abs(value) >= 999.5 and power < len(_THOUSANDS) - 1:
        value, power = value / 1_000, power + 1
    if abs(value) >= 9_999.5:
        return f"{value:.0e}{_THOUSANDS[power]}"
    return f"{value:.3g}{_THOUSANDS[power]}"


def brief_ms(ms: float) -> str:
    """A duration in three digits: `250 ms`, `1.5 s`, `20 min`."""
    if ms < 999.5:
        return f"{ms:.3g} ms"
    if ms < 999_500:
        return f"{ms / 1_000:.3g} s"
    return f"{compact(ms / 60_000)} min"


def percent(share: float) -> str:
    """A share (0 to 1), with a place where it is small: `0.4 %`, `12 %`. A little is never shown as 0 %."""
    return shares.share(share).replace(".0 %", " %")


def dollars(usd: float) -> str:
    """Dollars; what is less than a cent in millionths, as AWS bills it."""
    if usd == 0:
        return "$0"
    if abs(usd) < 0.01:
        return f"{significant(usd * 1e6)} µ$"
    return f"${significant(usd)}" if abs(usd) < 1_000 else f"${compact(usd)}"


def lasting(length: timedelta) -> str:
    """A round length of time in the unit that fits: `15 s`, `5 min`, `1 h`, `7 d`."""
    seconds = length.total_seconds()
    for unit, size_s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size_s:
            return f"{seconds / size_s:.3g} {unit}"
    return f"{seconds:.3g} s"


def moment(at: datetime) -> str:
    """An instant (naive UTC) to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def time_of_day(at: datetime) -> str:
    """The time of an instant, to the millisecond."""
    return f"{at:%H:%M:%S}.{at.microsecond // 1_000:03d}"
