"""The threads that the calls of all executions share: a bounded number, made when something is called."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from faaslab.errors import Closed
from faaslab.store import forks

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE = 16


class Workers:
    """Runs deeds in the order they came. `close` lets those that run end and forgets the rest."""

    fork_order = 7

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._guard = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False
        forks.register(self)

    def submit(self, deed: Callable[..., None], *given: Any) -> None:
        """Have it run soon. Raises `Closed`."""
        with self._guard:
            if self._closed:
                raise Closed("this lab is closed", hint="open another: faaslab.open()")
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._at_once, thread_name_prefix="faaslab-task")
            self._pool.submit(deed, *given)

    def close(self) -> None:
        """Let what runs end; may be called twice."""
        with self._guard:
            self._closed = True
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def before_fork(self) -> None:
        """Nothing is half made while a child is."""
        self._guard.acquire()

    def after_fork(self, *, child: bool) -> None:
        """A child has none of the threads, and gets its own when it needs them."""
        if child:
            self._guard = threading.Lock()
            self._pool = None
        else:
            self._guard.release()
