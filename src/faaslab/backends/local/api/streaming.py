"""A response that is read while it is made: the function's thread puts pieces in, its reader takes them out.

Rule: bounded. A reader that is slow holds the function up, as on Lambda; one that goes away does not, and the
invocation runs on to its end and is recorded.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Self

from faaslab.backends.local.api.bandwidth import Allowance

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.clock import Clock
    from faaslab.model.execution import Execution

    Drive = Callable[[Callable[[bytes, str | None], None]], Execution]
    """Runs the invocation in the calling thread and gives it somewhere to put the pieces."""

_PIECES = 64
"""Held for a slow reader; a piece is 1 MB at most."""
_LONGEST_HOLD_S = 900.0


class Stream:
    """One streamed response: iterate over its pieces; `execution` is what came of it."""

    def __init__(self, drive: Drive, *, version: str, clock: Clock, closing: threading.Event) -> None:
        self.version = version
        """The version as the function sees it."""
        self._clock = clock
        self._closing = closing
        self._allowance = Allowance(clock.monotonic())
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_PIECES)
        self._left = threading.Event()
        self._execution: Execution | None = None
        self._error: BaseException | None = None
        self._seen = 0
        self.content_type: str | None = None
        """What the runtime says it is, as soon as there is a piece; None where it says nothing."""
        self._thread = threading.Thread(target=self._run, args=(drive,), name="faaslab-stream", daemon=True)
        self._thread.start()

    def _run(self, drive: Drive) -> None:
        try:
            execution = drive(self._put)
            if execution.ok and not self._seen and execution.result_body:
                # Its answer was buffered: it is one piece.
                self._put(execution.result_body, None)
            self._execution = execution
        except BaseException as error:  # noqa: BLE001 - raised to the reader
            self._error = error
        self._hand(None)

    def _put(self, piece: bytes, content_type: str | None) -> None:
        self.content_type = content_type
        self._seen += len(piece)
        self._hand(piece)
        pause_s = self._allowance.take(len(piece), self._clock.monotonic())
        if pause_s and not self._left.is_set():
            self._clock.wait(self._closing, pause_s)

    def _hand(self, piece: bytes | None) -> None:
        until = time.perf_counter() + _LONGEST_HOLD_S
        while not self._left.is_set() and time.perf_counter() < until:
            try:
                self._pieces.put(piece, timeout=0.05)
            except queue.Full:
                if self._closing.is_set():
                    return
                continue
            return

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """The next piece, as soon as it is there; at the end raises what the backend raised, if it did."""
        while not self._left.is_set():
            try:
                piece = self._pieces.get(timeout=0.1)
            except queue.Empty:
                if self._thread.is_alive():
                    continue
                piece = None
            if piece is not None:
                return piece
            break
        else:
            raise StopIteration
        self._left.set()
        if self._error is not None:
            raise self._error
        raise StopIteration

    @property
    def execution(self) -> Execution:
        """The record; waits for the end, and lets go of the pieces that were not read."""
        self.close()
        self._thread.join()
        if self._execution is None:
            assert self._error is not None
            raise self._error
        return self._execution

    def close(self) -> None:
        """Read no more; the invocation runs on. May be called twice."""
        self._left.set()

    def join(self) -> None:
        """Wait for its thread; `closing` was set before."""
        self._thread.join()
