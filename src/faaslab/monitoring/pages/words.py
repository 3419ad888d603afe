"""Figures in words, the same on every page: counts, shares, times, money. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from faaslab.monitoring import shares

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from decimal import Decimal

    import pandas as pd

NONE = "–"
"""Where nothing is known."""


def known(value: object) -> bool:
    """Whether there is a figure at all (not None, NaN or NaT)."""
    if hasattr(value, "__len__") and not isinstance(value, str):  # a list, of a quantile curve say
        return True
    return not (value is None or value != value or str(value) in {"NaT", "<NA>"})  # noqa: PLR0124


def count(value: float | None) -> str:
    """`3,120`."""
    return f"{round(value):,}" if known(value) and value is not None else NONE


def of(value: float, noun: str, plural: str | None = None) -> str:
    """`1 function`, `3,120 invocations`."""
    return f"{count(value)} {noun if round(value) == 1 else plural or noun + 's'}"


def share(value: float | None) -> str:
    """`4.2 %` of a part from 0 to 1. A little is never shown as 0 %, nor nearly all as 100 %."""
    if value is None or not known(value):
        return NONE
    return shares.share(value)


def ms(value: float | None) -> str:
    """`0.8 ms`, `88 ms`, `2.35 s`, `4.2 min`."""
    if value is None or not known(value):
        return NONE
    if value < 10:
        return f"{value:.1f} ms"
    if value < 999.5:
        return f"{value:.0f} ms"
    seconds = value / 1000
    if seconds < 99.5:
        return f"{seconds:.3g} s"
    return span(seconds)


def span(seconds: float | None) -> str:
    """`45 s`, `12 min`, `2.5 h`, `14 days`."""
    if seconds is None or not known(seconds):
        return NONE
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size * (2 if unit == "days" else 1):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def usd(value: Decimal | float | None) -> str:
    """`$1,240`, `$13.52`, `$0.0042`: two digits that count, at least."""
    if value is None or not known(value):
        return NONE
    amount = float(value)
    if amount == 0:
        return "$0"
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size >= 1000:
        return f"{sign}${size:,.0f}"
    if size >= 0.995:
        return f"{sign}${size:.2f}"
    digits = min(1 - math.floor(math.log10(size)), 9)
    return f"{sign}${size:.{digits}f}" if size >= 1e-9 else f"under {sign}$0.000000001"


def mb(value: float | None) -> str:
    """`1,769 MB`."""
    return f"{count(value)} MB" if known(value) else NONE


def instant(at: datetime | None, *, seconds: bool = False) -> str:
    """`2 Nov 2026, 14:05`, with `seconds` `2 Nov 2026, 14:05:07`."""
    if at is None or not known(at):
        return NONE
    return f"{at.day} {at:%b %Y, %H:%M:%S}" if seconds else f"{at.day} {at:%b %Y, %H:%M}"


def between(first: datetime | None, last: datetime | None) -> str:
    """`2 Nov 2026, 14:05 to 9 Nov 2026, 08:00`; with seconds where it is a matter of minutes."""
    near = first is not None and last is not None and (last - first).total_seconds() < 600
    return f"{instant(first, seconds=near)} to {instant(last, seconds=near)}"


def day(at: date) -> str:
    """`Tuesday, 17 November`."""
    return f"{at:%A}, {at.day} {at:%B}"


def amount(value: float | None) -> str:
    """`374,476`, `9.2`, `0.14`: three digits that count."""
    if value is None or not known(value):
        return NONE
    return count(value) if abs(value) >= 100 else f"{value:.3g}"


def times(value: float | None) -> str:
    """`72 ×`."""
    return (
        f"{value:.2g} ×" if value is not None and value < 10 else f"{value:,.0f} ×" if known(value) else NONE
    )


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def sentence(start: str) -> str:
    """With a capital at its beginning."""
    return start[:1].upper() + start[1:]


def text(value: object) -> str:
    """As it is; a dash for nothing."""
    return str(value) if known(value) else NONE


def clipped(value: object, most: int = 160) -> str:
    """The same, cut after so many characters."""
    told = text(value)
    return told if len(told) <= most else f"{told[: most - 1]}…"


def maybe(value: object) -> str | None:
    """A text of a DataFrame, or None where it has none."""
    return str(value) if known(value) else None


def rows(df: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of an answer as mappings; instants as datetime, None for what is not known."""
    return [{str(name): _value(value) for name, value in row.items()} for row in df.to_dict("records")]


def _value(value: Any) -> Any:
    if not known(value):
        return None
    return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
