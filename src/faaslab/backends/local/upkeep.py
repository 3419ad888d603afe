"""What happens to idle environments: they are frozen soon, and ended after their keep-alive.

Rule: nothing of this is in the way of an invocation. Freezing right after the answer would cost the next
one a tenth when it comes at once, so it is left to a thread that sleeps while nothing is idle and running.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from faaslab.backends.local.api.farewell import close_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.backends.local.pool import Pools
    from faaslab.backends.local.settings import LocalSettings
    from faaslab.clock import Clock

FREEZE_AFTER_S = 0.005


class Upkeep:
    """The two threads of a backend; each starts when there is something to do for it."""

    def __init__(
        self,
        pools: Pools,
        settings: LocalSettings,
        clock: Clock,
        closing: threading.Event,
        *,
        also: Callable[[float, float], None],
    ) -> None:
        """`also` is told the time and the keep-alive whenever environments are looked at for their age."""
        self._also = also
        self._pools = pools
        self._settings = settings
        self._clock = clock
        self._closing = closing
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._wake = threading.Event()
        self._freezes = settings.freeze
        self._awake = False

    def released(self) -> None:
        """An environment has become idle."""
        if self._freezes and not self._awake:
            self._awake = True
            self._wake.set()
        if not self._threads:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._threads or self._closing.is_set():
                return
            self._threads.append(threading.Thread(target=self._reap, name="faaslab-keep-alive", daemon=True))
            if self._freezes:
                self._threads.append(
                    threading.Thread(target=self._freeze, name="faaslab-freeze", daemon=True)
                )
            for thread in self._threads:
                thread.start()

    def _freeze(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while not self._closing.wait(FREEZE_AFTER_S):
                # Said before the look: who is released during it wakes this thread again.
                self._awake = False
                if not self._pools.freeze(FREEZE_AFTER_S):
                    break
                self._awake = True
            if self._closing.is_set():
                return

    def _reap(self) -> None:
        keep_alive_s = self._settings.keep_alive_s
        following: float | None = None
        while True:
            now = self._clock.monotonic()
            wait_s = keep_alive_s if following is None else max(following - now, 0.001)
            if self._clock.wait(self._closing, wait_s):
                return
            gone, following = self._pools.expired(self._clock.monotonic(), keep_alive_s)
            close_all(gone)
            self._also(self._clock.monotonic(), keep_alive_s)

    def close(self) -> None:
        """Wait for the threads; `closing` was set before. May be called twice."""
        self._wake.set()
        with self._lock:
            threads, self._threads = self._threads, []
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join()

    def abandon(self) -> None:
        """In a forked child: the threads are the parent's."""
        self._lock, self._threads = threading.Lock(), []
