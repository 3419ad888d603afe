"""The one DuckDB of this process: in memory, made when it is first needed, closed before a fork and at exit.

Rule: every call into DuckDB happens inside `inside()`, so that closing can interrupt it and wait for it; a
thread that is still in DuckDB when the interpreter ends would abort the process.
"""

from __future__ import annotations

import atexit
import tempfile
import threading
import time
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from faaslab.errors import Closed
from faaslab.store import forks

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEFT_BEHIND: list[Any] = []  # a parent's instance; destroying it in a child is not safe


class TakesOut(Protocol):
    """Something that has rows in the instance."""

    def take_out(self) -> None:
        """Have them outside from now on."""


class Instance:
    """The connection that owns it, how many Stores use it, and who is inside."""

    fork_order = 30

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.RLock())
        self._connection: Any = None
        self._inside: list[Any] = []
        self._cursors: list[Any] = []
        self._results: weakref.WeakSet[TakesOut] = weakref.WeakSet()
        self._ending = False
        self.epoch = 0
        """Changes whenever a new instance is made: what belongs to an older one is gone."""
        self._aliases = 0
        forks.register(self)

    def alias(self) -> str:
        """A catalog name that nobody else in this process uses."""
        with self._condition:
            self._aliases += 1
            return f"history_{self._aliases}"

    def connection(self) -> Any:
        """The owning connection; for ATTACH and DETACH. Made when there is none."""
        with self._condition:
            if self._ending:
                raise Closed("the interpreter is ending")
            if self._connection is None:
                import duckdb

                self.epoch += 1
                self._connection = duckdb.connect(
                    ":memory:",
                    config={
                        # What does not fit in memory must not spill into the user's current folder.
                        "temp_directory": str(Path(tempfile.gettempdir()) / "faaslab-duckdb"),
                        "autoinstall_known_extensions": "false",
                    },
                )
                # Instants are naive UTC: comparisons with now() must be in UTC as well.
                with suppress(duckdb.Error):
                    self._connection.execute("SET TimeZone = 'UTC'")
            return self._connection

    def cursor(self) -> tuple[Any, int]:
        """A further connection to the instance, and the epoch that it belongs to."""
        with self._condition:
            cursor = self.connection().cursor()
            self._cursors.append(cursor)
            return cursor, self.epoch

    def keep(self, result: TakesOut) -> None:
        """Before the instance is closed for a fork, `result` is asked to take out what it has in it."""
        with self._condition:
            self._results.add(result)

    def release(self, cursor: Any, epoch: int) -> None:
        """Close a cursor of that epoch; one of an earlier is gone already."""
        with self._condition:
            if epoch == self.epoch and self._connection is not None:
                self._cursors = [one for one in self._cursors if one is not cursor]
                cursor.close()

    @contextmanager
    def inside(self, cursor: Any) -> Iterator[None]:
        """The body is inside DuckDB, with `cursor`."""
        with self._condition:
            if self._ending:
                raise Closed("the interpreter is ending")
            self._inside.append(cursor)
        try:
            yield
        except RuntimeError as error:
            if "Query interrupted" in str(error):  # what DuckDB makes of a signal
                raise KeyboardInterrupt from None
            raise
        finally:
            with self._condition:
                self._inside.remove(cursor)
                self._condition.notify_all()

    def _empty(self, limit_s: float, *, interrupt: bool, only: set[int] | None = None) -> bool:
        """Wait until nobody is inside. An interrupt that comes before a query is lost: repeat."""
        deadline = time.monotonic() + limit_s
        while inside := [cursor for cursor in self._inside if only is None or id(cursor) in only]:
            if interrupt:
                for cursor in inside:
                    with suppress(Exception):
                        cursor.interrupt()
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._condition.wait(min(left, 0.02))
        return True

    def expel(self, cursors: set[int], limit_s: float) -> bool:
        """Interrupt the given cursors (by `id`) until they have left; whether they did."""
        with self._condition:
            return self._empty(limit_s, interrupt=True, only=cursors)

    def _close(self) -> None:
        # It lives, with its threads, as long as any cursor of it does.
        for cursor in (*self._cursors, self._connection):
            cursor.close()
        self._cursors = []
        self._connection = None
        self.epoch += 1

    def end(self) -> None:
        """At interpreter exit: interrupt who is inside, wait, close, let nobody in again."""
        with self._condition:
            self._ending = True
            if self._empty(10.0, interrupt=True) and self._connection is not None:
                self._close()

    def before_fork(self) -> None:
        """Wait a while for who is inside, then close."""
        self._condition.acquire()
        if self._empty(5.0, interrupt=False) and self._connection is not None:
            for result in self._results:
                result.take_out()
            self._close()

    def after_fork(self, *, child: bool) -> None:
        """Made anew when it is needed."""
        if child:
            if self._connection is not None:
                _LEFT_BEHIND.extend((*self._cursors, self._connection))
                self._connection = None
            self._inside, self._cursors = [], []
            self._results = weakref.WeakSet()
            self.epoch += 1
            self._condition = threading.Condition(threading.RLock())
        else:
            self._condition.release()


INSTANCE = Instance()
atexit.register(INSTANCE.end)
