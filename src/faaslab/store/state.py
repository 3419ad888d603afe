"""The state and the outbox: one SQLite database in WAL mode, shared by all processes at once.

Rule: whoever writes holds `write()`; a change of state appends its history row in the same transaction.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

from faaslab.errors import Closed, StoreMoved
from faaslab.store import faults, forks, place
from faaslab.store.migrations import NEWEST_STATE, bring_state, too_new

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path
    from types import TracebackType

WAIT_S = 30.0
"""How long a write waits for the writes of other processes."""

_INSERT = "INSERT INTO outbox (kind, body) VALUES (?, ?)"
_LEFT_BEHIND: list[sqlite3.Connection] = []  # a parent's connections; closing them in a child is not safe


def _into_wal(connection: sqlite3.Connection) -> None:
    """WAL mode. While another process brings a new file there, SQLite refuses at once and does not wait."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.002)
        else:
            return


def _undo(connection: sqlite3.Connection) -> None:
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    finally:
        if connection.in_transaction:  # a second interrupt
            connection.execute("ROLLBACK")


class _Guarded:
    """A context manager of a generator. Unlike contextlib's, an interrupt while it is entered leaves it, too.

    One moment is left, between the body's end and the first line of `__exit__`: who comes next heals that
    with `leave`.
    """

    __slots__ = ("_left", "_steps")

    def __init__(self, steps: Callable[[_Guarded], Generator[sqlite3.Connection]]) -> None:
        self._left = False
        self._steps = steps(self)

    def __enter__(self) -> sqlite3.Connection:
        try:
            return next(self._steps)
        except BaseException:
            self._steps.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            try:
                self._steps.throw(error)
            except BaseException as raised:
                if raised is not error:
                    raise
        elif self._left:
            raise RuntimeError("a transaction was begun within this one, which is undone")
        else:
            next(self._steps, None)

    def leave(self) -> None:
        """Undo what this thread entered and never left."""
        self._left = True
        self._steps.close()


class State:
    """Two connections, each under its lock: one writes, one reads the outbox beside it."""

    fork_order = 20

    def __init__(self, path: Path, store_path: Path) -> None:
        self.path = path
        self._store_path = store_path
        self._writing = threading.RLock()
        self._reading = threading.RLock()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._closed = False
        self._overwrites = False
        self._durable: bool | None = False  # None: an interrupt came in between
        self._open: _Guarded | None = None
        self._data_version = -1
        self._generation = -1
        self._file: tuple[int, int] | None = None
        """Which file this is, from the first time that it was opened: (st_dev, st_ino)."""
        forks.register(self)

    # -- connections

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise Closed(f"the store {self._store_path} is closed", hint="open it again")
        self.require_in_place()
        try:
            if not self.path.exists():
                place.require(self._store_path)
                place.make(self.path)
            connection = sqlite3.connect(
                self.path, timeout=WAIT_S, isolation_level=None, check_same_thread=False
            )
            try:
                _into_wal(connection)
                connection.execute("PRAGMA synchronous = NORMAL")
                # The merger moves the log into the file, so that a write seldom has to.
                connection.execute("PRAGMA wal_autocheckpoint = 8000")
                connection.execute("PRAGMA journal_size_limit = 67108864")
                bring_state(connection)
                self._file = place.file_at(self.path)
            except BaseException:
                connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise faults.ours(error, self.path) from error
        return connection

    def require_in_place(self) -> None:
        """Raise `StoreMoved` when the path no longer leads to the file that was opened; microseconds.

        All that stands beside it is found by its path (the history, blobs, locks): with a folder that was
        renamed, rows would go into a new history at the old place, and be gone from where the state went.
        """
        if self._file is not None and place.file_at(self.path) != self._file:
            raise StoreMoved(
                f"the store {self._store_path} was moved, deleted or replaced while this process had it open",
                hint="move it back, or close it here and open it where it is now: what was answered "
                "is kept in its .state file, and moves into its history there",
            )

    def _open_writer(self) -> sqlite3.Connection:
        self._durable, self._data_version, self._overwrites = False, -1, False
        self._writer = self._connect()
        return self._writer

    def _ready(self) -> sqlite3.Connection:
        """The connection to write with, in no transaction; for who has the lock, and has not begun one.

        One that is open was left by an interrupt of this thread, as nobody else can be in it.
        """
        left, self._open = self._open, None
        if left is not None:
            left.leave()
        connection = self._writer or self._open_writer()
        _undo(connection)
        return connection

    def close(self) -> None:
        """Close both connections; may be called twice."""
        with self._writing, self._reading:
            self._closed = True
            self._drop()

    def _drop(self) -> None:
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()
        self._reader = self._writer = None

    # -- writing

    def append(self, kind: str, body: str) -> None:
        """One row into the outbox, level `written`. The hot path of every invocation."""
        with self._writing:
            connection = self._ready()
            try:
                self._level(connection, durable=False)
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version > NEWEST_STATE:
                    raise too_new(self.path, version, NEWEST_STATE)
                connection.execute(_INSERT, (kind, body))
            except sqlite3.Error as error:
                raise faults.ours(error, self.path) from error

    def _level(self, connection: sqlite3.Connection, *, durable: bool) -> None:
        if durable is not self._durable:
            self._durable = None
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable

    def overwrite(self) -> None:
        """From now on what is deleted is overwritten in the file: values of secrets are written."""
        with self._writing:
            if not self._overwrites:
                self._ready().execute("PRAGMA secure_delete = ON")
                self._overwrites = True

    def empty_log(self) -> None:
        """Have nothing of what was written before in the log either, unless somebody just reads it."""
        with self._writing:
            try:
                connection = self._ready()
                connection.execute("PRAGMA busy_timeout = 0")
                try:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                finally:
                    connection.execute(f"PRAGMA busy_timeout = {int(WAIT_S * 1000)}")
            except sqlite3.OperationalError:
                return  # another time

    def write(self, *, durable: bool) -> _Guarded:
        """One transaction; committed when the body ends, undone when it raises, an interrupt included."""
        return _Guarded(lambda its: self._transaction(its, durable=durable))

    def _transaction(self, its: _Guarded, *, durable: bool) -> Generator[sqlite3.Connection]:
        with self._writing:
            connection = self._ready()
            try:
                self._open = its
                self._level(connection, durable=durable)
                connection.execute("BEGIN IMMEDIATE")
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version > NEWEST_STATE:
                    raise too_new(self.path, version, NEWEST_STATE)
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                _undo(connection)
                if isinstance(error, sqlite3.Error):
                    raise faults.ours(error, self.path) from error
                raise
            finally:
                self._open = None

    def append_all(self, rows: Sequence[tuple[str, str]], *, durable: bool) -> None:
        """Rows into the outbox, in one transaction."""
        with self.write(durable=durable) as connection:
            connection.executemany(_INSERT, rows)

    @staticmethod
    def append_within(connection: sqlite3.Connection, rows: Sequence[tuple[str, str]]) -> None:
        """Rows into the outbox, within a transaction that is open."""
        connection.executemany(_INSERT, rows)

    # -- reading

    def read(self) -> _Guarded:
        """A connection to read with, which holds nobody up."""
        return _Guarded(self._looking)

    def _looking(self, its: _Guarded) -> Generator[sqlite3.Connection]:
        del its
        with self._reading:
            if self._reader is None:
                self._reader = self._connect()
            try:
                yield self._reader
            except sqlite3.Error as error:
                raise faults.ours(error, self.path) from error

    def one(self, text: str, parameters: Sequence[Any] = ()) -> Any:
        """The first row, or None."""
        with self.read() as connection:
            return connection.execute(text, parameters).fetchone()

    def last_row(self) -> int:
        """The number of the last row that was ever put into the outbox; 0 before the first."""
        row = self.one("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
        return 0 if row is None else int(row[0])

    def generation(self) -> int:
        """A number that changes with every change of a definition, by whatever process.

        A few microseconds: SQLite tells whether anybody else wrote at all, only then is the number read.
        """
        with self._writing:
            connection = self._writer or self._open_writer()
            try:
                version = connection.execute("PRAGMA data_version").fetchone()[0]
                if version != self._data_version or self._generation < 0:
                    row = connection.execute("SELECT value FROM marks WHERE name = 'generation'").fetchone()
                    self._data_version, self._generation = version, int(row[0])
            except sqlite3.Error as error:
                raise faults.ours(error, self.path) from error
            return self._generation

    def foreign_changes(self) -> int:
        """A number that differs when anybody but this object has written to the file; microseconds."""
        with self._writing:
            connection = self._writer or self._open_writer()
            try:
                return int(connection.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as error:
                raise faults.ours(error, self.path) from error

    @staticmethod
    def generation_within(connection: sqlite3.Connection) -> int:
        """The same, within a transaction that is open."""
        row = connection.execute("SELECT value FROM marks WHERE name = 'generation'").fetchone()
        return int(row[0])

    def next_generation(self, connection: sqlite3.Connection) -> None:
        """Count a change of a definition, within the transaction that makes it."""
        connection.execute("UPDATE marks SET value = value + 1 WHERE name = 'generation'")
        self._generation = -1

    def take_for_new(self, upto: int) -> bool:
        """Whether this is an older copy that was put back, as the history has more of it than it knows.

        Its numbers begin again below the mark, so it takes another identity, or its rows would count as
        merged. (Before every merge the state notes durably how far that will go.)
        """
        if int(self.one("SELECT value FROM marks WHERE name = 'merging'")[0]) >= upto:
            return False
        with self.write(durable=True) as connection:
            connection.execute(
                "UPDATE marks SET value = lower(hex(randomblob(16))) WHERE name = 'id' "
                "AND (SELECT value FROM marks WHERE name = 'merging') < ?",
                (upto,),
            )
            connection.execute("UPDATE marks SET value = ? WHERE name = 'merging'", (upto,))
        return True

    def schema_number(self) -> int:
        """The schema number of the file."""
        return int(self.one("PRAGMA user_version")[0])

    # -- forks

    def before_fork(self) -> None:
        """Let the other threads finish, then close."""
        self._writing.acquire()
        self._reading.acquire()
        if not (self._writer and self._writer.in_transaction):
            self._drop()

    def after_fork(self, *, child: bool) -> None:
        """Connections are opened again when they are needed."""
        if child:
            _LEFT_BEHIND.extend(c for c in (self._writer, self._reader) if c is not None)
            self._writer = self._reader = None
            self._writing, self._reading = threading.RLock(), threading.RLock()
        else:
            self._reading.release()
            self._writing.release()
