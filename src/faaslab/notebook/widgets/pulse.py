"""One thread for all that is live in a notebook. It is there as long as something beats, and no longer.

Rule: whoever takes long is called less often, so that each costs a tenth of a core at most.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from faaslab.clock import SYSTEM, Clock

if TYPE_CHECKING:
    from collections.abc import Iterable


_PAUSE = 9.0
"""A beat is followed by a pause of so many times what it took."""


class Beating(Protocol):
    """Something that wants to be called now and then. `beat` may not raise."""

    @property
    def period_s(self) -> float:
        """Seconds from one beat to the next."""

    @property
    def beats(self) -> bool:
        """Whether it wants to be called at all now."""

    def beat(self) -> None:
        """Do what is to be done."""


class Pulse:
    """Calls each that was added every so often, while it wants that. `close` twice is fine."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._due: dict[Beating, float] = {}
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    def wake(self, *those: Beating) -> None:
        """Call them now, and from then on every so often, if they want that."""
        with self._turn:
            if self._closed:
                return
            now = self._clock.monotonic()
            self._due.update((each, now) for each in those)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="faaslab-pulse", daemon=True)
                self._thread.start()
        self._woken.set()

    def _run(self) -> None:
        while True:
            self._woken.clear()
            broken = [each for each in self._ready() if not self._beaten(each)]
            with self._turn:
                now = self._clock.monotonic()
                going = {each: due for each, due in self._due.items() if each not in broken and each.beats}
                self._due = going
                if self._closed or not self._due:
                    self._thread = None
                    return
                wait_s = min(self._due.values()) - now
            if wait_s > 0:
                self._clock.wait(self._woken, wait_s)

    def _ready(self) -> Iterable[Beating]:
        with self._turn:
            now = self._clock.monotonic()
            ready = [each for each, due in self._due.items() if due <= now]
            # A beat that took long is not made up for.
            self._due.update((each, now + each.period_s) for each in ready)
        return ready

    def _beaten(self, each: Beating) -> bool:
        """Call one of them; False for one that failed, which is told as Python tells it of any thread."""
        with self._turn:
            began_s, due_s = self._clock.monotonic(), self._due.get(each)
        try:
            if each.beats:
                each.beat()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the others go on
            about = (type(error), error, error.__traceback__, threading.current_thread())
            threading.excepthook(threading.ExceptHookArgs(about))
            return False
        ended_s = self._clock.monotonic()
        with self._turn:
            # Unless somebody woke it meanwhile.
            if due_s is not None and self._due.get(each) == due_s:
                self._due[each] = max(due_s, ended_s + _PAUSE * (ended_s - began_s))
        return True

    @property
    def running(self) -> bool:
        """Whether there is a thread."""
        return self._thread is not None

    def close(self) -> None:
        """Call nobody any more; a beat that is going on ends first."""
        with self._turn:
            self._closed = True
            self._due.clear()
            thread = self._thread
        self._woken.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
