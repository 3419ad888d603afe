"""Figures as people read them, each with its unit. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

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


def moment(at: datetime) -> str:
    """An instant (naive UTC) to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def time_of_day(at: datetime) -> str:
    """The time of an instant, to the millisecond."""
    return f"{at:%H:%M:%S}.{at.microsecond // 1_000:03d}"
