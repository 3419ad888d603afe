"""How fast a streamed response may leave. Pure: it is told the time and says how long to wait.

Rule (Developer Guide, "Bandwidth limits for response streaming"; RIE, `bandwidthlimiter`): the first 6 MB go
as they come, what follows at 2 MB a second.
"""

from __future__ import annotations

FREE_BYTES = 6 * 1024 * 1024
BYTES_PER_S = 2 * 1024 * 1024


class Allowance:
    """A bucket that is full at `now` (seconds on any clock) and fills as time passes."""

    def __init__(self, now: float) -> None:
        self._left = float(FREE_BYTES)
        self._at = now

    def take(self, size: int, now: float) -> float:
        """Let `size` bytes go; for how many seconds whoever sends must wait after them."""
        self._left = min(FREE_BYTES, self._left + (now - self._at) * BYTES_PER_S)
        self._at = now
        self._left -= size
        return max(-self._left / BYTES_PER_S, 0.0)
