"""Where an instant stands on the axis. Long idle times between few stretches of work are folded. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_FOLDS = 10
_IDLE = 0.25
"""Idle for longer than this share of all the time that is not idle: that may be folded."""
_GAIN = 0.5
"""Nothing is folded unless that takes away this share of the whole."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `begin` to `end` the axis goes from `left` to `right`; `idle` where it is folded."""

    begin: datetime
    end: datetime
    left: float
    right: float
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """The axis, from 0 to its width."""

    stretches: tuple[Stretch, ...]

    @property
    def begin(self) -> datetime:
        """Its first instant."""
        return self.stretches[0].begin

    @property
    def end(self) -> datetime:
        """Its last instant."""
        return self.stretches[-1].end

    @property
    def worked(self) -> timedelta:
        """What is drawn to scale."""
        return sum((each.end - each.begin for each in self.stretches if not each.idle), timedelta())

    @property
    def folded(self) -> int:
        """How many idle times are folded."""
        return sum(each.idle for each in self.stretches)

    def at(self, instant: datetime) -> float:
        """Where it stands; what lies outside stands at the edge."""
        place = 0
        if len(self.stretches) > 1:
            place = max(bisect_right(self.stretches, instant, key=lambda each: each.begin) - 1, 0)
        each = self.stretches[place]
        share = (instant - each.begin) / max(each.end - each.begin, timedelta(microseconds=1))
        return each.left + (each.right - each.left) * min(max(share, 0.0), 1.0)


def scale(spans: Iterable[tuple[datetime, datetime]], width: float, fold: float) -> Scale:
    """The axis for what is at work during `spans` (at least one); a folded idle time is `fold` wide."""
    busy = merged(spans)
    begin, end = busy[0][0], busy[-1][1]
    whole = end - begin
    gaps = [(busy[place][1], busy[place + 1][0]) for place in range(len(busy) - 1)]
    idle = _folded(gaps, whole)
    edges = [begin, *(edge for gap in idle for edge in gap), end]
    worked = whole - sum((b - a for a, b in idle), timedelta())
    room = width - fold * len(idle)
    stretches: list[Stretch] = []
    left = 0.0
    for place, (a, b) in enumerate(pairwise(edges)):
        folded = place % 2 == 1
        wide = fold if folded else room * ((b - a) / worked if worked else 1 / (len(idle) + 1))
        stretches.append(Stretch(a, b, left, left + wide, folded))
        left += wide
    return Scale(tuple(stretches))


def _folded(gaps: list[tuple[datetime, datetime]], whole: timedelta) -> list[tuple[datetime, datetime]]:
    """The idle times that are worth folding, in order: as many of the longest as may be."""
    longest = sorted(gaps, key=lambda gap: gap[0] - gap[1])[:_MOST_FOLDS]
    while longest:
        gain = sum((b - a for a, b in longest), timedelta())
        shortest = longest[-1][1] - longest[-1][0]
        if shortest > _IDLE * (whole - gain) and gain >= _GAIN * whole:
            return sorted(longest)
        longest.pop()
    return []


def merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The spans, those that touch made one."""
    found: list[tuple[datetime, datetime]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found
