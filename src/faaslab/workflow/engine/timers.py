"""Timers of many executions in one heap; one that is moved or forgotten leaves an entry to be skipped."""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from faaslab.workflow.engine.live import Live


class Timers:
    """Not locked: the engine's lock is held around it."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Live, str]] = []
        self._count = 0

    def add(self, live: Live, key: str, due: datetime) -> None:
        """Tell of `key` when it is due."""
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, live, key))

    def due(self, now: datetime) -> list[tuple[Live, str]]:
        """Take out those that are due and still set."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            due, _, live, key = heapq.heappop(self._heap)
            if live.timers.get(key) == due:
                found.append((live, key))
        return found

    def left_s(self, now: datetime) -> float:
        """The seconds until the earliest that is still set is due."""
        while self._heap:
            due, _, live, key = self._heap[0]
            if live.timers.get(key) == due:
                return (due - now).total_seconds()
            heapq.heappop(self._heap)
        return math.inf
