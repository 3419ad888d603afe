"""Ending a map early, from any thread and in two steps.

Rule: what has ended keeps its result. After `set` nothing new begins and what runs goes on to its end;
`cancel` ends that as well, and each is recorded as cancelled.
"""

from __future__ import annotations

import threading
from typing import Protocol


class Driver(Protocol):
    """Who drives a map. Both are called by any thread."""

    def running(self) -> int:
        """How many have begun and not ended."""

    def cancel(self) -> bool:
        """End what runs, and what was just about to; False when it cannot. More than once is fine."""


class Stopping:
    """Of one map: whether it is to end early, and how."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._asked = threading.Event()
        self._cancelled = False
        self._driver: Driver | None = None

    def set(self) -> None:
        """Begin nothing new."""
        self._asked.set()

    def is_set(self) -> bool:
        """Whether nothing new may begin."""
        return self._asked.is_set()

    def cancel(self) -> bool:
        """End what runs as well; False when that cannot be done here, and it is to be left alone."""
        self._asked.set()
        with self._turn:
            self._cancelled = True
            return self._driver is None or self._driver.cancel()

    def running(self) -> int:
        """How many run at this moment."""
        with self._turn:
            return 0 if self._driver is None else self._driver.running()

    def driven(self, driver: Driver) -> None:
        """By this one from now on; what was asked before is heard as well."""
        with self._turn:
            self._driver = driver
            if self._cancelled:
                driver.cancel()
