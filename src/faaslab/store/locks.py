"""Who may have the history open: any number of readers, or one merger, over all processes of a machine.

DuckDB's own lock belongs to a process and is dropped by any close of the file in it, so it cannot tell
threads or connections apart. These are `flock`s on files of their own, in a folder beside the history:

    history   shared by readers, exclusive for whoever writes
    turn      taken by a waiting writer, so that new readers wait until it had its turn
    merge     whoever merges; nobody waits for it who has not been asked to

Inside one process the same order is kept by a condition. Nothing here waits for ever.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from faaslab.errors import StoreBusy
from faaslab.store import faults, forks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SHORTEST = 0.0002
_LONGEST = 0.01


class FileLock:
    """One `flock`; not for two threads at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self, *, shared: bool) -> bool:
        """Take it without waiting; whether that succeeded. Raises `StoreLocation` where none can be made."""
        if self._file is None:
            with faults.translated(self.path):
                self.path.parent.mkdir(exist_ok=True)
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def let_go(self) -> None:
        """Unlock it."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file, which unlocks it when no forked child has it too."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Gate:
    """Readers and one writer. `opened` is called by the first reader to come, `shut` after the last.

    `shut` answers whether it really let go: when it could not, the gate stays shared as if somebody read.
    """

    fork_order = 10

    def __init__(
        self,
        folder: Path,
        *,
        opened: Callable[[], None],
        shut: Callable[[], bool],
        closed: Callable[[], None],
    ) -> None:
        self._history = FileLock(folder / "history")
        self._turn = FileLock(folder / "turn")
        self._opened = opened
        self._shut = shut
        self._closed = closed
        self._condition = threading.Condition(threading.RLock())
        self._readers = 0
        self.lingers = False
        """Whether nobody reads and it could not be shut."""
        self._writer = False
        self._writer_waits = False
        self._forking = False
        """A thread of this process waits to fork: whoever comes waits for that, or its turn never came."""
        forks.register(self)

    @contextmanager
    def shared(self, limit_s: float) -> Iterator[None]:
        """Read. Raises `StoreBusy` when a writer does not end within `limit_s` seconds."""
        deadline = time.monotonic() + limit_s
        with self._condition:
            self._come_in(deadline)
        try:
            yield
        finally:
            with self._condition:
                self._readers -= 1
                if self._readers == 0:
                    self._leave()
                self._condition.notify_all()

    def _come_in(self, deadline: float) -> None:
        pause = _SHORTEST
        while True:
            free = not (self._writer or self._writer_waits or self._forking)
            if free and self._turn.take(shared=True):
                try:
                    if self._readers or self.lingers or self._first(deadline):
                        self._readers += 1
                        return
                finally:
                    self._turn.let_go()
            if time.monotonic() > deadline:
                raise StoreBusy(
                    f"{self._history.path.parent} was held by a writer for too long",
                    hint="try again; `faaslab doctor` names who holds it",
                )
            self._condition.wait(pause)
            pause = min(pause * 2, _LONGEST)

    def _first(self, deadline: float) -> bool:
        """Take the lock while having the turn, so that the next writer lets this reader in before it."""
        pause = _SHORTEST
        while not self._history.take(shared=True):
            if time.monotonic() > deadline:
                return False
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST)
        try:
            self._opened()
        except BaseException:
            self._history.let_go()
            raise
        return True

    def _leave(self) -> None:
        self.lingers = not self._shut()
        if not self.lingers:
            self._history.let_go()

    @contextmanager
    def exclusive(self, limit_s: float) -> Iterator[bool]:
        """Write; gives False when the readers did not leave within `limit_s` seconds of waiting.

        New readers wait behind a waiting writer for no more than a moment at first; each time that the
        readers outlast it the writer steps back, lets them in, and then insists longer.
        """
        got = self._take_exclusive(limit_s)
        try:
            yield got
        finally:
            if got:
                with self._condition:
                    self._writer = False
                    self._history.let_go()
                    self._condition.notify_all()

    def _take_exclusive(self, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        patience = 0.1
        while True:
            if self._insist(min(time.monotonic() + patience, deadline)):
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, patience / 2))
            patience = min(patience * 2, 5.0)

    def _insist(self, until: float) -> bool:
        with self._condition:
            if self._writer or self._writer_waits or self._forking:
                self._condition.wait(max(min(until - time.monotonic(), _LONGEST), 0))
                return False
            self._writer_waits = True
        try:
            return self._poll(until)
        finally:
            with self._condition:
                self._turn.let_go()
                self._writer_waits = False
                self._condition.notify_all()

    def _poll(self, until: float) -> bool:
        pause, has_turn = _SHORTEST, False
        while True:
            with self._condition:
                has_turn = has_turn or self._turn.take(shared=False)
                if self.lingers and self._readers == 0:
                    self._leave()
                if has_turn and self._readers == 0 and not self.lingers and self._history.take(shared=False):
                    self._writer = True
                    return True
            if time.monotonic() > until:
                return False
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST / 2)

    def quiet(self, limit_s: float) -> bool:
        """Wait until nobody of this process reads or writes; whether that came to be in time."""
        deadline = time.monotonic() + limit_s
        with self._condition:
            while self._readers or self._writer:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._condition.wait(min(left, 0.05))
            return True

    def close(self) -> None:
        """Let go of everything; usable again afterwards."""
        with self._condition:
            if self.lingers:
                self._closed()
                self.lingers = False
            self._history.close()
            self._turn.close()

    def before_fork(self) -> None:
        """Wait a while for this process's readers, then close the files."""
        self._condition.acquire()
        self._forking = True
        if self.quiet(5.0):
            self.close()

    def after_fork(self, *, child: bool) -> None:
        """Open again; in the child nobody reads."""
        self._forking = False
        if child:
            with suppress(OSError):
                self._history.close()
                self._turn.close()
            self._readers, self.lingers, self._writer, self._writer_waits = 0, False, False, False
            self._condition = threading.Condition(threading.RLock())
        else:
            self._condition.notify_all()
            self._condition.release()
