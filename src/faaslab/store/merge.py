"""The merge: rows of the outbox move into the history, whoever gets the lock does it, nothing needs a daemon.

Order is what makes it safe to die anywhere: parse; note durably in the state how far it will go; in ONE
DuckDB transaction insert and move the mark; only then delete from the outbox. Readers take from the outbox
what is above the mark, so a row is never seen twice and never missed.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from faaslab.errors import FaaslabError, StoreBusy
from faaslab.store import forks
from faaslab.store.instance import INSTANCE
from faaslab.store.loading import Insert, by_table, create_tables, load
from faaslab.store.locks import FileLock
from faaslab.store.migrations import quoted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faaslab.clock import Clock
    from faaslab.store.history import History
    from faaslab.store.loading import OutboxRow
    from faaslab.store.state import State

NUDGE_ROWS = 1000
"""After so many rows of this process a merge begins beside it: in a pause, or after as many more."""
QUIET_S = 0.05
"""A pause: whoever writes now, a map say, needs the processors that a merge would take."""
CHUNK_CHARACTERS = 8_000_000
# Most of what a chunk costs (30 ms and more: the checkpoint) does not depend on its size.
CHUNK_LEAST, CHUNK_FIRST, CHUNK_MOST = 500, 1000, 2000
HOLD_S = 0.1
"""How long readers may be held up by one chunk."""


class Merger:
    """Merges of one Store in this process; at most one at a time over all processes."""

    fork_order = 5

    def __init__(self, state: State, history: History, locks: Path, clock: Clock) -> None:
        self._state = state
        self._history = history
        self._clock = clock
        self._path = locks / "merge"
        self._lock = FileLock(self._path)
        self._mine = threading.Lock()
        self._chunk = CHUNK_FIRST
        self._cursor: Any = None
        self._epoch = -1
        self._schema = ""
        self._filled: set[str] = set()
        self._since = 0
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.last_error: FaaslabError | None = None
        """Why the last merge that nobody asked for did not succeed."""
        self.longest_hold_s = 0.0
        self.written = False
        """Whether this process put anything into the outbox."""
        forks.register(self)

    # -- forks

    def before_fork(self) -> None:
        """Nothing: a merge that goes on stays the parent's."""

    def after_fork(self, *, child: bool) -> None:
        """The child has no thread, and lets the parent's lock be."""
        if child:
            self._lock.close()
            self._lock, self._mine = FileLock(self._path), threading.Lock()
            self._thread, self._cursor, self._since, self.written = None, None, 0, False

    # -- merging when it suits

    def nudge(self, rows: int) -> None:
        """So many rows were written: when they are many, start to merge beside the caller."""
        self.written = True
        self._since += rows
        if self._since >= NUDGE_ROWS and (self._thread is None or not self._thread.is_alive()):
            self._since = 0
            thread = threading.Thread(target=self._merge_in_a_pause, name="faaslab-merge")
            with suppress(RuntimeError):  # the interpreter is ending: close() merges
                thread.start()
                self._thread = thread

    def _merge_in_a_pause(self) -> None:
        seen = -1
        while seen != self._since < NUDGE_ROWS:
            seen = self._since
            if self._stop.wait(QUIET_S):
                return  # close() merges
        self._since = 0
        self.try_merge()

    def try_merge(self, limit_s: float = 1.0) -> int:
        """Merge what is there now unless somebody else does; an error is kept in `last_error`."""
        try:
            moved = self.merge(wait_s=0.0, limit_s=limit_s, foreign_limit_s=0.0)
        except FaaslabError as error:
            self.last_error = error
            return 0
        self.last_error = None
        return moved

    def close(self) -> None:
        """End the thread, merge what this process wrote unless somebody else does, let go of the lock."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._stop.clear()
        if self.written:
            self.try_merge()
        with self._mine:
            self._lock.close()
            self._forget()

    # -- merging

    def merge(self, *, wait_s: float, limit_s: float, foreign_limit_s: float | None = None) -> int:
        """Move what is in the outbox now; the number of rows. 0 when another merges and `wait_s` runs out.

        Raises `StoreMoved` before it takes a lock or makes a file: the lock of a moved store is elsewhere.
        """
        self._state.require_in_place()
        deadline = time.monotonic() + wait_s
        pause = 0.001
        while not self._take():
            if time.monotonic() >= deadline:
                return 0
            time.sleep(pause)
            pause = min(pause * 2, 0.02)
        import duckdb

        try:
            return self._merge_all(limit_s, foreign_limit_s)
        except duckdb.Error as error:
            self._forget()
            raise self._history.ours(error) from error
        except BaseException:
            self._forget()
            raise
        finally:
            self._lock.let_go()
            self._mine.release()

    def _take(self) -> bool:
        if not self._mine.acquire(blocking=False):
            return False
        try:
            taken = self._lock.take(shared=False)
        except BaseException:
            self._mine.release()
            raise
        if not taken:
            self._mine.release()
        return taken

    def _merge_all(self, limit_s: float, foreign_limit_s: float | None) -> int:
        newest = int(self._state.one("SELECT coalesce(max(seq), 0) FROM outbox")[0])
        if not newest:
            return 0
        upto = self._mark()
        moved = 0
        while upto < newest and not self._stop.is_set():
            rows = self._rows_above(upto)
            if not rows:
                break
            self._load(rows)
            to = rows[-1][0]
            self._note(to)
            self._move(upto, to, limit_s, foreign_limit_s)
            self._delete(to)
            upto, moved = to, moved + len(rows)
        self._delete(upto)
        with self._state.read() as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return moved

    def _mark(self) -> int:
        """How far the history has come with this outbox."""
        with self._history.shared():
            return self._history.upto

    def _rows_above(self, upto: int) -> list[OutboxRow]:
        rows: list[OutboxRow] = []
        size = 0
        with self._state.read() as connection:
            for row in connection.execute(
                "SELECT seq, kind, body FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?", (upto, self._chunk)
            ):
                rows.append(row)
                size += len(row[2])
                if size > CHUNK_CHARACTERS:
                    break
        return rows

    def _load(self, rows: list[OutboxRow]) -> None:
        """Parse into tables in memory, before anybody is held up."""
        if self._cursor is None or self._epoch != INSTANCE.epoch:
            self._cursor, self._epoch = INSTANCE.cursor()
            self._schema = quoted(f"merge_{self._history.alias}_{self._epoch}")
            with INSTANCE.inside(self._cursor):
                self._cursor.execute(f"DROP SCHEMA IF EXISTS {self._schema} CASCADE")
                create_tables(self._cursor.execute, self._schema, numbered=False)
            self._filled = set()
        with INSTANCE.inside(self._cursor):
            for table in self._filled:
                self._cursor.execute(f"DELETE FROM {self._schema}.{quoted(table)}")
            insert = Insert(self._cursor.execute, self._schema, numbered=False)
            now = self._clock.now()
            tables = by_table(rows, now)
            lost = tables.pop("rejects", [])
            self._filled = set(tables)
            for table, lines in tables.items():
                lost += load(insert, table, lines, now)
            if lost:
                self._filled.add("rejects")
                load(insert, "rejects", lost, now)

    def _note(self, to: int) -> None:
        # FULL: were this lost with the power while DuckDB's mark is not, new rows would get old numbers.
        with self._state.write(durable=True) as connection:
            connection.execute("UPDATE marks SET value = max(value, ?) WHERE name = 'merging'", (to,))

    def _move(self, upto: int, to: int, limit_s: float, foreign_limit_s: float | None) -> None:
        state_id = self._history.state_id()
        target = f"{self._history.quoted_alias()}.main"
        with self._history.exclusive(limit_s=limit_s, foreign_limit_s=foreign_limit_s) as run:
            began = time.monotonic()
            found = run(
                f"SELECT max(upto) FROM {target}.faaslab_merged WHERE state = $1", [state_id]
            ).fetchone()
            if found[0] is None:
                run(f"INSERT INTO {target}.faaslab_merged VALUES ($1, 0)", [state_id])
            if (found[0] or 0) != upto:
                raise StoreBusy("another process merged meanwhile", hint="try again")
            self._insert(run, target)
            run(f"UPDATE {target}.faaslab_merged SET upto = $1 WHERE state = $2", [to, state_id])
        self._adapt(time.monotonic() - began)

    def _insert(self, run: Callable[..., Any], target: str) -> None:
        for table in sorted(self._filled):
            run(
                f"INSERT INTO {target}.{quoted(table)} BY NAME "
                f"SELECT * FROM memory.{self._schema}.{quoted(table)}"
            )

    def _adapt(self, held_s: float) -> None:
        self.longest_hold_s = max(self.longest_hold_s, held_s)
        if held_s > HOLD_S:
            self._chunk = max(self._chunk // 2, CHUNK_LEAST)
        elif held_s < HOLD_S / 3:
            self._chunk = min(self._chunk * 5 // 4, CHUNK_MOST)

    def _delete(self, upto: int) -> None:
        with self._state.write(durable=False) as connection:
            connection.execute("DELETE FROM outbox WHERE seq <= ?", (upto,))

    def _forget(self) -> None:
        """Drop the cursor and its tables; they are made anew."""
        if self._cursor is not None and self._epoch == INSTANCE.epoch:
            with suppress(Exception), INSTANCE.inside(self._cursor):
                self._cursor.execute(f"DROP SCHEMA IF EXISTS {self._schema} CASCADE")
            with suppress(Exception):
                INSTANCE.release(self._cursor, self._epoch)
        self._cursor = None
