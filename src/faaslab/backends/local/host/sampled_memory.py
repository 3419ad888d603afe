"""The memory of an environment's processes where no maximum of it is kept: looked at again and again.

Rule: looking may not cost more than what is looked at. The process itself is asked each time; who is below it
is listed anew only so often that listing takes a tenth of the time.
"""

from __future__ import annotations

import time

import psutil

_SHARE = 10
_AT_LEAST_S = 0.02
_QUICK_S = 0.1


class SampledMemory:
    """As `limits.ProcessMemory`, through psutil; what was held between two looks is not known."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._own: psutil.Process | None = None
        self._below: list[psutil.Process] = []
        self._list_at = 0.0
        self._sampled = 0
        self._before = 0

    def reset(self) -> None:
        """Begin a new maximum."""
        self._before, self._sampled = self._sampled or self._before, 0

    def peak(self) -> int | None:
        """The largest that was seen since `reset`, or of what has ended before, in KiB; None for nothing."""
        self.sample()
        return self._sampled or self._before or None

    def sample(self, *, quick: bool = False) -> int:
        """What all processes of the environment hold now, in KiB; pages that they share count in each.

        With `quick` the list of them may be a tenth of a second old.
        """
        held = self._resident(self._process())
        now = time.perf_counter()
        if held and now >= self._list_at + (_QUICK_S if quick else 0.0):
            self._below = self._listed()
            took = time.perf_counter() - now
            self._list_at = now + max(_SHARE * took, _AT_LEAST_S)
        if self._below:
            held += sum(self._resident(process) for process in self._below)
        self._sampled = max(self._sampled, held)
        return held

    def _process(self) -> psutil.Process | None:
        if self._own is None:
            try:
                self._own = psutil.Process(self.pid)
            except psutil.Error:
                return None
        return self._own

    def _listed(self) -> list[psutil.Process]:
        try:
            return self._own.children(recursive=True) if self._own is not None else []
        except psutil.Error:
            return []

    @staticmethod
    def _resident(process: psutil.Process | None) -> int:
        if process is None:
            return 0
        try:
            return process.memory_info().rss // 1024
        except (psutil.Error, OSError):
            return 0

    def close(self) -> None:
        """Look no more; may be called twice."""
        self._below = []
