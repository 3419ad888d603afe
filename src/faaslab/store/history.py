"""The history: a DuckDB file that is attached only while somebody reads or merges, never longer.

Reading gives every row exactly once: what the file holds up to its mark, and the outbox above the mark.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from faaslab.errors import FaaslabError, StoreBusy, StoreError
from faaslab.store import faults, place
from faaslab.store.holders import handles_of_this_process, holder_of
from faaslab.store.instance import INSTANCE
from faaslab.store.locks import Gate
from faaslab.store.migrations import (
    NEWEST_HISTORY,
    bring_history,
    history_numbers,
    quoted,
    too_new,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from faaslab.store.state import State

LIMIT_S = 30.0
"""How long a read or a merge that was asked for waits for others."""


def literal(text: str) -> str:
    """`text` as a string in SQL."""
    return "'" + text.replace("'", "''") + "'"


class History:
    """The file, attached under `alias` while it is needed; all threads of the process share that."""

    def __init__(self, path: Path, state: State, locks: Path, *, limit_s: float = LIMIT_S) -> None:
        self.path = path
        self.alias = INSTANCE.alias()
        self.limit_s = limit_s
        self.upto = 0
        """The mark of the attached file."""
        self.number = 0
        """The schema number of the attached file."""
        self._state = state
        self._gate = Gate(locks, opened=self._attach, shut=self._detach, closed=self._detach_now)
        self._attached_epoch = 0
        self._own: Any = None
        self._own_epoch = 0

    def _connection(self) -> Any:
        """A connection of its own: DuckDB refuses two threads on one, and two stores may be open at once."""
        if self._own is None or self._own_epoch != INSTANCE.epoch:
            self._own, self._own_epoch = INSTANCE.cursor()
        return self._own

    def quoted_alias(self) -> str:
        """The catalog's name in SQL."""
        return quoted(self.alias)

    # -- reading

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Within the body the file is attached read-only, and `upto` stands still."""
        self._state.require_in_place()
        for _ in range(3):
            try:
                with self._gate.shared(self.limit_s):
                    yield
                    return
            except _Old:
                self.migrate()
        raise StoreError(f"{self.path} could not be brought to schema {NEWEST_HISTORY}")

    def _attach(self) -> None:
        """The first reader comes."""
        if not self.path.exists():
            raise _Old
        self._attach_file(
            f"ATTACH {literal(str(self.path))} AS {self.quoted_alias()} (TYPE duckdb, READ_ONLY)"
        )
        try:
            identity = self.state_id()
            self.number, self.upto = history_numbers(self._run, self.alias, identity)
            if self.number < NEWEST_HISTORY:
                raise _Old
            if (self.upto and self._state.take_for_new(self.upto)) or self.state_id() != identity:
                _, self.upto = history_numbers(self._run, self.alias, self.state_id())
        except BaseException:
            self._detach_now()
            raise

    def _attach_file(self, statement: str, limit_s: float | None = None) -> None:
        """ATTACH, waiting while a foreign program holds the file."""
        deadline = time.monotonic() + (self.limit_s if limit_s is None else limit_s)
        pause = 0.002
        while True:
            try:
                self._run(statement)
                return
            except Exception as error:
                if not faults.is_held(error) or isinstance(error, FaaslabError):
                    raise self.ours(error) from error
                ours = handles_of_this_process(self.path) > 0
                if ours or time.monotonic() > deadline:
                    pid = os.getpid() if ours else faults.holder_named_in(error) or holder_of(self.path)
                    raise faults.busy(self.path, pid) from None
            time.sleep(pause)
            pause = min(pause * 2, 0.1)

    def _detach(self) -> bool:
        """The last reader left. Whether it was detached.

        Closing the file would take away the lock of a connection that the user has on it in this process
        (it is the process's): then it stays attached until that one is gone.
        """
        if self._attached_epoch == INSTANCE.epoch and handles_of_this_process(self.path) > 1:
            return False
        self._detach_now()
        return True

    def _detach_now(self) -> None:
        with suppress(Exception):
            self._run(f"DETACH {self.quoted_alias()}")

    def _run(self, statement: str, parameters: list[Any] | None = None) -> Any:
        connection = self._connection()
        with INSTANCE.inside(connection):
            self._attached_epoch = INSTANCE.epoch
            return connection.execute(statement, parameters)

    def state_id(self) -> str:
        """Which outbox the marks of the file are about."""
        return str(self._state.one("SELECT value FROM marks WHERE name = 'id'")[0])

    def furthest(self) -> int:
        """The highest mark of any state, within `shared`: a state that was put back has a new name."""
        with self.cursor() as run:
            row = run(f"SELECT coalesce(max(upto), 0) FROM {self.quoted_alias()}.main.faaslab_merged")
            return int(row.fetchone()[0])

    # -- writing

    @contextmanager
    def exclusive(
        self, *, limit_s: float, foreign_limit_s: float | None = None, through: Any = None
    ) -> Iterator[Callable[..., Any]]:
        """Within the body nobody else has the file; gives `run(statement, parameters)` in ONE transaction.

        Committed when the body ends, undone when it raises. `through`: the cursor to run on. Raises
        `StoreBusy` when readers or another program do not leave in time.
        """
        with self._writable(limit_s, foreign_limit_s), self._transaction(through) as run:
            yield run

    @contextmanager
    def rewritten(self) -> Iterator[Callable[..., Any]]:
        """As `exclusive`, without a transaction, for writing the file anew."""
        with self._writable(self.limit_s, None), self.cursor() as run:
            yield run

    @contextmanager
    def _writable(self, limit_s: float, foreign_limit_s: float | None) -> Iterator[None]:
        """While a foreign program has the file, our readers are let in between the attempts."""
        self._state.require_in_place()
        deadline = time.monotonic() + (limit_s if foreign_limit_s is None else foreign_limit_s)
        while True:
            if self._gate.lingers and handles_of_this_process(self.path) > 1:
                raise faults.busy(self.path, os.getpid())
            with self._gate.exclusive(limit_s) as got:
                if not got:
                    raise StoreBusy(
                        f"{self.path} was being read for too long",
                        hint="try again when the long query is done",
                    )
                held = self._attach_to_write()
                if held is None:
                    try:
                        number = bring_history(self._run, self.alias)
                        if number > NEWEST_HISTORY:
                            raise too_new(self.path, number, NEWEST_HISTORY)
                        yield
                    except FaaslabError:
                        raise
                    except Exception as error:
                        raise self.ours(error) from error
                    finally:
                        self._detach_now()
                    return
            if time.monotonic() > deadline:
                raise held
            time.sleep(0.05)

    def _attach_to_write(self) -> StoreBusy | None:
        """None when it is attached; what is in the way when another program has it."""
        if handles_of_this_process(self.path):
            return faults.busy(self.path, os.getpid())
        place.require(self.path)
        self._state.require_in_place()  # it may have been moved while others had the file
        # Every DuckDB from 0.9 on opens that version. It sticks; a file that has another keeps it.
        is_new = not self.path.exists()
        version = ", STORAGE_VERSION 'v1.0.0'" if is_new else ""
        try:
            self._attach_file(
                f"ATTACH {literal(str(self.path))} AS {self.quoted_alias()} (TYPE duckdb{version})", 0.0
            )
        except StoreBusy as busy:
            return busy
        if is_new:
            with suppress(OSError):
                self.path.chmod(0o600)  # DuckDB takes no file that is made for it
        return None

    @contextmanager
    def _transaction(self, through: Any = None) -> Iterator[Callable[..., Any]]:
        connection = self._connection() if through is None else through
        with INSTANCE.inside(connection):
            connection.execute("BEGIN")
            try:
                yield connection.execute
                connection.execute("COMMIT")
            except BaseException:
                with suppress(Exception):
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def cursor(self) -> Iterator[Callable[..., Any]]:
        """`run(statement, parameters)` on a cursor of its own, while the file is attached."""
        cursor, epoch = INSTANCE.cursor()
        try:
            with INSTANCE.inside(cursor):
                yield cursor.execute
        finally:
            INSTANCE.release(cursor, epoch)

    def detach_for_good(self) -> None:
        """Close the file within `rewritten`, which must have been the last that was done there."""
        self._run(f"DETACH {self.quoted_alias()}")

    def migrate(self) -> None:
        """Make the file, or bring it to the newest schema."""
        with self.exclusive(limit_s=self.limit_s):
            pass

    def ours(self, error: BaseException) -> BaseException:
        """An error of DuckDB as ours."""
        return faults.ours(error, self.path)

    def close(self) -> None:
        """Detach when nobody reads, and let go of the locks."""
        self._gate.quiet(5.0)
        self._gate.close()
        if self._own is not None:
            INSTANCE.release(self._own, self._own_epoch)
            self._own = None


class _Old(Exception):
    """The file must be made or migrated before it is read."""
