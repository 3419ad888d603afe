"""How many ran at once, and for how long: a sweep over the beginnings and ends of runs. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Levels:
    """`us` is k -> microseconds during which exactly k ran, k from 0 on, between the first and the last.

    `steps` are (instant, how many run from then on), in order.
    """

    us: dict[int, int]
    steps: tuple[tuple[datetime, int], ...]

    @property
    def peak(self) -> int:
        """The most that ran at once."""
        return max((level for level, us in self.us.items() if us), default=0)

    @property
    def peak_at(self) -> datetime | None:
        """When so many ran first."""
        return next((at for at, level in self.steps if level == self.peak), None) if self.peak else None

    @property
    def total_us(self) -> int:
        """All of that time."""
        return sum(self.us.values())

    @property
    def busy_us(self) -> int:
        """The lengths of all runs together."""
        return sum(level * us for level, us in self.us.items())


def levels(spans: Iterable[tuple[datetime, datetime]]) -> Levels:
    """The levels of (begin, end) spans. One that ends when another begins does not run beside it."""
    change: Counter[datetime] = Counter()
    for begin, end in spans:
        if end > begin:
            change[begin] += 1
            change[end] -= 1
    us: dict[int, int] = {}
    steps: list[tuple[datetime, int]] = []
    level, since = 0, None
    for at in sorted(change):
        if since is not None:
            us[level] = us.get(level, 0) + (at - since) // _MICROSECOND
        level, since = level + change[at], at
        if change[at]:
            steps.append((at, level))
    return Levels(dict(sorted(us.items())), tuple(steps))


def grouped(found: Levels, most: int) -> list[tuple[int, int, int]]:
    """(from, to, microseconds) in at most so many groups of neighbouring levels, 0 by itself."""
    peak = found.peak
    rows = [(0, 0, found.us[0])] if found.us.get(0) else []
    step = max(-(-peak // most), 1)
    for low in range(1, peak + 1, step):
        high = min(low + step - 1, peak)
        rows.append((low, high, sum(found.us.get(level, 0) for level in range(low, high + 1))))
    return rows
