"""The one place that reads the time. Everything else is handed a `Clock`, or `now` as an argument.

Instants are naive `datetime` in UTC: that is what the store keeps.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What a room may ask of time."""

    def now(self) -> datetime:
        """The instant, naive UTC, microseconds."""

    def monotonic(self) -> float:
        """Seconds that never go back, for durations."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until `event` is set or `seconds` have passed on this clock; True when it is set."""


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The instant, naive UTC."""
        return datetime.now(UTC).replace(tzinfo=None)

    def monotonic(self) -> float:
        """Seconds since some start."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait on the event."""
        return event.wait(max(seconds, 0.0))


class SteppedClock:
    """A clock that stands still until it is moved by hand: `advance` wakes whoever's time has come."""

    def __init__(self, start: datetime = datetime(2026, 1, 1)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._moved = threading.Condition()

    def now(self) -> datetime:
        """The instant it was moved to."""
        with self._moved:
            return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Seconds it was moved by since its start."""
        with self._moved:
            return self._elapsed

    def advance(self, seconds: float) -> None:
        """Move it forward and wake those who wait."""
        with self._moved:
            self._elapsed += seconds
            self._moved.notify_all()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set or the clock was moved past the time."""
        with self._moved:
            until = self._elapsed + seconds
            while not event.is_set() and self._elapsed < until:
                # The event is set without our lock, so look at it now and then as well.
                self._moved.wait(0.01)
        return event.is_set()


SYSTEM = SystemClock()
