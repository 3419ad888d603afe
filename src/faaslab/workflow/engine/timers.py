"""Timers of many executions in one heap; one that is moved or forgotten leaves an entry to be skipped.

Rule: a clock that is set back delays nothing that runs. An execution goes on in its own time, which is the
clock's and what that was set back by since it began (`Live.lag`).
"""

from __future__ import annotations

import heapq
import math
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from faaslab.clock import Clock
    from faaslab.workflow.engine.live import Live

SET_BACK = timedelta(seconds=1)
"""A clock that falls behind by no more than this between two looks is being slowed, not set."""


def set_back(expected: datetime, now: datetime) -> timedelta:
    """How much earlier it is than it has to be by now, where that is more than a second."""
    fell = expected - now
    return fell if fell > SET_BACK else timedelta(0)


class Timers:
    """Not locked: the engine's lock is held around it."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Live, str, datetime]] = []
        self._count = 0
        self._seen: tuple[datetime, float] | None = None

    def add(self, live: Live, key: str, due: datetime) -> None:
        """Tell of `key` when it is due in the execution's time."""
        self._count += 1
        heapq.heappush(self._heap, (due - live.lag, self._count, live, key, due))

    def look(self, clock: Clock, lives: Iterable[Live]) -> None:
        """See whether the clock was set back since the last look: the time of these goes on then."""
        now, monotonic = clock.now(), clock.monotonic()
        before, self._seen = self._seen, (now, monotonic)
        if before is None:
            return
        fell = set_back(before[0] + timedelta(seconds=monotonic - before[1]), now)
        if fell:
            for live in lives:
                live.lag += fell
            self._heap = [(due - live.lag, count, live, key, due) for _, count, live, key, due in self._heap]
            heapq.heapify(self._heap)

    def due(self, now: datetime) -> list[tuple[Live, str]]:
        """Take out those that are due and still set."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            _, _, live, key, due = heapq.heappop(self._heap)
            if live.timers.get(key) == due:
                found.append((live, key))
        return found

    def left_s(self, now: datetime) -> float:
        """The seconds until the earliest that is still set is due."""
        while self._heap:
            at, _, live, key, due = self._heap[0]
            if live.timers.get(key) == due:
                return (at - now).total_seconds()
            heapq.heappop(self._heap)
        return math.inf
