"""One function over many payloads: a few threads, each driving one invocation at a time.

Rule: an execution is recorded before it is handed on. Whoever finishes while another is recording leaves its
execution to that one, so that a busy store sees few large writes and not many small ones.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from faaslab.backends.protocol import Complete
    from faaslab.model.execution import Execution

    Drive = Callable[[int, Complete], Execution]
    """Runs the payload with that index in the calling thread."""


class FanOut:
    """One map on its way. `drive` may raise; the first error ends the map and is raised to its caller."""

    def __init__(
        self,
        count: int,
        *,
        drive: Drive,
        complete: Complete,
        stop: threading.Event | None,
    ) -> None:
        self._waiting = iter(range(count))
        self._drive = drive
        self._complete = complete
        self._stop = stop
        self._ended = threading.Event()
        self._turn = threading.Lock()
        self._recording = threading.Lock()
        self._unrecorded: list[tuple[int, Execution]] = []
        self._ready: queue.SimpleQueue[list[tuple[int, Execution]] | BaseException | None] = (
            queue.SimpleQueue()
        )

    def run(self, threads: int, *, abort: Callable[[], None]) -> Iterator[tuple[int, Execution]]:
        """(index, execution) as they end. `abort` ends what still runs when the caller goes away early."""
        workers = [
            threading.Thread(target=self._work, name=f"faaslab-map-{number}", daemon=True)
            for number in range(threads)
        ]
        for worker in workers:
            worker.start()
        left = threads
        whole = False
        try:
            while left:
                item = self._ready.get()
                if item is None:
                    left -= 1
                elif isinstance(item, BaseException):
                    raise item
                else:
                    yield from item
            whole = True
        finally:
            self._ended.set()
            for worker in workers:
                # Again and again: one that was just starting a process was missed.
                while not whole and worker.is_alive():
                    abort()
                    worker.join(0.02)
                worker.join()

    def _next(self) -> int | None:
        with self._turn:
            if self._ended.is_set() or (self._stop is not None and self._stop.is_set()):
                return None
            return next(self._waiting, None)

    def _work(self) -> None:
        try:
            while (index := self._next()) is not None:
                self._drive(index, lambda executions, index=index: self._finished(index, executions))  # type: ignore[misc]
        except BaseException as error:  # noqa: BLE001 - it is raised where the map was asked for
            self._ended.set()
            self._ready.put(error)
        finally:
            self._ready.put(None)

    def _finished(self, index: int, executions: Sequence[Execution]) -> None:
        unrecorded = self._unrecorded
        unrecorded.extend((index, execution) for execution in executions)
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
