"""One request at a time is with moto, whose dictionaries many threads must not change at once.

Rule: whoever waits for something that another request has to bring (a long poll, a function's answer) lets
the others have their turn meanwhile.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _nothing(*_: bool) -> None:
    pass


class Turn:
    """Who may work with moto."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._whose: int | None = None
        self._again: Callable[[bool], None] = _nothing
        self._parting: Callable[[], None] = _nothing

    @property
    def mine(self) -> bool:
        """Whether this thread has it."""
        return self._whose == threading.get_ident()

    @contextmanager
    def taken(
        self, again: Callable[[bool], None] = _nothing, *, parting: Callable[[], None] = _nothing
    ) -> Iterator[None]:
        """Wait for the turn and have it.

        `parting` is called before it is `lent`, `again` whenever it came back, and how.
        """
        with self._lock:
            self._whose = threading.get_ident()
            self._again, self._parting = again, parting
            try:
                yield
            finally:
                self._whose = None

    @contextmanager
    def lent(self, *, anew: bool) -> Iterator[None]:
        """Let others have it within the body, and wait for it at the end; nothing when it is not ours.

        `anew` says that what comes after is begun at that time, not at the time before.
        """
        if not self.mine:
            yield
            return
        again, parting = self._again, self._parting
        parting()
        self._whose = None
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()
            self._whose = threading.get_ident()
            self._again, self._parting = again, parting
            again(anew)
