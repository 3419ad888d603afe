"""Questions to history and outbox together: sessions, the Connection that is handed out, and its Results."""

from __future__ import annotations

import itertools
import re
import threading
import weakref
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from faaslab.errors import Closed, FaaslabError, RequestError, StoreError
from faaslab.store import forks, remedies
from faaslab.store.instance import INSTANCE
from faaslab.store.loading import Insert, Line, by_table, create_tables, load
from faaslab.store.migrations import quoted
from faaslab.store.schema import TABLES
from faaslab.store.views import NEWEST, VIEWS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    import pandas as pd

    from faaslab.clock import Clock
    from faaslab.store.history import History
    from faaslab.store.state import State

    Parameters = Sequence[Any] | Mapping[str, Any] | None

T = TypeVar("T")
_TABLES_OF_VIEW = {
    name: {table for table in TABLES if re.search(rf"\b(FROM|JOIN) {table}\b", text)}
    for name, text in VIEWS.items()
}
_RUNS = "workflow_executions"
_CLOSED, _REOPEN = "this connection is closed", "open another with store.connect()"
_NUMBERS = itertools.count(1)
_WORD = re.compile(r"\w+")
_QUESTION = re.compile(r"\s*\(?\s*(select|with|from|values|describe|show|explain|summarize)\b", re.IGNORECASE)


class Session:
    """A cursor with union views of its own over the history and its copy of the outbox above the mark."""

    anything_made = False
    """Whether anything but a question was run in this process: a view or a macro, perhaps."""

    def __init__(
        self,
        history: History,
        state: State,
        clock: Clock,
        running: Callable[[sqlite3.Connection], list[str]],
    ) -> None:
        """`running` gives the executions of workflows that have not ended, as rows in JSON."""
        self._history = history
        self._state = state
        self._clock = clock
        self._running = running
        self._lock = threading.RLock()
        self._cursor: Any = None
        self._epoch = -1
        self._schema = ""
        self._upto = -1
        self._seen = -1
        self._filled: set[str] = set()
        self._waiting: dict[str, list[Line]] = {}
        self._views = False
        self._shown: tuple[int, int] | None = None
        self._tables: dict[str, weakref.ref[Result]] = {}
        self.closed = False
        self.touched = False
        """Whether anything but a question was run in it, which may have left something behind."""

    def question(self, text: str, parameters: Parameters) -> Result:
        """Run `text` over everything that was acknowledged before; the rows are held in memory after."""
        with self._lock:
            if self.closed:
                raise Closed(_CLOSED, hint=_REOPEN)
            with self._history.shared():
                self._ready(text, parameters)
                with INSTANCE.inside(self._cursor):
                    # Again, and inside: who closes says so first, then interrupts who is inside.
                    if self.closed:
                        raise Closed(_CLOSED, hint=_REOPEN)
                    return self._materialised(text, parameters)

    @contextmanager
    def everything(self) -> Iterator[Any]:
        """Within the body the views hold every row as of now; gives the cursor that has them."""
        with self._lock, self._history.shared():
            self._ready("SELECT 1 FROM rejects", None, running=False)
            yield self._cursor

    def _ready(self, text: str, parameters: Parameters, *, running: bool = True) -> None:
        """Have a cursor, the views, and in their tail exactly the rows above the mark."""
        if self._cursor is None or self._epoch != INSTANCE.epoch:
            self._cursor, self._epoch = INSTANCE.cursor()
            self._views, self._shown, self._upto, self._seen = False, None, -1, -1
            self._filled, self._waiting, self._tables = set(), {}, {}
        with INSTANCE.inside(self._cursor):
            run = self._cursor.execute
            if not self._views:
                self._make_views(run)
            wanted = self._wanted(text, parameters)
            upto = self._history.upto
            if upto != self._upto:
                self._drop_merged(run, upto)
            self._fetch(run, running=running and _RUNS in wanted)
            self._fill(run, wanted)

    def _drop_merged(self, run: Callable[..., Any], upto: int) -> None:
        """The mark moved: what is below it is in the file now, what is above was parsed already."""
        if upto < self._upto:  # another file
            self._waiting, self._seen = {}, upto
        for table in self._filled:
            below = f" WHERE _seq <= {upto}" if upto > self._upto else ""
            run(f"DELETE FROM {self._schema}.{quoted(table)}{below}")
        for table, lines in self._waiting.items():
            self._waiting[table] = [line for line in lines if line.seq > upto]
        self._upto, self._seen, self._shown = upto, max(upto, self._seen), None

    def _fetch(self, run: Callable[..., Any], *, running: bool) -> None:
        """Take over the rows of the outbox that were not seen yet; beside them what runs at that moment."""
        with self._state.read() as connection:
            connection.execute("BEGIN")
            try:
                rows = connection.execute(
                    "SELECT seq, kind, body FROM outbox WHERE seq > ? ORDER BY seq", (self._seen,)
                ).fetchall()
                # A number that differs once anybody has written; asked within, it is that of what is read.
                moment = (id(connection), connection.execute("PRAGMA data_version").fetchone()[0])
                shown = self._running(connection) if running and moment != self._shown else None
            finally:
                connection.execute("COMMIT")
        if shown is not None or (self._shown and not running):
            run(f"DELETE FROM {self._schema}.{_RUNS} WHERE _seq = -1")
            lines = [Line(-1, "workflow", text) for text in shown or ()]
            load(Insert(run, self._schema, numbered=True), _RUNS, lines, self._clock.now())
            self._shown = moment if running else None
        if rows:
            self._seen = rows[-1][0]
            for table, lines in by_table(rows, self._clock.now()).items():
                self._waiting.setdefault(table, []).extend(lines)

    def _fill(self, run: Callable[..., Any], wanted: set[str]) -> None:
        """Parse what waits for the wanted tables; `rejects` come to light by parsing all."""
        if "rejects" in wanted:
            wanted = set(TABLES)
        insert = Insert(run, self._schema, numbered=True)
        for table in sorted(wanted & self._waiting.keys(), key=lambda name: name == "rejects"):
            lines = self._waiting.pop(table)
            self._filled.add(table)
            bad = load(insert, table, lines, self._clock.now())
            if bad:
                self._waiting.setdefault("rejects", []).extend(bad)
        if "rejects" in wanted and "rejects" in self._waiting:
            self._filled.add("rejects")
            load(insert, "rejects", self._waiting.pop("rejects"), self._clock.now())

    def _wanted(self, text: str, parameters: Parameters) -> set[str]:
        """The tables that may be asked for; all once anything was made that may ask them by another name.

        Parsing what is not wanted costs most of a question's time. Every word counts, also in a string.
        """
        if Session.anything_made or not _QUESTION.match(text):
            return set(TABLES)
        values = parameters.values() if isinstance(parameters, Mapping) else parameters or ()
        words = set(
            _WORD.findall(" ".join((text, *(value for value in values if isinstance(value, str)))).lower())
        )
        if "query" in words:
            return set(TABLES)
        found = words & TABLES.keys()
        for name in words & _TABLES_OF_VIEW.keys():
            found |= _TABLES_OF_VIEW[name]
        return found

    def _make_views(self, run: Callable[..., Any]) -> None:
        self._schema = f"outbox_{next(_NUMBERS)}"
        create_tables(run, self._schema, numbered=True)
        statements = []
        for table, columns in TABLES.items():
            names = ", ".join(map(quoted, columns))
            both = (
                f"SELECT {names} FROM {self._history.quoted_alias()}.main.{quoted(table)} "
                f"UNION ALL SELECT {names} FROM {self._schema}.{quoted(table)}"
            )
            if table == _RUNS:
                both = NEWEST.format(both=both)
            statements.append(f"CREATE TEMP VIEW {quoted(table)} AS {both}")
        statements += [f"CREATE TEMP VIEW {quoted(name)} AS {text}" for name, text in VIEWS.items()]
        run("; ".join(statements))
        self._views = True

    def _materialised(self, text: str, parameters: Parameters) -> Result:
        import duckdb

        if not _QUESTION.match(text):
            self.touched = Session.anything_made = True
        try:
            relation = self._cursor.sql(text, params=parameters) if parameters else self._cursor.sql(text)
            if relation is None:
                return Result(None, self)
            return self._held(relation)
        except duckdb.Error as error:
            self._end_transaction()
            raise self._said(error) from error

    def _held(self, relation: Any) -> Result:
        """The rows in memory."""
        if hasattr(type(relation), "materialize"):
            return Result(relation.materialize(), self)
        # DuckDB 1 forgets the rows of a relation when they were read once: they go to a table, for as long
        # as somebody has the Result.
        for name, held in list(self._tables.items()):
            if held() is None:
                self._cursor.execute(f"DROP TABLE IF EXISTS {name}")
                del self._tables[name]
        name = f"{self._schema}.result_{next(_NUMBERS)}"
        relation.create(name)
        result = Result(self._cursor.table(name), self)
        self._tables[name] = weakref.ref(result)
        return result

    def _said(self, error: Exception) -> BaseException:
        import duckdb

        if isinstance(error, (duckdb.IOException, duckdb.InternalException, duckdb.FatalException)):
            return self._history.ours(error)
        if isinstance(error, duckdb.InterruptException):
            return Closed("the query was interrupted: its store was closed")
        if isinstance(error, duckdb.OutOfMemoryException):
            return StoreError(str(error), hint="aggregate in SQL, or select fewer rows or columns")
        message = str(error).strip()
        missing = isinstance(error, (duckdb.BinderException, duckdb.CatalogException))
        return remedies.said(message, self._columns()) if missing else RequestError(message)

    def _columns(self) -> dict[str, list[str]]:
        """The columns of every table and view, by name."""
        found: dict[str, list[str]] = {}
        for name in (*TABLES, *VIEWS):
            found[name] = [row[0] for row in self._cursor.execute(f"DESCRIBE {quoted(name)}").fetchall()]
        return found

    def _end_transaction(self) -> None:
        import duckdb

        try:
            self._cursor.rollback()
        except duckdb.Error:
            return

    def of_result(self, fetch: Callable[[], T]) -> T:
        """Call `fetch`, which goes into DuckDB."""
        with self._lock, INSTANCE.inside(self._cursor):
            return fetch()

    def cursor_id(self) -> int:
        """What names its cursor to `Instance.interrupt`."""
        return id(self._cursor)

    def close(self) -> None:
        """Drop the tables and the cursor; may be called twice."""
        self.closed = True
        with self._lock:
            if self._cursor is not None and self._epoch == INSTANCE.epoch:
                try:
                    with INSTANCE.inside(self._cursor):
                        if self._views:
                            self._cursor.execute(f"DROP SCHEMA {self._schema} CASCADE")
                except FaaslabError:
                    pass
                INSTANCE.release(self._cursor, self._epoch)
            self._cursor = None


_SPARE = 4


class Sessions:
    """The sessions of one store: making one costs milliseconds, so some are kept for the next question."""

    fork_order = 40

    def __init__(self, make: Callable[[], Session]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._spare: list[Session] = []
        self._open: weakref.WeakSet[Session] = weakref.WeakSet()
        self._closed = False
        forks.register(self)

    def take(self) -> Session:
        """A session that nobody else has."""
        with self._lock:
            if self._closed:
                raise Closed(_CLOSED, hint=_REOPEN)
            session = self._spare.pop() if self._spare else self._make()
            self._open.add(session)
            return session

    def give_back(self, session: Session) -> None:
        """It is not used any more; may be called twice."""
        with self._lock:
            if session.closed or session in self._spare:
                return
            if not self._closed and not session.touched and len(self._spare) < _SPARE:
                self._spare.append(session)
                return
        session.close()

    def close(self) -> None:
        """Interrupt whoever asks, and close all."""
        with self._lock:
            self._closed = True
            sessions = list(self._open)
        for session in sessions:
            session.closed = True
        INSTANCE.expel({session.cursor_id() for session in sessions}, 10.0)
        for session in sessions:
            session.close()

    def before_fork(self) -> None:
        """Nothing: the history waits for who asks."""

    def after_fork(self, *, child: bool) -> None:
        """The threads of the parent, which may be at a session, are not in the child."""
        if child:
            self._lock = threading.Lock()
            self._spare = []
            self._open = weakref.WeakSet()


class Result:
    """The rows of one question, held in memory: later changes of the store do not touch them."""

    def __init__(self, relation: Any, session: Session) -> None:
        self._relation = relation
        self._session = session
        self._epoch = INSTANCE.epoch
        self._kept: _Kept | None = _Kept([], None, {}) if relation is None else None
        self._rows: Iterator[tuple[Any, ...]] | None = None
        self.columns: list[str] = [] if relation is None else list(relation.columns)
        """The names of the columns."""
        if relation is not None:
            INSTANCE.keep(self)

    def df(self) -> pd.DataFrame:
        """All rows as a pandas DataFrame; instants are naive UTC, DECIMAL becomes float."""
        import pandas as pd

        frame = self._session.of_result(lambda: self._kept.frame if self._kept else self._frame())
        return pd.DataFrame() if frame is None else pd.DataFrame(frame)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that were not fetched yet, as tuples."""
        return list(self)

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, or None."""
        return next(self._iterator(), None)

    def arrays(self) -> dict[str, Any]:
        """Column name -> NumPy array."""
        return self._session.of_result(
            lambda: self._kept.arrays if self._kept else self._alive().fetchnumpy()
        )

    def _iterator(self) -> Iterator[tuple[Any, ...]]:
        if self._rows is None:
            self._rows = iter(
                self._session.of_result(lambda: self._kept.rows if self._kept else self._alive().fetchall())
            )
        return self._rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._iterator()

    def _alive(self) -> Any:
        if self._epoch != INSTANCE.epoch:
            raise Closed("the result was not fetched before its store was closed", hint="ask again")
        return self._relation

    def _frame(self) -> Any:
        """A sum of BIGINT is a HUGEINT, which pandas has only as float: whole numbers that fit stay whole."""
        relation = self._alive()
        frame = relation.df()
        kinds = zip(self.columns, relation.types, strict=True)
        wide = [name for name, kind in kinds if str(kind) == "HUGEINT"]
        if not wide or len(set(self.columns)) < len(self.columns):
            return frame
        narrow = relation.project(
            ", ".join(f"TRY_CAST({quoted(name)} AS BIGINT) AS {quoted(name)}" for name in wide)
        ).df()
        for name in wide:
            if narrow[name].isna().sum() == frame[name].isna().sum():
                frame[name] = narrow[name]
        return frame

    def take_out(self) -> None:
        """Have everything outside DuckDB, which is about to be closed for a fork."""
        if self._kept is None and self._epoch == INSTANCE.epoch:
            self._kept = _Kept(self._relation.fetchall(), self._frame(), self._relation.fetchnumpy())


class _Kept(NamedTuple):
    rows: list[tuple[Any, ...]]
    frame: Any
    arrays: dict[str, Any]


class Connection:
    """What `store.connect()` gives: each `execute` sees everything that was acknowledged before it, once.

    Between two calls the history is not held open. Usable from several threads (one after the other; open a
    Connection a thread to ask at the same time). A context manager.
    """

    def __init__(self, session: Session, done: Callable[[Session], None], before: Callable[[], None]) -> None:
        self._session = session
        self._done = done
        self._before = before

    def execute(self, text: str, parameters: Parameters = None) -> Result:
        """Run SQL; `parameters` are a list for `?` and `$1`, a mapping for `$name`.

        Raises `RequestError` with DuckDB's words for wrong SQL, `StoreBusy` when another program holds the
        history for too long.
        """
        self._before()
        return self._session.question(text, parameters)

    def close(self) -> None:
        """End it; may be called twice."""
        self._done(self._session)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
