"""The threads that the calls of all executions share: a bounded number, each for as long as there is work.

Rule: calls go in lanes, by whom they wait for. Each lane has a bound of its own, so that who does not answer
holds up nobody but those that wait for the same.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any

from faaslab.errors import Closed
from faaslab.store import forks

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

LOG = logging.getLogger(__name__)
AT_ONCE = 128
A_LANE = 16
DRAIN_S = 5.0
"""How long closing waits for the calls that run; who takes their executions up makes them again."""


class Workers:
    """Runs deeds, those of a lane in the order they came. `close` forgets those that have not begun."""

    fork_order = 7

    def __init__(self, at_once: int = AT_ONCE, a_lane: int = A_LANE) -> None:
        """`at_once` threads at most, `a_lane` of them for one lane."""
        self._at_once = at_once
        self._a_lane = a_lane
        self._closed = False
        self._begin()
        forks.register(self)

    def _begin(self) -> None:
        self._guard = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[str, OrderedDict[Hashable, Callable[[], None]]] = OrderedDict()
        self._wanted: dict[Hashable, tuple[str, Callable[[], None]]] = {}

    def submit(self, lane: str, whose: Hashable, deed: Callable[..., None], *given: Any) -> None:
        """Have it run soon, for `whose` (an execution and a key). Raises `Closed`."""
        with self._guard:
            if self._closed:
                raise Closed("this lab is closed", hint="open another: faaslab.open()")

            def done() -> None:
                deed(*given)

            self._wanted[whose] = lane, done
            if self._running[lane] >= self._a_lane or len(self._threads) >= self._at_once:
                self._waiting.setdefault(lane, OrderedDict())[whose] = done
                return
            thread = threading.Thread(
                target=self._work, args=(lane, whose, done), name="faaslab-task", daemon=True
            )
            thread.start()
            self._threads.add(thread)
            self._running[lane] += 1

    def forget(self, whose: Hashable) -> None:
        """It is of no use any more: it does not begin, and one that has can tell by `is_wanted`."""
        with self._guard:
            lane, _ = self._wanted.pop(whose, ("", None))
            waiting = self._waiting.get(lane)
            if waiting is not None and waiting.pop(whose, None) is not None and not waiting:
                del self._waiting[lane]

    def is_wanted(self, whose: Hashable) -> bool:
        """Whether somebody waits for it still."""
        return whose in self._wanted

    def _work(self, lane: str, whose: Hashable, deed: Callable[[], None]) -> None:
        taken: tuple[str, Hashable, Callable[[], None]] | None = (lane, whose, deed)
        while taken is not None:
            lane, whose, deed = taken
            try:
                deed()
            except Exception:
                if not self._closed:  # else what it needs is gone, and it is done anew
                    LOG.exception("what an execution wants could not be done")
            with self._guard:
                if self._wanted.get(whose, ("", None))[1] is deed:  # else it was taken up again meanwhile
                    del self._wanted[whose]
                self._running[lane] -= 1
                if not self._running[lane]:
                    del self._running[lane]
                taken = self._next()
                if taken is None:
                    self._threads.discard(threading.current_thread())

    def _next(self) -> tuple[str, Hashable, Callable[[], None]] | None:
        """The oldest deed of the lane whose turn it is among those that are not full."""
        lane = next((each for each in self._waiting if self._running[each] < self._a_lane), None)
        if lane is None:
            return None
        waiting = self._waiting[lane]
        whose, deed = waiting.popitem(last=False)
        if waiting:
            self._waiting.move_to_end(lane)
        else:
            del self._waiting[lane]
        self._running[lane] += 1
        return lane, whose, deed

    def close(self) -> None:
        """Let what runs end, for some seconds; may be called twice."""
        with self._guard:
            self._closed = True
            self._waiting.clear()
            threads = list(self._threads)
        deadline = time.monotonic() + DRAIN_S
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(deadline - time.monotonic(), 0))

    def before_fork(self) -> None:
        """Nothing is half made while a child is."""
        self._guard.acquire()

    def after_fork(self, *, child: bool) -> None:
        """A child has none of the threads, and gets its own when it needs them."""
        if child:
            self._begin()
        else:
            self._guard.release()
