"""One function over many payloads: one thread drives all that is short, and leaves the rest to others.

Rule: an execution is recorded before it is handed on. What does not answer within a tick, needs an init, or
is otherwise out of the ordinary is driven by a thread of its own, as every single invocation is; so short
invocations do not wait for each other's turn of the interpreter, and long ones for nobody.

While there is something to do for an environment nothing is recorded, so that a busy store sees few large
writes and not many small ones.
"""

from __future__ import annotations

import os
import queue
import select
import threading
import time
from typing import TYPE_CHECKING

from faaslab.backends.local.cancelling import Cancelling
from faaslab.backends.local.invoking import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faaslab.backends.local.environment import Environment
    from faaslab.backends.local.invoking import Invoker
    from faaslab.backends.protocol import Complete
    from faaslab.backends.stopping import Stopping
    from faaslab.model.execution import Execution

    Begin = Callable[[int], Lane | Execution]
    """Lets the payload with that index in."""

_MOST_UNRECORDED = 32


class FanOut:
    """One map on its way. The first error ends the map and is raised to its caller."""

    def __init__(
        self,
        count: int,
        *,
        begin: Begin,
        invoker: Invoker,
        complete: Complete,
        stop: Stopping | None,
    ) -> None:
        self._waiting = iter(range(count))
        self._begin = begin
        self._invoker = invoker
        self._complete = complete
        self._stop = stop
        self._ended = threading.Event()
        self._mine: set[Environment] = set()
        """Of all that run: what is to be killed when the caller goes away."""
        self._lanes: dict[int, Lane] = {}
        """By descriptor; what the loop drives itself."""
        self._slow: queue.SimpleQueue[Lane | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._away = 0
        """So many are with the threads."""
        self._cancellings: set[Cancelling] = set()
        """Theirs. What the loop drives is with a thread within a tick, unless it ends before."""
        self._cancelled = False
        self._recording = threading.Lock()
        self._unrecorded: list[tuple[int, Execution]] = []
        self._ready: queue.SimpleQueue[list[tuple[int, Execution]] | BaseException | None] = (
            queue.SimpleQueue()
        )

    def run(self, most: int) -> Iterator[tuple[int, Execution]]:
        """(index, execution) as they end, `most` at once. What runs when the caller leaves is killed."""
        self._woken, self._wake = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._woken, select.POLLIN)
        driver = threading.Thread(target=self._drive, args=(most,), name="faaslab-map-loop", daemon=True)
        whole = False
        try:
            if self._stop is not None:
                self._stop.driven(self)
            driver.start()
            while (item := self._ready.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield from item
            whole = True
        finally:
            self._ended.set()
            # Again and again: one that was just starting a process was missed.
            while not whole and driver.is_alive():
                for environment in list(self._mine):
                    environment.kill_now()
                driver.join(0.02)
            if driver.ident is not None:
                driver.join()
            os.close(self._woken)
            os.close(self._wake)

    # --- Driver -----------------------------------------------------------------------------------

    def running(self) -> int:
        """How many have begun and not ended; see `Driver`."""
        return len(self._lanes) + self._away

    def cancel(self) -> bool:
        """End what runs; see `Driver`."""
        self._cancelled = True
        for cancelling in self._cancellings.copy():
            cancelling.ask()
        return True

    def _next(self) -> int | None:
        if self._ended.is_set() or (self._stop is not None and self._stop.is_set()):
            return None
        return next(self._waiting, None)

    def _failed(self, error: BaseException) -> None:
        self._ended.set()
        self._ready.put(error)

    # --- the loop ---------------------------------------------------------------------------------

    def _drive(self, most: int) -> None:
        try:
            while True:
                while len(self._lanes) + self._away < most and (index := self._next()) is not None:
                    self._start(index)
                if not self._lanes and not self._away:
                    break
                self._round()
            self._record()
        except BaseException as error:  # noqa: BLE001 - it is raised where the map was asked for
            self._failed(error)
            for lane in self._lanes.values():
                self._invoker.give_up(lane)
        finally:
            for _ in self._threads:
                self._slow.put(None)
            for thread in self._threads:
                thread.join()
            self._ready.put(None)

    def _start(self, index: int) -> None:
        try:
            lane = self._begin(index)
        except BaseException as error:  # noqa: BLE001 - it is raised where the map was asked for
            self._failed(error)
            return
        if not isinstance(lane, Lane):
            self._keep(index, lane)
            return
        if lane.environment is not None:
            self._mine.add(lane.environment)
        if self._well(lane, self._invoker.plain):
            self._lanes[lane.descriptor] = lane
            self._poll.register(lane.descriptor, select.POLLIN)

    def _round(self) -> None:
        """Whatever there is to do now; with nothing to do, record, and wait for something."""
        ready = self._poll.poll(0 if self._unrecorded else self._patience_ms())
        if not ready and self._unrecorded:
            self._record()
        answered = []
        for descriptor, _ in ready:
            if descriptor == self._woken:
                self._away -= len(os.read(self._woken, 65536))
                continue
            lane = self._lanes[descriptor]
            if not self._well(lane, self._invoker.look):
                self._forget(lane)
            elif lane.reply is not None:
                self._forget(lane)
                answered.append(lane)
        # All have their acknowledgement first, and ask for the next while this one is looked at.
        for lane in answered:
            self._end(lane)
            if (index := self._next()) is not None:
                self._start(index)
        now = time.perf_counter()
        for lane in [lane for lane in self._lanes.values() if lane.due <= now]:
            self._forget(lane)
            self._hand_over(lane)

    def _patience_ms(self) -> float | None:
        if not self._lanes:
            return None
        due = min(lane.due for lane in self._lanes.values())
        return max((due - time.perf_counter()) * 1000, 0.0)

    def _well(self, lane: Lane, step: Callable[[Lane], bool]) -> bool:
        """Whether the loop may go on with it after this step; else somebody else does, or it is over."""
        try:
            if step(lane):
                return True
        except BaseException as error:  # noqa: BLE001 - it is raised where the map was asked for
            self._failed(error)
            self._let_go(lane)
            self._invoker.give_up(lane)
            return False
        self._hand_over(lane)
        return False

    def _end(self, lane: Lane) -> None:
        self._let_go(lane)
        try:
            self._keep(lane.index, self._invoker.end(lane))
        except BaseException as error:  # noqa: BLE001 - it is raised where the map was asked for
            self._failed(error)

    def _forget(self, lane: Lane) -> None:
        del self._lanes[lane.descriptor]
        self._poll.unregister(lane.descriptor)

    def _let_go(self, lane: Lane) -> None:
        if lane.environment is not None:
            self._mine.discard(lane.environment)

    # --- what takes long --------------------------------------------------------------------------

    def _hand_over(self, lane: Lane) -> None:
        if len(self._threads) <= self._away:
            name = f"faaslab-map-{len(self._threads)}"
            thread = threading.Thread(target=self._wait, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # too many of them, or the interpreter is ending
                self._failed(error)
                self._let_go(lane)
                self._invoker.give_up(lane)
                return
            self._threads.append(thread)
        self._away += 1
        self._slow.put(lane)

    def _wait(self) -> None:
        """A thread that drives one after another to its end."""
        while (lane := self._slow.get()) is not None:
            cancelling = Cancelling()
            self._cancellings.add(cancelling)
            if self._cancelled:  # looked at after it can be seen by `cancel`: one of the two asks it
                cancelling.ask()
            try:
                self._invoker.drive(
                    lane,
                    self._mine,
                    lambda execution, lane=lane: self._now(lane, execution),  # type: ignore[misc]
                    cancelling,
                )
            except BaseException as error:  # noqa: BLE001 - it is raised where the map was asked for
                self._failed(error)
            finally:
                cancelling.over()
                self._cancellings.discard(cancelling)
                os.write(self._wake, b"1")

    # --- recording --------------------------------------------------------------------------------

    def _now(self, lane: Lane, execution: Execution) -> None:
        self._unrecorded.append((lane.index, execution))
        self._record()

    def _keep(self, index: int, execution: Execution) -> None:
        self._unrecorded.append((index, execution))
        if len(self._unrecorded) >= _MOST_UNRECORDED:
            self._record()

    def _record(self) -> None:
        unrecorded = self._unrecorded
        # Who does not get the lock leaves; its holder looks again after giving it back.
        while unrecorded and self._recording.acquire(blocking=False):
            try:
                batch = unrecorded[:]
                del unrecorded[: len(batch)]
                if batch:
                    self._complete([execution for _, execution in batch])
                    self._ready.put(batch)
            finally:
                self._recording.release()
