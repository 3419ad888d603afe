"""Lengths of time in the unit that fits, short enough for a picture. Pure."""

from __future__ import annotations

from datetime import timedelta

_UNITS = (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0))
STEPS = (
    *(step * scale for scale in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1) for step in (1, 2, 5)),
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    *(86_400 * days for days in (1, 2, 5, 7, 14, 30, 60, 90, 180, 365)),
)  # fmt: skip
"""Seconds between the marks of an axis."""


def length(span: timedelta | float) -> str:
    """`12 ms`, `1.25 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if seconds < 0.0995:
        return f"{_plain(seconds * 1_000, 2 if seconds < 0.00995 else 1)} ms"
    if seconds < 0.9995:
        return f"{seconds * 1_000:.0f} ms"
    if seconds < 59.95:
        return f"{_plain(seconds, 2 if seconds < 9.995 else 1)} s"
    whole = round(seconds)
    units = [*_UNITS, ("s", 1.0)]
    for index, (name, size) in enumerate(units):
        count, left = divmod(whole, int(size))
        if count:
            under, small = units[index + 1]
            rest = round(left / small) if small > 1 else left
            if rest * small >= size:
                count, rest = count + 1, 0
            return f"{count:,} {name}" + (f" {rest} {under}" if rest else "")
    return "0 s"


def step_of(seconds: float, most: int) -> float:
    """The step of an axis of that length that has `most` marks or fewer."""
    wanted = seconds / max(most, 1)
    found = next((float(step) for step in STEPS if step >= wanted), None)
    return found if found is not None else 86_400 * 365 * float(-(-wanted // (86_400 * 365)))


def mark(seconds: float, step: float) -> str:
    """The text at a mark of an axis with that step."""
    if not seconds:
        return "0"
    if step < 1e-3:
        return f"{_plain(seconds * 1_000, 3)} ms"
    if step < 1 and seconds < 1:
        return f"{_plain(seconds * 1_000, 1)} ms"
    if step < 60 and seconds < 60:
        return f"{_plain(seconds, 3)} s"
    if step < 1:
        return f"{int(seconds // 60)} min {_plain(seconds % 60, 3)} s"
    return length(seconds)


def _plain(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
