"""A bell beside the store: whoever puts something there for another process to see rings it.

A named pipe: ringing costs microseconds and nothing is polled. It is a courtesy, no message: who waits for it
looks at the state now and then as well, as a ring may be lost.
"""

from __future__ import annotations

import os
import select
import stat
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Bell:
    """The bell at `path`; it is made by the first who listens."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ring(self) -> bool:
        """Wake the process that listens; whether there is one."""
        try:
            pipe = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            # Somebody else's store may have anything in its place.
            if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
                return False
            with suppress(BlockingIOError):  # it is full of rings
                os.write(pipe, b".")
            return True
        except OSError:
            return False
        finally:
            os.close(pipe)

    def listen(self, heard: Callable[[], None]) -> Listening | None:
        """Call `heard` in a thread whenever it rings; None where there can be no bell."""
        try:
            self.path.parent.mkdir(exist_ok=True)
            with suppress(FileExistsError):
                os.mkfifo(self.path)
            # For writing too: so there is no end of the file when the last who rings has gone.
            pipe = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
            os.close(pipe)
            return None
        return Listening(pipe, heard)


class Listening:
    """One who listens, until `close`."""

    def __init__(self, pipe: int, heard: Callable[[], None]) -> None:
        self._pipe = pipe
        self._heard = heard
        self._pid = os.getpid()
        self._closing = False
        self._thread = threading.Thread(target=self._listen, name="faaslab-bell", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._closing:
            try:
                os.read(self._pipe, 4096)
            except OSError:
                return
            if not self._closing:
                self._heard()

    def close(self) -> None:
        """Listen no more; may be called twice."""
        if self._closing:
            return
        self._closing = True
        if self._pid == os.getpid():
            # Others may listen to the same pipe: each of them may take the ring that is meant for this one.
            while self._thread.is_alive():
                with suppress(OSError):
                    if select.select([], [self._pipe], [], 0)[1]:  # one that is full needs no more
                        os.write(self._pipe, b".")
                self._thread.join(0.01)
        os.close(self._pipe)
